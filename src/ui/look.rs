//! Keeps the window's look in step with the settings, both ways: language, theme, zoom, and what the list remembers.

use egui::{Context, Id, ThemePreference, Ui};

use crate::l10n::{Lang, Speaks};
use crate::model::{Command, SettingsChange, Snapshot, Theme, WindowSettings};

/// For how long a size has to stay before it is remembered.
const SETTLED_S: f64 = 1.0;

/// The look.
#[derive(Debug)]
pub(super) struct Look {
    system_language: Lang,
    /// What the engine said last.
    said: Option<WindowSettings>,
    /// What counts in the window: what the engine said, and what was changed here since.
    window: WindowSettings,
    /// What the engine was told last, or said itself.
    told: WindowSettings,
    /// What was brought about in the context.
    applied: Option<WindowSettings>,
    /// Since when the window has had its size.
    sized_at: f64,
    size: (u16, u16),
}

impl Look {
    /// For a person whose system speaks this language.
    pub(super) fn new(system_language: Lang) -> Self {
        Self {
            system_language,
            said: None,
            window: WindowSettings::default(),
            told: WindowSettings::default(),
            applied: None,
            sized_at: 0.0,
            size: (0, 0),
        }
    }

    /// The language in use.
    pub(super) fn lang(&self) -> Lang {
        Lang::chosen(self.window.language, self.system_language)
    }

    /// How the window looks.
    pub(super) const fn window(&self) -> &WindowSettings {
        &self.window
    }

    /// Whether movement is shown.
    pub(super) const fn moves(&self) -> bool {
        !self.window.reduced_motion
    }

    /// Follows settings that changed elsewhere, and brings them about; whether there were any.
    pub(super) fn follow(&mut self, ctx: &Context, snapshot: &Snapshot) -> bool {
        let said = &snapshot.settings.window;
        let is_new = self.said.as_ref() != Some(said);
        if is_new {
            self.said = Some(said.clone());
            self.window = said.clone();
            self.told = said.clone();
        }
        self.apply(ctx);
        is_new
    }

    fn apply(&mut self, ctx: &Context) {
        let (window, applied) = (&self.window, self.applied.as_ref());
        if applied == Some(window) {
            return;
        }
        if applied.is_none_or(|applied| applied.language != window.language) {
            let lang = self.lang();
            ctx.data_mut(|data| data.insert_temp(lang_id(), lang));
        }
        if applied.is_none_or(|applied| applied.theme != window.theme) {
            ctx.set_theme(preference(window.theme));
        }
        if applied.is_none_or(|applied| applied.zoom_percent != window.zoom_percent) {
            ctx.set_zoom_factor(f32::from(window.zoom_percent) / 100.0);
        }
        if applied.is_none_or(|applied| applied.reduced_motion != window.reduced_motion) {
            let seconds = if window.reduced_motion { 0.0 } else { 0.083 };
            ctx.all_styles_mut(|style| style.animation_time = seconds);
        }
        self.applied = Some(window.clone());
    }

    /// Takes up what was changed while drawing or by keys; what to tell the engine, if anything.
    pub(super) fn take(
        &mut self,
        ctx: &Context,
        drawn: WindowSettings,
        time: f64,
    ) -> Option<Command> {
        let is_drawn_new = drawn != self.window;
        self.window = drawn;
        let zoom = percent(ctx.zoom_factor());
        let applied = self.applied.as_ref().map(|applied| applied.zoom_percent);
        // A factor that was just set counts from the next frame on; only one that nobody set here came from the keys.
        let is_by_keys = !is_drawn_new && applied == Some(self.window.zoom_percent);
        if is_by_keys && zoom != self.window.zoom_percent {
            self.window.zoom_percent = zoom;
            if let Some(applied) = &mut self.applied {
                applied.zoom_percent = zoom;
            }
        }
        self.take_size(ctx, time);
        if self.applied.as_ref() != Some(&self.window) {
            ctx.request_repaint();
        }
        // A column that is being drawn wider is told once, at its end.
        let is_dragged = ctx.input(|input| input.pointer.any_down());
        if is_dragged || self.told == self.window {
            return None;
        }
        self.told = self.window.clone();
        let change = SettingsChange::Window(Box::new(self.window.clone()));
        Some(Command::ChangeSettings(change))
    }

    /// Remembers a size that has stayed for a while.
    fn take_size(&mut self, ctx: &Context, time: f64) {
        let rect = ctx.input(|input| input.viewport().inner_rect);
        let Some(rect) = rect else { return };
        let size = (points(rect.width()), points(rect.height()));
        if size != self.size {
            self.size = size;
            self.sized_at = time;
        }
        let is_full = ctx.input(|input| {
            let viewport = input.viewport();
            viewport.maximized == Some(true) || viewport.fullscreen == Some(true)
        });
        if is_full || self.window.size == Some(size) {
            return;
        }
        let left = SETTLED_S - (time - self.sized_at);
        if left <= 0.0 {
            self.window.size = Some(size);
        } else {
            let left = std::time::Duration::try_from_secs_f64(left).unwrap_or_default();
            ctx.request_repaint_after(left);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is clamped to what fits"
)]
fn points(length: f32) -> u16 {
    length.round().clamp(0.0, f32::from(u16::MAX)) as u16
}

fn percent(zoom: f32) -> u16 {
    points(zoom * 100.0).clamp(20, 500)
}

const fn preference(theme: Theme) -> ThemePreference {
    match theme {
        Theme::System => ThemePreference::System,
        Theme::Light => ThemePreference::Light,
        Theme::Dark => ThemePreference::Dark,
    }
}

fn lang_id() -> Id {
    Id::unique("language")
}

impl Speaks for Context {
    fn lang(&self) -> Lang {
        self.data(|data| data.get_temp(lang_id()))
            .unwrap_or_default()
    }
}

impl Speaks for Ui {
    fn lang(&self) -> Lang {
        self.ctx().lang()
    }
}
