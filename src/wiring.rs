//! The ways from the command line to the other layers. This is the one place that sees them all.

mod dialogs;

use std::path::{Path, PathBuf};

use adit::cli::{
    ConfigFile, DemoAccess, Failure, HostOption, HostQuery, ResolvedHost, RunningDemo, Usage,
    Wiring,
};
use adit::control::Faces;
use adit::demo::{DemoOptions, DemoWorld};
use adit::diagram;
use adit::engine::{self, EngineOptions, Handle};
use adit::l10n::Lang;
use adit::model::{Fault, Hop, HostProfile, Snapshot, TunnelId};
use adit::ssh::config::{
    self, Argument, ConfigError, Environment, LocalSystem, Origin, Query, Resolved,
};
use adit::ssh::key_file;
use adit::tray;
use adit::ui::{self, Tools, UiError, WindowOptions};
use futures::future::BoxFuture;

/// Everything that the command line may reach.
pub(crate) fn wiring() -> Wiring {
    Wiring {
        start_engine: |memory| Ok(engine::start_with(EngineOptions::of_environment(memory))),
        open_window,
        start_companions: |engine, faces| tray::start(engine, faces, system_language()),
        notify: tray::tell,
        start_demo,
        host_profile,
        ssh_hosts,
        print_host,
        fonts: fallback_fonts,
        diagram: draw,
    }
}

fn open_window(engine: Handle, faces: &Faces) -> anyhow::Result<()> {
    let options = WindowOptions {
        fallback_fonts: fallback_fonts(),
        system_language: system_language(),
        tools: Tools {
            pick_file: Some(dialogs::pick_key),
            open_demo: Some(open_demo),
            save_drawing: Some(dialogs::save_drawing),
        },
    };
    ui::run(engine, options, faces).map_err(|error| match error {
        UiError::Broke(broke) => broke.into(),
        // eframe's error holds pointers of the window system's and stays on this thread.
        error @ UiError::Window(_) => anyhow::anyhow!("{error}"),
    })
}

fn system_language() -> Lang {
    Lang::of_locales(sys_locale::get_locales())
}

/// The demo is a process of its own, so that nothing of it mixes with the person's hosts.
fn open_demo() {
    let started = std::env::current_exe()
        .and_then(|program| std::process::Command::new(program).arg("demo").spawn());
    match started {
        // Its end is waited for, so that it leaves nothing behind.
        Ok(mut demo) => drop(std::thread::spawn(move || demo.wait())),
        Err(error) => tracing::warn!(%error, "the demo cannot be started"),
    }
}

/// A font with Han and kana from where systems keep one; the built-in fonts have all else. Such a font takes tens of megabytes of
/// memory, so it is read only for those whose locales say that they may need it.
fn fallback_fonts() -> Vec<Vec<u8>> {
    const PLACES: [&str; 7] = [
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
        "/System/Library/Fonts/Hiragino Sans GB.ttc",
        "/System/Library/Fonts/PingFang.ttc",
        "C:\\Windows\\Fonts\\msyh.ttc",
        "C:\\Windows\\Fonts\\YuGothR.ttc",
    ];
    let needs_one = |locale: &str| ["ja", "zh"].iter().any(|script| locale.starts_with(script));
    if !sys_locale::get_locales().any(|locale| needs_one(&locale)) {
        return Vec::new();
    }
    // What is no font would make the window panic.
    let is_font = |bytes: &Vec<u8>| ttf_parser::Face::parse(bytes, 0).is_ok();
    PLACES
        .iter()
        .filter_map(|place| std::fs::read(place).ok())
        .find(is_font)
        .into_iter()
        .collect()
}

fn start_demo() -> BoxFuture<'static, anyhow::Result<RunningDemo>> {
    Box::pin(async {
        let world = DemoWorld::start(DemoOptions::default()).await?;
        let access = world.access();
        let access = DemoAccess {
            kubeconfig: access.kubeconfig.clone(),
            context: access.context.clone(),
            ssh_host: access.ssh_host.clone(),
            ssh_port: access.ssh_port,
            ssh_user: access.ssh_user.clone(),
            identity: access.identity.clone(),
            known_hosts: access.known_hosts.clone(),
        };
        Ok(RunningDemo {
            access,
            world: Box::new(world),
        })
    })
}

/// Resolves a host as `ssh` would: by the command line, then by ssh_config.
fn host_profile(query: &HostQuery) -> anyhow::Result<ResolvedHost> {
    let environment = Environment::of_this_computer();
    let mut system = LocalSystem;
    let resolved = resolve(query, &environment, &mut system)?;
    let profile = config::profile(&resolved, &environment, &mut system).map_err(config_failure)?;
    let named = query.identities().filter(|path| *path != "none").count();
    check_identities(&profile, named)?;
    let forwards = resolved.forwards();
    let mut notes: Vec<String> = resolved
        .unsupported
        .iter()
        .map(ToString::to_string)
        .collect();
    notes.extend(forwards.unsupported.iter().map(|forward| {
        let keyword = match forward.connect {
            Some(_) => "LocalForward",
            None => "DynamicForward",
        };
        format!("{keyword} {forward} is not honoured: Adit listens on addresses, not on names")
    }));
    let unnamed = profile.identities.get(named..).unwrap_or_default();
    notes.extend(unnamed.iter().filter_map(|path| skipped_note(path)));
    Ok(ResolvedHost {
        forwards: forwards.local,
        dynamic: forwards.dynamic,
        exit_on_forward_failure: resolved.exit_on_forward_failure,
        profile,
        notes,
    })
}

/// The hosts of the person's own ssh_config.
fn ssh_hosts() -> anyhow::Result<Vec<String>> {
    let environment = Environment::of_this_computer();
    config::aliases(&environment, &mut LocalSystem).map_err(config_failure)
}

/// Prints how a host is resolved, as `ssh -G` does.
fn print_host(query: &HostQuery) -> anyhow::Result<String> {
    let environment = Environment::of_this_computer();
    let resolved = resolve(query, &environment, &mut LocalSystem)?;
    Ok(resolved.print())
}

fn resolve(
    query: &HostQuery,
    environment: &Environment,
    system: &mut LocalSystem,
) -> anyhow::Result<Resolved> {
    let arguments = query.options.iter().map(|option| match option.clone() {
        HostOption::Option(text) => Argument::Option(text),
        HostOption::User(user) => Argument::User(user),
        HostOption::Port(port) => Argument::Port(port.to_string()),
        HostOption::Jump(hosts) => Argument::Jump(hosts),
        HostOption::Identity(path) => Argument::Identity(path),
        HostOption::LocalForward(text) => Argument::LocalForward(text),
        HostOption::DynamicForward(text) => Argument::DynamicForward(text),
    });
    let query = Query {
        host: query.host.clone(),
        file: match &query.config {
            ConfigFile::Default => config::ConfigFile::Default,
            ConfigFile::None => config::ConfigFile::None,
            ConfigFile::File(path) => config::ConfigFile::File(PathBuf::from(path)),
        },
        ..Query::default()
    };
    let query = query.with(arguments);
    config::resolve(&query, environment, system).map_err(config_failure)
}

/// What was typed wrongly is a matter of usage, what a file has wrongly is not.
fn config_failure(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::Line {
            origin: Origin::CommandLine,
            problem,
        } => Usage(problem.to_string()).into(),
        error @ ConfigError::Destination(_) => Usage(error.to_string()).into(),
        error @ ConfigError::Refused { .. } => {
            let next = "Ask whoever keeps that file, or read another one with -F.";
            Failure::new("config", error.to_string(), next).into()
        }
        error => Failure::new("config", error.to_string(), "Correct it and try again.").into(),
    }
}

/// The keys that were named on the command line, which come first, are read before anything is dialled: a wrong path shows
/// at once, not as a refused login.
fn check_identities(profile: &HostProfile, named: usize) -> anyhow::Result<()> {
    for path in profile.identities.iter().take(named) {
        if let Err(error) = key_file::inspect(path)
            && !(profile.use_agent && stands_for_agent_key(path))
        {
            let fault = Fault {
                hop: Hop::Ssh(profile.login()),
                cause: error.cause(),
            };
            return Err(Failure::from(&fault).into());
        }
    }
    Ok(())
}

/// A line about a key file of ssh_config that cannot be used: if another way to log in works, nothing else tells of it.
fn skipped_note(path: &Path) -> Option<String> {
    let error = key_file::inspect(path).err()?;
    (!stands_for_agent_key(path)).then(|| format!("IdentityFile {error}; it is skipped"))
}

/// Whether a file without a private key of its own may stand for one in the agent: ssh takes public keys so, too.
fn stands_for_agent_key(path: &Path) -> bool {
    key_file::public_half(path).is_some()
}

fn draw(snapshot: &Snapshot, tunnel: &TunnelId) -> String {
    diagram::of_tunnel(snapshot, tunnel)
        .map(|graph| diagram::text::render(&graph))
        .unwrap_or_default()
}
