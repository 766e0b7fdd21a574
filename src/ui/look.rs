//! Keeps the window's look in step with the settings: language, theme, zoom.

use egui::{Context, Id, ThemePreference, Ui};

use crate::l10n::{Lang, Speaks};
use crate::model::{Command, SettingsChange, Snapshot, Theme, WindowSettings};

/// The look, as it was last brought about.
#[derive(Debug)]
pub(super) struct Look {
    system_language: Lang,
    applied: Option<WindowSettings>,
}

impl Look {
    /// For a person whose system speaks this language.
    pub(super) const fn new(system_language: Lang) -> Self {
        Self {
            system_language,
            applied: None,
        }
    }

    /// The language in use.
    pub(super) fn lang(&self, snapshot: &Snapshot) -> Lang {
        Lang::chosen(snapshot.settings.window.language, self.system_language)
    }

    /// Follows settings that changed, and tells the engine of a zoom that was changed by keys.
    pub(super) fn follow(
        &mut self,
        ctx: &Context,
        snapshot: &Snapshot,
        commands: &mut Vec<Command>,
    ) {
        let window = &snapshot.settings.window;
        let applied = self.applied.as_ref();
        if applied.is_none_or(|applied| applied.language != window.language) {
            let lang = self.lang(snapshot);
            ctx.data_mut(|data| data.insert_temp(lang_id(), lang));
        }
        if applied.is_none_or(|applied| applied.theme != window.theme) {
            ctx.set_theme(preference(window.theme));
        }
        let is_new_zoom = applied.is_none_or(|applied| applied.zoom_percent != window.zoom_percent);
        if is_new_zoom {
            ctx.set_zoom_factor(f32::from(window.zoom_percent) / 100.0);
        }
        let mut now = window.clone();
        // The factor that was just set counts from the next frame on.
        if !is_new_zoom && percent(ctx.zoom_factor()) != window.zoom_percent {
            now.zoom_percent = percent(ctx.zoom_factor());
            if applied.is_none_or(|applied| applied.zoom_percent != now.zoom_percent) {
                commands.push(change(now.clone()));
            }
        }
        if self.applied.as_ref() != Some(&now) {
            self.applied = Some(now);
        }
    }
}

/// Sets how the window looks.
pub(super) fn change(window: WindowSettings) -> Command {
    Command::ChangeSettings(SettingsChange::Window(Box::new(window)))
}

fn percent(zoom: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is clamped to what fits"
    )]
    let percent = (zoom * 100.0).round().clamp(20.0, 500.0) as u16;
    percent
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
