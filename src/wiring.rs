//! The ways from the command line to the other layers. This is the one place that sees them all.

use std::path::PathBuf;

use adit::cli::{ConfigFile, DemoAccess, HostQuery, ResolvedHost, RunningDemo, Wiring};
use adit::demo::{DemoOptions, DemoWorld};
use adit::diagram;
use adit::engine::{self, Handle};
use adit::model::{Snapshot, TunnelId};
use adit::ssh::config::{self, Argument, Environment, LocalSystem, Query};
use adit::ui::{self, WindowOptions};
use futures::future::BoxFuture;

/// Everything that the command line may reach.
pub(crate) fn wiring() -> Wiring {
    Wiring {
        start_engine: || Ok(engine::start()),
        open_window,
        start_demo,
        host_profile,
        diagram: draw,
    }
}

fn open_window(engine: Handle) -> anyhow::Result<()> {
    let options = WindowOptions {
        fallback_fonts: fallback_fonts(),
    };
    // eframe's error holds pointers of the window system's and stays on this thread.
    ui::run(engine, options).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Fonts with Hangul in the places where systems keep them; the built-in ones have none.
fn fallback_fonts() -> Vec<Vec<u8>> {
    const PLACES: [&str; 6] = [
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
        "/usr/share/fonts/truetype/unfonts-core/UnDotum.ttf",
        "/System/Library/Fonts/AppleSDGothicNeo.ttc",
        "C:\\Windows\\Fonts\\malgun.ttf",
    ];
    PLACES
        .iter()
        .find_map(|place| std::fs::read(place).ok())
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
    let options = query
        .options
        .iter()
        .map(|(key, value)| Argument::Option(format!("{key}={value}")));
    let query = Query {
        file: match &query.config {
            ConfigFile::Default => config::ConfigFile::Default,
            ConfigFile::None => config::ConfigFile::None,
            ConfigFile::File(path) => config::ConfigFile::File(PathBuf::from(path)),
        },
        ..Query::new(&query.host)?.with(options)
    };
    let resolved = config::resolve(&query, &environment, &mut system)?;
    let profile = config::profile(&resolved, &environment, &mut system)?;
    let notes = resolved
        .unsupported
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(ResolvedHost { profile, notes })
}

fn draw(snapshot: &Snapshot, tunnel: &TunnelId) -> String {
    diagram::of_tunnel(snapshot, tunnel)
        .map(|graph| diagram::text::render(&graph))
        .unwrap_or_default()
}
