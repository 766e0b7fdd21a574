//! The head of a group of rows: its name, how many there are, and what can be done with all of them.

use egui::{CursorIcon, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use super::icons::{self, Icon};
use super::listing::Group;
use super::scene::Scene;
use super::{theme, widgets};
use crate::l10n::tr;
use crate::model::Intent;

/// Draws a head that is `width` wide and begins at `left`, whichever cell of its line this is.
pub(super) fn head_ui(ui: &mut Ui, left: f32, width: f32, group: &Group, scene: &mut Scene<'_>) {
    let cell = ui.max_rect();
    let line = Rect::from_min_size(egui::pos2(left, cell.top()), vec2(width, cell.height()));
    ui.set_clip_rect(Rect::from_x_y_ranges(
        line.x_range(),
        ui.clip_rect().y_range(),
    ));
    let layout = Layout::left_to_right(egui::Align::Center);
    ui.scope_builder(UiBuilder::new().max_rect(line).layout(layout), |ui| {
        name_ui(ui, group, scene);
        let open = group.open;
        let count = tr!(ui, "status-ports", count = group.rows.len());
        let mut words = count;
        if open > 0 {
            words = format!("{words} · {}", tr!(ui, "status-open", count = open));
        }
        ui.add_space(4.0);
        ui.label(theme::weak(ui, words).size(12.0));
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.add_space(6.0);
            let name = name(group, scene);
            for (words, label, intent) in [
                (
                    tr!(scene, "group-close-all"),
                    tr!(scene, "group-close-all-of", group = &name),
                    Intent::Down,
                ),
                (
                    tr!(scene, "group-open-all"),
                    tr!(scene, "group-open-all-of", group = &name),
                    Intent::Up,
                ),
            ] {
                let words = egui::RichText::new(words).size(12.0);
                let button = egui::Button::new(words).small();
                if ui.add(button).accessible_name(label).clicked() {
                    let rows = scene.rows;
                    scene.set_all(rows.members(group).map(|row| &row.id), intent);
                }
            }
        });
    });
}

/// The name, which folds and unfolds its rows.
fn name_ui(ui: &mut Ui, group: &Group, scene: &mut Scene<'_>) {
    let name = name(group, scene);
    let palette = theme::palette(ui);
    let font = theme::strong_font(13.5);
    let galley =
        ui.fonts_mut(|fonts| fonts.layout_no_wrap(name.clone(), font.clone(), palette.text));
    let lead = if group.namespace.is_none() {
        44.0
    } else {
        26.0
    };
    let size = vec2(
        (galley.size().x + lead + 4.0).min(ui.available_width()),
        28.0,
    );
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        let name = tr!(scene, "group-name", group = &name);
        WidgetInfo::selected(Role::Button, true, !group.is_folded, name)
    });
    let icon = if group.is_folded {
        Icon::Right
    } else {
        Icon::Down
    };
    let center = egui::pos2(rect.left() + 13.0, rect.center().y);
    icons::paint(ui.painter(), icon, center, palette.weak);
    if group.namespace.is_none() {
        let center = egui::pos2(rect.left() + 32.0, rect.center().y);
        icons::paint(ui.painter(), Icon::StarFilled, center, palette.amber.fill);
    }
    let text = Rect::from_min_max(rect.min + vec2(lead, 0.0), rect.max);
    widgets::paint_text(ui, text, &name, font, palette.text);
    if response.has_focus() {
        widgets::ring(ui, rect.shrink(1.0), palette);
    }
    if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
        let key = group.key();
        let folded = &mut scene.window.filter.folded;
        if !folded.remove(&key) {
            folded.insert(key);
        }
    }
}

fn name(group: &Group, scene: &Scene<'_>) -> String {
    match &group.namespace {
        None => tr!(scene, "group-favourites").to_owned(),
        Some(name) if name.is_empty() => tr!(scene, "group-no-namespace").to_owned(),
        Some(name) => name.clone(),
    }
}
