//! The page of SSH hosts, and the first run: three ways to bring a host along, a test before it is saved, and those that are
//! known.

mod add;
mod cluster;
mod form;
mod import;
mod key_line;
mod keyring_card;
mod known;
mod paste;
mod state;
mod steps;
mod welcome;

use egui::{Align, Layout, ScrollArea, Ui};

pub(super) use state::HostsView;
pub use state::{NoDialog, PickFile, Picked, Tools};

use super::scene::Scene;
use super::theme;
use crate::l10n::tr;
use crate::model::{ClusterState, SavedHost, Snapshot};
use state::{Form, Way};

/// How wide the page's column is at most: what reads well.
const COLUMN: f32 = 720.0;

/// Whether nothing is set up yet, so that the window begins with a welcome.
pub(super) fn is_first_run(snapshot: &Snapshot) -> bool {
    let no_cluster = match &snapshot.cluster.state {
        ClusterState::Off => true,
        ClusterState::Failed(fault) => fault.code == "kubeconfig",
        _ => false,
    };
    no_cluster
        && snapshot.hosts.is_empty()
        && snapshot.saved_hosts.is_empty()
        && snapshot.tunnels.is_empty()
}

/// The welcome in place of an empty list.
pub(super) fn welcome_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    column_ui(ui, |ui| {
        if scene.view.hosts.way.is_none() {
            keyring_card::keyring_card_ui(ui, scene);
            welcome::welcome_ui(ui, scene);
        } else {
            add::add_ui(ui, scene);
        }
    });
}

/// The page of hosts.
pub(super) fn page_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    column_ui(ui, |ui| {
        if scene.view.hosts.way.is_some() {
            add::add_ui(ui, scene);
            return;
        }
        ui.label(theme::title(tr!(scene, "hosts-title")));
        ui.add_space(theme::GROUP_GAP);
        keyring_card::keyring_card_ui(ui, scene);
        known::known_ui(ui, scene);
        ui.add_space(theme::GROUP_GAP);
        ui.label(theme::caption(ui, tr!(scene, "hosts-add")));
        ui.add_space(4.0);
        welcome::ways_ui(ui, scene);
    });
}

/// A column in the middle that scrolls where the window is low.
fn column_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt("hosts page")
        .auto_shrink(false)
        .show(ui, |ui| {
            let room = ui.available_width();
            let width = (room - 32.0).min(COLUMN);
            ui.horizontal_top(|ui| {
                ui.add_space(((room - width) / 2.0).max(0.0));
                ui.allocate_ui_with_layout(
                    egui::vec2(width, 0.0),
                    Layout::top_down(Align::Min),
                    |ui| {
                        ui.set_width(width);
                        ui.add_space(20.0);
                        add(ui);
                        ui.add_space(20.0);
                    },
                );
            });
        });
}

/// Leaves the page for the list.
fn leave(scene: &mut Scene<'_>) {
    scene.view.hosts.close();
    scene.view.page = super::view::Page::Services;
}

/// Opens the form of a host that is saved.
pub(super) fn edit(scene: &mut Scene<'_>, host: &SavedHost) {
    scene.view.hosts.form = Form::of(host);
    scene.view.hosts.way = Some(Way::Fill);
}

/// Opens one of the ways.
fn open(scene: &mut Scene<'_>, way: Way) {
    scene.view.hosts.way = Some(way);
    if way == Way::Import {
        scene.commands.push(crate::model::Command::ListSshHosts);
    }
}
