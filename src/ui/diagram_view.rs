//! Draws the diagram of the way from its pure layout.

use egui::{
    Color32, CornerRadius, CursorIcon, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo,
};

use super::meter::Rate;
use super::theme::Palette;
use super::{icons, theme, widgets};
use crate::diagram::{self, EdgeKind, Graph, Layout, Node, NodeKind, Note, Size, Status};
use crate::l10n::tr;
use crate::model::Light;

/// What moves in the drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    /// How fast bytes move along the way, if they do.
    pub(super) rate: Option<Rate>,
    /// Whether what is in progress is shown moving.
    pub(super) animate: bool,
    /// Whether bytes are shown moving: not to whoever wants little movement. Where they go by is marked all the same.
    pub(super) flow: bool,
}

/// It laid out from left to right, where there is room for that.
pub(super) fn across(ui: &Ui, graph: &Graph) -> Option<Layout> {
    diagram::lay_across(graph, ui.available_width(), &measure(ui))
}

/// How large a text is in the window's fonts.
fn measure(ui: &Ui) -> impl Fn(&str, diagram::Role) -> Size {
    move |text: &str, role| {
        let (font, color) = (font(role, NodeKind::Host), Color32::WHITE);
        let galley = ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font, color));
        Size {
            width: galley.size().x,
            height: galley.size().y,
        }
    }
}

/// Draws it as it was laid out for this width, or else as it fits.
pub(super) fn diagram_ui(ui: &mut Ui, graph: &Graph, layout: Option<Layout>, motion: Motion) {
    let layout =
        layout.unwrap_or_else(|| diagram::lay_out(graph, ui.available_width(), &measure(ui)));
    let size = Vec2::new(layout.size.width, layout.size.height);
    let (area, _) = ui.allocate_exact_size(size, Sense::hover());
    if !ui.is_rect_visible(area) {
        return;
    }
    let drawing = Drawing {
        graph,
        layout: &layout,
        origin: area.min,
        palette: theme::palette(ui),
    };
    for (index, _) in layout.edges.iter().enumerate() {
        drawing.edge(ui, index, motion);
    }
    for (index, _) in graph.nodes.iter().enumerate() {
        drawing.node_ui(ui, index);
    }
    if let Some(note) = &layout.note {
        drawing.note_ui(ui, note);
    }
}

fn font(role: diagram::Role, kind: NodeKind) -> egui::FontId {
    match role {
        diagram::Role::Title if kind.is_row() => theme::mono_font(12.0),
        diagram::Role::Title => theme::strong_font(13.0),
        diagram::Role::Line => theme::body_font(12.0),
        diagram::Role::Label => theme::body_font(11.5),
    }
}

/// A status as a light, where one fits.
const fn light(status: &Status) -> Option<Light> {
    match status {
        Status::Idle => Some(Light::Grey),
        Status::Working => Some(Light::Green),
        Status::InProgress => Some(Light::Amber),
        Status::Broken { .. } => Some(Light::Red),
        Status::Unknown => None,
    }
}

struct Drawing<'a> {
    graph: &'a Graph,
    layout: &'a Layout,
    origin: Pos2,
    palette: &'static Palette,
}

impl Drawing<'_> {
    fn rect(&self, rect: diagram::Rect) -> Rect {
        let min = self.origin + Vec2::new(rect.left(), rect.top());
        Rect::from_min_size(min, Vec2::new(rect.size.width, rect.size.height))
    }

    fn node_ui(&self, ui: &mut Ui, index: usize) {
        let node = &self.graph.nodes[index];
        let rect = self.rect(self.layout.boxes[index]);
        let sense = if node.copy.is_some() {
            Sense::click()
        } else {
            Sense::hover()
        };
        let id = ui.scope_id().with(("station", &self.graph.title, index));
        let response = ui.interact(rect, id, sense);
        let role = if node.copy.is_some() {
            Role::Button
        } else {
            Role::Label
        };
        response.widget_info(|| {
            let (kind, status) = (node.kind_words(), node.status_words());
            WidgetInfo::labeled(role, true, format!("{kind} {}: {status}", node.title))
        });
        self.paint_box(ui, rect, node, index, response.hovered());
        if response.has_focus() {
            widgets::ring(ui, rect, self.palette);
        }
        if let Some(text) = &node.copy
            && response.clicked()
        {
            widgets::copy(ui, id, text);
        }
        let is_copied = widgets::is_copied(ui, id);
        let response = if node.copy.is_some() {
            response.on_hover_cursor(CursorIcon::PointingHand)
        } else {
            response
        };
        response.on_hover_ui(|ui| facts_ui(ui, node, is_copied));
    }

    fn paint_box(&self, ui: &Ui, rect: Rect, node: &Node, index: usize, hovered: bool) {
        let palette = self.palette;
        let is_first_broken = self.graph.first_broken == Some(index);
        let (mut fill, stroke) = match (&node.status, light(&node.status)) {
            (Status::Broken { .. }, _) if is_first_broken => {
                (palette.red.tint, Stroke::new(2.0, palette.red.fill))
            }
            (_, Some(light)) if light != Light::Grey => (
                palette.raised,
                Stroke::new(1.5, theme::lamp(palette, light).fill),
            ),
            _ => (palette.raised, Stroke::new(1.0, palette.line_strong)),
        };
        if hovered {
            fill = palette.hover;
        }
        let radius = CornerRadius::same(if node.kind.is_row() { 5 } else { theme::RADIUS });
        let painter = ui.painter();
        if node.kind == NodeKind::MetalLb {
            // Dashed, as its line: no byte goes through the announcement.
            painter.rect_filled(rect, radius, fill);
            let corners = [
                rect.left_top(),
                rect.right_top(),
                rect.right_bottom(),
                rect.left_bottom(),
                rect.left_top(),
            ];
            painter.extend(Shape::dashed_line(&corners, stroke, 5.0, 4.0));
        } else {
            painter.rect(rect, radius, fill, stroke, StrokeKind::Inside);
        }
        if node.kind.is_row() {
            self.paint_row(ui, rect, node);
        } else {
            self.paint_lines(ui, rect, node);
        }
    }

    fn paint_lines(&self, ui: &Ui, rect: Rect, node: &Node) {
        let left = rect.left() + 11.0;
        let room = rect.right() - 9.0 - left - 17.0;
        let mut y = rect.top() + 8.0;
        let mut line = |text: &str, font: egui::FontId, color: Color32| {
            let height = ui.fonts_mut(|fonts| fonts.row_height(&font));
            let place = Rect::from_min_size(Pos2::new(left + 17.0, y), Vec2::new(room, height));
            widgets::paint_text(ui, place, text, font, color);
            y += height + 2.0;
            place
        };
        let title = line(
            &node.title,
            font(diagram::Role::Title, node.kind),
            self.title_color(node),
        );
        for text in &node.lines {
            line(
                text,
                font(diagram::Role::Line, node.kind),
                self.palette.weak,
            );
        }
        self.paint_status(ui, Pos2::new(left + 5.0, title.center().y), &node.status);
    }

    fn paint_row(&self, ui: &Ui, rect: Rect, node: &Node) {
        let center = rect.center().y;
        self.paint_status(ui, Pos2::new(rect.left() + 16.0, center), &node.status);
        let left = rect.left() + 28.0;
        let title = font(diagram::Role::Title, node.kind);
        let color = self.title_color(node);
        let galley =
            ui.fonts_mut(|fonts| fonts.layout_no_wrap(node.title.clone(), title.clone(), color));
        let right = rect.right() - 9.0;
        let width = galley.size().x.min(right - left);
        let place = |x: f32, width: f32| {
            Rect::from_min_size(Pos2::new(x, rect.top()), Vec2::new(width, rect.height()))
        };
        widgets::paint_text(ui, place(left, width), &node.title, title, color);
        let room = right - left - width - 10.0;
        if room > 24.0 {
            let text = node.lines.join(" · ");
            let font = font(diagram::Role::Line, node.kind);
            widgets::paint_text(
                ui,
                place(right - room, room),
                &text,
                font,
                self.palette.weak,
            );
        }
    }

    fn title_color(&self, node: &Node) -> Color32 {
        if node.status == Status::Unknown {
            self.palette.weak
        } else {
            self.palette.text
        }
    }

    fn paint_status(&self, ui: &Ui, center: Pos2, status: &Status) {
        match light(status) {
            Some(light) => widgets::paint_mark(ui, center, light),
            None => {
                ui.painter()
                    .circle_filled(center, 1.8, self.palette.grey.fill);
            }
        }
    }

    fn edge(&self, ui: &Ui, index: usize, motion: Motion) {
        let path = &self.layout.edges[index];
        let edge = &self.graph.edges[path.edge];
        let points: Vec<Pos2> = path
            .points
            .iter()
            .map(|point| self.origin + Vec2::new(point.x, point.y))
            .collect();
        let color = match light(&edge.status) {
            Some(Light::Grey) | None => self.palette.grey.fill,
            Some(light) => theme::lamp(self.palette, light).fill,
        };
        let painter = ui.painter();
        match (edge.kind, &edge.status) {
            (EdgeKind::Relation, _) => {
                painter.extend(Shape::dashed_line(
                    &points,
                    Stroke::new(1.3, color),
                    3.0,
                    4.0,
                ));
            }
            (EdgeKind::Data, Status::InProgress) => {
                let time = if motion.animate {
                    ui.input(|input| input.time)
                } else {
                    0.0
                };
                #[expect(clippy::cast_possible_truncation, reason = "within one dash")]
                let offset = 10.0 - (time * 18.0).rem_euclid(10.0) as f32;
                let stroke = Stroke::new(2.0, color);
                painter.extend(Shape::dashed_line_with_offset(
                    &points,
                    stroke,
                    &[6.0],
                    &[4.0],
                    offset,
                ));
                arrow(painter, &points, color);
            }
            (EdgeKind::Data, Status::Idle | Status::Unknown) => {
                painter.line(points.clone(), Stroke::new(1.5, color));
                arrow(painter, &points, color);
            }
            (EdgeKind::Data, Status::Working | Status::Broken { .. }) => {
                painter.line(points.clone(), Stroke::new(2.0, color));
                arrow(painter, &points, color);
            }
        }
        if edge.status.is_broken() {
            self.paint_break(painter, &points, self.graph.first_broken == Some(edge.to));
        }
        if let (Some(rate), EdgeKind::Data, Status::Working) =
            (motion.rate, edge.kind, &edge.status)
        {
            let time = motion.flow.then(|| ui.input(|input| input.time));
            let dots = pulse(&points, rate, time.unwrap_or(0.0));
            for at in dots {
                painter.circle_filled(at, 2.6, self.palette.green.text);
            }
        }
        if let Some(label) = path.label {
            let font = font(diagram::Role::Label, NodeKind::Host);
            widgets::paint_text(ui, self.rect(label), &edge.label, font, self.palette.weak);
        }
    }

    /// Why the way ends there, and what to do.
    fn note_ui(&self, ui: &mut Ui, note: &Note) {
        let red = self.palette.red;
        let rect = self.rect(note.rect);
        let stroke = Stroke::new(1.0, red.fill);
        if let Some(stem) = note.stem {
            let [from, to] = stem.map(|point| self.origin + Vec2::new(point.x, point.y));
            ui.painter().line_segment([from, to], stroke);
        }
        let radius = CornerRadius::same(theme::RADIUS);
        let painter = ui.painter();
        painter.rect(rect, radius, red.tint, stroke, StrokeKind::Inside);
        for line in &note.lines {
            let color = if line.is_reason {
                red.text
            } else {
                self.palette.text
            };
            let font = font(diagram::Role::Line, NodeKind::Host);
            widgets::paint_text(ui, self.rect(line.rect), &line.text, font, color);
        }
        let words: Vec<&str> = note.lines.iter().map(|line| line.text.as_str()).collect();
        let words = words.join(" ");
        let id = ui.scope_id().with(("note", &self.graph.title));
        let response = ui.interact(rect, id, Sense::click());
        let name = tr!(ui, "diagram-copy-note", text = &words);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.clicked() {
            widgets::copy(ui, id, &words);
        }
        let told = if widgets::is_copied(ui, id) {
            tr!(ui, "copied")
        } else {
            tr!(ui, "diagram-note-hint")
        };
        response
            .on_hover_cursor(CursorIcon::PointingHand)
            .on_hover_text(told);
    }

    /// A cross where the way ends.
    fn paint_break(&self, painter: &Painter, points: &[Pos2], is_first: bool) {
        if !is_first || points.len() < 2 {
            return;
        }
        let (a, b) = (points[points.len() - 2], points[points.len() - 1]);
        let center = a + (b - a) * 0.5;
        painter.circle_filled(center, 7.0, self.palette.surface);
        icons::paint_sized(
            painter,
            icons::Icon::Close,
            center,
            14.0,
            self.palette.red.fill,
        );
    }
}

/// The head of an arrow at the end of the line.
fn arrow(painter: &Painter, points: &[Pos2], color: Color32) {
    let [.., before, end] = points else { return };
    let along = (*end - *before).normalized();
    let across = along.rot90();
    let back = *end - along * 6.5;
    let head = vec![*end, back + across * 3.6, back - across * 3.6];
    painter.add(Shape::convex_polygon(head, color, Stroke::NONE));
}

/// Where the dots are that travel with the bytes: towards this computer where more comes down than goes up.
fn pulse(points: &[Pos2], rate: Rate, time: f64) -> Vec<Pos2> {
    const SPACING: f32 = 26.0;
    let length: f32 = points
        .windows(2)
        .map(|pair| pair[0].distance(pair[1]))
        .sum();
    #[expect(clippy::cast_possible_truncation, reason = "a phase between 0 and 1")]
    let phase = (time * 0.9 + 0.5).fract() as f32;
    let phase = if rate.down > rate.up {
        1.0 - phase
    } else {
        phase
    };
    let places = std::iter::successors(Some(SPACING * phase), |at| Some(at + SPACING));
    places
        .take_while(|at| *at < length)
        .map(|at| along(points, at))
        .collect()
}

/// The point `distance` along the line.
fn along(points: &[Pos2], mut distance: f32) -> Pos2 {
    for pair in points.windows(2) {
        let length = pair[0].distance(pair[1]);
        if distance <= length && length > 0.0 {
            return pair[0] + (pair[1] - pair[0]) * (distance / length);
        }
        distance -= length;
    }
    points.last().copied().unwrap_or_default()
}

fn facts_ui(ui: &mut Ui, node: &Node, is_copied: bool) {
    ui.set_max_width(400.0);
    ui.label(theme::strong(format!(
        "{} · {}",
        node.kind_words(),
        node.status_words()
    )));
    if let Status::Broken { reason, remedy } = &node.status {
        let palette = theme::palette(ui);
        ui.label(egui::RichText::new(reason).color(palette.red.text));
        ui.label(remedy);
    }
    egui::Grid::new("facts")
        .num_columns(2)
        .min_row_height(18.0)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            for fact in &node.facts {
                ui.label(theme::weak(ui, &fact.name));
                ui.label(&fact.value);
                ui.end_row();
            }
        });
    if let Some(text) = &node.copy {
        let words = if is_copied {
            tr!(ui, "diagram-copied", text = text)
        } else {
            tr!(ui, "diagram-click-copies", text = text)
        };
        ui.label(theme::weak(ui, words));
    }
}
