//! The running instance: the engine, the control socket, the tray, and the window as a visitor.
//!
//! The main thread shows the window while there is one, and sleeps while there is none. Tunnels live in the engine's tasks:
//! neither closing the window nor a panic in it reaches them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::Wiring;
use super::console::Console;
use super::failure::Failure;
use super::session::{close, interrupted};
use crate::control::{
    Autostart, Claim, Client, Faces, HostResolver, Instance, Journal, MainTask, Ownership, Place,
    Reply, Request, Server, WindowBroke, serve, wanted,
};
use crate::engine::{Handle, Memory};
use crate::model::{Behaviour, ClusterSource, Command, HostProfile, SettingsChange, Snapshot};

/// How long the clients of the socket may take to be let go at the end.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Whether the window is opened at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is: `adit`.
    Window,
    /// It is not: `adit agent`, at login and on servers.
    Agent,
}

/// How an instance starts.
pub(super) struct Start {
    pub(super) mode: Mode,
    pub(super) has_display: bool,
    pub(super) cluster: Option<ClusterSource>,
    pub(super) hosts: Vec<HostProfile>,
    pub(super) journal: Journal,
    /// Makes a profile of a host that another program names.
    pub(super) host_profile: HostResolver,
}

/// Is the instance until the end, or hands over to the one that runs.
pub(super) fn run(
    wiring: Wiring,
    runtime: &Runtime,
    console: &mut Console,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let place = Place::of_this_person();
    let ownership = match place.claim() {
        Ok(Claim::Ours(ownership)) => Some(ownership),
        Ok(Claim::Taken) => {
            return runtime.block_on(hand_over(&place, start.mode, console));
        }
        Err(error) if start.mode == Mode::Window => {
            let words = format!(
                "other programs cannot reach this window: {:#}",
                anyhow::Error::from(error)
            );
            console.say(&words);
            None
        }
        Err(error) => return Err(error.into()),
    };
    let _within = runtime.enter();
    let faces = Faces::default();
    let mut handle = (wiring.start_engine)(Memory::Everything)?;
    introduce(&handle, start.cluster.clone(), start.hosts.clone());
    let mode = start.mode;
    let server = ownership
        .map(|ownership| listen(ownership, &handle, &faces, start))
        .transpose()?;
    faces.set_reachable(server.is_some());
    let _companions: Box<dyn Any> = (wiring.start_companions)(&handle, &faces);
    runtime.spawn(watch_for_end(handle.clone(), faces.clone()));
    let signals = interrupted()?;
    let ending = faces.clone();
    runtime.spawn(async move {
        signals.await;
        ending.end();
    });
    runtime.spawn(keep_autostart(handle.clone()));
    if mode == Mode::Window {
        faces.show_window();
    }
    let open_window = || (wiring.open_window)(handle.clone(), &faces);
    let result = main_thread(&handle, &faces, mode, console, &open_window, wiring.notify);
    runtime.block_on(async {
        close(&mut handle).await;
        if let Some(server) = server {
            server.close(CLOSE_LIMIT).await;
        }
    });
    result.map(|()| ExitCode::SUCCESS)
}

/// A second start: the window of the first comes to the front.
async fn hand_over(place: &Place, mode: Mode, console: &mut Console) -> anyhow::Result<ExitCode> {
    let Some(mut client) = Client::connect(place).await? else {
        let next = "Start it again.";
        return Err(Failure::new(
            "no-instance",
            "the Adit that was running has just ended",
            next,
        )
        .into());
    };
    if mode == Mode::Agent {
        console.say(&format!("Adit is running already (process {})", client.pid));
        return Ok(ExitCode::SUCCESS);
    }
    client.send(&Request::Window).await?;
    match client.reply().await? {
        Reply::Refused(refusal) => Err(Failure::from(&refusal).into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn introduce(handle: &Handle, cluster: Option<ClusterSource>, hosts: Vec<HostProfile>) {
    for profile in hosts {
        handle.send(Command::AddHost(Box::new(profile)));
    }
    if let Some(source) = cluster {
        handle.send(Command::UseCluster(source));
    }
}

fn listen(
    ownership: Ownership,
    handle: &Handle,
    faces: &Faces,
    start: Start,
) -> anyhow::Result<Server> {
    let instance = Instance {
        handle: handle.clone(),
        faces: faces.clone(),
        journal: start.journal,
        host_profile: start.host_profile,
        has_display: start.has_display,
    };
    let server = serve(ownership, instance)?;
    #[cfg(target_os = "linux")]
    if let Err(error) = super::service_manager::tell_ready() {
        tracing::warn!("the service manager could not be told that this is ready: {error}");
    }
    Ok(server)
}

/// Ends the instance when the engine has ended.
async fn watch_for_end(mut handle: Handle, faces: Faces) {
    while handle.changed().await.is_ok_and(|snapshot| !snapshot.ended) {}
    faces.end();
}

/// Keeps the setting and the system's own list of what starts at login the same: at the start the list is right, since
/// the desktop's settings may have changed it; from then on the setting is.
async fn keep_autostart(mut handle: Handle) {
    let Ok(autostart) = Autostart::of_this_program() else {
        return;
    };
    let mut is_on = match autostart.is_on() {
        Ok(is_on) => is_on,
        Err(error) => {
            tracing::warn!("whether Adit starts at login cannot be seen: {error}");
            return;
        }
    };
    let first = handle.newest();
    if first.settings.behaviour.start_at_login != is_on {
        let behaviour = Behaviour {
            start_at_login: is_on,
            ..first.settings.behaviour
        };
        handle.send(Command::ChangeSettings(SettingsChange::Behaviour(
            behaviour,
        )));
    }
    let mut followed = first.settings.behaviour.start_at_login == is_on;
    while let Ok(snapshot) = handle.changed().await {
        let wanted = snapshot.settings.behaviour.start_at_login;
        // The engine's answer to the change above comes first.
        followed |= wanted == is_on;
        if !followed || wanted == is_on {
            continue;
        }
        is_on = wanted;
        if let Err(error) = autostart.set(wanted) {
            let words = format!("Whether Adit starts at login could not be changed: {error}");
            handle.send(Command::Notice(words));
        }
    }
}

/// What the main thread does until the end.
fn main_thread(
    handle: &Handle,
    faces: &Faces,
    mode: Mode,
    console: &mut Console,
    open_window: &dyn Fn() -> anyhow::Result<()>,
    notify: fn(&str, &str),
) -> anyhow::Result<()> {
    let mut has_said = false;
    let mut has_opened = false;
    while faces.next_task() == MainTask::OpenWindow {
        match visit(open_window) {
            Visit::Closed => has_opened = true,
            Visit::Failed(error) => {
                faces.window_failed(format!("{error:#}"));
                if mode == Mode::Window && !has_opened && wanted(&handle.snapshot()).count() == 0 {
                    return Err(error);
                }
                console.say(&format!("{error:#}"));
                continue;
            }
            Visit::Broke(reason) => {
                has_opened = true;
                let words = format!(
                    "The window broke and was closed ({reason}). The tunnels are as they were; the window can be opened again."
                );
                tell_broken(handle, console, notify, words);
                faces.window_failed(reason);
                continue;
            }
            Visit::Lost(reason) => {
                let words = format!(
                    "The window broke and cannot be opened again ({reason}). The tunnels are as they were; for a window end Adit \
                     with `adit quit` and start it again."
                );
                tell_broken(handle, console, notify, words.clone());
                without_window(faces, &words);
                return Ok(());
            }
        }
        let snapshot = handle.snapshot();
        if faces.is_ending() || (mode == Mode::Window && !faces.stays(&snapshot)) {
            return Ok(());
        }
        if !faces.has_tray() && !has_said {
            has_said = true;
            let words = goes_on(&snapshot);
            console.say(&words);
            notify("Adit goes on in the background", &words);
        }
    }
    Ok(())
}

fn tell_broken(handle: &Handle, console: &mut Console, notify: fn(&str, &str), words: String) {
    console.say(&words);
    notify("Adit's window broke", &words);
    handle.send(Command::Notice(words));
}

/// What the main thread does once it can open no window any more: whoever asks for one is told why.
fn without_window(faces: &Faces, words: &str) {
    faces.window_failed(words.to_owned());
    while faces.next_task() == MainTask::OpenWindow {
        faces.window_failed(words.to_owned());
    }
}

fn goes_on(snapshot: &Snapshot) -> String {
    let tunnels = match wanted(snapshot).count() {
        0 => "no tunnel is open".to_owned(),
        1 => "1 tunnel stays open".to_owned(),
        count => format!("{count} tunnels stay open"),
    };
    format!(
        "there is no tray for its icon; {tunnels}. `adit` opens the window again, `adit quit` ends it"
    )
}

/// How a window's life ended.
enum Visit {
    Closed,
    Failed(anyhow::Error),
    /// It panicked in its own code.
    Broke(String),
    /// It panicked elsewhere: in the window system's part, say. Its event loop is in the middle of something, and would wait for
    /// ever if it was run again.
    Lost(String),
}

/// Shows the window until it is closed. A panic in it is caught: it must cost no tunnel.
fn visit(open_window: &dyn Fn() -> anyhow::Result<()>) -> Visit {
    match catch_unwind(AssertUnwindSafe(open_window)) {
        Ok(Ok(())) => Visit::Closed,
        Ok(Err(error)) => match error.downcast::<WindowBroke>() {
            Ok(WindowBroke(reason)) => Visit::Broke(reason),
            Err(error) => Visit::Failed(error),
        },
        Err(panic) => Visit::Lost(WindowBroke::from_panic(panic.as_ref()).0),
    }
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
