//! The main thread, by its dispatch queue: it is served while the window's event loop runs, which goes on when the window is
//! hidden. An agent has its icon from the first window on.

use std::cell::RefCell;

use dispatch2::DispatchQueue;

use super::{Actions, Place, Shown};
use crate::control::Faces;

thread_local! {
    /// Only ever touched on the main thread.
    static PLACE: RefCell<Place> = RefCell::default();
}

/// The way to the main thread.
pub(super) struct Thread {
    actions: Actions,
    faces: Faces,
}

impl Thread {
    pub(super) const fn start(actions: Actions, faces: Faces) -> Self {
        Self { actions, faces }
    }

    pub(super) fn show(&self, shown: Shown) {
        let (actions, faces) = (self.actions.clone(), self.faces.clone());
        DispatchQueue::main().exec_async(move || {
            PLACE.with_borrow_mut(|place| place.show(&shown, &actions, &faces));
        });
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        DispatchQueue::main().exec_async(|| drop(PLACE.take()));
    }
}
