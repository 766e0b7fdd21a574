//! What cannot be seen of the cluster although the services can: said above the list until it is put away.

use egui::{Align, CornerRadius, Frame, Layout, Margin, RichText, Stroke, Ui};

use super::icons::{self, Icon};
use super::scene::Scene;
use super::{theme, widgets};
use crate::l10n::{Speaks as _, tr};
use crate::model::{ClusterState, Command, printable};

/// A line on what is missing, with the Role that would grant it; nothing where all can be seen, or once it was read.
pub(super) fn gaps_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    stale_ui(ui, scene);
    stopped_ui(ui, scene);
    metallb_ui(ui, scene);
    let cluster = &scene.snapshot.cluster;
    if cluster.gaps.is_empty() || scene.view.gaps_read.as_ref() == Some(&cluster.gaps) {
        return;
    }
    let names: Vec<_> = cluster
        .gaps
        .iter()
        .map(|gap| gap.resource.to_owned())
        .collect();
    let text = tr!(
        ui,
        "gaps-not-allowed",
        count = names.len(),
        names = names.join(", ")
    );
    let mut is_read = false;
    strip_ui(ui, &text, |ui| {
        if widgets::icon_button_sized_ui(ui, Icon::Close, tr!(ui, "gaps-close"), 22.0).clicked() {
            is_read = true;
        }
        if let Some(role) = &cluster.missing_role {
            let name = tr!(ui, "strip-copy-role");
            widgets::copy_text_button_ui(ui, role, name).on_hover_ui(|ui| {
                ui.label(theme::mono(role.as_ref()));
            });
        }
    })
    .on_hover_ui(|ui| {
        for gap in &cluster.gaps {
            let (message, hint) = (&gap.fault.message, &gap.fault.hint);
            ui.label(printable(&ui.lang().say(message)));
            ui.label(theme::weak(ui, printable(&ui.lang().say(hint))));
        }
    });
    if is_read {
        scene.view.gaps_read = Some(scene.snapshot.cluster.gaps.clone());
    }
}

/// The view is old: what is shown may not be how things are.
fn stale_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let ClusterState::Stale(fault) = &scene.snapshot.cluster.state else {
        return;
    };
    // With no row to be old, the page itself says what is wrong.
    if scene.rows.total() == 0 {
        return;
    }
    let (message, hint) = (scene.lang.say(&fault.message), scene.lang.say(&fault.hint));
    let text = tr!(ui, "gaps-stale", reason = printable(&message));
    let source = scene.snapshot.cluster.source.clone();
    let commands = &mut *scene.commands;
    strip_ui(ui, &text, |ui| {
        if ui.button(tr!(ui, "try-again")).clicked() {
            commands.push(Command::UseCluster(source));
        }
        let words = format!("{message} ({}). {hint}", fault.code);
        widgets::copy_button_ui(ui, &words, tr!(ui, "copy-problem"));
    });
}

/// The cluster is not read, and there are tunnels to see all the same.
fn stopped_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let cluster = &scene.snapshot.cluster;
    if cluster.state != ClusterState::Stopped || scene.rows.total() == 0 {
        return;
    }
    strip_ui(ui, tr!(scene, "empty-stopped"), |ui| {
        if ui.button(tr!(ui, "empty-read-again")).clicked() {
            scene
                .commands
                .push(Command::UseCluster(cluster.source.clone()));
        }
    });
}

/// MetalLB is not there: no service will get an address.
fn metallb_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let Some(finding) = scene.rows.metallb_missing() else {
        return;
    };
    let told = scene.lang.finding(finding);
    // The finding is about one service; here it is about them all.
    strip_ui(ui, tr!(scene, "gaps-no-metallb"), |ui| {
        let words = format!("{} ({}). {}", told.what, finding.code, told.next);
        widgets::copy_button_ui(ui, &words, tr!(ui, "copy-problem"));
    })
    .on_hover_text(printable(&told.next));
}

/// A strip of the colour of warnings with buttons at its right end.
fn strip_ui(ui: &mut Ui, text: &str, buttons_ui: impl FnOnce(&mut Ui)) -> egui::Response {
    let palette = theme::palette(ui);
    let lamp = palette.amber;
    let stroke = Stroke::new(1.0, theme::mixed(lamp.tint, lamp.fill, 0.35));
    let frame = Frame::new()
        .fill(lamp.tint)
        .stroke(stroke)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(10, 4))
        .outer_margin(Margin {
            left: 4,
            right: 8,
            top: 4,
            bottom: 0,
        });
    frame
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(24.0);
                let (rect, _) =
                    ui.allocate_exact_size(egui::Vec2::splat(15.0), egui::Sense::hover());
                icons::paint_sized(ui.painter(), Icon::Warning, rect.center(), 13.0, lamp.fill);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    buttons_ui(ui);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = RichText::new(text).color(lamp.text);
                        ui.add(egui::Label::new(text).truncate());
                    });
                });
            });
        })
        .response
}
