use super::*;
use crate::diagram::of_service;
use crate::diagram::testing::{fault, host, jump_host, key, pods, snapshot, tunnel, ui, ui_in, up};
use crate::model::{Destination, FaultCause, Hop, Moment, TunnelState};

fn open() -> Graph {
    let open = TunnelState::Open {
        since: Moment::START,
    };
    of_service(&ui_in(open), &key(), 80)
}

fn refused() -> Graph {
    let mut service = ui();
    service.pods = pods(14, |index| index > 2);
    let mut snapshot = snapshot(vec![service], jump_host(up()));
    let state = TunnelState::Waiting {
        attempt: 1,
        retry_at: None,
        fault: fault(
            Hop::Target(Destination::tcp("10.0.0.241", 80)),
            FaultCause::TargetRefused,
        ),
    };
    tunnel(&mut snapshot, &key(), 80, state);
    of_service(&snapshot, &key(), 80)
}

#[test]
fn the_drawings_are_the_golden_files() {
    let narrow = Style {
        width: 480.0,
        theme: Theme::Dark,
    };
    for (name, graph, style, golden) in [
        (
            "diagram.svg",
            open(),
            Style::default(),
            include_str!("../../../tests/golden/diagram.svg"),
        ),
        (
            "diagram-broken.svg",
            refused(),
            narrow,
            include_str!("../../../tests/golden/diagram-broken.svg"),
        ),
    ] {
        let drawn = render(&graph, style);
        assert!(drawn == golden, "{name} differs; now it is\n{drawn}");
    }
}

#[test]
fn a_parser_reads_it_and_finds_every_text_and_box() {
    for graph in [open(), refused()] {
        for width in [400.0, 800.0, 1600.0] {
            let style = Style {
                width,
                ..Style::default()
            };
            let drawn = render(&graph, style);
            let document = roxmltree::Document::parse(&drawn).unwrap();
            let root = document.root_element();
            let number = |name: &str| root.attribute(name).unwrap().parse::<f32>().unwrap();
            assert!(number("width") <= width + 0.5, "{}", number("width"));
            let texts: Vec<_> = document
                .descendants()
                .filter(|node| node.has_tag_name("text"))
                .filter_map(|node| node.text())
                .collect();
            for node in graph
                .nodes
                .iter()
                .filter(|node| width > 500.0 && !node.kind.is_row())
            {
                assert!(
                    texts.contains(&node.title.as_str()),
                    "{width}: {} is not in {texts:?}",
                    node.title
                );
            }
            for node in document
                .descendants()
                .filter(|node| node.has_tag_name("text"))
            {
                let x: f32 = node.attribute("x").unwrap().parse().unwrap();
                let length: f32 = node.attribute("textLength").unwrap().parse().unwrap();
                assert!(
                    x + length <= number("width"),
                    "{:?} sticks out",
                    node.text()
                );
            }
        }
    }
}

#[test]
fn names_of_others_stay_texts() {
    let mut service = ui();
    let name = "</text><script>alert('1')</script>&amp;\u{1b}\u{ffff}";
    service.pool = Some(name.to_owned());
    let drawn = render(
        &of_service(&snapshot(vec![service], host(up())), &key(), 80),
        Style::default(),
    );
    let document = roxmltree::Document::parse(&drawn).unwrap();
    assert!(
        document
            .descendants()
            .all(|node| node.tag_name().name() != "script")
    );
    let facts = document
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .filter_map(|node| node.text());
    assert!(
        facts
            .into_iter()
            .any(|text| text.contains("pool: </text><script>alert('1')</script>&amp;")),
        "{drawn}"
    );
}
