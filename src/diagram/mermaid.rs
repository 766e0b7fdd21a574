//! A graph as a Mermaid flowchart, for READMEs and tickets.

use std::fmt::Write as _;

use super::graph::{EdgeKind, Graph, NodeKind, Status};

/// Writes `graph` as a flowchart from left to right. Every text in it is escaped.
#[must_use]
pub fn render(graph: &Graph) -> String {
    let mut out = format!("---\ntitle: {}\n---\nflowchart LR\n", quoted(&graph.title));
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut lines = vec![node.title.clone()];
        lines.extend(node.lines.iter().cloned());
        if let (Status::Broken { reason, remedy }, true) =
            (&node.status, graph.first_broken == Some(index))
        {
            lines.push(format!("✗ {reason}"));
            lines.push(remedy.clone());
        }
        let words: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        let words = words.join("<br>");
        let (open, close) = shape(node.kind);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "  n{index}{open}\"{words}\"{close}:::{}",
            class(&node.status)
        );
    }
    for edge in &graph.edges {
        let line = match edge.kind {
            EdgeKind::Data => "-->",
            EdgeKind::Relation => "-.-",
        };
        let label = if edge.label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(&edge.label))
        };
        let _ = writeln!(out, "  n{} {line}{label} n{}", edge.from, edge.to);
    }
    out.push_str(CLASSES);
    out
}

const CLASSES: &str = "  classDef idle stroke:#768494
  classDef working stroke:#198a4b,stroke-width:2px
  classDef progress stroke:#b27500,stroke-width:2px
  classDef broken stroke:#d12f3c,stroke-width:3px
  classDef unknown stroke:#768494,stroke-dasharray:3 3
";

const fn shape(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::MetalLb => ("([", "])"),
        NodeKind::Service => ("[[", "]]"),
        NodeKind::Pod | NodeKind::MorePods => ("(", ")"),
        NodeKind::Computer | NodeKind::Jump | NodeKind::Host | NodeKind::Destination => ("[", "]"),
    }
}

const fn class(status: &Status) -> &'static str {
    match status {
        Status::Idle => "idle",
        Status::Working => "working",
        Status::InProgress => "progress",
        Status::Broken { .. } => "broken",
        Status::Unknown => "unknown",
    }
}

/// `text` within Mermaid's quotes: whatever could end them, be HTML or markdown, name an entity, or begin a directive (`%%{`, which
/// Mermaid obeys wherever it stands), as the code of its character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '"' | '#' | '&' | '<' | '>' | '`' | '*' | '_' | '\\' | ';' | '%' | '{' | '}'
        ) {
            let _ = write!(out, "#{};", u32::from(c));
        } else {
            out.push(if c.is_control() { ' ' } else { c });
        }
    }
    out
}

/// `text` as a string of YAML, which JSON's are.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::of_service;
    use crate::diagram::testing::{host, key, snapshot, ui, ui_in, up};
    use crate::model::{Moment, TunnelState};

    #[test]
    fn an_open_tunnel_is_the_golden_file() {
        let open = TunnelState::Open {
            since: Moment::START,
        };
        let text = render(&of_service(&ui_in(open), &key(), 80));
        assert_eq!(
            text,
            include_str!("../../tests/golden/diagram.mmd"),
            "\n{text}"
        );
    }

    #[test]
    fn what_others_named_cannot_leave_its_quotes() {
        let mut service = ui();
        service.pool = Some("\"]; click n0 \"javascript:alert(1)\" <b>&#35;`".to_owned());
        let text = render(&of_service(
            &snapshot(vec![service], host(up())),
            &key(),
            80,
        ));
        assert!(
            text.contains(
                "#34;]#59; click n0 #34;javascript:alert(1)#34; #60;b#62;#38;#35;35#59;#96;"
            ),
            "{text}"
        );
        assert!(!text.contains("<b>"), "{text}");
    }
}
