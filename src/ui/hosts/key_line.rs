//! What a private key file turned out to be, and the button that mends its permissions.

use std::path::{Path, PathBuf};

use egui::Ui;

use crate::l10n::{Lang, tr};
use crate::model::{Command, Exposure, KeyCheck, KeyVerdict, Light, Words, printable};
use crate::ui::scene::Scene;
use crate::ui::{theme, widgets};

/// A button that has the person pick a key file, where the system can.
pub(super) fn pick_button_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if scene.view.hosts.tools.pick_file.is_some()
        && ui.button(tr!(scene, "host-pick-key")).clicked()
    {
        scene.view.hosts.pick(ui.ctx());
    }
    if scene.view.hosts.no_dialog {
        let text = egui::RichText::new(tr!(scene, "host-no-dialog"));
        ui.label(text.color(theme::palette(ui).amber.text));
    }
}

/// What the file `path` is; the engine is asked once.
pub(super) fn verdict_ui(ui: &mut Ui, scene: &mut Scene<'_>, path: &Path) {
    if scene.view.hosts.asked_keys.insert(path.to_owned()) {
        scene.commands.push(Command::CheckKey {
            path: path.to_owned(),
            passphrase: None,
        });
    }
    let snapshot = scene.snapshot;
    let Some(check) = snapshot.key_checks.iter().find(|check| check.asked == path) else {
        return;
    };
    let light = match &check.verdict {
        KeyVerdict::Usable { .. } => Light::Green,
        _ => Light::Red,
    };
    ui.horizontal_wrapped(|ui| {
        widgets::mark_ui(ui, light);
        ui.label(printable(&sentence(scene.lang, check)));
    });
    if let Some(next) = check.verdict.next_step(&check.file) {
        ui.label(theme::weak(
            ui,
            printable(&format!("{}.", scene.lang.say(&next))),
        ));
    }
    mend_ui(ui, scene, check);
}

fn sentence(lang: Lang, check: &KeyCheck) -> String {
    let name = check.file.file_name().unwrap_or(check.file.as_os_str());
    let name = name.to_string_lossy();
    let verdict = lang.say(&check.verdict.words());
    match &check.mended {
        Some(Err(reason)) => format!("{name} {verdict}; {}.", lang.say(&Words::quoted(reason))),
        _ => format!("{name} {verdict}."),
    }
}

fn mend_ui(ui: &mut Ui, scene: &mut Scene<'_>, check: &KeyCheck) {
    match &check.verdict {
        KeyVerdict::Exposed(exposure) => {
            let text = match exposure {
                Exposure::Mode { wanted, .. } => {
                    tr!(scene, "key-fix", mode = format!("{wanted:o}"))
                }
                Exposure::AccessList { .. } => tr!(scene, "key-fix-list").to_owned(),
            };
            if ui.button(text).clicked() {
                let path = check.asked.clone();
                scene.commands.push(Command::FixKeyPermissions(path));
            }
        }
        KeyVerdict::Unusable {
            instead: Some(private),
            ..
        } if ui.button(tr!(scene, "key-use-instead")).clicked() => {
            use_instead(scene, private.clone());
        }
        _ => {}
    }
}

fn use_instead(scene: &mut Scene<'_>, private: PathBuf) {
    scene.view.hosts.form.key = private.to_string_lossy().into_owned();
    scene.view.hosts.pasted_key = Some(private);
}
