//! The commands that talk to the running instance.

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, timeout};

use super::args::{ClusterArgs, UpArgs, ViaArgs};
use super::console::Console;
use super::failure::Failure;
use super::remote_args::{DownArgs, LogsArgs, StatusArgs};
use super::status;
use crate::control::{
    Client, ClientError, ClusterChoice, HostsChange, Place, Refusal, Reply, Request, UpRequest, Via,
};

/// How long an instance may take to start in the background.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The pause between two looks at it.
const START_PAUSE: Duration = Duration::from_millis(30);
/// How long the instance may take to end.
const END_LIMIT: Duration = Duration::from_secs(10);

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self::new(
            code(&refusal.code),
            refusal.message.as_str(),
            refusal.next_step.as_str(),
        )
    }
}

/// The code of a refusal, which came as text.
fn code(text: &str) -> &'static str {
    const CODES: [&str; 10] = [
        "config",
        "no-display",
        "no-window",
        "other-cluster",
        "other-version",
        "not-open",
        "nothing-to-open",
        "port-needed",
        "service-missing",
        "usage",
    ];
    CODES
        .into_iter()
        .find(|code| *code == text)
        .unwrap_or("refused")
}

/// The running instance.
///
/// # Errors
/// A failure that says how to start one, where there is none.
pub(super) async fn instance() -> anyhow::Result<Client> {
    match find().await? {
        Some(client) => Ok(client),
        None => Err(Failure::new(
            "no-instance",
            "no Adit is running",
            "`adit` starts it with its window, `adit agent` without.",
        )
        .into()),
    }
}

/// The running instance, where there is one.
pub(super) async fn find() -> Result<Option<Client>, ClientError> {
    Client::connect(&Place::of_this_person()).await
}

/// Starts an instance in the background, and waits until it answers.
pub(super) async fn start_in_background() -> anyhow::Result<Client> {
    let program = std::env::current_exe().context("cannot find the program's own file")?;
    let mut child = Process::new(program)
        .args(["agent", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start Adit in the background")?;
    let end = Instant::now() + START_LIMIT;
    while Instant::now() < end {
        if let Some(client) = find().await? {
            return Ok(client);
        }
        // A good end is that of one which has found another running: that one may answer a moment later.
        let ended = child.try_wait().context("cannot wait for it")?;
        if let Some(status) = ended.filter(|status| !status.success()) {
            return Err(Failure::new(
                "not-started",
                format!("Adit ended as soon as it was started in the background ({status})"),
                "`adit agent` starts it here, and shows why.",
            )
            .into());
        }
        sleep(START_PAUSE).await;
    }
    Err(Failure::new(
        "not-started",
        "Adit was started in the background and does not answer",
        "`adit agent` starts it here, and shows why.",
    )
    .into())
}

/// What `adit up` asks for.
pub(super) fn up_request(args: &UpArgs) -> anyhow::Result<Request> {
    let Some(target) = &args.service else {
        return Ok(Request::UpAll);
    };
    Ok(Request::Up(Box::new(UpRequest {
        service: target.service.to_string(),
        port: target.port,
        local: args.local.as_ref().map(ToString::to_string),
        route: args.route.map(|route| route.as_str().to_owned()),
        via: via(&args.via)?,
        cluster: cluster(&args.cluster)?,
    })))
}

fn via(args: &ViaArgs) -> anyhow::Result<Option<Via>> {
    let Some(host) = &args.host else {
        return Ok(None);
    };
    let identity = args.identity.as_deref().map(whole).transpose()?;
    Ok(Some(Via {
        host: host.clone(),
        identity,
    }))
}

/// The cluster that was named, with its file's whole path: the instance runs elsewhere.
pub(super) fn cluster(args: &ClusterArgs) -> anyhow::Result<Option<ClusterChoice>> {
    if args.kubeconfig.is_none() && args.context.is_none() {
        return Ok(None);
    }
    Ok(Some(ClusterChoice {
        kubeconfig: args.kubeconfig.as_deref().map(whole).transpose()?,
        context: args.context.clone(),
    }))
}

fn whole(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// `adit down`.
pub(super) async fn down(args: &DownArgs, console: &mut Console) -> anyhow::Result<()> {
    let request = match &args.service {
        Some(target) => Request::Down {
            service: target.service.to_string(),
            port: target.port,
        },
        None => Request::DownAll,
    };
    let mut client = instance().await?;
    client.send(&request).await?;
    match answer(&mut client).await? {
        Reply::Tunnels(ids) if ids.is_empty() => console.say("nothing is open"),
        Reply::Tunnels(ids) => ids
            .iter()
            .for_each(|id| console.say(&format!("closed {id}"))),
        _ => {}
    }
    Ok(())
}

/// `adit status`.
pub(super) async fn status(
    args: &StatusArgs,
    console: &mut Console,
    interrupt: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::pin!(interrupt);
    let mut client = instance().await?;
    let request = if args.watch {
        Request::Watch
    } else {
        Request::Status
    };
    client.send(&request).await?;
    let mut changes = status::Changes::default();
    loop {
        let reply = tokio::select! {
            () = &mut interrupt => return Ok(()),
            reply = client.reply() => reply,
        };
        let reply = match reply {
            Err(ClientError::Ended) if args.watch => {
                console.say("Adit has ended");
                return Ok(());
            }
            reply => reply?,
        };
        let Reply::Status(report) = reply else {
            continue;
        };
        if !args.watch {
            return status::print(&report, args.is_json(), console);
        }
        changes.print(&report, args.is_json(), console)?;
    }
}

/// `adit window`.
pub(super) async fn window() -> anyhow::Result<()> {
    let mut client = instance().await?;
    client.send(&Request::Window).await?;
    answer(&mut client).await.map(drop)
}

/// `adit quit`: asks, and waits for the end.
pub(super) async fn quit(console: &mut Console) -> anyhow::Result<()> {
    let mut client = instance().await?;
    client.send(&Request::Quit).await?;
    let open = match answer(&mut client).await? {
        Reply::Quitting { open } => open,
        _ => 0,
    };
    let ended = async { while client.reply().await.is_ok() {} };
    if timeout(END_LIMIT, ended).await.is_err() {
        return Err(Failure::new(
            "not-ended",
            format!(
                "Adit (process {}) was asked to end and is still there",
                client.pid
            ),
            "Look at what it does with `adit logs`.",
        )
        .into());
    }
    console.say(&match open {
        0 => "Adit has ended; no tunnel was open".to_owned(),
        1 => "Adit has ended; 1 tunnel was closed".to_owned(),
        open => format!("Adit has ended; {open} tunnels were closed"),
    });
    Ok(())
}

/// `adit logs`.
pub(super) async fn logs(
    args: &LogsArgs,
    console: &mut Console,
    interrupt: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::pin!(interrupt);
    let mut client = instance().await?;
    let follow = args.follow;
    client.send(&Request::Logs { follow }).await?;
    loop {
        let reply = tokio::select! {
            () = &mut interrupt => return Ok(()),
            reply = client.reply() => reply,
        };
        match reply {
            Ok(Reply::Log(line)) => console.data(&line)?,
            Ok(Reply::Done) if !follow => return Ok(()),
            Ok(_) => {}
            Err(ClientError::Ended) if follow => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells a running instance that another program has changed whether Adit starts at login.
pub(super) async fn tell_autostart(on: bool) -> anyhow::Result<()> {
    if let Some(mut client) = find().await? {
        client.send(&Request::StartAtLogin { on }).await?;
        answer(&mut client).await?;
    }
    Ok(())
}

/// Tells a running instance what has become of a host in the keyring. One that cannot be told sees it when it starts again.
pub(super) async fn tell_hosts(change: HostsChange) {
    let told = async {
        if let Some(mut client) = find().await? {
            client.send(&Request::Hosts(change)).await?;
            answer(&mut client).await?;
        }
        anyhow::Ok(())
    };
    if let Err(error) = told.await {
        tracing::debug!("the running Adit was not told: {error:#}");
    }
}

/// The reply to a request, where it is not a refusal.
async fn answer(client: &mut Client) -> anyhow::Result<Reply> {
    match client.reply().await? {
        Reply::Refused(refusal) => Err(Failure::from(&refusal).into()),
        reply => Ok(reply),
    }
}
