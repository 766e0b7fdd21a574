//! The window's own controls. Each names itself and its role to screen readers.

use egui::{
    Align2, Button, Color32, CornerRadius, CursorIcon, Frame, Id, Margin, Rect, Response, Role,
    Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};

use super::icons::{self, Icon};
use super::theme::{self, Palette};
use crate::l10n::tr;
use crate::model::{Light, printable};

/// For how long a copy button says that it has copied.
const COPIED_S: f64 = 1.4;

/// What a switch shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct SwitchState {
    /// Whether the tunnel is wanted.
    pub(super) on: bool,
    /// How it is doing.
    pub(super) light: Light,
    /// Whether there is anything to switch.
    pub(super) enabled: bool,
    /// Whether something happens right now.
    pub(super) moving: bool,
}

/// A switch whose colour and shape both tell how the tunnel does: an empty knob on the left when off, three dots in the
/// middle on the way, a tick on the right when it works, an exclamation mark when it needs the person.
pub(super) fn switch_ui(ui: &mut Ui, state: SwitchState, label: impl Fn() -> String) -> Response {
    let sense = if state.enabled {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(theme::SWITCH, sense);
    response.widget_info(|| WidgetInfo::selected(Role::Switch, state.enabled, state.on, label()));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let palette = theme::palette(ui);
    if !state.enabled {
        let stroke = Stroke::new(1.5, palette.line_strong);
        ui.painter().line_segment(
            [
                rect.center() - Vec2::new(5.0, 0.0),
                rect.center() + Vec2::new(5.0, 0.0),
            ],
            stroke,
        );
        return response;
    }
    let place = match (state.on, state.light) {
        (false, Light::Grey) => 0.0,
        (_, Light::Amber | Light::Grey) => 0.5,
        (_, Light::Green | Light::Red) => 1.0,
    };
    let place = ui.ctx().animate_value_with_time(response.id, place, 0.12);
    paint_switch(ui, rect, state, place, palette);
    if response.has_focus() {
        ring(ui, rect.expand(2.0), palette);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

fn paint_switch(ui: &Ui, rect: Rect, state: SwitchState, place: f32, palette: &Palette) {
    let painter = ui.painter();
    let radius = rect.height() / 2.0;
    let round = CornerRadius::same(9);
    let x = egui::lerp((rect.left() + radius)..=(rect.right() - radius), place);
    let knob = egui::pos2(x, rect.center().y);
    if !state.on && state.light == Light::Grey {
        let stroke = Stroke::new(1.5, palette.grey.fill);
        painter.rect(
            rect.shrink(0.75),
            round,
            palette.sunken,
            stroke,
            StrokeKind::Middle,
        );
        painter.circle_stroke(knob, radius - 5.0, stroke);
        return;
    }
    let light = if state.light == Light::Grey {
        Light::Amber
    } else {
        state.light
    };
    let fill = theme::lamp(palette, light).fill;
    painter.rect_filled(rect, round, fill);
    painter.circle_filled(knob, radius - 2.0, palette.knob);
    match light {
        Light::Green => icons::paint_sized(painter, Icon::Check, knob, 10.0, fill),
        Light::Red => icons::paint_sized(painter, Icon::Alert, knob, 10.0, fill),
        Light::Amber | Light::Grey => paint_dots(ui, knob, fill, palette.knob, state.moving),
    }
}

/// Three dots, of which one after the other stands out while something happens.
fn paint_dots(ui: &Ui, center: egui::Pos2, color: Color32, ground: Color32, moving: bool) {
    let time = ui.input(|input| input.time);
    for (index, x) in [(0.0, -3.4), (1.0, 0.0), (2.0, 3.4)] {
        let beat = (time * 1.4 - index / 3.0).rem_euclid(1.0);
        let faded = if moving && beat > 0.4 { 0.55 } else { 0.0 };
        let color = theme::mixed(color, ground, faded);
        ui.painter()
            .circle_filled(center + Vec2::new(x, 0.0), 1.3, color);
    }
}

/// What is wrong, and a button that copies it.
pub(super) fn problem_ui(ui: &mut Ui, words: &str) {
    let words = printable(words);
    ui.label(egui::RichText::new(words.as_ref()).color(theme::palette(ui).red.text));
    copy_button_ui(ui, &words, tr!(ui, "copy-problem"));
}

/// Something is going on. It turns while `is_moving`, and stands still when that has lasted: then nothing is painted anew.
pub(super) fn spinner_ui(ui: &mut Ui, size: f32, is_moving: bool) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    let palette = theme::palette(ui);
    let radius = size / 2.0 - 1.5;
    ui.painter()
        .circle_stroke(rect.center(), radius, Stroke::new(2.0, palette.line));
    let turn = if is_moving {
        ui.input(|input| (input.time * 0.9).fract()) * std::f64::consts::TAU
    } else {
        0.0
    };
    let point = |step: i32| {
        let angle = turn + f64::from(step) * std::f64::consts::TAU / 48.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an angle of a small circle"
        )]
        let angle = angle as f32;
        rect.center() + radius * Vec2::angled(angle)
    };
    let arc = (0..=14).map(point).collect();
    ui.painter()
        .add(egui::Shape::line(arc, Stroke::new(2.0, palette.accent)));
}

/// The mark of the keyboard's focus.
pub(super) fn ring(ui: &Ui, rect: Rect, palette: &Palette) {
    let stroke = Stroke::new(1.5, palette.accent);
    ui.painter().rect_stroke(
        rect,
        CornerRadius::same(theme::RADIUS),
        stroke,
        StrokeKind::Outside,
    );
}

/// A button that is only a picture. `name` is its name and what hovering shows.
pub(super) fn icon_button_ui(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    icon_button_sized_ui(ui, icon, name, theme::ICON_BUTTON)
}

/// The same, `size` points wide and high.
pub(super) fn icon_button_sized_ui(ui: &mut Ui, icon: Icon, name: &str, size: f32) -> Response {
    bare_button_ui(ui, icon, || name.to_owned(), size).on_hover_text(name)
}

/// The same, whose name is only made where it is asked for, and which shows none when hovered.
fn bare_button_ui(ui: &mut Ui, icon: Icon, name: impl Fn() -> String, size: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name()));
    if ui.is_rect_visible(rect) {
        let palette = theme::palette(ui);
        if response.hovered() {
            ui.painter()
                .rect_filled(rect, CornerRadius::same(5), palette.hover);
        }
        let color = if response.hovered() || response.has_focus() {
            palette.text
        } else {
            palette.weak
        };
        icons::paint(ui.painter(), icon, rect.center(), color);
        if response.has_focus() {
            ring(ui, rect, palette);
        }
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A button that is only a picture and stays pressed while `is_on`.
pub(super) fn icon_toggle_ui(ui: &mut Ui, icon: Icon, name: &str, is_on: bool) -> Response {
    if is_on {
        let rect = Rect::from_min_size(ui.next_widget_position(), Vec2::ZERO);
        let rect = Rect::from_center_size(
            rect.min + Vec2::new(side(ui) * theme::ICON_BUTTON / 2.0, 0.0),
            Vec2::splat(theme::ICON_BUTTON),
        );
        let fill = theme::palette(ui).selected;
        ui.painter().rect_filled(rect, CornerRadius::same(5), fill);
    }
    icon_button_ui(ui, icon, name)
}

/// Which way the next widget grows: 1 to the right, -1 to the left.
fn side(ui: &Ui) -> f32 {
    if ui.layout().prefer_right_to_left() {
        -1.0
    } else {
        1.0
    }
}

/// A filter to choose: a shape where it stands for a light, and words.
pub(super) fn chip_ui(ui: &mut Ui, light: Option<Light>, text: &str, is_chosen: bool) -> Response {
    let palette = theme::palette(ui);
    let font = theme::body_font(12.5);
    let galley =
        ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font.clone(), palette.text));
    let lead = if light.is_some() { 24.0 } else { 11.0 };
    let size = Vec2::new(lead + galley.size().x + 11.0, 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, text));
    let is_lit = response.hovered() || response.has_focus();
    let (fill, edge) = match (is_chosen, is_lit) {
        (true, _) => (palette.selected, palette.accent),
        (false, true) => (palette.hover, palette.line_strong),
        (false, false) => (palette.raised, palette.line),
    };
    let stroke = Stroke::new(1.0, edge);
    ui.painter().rect(
        rect,
        CornerRadius::same(12),
        fill,
        stroke,
        StrokeKind::Inside,
    );
    if let Some(light) = light {
        paint_mark(ui, rect.left_center() + Vec2::new(13.0, 0.0), light);
    }
    let words = Rect::from_min_max(rect.min + Vec2::new(lead, 0.0), rect.max);
    paint_text(ui, words, text, font, palette.text);
    if response.has_focus() {
        ring(ui, rect, palette);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A button with words that copies `text`, and says so for a moment.
pub(super) fn copy_text_button_ui(ui: &mut Ui, text: &str, name: &str) -> Response {
    let id = ui.next_auto_id().with("copied");
    let words = if is_copied(ui, id) {
        tr!(ui, "copied")
    } else {
        name
    };
    let response = ui.button(words);
    if response.clicked() {
        copy(ui, id, text);
    }
    response
}

/// A button that copies `text`, and says so for a moment. `name` says what.
pub(super) fn copy_button_ui(ui: &mut Ui, text: &str, name: &str) -> Response {
    copy_button_sized_ui(ui, text, name, theme::ICON_BUTTON)
}

/// The same, `size` points wide and high.
pub(super) fn copy_button_sized_ui(ui: &mut Ui, text: &str, name: &str, size: f32) -> Response {
    copy_button_bare_ui(ui, text, || name.to_owned(), size).on_hover_text(name)
}

/// The same, whose name is only made where it is asked for, and which shows none when hovered.
pub(super) fn copy_button_bare_ui(
    ui: &mut Ui,
    text: &str,
    name: impl Fn() -> String,
    size: f32,
) -> Response {
    let id = ui.next_auto_id().with("copied");
    let icon = if is_copied(ui, id) {
        Icon::Check
    } else {
        Icon::Copy
    };
    let response = bare_button_ui(ui, icon, name, size);
    if response.clicked() {
        copy(ui, id, text);
    }
    response
}

/// Copies `text` and remembers that under `id`.
pub(super) fn copy(ui: &Ui, id: Id, text: &str) {
    ui.ctx().copy_text(text.to_owned());
    let now = ui.input(|input| input.time);
    ui.ctx().data_mut(|data| data.insert_temp(id, now));
    ui.ctx().request_repaint_after_secs(1.5);
}

/// Whether something was copied under `id` a moment ago.
pub(super) fn is_copied(ui: &Ui, id: Id) -> bool {
    let at: Option<f64> = ui.ctx().data(|data| data.get_temp(id));
    let now = ui.input(|input| input.time);
    at.is_some_and(|at| now - at < COPIED_S)
}

/// The one button of a group that matters most.
pub(super) fn primary_button_ui(ui: &mut Ui, text: &str) -> Response {
    let palette = theme::palette(ui);
    let text = egui::RichText::new(text)
        .color(palette.on_accent)
        .font(theme::strong_font(13.0));
    ui.add(Button::new(text).fill(palette.accent).stroke(Stroke::NONE))
}

/// A word in a small coloured box, with a shape in front of it.
pub(super) fn pill_ui(ui: &mut Ui, light: Light, text: &str) -> Response {
    let palette = theme::palette(ui);
    let lamp = theme::lamp(palette, light);
    let frame = Frame::new()
        .fill(lamp.tint)
        .corner_radius(CornerRadius::same(9))
        .inner_margin(Margin::symmetric(8, 2));
    frame
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            ui.horizontal(|ui| {
                mark_ui(ui, light);
                ui.label(egui::RichText::new(text).color(lamp.text).size(12.5));
            });
        })
        .response
}

/// The light as a shape: a ring when off, three dots, a disc with a tick, an exclamation mark.
pub(super) fn mark_ui(ui: &mut Ui, light: Light) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(11.0), Sense::hover());
    paint_mark(ui, rect.center(), light);
}

/// The same around `center`.
pub(super) fn paint_mark(ui: &Ui, center: egui::Pos2, light: Light) {
    let palette = theme::palette(ui);
    let fill = theme::lamp(palette, light).fill;
    let painter = ui.painter();
    match light {
        Light::Grey => {
            painter.circle_stroke(center, 3.6, Stroke::new(1.5, fill));
        }
        Light::Amber => icons::paint_sized(painter, Icon::Dots, center, 12.0, fill),
        Light::Green => {
            painter.circle_filled(center, 5.0, fill);
            icons::paint_sized(painter, Icon::Check, center, 8.0, palette.knob);
        }
        Light::Red => {
            painter.circle_filled(center, 5.0, fill);
            icons::paint_sized(painter, Icon::Alert, center, 8.0, palette.knob);
        }
    }
}

/// `text` on one line in `rect`, shortened where it does not fit; whether it was.
pub(super) fn paint_text(
    ui: &Ui,
    rect: Rect,
    text: &str,
    font: egui::FontId,
    color: Color32,
) -> bool {
    paint_text_in(ui, rect, Align2::LEFT_CENTER, text, font, color)
}

/// The same, elsewhere than at the left.
pub(super) fn paint_text_in(
    ui: &Ui,
    rect: Rect,
    place: Align2,
    text: &str,
    font: egui::FontId,
    color: Color32,
) -> bool {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width());
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let elided = galley.elided;
    let at = place.align_size_within_rect(galley.size(), rect).min;
    ui.painter().galley(at, galley, color);
    elided
}
