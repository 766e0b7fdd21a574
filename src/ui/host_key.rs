//! A host key that has changed: both fingerprints, where the held one stands, and the command that forgets it, to copy. No
//! button accepts it.

use egui::{CornerRadius, Frame, Margin, Sense, Stroke, Ui};

use super::icons::{self, Icon};
use super::{theme, widgets};
use crate::l10n::tr;
use crate::model::{ChangedHostKey, printable};

/// Draws it, loud: somebody may be in between.
pub(super) fn changed_ui(ui: &mut Ui, changed: &ChangedHostKey) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.red.tint)
        .stroke(Stroke::new(2.0, palette.red.fill))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            words_ui(ui, changed);
        });
}

fn words_ui(ui: &mut Ui, changed: &ChangedHostKey) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(20.0), Sense::hover());
        let (painter, color) = (ui.painter(), palette.red.text);
        icons::paint_sized(painter, Icon::Warning, rect.center(), 20.0, color);
        ui.label(theme::title(tr!(ui, "key-changed")).color(color));
    });
    ui.add_space(2.0);
    let offered = format!("{} {}", changed.key_type, changed.fingerprint);
    for (label, key) in [
        (tr!(ui, "key-changed-offered"), &offered),
        (tr!(ui, "key-changed-held"), &changed.held),
    ] {
        ui.label(label);
        ui.add(
            egui::Label::new(theme::mono(printable(key)))
                .wrap()
                .selectable(true),
        );
    }
    let place = format!("{}:{}", changed.file.display(), changed.line);
    ui.label(tr!(ui, "key-changed-where", place = printable(&place)));
    ui.add_space(4.0);
    ui.label(tr!(ui, "key-changed-words"));
    let command = changed.forget_command();
    Frame::new()
        .fill(palette.sunken)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(10, 6))
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.add(
                    egui::Label::new(theme::mono(printable(&command)))
                        .wrap()
                        .selectable(true),
                );
                widgets::copy_button_ui(ui, &command, tr!(ui, "key-changed-copy"));
            });
        });
}
