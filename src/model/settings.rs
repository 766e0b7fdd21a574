//! What a person has set and Adit remembers, none of it secret: looks, favourites, and which tunnels are wanted.
//!
//! Hosts and secrets are not among it: they live in the OS keyring.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Destination, LocalBind};
use super::cluster::{Route, ServiceType};
use super::ids::{HostId, ServiceKey, TunnelId};
use super::snapshot::{Intent, Light};

/// Everything that is remembered between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How the window looks.
    pub window: WindowSettings,
    /// How Adit behaves.
    pub behaviour: Behaviour,
    /// The services that stand first, in the list, the tray and when tunnels are opened again.
    pub favourites: BTreeSet<ServiceKey>,
    /// The tunnels that were ever wanted, as they are wanted.
    pub tunnels: BTreeMap<TunnelId, WantedTunnel>,
    /// The host that carries the tunnels of services opened from now on.
    pub selected_host: Option<HostId>,
}

/// How the window looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSettings {
    /// The language of everything that is shown.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// The zoom of the whole window, in percent.
    pub zoom_percent: u16,
    /// Nothing moves that need not.
    pub reduced_motion: bool,
    /// The list is grouped by namespace.
    pub grouped: bool,
    /// Columns that are not shown, by their stable names.
    pub hidden_columns: BTreeSet<String>,
    /// The widths of columns that were resized, in points, by their stable names.
    pub column_widths: BTreeMap<String, u16>,
    /// The column by which the list is sorted, by its stable name, and whether the last comes first.
    pub sorting: Option<(String, bool)>,
    /// What the list leaves out and folds away.
    pub filter: ListFilter,
    /// The window's inner width and height, in points.
    pub size: Option<(u16, u16)>,
}

/// What the list leaves out and folds away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only tunnels of this light are listed.
    pub light: Option<Light>,
    /// Only services of this namespace are listed.
    pub namespace: Option<String>,
    /// Services of these types are listed besides those of type `LoadBalancer`.
    pub more_types: BTreeSet<ServiceType>,
    /// The groups whose rows are folded away: namespaces, and `*` for the favourites.
    pub folded: BTreeSet<String>,
}

impl ListFilter {
    /// Whether something is left out that is usually listed.
    #[must_use]
    pub const fn narrows(&self) -> bool {
        self.light.is_some() || self.namespace.is_some()
    }

    /// Leaves nothing out any more.
    pub fn widen(&mut self) {
        self.light = None;
        self.namespace = None;
    }
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            language: Language::default(),
            theme: Theme::default(),
            zoom_percent: 100,
            reduced_motion: false,
            grouped: false,
            hidden_columns: BTreeSet::new(),
            column_widths: BTreeMap::new(),
            sorting: None,
            filter: ListFilter::default(),
            size: None,
        }
    }
}

/// The language of everything that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// The system's, or English where Adit does not speak that.
    #[default]
    System,
    /// English.
    English,
    /// Korean.
    Korean,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How Adit behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are switches of their own, and any of them may be on or off"
)]
pub struct Behaviour {
    /// Tunnels that were up are opened again when Adit starts.
    pub reopen_tunnels: bool,
    /// Adit starts when the person logs in.
    pub start_at_login: bool,
    /// Closing the window leaves the tunnels and the tray icon.
    pub close_to_tray: bool,
    /// A loss that lasts is told by a notification of the desktop.
    pub notify: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            reopen_tunnels: true,
            start_at_login: false,
            close_to_tray: true,
            notify: true,
        }
    }
}

/// A tunnel, as it was last wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTunnel {
    /// Whether it is wanted open.
    pub intent: Intent,
    /// The host that carries it.
    pub host: HostId,
    /// Where it listens.
    pub local: LocalBind,
    /// Where it leads.
    pub target: WantedTarget,
}

/// Where a wanted tunnel leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedTarget {
    /// To the service that its id names, by the route the person chose; none leaves the choice to Adit.
    Service {
        /// The route.
        route: Option<Route>,
        /// The uid of the cluster's service `default/kubernetes`, once it was seen: a service of the same name in another cluster
        /// is not meant.
        cluster: Option<String>,
    },
    /// Wherever this is, seen from the host: a forward that matched no service. It is remembered while it is wanted open.
    Fixed(Destination),
}

/// One change of the settings, by a face. Which tunnels are wanted follows from `Command::SetIntent` and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    /// The window looks like this from now on.
    Window(Box<WindowSettings>),
    /// Adit behaves like this from now on.
    Behaviour(Behaviour),
    /// This service is a favourite, or is none any more.
    Favourite {
        /// Which service.
        service: ServiceKey,
        /// Whether it is one.
        on: bool,
    },
}

impl Settings {
    /// Makes a face's change.
    pub fn apply(&mut self, change: SettingsChange) {
        match change {
            SettingsChange::Window(window) => self.window = *window,
            SettingsChange::Behaviour(behaviour) => self.behaviour = behaviour,
            SettingsChange::Favourite { service, on: true } => {
                self.favourites.insert(service);
            }
            SettingsChange::Favourite { service, on: false } => {
                self.favourites.remove(&service);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn favourites_come_and_go() {
        let mut settings = Settings::default();
        let service = ServiceKey::new("shop", "web");
        for on in [true, true, false, false] {
            settings.apply(SettingsChange::Favourite {
                service: service.clone(),
                on,
            });
            assert_eq!(settings.favourites.contains(&service), on);
        }
    }
}
