//! What an empty window says: what Adit is for, and the ways to begin.

use egui::{
    Align, CornerRadius, CursorIcon, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

use super::state::Way;
use crate::l10n::tr;
use crate::ui::scene::Scene;
use crate::ui::{theme, widgets};

pub(super) fn welcome_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.label(theme::title(tr!(scene, "welcome-title")).size(22.0));
    ui.add_space(4.0);
    ui.label(tr!(scene, "welcome-words"));
    ui.add_space(theme::GROUP_GAP * 1.5);
    ways_ui(ui, scene);
    let Some(open_demo) = scene.view.hosts.tools.open_demo else {
        return;
    };
    ui.add_space(theme::GROUP_GAP * 1.5);
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::weak(ui, tr!(scene, "welcome-demo-words")));
        if ui.button(tr!(scene, "welcome-demo")).clicked() {
            open_demo();
        }
    });
}

/// The ways to bring a host along, but for the one that is open.
pub(super) fn ways_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let ways = [
        (
            Way::Paste,
            tr!(scene, "way-paste"),
            tr!(scene, "way-paste-words"),
        ),
        (
            Way::Import,
            tr!(scene, "way-import"),
            tr!(scene, "way-import-words"),
        ),
        (
            Way::Fill,
            tr!(scene, "way-fill"),
            tr!(scene, "way-fill-words"),
        ),
    ];
    let open = scene.view.hosts.way;
    for (way, title, words) in ways.into_iter().filter(|(way, ..)| Some(*way) != open) {
        if card_ui(ui, title, words) {
            super::open(scene, way);
        }
        ui.add_space(8.0);
    }
}

/// A button with a title and a sentence.
fn card_ui(ui: &mut Ui, title: &str, words: &str) -> bool {
    let palette = theme::palette(ui);
    let size = egui::vec2(ui.available_width(), 58.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    let fill = if response.hovered() {
        palette.hover
    } else {
        palette.raised
    };
    let round = CornerRadius::same(theme::RADIUS);
    let stroke = Stroke::new(1.0, palette.line_strong);
    ui.painter()
        .rect(rect, round, fill, stroke, StrokeKind::Inside);
    if response.has_focus() {
        widgets::ring(ui, rect, palette);
    }
    let line = |top: f32| {
        Rect::from_min_size(
            rect.min + egui::vec2(14.0, top),
            egui::vec2(rect.width() - 28.0, 20.0),
        )
    };
    widgets::paint_text(ui, line(9.0), title, theme::strong_font(14.0), palette.text);
    let cut = widgets::paint_text(ui, line(30.0), words, theme::body_font(12.5), palette.weak);
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if cut {
        return response.on_hover_text(words).clicked();
    }
    response.clicked()
}

/// The head of a way: its title, and the way back.
pub(super) fn head_ui(ui: &mut Ui, scene: &mut Scene<'_>, title: &str) {
    ui.horizontal(|ui| {
        ui.label(theme::title(title));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button(tr!(scene, "hosts-back")).clicked() {
                scene.view.hosts.close();
            }
        });
    });
    ui.add_space(theme::GROUP_GAP);
}
