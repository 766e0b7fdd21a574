//! The program's mark, the same as `assets/adit.svg`: a hill, and the level passage that leads into it.

use egui::{Painter, Pos2, Rect, Shape, Stroke};

use super::theme::Palette;

/// The hill's outline on a field of 16 by 16.
const HILL: [(f32, f32); 4] = [(0.5, 14.0), (8.0, 2.0), (15.5, 14.0), (0.5, 14.0)];
/// The passage's mouth.
const MOUTH: [(f32, f32); 4] = [(5.75, 14.0), (5.75, 9.2), (10.25, 9.2), (10.25, 14.0)];

/// Paints the mark into `rect`.
pub(super) fn paint(painter: &Painter, rect: Rect, palette: &Palette) {
    let scale = rect.width() / 16.0;
    let at = |(x, y): (f32, f32)| -> Pos2 { rect.min + egui::vec2(x, y) * scale };
    let shape = |points: &[(f32, f32)], color| {
        let points = points.iter().copied().map(at).collect();
        painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
    };
    shape(&HILL[..3], palette.accent);
    shape(&MOUTH, palette.window);
    let glow = (8.0, 11.9);
    painter.circle_filled(at(glow), 1.45 * scale, palette.amber.fill);
}
