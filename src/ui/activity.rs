//! What goes on at the selected row: who is connected, the cluster's events, the log.

use egui::{Label, RichText, Ui};

use super::rows::Row;
use super::scene::Scene;
use super::{theme, widgets, words};
use crate::l10n::tr;
use crate::model::{
    Client, Command, Connection, LogEntry, LogLevel, LogSubject, ServiceEvent, printable,
};

/// How many connections are listed before the rest is a number.
const CONNECTIONS_LISTED: usize = 12;
/// How many entries of the log are listed.
const ENTRIES_LISTED: usize = 40;

pub(super) fn activity_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    connections_ui(ui, row, scene);
    if let Some(service) = &row.service {
        events_ui(ui, &service.events);
    }
    gaps_ui(ui, scene);
    log_ui(ui, row, scene);
}

/// Who is connected, since when, and what went through.
fn connections_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let Some(id) = row.id.tunnel() else { return };
    let Some(connections) = scene.snapshot.connections.get(&id).cloned() else {
        return;
    };
    if connections
        .iter()
        .any(|connection| connection.client == Client::Unasked)
    {
        scene.commands.push(Command::NameClients(id.clone()));
    }
    let open = scene.snapshot.tunnels.get(&id);
    let all = open.map_or(0, |tunnel| tunnel.traffic.connections as usize);
    ui.add_space(theme::GROUP_GAP);
    ui.label(theme::caption(ui, tr!(ui, "connections-title")));
    for connection in connections.iter().take(CONNECTIONS_LISTED) {
        connection_ui(ui, connection, scene);
    }
    let more = all.saturating_sub(connections.len().min(CONNECTIONS_LISTED));
    if more > 0 {
        ui.label(theme::weak(ui, tr!(ui, "connections-more", count = more)));
    }
}

/// On one line who it is, on another how long and how much.
fn connection_ui(ui: &mut Ui, connection: &Connection, scene: &Scene<'_>) {
    let peer = connection
        .peer
        .map_or_else(|| "unix".to_owned(), |peer| peer.to_string());
    let lasted = words::duration(scene.lang, scene.now.since(connection.since));
    let (down, up) = (
        words::bytes(connection.down_bytes),
        words::bytes(connection.up_bytes),
    );
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 1.0);
        ui.horizontal(|ui| {
            if let Client::Program(program) = &connection.client {
                ui.label(format!("{} ({})", printable(&program.name), program.pid));
            }
            ui.add(Label::new(theme::mono(peer)).truncate());
        });
        let words = theme::weak(ui, format!("{lasted} · ↓ {down}  ↑ {up}"));
        ui.add(Label::new(words.size(12.0)).truncate());
        ui.add_space(4.0);
    });
}

/// What the cluster says happened to the service.
fn events_ui(ui: &mut Ui, events: &[ServiceEvent]) {
    if events.is_empty() {
        return;
    }
    let palette = theme::palette(ui);
    ui.add_space(theme::GROUP_GAP);
    ui.label(theme::caption(ui, tr!(ui, "events-title")));
    for event in events {
        let color = if event.is_warning {
            palette.amber.text
        } else {
            palette.text
        };
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(theme::weak(ui, short_time(&event.at)));
            ui.label(RichText::new(printable(&event.reason)).color(color));
            ui.add(Label::new(printable(&event.message).as_ref()).wrap());
        });
    }
}

/// The time of day in UTC of an RFC 3339 time, as the cluster wrote it.
fn short_time(at: &str) -> String {
    let clock = at.split('T').nth(1).and_then(|rest| rest.get(..5));
    clock.map_or_else(String::new, |clock| format!("{clock} UTC"))
}

/// What cannot be seen of the cluster, with the role that would allow it.
fn gaps_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let cluster = &scene.snapshot.cluster;
    if cluster.gaps.is_empty() {
        return;
    }
    ui.add_space(theme::GROUP_GAP);
    ui.horizontal(|ui| {
        ui.label(theme::caption(ui, tr!(ui, "gaps-title")));
        if let Some(role) = &cluster.missing_role {
            widgets::copy_button_ui(ui, role, tr!(ui, "gaps-copy-role"));
        }
    });
    for gap in &cluster.gaps {
        ui.label(gap.resource)
            .on_hover_text(printable(&scene.lang.say(&gap.fault.hint)).as_ref());
        ui.add(
            Label::new(theme::weak(
                ui,
                printable(&scene.lang.say(&gap.fault.message)),
            ))
            .wrap(),
        );
    }
}

/// What happened to this tunnel, its host and the cluster; from a level on that the person chooses.
fn log_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let tunnel = row.id.tunnel();
    let host = scene.host(row).map(|host| host.profile.id.clone());
    let is_about = |entry: &LogEntry| match &entry.about {
        LogSubject::Tunnel(id) => Some(id) == tunnel.as_ref(),
        LogSubject::Host(id) => Some(id) == host.as_ref(),
        LogSubject::Cluster | LogSubject::Adit => true,
    };
    ui.add_space(theme::GROUP_GAP);
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::caption(ui, tr!(ui, "log-title")));
        ui.spacing_mut().item_spacing.x = 4.0;
        for level in LogLevel::ALL {
            let is_chosen = scene.view.log_level == level;
            let button = egui::Button::selectable(is_chosen, level_name(ui, level)).small();
            if ui.add(button.frame_when_inactive(true)).clicked() {
                scene.view.log_level = level;
            }
        }
    });
    let least = scene.view.log_level;
    let entries = scene.snapshot.log.iter().rev();
    let entries = entries.filter(|entry| entry.level >= least && is_about(entry));
    let mut any = false;
    for entry in entries.take(ENTRIES_LISTED) {
        any = true;
        entry_ui(ui, entry, scene);
    }
    if !any {
        ui.label(theme::weak(ui, tr!(ui, "log-empty")));
    }
}

fn level_name(ui: &Ui, level: LogLevel) -> &'static str {
    match level {
        LogLevel::Detail => tr!(ui, "log-detail"),
        LogLevel::Info => tr!(ui, "log-info"),
        LogLevel::Warning => tr!(ui, "log-warning"),
        LogLevel::Error => tr!(ui, "log-error"),
    }
}

fn entry_ui(ui: &mut Ui, entry: &LogEntry, scene: &Scene<'_>) {
    let palette = theme::palette(ui);
    let color = match entry.level {
        LogLevel::Detail => palette.weak,
        LogLevel::Info => palette.text,
        LogLevel::Warning => palette.amber.text,
        LogLevel::Error => palette.red.text,
    };
    let ago = words::duration(scene.lang, scene.now.since(entry.at));
    let about = match &entry.about {
        LogSubject::Tunnel(_) | LogSubject::Adit => String::new(),
        LogSubject::Host(host) => format!("{}: ", printable(host.as_str())),
        LogSubject::Cluster => tr!(ui, "log-cluster").to_owned(),
    };
    let text = format!("{about}{}", printable(&scene.lang.say(&entry.text)));
    let label = Label::new(RichText::new(text).color(color)).wrap();
    ui.add(label).on_hover_text(tr!(ui, "log-ago", time = ago));
}
