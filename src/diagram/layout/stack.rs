//! Top to bottom: the stations below each other, pods as a list hanging on a line, the address beside its Service or, where
//! there is no room, above it.

use super::note::note;
use super::{
    Direction, EdgePath, Layout, Measure, Note, Point, Rect, Role, bounds, last_rank, natural_size,
    of_rank, spacing_below,
};
use crate::diagram::graph::{Edge, Graph, NodeKind};

/// How long the line between two stations is.
const LEG: f32 = 30.0;
/// Where the line of the path runs, from the left.
const TRUNK: f32 = 22.0;
/// How far rows and addresses stand to the right of the path, so that its line passes them.
const INDENT: f32 = 44.0;
/// Boxes grow with the space up to here.
const MOST_BOX: f32 = 420.0;
/// Space between a station and the note below it.
const NOTE_GAP: f32 = 8.0;
/// Space beside a Service for the line to its address, without the words on it.
const LEAST_SIDE_GAP: f32 = 28.0;

/// The layout. Works for every width that is not absurd.
pub(super) fn lay_out(graph: &Graph, width: f32, measure: &dyn Measure) -> Layout {
    let width = width.clamp(INDENT * 3.0, MOST_BOX.max(INDENT * 3.0));
    let mut stack = Stack {
        graph,
        measure,
        width,
        boxes: vec![Rect::default(); graph.nodes.len()],
        y: 0.0,
        placed: None,
        note: None,
    };
    for rank in 0..=last_rank(graph) {
        stack.place_rank(rank);
    }
    let edges: Vec<_> = (0..graph.edges.len())
        .map(|index| stack.path(index))
        .collect();
    Layout {
        direction: Direction::Down,
        size: bounds(&stack.boxes, &edges, stack.note.as_ref()),
        boxes: stack.boxes,
        edges,
        note: stack.note,
    }
}

struct Stack<'a> {
    graph: &'a Graph,
    measure: &'a dyn Measure,
    width: f32,
    boxes: Vec<Rect>,
    y: f32,
    /// The node placed last.
    placed: Option<usize>,
    note: Option<Note>,
}

impl Stack<'_> {
    fn place_rank(&mut self, rank: usize) {
        let mut members = of_rank(self.graph, rank);
        if let [address, service] = members[..]
            && self.graph.nodes[address].kind == NodeKind::MetalLb
        {
            if rank == last_rank(self.graph) {
                // Nothing of the path lies below the Service, and its pods above: the address goes to the other side.
                members = vec![service, address];
            } else if self.place_beside(address, service) {
                return;
            }
        }
        for index in members {
            self.place_below(index);
        }
    }

    fn place_below(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let spacing = match self.placed {
            None => 0.0,
            Some(above) if self.has_words(above, node.rank) => LEG,
            Some(above) => spacing_below(self.graph, above, index, LEG),
        };
        let indent = if node.kind.is_row() || node.kind == NodeKind::MetalLb {
            INDENT
        } else {
            0.0
        };
        // A relation that comes from below runs up along the right side of the rows.
        let outdent = if node.kind.is_row() && self.is_pulled_from_below(index) {
            INDENT
        } else {
            0.0
        };
        let height = natural_size(node, self.measure).height;
        let top = if self.y == 0.0 { 0.0 } else { self.y + spacing };
        self.boxes[index] = Rect::new(indent, top, self.width - indent - outdent, height);
        self.y = top + height;
        self.placed = Some(index);
        self.add_note(&[index]);
    }

    /// Puts the note below what was just placed, if it is about one of these; lines that go on run past it.
    fn add_note(&mut self, placed: &[usize]) {
        let Some(index) = self.graph.first_broken.filter(|node| placed.contains(node)) else {
            return;
        };
        let kind = self.graph.nodes[index].kind;
        let indent = match kind {
            NodeKind::MetalLb | NodeKind::Service => INDENT + TRUNK + 12.0,
            _ => INDENT,
        };
        let outdent = if kind.is_row() && self.is_pulled_from_below(index) {
            INDENT
        } else {
            0.0
        };
        let Some(note) = note(self.graph, self.width - indent - outdent, self.measure) else {
            return;
        };
        let station = self.boxes[index];
        // Beside its Service an address stands on the right: the note goes below it, as far as there is room.
        let most = self.width - outdent - note.rect.size.width;
        let x = indent.max(station.left()).min(most);
        let note = note.placed(x, self.y + NOTE_GAP, Some(&station));
        self.y = note.rect.bottom();
        self.note = Some(note);
    }

    /// Whether words stand on a leg from `from` to a row of this rank: below a station, they need the space of a leg.
    fn has_words(&self, from: usize, rank: usize) -> bool {
        let nodes = &self.graph.nodes;
        self.graph
            .edges
            .iter()
            .any(|edge| edge.from == from && nodes[edge.to].rank == rank && !edge.label.is_empty())
    }

    fn is_pulled_from_below(&self, index: usize) -> bool {
        let nodes = &self.graph.nodes;
        self.graph
            .edges
            .iter()
            .any(|edge| edge.to == index && nodes[edge.from].rank > nodes[index].rank)
    }

    /// Service on the left, address on the right; whether that fits.
    fn place_beside(&mut self, address: usize, service: usize) -> bool {
        let size = |index: usize| natural_size(&self.graph.nodes[index], self.measure);
        let words = self.graph.edges.iter().find(|edge| edge.from == address);
        let words = words.map_or(0.0, |edge| {
            self.measure.size(&edge.label, Role::Label).width
        });
        let gap = LEAST_SIDE_GAP.max(words + 14.0);
        let (left, right) = (size(service), size(address));
        if left.width + gap + right.width > self.width {
            return false;
        }
        let top = self.y + LEG;
        let left_width = (self.width - gap - right.width).max(left.width);
        self.boxes[service] = Rect::new(0.0, top, left_width, left.height.max(right.height));
        self.boxes[address] = Rect::new(
            left_width + gap,
            top,
            right.width,
            left.height.max(right.height),
        );
        self.y = top + left.height.max(right.height);
        self.placed = Some(service);
        self.add_note(&[address, service]);
        true
    }

    fn path(&self, index: usize) -> EdgePath {
        let edge = &self.graph.edges[index];
        let (from, to) = (self.boxes[edge.from], self.boxes[edge.to]);
        let nodes = &self.graph.nodes;
        let points = if nodes[edge.from].rank == nodes[edge.to].rank {
            Self::related(from, to)
        } else if nodes[edge.from].rank > nodes[edge.to].rank {
            let x = self.width - TRUNK;
            vec![
                Point::new(x, from.top()),
                Point::new(x, to.center().y),
                Point::new(to.right(), to.center().y),
            ]
        } else if to.left() > TRUNK {
            vec![
                Point::new(TRUNK, from.bottom()),
                Point::new(TRUNK, to.center().y),
                Point::new(to.left(), to.center().y),
            ]
        } else {
            vec![
                Point::new(TRUNK, from.bottom()),
                Point::new(TRUNK, to.top()),
            ]
        };
        let label = self.label(edge, &points);
        EdgePath {
            edge: index,
            points,
            label,
        }
    }

    /// The line between a Service and its address, wherever that stands.
    fn related(from: Rect, to: Rect) -> Vec<Point> {
        if from.left() >= to.right() {
            let y = from.center().y;
            return vec![Point::new(from.left(), y), Point::new(to.right(), y)];
        }
        let x = from.left() + TRUNK;
        if from.bottom() <= to.top() {
            vec![Point::new(x, from.bottom()), Point::new(x, to.top())]
        } else {
            vec![Point::new(x, from.top()), Point::new(x, to.bottom())]
        }
    }

    /// Beside an upright line, above a level one.
    fn label(&self, edge: &Edge, points: &[Point]) -> Option<Rect> {
        if edge.label.is_empty() {
            return None;
        }
        let size = self.measure.size(&edge.label, Role::Label);
        let (a, b) = (points[0], points[1]);
        if (a.y - b.y).abs() < 0.5 {
            let x = f32::midpoint(a.x, b.x) - size.width / 2.0;
            return Some(Rect::new(
                x,
                a.y - 3.0 - size.height,
                size.width,
                size.height,
            ));
        }
        // Below a note the leg's free part begins where that ends.
        let start = match &self.note {
            Some(note) if note.node == edge.from && b.y > a.y => note.rect.bottom(),
            _ => a.y,
        };
        let leg_end = if b.y > a.y { start + LEG } else { start - LEG };
        let y = f32::midpoint(start, leg_end) - size.height / 2.0;
        Some(Rect::new(
            a.x + 8.0,
            y,
            size.width.min(self.width - a.x - 8.0),
            size.height,
        ))
    }
}
