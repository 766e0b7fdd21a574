//! Says that hosts are not remembered now, why, and what to do about it.

use egui::{CornerRadius, Frame, Margin, Stroke, Ui};

use crate::l10n::tr;
use crate::model::{Command, VaultStatus, printable};
use crate::ui::scene::Scene;
use crate::ui::{theme, widgets};

pub(super) fn keyring_card_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (words, button) = match &scene.snapshot.vault {
        VaultStatus::Off | VaultStatus::Ready => return,
        VaultStatus::Opening => {
            ui.label(theme::weak(ui, tr!(scene, "keyring-opening")));
            ui.add_space(theme::GROUP_GAP);
            return;
        }
        VaultStatus::Locked => (
            tr!(scene, "keyring-locked").to_owned(),
            tr!(scene, "keyring-unlock"),
        ),
        VaultStatus::Absent { reason, remedy } => {
            let absent = tr!(scene, "keyring-absent", reason = printable(reason));
            let remedy = scene.lang.say(remedy);
            (format!("{absent} {remedy}"), tr!(scene, "keyring-look"))
        }
    };
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.amber.text))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(egui::Label::new(&words).wrap());
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            if ui.button(button).clicked() {
                scene.commands.push(Command::UnlockVault);
            }
            widgets::copy_button_ui(ui, &words, tr!(ui, "copy-problem"));
        });
    });
    ui.add_space(theme::GROUP_GAP);
}
