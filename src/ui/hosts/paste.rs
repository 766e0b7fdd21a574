//! Pasting an `ssh -L ...` command: what was understood of it shows while it is typed.

use egui::{FontSelection, RichText, TextEdit, Ui};

use super::add::{self, finish_ui, line_ui};
use super::{key_line, welcome};
use crate::l10n::tr;
use crate::model::ssh_command::{self, SshCommand, SshCommandError};
use crate::model::{ForwardSpec, HostId, SavedHost, match_forward, printable, without_stop};
use crate::ui::scene::Scene;
use crate::ui::theme;

const EXAMPLE: &str = "ssh -i key.pem -L 8080:10.0.0.241:80 ubuntu@203.0.113.7";

pub(super) fn paste_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    welcome::head_ui(ui, scene, tr!(scene, "way-paste"));
    let name = tr!(scene, "paste-field");
    let field = TextEdit::multiline(&mut scene.view.hosts.pasted)
        .font(FontSelection::FontId(theme::mono_font(13.0)))
        .hint_text(EXAMPLE)
        .desired_rows(3)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 8));
    let response = ui.add(field).accessible_name(name);
    add::begin_with(ui, &response, &scene.view.hosts.pasted);
    ui.add_space(theme::GROUP_GAP);
    match ssh_command::parse(&scene.view.hosts.pasted) {
        Ok(command) => understood_ui(ui, scene, command),
        Err(SshCommandError::Empty) => {
            ui.label(theme::weak(ui, tr!(scene, "paste-hint")));
        }
        Err(error) => {
            let palette = theme::palette(ui);
            let text = tr!(
                scene,
                "paste-problem",
                problem = without_stop(&scene.lang.say(&error.words()))
            );
            ui.label(RichText::new(text).color(palette.red.text));
        }
    }
}

fn understood_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: SshCommand) {
    let SshCommand {
        mut host,
        forwards,
        left_out,
    } = command;
    if let Some(key) = scene.view.hosts.picked() {
        scene.view.hosts.pasted_key = Some(key);
    }
    if let Some(key) = scene.view.hosts.pasted_key.clone() {
        match host.identities.first_mut() {
            Some(first) => *first = key,
            None => host.identities.push(key),
        }
    }
    let is_named = name_ui(ui, scene, &mut host);
    line_ui(ui, tr!(scene, "host-address"), |ui| {
        ui.label(theme::mono(printable(&login(&host))));
    });
    if !host.jumps.is_empty() {
        line_ui(ui, tr!(scene, "host-jumps"), |ui| {
            ui.label(theme::mono(printable(&host.jumps.join(" → "))));
        });
    }
    key_ui(ui, scene, &host);
    if !host.options.is_empty() {
        line_ui(ui, tr!(scene, "host-options"), |ui| {
            ui.label(theme::mono(printable(&host.options.join("  "))));
        });
    }
    forwards_ui(ui, scene, &forwards);
    for left_out in &left_out {
        let palette = theme::palette(ui);
        let words = scene.lang.say(&left_out.words());
        ui.label(RichText::new(format!("{words}.")).color(palette.amber.text));
    }
    finish_ui(ui, scene, is_named.then_some(&host), &forwards);
}

/// The field of the host's name; whether it holds a good one.
fn name_ui(ui: &mut Ui, scene: &mut Scene<'_>, host: &mut SavedHost) -> bool {
    let suggested = host.id.to_string();
    let label = tr!(scene, "host-name");
    let mut name = scene.view.hosts.pasted_name.clone().unwrap_or(suggested);
    line_ui(ui, label, |ui| {
        let field = TextEdit::singleline(&mut name).desired_width(220.0);
        if ui.add(field).accessible_name(label).changed() {
            scene.view.hosts.pasted_name = Some(name.clone());
        }
    });
    let name = name.trim();
    host.id = HostId::new(name);
    match SavedHost::check_name(name) {
        Ok(()) => true,
        Err(error) => {
            let palette = theme::palette(ui);
            let words = scene.lang.say(&error.words());
            ui.label(RichText::new(format!("{words}.")).color(palette.red.text));
            false
        }
    }
}

fn key_ui(ui: &mut Ui, scene: &mut Scene<'_>, host: &SavedHost) {
    line_ui(ui, tr!(scene, "host-key"), |ui| {
        match host.identities.first() {
            Some(path) => ui.label(theme::mono(printable(&path.to_string_lossy()))),
            None => ui.label(theme::weak(ui, tr!(scene, "host-key-default"))),
        };
        key_line::pick_button_ui(ui, scene);
    });
    for path in &host.identities {
        key_line::verdict_ui(ui, scene, path);
    }
}

fn forwards_ui(ui: &mut Ui, scene: &Scene<'_>, forwards: &[ForwardSpec]) {
    if forwards.is_empty() {
        line_ui(ui, tr!(scene, "paste-forwards"), |ui| {
            ui.label(theme::weak(ui, tr!(scene, "paste-no-forwards")));
        });
    }
    for (index, forward) in forwards.iter().enumerate() {
        let name = if index == 0 {
            tr!(scene, "paste-forwards")
        } else {
            ""
        };
        line_ui(ui, name, |ui| {
            let text = format!("{} → {}", forward.local, forward.destination);
            ui.label(theme::mono(printable(&text)));
            if let Some(found) = match_forward(&scene.snapshot.cluster, &forward.destination) {
                let palette = theme::palette(ui);
                let text = format!("= {} {} ({})", found.service, found.port, found.route);
                ui.label(RichText::new(printable(&text)).color(palette.green.text));
            }
        });
    }
}

fn login(host: &SavedHost) -> String {
    let user = host.user.as_ref().map(|user| format!("{user}@"));
    let port = host.port.map(|port| format!(":{port}"));
    let address = if port.is_some() && host.address.contains(':') {
        format!("[{}]", host.address)
    } else {
        host.address.clone()
    };
    format!(
        "{}{address}{}",
        user.unwrap_or_default(),
        port.unwrap_or_default()
    )
}
