//! Left to right: a column for each rank, the path of the bytes on one line.

use super::note::note;
use super::{
    Direction, EdgePath, Layout, Measure, Note, Point, Rect, Role, bounds, last_rank, natural_size,
    of_rank, spacing_below,
};
use crate::diagram::graph::{Edge, Graph, NodeKind};

/// No column is wider, however long its texts are.
const MOST_COLUMN: f32 = 320.0;
/// No column is narrower than this or its texts; where they would have to be, the drawing goes top to bottom.
const LEAST_COLUMN: f32 = 150.0;
/// No space between columns is narrower.
const LEAST_GAP: f32 = 34.0;
/// How far in front of a column the lines to its boxes part.
const ELBOW: f32 = 14.0;
/// How long the line between an address and its Service is.
const LEG: f32 = 22.0;
/// Space between the drawing and the note below it.
const NOTE_GAP: f32 = 14.0;
/// Space between a line and the words above it.
const LABEL_RISE: f32 = 4.0;

/// The layout, or none where `width` is too little for it.
pub(super) fn lay_out(graph: &Graph, width: f32, measure: &dyn Measure) -> Option<Layout> {
    let spans = columns(graph, width, measure)?;
    let mut boxes = vec![Rect::default(); graph.nodes.len()];
    let mut top = f32::INFINITY;
    for (rank, (x, column)) in spans.iter().enumerate() {
        place_column(graph, rank, *x, *column, measure, &mut boxes);
    }
    for rect in &boxes {
        top = top.min(rect.top());
    }
    // The columns were placed around the axis y = 0, and the words of the first leg may reach above all of them.
    let headroom = measure.size("x", Role::Label).height;
    for rect in &mut boxes {
        rect.min.y -= top.min(-headroom - LABEL_RISE);
    }
    let edges: Vec<_> = graph
        .edges
        .iter()
        .enumerate()
        .map(|(index, edge)| path(graph, &boxes, &spans, index, edge, measure))
        .collect();
    let note = note(graph, width, measure).map(|note| placed(note, width, &boxes, &edges));
    Some(Layout {
        direction: Direction::Across,
        size: bounds(&boxes, &edges, note.as_ref()),
        boxes,
        edges,
        note,
    })
}

/// Puts the note below everything, under the station that it is about as far as there is room.
fn placed(note: Note, width: f32, boxes: &[Rect], edges: &[EdgePath]) -> Note {
    let station = boxes[note.node];
    let lowest = bounds(boxes, edges, None).height;
    let x = station.left().min((width - note.rect.size.width).max(0.0));
    let is_free = boxes.iter().enumerate().all(|(index, other)| {
        let is_below = other.top() > station.top();
        index == note.node
            || !is_below
            || other.left() > station.right()
            || other.right() < station.left()
    });
    note.placed(x, lowest + NOTE_GAP, is_free.then_some(&station))
}

/// Where each column begins and how wide it is.
fn columns(graph: &Graph, width: f32, measure: &dyn Measure) -> Option<Vec<(f32, f32)>> {
    let count = last_rank(graph) + 1;
    let natural: Vec<f32> = (0..count)
        .map(|rank| {
            of_rank(graph, rank)
                .into_iter()
                .map(|index| natural_size(&graph.nodes[index], measure).width)
                .fold(0.0, f32::max)
                .min(MOST_COLUMN)
        })
        .collect();
    let gaps: Vec<f32> = (0..count - 1)
        .map(|rank| gap(graph, rank, measure))
        .collect();
    let least: Vec<f32> = natural
        .iter()
        .map(|natural| natural.min(LEAST_COLUMN.max(natural * 0.6)))
        .collect();
    let spare = width - gaps.iter().sum::<f32>() - least.iter().sum::<f32>();
    if spare < 0.0 {
        return None;
    }
    let wanted: f32 = natural
        .iter()
        .zip(&least)
        .map(|(natural, least)| natural - least)
        .sum();
    let growth = if wanted > 0.0 {
        (spare / wanted).min(1.0)
    } else {
        0.0
    };
    // What is left over goes between the columns: the drawing breathes instead of sticking to the left.
    let rest = (spare - wanted).max(0.0);
    let air = if count > 1 {
        (rest / gap_count(count)).min(40.0)
    } else {
        0.0
    };
    let mut x = 0.0;
    let mut spans = Vec::with_capacity(count);
    for (rank, (natural, least)) in natural.iter().zip(&least).enumerate() {
        let column = least + (natural - least) * growth;
        spans.push((x, column));
        x += column + gaps.get(rank).map_or(0.0, |gap| gap + air);
    }
    Some(spans)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
fn gap_count(columns: usize) -> f32 {
    (columns - 1) as f32
}

/// The space behind the column of `rank`: enough for the words on the legs that cross it.
fn gap(graph: &Graph, rank: usize, measure: &dyn Measure) -> f32 {
    let crosses = |edge: &&Edge| {
        let (from, to) = (graph.nodes[edge.from].rank, graph.nodes[edge.to].rank);
        from.min(to) == rank && from != to
    };
    graph
        .edges
        .iter()
        .filter(crosses)
        .filter(|edge| !edge.label.is_empty())
        .map(|edge| measure.size(&edge.label, Role::Label).width + ELBOW + 10.0)
        .fold(LEAST_GAP, f32::max)
}

/// Stacks the boxes of a column: the station on the path on the axis, rows around it, an address above.
fn place_column(
    graph: &Graph,
    rank: usize,
    x: f32,
    width: f32,
    measure: &dyn Measure,
    boxes: &mut [Rect],
) {
    let members = of_rank(graph, rank);
    let height = |index: usize| natural_size(&graph.nodes[index], measure).height;
    let mut y = 0.0;
    let mut axis = None;
    for (place, index) in members.iter().enumerate() {
        if place > 0 {
            y += spacing_below(graph, members[place - 1], *index, LEG);
        }
        boxes[*index] = Rect::new(x, y, width, height(*index));
        if !matches!(graph.nodes[*index].kind, NodeKind::MetalLb)
            && !graph.nodes[*index].kind.is_row()
        {
            axis = Some(boxes[*index].center().y);
        }
        y = boxes[*index].bottom();
    }
    let axis = axis.unwrap_or(y / 2.0);
    for index in members {
        boxes[index].min.y -= axis;
    }
}

/// The course of a leg: straight, or with two corners in front of the column it leads to.
fn path(
    graph: &Graph,
    boxes: &[Rect],
    spans: &[(f32, f32)],
    index: usize,
    edge: &Edge,
    measure: &dyn Measure,
) -> EdgePath {
    let (from, to) = (boxes[edge.from], boxes[edge.to]);
    let (from_rank, to_rank) = (graph.nodes[edge.from].rank, graph.nodes[edge.to].rank);
    let words = (!edge.label.is_empty()).then(|| measure.size(&edge.label, Role::Label));
    if from_rank == to_rank {
        let x = from.left() + 24.0;
        let points = vec![Point::new(x, from.bottom()), Point::new(x, to.top())];
        let right = from.right();
        let label = words.map(|size| {
            let y = (from.bottom() + to.top() - size.height) / 2.0;
            Rect::new(x + 8.0, y, size.width.min(right - x - 8.0), size.height)
        });
        return EdgePath {
            edge: index,
            points,
            label,
        };
    }
    let forward = from_rank < to_rank;
    let (start, end) = if forward {
        (
            Point::new(from.right(), from.center().y),
            Point::new(to.left(), to.center().y),
        )
    } else {
        (
            Point::new(from.left(), from.center().y),
            Point::new(to.right(), to.center().y),
        )
    };
    let gap_end = if forward {
        spans[to_rank].0
    } else {
        from.left()
    };
    let elbow = if forward {
        gap_end - ELBOW
    } else {
        to.right() + ELBOW
    };
    let points = if (start.y - end.y).abs() < 0.5 {
        vec![start, Point::new(end.x, start.y)]
    } else {
        vec![
            start,
            Point::new(elbow, start.y),
            Point::new(elbow, end.y),
            end,
        ]
    };
    let label = words.map(|size| {
        let x = (start.x + gap_end - ELBOW - size.width) / 2.0 + ELBOW / 4.0;
        Rect::new(
            x.max(start.x + 2.0),
            start.y - LABEL_RISE - size.height,
            size.width,
            size.height,
        )
    });
    EdgePath {
        edge: index,
        points,
        label,
    }
}
