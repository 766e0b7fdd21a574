//! What a window manager would do: find a window, and ask it to close. And what is on the screen.

use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, InputFocus, MapState,
    Window,
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

/// Destroys a window of another program, as nobody should.
pub(crate) fn destroy(display: &str, window: Window) {
    let (connection, _) = RustConnection::connect(Some(display)).unwrap();
    connection.destroy_window(window).unwrap().check().unwrap();
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Place {
    /// Its middle.
    pub(crate) fn middle(self) -> (i32, i32) {
        let half = |length: u16| i32::from(length / 2);
        (
            i32::from(self.x) + half(self.width),
            i32::from(self.y) + half(self.height),
        )
    }
}

/// The menus that programs of this class show, which no window manager touches; the uppermost is the last.
pub(crate) fn menus(display: &str, class: &str) -> Vec<Place> {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let tree = connection.query_tree(root).unwrap().reply().unwrap();
    let place = |window: &Window| {
        // A window can vanish between two questions.
        let shown = connection
            .get_window_attributes(*window)
            .ok()?
            .reply()
            .ok()?;
        let property = connection
            .get_property(false, *window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 100)
            .ok()?;
        // Two names, each with a zero at its end.
        let names = property.reply().ok()?.value;
        let is_menu = shown.override_redirect && shown.map_state == MapState::VIEWABLE;
        let is_of_class = names.split(|byte| *byte == 0).next() == Some(class.as_bytes());
        let found = connection.get_geometry(*window).ok()?.reply().ok()?;
        (is_menu && is_of_class).then_some(Place {
            x: found.x,
            y: found.y,
            width: found.width,
            height: found.height,
        })
    };
    tree.children.iter().filter_map(place).collect()
}

/// What is to be seen in a part of the screen, byte by byte.
pub(crate) fn picture(display: &str, place: Place) -> Vec<u8> {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let Place {
        x,
        y,
        width,
        height,
    } = place;
    let format = ImageFormat::Z_PIXMAP;
    let image = connection.get_image(format, root, x, y, width, height, u32::MAX);
    image.unwrap().reply().unwrap().data
}
