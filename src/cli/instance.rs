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
    Reply, Request, Server, serve, wanted,
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
    if let Err(error) = tell_service_manager() {
        tracing::warn!("the service manager could not be told that this is ready: {error}");
    }
    Ok(server)
}

/// Tells the service manager that started this, where one did, that other programs can reach it now (`sd_notify(3)`): who
/// waits for the service to start comes to no instance that does not listen yet.
#[cfg(target_os = "linux")]
fn tell_service_manager() -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&place)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.send_to_addr(b"READY=1", &address).map(drop)
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
            Visit::Broke(panic) => {
                has_opened = true;
                let words = format!(
                    "The window broke and was closed ({panic}). The tunnels are as they were; the window can be opened again."
                );
                console.say(&words);
                notify("Adit's window broke", &words);
                faces.window_failed(panic);
                handle.send(Command::Notice(words));
                continue;
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
    Broke(String),
}

/// Shows the window until it is closed. A panic in it is caught: it must cost no tunnel.
fn visit(open_window: &dyn Fn() -> anyhow::Result<()>) -> Visit {
    match catch_unwind(AssertUnwindSafe(open_window)) {
        Ok(Ok(())) => Visit::Closed,
        Ok(Err(error)) => Visit::Failed(error),
        Err(panic) => Visit::Broke(panic_words(panic.as_ref())),
    }
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("for an unknown reason").to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::cli::console::testing::console;
    use crate::cli::session::testing::FakeEngine;

    #[tokio::test]
    async fn a_panic_in_the_window_is_told_and_the_window_opens_again() {
        let (handle, mut engine) = FakeEngine::start();
        let faces = Faces::default();
        faces.set_reachable(true);
        faces.set_tray(true);
        let (mut console, _, said) = console();
        let visits = Cell::new(0);
        let open = || {
            visits.set(visits.get() + 1);
            let seat = faces.window_opened(|| {});
            if visits.get() == 1 {
                faces.show_window();
                let _granted = seat.take_wish();
                // Somebody asks again while it breaks; a wish is not lost by the panic, nor granted twice.
                panic!("on purpose");
            }
            faces.end();
            Ok(())
        };
        faces.show_window();
        // The second wish comes from another thread, as the tray's and the socket's do.
        let later = faces.clone();
        let asks = std::thread::spawn(move || {
            while !matches!(
                later.wait_for_window(Duration::from_secs(30)),
                crate::control::WindowState::Failed(_)
            ) {}
            later.show_window();
        });
        main_thread(
            &handle,
            &faces,
            Mode::Window,
            &mut console,
            &open,
            |_, _| {},
        )
        .unwrap();
        asks.join().unwrap();
        assert_eq!(visits.get(), 2);
        assert!(said.text().contains("on purpose"), "{}", said.text());
        let Command::Notice(notice) = engine.command().await else {
            panic!("no notice")
        };
        assert!(notice.contains("The tunnels are as they were"), "{notice}");
    }

    #[test]
    fn a_first_window_that_cannot_be_opened_is_an_error() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _within = runtime.enter();
        let (handle, _engine) = FakeEngine::start();
        let faces = Faces::default();
        let (mut console, _, _) = console();
        faces.show_window();
        let open = || anyhow::bail!("no GL");
        let result = main_thread(
            &handle,
            &faces,
            Mode::Window,
            &mut console,
            &open,
            |_, _| {},
        );
        assert_eq!(result.unwrap_err().to_string(), "no GL");
    }

    #[test]
    fn closing_without_a_tray_and_without_tunnels_ends_it() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _within = runtime.enter();
        let (handle, _engine) = FakeEngine::start();
        let faces = Faces::default();
        faces.set_reachable(true);
        let (mut console, _, _) = console();
        faces.show_window();
        let open = || {
            let _granted = faces.window_opened(|| {}).take_wish();
            Ok(())
        };
        main_thread(
            &handle,
            &faces,
            Mode::Window,
            &mut console,
            &open,
            |_, _| {},
        )
        .unwrap();
    }
}
