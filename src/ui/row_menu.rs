//! What a right click on a row offers.

use egui::{OpenUrl, Ui};

use super::rows::Row;
use super::scene::Scene;
use super::{probe_view, words};
use crate::l10n::tr;
use crate::model::{Command, Intent, printable};

pub(super) fn row_menu_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    if let Some(id) = row.id.tunnel() {
        let name = match scene.intent(&id) {
            Intent::Up => tr!(scene, "details-close-tunnel"),
            Intent::Down => tr!(scene, "details-open"),
        };
        if ui.button(name).clicked() {
            scene.toggle(row);
        }
    }
    if let Some(command) = probe_view::command(row, scene) {
        let name = if probe_view::running(row, scene).is_some() {
            tr!(scene, "probe-cancel-way")
        } else {
            tr!(scene, "probe-start")
        };
        if ui.button(name).clicked() {
            scene.commands.push(command);
            // What it finds is shown in the details.
            scene.view.selected = Some(row.id.clone());
        }
    }
    let port = row.port().map_or(0, |port| port.number);
    if let Some(tunnel) = row.tunnel(scene.snapshot) {
        if let Some(url) = words::url(tunnel, port) {
            if ui.button(tr!(scene, "details-open-browser")).clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(&url));
            }
            if ui.button(tr!(scene, "row-copy-address")).clicked() {
                ui.ctx().copy_text(words::local_address(tunnel));
            }
        }
        if let Some(fault) = tunnel.state.fault() {
            if ui.button(tr!(scene, "try-again")).clicked() {
                let id = tunnel.spec.id.clone();
                scene.commands.push(Command::RetryNow(id));
            }
            if ui.button(tr!(scene, "copy-problem")).clicked() {
                let (what, next) = (scene.lang.fault(fault), scene.lang.next_step(fault));
                let words = format!("{what}. {next}");
                ui.ctx().copy_text(printable(&words).into_owned());
            }
        }
    }
    if row.key().is_some() {
        ui.separator();
        let name = if scene.is_favourite(row) {
            tr!(scene, "marked-no-favourite")
        } else {
            tr!(scene, "row-favourite")
        };
        if ui.button(name).clicked() {
            scene.toggle_favourite(row);
        }
    }
}
