//! The quiet strip at the bottom: what happened, told once.

use egui::{Frame, Margin, Panel, Ui};

use super::icons::Icon;
use super::scene::Scene;
use super::{theme, widgets, words};
use crate::l10n::{Speaks as _, tr};
use crate::model::{Light, Notice, printable};

pub(super) fn status_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.window)
        .inner_margin(Margin::symmetric(theme::PANEL_MARGIN, 5));
    Panel::bottom("status bar").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(20.0);
            let summary = summary(scene);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(theme::weak(ui, summary).size(12.0));
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    notices_ui(ui, scene);
                });
            });
        });
    });
}

/// How many of what there are.
fn summary(scene: &Scene<'_>) -> String {
    let count = |light: Light| {
        scene
            .snapshot
            .tunnels
            .values()
            .filter(|tunnel| tunnel.state.light() == light)
            .count()
    };
    let (shown, all) = (scene.rows.found_count(), scene.rows.total());
    let rows = if shown == all {
        tr!(scene, "status-ports", count = all)
    } else {
        tr!(scene, "status-ports-of", shown = shown, count = all)
    };
    let mut parts = vec![rows, tr!(scene, "status-open", count = count(Light::Green))];
    let (working, broken) = (count(Light::Amber), count(Light::Red));
    if working > 0 {
        parts.push(tr!(scene, "status-on-the-way", count = working));
    }
    if broken > 0 {
        parts.push(tr!(scene, "status-need-you", count = broken));
    }
    parts.join(" · ")
}

fn notices_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let read_until = scene.view.read_until;
    let unread: Vec<&Notice> = scene
        .snapshot
        .notices
        .iter()
        .filter(|notice| read_until.is_none_or(|read| notice.at > read))
        .collect();
    let Some(last) = unread.last() else { return };
    let at = last.at;
    let ago = words::duration(scene.lang, scene.now.since(at));
    if widgets::icon_button_sized_ui(ui, Icon::Close, tr!(scene, "notices-close"), 20.0).clicked() {
        scene.view.read_until = Some(at);
    }
    let all: Vec<_> = unread
        .iter()
        .map(|notice| printable(&scene.lang.say(&notice.text)).into_owned())
        .collect();
    widgets::copy_button_sized_ui(ui, &all.join("\n"), tr!(scene, "notices-copy"), 20.0);
    let text = match unread.len() {
        1 => printable(&scene.lang.say(&last.text)).into_owned(),
        count => tr!(
            scene,
            "notices-before",
            text = printable(&scene.lang.say(&last.text)),
            count = count - 1
        ),
    };
    let label = egui::Label::new(egui::RichText::new(text).size(12.5)).truncate();
    ui.add(label).on_hover_ui(|ui| {
        for notice in unread.iter().rev().take(12) {
            ui.label(printable(&ui.lang().say(&notice.text)));
        }
        ui.label(theme::weak(ui, tr!(ui, "notices-ago", time = &ago)));
    });
}
