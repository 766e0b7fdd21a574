//! `adit kubeconfig`: kubectl and its kind, through SSH. A port of this computer leads to the API server; a kubeconfig leads
//! there, and still has the server's certificate checked against its own name.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command as Process;

use super::args::KubeconfigArgs;
use super::console::Console;
use super::failure::Failure;
use super::session::{Dialog, End};
use super::up::engine_ended;
use super::words::Words;
use crate::model::{
    ClusterFault, ClusterState, Command, Destination, HostId, Intent, LocalBind, Secret, Snapshot,
    Target, TunnelId, TunnelSpec, TunnelState, TunnelStatus,
};

/// How long reading the kubeconfig once more may take.
const EXPORT_LIMIT: Duration = Duration::from_secs(30);

/// The port of this computer that is tried first.
const PREFERRED_PORT: u16 = 6443;

/// Opens the port, and prints the kubeconfig or runs the command with it.
///
/// # Errors
/// A failure where there is no way to the API server.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &KubeconfigArgs,
    host: HostId,
    console: &mut Console,
) -> anyhow::Result<ExitCode> {
    let Some(server) = api_server(dialog, console).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let id = open(dialog, args, host, server);
    let mut port = Port {
        id,
        console,
        words: Words::default(),
    };
    let Some(local) = port.wait(dialog).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let kubeconfig = export(dialog, local).await?;
    if let Some((program, rest)) = args.command.split_first() {
        let private = PrivateFile::new(&kubeconfig)?;
        drop(kubeconfig);
        let mut process = Process::new(program);
        process
            .args(rest)
            .env("KUBECONFIG", &private.path)
            .stdin(Stdio::inherit())
            .kill_on_drop(true);
        return port.carry(dialog, process).await;
    }
    port.console.text(kubeconfig.expose())?;
    drop(kubeconfig);
    port.console.say(&format!(
        "{local} leads to the API server for as long as this runs; Ctrl-C ends it"
    ));
    has_engine(dialog.follow(port.watch()).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// The API server's address as seen from the host; none where the person has had enough.
async fn api_server(
    dialog: &mut Dialog,
    console: &mut Console,
) -> anyhow::Result<Option<Destination>> {
    let mut server = None;
    let mut told: Option<ClusterFault> = None;
    let look = |snapshot: &Arc<Snapshot>| {
        match &snapshot.cluster.state {
            ClusterState::Failed(fault) => return Err(Failure::from(fault).into()),
            ClusterState::Stale(fault) if told.as_ref() != Some(fault) => {
                let words = fault.message.to_string();
                let words = words.trim_end_matches('.');
                console.say(&format!("{words} (trying again)"));
                told = Some(fault.clone());
            }
            _ => {}
        }
        server.clone_from(&snapshot.cluster.server);
        Ok(match server {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    };
    let end = dialog.follow(look).await?;
    match (server, end) {
        (Some(url), _) => Ok(Some(destination(&url)?)),
        (None, End::EngineEnded) => Err(engine_ended().into()),
        (None, _) => Ok(None),
    }
}

/// What a URL like `https://10.0.0.5:6443` dials.
fn destination(url: &str) -> anyhow::Result<Destination> {
    let uri: http::Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    let host = uri.host().with_context(|| format!("{url} names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    Ok(Destination::tcp(host, uri.port_u16().unwrap_or(usual)))
}

fn open(dialog: &Dialog, args: &KubeconfigArgs, host: HostId, server: Destination) -> TunnelId {
    let id = TunnelId::Forward(0);
    let preferred = LocalBind::Automatic {
        preferred: PREFERRED_PORT,
    };
    dialog.send(Command::AddTunnel(TunnelSpec {
        id: id.clone(),
        host,
        local: args.local.clone().unwrap_or(preferred),
        target: Target::Fixed(server),
    }));
    dialog.send(Command::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    });
    id
}

/// The kubeconfig that leads to `local`.
async fn export(dialog: &Dialog, local: SocketAddr) -> anyhow::Result<Secret> {
    let (reply, answer) = sync_channel(1);
    dialog.send(Command::ExportKubeconfig { local, reply });
    let answer = tokio::task::spawn_blocking(move || answer.recv_timeout(EXPORT_LIMIT)).await?;
    let answer = answer.context("the kubeconfig was not read in time")?;
    Ok(answer.map_err(|fault| Failure::from(&fault))?)
}

/// The port that leads to the API server.
struct Port<'a> {
    id: TunnelId,
    console: &'a mut Console,
    words: Words,
}

impl Port<'_> {
    /// The address, once it is open; none where the person has had enough.
    async fn wait(&mut self, dialog: &mut Dialog) -> anyhow::Result<Option<SocketAddr>> {
        let mut local = None;
        let look = |snapshot: &Arc<Snapshot>| {
            let status = self.look(snapshot)?;
            local = status
                .filter(|status| matches!(status.state, TunnelState::Open { .. }))
                .and_then(|status| status.local_address());
            Ok(match local {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            })
        };
        match dialog.follow(look).await? {
            End::EngineEnded => Err(engine_ended().into()),
            End::Enough | End::Interrupted => Ok(local),
        }
    }

    /// Says what happens to the port, for as long as it is asked.
    fn watch(&mut self) -> impl FnMut(&Arc<Snapshot>) -> anyhow::Result<ControlFlow<()>> {
        |snapshot| {
            self.look(snapshot)?;
            Ok(ControlFlow::Continue(()))
        }
    }

    /// Keeps the port while the program runs. Ctrl-C is the program's own: the terminal sends it to both, and when it has
    /// ended this ends.
    async fn carry(
        &mut self,
        dialog: &mut Dialog,
        mut process: Process,
    ) -> anyhow::Result<ExitCode> {
        let mut child = process.spawn().map_err(|error| {
            let program = process.as_std().get_program().to_string_lossy();
            Failure::new(
                "command",
                format!("{program} cannot be run: {error}"),
                "Check its name and that it is installed.",
            )
        })?;
        let mut status = None;
        let ended = async { status = Some(child.wait().await) };
        has_engine(dialog.follow_until(ended, self.watch()).await?)?;
        let status = status.context("the command was left behind")??;
        Ok(exit_code(status))
    }

    fn look<'s>(
        &mut self,
        snapshot: &'s Arc<Snapshot>,
    ) -> anyhow::Result<Option<&'s Arc<TunnelStatus>>> {
        let name = |_: &TunnelStatus| "the way to the API server".to_owned();
        for line in self.words.lines(snapshot, name) {
            self.console.say(&line);
        }
        let status = snapshot.tunnels.get(&self.id);
        match status.map(|status| &status.state) {
            Some(TunnelState::Failed(fault)) => Err(Failure::from(fault).into()),
            _ => Ok(status),
        }
    }
}

/// That it was not the engine's end that ended the watching.
fn has_engine(end: End) -> Result<(), Failure> {
    match end {
        End::EngineEnded => Err(engine_ended()),
        End::Enough | End::Interrupted => Ok(()),
    }
}

/// A program that was ended by a signal has no code; shells say 128 and the signal's number.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let by_signal: Option<i32> = None;
    let code = status
        .code()
        .or_else(|| by_signal.map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A file that only this person may read, in a folder of its own, for as long as this value lives.
struct PrivateFile {
    folder: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    fn new(text: &Secret) -> anyhow::Result<Self> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let base = base.filter(|base| base.is_dir());
        let base = base.unwrap_or_else(std::env::temp_dir);
        let random: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(16)
            .collect();
        let folder = base.join(format!("adit-kubeconfig-{random}"));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let file = Self {
            path: folder.join("config"),
            folder,
        };
        file.write(text)
            .with_context(|| format!("{} cannot be written", file.path.display()))?;
        Ok(file)
    }

    fn write(&self, text: &Secret) -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&self.path)?
            .write_all(text.expose().as_bytes())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        remove(&self.path, |path| fs::remove_file(path));
        remove(&self.folder, |path| fs::remove_dir(path));
    }
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<()>) {
    if let Err(error) = how(path) {
        tracing::warn!(%error, "{} could not be removed", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_to_dial() {
        for (url, expected) in [
            ("https://10.0.0.5:6443", Destination::tcp("10.0.0.5", 6443)),
            ("https://[fd00::5]:6443", Destination::tcp("fd00::5", 6443)),
            (
                "https://k8s.example/c1",
                Destination::tcp("k8s.example", 443),
            ),
            ("http://127.0.0.1", Destination::tcp("127.0.0.1", 80)),
        ] {
            assert_eq!(destination(url).unwrap(), expected, "{url}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_goes_with_its_value() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = PrivateFile::new(&Secret::new("kind: Config\n".to_owned())).unwrap();
        let (path, folder) = (file.path.clone(), file.folder.clone());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        assert_eq!(fs::read_to_string(&path).unwrap(), "kind: Config\n");
        drop(file);
        assert!(!path.exists() && !folder.exists());
    }
}
