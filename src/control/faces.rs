//! Between those who ask for the window, or for the end, and the one thread that can give them: the main thread.
//!
//! The window's event loop may run on the main thread alone, and while it runs that thread listens to nothing else. So a
//! wish for the window goes to the loop's own window where there is one, and to the main thread where there is none. A wish
//! that comes while the window is closing is kept until it is granted, and so opens it again.

use std::any::Any;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::choice::wanted;
use crate::model::Snapshot;

/// What the main thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MainTask {
    /// Open the window.
    OpenWindow,
    /// End.
    End,
}

/// Whether there is a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WindowState {
    /// There is none.
    #[default]
    Closed,
    /// It is being opened.
    Opening,
    /// It is there.
    Open,
    /// The last one could not be opened, or broke, for this reason.
    Failed(String),
}

/// The window panicked, and was closed. Another can be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window broke: {0}")]
pub struct WindowBroke(pub String);

impl WindowBroke {
    /// What a panic says.
    #[must_use]
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self(words.unwrap_or("for an unknown reason").to_owned())
    }
}

/// The shared slot. Cheap to clone.
#[derive(Clone, Default)]
pub struct Faces(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are facts of their own, and any of them may hold or not"
)]
struct State {
    /// Somebody wants to see the window, and does not yet.
    wanted: bool,
    ending: bool,
    window: WindowState,
    /// A tray shows the icon.
    tray: bool,
    /// Other programs can ask for the window.
    reachable: bool,
    /// Wakes the window that is open.
    waker: Option<Box<dyn Fn() + Send>>,
}

impl Faces {
    /// Asks for the window: opens it, or brings the open one to the front.
    pub fn show_window(&self) {
        let mut state = self.state();
        state.wanted = true;
        if let WindowState::Failed(_) = state.window {
            state.window = WindowState::Closed;
        }
        state.wake();
        drop(state);
        self.0.changed.notify_all();
    }

    /// Asks for the end of everything.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = true;
        state.wake();
        drop(state);
        self.0.changed.notify_all();
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.state().ending
    }

    /// Says whether a tray shows the icon now.
    pub fn set_tray(&self, shown: bool) {
        self.state().tray = shown;
    }

    /// Whether a tray shows the icon now.
    #[must_use]
    pub fn has_tray(&self) -> bool {
        self.state().tray
    }

    /// Says whether other programs can ask for the window.
    pub fn set_reachable(&self, reachable: bool) {
        self.state().reachable = reachable;
    }

    /// Whether everything goes on when the window is closed: the person wants that, and can come back. Without a tray to
    /// see, it goes on for the sake of tunnels alone.
    #[must_use]
    pub fn stays(&self, snapshot: &Snapshot) -> bool {
        let state = self.state();
        let has_tunnels = wanted(snapshot).next().is_some();
        snapshot.settings.behaviour.close_to_tray && (state.tray || state.reachable && has_tunnels)
    }

    /// Waits until there is something to do. For the main thread, while it shows no window.
    #[must_use]
    pub fn next_task(&self) -> MainTask {
        let mut state = self.state();
        loop {
            if state.ending {
                return MainTask::End;
            }
            if state.wanted {
                state.window = WindowState::Opening;
                return MainTask::OpenWindow;
            }
            state = self
                .0
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The window is there; `waker` has it look at [`Seat::take_wish`]. For the window.
    #[must_use]
    pub fn window_opened(&self, waker: impl Fn() + Send + 'static) -> Seat {
        let mut state = self.state();
        state.window = WindowState::Open;
        // A new window is at the front already.
        state.wanted = false;
        state.waker = Some(Box::new(waker));
        drop(state);
        self.0.changed.notify_all();
        Seat(self.clone())
    }

    /// The window could not be opened, or broke. The wish for it is over.
    pub fn window_failed(&self, reason: String) {
        let mut state = self.state();
        state.wanted = false;
        state.window = WindowState::Failed(reason);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until the window that was asked for is there, or cannot be, though not for ever.
    #[must_use]
    pub fn wait_for_window(&self, limit: Duration) -> WindowState {
        let waiting = |state: &mut State| {
            !state.ending
                && match state.window {
                    WindowState::Opening => true,
                    WindowState::Closed => state.wanted,
                    WindowState::Open | WindowState::Failed(_) => false,
                }
        };
        let state = self.state();
        let (state, _timed_out) = self
            .0
            .changed
            .wait_timeout_while(state, limit, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.window.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker();
        }
    }
}

impl std::fmt::Debug for Faces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faces")
            .field("window", &self.state().window)
            .finish_non_exhaustive()
    }
}

/// What an open window is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowWish {
    /// Come to the front.
    Raise,
    /// Close: everything ends.
    Close,
}

/// The open window's place. There is no window any more when it is dropped, in whatever way.
#[derive(Debug)]
pub struct Seat(Faces);

impl Seat {
    /// What the window was asked to do since it last looked.
    #[must_use]
    pub fn take_wish(&self) -> Option<WindowWish> {
        let mut state = self.0.state();
        if state.ending {
            return Some(WindowWish::Close);
        }
        std::mem::take(&mut state.wanted).then_some(WindowWish::Raise)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waker = None;
        state.window = WindowState::Closed;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_wish_opens_the_window_and_another_raises_it() {
        let faces = Faces::default();
        faces.show_window();
        assert_eq!(faces.next_task(), MainTask::OpenWindow);
        let (woken, wakes) = mpsc::channel();
        let seat = faces.window_opened(move || woken.send(()).unwrap());
        assert_eq!(seat.take_wish(), None, "a new window is at the front");
        faces.show_window();
        assert_eq!(wakes.try_iter().count(), 1);
        assert_eq!(seat.take_wish(), Some(WindowWish::Raise));
    }

    #[test]
    fn a_wish_that_comes_while_the_window_closes_is_not_lost() {
        let faces = Faces::default();
        let seat = faces.window_opened(|| {});
        faces.show_window();
        drop(seat);
        assert_eq!(faces.next_task(), MainTask::OpenWindow);
    }

    #[test]
    fn a_window_that_fails_is_told_and_not_tried_for_ever() {
        let faces = Faces::default();
        faces.show_window();
        assert_eq!(faces.next_task(), MainTask::OpenWindow);
        faces.window_failed("no display".to_owned());
        let state = faces.wait_for_window(Duration::from_secs(30));
        assert_eq!(state, WindowState::Failed("no display".to_owned()));
        faces.end();
        assert_eq!(faces.next_task(), MainTask::End);
    }

    #[test]
    fn the_end_closes_the_window() {
        let faces = Faces::default();
        let seat = faces.window_opened(|| {});
        faces.end();
        assert_eq!(seat.take_wish(), Some(WindowWish::Close));
    }
}
