//! What a window manager would do: find a window, and ask it to close.

use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use super::LIMIT;

/// The windows on a display that can be seen and have this title.
pub(crate) fn windows(display: &str, title: &str) -> Vec<Window> {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let mut found = Vec::new();
    let mut left = vec![root];
    while let Some(window) = left.pop() {
        // A window can vanish between two questions.
        let Ok(Ok(tree)) = connection
            .query_tree(window)
            .map(x11rb::cookie::Cookie::reply)
        else {
            continue;
        };
        left.extend(tree.children);
        let name = connection
            .get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 100)
            .map(x11rb::cookie::Cookie::reply);
        let shown = connection
            .get_window_attributes(window)
            .map(x11rb::cookie::Cookie::reply);
        if let (Ok(Ok(name)), Ok(Ok(shown))) = (name, shown)
            && name.value == title.as_bytes()
            && shown.map_state == MapState::VIEWABLE
        {
            found.push(window);
        }
    }
    found
}

/// Waits until a window of this title can be seen, and leads the keyboard there, as a window manager does for what is new.
pub(crate) fn focus(display: &str, title: &str) -> Window {
    let end = Instant::now() + LIMIT;
    let window = loop {
        if let [window] = windows(display, title)[..] {
            break window;
        }
        assert!(Instant::now() < end, "there is no window {title}");
    };
    let (connection, _) = RustConnection::connect(Some(display)).unwrap();
    connection
        .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
        .unwrap()
        .check()
        .unwrap();
    window
}

/// Asks a window to close, as its close button does (ICCCM 4.2.8.1).
pub(crate) fn close(display: &str, window: Window) {
    let (connection, _) = RustConnection::connect(Some(display)).unwrap();
    let atom = |name: &[u8]| {
        let cookie = connection.intern_atom(false, name).unwrap();
        cookie.reply().unwrap().atom
    };
    let data = [atom(b"WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
    let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
    connection
        .send_event(false, window, EventMask::NO_EVENT, message)
        .unwrap();
    // An answer to this comes when all before it is done: a connection that is gone before may take it along.
    connection.get_input_focus().unwrap().reply().unwrap();
}
