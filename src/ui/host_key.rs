//! A host key that has changed: both fingerprints, where the held one stands, and the command that forgets it, to copy. No
//! button accepts it.

use egui::{CornerRadius, Frame, Margin, RichText, Ui};

use super::{theme, widgets};
use crate::l10n::tr;
use crate::model::{ChangedHostKey, printable};

/// Draws it.
pub(super) fn changed_ui(ui: &mut Ui, changed: &ChangedHostKey) {
    let palette = theme::palette(ui);
    ui.label(
        RichText::new(tr!(ui, "key-changed"))
            .color(palette.red.text)
            .strong(),
    );
    let offered = format!("{} {}", changed.key_type, changed.fingerprint);
    for (label, key) in [
        (tr!(ui, "key-changed-offered"), &offered),
        (tr!(ui, "key-changed-held"), &changed.held),
    ] {
        ui.label(theme::weak(ui, label));
        ui.add(
            egui::Label::new(theme::mono(printable(key)))
                .wrap()
                .selectable(true),
        );
    }
    let place = format!("{}:{}", changed.file.display(), changed.line);
    ui.label(theme::weak(
        ui,
        tr!(ui, "key-changed-where", place = printable(&place)),
    ));
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
