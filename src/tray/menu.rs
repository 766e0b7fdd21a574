//! What the tray shows, made from a snapshot. Pure.

use crate::control::{everything, tunnels_of, url, wanted};
use crate::l10n::{Lang, tr};
use crate::model::{Intent, Light, ServiceKey, Snapshot, TunnelId, TunnelStatus, printable};

/// How many tunnels the menu lists; the window lists them all.
const TUNNELS_SHOWN: usize = 20;

/// What the icon tells by its shape and its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Mood {
    /// No tunnel is wanted: the hill alone, grey.
    #[default]
    None,
    /// All that is wanted is open, or on its way: the way in is lit, green.
    Up,
    /// Something that is wanted has a fault, or waits for the person: a mark stands before it, amber.
    Trouble,
}

impl Mood {
    /// The mood of `snapshot`.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut mood = Self::None;
        for status in wanted(snapshot) {
            let troubled = status.state.fault().is_some() || status.state.light() == Light::Red;
            if troubled {
                return Self::Trouble;
            }
            mood = Self::Up;
        }
        if snapshot.prompts.is_empty() {
            mood
        } else {
            Self::Trouble
        }
    }
}

/// Something that a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Want these tunnels so.
    Want(Vec<TunnelId>, Intent),
    /// Put this into the clipboard.
    Copy(String),
    /// Open this in the browser.
    Browse(String),
    /// Show the window.
    Window,
    /// Start at login, or do not.
    StartAtLogin(bool),
    /// End everything.
    Quit,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A line between groups.
    Separator,
    /// Words that do nothing.
    Text(String),
    /// Words that do something, where that can be done now.
    Button {
        /// The words.
        label: String,
        /// What a click does; nothing can be done where there is none.
        action: Option<Action>,
    },
    /// A switch.
    Switch {
        /// The words.
        label: String,
        /// Whether it is on.
        on: bool,
        /// What a click does.
        action: Action,
    },
    /// More lines behind one.
    Menu {
        /// The words.
        label: String,
        /// The lines.
        items: Vec<Item>,
    },
}

/// What the icon says when the mouse rests on it.
pub(super) fn summary(snapshot: &Snapshot, lang: Lang) -> String {
    let count = |light: Light| {
        wanted(snapshot)
            .filter(|status| status.state.light() == light)
            .count()
    };
    let (open, working, broken) = (count(Light::Green), count(Light::Amber), count(Light::Red));
    if open + working + broken == 0 {
        return tr!(lang, "tray-none-open").to_owned();
    }
    let mut parts = vec![tr!(lang, "tray-open-count", count = open)];
    if working > 0 {
        parts.push(tr!(lang, "tray-on-the-way", count = working));
    }
    if broken > 0 {
        parts.push(tr!(lang, "tray-need-you", count = broken));
    }
    parts.join(", ")
}

/// The whole menu.
pub(super) fn items(snapshot: &Snapshot, lang: Lang) -> Vec<Item> {
    let mut items = vec![Item::Text(summary(snapshot, lang))];
    if !snapshot.prompts.is_empty() {
        items.push(button(tr!(lang, "tray-question"), Some(Action::Window)));
    }
    items.push(Item::Separator);
    let before = items.len();
    items.extend(favourites(snapshot, lang));
    items.extend(others(snapshot, lang));
    if items.len() > before {
        items.push(Item::Separator);
    }
    items.extend(all(snapshot, lang));
    items.push(Item::Separator);
    items.push(button(tr!(lang, "tray-window"), Some(Action::Window)));
    let at_login = snapshot.settings.behaviour.start_at_login;
    items.push(Item::Switch {
        label: tr!(lang, "tray-at-login").to_owned(),
        on: at_login,
        action: Action::StartAtLogin(!at_login),
    });
    items.push(Item::Separator);
    let count = wanted(snapshot).count();
    let quit = if count == 0 {
        tr!(lang, "tray-quit").to_owned()
    } else {
        tr!(lang, "tray-quit-closes", count = count)
    };
    items.push(button(&quit, Some(Action::Quit)));
    items
}

fn button(label: &str, action: Option<Action>) -> Item {
    Item::Button {
        label: label.to_owned(),
        action,
    }
}

/// A switch for each favourite, and what can be done with those that are open.
fn favourites(snapshot: &Snapshot, lang: Lang) -> Vec<Item> {
    let favourites = snapshot.settings.favourites.iter();
    favourites
        .take(TUNNELS_SHOWN)
        .flat_map(|service| favourite(snapshot, service, lang))
        .collect()
}

fn favourite(snapshot: &Snapshot, service: &ServiceKey, lang: Lang) -> Vec<Item> {
    let tunnels = tunnels_of(snapshot, service);
    if tunnels.is_empty() {
        let service = printable(&service.to_string()).into_owned();
        let label = tr!(lang, "tray-not-there", service = service);
        return vec![button(&label, None)];
    }
    let lines = tunnels.into_iter().map(|id| {
        let status = snapshot.tunnels.get(&id);
        line(snapshot, &id, status.map(AsRef::as_ref), lang)
    });
    lines.collect()
}

/// The tunnels that are wanted and of no favourite.
fn others(snapshot: &Snapshot, lang: Lang) -> Vec<Item> {
    let is_favourite = |id: &TunnelId| match id {
        TunnelId::Service { service, .. } => snapshot.settings.favourites.contains(service),
        TunnelId::Forward(_) => false,
    };
    let all: Vec<_> = wanted(snapshot)
        .filter(|status| !is_favourite(&status.spec.id))
        .collect();
    let mut items: Vec<Item> = all
        .iter()
        .take(TUNNELS_SHOWN)
        .map(|status| line(snapshot, &status.spec.id, Some(status), lang))
        .collect();
    if all.len() > TUNNELS_SHOWN {
        let label = tr!(lang, "tray-more", count = all.len() - TUNNELS_SHOWN);
        items.push(button(&label, Some(Action::Window)));
    }
    items
}

/// One tunnel: a switch, or where it is open a menu with what else can be done.
fn line(snapshot: &Snapshot, id: &TunnelId, status: Option<&TunnelStatus>, lang: Lang) -> Item {
    let name = printable(&id.to_string()).into_owned();
    let on = status.is_some_and(|status| status.intent == Intent::Up);
    let intent = if on { Intent::Down } else { Intent::Up };
    let action = Action::Want(vec![id.clone()], intent);
    let Some(status) = status.filter(|_| on) else {
        return Item::Switch {
            label: name,
            on: false,
            action,
        };
    };
    let label = match status.state.light() {
        Light::Green => format!("● {name}"),
        Light::Amber => format!("◐ {name}"),
        Light::Red => format!("▲ {name}"),
        Light::Grey => format!("○ {name}"),
    };
    let link = url(snapshot, status);
    let address = status.local_address().map(|address| address.to_string());
    let mut items = vec![Item::Switch {
        label: tr!(lang, "tray-open").to_owned(),
        on: true,
        action,
    }];
    if let Some(fault) = status.state.fault() {
        items.push(Item::Text(printable(&lang.fault(fault)).into_owned()));
    }
    let copied = link.clone().or(address);
    let words = match &copied {
        Some(address) => tr!(lang, "tray-copy", address = address),
        None => tr!(lang, "tray-copy-address").to_owned(),
    };
    items.push(button(&words, copied.map(Action::Copy)));
    items.push(button(tr!(lang, "tray-browse"), link.map(Action::Browse)));
    Item::Menu { label, items }
}

fn all(snapshot: &Snapshot, lang: Lang) -> [Item; 2] {
    let is_up = |id: &TunnelId| {
        snapshot
            .tunnels
            .get(id)
            .is_some_and(|status| status.intent == Intent::Up)
    };
    let closed: Vec<TunnelId> = everything(snapshot)
        .into_iter()
        .filter(|id| !is_up(id))
        .collect();
    let open: Vec<TunnelId> = wanted(snapshot)
        .map(|status| status.spec.id.clone())
        .collect();
    let want = |ids: Vec<TunnelId>, intent| (!ids.is_empty()).then_some(Action::Want(ids, intent));
    [
        button(tr!(lang, "tray-open-all"), want(closed, Intent::Up)),
        button(tr!(lang, "tray-close-all"), want(open, Intent::Down)),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        Fault, FaultCause, HostId, ListenAddress, LocalBind, Moment, Target, Traffic, TunnelSpec,
        TunnelState,
    };

    fn put(snapshot: &mut Snapshot, name: &str, port: u16, intent: Intent, state: TunnelState) {
        let service = ServiceKey::new("shop", name);
        let id = TunnelId::service(service.clone(), port);
        let listening = ListenAddress::Tcp("127.0.0.1:8080".parse().unwrap());
        let is_open = state.light() == Light::Green;
        let status = TunnelStatus {
            spec: TunnelSpec {
                id: id.clone(),
                host: HostId::new("h"),
                local: LocalBind::loopback(8080),
                target: Target::Service {
                    service,
                    port,
                    route: None,
                },
            },
            intent,
            state,
            listening: is_open.then_some(listening).into_iter().collect(),
            destination: None,
            route: None,
            route_reason: None,
            traffic: Traffic::default(),
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
            reason: "no host".to_owned(),
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
                "● shop/web:80 > [x] Open | Copy http://127.0.0.1:8080 | Open in the browser",
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
        let is_korean =
            |label: &String| label.chars().any(|letter| ('가'..='힣').contains(&letter));
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
}
