//! The facts of the selected row, and the `ssh` command that does the same.

use egui::{CornerRadius, Frame, Margin, Ui};

use super::rows::{Row, RowId};
use super::scene::Scene;
use super::{ssh_command, theme, widgets, words};
use crate::diagram;
use crate::l10n::tr;
use crate::model::{
    Command, Destination, LinkStatus, ServiceKey, Target, TunnelId, TunnelSpec, TunnelStatus,
    printable, shell_quoted,
};

pub(super) fn facts_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    ui.label(theme::caption(ui, tr!(ui, "facts-title")));
    let facts = facts(row, scene);
    egui::Grid::new(("row facts", row.id.label(scene.lang)))
        .num_columns(2)
        .min_row_height(18.0)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            for (name, value) in &facts {
                ui.label(theme::weak(ui, *name));
                ui.add(egui::Label::new(value).wrap());
                ui.end_row();
            }
        });
    local_ui(ui, row, scene);
    if let Some(command) = command(row, scene) {
        ui.add_space(theme::GROUP_GAP);
        let (title, name) = (tr!(ui, "facts-by-hand"), tr!(ui, "facts-copy-command"));
        command_ui(ui, &command, title, name);
    }
    if let RowId::Port(key, port, _) = &row.id
        && row.service.is_some()
    {
        let local = words::planned_port(row.tunnel(scene.snapshot).map(AsRef::as_ref), *port);
        let commands = kubectl(scene, key, *port, local);
        ui.add_space(6.0);
        let (title, name) = (tr!(ui, "facts-kubectl"), tr!(ui, "facts-copy-kubectl"));
        command_ui(ui, &commands, title, name);
    }
}

fn facts(row: &Row, scene: &Scene<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    if let Some(tunnel) = tunnel {
        traffic_facts(&mut facts, row, tunnel, scene);
    }
    if let Some(service) = &row.service {
        let join = |ips: &[std::net::IpAddr]| {
            ips.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut add = |name, value: String| {
            if !value.is_empty() {
                facts.push((name, printable(&value).into_owned()));
            }
        };
        add(
            tr!(scene, "facts-metallb"),
            join(&service.load_balancer_ips),
        );
        add(tr!(scene, "facts-host-name"), service.hostnames.join(", "));
        add(
            tr!(scene, "facts-pool"),
            service.pool.clone().unwrap_or_default(),
        );
        let by: Vec<_> = service.announced_by.iter().flatten().collect();
        let by: Vec<_> = by
            .iter()
            .map(|by| format!("{} ({})", by.node, by.protocol))
            .collect();
        add(tr!(scene, "facts-announced-by"), by.join(", "));
        add(tr!(scene, "facts-cluster-ip"), join(&service.cluster_ips));
        let (ready, all) = super::cells::ready_of(service);
        add(
            tr!(scene, "facts-pods"),
            tr!(scene, "pods-ready-of", ready = ready, all = all),
        );
        add(
            tr!(scene, "facts-class"),
            service.load_balancer_class.clone().unwrap_or_default(),
        );
    }
    if let Some(host) = scene.host(row) {
        facts.push((
            tr!(scene, "facts-ssh-host"),
            printable(&host.profile.login()).into_owned(),
        ));
        if let LinkStatus::Up { session, .. } = &host.link {
            facts.push((
                tr!(scene, "facts-server"),
                printable(&session.server).into_owned(),
            ));
            facts.push((
                tr!(scene, "facts-cipher"),
                printable(&session.cipher).into_owned(),
            ));
        }
    }
    facts
}

fn traffic_facts(
    facts: &mut Vec<(&'static str, String)>,
    row: &Row,
    tunnel: &TunnelStatus,
    scene: &Scene<'_>,
) {
    let traffic = tunnel.traffic;
    if traffic.connections_total > 0 || traffic.connections > 0 {
        let (down, up) = (
            words::bytes(traffic.down_bytes),
            words::bytes(traffic.up_bytes),
        );
        facts.push((tr!(scene, "facts-traffic"), format!("↓ {down}  ↑ {up}")));
        let count = tr!(
            scene,
            "facts-connections-count",
            now = traffic.connections,
            all = traffic.connections_total,
        );
        facts.push((tr!(scene, "facts-connections"), count));
    }
    if traffic.refused_total > 0 {
        facts.push((
            tr!(scene, "facts-refused"),
            traffic.refused_total.to_string(),
        ));
    }
    if let Some(rate) = row
        .id
        .tunnel()
        .and_then(|id| scene.meter.rate(&id, scene.now))
    {
        facts.push((tr!(scene, "facts-now"), words::rate(scene.lang, rate)));
    }
}

/// What shows the same with kubectl, and a way that takes no SSH where the API can be reached.
fn kubectl(scene: &Scene<'_>, key: &ServiceKey, port: u16, local: u16) -> String {
    let context = scene.snapshot.cluster.context.as_deref();
    let context = context.map_or_else(String::new, |name| {
        format!(" --context {}", shell_quoted(name))
    });
    let (namespace, name) = (key.namespace.as_str(), shell_quoted(&key.name));
    let namespace = shell_quoted(namespace);
    format!(
        "kubectl{context} -n {namespace} describe service {name}\nkubectl{context} -n {namespace} port-forward service/{name} {local}:{port}"
    )
}

/// The port on this computer, to be changed.
fn local_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let Some(id) = row.id.tunnel() else { return };
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let port = row.port().map_or(0, |port| port.number);
    let now = words::planned_port(tunnel, port).to_string();
    let mut text = match &scene.view.local {
        Some((of, text)) if *of == id => text.clone(),
        _ => now.clone(),
    };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let label = ui.label(theme::weak(ui, tr!(ui, "facts-local-port")));
        let field = egui::TextEdit::singleline(&mut text)
            .desired_width(56.0)
            .char_limit(5);
        let response = ui.add(field).labelled_by(label.id);
        let wanted = text.parse::<u16>().ok().filter(|wanted| *wanted > 0);
        let is_new = text != now;
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if is_new {
            let button = egui::Button::new(tr!(ui, "facts-move"));
            let pressed = ui.add_enabled(wanted.is_some(), button).clicked();
            if let (Some(wanted), true) = (wanted, pressed || entered) {
                move_to(scene, &id, wanted);
                text.clone_from(&now);
            }
        }
        scene.view.local =
            (text != now || response.has_focus()).then(|| (id.clone(), text.clone()));
    });
}

/// Listens on this port from now on. A tunnel that was never opened has to be known first.
fn move_to(scene: &mut Scene<'_>, id: &TunnelId, port: u16) {
    let local = super::detail::moved(scene, id, port);
    if let (None, TunnelId::Service { service, port }) = (scene.snapshot.tunnels.get(id), id) {
        let Some(host) = scene.snapshot.selected_host.clone() else {
            return;
        };
        scene.commands.push(Command::AddTunnel(TunnelSpec {
            id: id.clone(),
            host,
            local: local.clone(),
            target: Target::Service {
                service: service.clone(),
                port: *port,
                route: None,
            },
        }));
    }
    scene.commands.push(Command::SetLocal {
        id: id.clone(),
        local,
    });
}

/// The equal command, where it can be told what the host would dial.
fn command(row: &Row, scene: &Scene<'_>) -> Option<String> {
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let host = scene.host(row)?;
    let (port, destination): (u16, Option<Destination>) = match (&row.id, &row.service) {
        (RowId::Port(_, port, crate::model::Protocol::Tcp), Some(service)) => {
            let planned = diagram::planned(service, *port, tunnel);
            (*port, planned.and_then(|planned| planned.destination))
        }
        _ => match tunnel.map(|tunnel| &tunnel.spec.target) {
            Some(Target::Fixed(destination)) => (0, Some(destination.clone())),
            _ => (0, None),
        },
    };
    Some(ssh_command::equal(
        &host.profile,
        tunnel,
        port,
        &destination?,
    ))
}

/// A command of one or more lines, to be copied.
fn command_ui(ui: &mut Ui, command: &str, title: &str, name: &str) {
    ui.horizontal(|ui| {
        ui.label(theme::caption(ui, title));
        widgets::copy_button_ui(ui, command, name);
    });
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.sunken)
        .stroke(egui::Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(10, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let lines: Vec<_> = command.lines().map(printable).collect();
        let text = theme::mono(lines.join("\n")).color(palette.text);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
}
