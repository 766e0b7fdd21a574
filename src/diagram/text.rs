//! A graph as a text for terminals: a tree, at most [`WIDTH`] columns wide.

use std::fmt::Write as _;

use super::graph::{Edge, EdgeKind, Graph, NodeKind, Status};
use crate::model::words;

/// No line is wider than this many terminal columns.
pub const WIDTH: usize = 100;

/// Where the words behind the names of stations begin.
const COLUMN: usize = 32;

/// Draws `graph` with Unicode's box-drawing characters.
#[must_use]
pub fn render(graph: &Graph) -> String {
    let mut lines = vec![graph.title.clone(), String::new()];
    let mut text = Renderer {
        graph,
        lines: Vec::new(),
    };
    text.stations();
    lines.append(&mut text.lines);
    lines.iter().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", shortened(line.trim_end(), WIDTH));
        out
    })
}

struct Renderer<'a> {
    graph: &'a Graph,
    lines: Vec<String>,
}

impl Renderer<'_> {
    fn stations(&mut self) {
        let order: Vec<usize> = (0..self.graph.nodes.len())
            .filter(|index| self.graph.nodes[*index].kind != NodeKind::MetalLb)
            .collect();
        // By the route by Pod the rows stand before the Service in the way; the tree keeps the graph's order all the same.
        for (place, index) in order.iter().enumerate() {
            let next = order
                .get(place + 1)
                .map(|next| self.graph.nodes[*next].kind);
            if self.graph.nodes[*index].kind.is_row() {
                self.row(*index, next.is_some_and(NodeKind::is_row));
            } else {
                self.station(*index, next.is_some());
            }
        }
    }

    fn station(&mut self, index: usize, goes_on: bool) {
        let node = &self.graph.nodes[index];
        if let Some(leg) = self.leg_to(index).filter(|leg| !leg.label.is_empty()) {
            self.lines.push(format!("│  {}", leg.label));
        } else if index > 0 {
            self.lines.push("│".to_owned());
        }
        let kind = node.kind_words();
        let name = match node.kind {
            NodeKind::Jump | NodeKind::Service => format!("{kind} {}", node.title),
            NodeKind::Host if node.title != kind => format!("{kind} {}", node.title),
            _ => node.title.clone(),
        };
        let lines = node.lines.iter().map(|line| unsaid(&kind, line));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        self.lines.push(format!(
            "{} {}",
            mark(&node.status),
            beside(&name, &lines.join(" · "))
        ));
        let rail = if goes_on { '│' } else { ' ' };
        self.trouble(index, &format!("{rail}    "));
        if node.kind == NodeKind::Service {
            self.address(index, rail);
        }
    }

    /// The address that belongs to a Service, dotted: no byte goes that way.
    fn address(&mut self, service: usize, rail: char) {
        let relation = |edge: &&Edge| edge.to == service && edge.kind == EdgeKind::Relation;
        let Some(edge) = self.graph.edges.iter().find(relation) else {
            return;
        };
        let node = &self.graph.nodes[edge.from];
        let mut words = node.lines.join(" · ");
        if !edge.label.is_empty() {
            let by = node
                .lang
                .say(&words!("announced by {by}", by = &edge.label));
            let _ = write!(words, " · {by}");
        }
        let mark = if node.status == Status::Idle {
            '┄'
        } else {
            mark(&node.status)
        };
        self.lines.push(format!(
            "{rail}  {mark} {}",
            beside_at(&node.title, &words, COLUMN - 3)
        ));
        self.trouble(edge.from, &format!("{rail}       "));
    }

    fn row(&mut self, index: usize, goes_on: bool) {
        let node = &self.graph.nodes[index];
        let branch = if goes_on { '├' } else { '└' };
        let name = node.name.as_deref();
        let words = name
            .into_iter()
            .chain(node.lines.iter().map(String::as_str));
        let words = words.collect::<Vec<_>>().join(" · ");
        self.lines.push(format!(
            "{branch}─ {} {}",
            mark(&node.status),
            beside_at(&node.title, &words, COLUMN - 3)
        ));
        self.trouble(index, if goes_on { "│       " } else { "        " });
    }

    /// The reason and the remedy, below the station that broke first and below no other.
    fn trouble(&mut self, index: usize, rail: &str) {
        let Status::Broken { reason, remedy } = &self.graph.nodes[index].status else {
            return;
        };
        if self.graph.first_broken != Some(index) {
            return;
        }
        let room = WIDTH - columns(rail) - 2;
        self.lines.extend(
            wrapped(reason, room)
                .into_iter()
                .map(|line| format!("{rail}{line}")),
        );
        for (place, line) in wrapped(remedy, room).into_iter().enumerate() {
            let sign = if place == 0 { '→' } else { ' ' };
            self.lines.push(format!("{rail}{sign} {line}"));
        }
    }

    fn leg_to(&self, index: usize) -> Option<&Edge> {
        self.graph
            .edges
            .iter()
            .find(|edge| edge.to == index && edge.kind == EdgeKind::Data)
    }
}

/// A status as one character: shapes rather than colours.
const fn mark(status: &Status) -> char {
    match status {
        Status::Idle => '○',
        Status::Working => '●',
        Status::InProgress => '◌',
        Status::Broken { .. } => '✗',
        Status::Unknown => '·',
    }
}

/// A line of a box without the kind of the station, which the tree says in front of its name.
fn unsaid<'a>(kind: &str, line: &'a str) -> &'a str {
    let rest = line.strip_prefix(kind).unwrap_or(line);
    rest.trim_start_matches(" · ")
}

fn beside(name: &str, words: &str) -> String {
    beside_at(name, words, COLUMN)
}

/// `words` in their own column behind `name`.
fn beside_at(name: &str, words: &str, column: usize) -> String {
    let space = column.saturating_sub(columns(name)).max(2);
    format!("{name}{:space$}{words}", "")
}

/// How many terminal columns `text` takes: East Asian wide characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(is_wide(c))).sum()
}

/// Hangul, kana, CJK ideographs and their full-width forms (Unicode's East Asian Width W and F, in outline).
pub(super) const fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}

/// `text` in lines of at most `room` columns; a word that is longer is cut.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            *line = shortened(word, room);
        } else if columns(line) + 1 + columns(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(shortened(word, room));
        }
    }
    lines
}

/// `text` cut to `room` columns, with an ellipsis for what is missing.
fn shortened(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += 1 + usize::from(is_wide(c));
        if used > room {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests;
