//! The main thread and its windows, with an engine that the test plays.

use std::cell::Cell;

use super::*;
use crate::cli::console::testing::console;
use crate::cli::session::testing::FakeEngine;
use crate::control::WindowState;

/// The main thread of an instance that was started with its window.
fn windows(
    handle: &Handle,
    faces: &Faces,
    console: &mut Console,
    open: &dyn Fn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    main_thread(handle, faces, Mode::Window, console, open, |_, _| {})
}

#[tokio::test]
async fn a_window_that_breaks_is_told_of_and_opens_again() {
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
            // Somebody asks again while it breaks; a wish is not lost by that, nor granted twice.
            return Err(WindowBroke("on purpose".to_owned()).into());
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
            WindowState::Failed(_)
        ) {}
        later.show_window();
    });
    windows(&handle, &faces, &mut console, &open).unwrap();
    asks.join().unwrap();
    assert_eq!(visits.get(), 2);
    assert!(said.text().contains("on purpose"), "{}", said.text());
    let Command::Notice(notice) = engine.command().await else {
        panic!("no notice")
    };
    assert!(notice.contains("The tunnels are as they were"), "{notice}");
}

#[tokio::test]
async fn a_first_window_that_cannot_be_opened_is_an_error() {
    let (handle, _engine) = FakeEngine::start();
    let faces = Faces::default();
    let (mut console, _, _) = console();
    faces.show_window();
    let open = || anyhow::bail!("no GL");
    let result = windows(&handle, &faces, &mut console, &open);
    assert_eq!(result.unwrap_err().to_string(), "no GL");
}

#[tokio::test]
async fn closing_without_a_tray_and_without_tunnels_ends_it() {
    let (handle, _engine) = FakeEngine::start();
    let faces = Faces::default();
    faces.set_reachable(true);
    let (mut console, _, _) = console();
    faces.show_window();
    let open = || {
        let _granted = faces.window_opened(|| {}).take_wish();
        Ok(())
    };
    windows(&handle, &faces, &mut console, &open).unwrap();
}

#[tokio::test]
async fn a_panic_in_the_event_loop_leaves_everything_but_the_window() {
    let (handle, mut engine) = FakeEngine::start();
    let faces = Faces::default();
    faces.set_reachable(true);
    let (mut console, _, said) = console();
    let visits = Cell::new(0);
    let open = || {
        visits.set(visits.get() + 1);
        let _seat = faces.window_opened(|| {});
        panic!("not ours");
    };
    faces.show_window();
    let later = faces.clone();
    let asks = std::thread::spawn(move || {
        let failure = || loop {
            if let WindowState::Failed(words) = later.wait_for_window(Duration::from_secs(30)) {
                return words;
            }
        };
        failure();
        later.show_window();
        let words = failure();
        later.end();
        words
    });
    windows(&handle, &faces, &mut console, &open).unwrap();
    let words = asks.join().unwrap();
    assert_eq!(visits.get(), 1, "it would wait for ever");
    assert!(
        words.contains("cannot be opened again (not ours)"),
        "{words}"
    );
    assert!(said.text().contains("adit quit"), "{}", said.text());
    assert!(matches!(engine.command().await, Command::Notice(_)));
}
