//! The commands about the running instance, from arguments to what is done.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::args::{Cli, Cmd, UpArgs};
use super::demo::has_display;
use super::failure::{Failure, Usage};
use super::host_query::HostQuery;
use super::instance::{self, Mode, Start};
use super::remote_args::{AgentArgs, AutostartCmd, StartArgs};
use super::run::{App, Outcome, need_display, runtime};
use super::session::interrupted;
use super::{Wiring, remote, remote_up};
use crate::control::{Autostart, Refusal, Via};
use crate::model::HostProfile;

impl App {
    /// `adit`.
    pub(super) fn window(self, args: &StartArgs) -> Outcome {
        need_display(
            "the window",
            "`adit agent` runs without, and `adit list`, `adit up` and `adit forward` need none.",
        )?;
        self.be_instance(Mode::Window, args)
    }

    /// `adit agent`.
    pub(super) fn agent(self, args: &AgentArgs) -> Outcome {
        if args.detached {
            detach();
        }
        self.be_instance(Mode::Agent, &args.start)
    }

    fn be_instance(mut self, mode: Mode, args: &StartArgs) -> Outcome {
        let runtime = runtime()?;
        let named = runtime.block_on(self.named_hosts(&args.via))?;
        let hosts = named.profiles;
        let first = hosts.first().map(|profile| &profile.id);
        let cluster = match remote::cluster(&args.cluster)? {
            Some(_named) => Some(args.cluster.meant(first).map_err(Usage)?.source),
            None => named.cluster,
        };
        let wiring = self.wiring;
        let start = Start {
            mode,
            has_display: has_display(),
            cluster,
            hosts,
            journal: self.journal,
            host_profile: Box::new(move |via| profile(&wiring, via)),
        };
        instance::run(wiring, &runtime, &mut self.console, start)
    }

    /// `adit up`: by the running instance where it can, and in the foreground where a host or a cluster of its own was named.
    pub(super) fn up(mut self, args: &UpArgs) -> Outcome {
        let is_own = args.via.host.is_some()
            || args.cluster.kubeconfig.is_some()
            || args.cluster.context.is_some();
        if let (Some(target), false, true) = (&args.service, args.background, is_own) {
            return self.up_in_foreground(args, target);
        }
        let runtime = runtime()?;
        let handed_over = runtime.block_on(async {
            let interrupt = interrupted()?;
            let client = match remote::find().await? {
                Some(client) => client,
                None if args.background => remote::start_in_background().await?,
                None => return Ok(false),
            };
            let request = remote::up_request(args)?;
            let terminal = self.terminal.clone();
            remote_up::run(client, request, &mut self.console, terminal, interrupt).await?;
            anyhow::Ok(true)
        })?;
        match &args.service {
            _ if handed_over => Ok(ExitCode::SUCCESS),
            Some(target) => self.up_in_foreground(args, target),
            None => Err(Failure::new(
                "no-instance",
                "no Adit is running",
                "`adit up -b --all` starts one in the background.",
            )
            .into()),
        }
    }

    /// The commands that only talk to the running instance.
    pub(super) fn remote(mut self, command: &Cmd) -> Outcome {
        let runtime = runtime()?;
        let console = &mut self.console;
        runtime.block_on(async {
            let interrupt = interrupted()?;
            match command {
                Cmd::Down(args) => remote::down(args, console).await,
                Cmd::Status(args) => remote::status(args, console, interrupt).await,
                Cmd::Window => remote::window().await,
                Cmd::Quit => remote::quit(console).await,
                Cmd::Logs(args) => remote::logs(args, console, interrupt).await,
                _ => Ok(()),
            }
        })?;
        Ok(ExitCode::SUCCESS)
    }

    /// `adit autostart`.
    pub(super) fn autostart(mut self, command: AutostartCmd) -> Outcome {
        let autostart = Autostart::of_this_program()?;
        let on = match command {
            AutostartCmd::Status => {
                let state = if autostart.is_on()? { "on" } else { "off" };
                self.console.data(state)?;
                self.console.say(&format!("kept in {}", autostart.place()));
                return Ok(ExitCode::SUCCESS);
            }
            AutostartCmd::On => true,
            AutostartCmd::Off => false,
        };
        autostart.set(on)?;
        runtime()?.block_on(remote::tell_autostart(on))?;
        self.console.say(if on {
            "Adit starts when you log in, without its window; `adit autostart off` undoes it"
        } else {
            "Adit does not start when you log in"
        });
        Ok(ExitCode::SUCCESS)
    }

    /// `adit completions`.
    pub(super) fn completions(mut self, shell: clap_complete::Shell) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "adit", &mut text);
        self.console.text(&String::from_utf8_lossy(&text))?;
        Ok(ExitCode::SUCCESS)
    }

    /// `adit man`.
    pub(super) fn man(mut self, command: Option<&str>) -> Outcome {
        let mut program = Cli::command();
        program.build();
        let page = match command {
            None => program,
            Some(name) => {
                let found = program.find_subcommand(name).cloned();
                let found = found.ok_or_else(|| Usage(format!("there is no command '{name}'")))?;
                found.name(format!("adit-{name}")).disable_help_flag(true)
            }
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text)?;
        self.console.text(&String::from_utf8_lossy(&text))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The profile of a host that another program has named.
fn profile(wiring: &Wiring, via: &Via) -> Result<HostProfile, Refusal> {
    let bad = |error: String| Refusal::new("usage", error, "");
    let args = super::args::ViaArgs {
        host: Some(via.host.clone()),
        identity: via.identity.clone(),
        ..super::args::ViaArgs::default()
    };
    let query = HostQuery::of_via(&args).map_err(bad)?;
    let query = query.ok_or_else(|| bad("no host was named".to_owned()))?;
    match (wiring.host_profile)(&query) {
        Ok(resolved) => Ok(resolved.profile),
        Err(error) => Err(match error.downcast_ref::<Failure>() {
            Some(failure) => {
                Refusal::new(failure.code, failure.what.as_str(), failure.next.as_str())
            }
            None => bad(format!("{error:#}")),
        }),
    }
}

/// Leaves the session of the terminal, so that its end is not this process's. Where that is not possible it is one already.
fn detach() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!("this process leads a session already: {error}");
    }
}
