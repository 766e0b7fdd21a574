//! Questions that wait for the person, one at a time.

use egui::{Frame, Grid, Id, Key, Modal, ModalResponse, RichText, Sides, TextEdit, Ui};
use zeroize::Zeroize as _;

use super::scene::Scene;
use super::{theme, widgets, words};
use crate::l10n::tr;
use crate::model::{Answer, Command, Prompt, Question, Secret, printable};

/// The oldest question, above everything else.
pub(super) fn prompt_ui(ui: &Ui, scene: &mut Scene<'_>) {
    let snapshot = scene.snapshot;
    let Some(prompt) = snapshot.prompts.first() else {
        scene.view.draft.turn_to(None);
        return;
    };
    let is_new = scene.view.draft.turn_to(Some(prompt.id));
    let palette = theme::palette(ui);
    let frame = Frame::popup(ui.style())
        .fill(palette.surface)
        .inner_margin(20);
    let modal = Modal::new(Id::unique("question"))
        .backdrop_color(palette.veil)
        .frame(frame);
    let ModalResponse { inner: answer, .. } = modal.show(ui.ctx(), |ui| {
        ui.set_width(440.0_f32.min(ui.ctx().content_rect().width() - 80.0));
        question_ui(ui, prompt, scene, is_new)
    });
    let escaped = ui.input(|input| input.key_pressed(Key::Escape));
    if let Some(answer) = answer.or(escaped.then_some(Answer::No)) {
        scene.view.draft.wipe();
        scene.commands.push(Command::Answer {
            prompt: prompt.id,
            answer,
        });
    }
}

fn question_ui(
    ui: &mut Ui,
    prompt: &Prompt,
    scene: &mut Scene<'_>,
    is_new: bool,
) -> Option<Answer> {
    ui.label(theme::title(words::question(scene.lang, &prompt.question)));
    let hop = printable(&prompt.hop);
    // A key's passphrase is no server's to ask for.
    let hop = if matches!(prompt.question, Question::Passphrase { .. }) {
        tr!(scene, "question-for", hop = hop)
    } else {
        tr!(scene, "question-by", hop = hop)
    };
    let hop = theme::weak(ui, hop);
    ui.add(egui::Label::new(hop).truncate());
    if prompt.was_refused {
        again_ui(ui, true, tr!(scene, "question-was-refused"));
    }
    ui.add_space(theme::GROUP_GAP);
    let answer = match &prompt.question {
        Question::UnknownHostKey {
            host,
            key_type,
            fingerprint,
            known_as,
        } => {
            return host_key_ui(
                ui,
                &HostKey {
                    host,
                    key_type,
                    fingerprint,
                    known_as,
                },
                is_new,
            );
        }
        Question::Passphrase { path, again } => {
            again_ui(ui, *again, tr!(scene, "question-wrong-passphrase"));
            ui.label(theme::mono(printable(&path.to_string_lossy())));
            secret_ui(ui, scene, tr!(scene, "question-field-passphrase"), is_new)
        }
        Question::Password { again } => {
            again_ui(ui, *again, tr!(scene, "question-wrong-password"));
            secret_ui(ui, scene, tr!(scene, "question-password"), is_new)
        }
        Question::Sudo { file } => return sudo_ui(ui, file, is_new),
        Question::Interactive { text, echo } => {
            ui.label(RichText::new(printable(text)).font(theme::strong_font(13.5)));
            if *echo {
                plain_ui(ui, scene, is_new)
            } else {
                secret_ui(ui, scene, tr!(scene, "question-field-answer"), is_new)
            }
        }
    };
    if prompt.question.is_rememberable() && scene.snapshot.vault.is_usable() {
        ui.add_space(6.0);
        let text = tr!(scene, "question-remember");
        ui.checkbox(&mut scene.view.draft.remember, text);
    }
    ui.add_space(theme::GROUP_GAP);
    buttons_ui(ui, scene, answer)
}

struct HostKey<'a> {
    host: &'a str,
    key_type: &'a str,
    fingerprint: &'a str,
    known_as: &'a [String],
}

fn host_key_ui(ui: &mut Ui, key: &HostKey<'_>, is_new: bool) -> Option<Answer> {
    ui.label(tr!(ui, "question-host-key"));
    ui.add_space(6.0);
    Grid::new("host key")
        .num_columns(2)
        .spacing([14.0, 5.0])
        .show(ui, |ui| {
            for (name, value) in [
                (tr!(ui, "question-host"), key.host),
                (tr!(ui, "question-key"), key.key_type),
            ] {
                ui.label(theme::weak(ui, name));
                ui.label(printable(value));
                ui.end_row();
            }
        });
    ui.add_space(4.0);
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.sunken)
        .corner_radius(6)
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let width = ui.available_width() - 34.0;
                ui.allocate_ui(egui::vec2(width, 20.0), |ui| {
                    let text = theme::mono(printable(key.fingerprint)).color(palette.text);
                    ui.add(egui::Label::new(text).wrap().selectable(true));
                });
                widgets::copy_button_ui(ui, key.fingerprint, tr!(ui, "question-copy-fingerprint"));
            });
        });
    if !key.known_as.is_empty() {
        ui.add_space(4.0);
        let names = key
            .known_as
            .iter()
            .map(|name| printable(name))
            .collect::<Vec<_>>()
            .join(", ");
        let text = tr!(ui, "question-known-as", names = names);
        ui.label(RichText::new(text).color(palette.green.text));
    }
    ui.add_space(theme::GROUP_GAP);
    yes_or_no_ui(ui, tr!(ui, "question-trust"), is_new)
}

fn sudo_ui(ui: &mut Ui, file: &str, is_new: bool) -> Option<Answer> {
    ui.label(tr!(ui, "question-sudo-why"));
    ui.add_space(6.0);
    ui.label(theme::mono(printable(&format!("sudo -n cat {file}"))));
    ui.add_space(theme::GROUP_GAP);
    yes_or_no_ui(ui, tr!(ui, "question-sudo-yes"), is_new)
}

/// The two buttons of a question that is answered by yes or no.
fn yes_or_no_ui(ui: &mut Ui, yes: &str, is_new: bool) -> Option<Answer> {
    let (agreed, cancelled) = Sides::new()
        .show(
            ui,
            |_ui| {},
            |ui| {
                let agree = widgets::primary_button_ui(ui, yes);
                let cancel = ui.button(tr!(ui, "cancel"));
                // Enter on an unread question must not agree to anything.
                if is_new {
                    cancel.request_focus();
                }
                (agree.clicked(), cancel.clicked())
            },
        )
        .1;
    match (agreed, cancelled) {
        (true, _) => Some(Answer::Yes),
        (false, true) => Some(Answer::No),
        (false, false) => None,
    }
}

fn again_ui(ui: &mut Ui, again: bool, text: &str) {
    if again {
        let color = theme::palette(ui).red.text;
        ui.label(RichText::new(text).color(color));
    }
}

/// A field whose contents are never shown. Whether Enter was pressed in it.
fn secret_ui(ui: &mut Ui, scene: &mut Scene<'_>, name: &str, is_new: bool) -> bool {
    let field = TextEdit::singleline(&mut scene.view.draft.secret)
        .password(true)
        .hint_text(name)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 6));
    let response = ui.add(field).accessible_name(name);
    finished(ui, &response, is_new)
}

fn plain_ui(ui: &mut Ui, scene: &mut Scene<'_>, is_new: bool) -> bool {
    let field = TextEdit::singleline(&mut scene.view.draft.plain)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 6));
    let response = ui
        .add(field)
        .accessible_name(tr!(scene, "question-field-answer"));
    finished(ui, &response, is_new)
}

fn finished(ui: &Ui, response: &egui::Response, is_new: bool) -> bool {
    if is_new {
        response.request_focus();
    }
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

fn buttons_ui(ui: &mut Ui, scene: &mut Scene<'_>, entered: bool) -> Option<Answer> {
    let (sent, cancelled) = Sides::new()
        .show(
            ui,
            |_ui| {},
            |ui| {
                let send = widgets::primary_button_ui(ui, tr!(ui, "continue"));
                (send.clicked(), ui.button(tr!(ui, "cancel")).clicked())
            },
        )
        .1;
    if cancelled {
        return Some(Answer::No);
    }
    (sent || entered).then(|| {
        let remember = scene.view.draft.remember;
        let secret = typed(scene);
        Answer::Secret { secret, remember }
    })
}

/// What was typed, leaving nothing of it behind.
fn typed(scene: &mut Scene<'_>) -> Secret {
    let draft = &mut scene.view.draft;
    if !draft.secret.is_empty() {
        return draft.secret.take_secret();
    }
    let secret = Secret::new(draft.plain.clone());
    draft.plain.zeroize();
    secret
}
