//! A thread with the message loop that Windows sends an icon's clicks to.

use std::sync::mpsc;

use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, GetMessageW, MSG, PM_NOREMOVE, PeekMessageW, PostThreadMessageW,
    TranslateMessage, WM_APP, WM_QUIT,
};

use super::{Actions, Place, Shown};
use crate::control::Faces;

/// The way to the thread, which ends with this.
pub(super) struct Thread {
    id: u32,
    news: mpsc::Sender<Shown>,
}

impl Thread {
    pub(super) fn start(actions: Actions, faces: Faces) -> Self {
        let (news, wishes) = mpsc::channel();
        let (ready, id) = mpsc::channel();
        std::thread::spawn(move || serve(&ready, &wishes, &actions, &faces));
        Self {
            // Zero is no thread's: nothing is shown then.
            id: id.recv().unwrap_or(0),
            news,
        }
    }

    pub(super) fn show(&self, shown: Shown) {
        if self.news.send(shown).is_ok() {
            post(self.id, WM_APP);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        post(self.id, WM_QUIT);
    }
}

#[expect(unsafe_code, reason = "a message to a thread has no other way")]
fn post(thread: u32, message: u32) {
    // SAFETY: nothing is pointed to; a thread that is gone is an error that changes nothing.
    unsafe {
        PostThreadMessageW(thread, message, 0, 0);
    }
}

#[expect(unsafe_code, reason = "Windows' message loop")]
fn serve(
    ready: &mpsc::Sender<u32>,
    wishes: &mpsc::Receiver<Shown>,
    actions: &Actions,
    faces: &Faces,
) {
    let mut place = Place::default();
    let mut message = MSG::default();
    // SAFETY: the message is written to while it is borrowed here. Looking for one makes the queue that messages are posted to.
    let id = unsafe {
        PeekMessageW(&raw mut message, std::ptr::null_mut(), 0, 0, PM_NOREMOVE);
        GetCurrentThreadId()
    };
    if ready.send(id).is_err() {
        return;
    }
    // SAFETY: as above; zero is the end, less than that an error.
    while unsafe { GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) } > 0 {
        if message.message == WM_APP && message.hwnd.is_null() {
            for shown in wishes.try_iter() {
                place.show(&shown, actions, faces);
            }
            continue;
        }
        // SAFETY: the message is the one that was just taken.
        unsafe {
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}
