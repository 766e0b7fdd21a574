//! The keys, shown by a question mark.

use egui::{Frame, Grid, Id, Modal, ScrollArea, Ui};

use super::scene::Scene;
use super::theme;
use super::view::Overlay;
use crate::l10n::{Id as TextId, id, tr};

/// Every key and what it does. Names of keys are the same in both languages.
const KEYS: &[(&str, TextId)] = &[
    ("↑ ↓", id!("keys-move")),
    ("PgUp PgDn Home End", id!("keys-jump")),
    ("Space", id!("keys-toggle")),
    ("Enter", id!("keys-open")),
    ("F", id!("keys-favourite")),
    ("Shift ↑ ↓", id!("keys-mark")),
    ("Ctrl A", id!("keys-mark-all")),
    ("/   Ctrl F", id!("keys-search")),
    ("Ctrl K", id!("keys-palette")),
    ("Ctrl 1 … 4", id!("keys-pages")),
    ("Ctrl +   Ctrl -   Ctrl 0", id!("keys-zoom")),
    ("Esc", id!("keys-escape")),
    ("?", id!("keys-help")),
];

pub(super) fn keys_help_ui(ui: &Ui, scene: &mut Scene<'_>) {
    if scene.view.overlay != Overlay::Keys {
        return;
    }
    let palette = theme::palette(ui);
    let frame = Frame::popup(ui.style())
        .fill(palette.surface)
        .inner_margin(20);
    let modal = Modal::new(Id::unique("keys"))
        .backdrop_color(palette.veil)
        .frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        ui.label(theme::title(tr!(ui, "keys-title")));
        ui.add_space(theme::GROUP_GAP);
        let most = ui.ctx().content_rect().height() - 150.0;
        ScrollArea::vertical()
            .max_height(most)
            .min_scrolled_height(most)
            .show(ui, |ui| {
                Grid::new("keys")
                    .num_columns(2)
                    .spacing([22.0, 7.0])
                    .show(ui, |ui| {
                        for (key, what) in KEYS {
                            ui.label(theme::mono(*key).color(palette.accent));
                            ui.label(scene.lang.text(*what));
                            ui.end_row();
                        }
                    });
            });
        ui.add_space(theme::GROUP_GAP);
        ui.button(tr!(ui, "close")).clicked()
    });
    if response.inner || response.should_close() {
        scene.view.close_overlay();
    }
}
