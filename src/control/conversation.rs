//! One conversation with a program: it asks, the instance answers, and streams what was asked to be streamed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::faces::WindowState;
use super::frame::REPLY_LIMIT;
use super::message::{PROTOCOL, Refusal, Reply, Request};
use super::orders;
use super::report::Report;
use super::server::Instance;
use super::wire::{Incoming, WireError, requests, send};
use crate::engine::Handle;
use crate::model::{Behaviour, Command, PromptId, SettingsChange, Snapshot};

/// How long the first word may be waited for.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// How long a program that is sent nothing may be silent.
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// The shortest time between two statuses: a program has no use for more.
const STATUS_PAUSE: Duration = Duration::from_millis(50);
/// How long the window may take to open.
const WINDOW_LIMIT: Duration = Duration::from_secs(8);

/// What is streamed to a program.
struct Streams {
    watching: Option<Handle>,
    next_status: Instant,
    following: Option<broadcast::Receiver<Arc<str>>>,
}

/// Talks until one side has had enough.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send,
    instance: &Instance,
) -> Result<(), WireError> {
    let (reader, mut writer) = tokio::io::split(stream);
    let requests = requests(reader);
    tokio::pin!(requests);
    let Ok(Some(first)) = timeout(HELLO_LIMIT, requests.next()).await else {
        return Ok(());
    };
    let Request::Hello { version } = first?.request else {
        let refusal = Refusal::new("no-hello", "the first word was not hello", "");
        return send(&mut writer, &Reply::Refused(refusal), REPLY_LIMIT).await;
    };
    let same_version = version == PROTOCOL;
    send(&mut writer, &hello(), REPLY_LIMIT).await?;
    let mut streams = Streams {
        watching: None,
        next_status: Instant::now(),
        following: None,
    };
    let mut replies = VecDeque::new();
    loop {
        while let Some(reply) = replies.pop_front() {
            send(&mut writer, &reply, REPLY_LIMIT).await?;
        }
        tokio::select! {
            incoming = requests.next() => {
                let Some(incoming) = incoming else { return Ok(()) };
                let incoming = incoming?;
                if !same_version && incoming.request != Request::Quit {
                    replies.push_back(Reply::Refused(other_version()));
                    continue;
                }
                let ends = incoming.request == Request::Quit;
                obey(incoming, instance, &mut streams, &mut replies).await;
                if ends {
                    // The word before the deed.
                    while let Some(reply) = replies.pop_front() {
                        send(&mut writer, &reply, REPLY_LIMIT).await?;
                    }
                    instance.faces.end();
                }
            }
            snapshot = changed(&mut streams.watching, streams.next_status) => {
                streams.next_status = Instant::now() + STATUS_PAUSE;
                match snapshot {
                    Some(snapshot) => replies.push_back(status(&snapshot)),
                    None => return Ok(()),
                }
            }
            line = next_line(&mut streams.following) => replies.push_back(Reply::Log(line)),
            () = sleep(IDLE_LIMIT), if streams.are_none() => return Ok(()),
        }
    }
}

impl Streams {
    const fn are_none(&self) -> bool {
        self.watching.is_none() && self.following.is_none()
    }
}

fn hello() -> Reply {
    Reply::Hello {
        version: PROTOCOL,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    }
}

fn other_version() -> Refusal {
    Refusal::new(
        "other-version",
        "the running Adit is of another version",
        "End it with `adit quit` and start it again.",
    )
}

fn status(snapshot: &Snapshot) -> Reply {
    Reply::Status(Box::new(Report::of(snapshot, std::process::id())))
}

/// The next snapshot, where they are asked for; none at the engine's end.
async fn changed(watching: &mut Option<Handle>, not_before: Instant) -> Option<Arc<Snapshot>> {
    let Some(handle) = watching else {
        return std::future::pending().await;
    };
    sleep_until(not_before).await;
    handle.changed().await.ok()
}

async fn next_line(following: &mut Option<broadcast::Receiver<Arc<str>>>) -> String {
    let Some(lines) = following else {
        return std::future::pending().await;
    };
    match lines.recv().await {
        Ok(line) => line.as_ref().to_owned(),
        Err(broadcast::error::RecvError::Lagged(missed)) => format!("({missed} lines are missing)"),
        Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
    }
}

/// How long a disk may take to write down what is wanted, before the reply goes without.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// What is said to a wish: it is written down first, so that a crash from then on loses nothing of it.
async fn wanted(ids: Result<Vec<String>, Refusal>, handle: &Handle) -> Reply {
    let ids = match ids {
        Ok(ids) => ids,
        Err(refusal) => return Reply::Refused(refusal),
    };
    let (reply, written) = sync_channel(1);
    handle.send(Command::WriteSettings { reply });
    let waiting = tokio::task::spawn_blocking(move || written.recv_timeout(WRITE_LIMIT));
    if !matches!(waiting.await, Ok(Ok(()))) {
        tracing::debug!("what is wanted is not written yet");
    }
    Reply::Tunnels(ids)
}

async fn obey(
    incoming: Incoming,
    instance: &Instance,
    streams: &mut Streams,
    replies: &mut VecDeque<Reply>,
) {
    let handle = &instance.handle;
    let reply = match incoming.request {
        Request::Hello { .. } => hello(),
        Request::Status => status(&handle.snapshot()),
        Request::Watch => {
            let mut watching = handle.clone();
            let now = watching.newest();
            streams.watching = Some(watching);
            status(&now)
        }
        Request::Up(up) => wanted(orders::up(&up, instance), handle).await,
        Request::Down { service, port } => {
            wanted(orders::down(&service, port, handle), handle).await
        }
        Request::UpAll => wanted(orders::up_all(handle), handle).await,
        Request::DownAll => wanted(Ok(orders::down_all(handle)), handle).await,
        Request::Window => window(instance).await,
        Request::Quit => Reply::Quitting {
            open: super::choice::wanted(&handle.snapshot()).count(),
        },
        Request::Logs { follow } => {
            let (lines, new) = instance.journal.read();
            replies.extend(
                lines
                    .iter()
                    .map(|line| Reply::Log(line.as_ref().to_owned())),
            );
            streams.following = follow.then_some(new);
            Reply::Done
        }
        Request::Answer { prompt, .. } => {
            if let Some(answer) = incoming.answer {
                let prompt = PromptId(prompt);
                handle.send(Command::Answer { prompt, answer });
            }
            Reply::Done
        }
        Request::Hosts(change) => {
            orders::hosts(change, handle);
            Reply::Done
        }
        Request::StartAtLogin { on } => {
            let behaviour = Behaviour {
                start_at_login: on,
                ..handle.snapshot().settings.behaviour
            };
            handle.send(Command::ChangeSettings(SettingsChange::Behaviour(
                behaviour,
            )));
            Reply::Done
        }
    };
    replies.push_back(reply);
}

/// Shows the window, and answers when it is there.
async fn window(instance: &Instance) -> Reply {
    if !instance.has_display {
        return Reply::Refused(Refusal::new(
            "no-display",
            "the running Adit was started where there is no display",
            "End it with `adit quit` and start `adit` on the desktop.",
        ));
    }
    let faces = instance.faces.clone();
    faces.show_window();
    let waited = tokio::task::spawn_blocking(move || faces.wait_for_window(WINDOW_LIMIT)).await;
    match waited {
        Ok(WindowState::Open) => Reply::Done,
        Ok(WindowState::Failed(reason)) => Reply::Refused(Refusal::new(
            "no-window",
            format!("the window cannot be opened: {reason}"),
            "The tunnels stay as they are.",
        )),
        Ok(WindowState::Opening | WindowState::Closed) | Err(_) => Reply::Refused(Refusal::new(
            "no-window",
            "the window is not there yet",
            "Look again in a moment.",
        )),
    }
}
