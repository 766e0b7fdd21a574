//! Adding a host: the open way, and what is common to the ways: a test, and saving.

use egui::{Response, RichText, TextEdit, Ui};

use super::state::Way;
use super::{form, import, paste, steps};
use crate::l10n::tr;
use crate::model::{ClusterState, Command, ForwardSpec, SavedHost, VaultStatus};
use crate::ui::scene::Scene;
use crate::ui::{theme, widgets};

pub(super) fn add_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    match scene.view.hosts.way {
        Some(Way::Paste) => paste::paste_ui(ui, scene),
        Some(Way::Import) => import::import_ui(ui, scene),
        Some(Way::Fill) => form::form_ui(ui, scene),
        None => {}
    }
}

/// The buttons under a host that is complete, and what its test shows.
pub(super) fn finish_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    host: Option<&SavedHost>,
    forwards: &[ForwardSpec],
) {
    ui.add_space(theme::GROUP_GAP);
    let save = if forwards.is_empty() {
        tr!(scene, "hosts-save")
    } else {
        tr!(scene, "hosts-save-and-open")
    };
    let (saved, tested) = ui
        .add_enabled_ui(host.is_some(), |ui| {
            ui.horizontal(|ui| {
                let saved = widgets::primary_button_ui(ui, save).clicked();
                (saved, ui.button(tr!(scene, "hosts-test")).clicked())
            })
            .inner
        })
        .inner;
    let Some(host) = host else {
        return;
    };
    vault_ui(ui, scene);
    if tested {
        scene.view.hosts.tested = Some(host.id.clone());
        scene.view.hosts.tested_as = Some(host.clone());
        scene
            .commands
            .push(Command::TestHost(Box::new(host.clone())));
    }
    // What was found of another address, port or key is no longer said.
    if scene.view.hosts.tested_as.as_ref() == Some(host) {
        ui.add_space(theme::GROUP_GAP);
        steps::steps_ui(ui, scene, &host.id);
    }
    if saved {
        save_host(scene, host.clone(), forwards.to_vec());
        super::leave(scene);
    }
}

/// Says where the host is kept.
fn vault_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let text = match &scene.snapshot.vault {
        VaultStatus::Ready => tr!(scene, "hosts-kept-in-keyring"),
        VaultStatus::Opening | VaultStatus::Locked => tr!(scene, "hosts-kept-once-unlocked"),
        VaultStatus::Off | VaultStatus::Absent { .. } => tr!(scene, "hosts-kept-for-this-run"),
    };
    ui.label(
        RichText::new(text)
            .size(12.0)
            .color(theme::palette(ui).weak),
    );
}

/// Saves a host, carries services through it, and opens what it forwarded. Without a cluster the host's own is looked for.
pub(super) fn save_host(scene: &mut Scene<'_>, host: SavedHost, forwards: Vec<ForwardSpec>) {
    let id = host.id.clone();
    let source = host.cluster_source();
    let has_cluster = matches!(
        scene.snapshot.cluster.state,
        ClusterState::Live | ClusterState::Loading | ClusterState::Stale(_)
    );
    let is_new = scene.view.hosts.form.editing.is_none();
    if let Some(before) = &scene.view.hosts.form.editing
        && before.id != id
    {
        scene.commands.push(Command::RemoveHost(before.id.clone()));
    }
    scene.commands.push(Command::SaveHost(Box::new(host)));
    if is_new {
        scene.commands.push(Command::SelectHost(id.clone()));
    }
    let was_shown = scene
        .view
        .hosts
        .form
        .editing
        .as_ref()
        .is_some_and(|before| {
            scene.snapshot.selected_host.as_ref() == Some(&before.id)
                && scene.snapshot.cluster.source == before.cluster_source()
        });
    if !has_cluster || was_shown && scene.snapshot.cluster.source != source {
        scene.commands.push(Command::UseCluster(source));
    }
    if !forwards.is_empty() {
        scene
            .commands
            .push(Command::OpenForwards { host: id, forwards });
    }
}

/// A line of a table: its name, and what `add` draws.
pub(super) fn line_ui<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal_wrapped(|ui| {
        let size = egui::vec2(92.0, 20.0);
        ui.allocate_ui_with_layout(
            size,
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_width(92.0);
                ui.label(theme::weak(ui, name));
            },
        );
        add(ui)
    })
    .inner
}

/// A line to type into, with what may be left out shown in it.
pub(super) fn field_ui(ui: &mut Ui, name: &str, text: &mut String, hint: &str) -> Response {
    let response = line_ui(ui, name, |ui| {
        let field = TextEdit::singleline(text)
            .hint_text(hint)
            .desired_width(340.0);
        ui.add(field).accessible_name(name)
    });
    ui.add_space(2.0);
    response
}

/// Has an empty page's first field take what is typed.
pub(super) fn begin_with(ui: &Ui, field: &Response, text: &str) {
    if text.is_empty() && ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
}
