//! L4: the window. Reads a Snapshot, sends Commands; knows nothing of SSH, of Kubernetes or of any file.
//!
//! Drawing functions end in `_ui`. They are handed a `Scene`: what to show, what the window remembers, and a list that takes
//! commands. What the window shows is decided in pure functions (`rows`, `words`, `meter`, `ssh_command`, `diagram`).

mod activity;
mod app;
mod cells;
mod columns;
mod detail;
mod diagram_view;
mod empty;
mod facts;
mod filter_bar;
mod fuzzy;
mod gaps;
mod groups;
mod host_key;
mod hosts;
mod icons;
mod keys;
mod keys_help;
mod leave;
mod list;
mod listing;
mod logo;
mod look;
mod map;
mod meter;
mod nav;
mod notices;
mod offscreen;
mod palette;
mod probe_view;
mod prompt;
mod row_menu;
mod rows;
mod save;
mod scene;
mod secret_buffer;
mod settings_page;
#[cfg(test)]
mod snapshots;
mod sorting;
mod sparkline;
mod ssh_command;
#[cfg(test)]
mod tests;
mod theme;
mod top_bar;
mod view;
mod visitor;
mod wake;
mod widgets;
mod wish;
mod words;

use crate::control::{Faces, WindowBroke};
use crate::engine::Handle;
use crate::l10n::Lang;

pub use hosts::{NoDialog, PickFile, Picked, Tools};
pub use offscreen::Offscreen;
pub use save::{Contents, Drawing, SaveDrawing, Saved, SavedAs};

/// How the window starts.
#[derive(Debug, Default)]
pub struct WindowOptions {
    /// The contents of font files for scripts that the built-in fonts lack (kana, Han), in order of preference.
    pub fallback_fonts: Vec<Vec<u8>>,
    /// The language of the system.
    pub system_language: Lang,
    /// What the window can have done outside itself.
    pub tools: Tools,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// There is no display, or nothing to draw with.
    #[error("no window can be opened: {0}")]
    Window(#[from] eframe::Error),
    /// It panicked, and was closed.
    #[error(transparent)]
    Broke(#[from] WindowBroke),
}

/// Shows the window until it is closed. Blocks, and has to be called on the main thread; may be called again afterwards, unless
/// it panicked.
///
/// # Errors
/// [`UiError::Window`] if there is no display or no way to draw on it, [`UiError::Broke`] if the window's own code panicked.
pub fn run(handle: Handle, options: WindowOptions, faces: &Faces) -> Result<(), UiError> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Adit")
        .with_app_id("adit")
        .with_inner_size(size(&handle))
        .with_min_inner_size([380.0, 320.0])
        .with_icon(icon());
    let native = eframe::NativeOptions {
        viewport,
        ..eframe::NativeOptions::default()
    };
    let system_language = options.system_language;
    let broken = visitor::Broken::default();
    let found = broken.clone();
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        theme::install(&creation.egui_ctx, options.fallback_fonts);
        let waker = wake::Waker::start(creation.egui_ctx.clone(), handle.clone())?;
        let app =
            app::App::new(handle.clone(), Some(waker), system_language).with_tools(options.tools);
        Ok(Box::new(visitor::Visitor::new(
            app,
            handle,
            faces.clone(),
            &creation.egui_ctx,
            broken,
        )))
    });
    let ran = eframe::run_native("adit", native, create);
    leave::give_back();
    match found.take() {
        Some(panic) => Err(WindowBroke::from_panic(panic.as_ref()).into()),
        None => Ok(ran?),
    }
}

/// The size that the window had, or a good one to begin with.
fn size(handle: &Handle) -> [f32; 2] {
    let kept = handle.snapshot().settings.window.size;
    let (width, height) = kept.unwrap_or((1280, 800));
    [f32::from(width), f32::from(height)]
}

/// The window's icon; an empty one, which leaves the choice to the system, should the built-in one be unreadable.
fn icon() -> egui::IconData {
    let bytes = include_bytes!("../../assets/adit-128.png");
    eframe::icon_data::from_png_bytes(bytes).unwrap_or_default()
}
