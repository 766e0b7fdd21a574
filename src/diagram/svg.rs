//! A graph as an SVG file of its own: the same layout as in the window, with nothing fetched from anywhere.

use std::fmt::Write as _;

use super::graph::{Edge, EdgeKind, Graph, Node, NodeKind, Status};
use super::layout::{EdgePath, Layout, Note, Point, Rect, Role, lay_out};
use super::paint::{Colors, Theme};
use super::typeface;

/// Space around the drawing.
const MARGIN: f32 = 24.0;
/// Space for the title above the drawing.
const HEAD: f32 = 40.0;
/// The size of the title's letters.
const TITLE: f32 = 17.0;
/// The fonts that are asked for, in this order: a viewer that has none of the first takes its own.
const FONTS: &str =
    "Inter, 'NanumGothic', 'Noto Sans CJK KR', 'Malgun Gothic', 'Apple SD Gothic Neo', sans-serif";

/// How a drawing is to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// How wide it may be, in points.
    pub width: f32,
    /// On a light or a dark ground.
    pub theme: Theme,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 1120.0,
            theme: Theme::Light,
        }
    }
}

/// Draws `graph`. Every text in it is escaped.
#[must_use]
pub fn render(graph: &Graph, style: Style) -> String {
    let layout = lay_out(graph, style.width - MARGIN * 2.0, &typeface::size);
    let mut drawing = Drawing {
        graph,
        layout: &layout,
        colors: Colors::of(style.theme),
        out: String::new(),
    };
    drawing.all();
    drawing.out
}

struct Drawing<'a> {
    graph: &'a Graph,
    layout: &'a Layout,
    colors: &'static Colors,
    out: String,
}

/// Letters on the drawing.
struct Letters<'a> {
    color: &'a str,
    size: f32,
    strong: bool,
}

impl Drawing<'_> {
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(arguments);
        self.out.push('\n');
    }

    fn all(&mut self) {
        let title = self.graph.title.clone();
        let size = self.layout.size;
        let width = size.width.max(typeface::width(&title, TITLE, true)) + MARGIN * 2.0;
        let height = size.height + HEAD + MARGIN * 2.0;
        let (width, height) = (width.ceil(), height.ceil());
        self.put(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="{FONTS}">"#
        ));
        self.put(format_args!("<title>{}</title>", escaped(&title)));
        self.put(format_args!(
            "<desc>{}</desc>",
            escaped(&described(self.graph))
        ));
        let ground = self.colors.ground;
        self.put(format_args!(
            r#"<rect width="{width}" height="{height}" fill="{ground}"/>"#
        ));
        let letters = Letters {
            color: self.colors.text,
            size: TITLE,
            strong: true,
        };
        self.text(Point::new(MARGIN, MARGIN + TITLE), &title, &letters);
        self.put(format_args!(
            r#"<g transform="translate({MARGIN} {})">"#,
            MARGIN + HEAD
        ));
        for path in &self.layout.edges {
            self.edge(path);
        }
        for (index, rect) in self.layout.boxes.iter().enumerate() {
            self.station(index, rect);
        }
        if let Some(note) = &self.layout.note {
            self.note(note);
        }
        self.put(format_args!("</g>\n</svg>"));
    }

    fn edge(&mut self, path: &EdgePath) {
        let edge = &self.graph.edges[path.edge];
        let color = self.colors.line_of(&edge.status);
        let (width, dash) = stroke(edge);
        self.put(format_args!(
            r#"<path d="{}" fill="none" stroke="{color}" stroke-width="{width}"{dash}/>"#,
            course(&path.points)
        ));
        if edge.kind == EdgeKind::Data
            && let Some(head) = head(&path.points)
        {
            self.put(format_args!(r#"<path d="{head}" fill="{color}"/>"#));
        }
        if edge.status.is_broken()
            && self.graph.first_broken == Some(edge.to)
            && let [.., a, b] = path.points[..]
        {
            self.cross(Point::new(f32::midpoint(a.x, b.x), f32::midpoint(a.y, b.y)));
        }
        if let Some(label) = path.label {
            let letters = Letters {
                color: self.colors.weak,
                size: typeface::letters(Role::Label),
                strong: false,
            };
            self.text_in(&label, &edge.label, &letters);
        }
    }

    /// A cross where the way ends.
    fn cross(&mut self, at: Point) {
        let (ground, red) = (self.colors.ground, self.colors.red.0);
        let Point { x, y } = at;
        self.put(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="7" fill="{ground}"/><path d="M{:.1} {:.1}l9 9m0 -9l-9 9" stroke="{red}" stroke-width="2.2" stroke-linecap="round"/>"#,
            x - 4.5,
            y - 4.5
        ));
    }

    fn station(&mut self, index: usize, rect: &Rect) {
        let node = &self.graph.nodes[index];
        self.put(format_args!("<g>\n<title>{}</title>", escaped(&told(node))));
        let is_first = self.graph.first_broken == Some(index);
        let (fill, line, width) = match &node.status {
            Status::Broken { .. } if is_first => (self.colors.red.1, self.colors.red.0, 2.0),
            Status::Idle | Status::Unknown => (self.colors.raised, self.colors.edge, 1.0),
            status => (self.colors.raised, self.colors.line_of(status), 1.5),
        };
        // Dashed, as its line: no byte goes through the announcement.
        let dash = if node.kind == NodeKind::MetalLb {
            r#" stroke-dasharray="5 4""#
        } else {
            ""
        };
        let radius = if node.kind.is_row() { 5 } else { 7 };
        self.put(format_args!(
            r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="{radius}" fill="{fill}" stroke="{line}" stroke-width="{width}"{dash}/>"#,
            rect.left(), rect.top(), rect.size.width, rect.size.height
        ));
        if node.kind.is_row() {
            self.row(node, rect);
        } else {
            self.lines(node, rect);
        }
        self.put(format_args!("</g>"));
    }

    fn lines(&mut self, node: &Node, rect: &Rect) {
        let left = rect.left() + 28.0;
        let room = rect.right() - 9.0 - left;
        let mut y = rect.top() + 8.0;
        let texts = [(&node.title, Role::Title)]
            .into_iter()
            .chain(node.lines.iter().map(|line| (line, Role::Line)));
        for (text, role) in texts {
            let height = typeface::size(text, role).height;
            let place = Rect::new(left, y, room, height);
            if role == Role::Title {
                self.mark(
                    Point::new(rect.left() + 16.0, place.center().y),
                    &node.status,
                );
            }
            let letters = self.letters(node, role);
            self.text_in(&place, text, &letters);
            y += height + 2.0;
        }
    }

    fn row(&mut self, node: &Node, rect: &Rect) {
        self.mark(
            Point::new(rect.left() + 16.0, rect.center().y),
            &node.status,
        );
        let left = rect.left() + 28.0;
        let room = rect.right() - 9.0 - left;
        let title = self.letters(node, Role::Title);
        let width = typeface::width(&node.title, title.size, title.strong).min(room);
        self.text_in(
            &Rect::new(left, rect.top(), width, rect.size.height),
            &node.title,
            &title,
        );
        let left_over = room - width - 10.0;
        if left_over > 24.0 {
            let line = self.letters(node, Role::Line);
            let place = Rect::new(left + width + 10.0, rect.top(), left_over, rect.size.height);
            self.text_in(&place, &node.lines.join(" · "), &line);
        }
    }

    fn letters(&self, node: &Node, role: Role) -> Letters<'static> {
        let colors = self.colors;
        let is_title = role == Role::Title;
        Letters {
            color: if is_title && node.status != Status::Unknown {
                colors.text
            } else {
                colors.weak
            },
            size: typeface::letters(role),
            strong: is_title && !node.kind.is_row(),
        }
    }

    /// How a station does, as a shape of its own: never by colour alone.
    fn mark(&mut self, at: Point, status: &Status) {
        let color = self.colors.line_of(status);
        let Point { x, y } = at;
        let knob = self.colors.knob;
        match status {
            Status::Idle => self.put(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="none" stroke="{color}" stroke-width="1.6"/>"#
            )),
            Status::Unknown => {
                self.put(format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="1.8" fill="{color}"/>"#));
            }
            Status::Working => self.put(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="6" fill="{color}"/><path d="M{:.1} {:.1}l2 2l4 -4" fill="none" stroke="{knob}" stroke-width="1.6"/>"#,
                x - 3.0, y
            )),
            Status::InProgress => self.put(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="5.2" fill="none" stroke="{color}" stroke-width="1.8" stroke-dasharray="3 2.4"/>"#
            )),
            Status::Broken { .. } => self.put(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="6" fill="{color}"/><path d="M{x:.1} {:.1}v3.6m0 1.6v1.4" stroke="{knob}" stroke-width="1.8"/>"#,
                y - 3.4
            )),
        }
    }

    fn note(&mut self, note: &Note) {
        let (red, tint, words) = self.colors.red;
        if let Some([from, to]) = note.stem {
            self.put(format_args!(
                r#"<path d="{}" stroke="{red}" stroke-width="1.5"/>"#,
                course(&[from, to])
            ));
        }
        let rect = &note.rect;
        self.put(format_args!(
            r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="7" fill="{tint}" stroke="{red}"/>"#,
            rect.left(), rect.top(), rect.size.width, rect.size.height
        ));
        for line in &note.lines {
            let letters = Letters {
                color: if line.is_reason {
                    words
                } else {
                    self.colors.text
                },
                size: typeface::letters(Role::Line),
                strong: false,
            };
            self.text_in(&line.rect, &line.text, &letters);
        }
    }

    /// `text` on the middle of `place`, cut where it does not fit.
    fn text_in(&mut self, place: &Rect, text: &str, letters: &Letters<'_>) {
        let text = typeface::shortened(text, place.size.width, letters.size, letters.strong);
        let baseline = place.center().y + letters.size * 0.36;
        self.text(Point::new(place.left(), baseline), &text, letters);
    }

    fn text(&mut self, at: Point, text: &str, letters: &Letters<'_>) {
        let weight = if letters.strong {
            r#" font-weight="600""#
        } else {
            ""
        };
        let (color, size) = (letters.color, letters.size);
        // A viewer with another font keeps to the widths that were laid out.
        let width = typeface::width(text, size, letters.strong);
        self.put(format_args!(
            r#"<text x="{:.1}" y="{:.1}" font-size="{size}"{weight} fill="{color}" textLength="{width:.1}" lengthAdjust="spacingAndGlyphs">{}</text>"#,
            at.x, at.y, escaped(text)
        ));
    }
}

/// How thick a leg is, and how it is dashed.
fn stroke(edge: &Edge) -> (f32, &'static str) {
    match (edge.kind, &edge.status) {
        (EdgeKind::Relation, _) => (1.3, r#" stroke-dasharray="3 4""#),
        (EdgeKind::Data, Status::InProgress) => (2.0, r#" stroke-dasharray="6 4""#),
        (EdgeKind::Data, Status::Idle | Status::Unknown) => (1.5, ""),
        (EdgeKind::Data, Status::Working | Status::Broken { .. }) => (2.0, ""),
    }
}

/// The corners of a line as a path's data.
fn course(points: &[Point]) -> String {
    let mut data = String::new();
    for (index, Point { x, y }) in points.iter().enumerate() {
        let sign = if index == 0 { 'M' } else { 'L' };
        let _ = write!(data, "{sign}{x:.1} {y:.1}");
    }
    data
}

/// The head of an arrow at the end of a line.
fn head(points: &[Point]) -> Option<String> {
    let [.., before, end] = points else {
        return None;
    };
    let (dx, dy) = (end.x - before.x, end.y - before.y);
    let length = dx.hypot(dy);
    if length < 0.1 {
        return None;
    }
    let (ux, uy) = (dx / length, dy / length);
    let back = Point::new(end.x - ux * 7.0, end.y - uy * 7.0);
    Some(format!(
        "M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z",
        end.x,
        end.y,
        back.x - uy * 3.8,
        back.y + ux * 3.8,
        back.x + uy * 3.8,
        back.y - ux * 3.8
    ))
}

/// What a viewer shows of a station under the pointer: all its facts.
fn told(node: &Node) -> String {
    let mut text = format!(
        "{} {}: {}",
        node.kind_words(),
        node.title,
        node.status_words()
    );
    if let Status::Broken { reason, remedy } = &node.status {
        let _ = write!(text, "\n{reason}\n{remedy}");
    }
    for fact in &node.facts {
        let _ = write!(text, "\n{}: {}", fact.name, fact.value);
    }
    text
}

/// The way in words, for whoever cannot see it.
fn described(graph: &Graph) -> String {
    let stations = graph.nodes.iter().filter(|node| !node.kind.is_row());
    let words: Vec<String> = stations
        .map(|node| {
            format!(
                "{} {} ({})",
                node.kind_words(),
                node.title,
                node.status_words()
            )
        })
        .collect();
    words.join(", ")
}

/// `text` as XML's character data or an attribute's value. What XML 1.0 forbids has become `printable` before; it is left
/// out all the same.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
