//! What the tray shows, made from a snapshot. Pure.

use crate::control::{everything, tunnels_of, url, wanted};
use crate::l10n::{Lang, id, tr};
use crate::model::{
    Intent, Light, ServiceKey, Snapshot, TunnelId, TunnelState, TunnelStatus, printable,
};

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
    /// The mood of `snapshot`, after this one: where something was wrong it is, until all that is wanted is open. Between two
    /// tries nothing is better.
    pub(super) fn then(self, snapshot: &Snapshot) -> Self {
        match Self::of(snapshot) {
            Self::Up if self == Self::Trouble && !is_all_open(snapshot) => Self::Trouble,
            mood => mood,
        }
    }

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

fn is_all_open(snapshot: &Snapshot) -> bool {
    wanted(snapshot).all(|status| status.state.light() == Light::Green)
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
    // Always a line: what comes and goes would have the panel make an open menu anew, under the person's hand.
    items.push(Item::Text(match status.state.fault() {
        Some(fault) => printable(&lang.fault(fault)).into_owned(),
        None => state(&status.state, lang).to_owned(),
    }));
    let copied = link.clone().or(address);
    let words = match &copied {
        Some(address) => tr!(lang, "tray-copy", address = address),
        None => tr!(lang, "tray-copy-address").to_owned(),
    };
    items.push(button(&words, copied.map(Action::Copy)));
    items.push(button(tr!(lang, "tray-browse"), link.map(Action::Browse)));
    Item::Menu { label, items }
}

fn state(state: &TunnelState, lang: Lang) -> &'static str {
    lang.text(match state {
        TunnelState::Off => id!("state-starting"),
        TunnelState::Binding => id!("state-binding"),
        TunnelState::Resolving => id!("state-resolving"),
        TunnelState::Dialing { .. } => id!("state-dialing"),
        TunnelState::Asking(_) => id!("state-asking"),
        TunnelState::Proving => id!("state-proving"),
        TunnelState::Open { .. } => id!("tray-answers"),
        TunnelState::Waiting { .. } | TunnelState::Failed(_) => id!("state-waiting"),
    })
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
#[path = "menu_tests.rs"]
mod tests;
