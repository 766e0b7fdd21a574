//! L4: the icon in the desktop's tray, its menu, and the desktop's notifications.
//!
//! What the icon and the menu show is decided in `menu`, which is pure; `linux` shows it as a status notifier item over
//! D-Bus, without GTK, and `native` on macOS and Windows. Knows the engine, control and the model.

mod act;
mod icon;
#[cfg(target_os = "linux")]
mod linux;
mod menu;
#[cfg(any(windows, target_os = "macos"))]
mod native;
#[cfg(target_os = "linux")]
mod notify;

use std::any::Any;

use crate::control::Faces;
use crate::engine::Handle;
use crate::l10n::Lang;

/// Starts the icon and the notifications; they end when what this returns is dropped. Called within a tokio runtime.
///
/// `system` is the language of the system, which the person's own choice goes before.
/// Where there is no tray the icon waits for one; [`Faces::has_tray`] says whether it is seen.
#[must_use]
pub fn start(handle: &Handle, faces: &Faces, system: Lang) -> Box<dyn Any> {
    #[cfg(target_os = "linux")]
    {
        let tray = linux::start(handle.clone(), faces.clone(), system);
        let notifier = notify::start(handle.clone(), system);
        Box::new((tray, notifier))
    }
    #[cfg(any(windows, target_os = "macos"))]
    {
        Box::new(native::start(handle.clone(), faces.clone(), system))
    }
}

/// Tells the person something by a notification of the desktop, where there are any. Returns at once.
pub fn tell(title: &str, body: &str) {
    #[cfg(target_os = "linux")]
    notify::tell(title.to_owned(), body.to_owned());
    #[cfg(not(target_os = "linux"))]
    tracing::info!("{title}: {body}");
}
