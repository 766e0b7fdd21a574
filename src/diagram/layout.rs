//! Where the boxes and lines of a graph lie, for a given width. Left to right where there is room, else top to bottom.

mod columns;
mod geometry;
mod note;
mod stack;

pub use geometry::{Point, Rect, Size};
pub use note::{Note, NoteLine};

use super::graph::{Graph, Node};

/// What a text in the drawing is; whoever draws it chooses the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A box's name.
    Title,
    /// A line below it.
    Line,
    /// Words on a leg.
    Label,
}

/// How large a text will be. A function argument, so that the layout needs no font.
pub trait Measure {
    /// The size of `text` on one line.
    fn size(&self, text: &str, role: Role) -> Size;
}

impl<F: Fn(&str, Role) -> Size> Measure for F {
    fn size(&self, text: &str, role: Role) -> Size {
        self(text, role)
    }
}

/// Which way the traffic runs in the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Left to right.
    Across,
    /// Top to bottom.
    Down,
}

/// The course of one leg.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgePath {
    /// Its place in [`Graph::edges`].
    pub edge: usize,
    /// Its corners, from the border of one box to that of the other.
    pub points: Vec<Point>,
    /// Where its words stand, if it has any.
    pub label: Option<Rect>,
}

/// A graph laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Which way the traffic runs.
    pub direction: Direction,
    /// The size of the whole drawing.
    pub size: Size,
    /// The box of each node, by its place in [`Graph::nodes`].
    pub boxes: Vec<Rect>,
    /// The courses of the legs.
    pub edges: Vec<EdgePath>,
    /// What is wrong with the station that broke, and what to do about it, beside that station.
    pub note: Option<Note>,
}

/// Space between a box's border and its text, sideways.
pub(super) const PAD_X: f32 = 11.0;
/// Space between a box's border and its text, above and below.
pub(super) const PAD_Y: f32 = 8.0;
/// Width of the mark that shows a station's status, with the space behind it.
pub(super) const MARK: f32 = 17.0;
/// Space between the title of a row and the line behind it.
pub(super) const ROW_GAP: f32 = 10.0;
/// Space between rows.
const ROW_SPACING: f32 = 5.0;
/// Space above and below the lines of a box and of a row.
const LEADING: f32 = 2.0;

/// Lays `graph` out in `width`. The drawing is never wider than that; texts that do not fit their box are the drawer's to
/// shorten.
#[must_use]
pub fn lay_out(graph: &Graph, width: f32, measure: &dyn Measure) -> Layout {
    lay_across(graph, width, measure).unwrap_or_else(|| stack::lay_out(graph, width, measure))
}

/// The same from left to right; none where `width` has no room for that.
#[must_use]
pub fn lay_across(graph: &Graph, width: f32, measure: &dyn Measure) -> Option<Layout> {
    columns::lay_out(graph, width, measure)
}

/// What a box needs to show all its text.
fn natural_size(node: &Node, measure: &dyn Measure) -> Size {
    let title = measure.size(&node.title, Role::Title);
    let lines = node.lines.iter().map(|line| measure.size(line, Role::Line));
    if node.kind.is_row() {
        let line = lines.fold(Size::default(), |sum, line| Size {
            width: sum.width + ROW_GAP + line.width,
            height: sum.height.max(line.height),
        });
        return Size {
            width: PAD_X * 2.0 + MARK + title.width + line.width,
            height: title.height.max(line.height) + PAD_Y,
        };
    }
    lines.fold(
        Size {
            width: PAD_X * 2.0 + MARK + title.width,
            height: PAD_Y * 2.0 + title.height,
        },
        |size, line| Size {
            width: size.width.max(PAD_X * 2.0 + MARK + line.width),
            height: size.height + LEADING + line.height,
        },
    )
}

/// The places of all nodes of `rank` in the graph.
fn of_rank(graph: &Graph, rank: usize) -> Vec<usize> {
    (0..graph.nodes.len())
        .filter(|index| graph.nodes[*index].rank == rank)
        .collect()
}

/// The highest rank there is.
fn last_rank(graph: &Graph) -> usize {
    graph.nodes.iter().map(|node| node.rank).max().unwrap_or(0)
}

/// How much space is between two nodes that stand one above the other; `leg` is that for the words on a line.
fn spacing_below(graph: &Graph, upper: usize, lower: usize, leg: f32) -> f32 {
    let is_row = |index: usize| graph.nodes[index].kind.is_row();
    match (is_row(upper), is_row(lower)) {
        (true, true) => ROW_SPACING,
        (false, true) => ROW_SPACING * 2.0,
        (_, false) => leg,
    }
}

/// The smallest size that holds all of these.
fn bounds(boxes: &[Rect], edges: &[EdgePath], note: Option<&Note>) -> Size {
    let corners = boxes
        .iter()
        .chain(edges.iter().filter_map(|edge| edge.label.as_ref()))
        .chain(note.map(|note| &note.rect));
    let mut size = corners.fold(Size::default(), |size, rect| Size {
        width: size.width.max(rect.right()),
        height: size.height.max(rect.bottom()),
    });
    for point in edges.iter().flat_map(|edge| &edge.points) {
        size.width = size.width.max(point.x);
        size.height = size.height.max(point.y);
    }
    size
}

#[cfg(test)]
mod tests;
