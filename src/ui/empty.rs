//! What stands in place of the list when there is nothing to list.

use egui::{Align, Layout, Ui};

use super::icons::{self, Icon};
use super::scene::Scene;
use super::{hosts, theme, top_bar, widgets};
use crate::l10n::tr;
use crate::model::{ClusterFault, ClusterSource, ClusterState, Command, ServiceType, printable};

/// Through how many hosts a way is offered.
const HOSTS_OFFERED: usize = 3;

/// Says why there is no row; whether it did.
pub(super) fn empty_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> bool {
    // A group whose rows are folded away has its head still.
    if !scene.rows.items().is_empty() {
        return false;
    }
    let state = scene.snapshot.cluster.state.clone();
    centered_ui(ui, |ui| match state {
        _ if scene.rows.total() > 0 => no_match_ui(ui, scene),
        ClusterState::Off => {
            words_ui(ui, tr!(scene, "empty-off"), tr!(scene, "empty-off-hint"));
            ui.add_space(8.0);
            hosts_ui(ui, scene);
        }
        ClusterState::Loading => {
            widgets::spinner_ui(ui, 22.0, scene.animate);
            ui.add_space(6.0);
            words_ui(
                ui,
                tr!(scene, "empty-loading"),
                tr!(scene, "empty-loading-hint"),
            );
            way_ui(ui, scene);
            stop_ui(ui, scene);
        }
        ClusterState::Stopped => {
            let hint = tr!(scene, "empty-stopped-hint");
            words_ui(ui, tr!(scene, "empty-stopped"), hint);
            ui.add_space(8.0);
            if ui.button(tr!(scene, "empty-read-again")).clicked() {
                let source = scene.snapshot.cluster.source.clone();
                scene.commands.push(Command::UseCluster(source));
            }
        }
        ClusterState::Live => {
            words_ui(ui, tr!(scene, "empty-live"), tr!(scene, "empty-live-hint"));
            ui.add_space(8.0);
            others_ui(ui, scene);
        }
        ClusterState::Stale(fault) => fault_ui(ui, scene, tr!(scene, "empty-stale"), &fault),
        ClusterState::Failed(fault) => fault_ui(ui, scene, tr!(scene, "empty-failed"), &fault),
    });
    true
}

/// Ends reading a cluster that does not answer.
fn stop_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.add_space(8.0);
    if ui.button(tr!(scene, "empty-stop")).clicked() {
        scene.commands.push(Command::StopReading);
    }
}

/// How it is going with the host through which the cluster is read.
fn way_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let through = scene.snapshot.cluster.source.through.as_ref();
    let Some(host) = through.and_then(|id| scene.snapshot.host(id)) else {
        return;
    };
    let (light, word) = top_bar::link(scene.lang, &host.link);
    ui.add_space(8.0);
    let text = format!("{} · {word}", printable(&host.profile.login()));
    widgets::pill_ui(ui, light, &text);
}

/// `add` in the middle of what is left, in a column that reads well.
fn centered_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let area = ui.available_rect_before_wrap();
    let width = area.width().min(480.0);
    let column = egui::Rect::from_center_size(area.center(), egui::vec2(width, area.height()));
    ui.scope_builder(
        egui::UiBuilder::new()
            .max_rect(column)
            .layout(Layout::top_down(Align::Center)),
        |ui| {
            ui.add_space((area.height() * 0.5 - 90.0).max(12.0));
            add(ui);
        },
    );
}

fn words_ui(ui: &mut Ui, title: &str, hint: &str) {
    ui.label(theme::title(title));
    ui.add_space(4.0);
    ui.label(theme::weak(ui, hint));
}

/// The way on without a cluster: the one of the selected host, or a host at all.
fn hosts_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let host = scene.snapshot.selected_host.clone();
    let Some(host) = host.filter(|id| scene.snapshot.host(id).is_some()) else {
        if ui.button(tr!(scene, "empty-add-host")).clicked() {
            scene.view.page = super::view::Page::Hosts;
        }
        return;
    };
    let text = tr!(scene, "empty-read-from", host = printable(host.as_str()));
    if ui.button(text).clicked() {
        let saved = scene.snapshot.saved_hosts.get(&host);
        let source = saved.map_or_else(
            || ClusterSource::on_host(host.clone()),
            |saved| saved.cluster_source(),
        );
        scene.commands.push(Command::UseCluster(source));
    }
}

/// The API server of a cluster that needs SSH mostly stands behind that SSH as well: the way through each host, or to a first one.
fn through_ui(ui: &mut Ui, scene: &mut Scene<'_>, source: &ClusterSource) {
    let snapshot = scene.snapshot;
    if snapshot.hosts.is_empty() {
        if widgets::primary_button_ui(ui, tr!(scene, "empty-add-host")).clicked() {
            scene.view.page = super::view::Page::Hosts;
        }
        return;
    }
    for host in snapshot.hosts.iter().take(HOSTS_OFFERED) {
        let id = &host.profile.id;
        let text = tr!(scene, "empty-through", host = printable(id.as_str()));
        if widgets::primary_button_ui(ui, &text).clicked() {
            let through = Some(id.clone());
            let source = ClusterSource {
                through,
                ..source.clone()
            };
            scene.commands.push(Command::UseCluster(source));
        }
    }
}

/// The saved host says where the kubeconfig is and which context counts: the way to its form.
fn edit_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let snapshot = scene.snapshot;
    let selected = snapshot.selected_host.as_ref();
    let Some(host) = selected.and_then(|id| snapshot.saved_hosts.get(id)) else {
        return;
    };
    let text = tr!(scene, "hosts-edit-name", host = printable(host.id.as_str()));
    if snapshot.cluster.source == host.cluster_source()
        && widgets::primary_button_ui(ui, &text).clicked()
    {
        hosts::edit(scene, host);
        scene.view.page = super::view::Page::Hosts;
    }
    ui.add_space(8.0);
}

/// The services that there are are of other types: those can be tunnelled as well.
fn others_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let count = scene.snapshot.cluster.services.len();
    if count > 0
        && ui
            .button(tr!(scene, "empty-others", count = count))
            .clicked()
    {
        scene.window.filter.more_types = ServiceType::ALL.into();
    }
}

fn no_match_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let query = printable(&scene.view.query).into_owned();
    let hint = if query.is_empty() {
        tr!(scene, "empty-no-match-filter").to_owned()
    } else {
        tr!(scene, "empty-no-match-hint", query = query)
    };
    words_ui(ui, tr!(scene, "empty-no-match"), &hint);
    ui.add_space(8.0);
    let clear = if scene.window.filter.narrows() {
        tr!(scene, "empty-clear-filters")
    } else {
        tr!(scene, "bar-clear-search")
    };
    if ui.button(clear).clicked() {
        scene.widen();
    }
}

fn fault_ui(ui: &mut Ui, scene: &mut Scene<'_>, title: &str, fault: &ClusterFault) {
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(34.0), egui::Sense::hover());
    let palette = theme::palette(ui);
    icons::paint_sized(
        ui.painter(),
        Icon::Warning,
        rect.center(),
        28.0,
        palette.red.fill,
    );
    ui.label(theme::title(title));
    ui.add_space(4.0);
    let (message, hint) = (scene.lang.say(&fault.message), scene.lang.say(&fault.hint));
    ui.label(printable(&message));
    ui.label(theme::weak(ui, printable(&hint)));
    ui.label(theme::mono(fault.code).color(palette.weak));
    ui.add_space(8.0);
    let source = scene.snapshot.cluster.source.clone();
    if fault.code == "unreachable" && source.through.is_none() {
        through_ui(ui, scene, &source);
        ui.add_space(8.0);
    }
    if matches!(fault.code, "kubeconfig" | "context") {
        edit_ui(ui, scene);
    }
    let is_tried_again = matches!(scene.snapshot.cluster.state, ClusterState::Stale(_));
    let buttons = if is_tried_again { 260.0 } else { 140.0 };
    ui.horizontal(|ui| {
        ui.add_space((ui.available_width() - buttons) / 2.0);
        if ui.button(tr!(scene, "try-again")).clicked() {
            scene.commands.push(Command::UseCluster(source));
        }
        if is_tried_again && ui.button(tr!(scene, "empty-stop")).clicked() {
            scene.commands.push(Command::StopReading);
        }
        let words = format!("{message} ({}). {hint}", fault.code);
        widgets::copy_button_ui(ui, &words, tr!(scene, "copy-problem"));
    });
}
