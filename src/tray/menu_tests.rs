//! What the tray shows, snapshot by snapshot.

use std::sync::Arc;

use super::*;
use crate::model::{
    Fault, FaultCause, HostId, ListenAddress, LocalBind, Moment, Target, TunnelSpec,
};

fn put(snapshot: &mut Snapshot, name: &str, port: u16, intent: Intent, state: TunnelState) {
    let service = ServiceKey::new("shop", name);
    let id = TunnelId::service(service.clone(), port);
    let listening = ListenAddress::Tcp("127.0.0.1:8080".parse().unwrap());
    let is_open = state.light() == Light::Green;
    let status = TunnelStatus {
        intent,
        state,
        listening: is_open.then_some(listening).into_iter().collect(),
        ..TunnelStatus::new(TunnelSpec {
            id: id.clone(),
            host: HostId::new("h"),
            local: LocalBind::loopback(8080),
            target: Target::Service {
                service,
                port,
                route: None,
            },
        })
    };
    snapshot.tunnels.insert(id, Arc::new(status));
}

fn open() -> TunnelState {
    TunnelState::Open {
        since: Moment::START,
    }
}

fn broken() -> TunnelState {
    TunnelState::Failed(Fault::local(FaultCause::Config {
        reason: "no host".to_owned().into(),
    }))
}

fn labels(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Item::Separator => "-".to_owned(),
            Item::Text(text) => text.clone(),
            Item::Button { label, action } => {
                let off = if action.is_none() { " (off)" } else { "" };
                format!("{label}{off}")
            }
            Item::Switch { label, on, .. } => {
                format!("[{}] {label}", if *on { "x" } else { " " })
            }
            Item::Menu { label, items } => format!("{label} > {}", labels(items).join(" | ")),
        })
        .collect()
}

#[test]
fn the_mood_is_that_of_the_worst_that_is_wanted() {
    let mut snapshot = Snapshot::default();
    assert_eq!(Mood::of(&snapshot), Mood::None);
    put(&mut snapshot, "old", 80, Intent::Down, TunnelState::Off);
    assert_eq!(Mood::of(&snapshot), Mood::None);
    put(&mut snapshot, "web", 80, Intent::Up, open());
    put(&mut snapshot, "api", 80, Intent::Up, TunnelState::Resolving);
    assert_eq!(Mood::of(&snapshot), Mood::Up);
    put(&mut snapshot, "bad", 80, Intent::Up, broken());
    assert_eq!(Mood::of(&snapshot), Mood::Trouble);
}

#[test]
fn trouble_lasts_until_all_is_open() {
    let mut snapshot = Snapshot::default();
    put(&mut snapshot, "web", 80, Intent::Up, TunnelState::Proving);
    assert_eq!(Mood::Up.then(&snapshot), Mood::Up);
    assert_eq!(Mood::Trouble.then(&snapshot), Mood::Trouble, "a try");
    put(&mut snapshot, "web", 80, Intent::Up, open());
    assert_eq!(Mood::Trouble.then(&snapshot), Mood::Up);
    put(&mut snapshot, "web", 80, Intent::Down, TunnelState::Off);
    assert_eq!(Mood::Trouble.then(&snapshot), Mood::None);
}

#[test]
fn a_tunnels_menu_has_the_same_lines_in_every_state() {
    let count = |state: TunnelState| {
        let mut snapshot = Snapshot::default();
        put(&mut snapshot, "web", 80, Intent::Up, state);
        let items = items(&snapshot, Lang::English);
        items.iter().find_map(|item| match item {
            Item::Menu { items, .. } => Some(items.len()),
            _ => None,
        })
    };
    for state in [TunnelState::Off, TunnelState::Proving, open(), broken()] {
        assert_eq!(count(state), Some(4));
    }
}

#[test]
fn nothing_is_there_but_the_window_and_the_end() {
    assert_eq!(
        labels(&items(&Snapshot::default(), Lang::English)),
        [
            "No tunnel is open",
            "-",
            "Open all (off)",
            "Close all (off)",
            "-",
            "Show the window",
            "[ ] Start at login",
            "-",
            "Quit"
        ]
    );
}

#[test]
fn favourites_come_first_and_what_is_open_can_be_copied() {
    let mut snapshot = Snapshot::default();
    put(&mut snapshot, "web", 80, Intent::Up, open());
    put(&mut snapshot, "api", 5432, Intent::Up, broken());
    put(&mut snapshot, "zoo", 80, Intent::Down, TunnelState::Off);
    let settings = Arc::make_mut(&mut snapshot.settings);
    settings.favourites.insert(ServiceKey::new("shop", "zoo"));
    settings.favourites.insert(ServiceKey::new("shop", "gone"));
    let labels = labels(&items(&snapshot, Lang::English));
    assert_eq!(
        labels[..6],
        [
            "1 open, 1 need you",
            "-",
            "shop/gone: not in the cluster (off)",
            "[ ] shop/zoo:80",
            "▲ shop/api:5432 > [x] Open | no host | Copy the address (off) | Open in the browser (off)",
            "● shop/web:80 > [x] Open | It answers | Copy http://127.0.0.1:8080 | Open in the browser",
        ]
        .map(str::to_owned)
        .as_slice()[..6]
    );
    assert_eq!(labels.last().unwrap(), "Quit (closes 2 tunnels)");
}

#[test]
fn the_menu_speaks_korean() {
    let mut snapshot = Snapshot::default();
    put(&mut snapshot, "web", 80, Intent::Up, open());
    put(&mut snapshot, "api", 5432, Intent::Up, broken());
    let settings = Arc::make_mut(&mut snapshot.settings);
    settings.favourites.insert(ServiceKey::new("shop", "gone"));
    let labels = labels(&items(&snapshot, Lang::Korean));
    let is_korean = |label: &String| label.chars().any(|letter| ('가'..='힣').contains(&letter));
    let foreign: Vec<_> = labels
        .iter()
        .filter(|label| *label != "-" && !is_korean(label))
        .collect();
    assert_eq!(foreign, Vec::<&String>::new());
    assert_eq!(labels[0], "열림 1, 확인 필요 1");
}

#[test]
fn all_means_favourites_and_what_was_opened_before() {
    let mut snapshot = Snapshot::default();
    put(&mut snapshot, "web", 80, Intent::Up, open());
    put(&mut snapshot, "old", 80, Intent::Down, TunnelState::Off);
    let [open_all, close_all] = all(&snapshot, Lang::English);
    let id = |name: &str| TunnelId::service(ServiceKey::new("shop", name), 80);
    assert_eq!(
        open_all,
        button("Open all", Some(Action::Want(vec![id("old")], Intent::Up)))
    );
    assert_eq!(
        close_all,
        button(
            "Close all",
            Some(Action::Want(vec![id("web")], Intent::Down))
        )
    );
}

#[test]
fn a_long_list_is_cut_and_leads_to_the_window() {
    let mut snapshot = Snapshot::default();
    for port in 1..=30 {
        put(&mut snapshot, "web", port, Intent::Up, open());
    }
    let labels = labels(&items(&snapshot, Lang::English));
    assert!(
        labels.contains(&"10 more in the window…".to_owned()),
        "{labels:?}"
    );
}
