//! How things are, in the shape that programs get: made from a snapshot, and the same over the socket and in
//! `adit status -o json` (docs/json.md). Pure. A field that is not known is null, never left out.

use serde::{Deserialize, Serialize};

use super::choice;
use crate::model::{
    ClusterState, Fault, HostId, Intent, Light, Moment, Prompt, Snapshot, Target, TunnelState,
    TunnelStatus,
};

/// The running instance and all its tunnels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The instance's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The cluster that it watches.
    pub cluster: ClusterReport,
    /// The SSH host that carries what is opened from now on.
    pub host: Option<String>,
    /// Every tunnel that is, or was, wanted.
    pub tunnels: Vec<TunnelReport>,
    /// Questions that wait for a person.
    pub questions: Vec<Prompt>,
    /// Where the keyring stands, in one word: `off`, `opening`, `ready`, `locked` or `absent`.
    #[serde(default)]
    pub keyring: String,
}

/// The cluster that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// The context's name.
    pub context: Option<String>,
    /// The API server's URL.
    pub server: Option<String>,
    /// `off`, `loading`, `live`, `stale` or `failed`.
    pub state: String,
    /// Why it is stale or has failed.
    pub fault: Option<FaultReport>,
}

/// One tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelReport {
    /// Its name: `NAMESPACE/SERVICE:PORT` for a service's.
    pub id: String,
    /// The service's namespace.
    pub namespace: Option<String>,
    /// The service's name.
    pub name: Option<String>,
    /// The service's port.
    pub port: Option<u16>,
    /// Whether it is wanted open.
    pub wanted: bool,
    /// Its state in one word, as in `adit forward --json`.
    pub state: String,
    /// `grey`, `amber`, `green` or `red`.
    pub light: String,
    /// Where it listens.
    pub local: Vec<String>,
    /// The URL to open, where it is known to speak HTTP.
    pub url: Option<String>,
    /// What the SSH host dials.
    pub destination: Option<String>,
    /// By which of the service's addresses.
    pub route: Option<String>,
    /// The name of the SSH host that carries it.
    pub host: String,
    /// That host as `user@address`.
    pub via: Option<String>,
    /// For how many milliseconds it has been open.
    pub open_ms: Option<u64>,
    /// What is wrong.
    pub fault: Option<FaultReport>,
    /// In how many milliseconds it is tried again.
    pub retry_in_ms: Option<u64>,
    /// What has gone through it.
    pub traffic: TrafficReport,
}

/// What has gone through a tunnel since the instance started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficReport {
    /// Bytes from the target.
    pub down_bytes: u64,
    /// Bytes to the target.
    pub up_bytes: u64,
    /// Connections that are open now.
    pub connections: u32,
    /// Connections that were ever accepted.
    pub connections_total: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// A short name, stable between releases.
    pub code: String,
    /// What happened, where.
    pub message: String,
    /// What to do next.
    pub next_step: String,
}

impl Report {
    /// How things are in `snapshot`, which is that of process `pid`.
    #[must_use]
    pub fn of(snapshot: &Snapshot, pid: u32) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid,
            cluster: ClusterReport::of(snapshot),
            host: snapshot.selected_host.as_ref().map(HostId::to_string),
            tunnels: snapshot
                .tunnels
                .values()
                .map(|status| TunnelReport::of(snapshot, status))
                .collect(),
            questions: snapshot.prompts.clone(),
            keyring: snapshot.vault.code().to_owned(),
        }
    }

    /// The tunnel of this id.
    #[must_use]
    pub fn tunnel(&self, id: &str) -> Option<&TunnelReport> {
        self.tunnels.iter().find(|tunnel| tunnel.id == id)
    }
}

impl ClusterReport {
    fn of(snapshot: &Snapshot) -> Self {
        let cluster = &snapshot.cluster;
        let (state, fault) = match &cluster.state {
            ClusterState::Off => ("off", None),
            ClusterState::Loading => ("loading", None),
            ClusterState::Stopped => ("stopped", None),
            ClusterState::Live => ("live", None),
            ClusterState::Stale(fault) => ("stale", Some(fault)),
            ClusterState::Failed(fault) => ("failed", Some(fault)),
        };
        Self {
            context: cluster.context.clone(),
            server: cluster.server.clone(),
            state: state.to_owned(),
            fault: fault.map(|fault| FaultReport {
                code: fault.code.to_owned(),
                message: fault.message.to_string(),
                next_step: fault.hint.to_string(),
            }),
        }
    }
}

impl TunnelReport {
    fn of(snapshot: &Snapshot, status: &TunnelStatus) -> Self {
        let service = match &status.spec.target {
            Target::Service { service, port, .. } => Some((service, *port)),
            Target::Fixed(_) | Target::Dynamic => None,
        };
        let (open_ms, retry_in_ms) = times(&status.state, snapshot.now);
        let host = &status.spec.host;
        Self {
            id: status.spec.id.to_string(),
            namespace: service.map(|(service, _)| service.namespace.to_string()),
            name: service.map(|(service, _)| service.name.to_string()),
            port: service.map(|(_, port)| port),
            wanted: status.intent == Intent::Up,
            state: status.state.code().to_owned(),
            light: light(status.state.light()).to_owned(),
            local: status.listening.iter().map(ToString::to_string).collect(),
            url: choice::url(snapshot, status),
            destination: status.destination.as_ref().map(ToString::to_string),
            route: status.route.map(|route| route.as_str().to_owned()),
            host: host.to_string(),
            via: snapshot.host(host).map(|host| host.profile.login()),
            open_ms,
            fault: status.state.fault().map(FaultReport::from),
            retry_in_ms,
            traffic: TrafficReport {
                down_bytes: status.traffic.down_bytes,
                up_bytes: status.traffic.up_bytes,
                connections: status.traffic.connections,
                connections_total: status.traffic.connections_total,
            },
        }
    }
}

impl From<&Fault> for FaultReport {
    fn from(fault: &Fault) -> Self {
        Self {
            code: fault.cause.code().to_owned(),
            message: fault.to_string(),
            next_step: fault.next_step(),
        }
    }
}

/// For how long it has been open, and when it is tried again, in milliseconds.
fn times(state: &TunnelState, now: Moment) -> (Option<u64>, Option<u64>) {
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).ok();
    match state {
        TunnelState::Open { since } => (ms(now.since(*since)), None),
        TunnelState::Waiting {
            retry_at: Some(at), ..
        } => (None, ms(at.since(now))),
        _ => (None, None),
    }
}

const fn light(light: Light) -> &'static str {
    match light {
        Light::Grey => "grey",
        Light::Amber => "amber",
        Light::Green => "green",
        Light::Red => "red",
    }
}
