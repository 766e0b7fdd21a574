//! Small pictures, drawn by hand: no font has to have them, and they are sharp at every size.

use egui::{Color32, Painter, Pos2, Shape, Stroke, Vec2};

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    /// Two sheets.
    Copy,
    /// A tick.
    Check,
    /// A magnifying glass.
    Search,
    /// A cross.
    Close,
    /// The sun.
    Sun,
    /// The moon.
    Moon,
    /// A circle, half of it filled.
    Half,
    /// A triangle with an exclamation mark.
    Warning,
    /// An exclamation mark.
    Alert,
    /// Three dots.
    Dots,
    /// Points up.
    Up,
    /// Points down.
    Down,
    /// Rows, each with a dot in front.
    List,
    /// Boxes of several sizes.
    Map,
    /// A computer in a rack.
    Host,
    /// Sliders to set.
    Sliders,
    /// A star.
    Star,
    /// A star that is filled.
    StarFilled,
    /// Points to the right.
    Right,
    /// A table's columns.
    Columns,
    /// Rows in groups.
    Groups,
    /// A line that beats.
    Pulse,
}

/// A line through these points, on a field that reaches from -7 to 7.
type Line = &'static [(f32, f32)];

/// The lines of the pictures that consist of lines.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each picture")]
const fn lines(icon: Icon) -> &'static [Line] {
    match icon {
        Icon::Copy => &[
            &[
                (1.5, -2.0),
                (5.0, -2.0),
                (5.0, 5.0),
                (-2.0, 5.0),
                (-2.0, -2.0),
                (1.5, -2.0),
            ],
            &[
                (-4.0, 2.0),
                (-5.0, 2.0),
                (-5.0, -5.0),
                (2.0, -5.0),
                (2.0, -4.0),
            ],
        ],
        Icon::Check => &[&[(-4.5, 0.5), (-1.5, 3.5), (4.5, -3.5)]],
        Icon::Search => &[&[(2.2, 2.2), (5.5, 5.5)]],
        Icon::Close => &[&[(-3.5, -3.5), (3.5, 3.5)], &[(-3.5, 3.5), (3.5, -3.5)]],
        Icon::Warning => &[
            &[(0.0, 5.0), (-6.0, 5.0), (0.0, -5.5), (6.0, 5.0), (0.0, 5.0)],
            &[(0.0, -1.6), (0.0, 1.2)],
        ],
        Icon::Alert => &[&[(0.0, -4.5), (0.0, 1.0)]],
        Icon::Up => &[&[(-3.5, 1.5), (0.0, -2.0), (3.5, 1.5)]],
        Icon::Down => &[&[(-3.5, -1.5), (0.0, 2.0), (3.5, -1.5)]],
        Icon::List => &[
            &[(-2.0, -4.0), (5.5, -4.0)],
            &[(-2.0, 0.0), (5.5, 0.0)],
            &[(-2.0, 4.0), (5.5, 4.0)],
        ],
        Icon::Map => &[
            &[
                (-5.5, -5.5),
                (-0.8, -5.5),
                (-0.8, 1.2),
                (-5.5, 1.2),
                (-5.5, -5.5),
            ],
            &[
                (1.6, -5.5),
                (5.5, -5.5),
                (5.5, -1.6),
                (1.6, -1.6),
                (1.6, -5.5),
            ],
            &[(1.6, 1.2), (5.5, 1.2), (5.5, 5.5), (1.6, 5.5), (1.6, 1.2)],
            &[
                (-5.5, 3.6),
                (-0.8, 3.6),
                (-0.8, 5.5),
                (-5.5, 5.5),
                (-5.5, 3.6),
            ],
        ],
        Icon::Host => &[
            &[
                (-5.5, -5.0),
                (5.5, -5.0),
                (5.5, -0.8),
                (-5.5, -0.8),
                (-5.5, -5.0),
            ],
            &[
                (-5.5, 0.8),
                (5.5, 0.8),
                (5.5, 5.0),
                (-5.5, 5.0),
                (-5.5, 0.8),
            ],
            &[(0.5, -2.9), (3.5, -2.9)],
            &[(0.5, 2.9), (3.5, 2.9)],
        ],
        Icon::Sliders => &[
            &[(-5.5, -3.2), (-0.4, -3.2)],
            &[(3.4, -3.2), (5.5, -3.2)],
            &[(-5.5, 3.2), (-3.4, 3.2)],
            &[(0.4, 3.2), (5.5, 3.2)],
        ],
        Icon::Right => &[&[(-1.5, -3.5), (2.0, 0.0), (-1.5, 3.5)]],
        Icon::Columns => &[
            &[
                (-5.5, -5.0),
                (5.5, -5.0),
                (5.5, 5.0),
                (-5.5, 5.0),
                (-5.5, -5.0),
            ],
            &[(-1.8, -5.0), (-1.8, 5.0)],
            &[(1.8, -5.0), (1.8, 5.0)],
        ],
        Icon::Groups => &[
            &[(-5.5, -4.8), (2.0, -4.8)],
            &[(-2.5, -1.6), (5.5, -1.6)],
            &[(-5.5, 1.8), (2.0, 1.8)],
            &[(-2.5, 5.0), (5.5, 5.0)],
        ],
        Icon::Pulse => &[&[
            (-6.0, 0.0),
            (-3.2, 0.0),
            (-1.2, -4.8),
            (1.6, 4.8),
            (3.2, 0.0),
            (6.0, 0.0),
        ]],
        Icon::Star | Icon::StarFilled | Icon::Sun | Icon::Moon | Icon::Half | Icon::Dots => &[],
    }
}

/// Paints `icon` around `center`, 14 points large.
pub(super) fn paint(painter: &Painter, icon: Icon, center: Pos2, color: Color32) {
    paint_sized(painter, icon, center, 14.0, color);
}

/// Paints `icon` around `center`, `size` points large.
pub(super) fn paint_sized(painter: &Painter, icon: Icon, center: Pos2, size: f32, color: Color32) {
    let scale = size / 14.0;
    let at = |x: f32, y: f32| center + Vec2::new(x, y) * scale;
    let stroke = Stroke::new((1.5 * scale).max(1.2), color);
    for line in lines(icon) {
        let points = line.iter().map(|(x, y)| at(*x, *y)).collect();
        painter.add(Shape::line(points, stroke));
    }
    match icon {
        Icon::Search => {
            painter.circle_stroke(at(-1.0, -1.0), 4.2 * scale, stroke);
        }
        Icon::Warning => {
            painter.circle_filled(at(0.0, 3.1), 0.9 * scale, color);
        }
        Icon::Alert => {
            painter.circle_filled(at(0.0, 4.0), 1.1 * scale, color);
        }
        Icon::Dots => {
            for x in [-4.0, 0.0, 4.0] {
                painter.circle_filled(at(x, 0.0), 1.3 * scale, color);
            }
        }
        Icon::Sun => sun(painter, center, scale, stroke),
        Icon::Moon => crescent(painter, center, scale, stroke),
        Icon::Half => half(painter, center, scale, stroke),
        Icon::List => {
            for y in [-4.0, 0.0, 4.0] {
                painter.circle_filled(at(-4.9, y), 1.0 * scale, color);
            }
        }
        Icon::Host => {
            for y in [-2.9, 2.9] {
                painter.circle_filled(at(-3.2, y), 0.9 * scale, color);
            }
        }
        Icon::Sliders => {
            painter.circle_stroke(at(1.5, -3.2), 1.9 * scale, stroke);
            painter.circle_stroke(at(-1.5, 3.2), 1.9 * scale, stroke);
        }
        Icon::Star | Icon::StarFilled => {
            star(painter, center, scale, stroke, icon == Icon::StarFilled);
        }
        Icon::Copy
        | Icon::Check
        | Icon::Close
        | Icon::Up
        | Icon::Down
        | Icon::Right
        | Icon::Map
        | Icon::Columns
        | Icon::Groups
        | Icon::Pulse => {}
    }
}

/// Five points; they are concave, so a filled one is made of triangles around its middle.
fn star(painter: &Painter, center: Pos2, scale: f32, stroke: Stroke, is_filled: bool) {
    let corner = |step: u8| {
        let radius = if step.is_multiple_of(2) { 6.0 } else { 2.6 };
        let angle = std::f32::consts::TAU * (f32::from(step) / 10.0 - 0.25);
        center + Vec2::new(0.0, 0.4) + Vec2::angled(angle) * radius * scale
    };
    let points: Vec<_> = (0..10).map(corner).collect();
    if is_filled {
        let mut mesh = egui::Mesh::default();
        mesh.colored_vertex(center, stroke.color);
        for point in &points {
            mesh.colored_vertex(*point, stroke.color);
        }
        for step in 0..10 {
            mesh.add_triangle(0, step + 1, (step + 1) % 10 + 1);
        }
        painter.add(Shape::mesh(mesh));
    }
    painter.add(Shape::closed_line(points, stroke));
}

fn sun(painter: &Painter, center: Pos2, scale: f32, stroke: Stroke) {
    painter.circle_stroke(center, 2.8 * scale, stroke);
    for step in 0_u8..8 {
        let ray = Vec2::angled(std::f32::consts::TAU * f32::from(step) / 8.0) * scale;
        painter.line_segment([center + ray * 4.8, center + ray * 6.4], stroke);
    }
}

/// A circle whose left half is filled.
fn half(painter: &Painter, center: Pos2, scale: f32, stroke: Stroke) {
    use std::f32::consts::{FRAC_PI_2, PI};
    painter.circle_stroke(center, 5.0 * scale, stroke);
    let arc = (0_u8..=12).map(|step| FRAC_PI_2 + PI * f32::from(step) / 12.0);
    let arc = arc.map(|angle| center + Vec2::angled(angle) * 5.0 * scale);
    painter.add(Shape::convex_polygon(
        arc.collect(),
        stroke.color,
        Stroke::NONE,
    ));
}

/// The outer arc of a moon and the inner one that bites into it.
fn crescent(painter: &Painter, center: Pos2, scale: f32, stroke: Stroke) {
    let arc = |middle: Vec2, radius: f32, from: f32, to: f32| {
        (0_u8..=14).map(move |step| {
            let angle = (from + (to - from) * f32::from(step) / 14.0).to_radians();
            center + (middle + Vec2::angled(angle) * radius) * scale
        })
    };
    // The angles are those under which the two circles' crossings are seen from either middle.
    let mut points: Vec<_> = arc(Vec2::ZERO, 5.2, 16.8, 262.8).collect();
    points.extend(arc(Vec2::new(2.6, -2.2), 4.4, 222.3, 57.3));
    painter.add(Shape::line(points, stroke));
}
