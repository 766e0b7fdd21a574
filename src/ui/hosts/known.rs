//! The hosts that are known, each to be tried, changed or removed.

use std::sync::Arc;

use egui::{Align, CornerRadius, Frame, Layout, Margin, RichText, Stroke, Ui};

use super::steps;
use crate::l10n::tr;
use crate::model::{Command, HostId, HostStatus, SavedHost, printable};
use crate::ui::scene::Scene;
use crate::ui::{theme, top_bar, widgets};

/// In less width the buttons have a line of their own.
const NARROW: f32 = 520.0;

pub(super) fn known_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let snapshot = scene.snapshot;
    let saved: Vec<&Arc<SavedHost>> = snapshot.saved_hosts.values().collect();
    let only_now: Vec<&Arc<HostStatus>> = snapshot
        .hosts
        .iter()
        .filter(|host| !snapshot.saved_hosts.contains_key(&host.profile.id))
        .collect();
    if saved.is_empty() && only_now.is_empty() {
        ui.label(theme::weak(ui, tr!(scene, "hosts-none")));
    }
    for host in saved {
        host_ui(ui, scene, &host.id, Some(host));
    }
    for host in only_now {
        host_ui(ui, scene, &host.profile.id, None);
    }
}

fn host_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: &HostId, saved: Option<&SavedHost>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let is_narrow = ui.available_width() < NARROW;
        ui.horizontal_wrapped(|ui| {
            let status = scene.snapshot.host(id);
            if let Some(status) = status {
                let (light, _) = top_bar::link(scene.lang, &status.link);
                widgets::mark_ui(ui, light);
            }
            ui.label(theme::strong(printable(id.as_str())));
            let login = status.map(|status| status.profile.login());
            let login = login.or_else(|| saved.map(|host| host.address.clone()));
            ui.label(theme::weak(ui, printable(&login.unwrap_or_default())));
            if saved.is_none() {
                ui.label(theme::weak(ui, tr!(scene, "hosts-this-run")));
            }
            if !is_narrow {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    buttons_ui(ui, scene, id, saved);
                });
            }
        });
        if is_narrow {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    buttons_ui(ui, scene, id, saved);
                });
            });
        }
        if scene.view.hosts.removing.as_ref() == Some(id) {
            removing_ui(ui, scene, id);
        }
        if scene.view.hosts.tested.as_ref() == Some(id) {
            steps::steps_ui(ui, scene, id);
        }
    });
    ui.add_space(6.0);
}

/// From right to left.
fn buttons_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: &HostId, saved: Option<&SavedHost>) {
    if named_button_ui(
        ui,
        tr!(scene, "hosts-remove"),
        &tr!(scene, "hosts-remove-name", host = id.as_str()),
    ) {
        scene.view.hosts.removing = Some(id.clone());
    }
    if let Some(host) = saved
        && named_button_ui(
            ui,
            tr!(scene, "hosts-edit"),
            &tr!(scene, "hosts-edit-name", host = id.as_str()),
        )
    {
        super::edit(scene, host);
    }
    if named_button_ui(
        ui,
        tr!(scene, "hosts-test"),
        &tr!(scene, "hosts-test-name", host = id.as_str()),
    ) {
        scene.view.hosts.tested = Some(id.clone());
        let command = match (saved, scene.snapshot.host(id)) {
            (_, Some(status)) => Command::ProbeHost(Box::new(status.profile.clone())),
            (Some(host), None) => Command::TestHost(Box::new(host.clone())),
            (None, None) => return,
        };
        scene.commands.push(command);
    }
}

/// A button whose name tells screen readers which host it is about.
fn named_button_ui(ui: &mut Ui, text: &str, name: &str) -> bool {
    let response = ui.button(text);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response.clicked()
}

fn removing_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: &HostId) {
    let carried = scene
        .snapshot
        .tunnels
        .values()
        .filter(|tunnel| tunnel.spec.host == *id && !tunnel.listening.is_empty())
        .count();
    ui.add_space(4.0);
    let palette = theme::palette(ui);
    let text = tr!(scene, "hosts-remove-words", count = carried);
    ui.label(RichText::new(text).color(palette.amber.text));
    ui.horizontal(|ui| {
        if ui.button(tr!(scene, "hosts-remove-yes")).clicked() {
            scene.commands.push(Command::RemoveHost(id.clone()));
            scene.view.hosts.removing = None;
        }
        if ui.button(tr!(scene, "hosts-remove-no")).clicked() {
            scene.view.hosts.removing = None;
        }
    });
}
