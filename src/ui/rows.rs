//! The rows of the list: one for each port of each service. Which of them a search leaves, and in which order.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::l10n::{Lang, tr};
use crate::model::{
    LbService, Protocol, ServiceKey, ServicePort, Snapshot, Target, TunnelId, TunnelStatus,
    printable,
};

use super::wish::Wish;

/// What identifies a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowId {
    /// A port of a Service; a number may be used by several transports.
    Port(ServiceKey, u16, Protocol),
    /// A Service without any port.
    Bare(ServiceKey),
    /// A tunnel that no service in view accounts for: a forward, or one whose service is gone.
    Tunnel(TunnelId),
}

impl RowId {
    /// The row's tunnel, were there one: none for what cannot be tunnelled.
    pub(super) fn tunnel(&self) -> Option<TunnelId> {
        match self {
            Self::Port(service, port, Protocol::Tcp) => {
                Some(TunnelId::service(service.clone(), *port))
            }
            Self::Port(..) | Self::Bare(_) => None,
            Self::Tunnel(id) => Some(id.clone()),
        }
    }

    /// Whether there is anything to open.
    pub(super) const fn has_switch(&self) -> bool {
        matches!(self, Self::Port(_, _, Protocol::Tcp) | Self::Tunnel(_))
    }

    /// The rows that a tunnel can have: that of its service's port, or one of its own where no service accounts for it.
    pub(super) fn of_tunnel(id: &TunnelId) -> Vec<Self> {
        let mut rows = vec![Self::Tunnel(id.clone())];
        if let TunnelId::Service { service, port } = id {
            rows.push(Self::Port(service.clone(), *port, Protocol::Tcp));
        }
        rows
    }

    /// The Service it belongs to.
    pub(super) const fn service(&self) -> Option<&ServiceKey> {
        match self {
            Self::Port(service, ..)
            | Self::Bare(service)
            | Self::Tunnel(TunnelId::Service { service, .. }) => Some(service),
            Self::Tunnel(TunnelId::Forward(_)) => None,
        }
    }

    /// What the row is called by screen readers and in titles: `default/ui port 80`.
    pub(super) fn label(&self, lang: Lang) -> String {
        let named = |service: &ServiceKey, port: u16| {
            let (service, port) = (service.to_string(), port.to_string());
            tr!(lang, "row-port", service = service, port = port)
        };
        let label = match self {
            Self::Port(service, port, Protocol::Tcp)
            | Self::Tunnel(TunnelId::Service { service, port }) => named(service, *port),
            Self::Port(service, port, protocol) => {
                format!("{} {}", named(service, *port), protocol.as_str())
            }
            Self::Bare(service) => service.to_string(),
            Self::Tunnel(TunnelId::Forward(index)) => {
                let number = (u32::from(*index) + 1).to_string();
                tr!(lang, "row-forward", number = number)
            }
        };
        printable(&label).into_owned()
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Which.
    pub(super) id: RowId,
    /// The Service, if the cluster has it.
    pub(super) service: Option<Arc<LbService>>,
    /// The port's place among the Service's.
    port: usize,
    /// Where it leads, where no service tells that.
    leads_to: String,
    /// Everything a search looks at, in lower case.
    searched: String,
}

impl Row {
    /// The Service's port.
    pub(super) fn port(&self) -> Option<&ServicePort> {
        self.service.as_ref()?.ports.get(self.port)
    }

    /// The tunnel, if it was ever wanted.
    pub(super) fn tunnel<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Arc<TunnelStatus>> {
        snapshot.tunnels.get(&self.id.tunnel()?)
    }

    /// The Service it stands for, in view or not.
    pub(super) const fn key(&self) -> Option<&ServiceKey> {
        self.id.service()
    }

    /// Whether a search for `word` finds it.
    pub(super) fn holds(&self, word: &str) -> bool {
        self.searched.contains(word)
    }

    /// Where the text that is searched stands in memory: it tells whether it was made anew.
    #[cfg(test)]
    pub(super) fn searched_at(&self) -> *const u8 {
        self.searched.as_ptr()
    }

    /// The Service's name alone, to sort by.
    pub(super) fn service_name(&self) -> &str {
        match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => &key.name,
            RowId::Tunnel(TunnelId::Service { service, .. }) => &service.name,
            RowId::Tunnel(TunnelId::Forward(_)) => "",
        }
    }

    /// What stands in the column of services.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => printable(&key.name),
            RowId::Tunnel(TunnelId::Service { service, .. }) => printable(&service.name),
            RowId::Tunnel(TunnelId::Forward(_)) => printable(&self.leads_to),
        }
    }

    /// What stands in the column of namespaces.
    pub(super) fn namespace(&self) -> Cow<'_, str> {
        let namespace = match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => key.namespace.as_str(),
            RowId::Tunnel(TunnelId::Service { service, .. }) => service.namespace.as_str(),
            RowId::Tunnel(TunnelId::Forward(_)) => "",
        };
        printable(namespace)
    }

    /// The Service's port, to sort by.
    pub(super) fn number(&self) -> u16 {
        match &self.id {
            RowId::Port(_, port, _) | RowId::Tunnel(TunnelId::Service { port, .. }) => *port,
            RowId::Bare(_) | RowId::Tunnel(TunnelId::Forward(_)) => 0,
        }
    }
}

/// A row for each port of a Service.
pub(super) fn rows_of(service: &Arc<LbService>) -> Vec<Row> {
    let common = searched(service);
    let row = |id, port: usize, ports: &str| Row {
        id,
        service: Some(Arc::clone(service)),
        port,
        leads_to: String::new(),
        searched: format!("{common} {ports}").to_lowercase(),
    };
    if service.ports.is_empty() {
        return vec![row(RowId::Bare(service.key.clone()), 0, "")];
    }
    let ports = service.ports.iter().enumerate();
    ports
        .map(|(index, port)| {
            let id = RowId::Port(service.key.clone(), port.number, port.protocol);
            let words = format!(
                "{} {} {} {} {}",
                port.number,
                port.name,
                port.protocol.as_str(),
                port.target_port,
                port.node_port
                    .map_or_else(String::new, |port| port.to_string())
            );
            row(id, index, &words)
        })
        .collect()
}

fn searched(service: &LbService) -> String {
    let mut text = format!("{} {}", service.key, service.phase.as_str());
    for ip in service.load_balancer_ips.iter().chain(&service.cluster_ips) {
        let _ = write!(text, " {ip}");
    }
    for word in service.hostnames.iter().chain(&service.pool) {
        let _ = write!(text, " {word}");
    }
    for pod in service.pods.iter() {
        let node = pod.node.as_deref().unwrap_or_default();
        let _ = write!(text, " {} {} {node}", pod.ip, pod.name);
    }
    text
}

/// Tunnels that no service in the list accounts for.
pub(super) fn orphans(snapshot: &Snapshot, wish: &Wish) -> Vec<TunnelId> {
    let services = &snapshot.cluster.services;
    let is_orphan = |id: &&TunnelId| match id {
        TunnelId::Forward(_) => true,
        TunnelId::Service { service, port } => services
            .get(service)
            .is_none_or(|service| !wish.lists(service) || service.tcp_port(*port).is_none()),
    };
    snapshot.tunnels.keys().filter(is_orphan).cloned().collect()
}

/// The row of such a tunnel: like any other where its service is only of a type that is not listed.
pub(super) fn orphan(id: &TunnelId, snapshot: &Snapshot) -> Row {
    if let TunnelId::Service { service, port } = id
        && let Some(service) = snapshot.cluster.services.get(service)
        && let Some(row) = rows_of(service)
            .into_iter()
            .find(|row| row.id == RowId::Port(service.key.clone(), *port, Protocol::Tcp))
    {
        return row;
    }
    let target = snapshot.tunnels.get(id).map(|tunnel| &tunnel.spec.target);
    let target = match target {
        Some(Target::Fixed(destination)) => destination.to_string(),
        Some(Target::Dynamic) => "SOCKS".to_owned(),
        _ => String::new(),
    };
    Row {
        id: RowId::Tunnel(id.clone()),
        service: None,
        port: 0,
        searched: format!("{id} {target}").to_lowercase(),
        leads_to: target,
    }
}
