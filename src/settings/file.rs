//! The file's form, and how it becomes the model's settings and back.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::{
    Behaviour, Destination, HostId, Intent, Language, Light, ListFilter, LocalBind, Route,
    ServiceKey, ServiceType, Settings, Theme, TunnelId, WantedTarget, WantedTunnel, WindowSettings,
    Words, printable, words,
};

/// The version that this Adit writes. It reads this one and those before it.
pub(super) const VERSION: u64 = 1;

/// Keys that this Adit does not know; they are written back as they were read.
type Unknown = BTreeMap<String, toml::Value>;

/// The whole file.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct File {
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_host: Option<String>,
    favourites: BTreeSet<String>,
    window: WindowTable,
    behaviour: BehaviourTable,
    tunnels: BTreeMap<String, TunnelTable>,
    /// What leads to no service. Those who know no such tables keep them as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forwards: Vec<ForwardTable>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct WindowTable {
    language: Word<Language>,
    theme: Word<Theme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zoom_percent: Option<u16>,
    reduced_motion: bool,
    grouped: bool,
    hidden_columns: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sorted_by: Option<String>,
    sorted_downwards: bool,
    shown_states: Word<Option<Light>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_namespace: Option<String>,
    more_types: BTreeSet<String>,
    folded_groups: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<(u16, u16)>,
    column_widths: BTreeMap<String, u16>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are switches of their own, as in the model"
)]
struct BehaviourTable {
    reopen_tunnels: bool,
    start_at_login: bool,
    close_to_tray: bool,
    notify: bool,
    #[serde(flatten)]
    unknown: Unknown,
}

impl Default for BehaviourTable {
    fn default() -> Self {
        Self::of(Behaviour::default(), Unknown::new())
    }
}

#[derive(Serialize, Deserialize)]
struct TunnelTable {
    up: bool,
    host: String,
    local: Local,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// A forward as `ssh -L` has them.
#[derive(Serialize, Deserialize)]
struct ForwardTable {
    host: String,
    local: Local,
    /// `HOST:PORT`, or the path of a socket, on the other side.
    to: String,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Where a tunnel listens.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Local {
    /// The first free port from this one on.
    Automatic(u16),
    /// `ADDRESS:PORT`, as `--local` takes it.
    Fixed(String),
    /// The path of a Unix socket.
    Socket(std::path::PathBuf),
}

/// A word of an enum of the model's. One that a later Adit added counts as the default.
#[derive(Default)]
struct Word<T>(T);

/// An enum's words.
trait Worded: Sized + Copy + PartialEq + Default + 'static {
    const WORDS: &'static [(Self, &'static str)];
}

impl Worded for Language {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::System, "system"),
        (Self::English, "en"),
        (Self::Korean, "ko"),
    ];
}

impl Worded for Theme {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::System, "system"),
        (Self::Light, "light"),
        (Self::Dark, "dark"),
    ];
}

impl Worded for Option<Light> {
    const WORDS: &'static [(Self, &'static str)] = &[
        (None, "all"),
        (Some(Light::Green), "open"),
        (Some(Light::Amber), "on-the-way"),
        (Some(Light::Red), "need-you"),
        (Some(Light::Grey), "off"),
    ];
}

impl<T: Worded> Serialize for Word<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let found = T::WORDS.iter().find(|(value, _)| *value == self.0);
        serializer.serialize_str(found.map_or("", |(_, word)| word))
    }
}

impl<'de, T: Worded> Deserialize<'de> for Word<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = T::WORDS.iter().find(|(_, word)| *word == text);
        Ok(Self(found.map_or_else(T::default, |(value, _)| *value)))
    }
}

impl File {
    /// The settings in it, and what in it makes no sense by itself.
    pub(super) fn settings(&self) -> (Settings, Vec<Words>) {
        let mut notes = Vec::new();
        let mut settings = Settings {
            window: self.window.settings(),
            behaviour: self.behaviour.behaviour(),
            selected_host: self.selected_host.as_deref().map(HostId::new),
            ..Settings::default()
        };
        for text in &self.favourites {
            match ServiceKey::from_str(text) {
                Ok(service) => {
                    settings.favourites.insert(service);
                }
                Err(_) => notes.push(words!(
                    "the favourite '{name}' makes no sense and is passed over",
                    name = printable(text)
                )),
            }
        }
        for (name, table) in &self.tunnels {
            match tunnel_id(name).and_then(|id| Some((id, table.wanted()?))) {
                Some((id, wanted)) => {
                    settings.tunnels.insert(id, wanted);
                }
                None => notes.push(words!(
                    "the tunnel '{name}' makes no sense and is passed over",
                    name = printable(name)
                )),
            }
        }
        for (index, table) in (0..).zip(&self.forwards) {
            match table.wanted() {
                Some(wanted) => {
                    settings.tunnels.insert(TunnelId::Forward(index), wanted);
                }
                None => notes.push(words!(
                    "the forward to '{place}' makes no sense and is passed over",
                    place = printable(&table.to)
                )),
            }
        }
        (settings, notes)
    }

    /// Takes the settings over; what is unknown stays.
    pub(super) fn take(&mut self, settings: &Settings) {
        self.version = VERSION;
        self.selected_host = settings.selected_host.as_ref().map(ToString::to_string);
        self.favourites = settings
            .favourites
            .iter()
            .map(ToString::to_string)
            .collect();
        self.window = WindowTable::of(&settings.window, std::mem::take(&mut self.window.unknown));
        let unknown = std::mem::take(&mut self.behaviour.unknown);
        self.behaviour = BehaviourTable::of(settings.behaviour, unknown);
        let mut before = std::mem::take(&mut self.tunnels);
        let mut forwards = std::mem::take(&mut self.forwards);
        for (id, wanted) in &settings.tunnels {
            match &wanted.target {
                WantedTarget::Service { route, cluster } => {
                    let name = id.to_string();
                    let unknown = before.remove(&name).map(|table| table.unknown);
                    let table = TunnelTable::of(
                        wanted,
                        (*route, cluster.clone()),
                        unknown.unwrap_or_default(),
                    );
                    self.tunnels.insert(name, table);
                }
                WantedTarget::Fixed(destination) => {
                    let mut table = ForwardTable::of(wanted, destination);
                    let same = forwards.iter_mut().find(|before| before.to == table.to);
                    if let Some(before) = same {
                        table.unknown = std::mem::take(&mut before.unknown);
                    }
                    self.forwards.push(table);
                }
            }
        }
    }
}

impl WindowTable {
    fn of(window: &WindowSettings, unknown: Unknown) -> Self {
        let (sorted_by, sorted_downwards) = match &window.sorting {
            Some((column, downwards)) => (Some(column.clone()), *downwards),
            None => (None, false),
        };
        let filter = &window.filter;
        Self {
            language: Word(window.language),
            theme: Word(window.theme),
            zoom_percent: Some(window.zoom_percent),
            reduced_motion: window.reduced_motion,
            grouped: window.grouped,
            hidden_columns: window.hidden_columns.clone(),
            sorted_by,
            sorted_downwards,
            shown_states: Word(filter.light),
            shown_namespace: filter.namespace.clone(),
            more_types: filter
                .more_types
                .iter()
                .map(|kind| kind.as_str().to_owned())
                .collect(),
            folded_groups: filter.folded.clone(),
            size: window.size,
            column_widths: window.column_widths.clone(),
            unknown,
        }
    }

    fn settings(&self) -> WindowSettings {
        let default = WindowSettings::default();
        WindowSettings {
            language: self.language.0,
            theme: self.theme.0,
            zoom_percent: self
                .zoom_percent
                .map_or(default.zoom_percent, |percent| percent.clamp(50, 300)),
            reduced_motion: self.reduced_motion,
            grouped: self.grouped,
            hidden_columns: self.hidden_columns.clone(),
            column_widths: self.column_widths.clone(),
            sorting: self
                .sorted_by
                .clone()
                .map(|column| (column, self.sorted_downwards)),
            filter: self.filter(),
            size: self.size,
        }
    }

    fn filter(&self) -> ListFilter {
        let types = self.more_types.iter();
        ListFilter {
            light: self.shown_states.0,
            namespace: self.shown_namespace.clone(),
            // A type that a later Adit knows is not listed by this one.
            more_types: types
                .filter_map(|kind| ServiceType::from_str(kind).ok())
                .collect(),
            folded: self.folded_groups.clone(),
        }
    }
}

impl BehaviourTable {
    const fn of(behaviour: Behaviour, unknown: Unknown) -> Self {
        Self {
            reopen_tunnels: behaviour.reopen_tunnels,
            start_at_login: behaviour.start_at_login,
            close_to_tray: behaviour.close_to_tray,
            notify: behaviour.notify,
            unknown,
        }
    }

    const fn behaviour(&self) -> Behaviour {
        Behaviour {
            reopen_tunnels: self.reopen_tunnels,
            start_at_login: self.start_at_login,
            close_to_tray: self.close_to_tray,
            notify: self.notify,
        }
    }
}

impl TunnelTable {
    fn of(
        wanted: &WantedTunnel,
        (route, cluster): (Option<Route>, Option<String>),
        unknown: Unknown,
    ) -> Self {
        Self {
            up: wanted.intent == Intent::Up,
            host: wanted.host.to_string(),
            local: Local::of(&wanted.local),
            route: route.map(|route| route.as_str().to_owned()),
            cluster,
            unknown,
        }
    }

    fn wanted(&self) -> Option<WantedTunnel> {
        let route = self.route.as_deref().map(str::parse).transpose().ok()?;
        Some(WantedTunnel {
            intent: if self.up { Intent::Up } else { Intent::Down },
            host: HostId::new(&self.host),
            local: self.local.bind()?,
            target: WantedTarget::Service {
                route,
                cluster: self.cluster.clone(),
            },
        })
    }
}

impl ForwardTable {
    fn of(wanted: &WantedTunnel, destination: &Destination) -> Self {
        Self {
            host: wanted.host.to_string(),
            local: Local::of(&wanted.local),
            to: destination.to_string(),
            unknown: Unknown::new(),
        }
    }

    fn wanted(&self) -> Option<WantedTunnel> {
        Some(WantedTunnel {
            intent: Intent::Up,
            host: HostId::new(&self.host),
            local: self.local.bind()?,
            target: WantedTarget::Fixed(self.to.parse().ok()?),
        })
    }
}

impl Local {
    fn of(local: &LocalBind) -> Self {
        match local {
            LocalBind::Automatic { preferred } => Self::Automatic(*preferred),
            fixed @ LocalBind::Port { .. } => Self::Fixed(fixed.to_string()),
            LocalBind::Socket(path) => Self::Socket(path.clone()),
        }
    }

    fn bind(&self) -> Option<LocalBind> {
        Some(match self {
            Self::Automatic(preferred) => LocalBind::Automatic {
                preferred: *preferred,
            },
            Self::Fixed(text) => text.parse().ok()?,
            Self::Socket(path) => LocalBind::Socket(path.clone()),
        })
    }
}

fn tunnel_id(name: &str) -> Option<TunnelId> {
    let (service, port) = name.rsplit_once(':')?;
    Some(TunnelId::service(
        service.parse().ok()?,
        port.parse().ok().filter(|port| *port != 0)?,
    ))
}
