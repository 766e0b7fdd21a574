//! Filling a host in by hand, also to change one.

use std::path::PathBuf;

use egui::{RichText, TextEdit, Ui};

use super::add::{begin_with, field_ui, finish_ui, line_ui};
use super::{cluster, key_line, welcome};
use crate::l10n::tr;
use crate::model::printable;
use crate::model::ssh_command::name_for;
use crate::ui::scene::Scene;
use crate::ui::theme;

pub(super) fn form_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let title = if scene.view.hosts.form.editing.is_some() {
        tr!(scene, "hosts-edit-title")
    } else {
        tr!(scene, "way-fill")
    };
    welcome::head_ui(ui, scene, title);
    if let Some(key) = scene.view.hosts.picked() {
        scene.view.hosts.form.key = key.to_string_lossy().into_owned();
    }
    let lang = scene.lang;
    let form = &mut scene.view.hosts.form;
    let address = field_ui(
        ui,
        tr!(lang, "host-address"),
        &mut form.address,
        "203.0.113.7",
    );
    begin_with(ui, &address, &form.address);
    field_ui(ui, tr!(lang, "host-user"), &mut form.user, "ubuntu");
    field_ui(ui, tr!(lang, "host-port"), &mut form.port, "22");
    line_ui(ui, tr!(lang, "host-key"), |ui| {
        let field = TextEdit::singleline(&mut scene.view.hosts.form.key)
            .hint_text("~/.ssh/key.pem")
            .desired_width(340.0);
        ui.add(field).accessible_name(tr!(lang, "host-key"));
        key_line::pick_button_ui(ui, scene);
    });
    ui.add_space(2.0);
    let key = scene.view.hosts.form.key.trim();
    if !key.is_empty() {
        let path = PathBuf::from(key);
        key_line::verdict_ui(ui, scene, &path);
    }
    let form = &mut scene.view.hosts.form;
    field_ui(
        ui,
        tr!(lang, "host-jumps"),
        &mut form.jumps,
        tr!(lang, "host-jumps-hint"),
    );
    cluster::choice_ui(ui, lang, &mut form.cluster);
    let suggested = name_for(form.address.trim());
    field_ui(ui, tr!(lang, "host-name"), &mut form.name, &suggested);
    ui.add_space(4.0);
    match scene.view.hosts.form.problem() {
        Some(problem) => {
            let words = format!("{}.", lang.say(&problem));
            let color = theme::palette(ui).red.text;
            ui.label(RichText::new(printable(&words)).color(color));
        }
        None => {
            ui.label(theme::weak(ui, tr!(lang, "fill-hint")));
        }
    }
    let host = scene.view.hosts.form.host();
    finish_ui(ui, scene, host.as_ref(), &[]);
}
