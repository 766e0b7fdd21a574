//! The words on the station that broke: why, and what to do.

use super::{Measure, PAD_X, PAD_Y, Point, Rect, Role};
use crate::diagram::graph::{Graph, Status};

/// No note is wider: long lines are hard to read.
const MOST_WIDTH: f32 = 460.0;
/// Space between lines.
const LEADING: f32 = 2.0;
/// Space between the reason and the remedy.
const PART_GAP: f32 = 3.0;

/// The reason and the remedy of the station that broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The station, by its place in [`Graph::nodes`].
    pub node: usize,
    /// The note's box.
    pub rect: Rect,
    /// The lines of both parts.
    pub lines: Vec<NoteLine>,
    /// The line from the station to the note, where nothing is in between.
    pub stem: Option<[Point; 2]>,
}

/// A line of a note.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteLine {
    /// What it says.
    pub text: String,
    /// Where it stands.
    pub rect: Rect,
    /// Whether it says what is wrong; else it says what to do.
    pub is_reason: bool,
}

/// The note of `graph`, at the origin, in `width`; none where nothing broke.
pub(super) fn note(graph: &Graph, width: f32, measure: &dyn Measure) -> Option<Note> {
    let node = graph.first_broken?;
    let Status::Broken { reason, remedy } = &graph.nodes.get(node)?.status else {
        return None;
    };
    let room = width.min(MOST_WIDTH) - PAD_X * 2.0;
    let mut lines = Vec::new();
    let (mut y, mut widest) = (PAD_Y, 0.0_f32);
    for (text, is_reason) in [(reason, true), (remedy, false)] {
        for line in wrapped(text, room, measure) {
            let size = measure.size(&line, Role::Line);
            let rect = Rect::new(PAD_X, y, size.width.min(room), size.height);
            widest = widest.max(rect.size.width);
            y += size.height + LEADING;
            lines.push(NoteLine {
                text: line,
                rect,
                is_reason,
            });
        }
        y += PART_GAP;
    }
    let height = y - PART_GAP - LEADING + PAD_Y;
    Some(Note {
        node,
        rect: Rect::new(0.0, 0.0, widest + PAD_X * 2.0, height),
        lines,
        stem: None,
    })
}

impl Note {
    /// The same at `x`, `y`, with a line from `station` down to it where that is asked for.
    pub(super) fn placed(mut self, x: f32, y: f32, station: Option<&Rect>) -> Self {
        self.rect.min = Point::new(x, y);
        for line in &mut self.lines {
            line.rect.min.x += x;
            line.rect.min.y += y;
        }
        self.stem = station.map(|station| {
            let least = station.left().max(x) + 12.0;
            let stem = least.min(station.right().min(self.rect.right()));
            [Point::new(stem, station.bottom()), Point::new(stem, y)]
        });
        self
    }
}

/// `text` in lines that fit `room`; a word that is longer than that is broken.
fn wrapped(text: &str, room: f32, measure: &dyn Measure) -> Vec<String> {
    let width = |text: &str| measure.size(text, Role::Line).width;
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if width(&longer) <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line = broken(word, room, &width, &mut lines);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Puts as much of a long word on lines of their own as does not fit, and returns the rest.
fn broken(word: &str, room: f32, width: &impl Fn(&str) -> f32, lines: &mut Vec<String>) -> String {
    let mut line = String::new();
    for c in word.chars() {
        line.push(c);
        if width(&line) > room && line.chars().count() > 1 {
            line.pop();
            lines.push(std::mem::replace(&mut line, c.to_string()));
        }
    }
    line
}
