//! From the arguments to an exit code: 0 done, 1 failed, 2 cannot be meant.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::runtime::Runtime;

use super::args::{
    Cli, ClusterArgs, Cmd, DemoArgs, DemoFormat, DiagramArgs, ExplainArgs, Format, KubeconfigArgs,
    ListArgs, PoolsArgs, ProbeArgs, UpArgs, ViaArgs,
};
use super::background::{Detaching, run_in_background};
use super::console::Console;
use super::demo::{Narrator, has_display, tour};
use super::doctor::DoctorArgs;
use super::events::{Event, FaultJson};
use super::failure::{Failure, OutputClosed, Usage};
use super::forward_args::{ForwardArgs, ForwardPlan, Forwards};
use super::hosts::Hosts;
use super::hosts_args::HostsCmd;
use super::key::{KeyArgs, KeyCmd};
use super::session::{Dialog, Prompter, close, interrupted};
use super::source::{Meant, is_kubeconfig_here};
use super::target::ServiceTarget;
use super::terminal::Terminal;
use super::{
    RunningDemo, Wiring, diagram, doctor, explain, forward, hosts, key, kubeconfig, list, logging,
    pools, probe, up,
};
use crate::control::{Faces, Journal};
use crate::engine::{Handle, HostBook, Memory, checkup};
use crate::model::{ClusterSource, Command, HostProfile};

/// There is no saved host to choose, or none that would be the only one.
const NO_HOST: &str = "there is no SSH host to go through: name one with --host, a saved one by its name or [USER@]HOST[:PORT]";

/// Runs the program with this process's arguments.
#[must_use]
pub fn main(wiring: Wiring) -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::default();
    let (verbose, quiet) = match &cli.command {
        Some(Cmd::Forward(args)) => (args.verbose, args.quiet),
        _ => (0, false),
    };
    let journal = matches!(cli.command, None | Some(Cmd::Agent(_))).then(Journal::default);
    logging::start(verbose, journal.clone());
    let app = App {
        wiring,
        journal: journal.unwrap_or_default(),
        terminal: terminal.clone(),
        console: Console::of_process(quiet),
    };
    let result = match cli.command {
        None => app.window(&cli.start),
        Some(Cmd::Demo(args)) => app.demo(&args),
        Some(Cmd::List(args)) => app.list(&args),
        Some(Cmd::Explain(args)) => app.explain(&args),
        Some(Cmd::Pools(args)) => app.pools(&args),
        Some(Cmd::Diagram(args)) => app.diagram(&args),
        Some(Cmd::Probe(args)) => app.probe(&args),
        Some(Cmd::Up(args)) => app.up(&args),
        Some(Cmd::Doctor(args)) => app.doctor(&args),
        Some(Cmd::Key(args)) => app.key(&args),
        Some(Cmd::Kubeconfig(args)) => app.kubeconfig(&args),
        Some(Cmd::Hosts(args)) => app.hosts(args.command),
        Some(Cmd::Agent(args)) => app.agent(&args),
        Some(Cmd::Completions { shell }) => app.completions(shell),
        Some(Cmd::Man { command }) => app.man(command.as_deref()),
        Some(Cmd::Autostart(command)) => app.autostart(command),
        Some(
            command @ (Cmd::Down(_) | Cmd::Status(_) | Cmd::Window | Cmd::Quit | Cmd::Logs(_)),
        ) => app.remote(&command),
        Some(Cmd::Forward(args)) => app.forward(&args),
    };
    terminal.restore();
    result.unwrap_or_else(|error| exit_code(&error))
}

/// Says why, and with which code the process ends.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<OutputClosed>() {
        return ExitCode::SUCCESS;
    }
    // Not through the quiet console: the reason of a failure is always said.
    let mut console = Console::of_process(false);
    if let Some(Usage(problem)) = error.downcast_ref() {
        console.say(&format!("{problem} (`--help` shows what can be given)"));
        return ExitCode::from(2);
    }
    let words = match error.downcast_ref::<Failure>() {
        Some(failure) => failure.to_string(),
        None => format!("{error:#}"),
    };
    console.say(words.trim_end());
    ExitCode::FAILURE
}

/// The hosts of `--host` and `--fallback-host`.
#[derive(Default)]
pub(super) struct NamedHosts {
    pub(super) profiles: Vec<HostProfile>,
    /// The cluster that was saved with one of them.
    pub(super) cluster: Option<ClusterSource>,
}

impl NamedHosts {
    /// The host to go through.
    fn first(&self) -> Result<&HostProfile, Usage> {
        let first = self.profiles.first();
        first.ok_or_else(|| Usage(NO_HOST.to_owned()))
    }
}

/// The program, as it was started.
pub(super) struct App {
    pub(super) wiring: Wiring,
    pub(super) journal: Journal,
    pub(super) terminal: Terminal,
    pub(super) console: Console,
}

pub(super) type Outcome = anyhow::Result<ExitCode>;

impl App {
    fn list(self, args: &ListArgs) -> Outcome {
        let run = async |dialog: &mut Dialog, console: &mut Console| {
            list::run(dialog, args, console).await
        };
        self.ask_cluster(&args.cluster, &args.via, run)
    }

    fn explain(self, args: &ExplainArgs) -> Outcome {
        let run = async |dialog: &mut Dialog, console: &mut Console| {
            explain::run(dialog, args, console).await
        };
        self.ask_cluster(&args.cluster, &args.via, run)
    }

    fn pools(self, args: &PoolsArgs) -> Outcome {
        let run = async |dialog: &mut Dialog, console: &mut Console| {
            pools::run(dialog, args, console).await
        };
        self.ask_cluster(&args.cluster, &args.via, run)
    }

    fn diagram(self, args: &DiagramArgs) -> Outcome {
        let fonts = self.wiring.fonts;
        let run = async |dialog: &mut Dialog, console: &mut Console| {
            diagram::run(dialog, args, fonts, console).await
        };
        self.ask_cluster(&args.cluster, &args.via, run)
    }

    /// Runs a command that only reads the cluster.
    fn ask_cluster(
        mut self,
        cluster: &ClusterArgs,
        via: &ViaArgs,
        run: impl AsyncFnOnce(&mut Dialog, &mut Console) -> anyhow::Result<()>,
    ) -> Outcome {
        runtime()?.block_on(async {
            let interrupt = interrupted()?;
            let mut hosts = self.named_hosts(via).await?;
            if hosts.profiles.is_empty() && !cluster.is_given() && !is_kubeconfig_here() {
                hosts = self.only_saved_host().await?;
            }
            let handle = self.start(cluster, hosts)?;
            let dialog = self.dialog(handle, true, interrupt);
            self.converse(dialog, run).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn probe(mut self, args: &ProbeArgs) -> Outcome {
        runtime()?.block_on(async {
            let interrupt = interrupted()?;
            let hosts = self.named_or_saved(&args.via).await?;
            let profile = hosts.first()?.clone();
            let handle = if args.service.is_some() {
                self.start(&args.cluster, hosts)?
            } else {
                (self.wiring.start_engine)(Memory::Hosts)?
            };
            let dialog = self.dialog(handle, !profile.batch_mode, interrupt);
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                probe::run(dialog, args, profile, console).await
            };
            Ok(exit_of(self.converse(dialog, run).await?))
        })
    }

    /// `adit up` with an engine of its own, until Ctrl-C.
    pub(super) fn up_in_foreground(mut self, args: &UpArgs, target: &ServiceTarget) -> Outcome {
        runtime()?.block_on(async {
            let interrupt = interrupted()?;
            let hosts = self.named_or_saved(&args.via).await?;
            let host = hosts.first()?.id.clone();
            let handle = self.start(&args.cluster, hosts)?;
            let dialog = self.dialog(handle, true, interrupt);
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                up::run(dialog, up::Wanted { args, target, host }, console).await
            };
            self.converse(dialog, run).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn doctor(mut self, args: &DoctorArgs) -> Outcome {
        let runtime = runtime()?;
        let checks = runtime.block_on(checkup(args.options()));
        let fine = doctor::print(&checks, args.output, &mut self.console)?;
        Ok(exit_of(fine))
    }

    fn key(mut self, args: &KeyArgs) -> Outcome {
        let KeyCmd::Check(args) = &args.command;
        runtime()?.block_on(async {
            let interrupt = interrupted()?;
            let handle = (self.wiring.start_engine)(Memory::Nothing)?;
            let dialog = self.dialog(handle, true, interrupt);
            let terminal = self.terminal.clone();
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                key::run(dialog, args, &terminal, console).await
            };
            self.converse(dialog, run).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn kubeconfig(mut self, args: &KubeconfigArgs) -> Outcome {
        runtime()?.block_on(async {
            let interrupt = interrupted()?;
            let hosts = self.named_or_saved(&args.via).await?;
            let host = hosts.first()?.id.clone();
            let mut meant = args.cluster.meant(Some(&host)).map_err(Usage)?;
            meant.source.through = Some(host.clone());
            let handle = self.start_with(meant, hosts.profiles)?;
            let dialog = self.dialog(handle, true, interrupt);
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                kubeconfig::run(dialog, args, host, console).await
            };
            self.converse(dialog, run).await
        })
    }

    fn forward(mut self, args: &ForwardArgs) -> Outcome {
        let mut plan = args.plan().map_err(Usage)?;
        if args.print {
            self.fill_in_saved(&mut plan.host)?;
            let text = (self.wiring.print_host)(&plan.host)?;
            self.console.text(text.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        if args.background && !args.detached {
            return run_in_background();
        }
        let json = args.json;
        let result = self.forward_in_foreground(args, plan);
        if let Err(error) = &result
            && json
            && !error.is::<Usage>()
            && !error.is::<OutputClosed>()
            && !error.is::<forward::ToldInJson>()
        {
            let failure = match error.downcast_ref::<Failure>() {
                Some(failure) => failure.clone(),
                None => Failure::new("failed", format!("{error:#}"), ""),
            };
            let fault = FaultJson::from(&failure);
            self.console.json(
                &Event::Failed {
                    forward: None,
                    fault,
                }
                .line()?,
            )?;
        }
        result.map(|()| ExitCode::SUCCESS)
    }

    fn forward_in_foreground(
        &mut self,
        args: &ForwardArgs,
        mut plan: ForwardPlan,
    ) -> anyhow::Result<()> {
        let saved = self.fill_in_saved(&mut plan.host)?;
        let mut resolved = (self.wiring.host_profile)(&plan.host)?;
        if let Some(saved) = saved {
            saved.lead(&mut resolved.profile);
        }
        let forwards = Forwards::of(&resolved).map_err(Usage)?;
        for note in plan.notes.iter().chain(&resolved.notes) {
            self.console.say(note);
        }
        runtime()?.block_on(async {
            let handle = (self.wiring.start_engine)(Memory::Hosts)?;
            let host = resolved.profile.id.clone();
            let may_ask = !resolved.profile.batch_mode;
            handle.send(Command::AddHost(Box::new(resolved.profile)));
            let dialog = self.dialog(handle, may_ask, interrupted()?);
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                let output = forward::Output {
                    console,
                    json: args.json,
                    detaching: args.detached.then(|| Detaching::new(args.verbose > 0)),
                };
                forward::run(dialog, &forwards, &host, output).await
            };
            self.converse(dialog, run).await
        })
    }

    fn demo(mut self, args: &DemoArgs) -> Outcome {
        let runtime = runtime()?;
        let demo = runtime
            .block_on((self.wiring.start_demo)())
            .context("the demo's world cannot be started")?;
        let displayed = has_display();
        if !args.headless && !args.serve && displayed {
            return self.demo_window(&runtime, &demo);
        }
        if !args.headless && !args.serve {
            self.console
                .say("there is no display, so this goes on without a window (as with --headless)");
        }
        runtime.block_on(self.demo_headless(args, &demo))?;
        Ok(ExitCode::SUCCESS)
    }

    fn demo_window(&self, runtime: &Runtime, demo: &RunningDemo) -> Outcome {
        let _within = runtime.enter();
        let mut handle = (self.wiring.start_engine)(Memory::Nothing)?;
        demo.access.introduce(&handle);
        let closed = (self.wiring.open_window)(handle.clone(), &Faces::default());
        runtime.block_on(close(&mut handle));
        closed.map(|()| ExitCode::SUCCESS)
    }

    async fn demo_headless(&mut self, args: &DemoArgs, demo: &RunningDemo) -> anyhow::Result<()> {
        let interrupt = interrupted()?;
        let json = args.output == DemoFormat::Json;
        if args.serve && json {
            self.console.json(&demo.access.json()?)?;
        }
        if args.headless || !args.serve {
            let handle = (self.wiring.start_engine)(Memory::Nothing)?;
            demo.access.introduce(&handle);
            let dialog = self.dialog(handle, false, interrupted()?);
            let diagram = self.wiring.diagram;
            let run = async |dialog: &mut Dialog, console: &mut Console| {
                let mut narrator = Narrator {
                    console,
                    on_stderr: json,
                };
                tour(dialog, diagram, &mut narrator).await
            };
            self.converse(dialog, run).await?;
        }
        if args.serve {
            if !json {
                self.console.text(&demo.access.words())?;
            }
            interrupt.await;
        }
        Ok(())
    }

    fn hosts(mut self, command: HostsCmd) -> Outcome {
        let runtime = runtime()?;
        runtime.block_on(async {
            let interrupt = interrupted()?;
            if let HostsCmd::Test { name, output } = &command {
                return self.test_host(name, *output, interrupt).await;
            }
            let ssh_hosts = self.wiring.ssh_hosts;
            let mut hosts = Hosts {
                book: HostBook::of_environment(),
                console: &mut self.console,
            };
            // A keyring that asks for its password is not waited for any longer than the person likes.
            tokio::select! {
                result = hosts.run(command, ssh_hosts) => result.map(|()| ExitCode::SUCCESS),
                () = interrupt => Err(Failure::new("interrupted", "interrupted", "").into()),
            }
        })
    }

    async fn test_host(
        &mut self,
        name: &str,
        format: Format,
        interrupt: impl Future<Output = ()> + Send + 'static,
    ) -> Outcome {
        let Some(known) = self.saved_host(name).await? else {
            return Err(hosts::no_such_host(name).into());
        };
        let handle = (self.wiring.start_engine)(Memory::Hosts)?;
        let dialog = self.dialog(handle, true, interrupt);
        let run = async |dialog: &mut Dialog, console: &mut Console| {
            probe::run_host(dialog, known.profile, format, console).await
        };
        Ok(exit_of(self.converse(dialog, run).await?))
    }

    /// Starts the engine and tells it of the hosts and the cluster.
    fn start(&mut self, cluster: &ClusterArgs, hosts: NamedHosts) -> anyhow::Result<Handle> {
        let meant = match hosts.cluster {
            Some(source) if !cluster.is_given() => Meant { source, note: None },
            _ => {
                let first = hosts.profiles.first().map(|profile| &profile.id);
                cluster.meant(first).map_err(Usage)?
            }
        };
        self.start_with(meant, hosts.profiles)
    }

    fn start_with(&mut self, meant: Meant, hosts: Vec<HostProfile>) -> anyhow::Result<Handle> {
        if let Some(note) = &meant.note {
            self.console.say(note);
        }
        let handle = (self.wiring.start_engine)(Memory::Hosts)?;
        let candidates = hosts.iter().map(|profile| profile.id.clone()).collect();
        for profile in hosts {
            handle.send(Command::AddHost(Box::new(profile)));
        }
        handle.send(Command::SetCandidates(candidates));
        handle.send(Command::UseCluster(meant.source));
        Ok(handle)
    }

    /// A dialog with the engine of `handle`, in which the terminal answers, if it may be asked.
    fn dialog(
        &self,
        handle: Handle,
        may_ask: bool,
        interrupt: impl Future<Output = ()> + Send + 'static,
    ) -> Dialog {
        let prompter = if may_ask {
            let terminal = self.terminal.clone();
            Prompter::new(handle.clone(), move |prompt, keyring| {
                terminal.ask(prompt, keyring)
            })
        } else {
            Prompter::silent(handle.clone())
        };
        Dialog::new(handle, prompter, interrupt)
    }

    /// Runs a command, and closes its engine whatever comes of it.
    async fn converse<T>(
        &mut self,
        mut dialog: Dialog,
        run: impl AsyncFnOnce(&mut Dialog, &mut Console) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let result = run(&mut dialog, &mut self.console).await;
        dialog.close().await;
        result
    }
}

/// Of a probe or a checkup: whether all is well.
const fn exit_of(is_well: bool) -> ExitCode {
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

pub(super) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")
}

pub(super) fn need_display(what: &str, instead: &str) -> anyhow::Result<()> {
    if has_display() {
        return Ok(());
    }
    Err(Failure::new(
        "no-display",
        format!("there is no display for {what} (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
        instead,
    )
    .into())
}
