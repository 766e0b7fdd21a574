//! The rows of the list: one for each port of each service. Which of them a search leaves, and in which order.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;

use crate::l10n::{Lang, tr};
use crate::model::{
    LbService, Protocol, ServiceKey, ServicePort, Snapshot, Target, TunnelId, TunnelStatus,
    printable,
};

use super::words;

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
            Self::Tunnel(id) => id.to_string(),
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

    fn service_name(&self) -> &str {
        match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => &key.name,
            RowId::Tunnel(TunnelId::Service { service, .. }) => &service.name,
            RowId::Tunnel(TunnelId::Forward(_)) => "",
        }
    }

    /// What stands in the column of services.
    pub(super) fn name(&self) -> String {
        let name = match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => key.name.to_string(),
            RowId::Tunnel(TunnelId::Service { service, .. }) => service.name.to_string(),
            RowId::Tunnel(id @ TunnelId::Forward(_)) => id.to_string(),
        };
        printable(&name).into_owned()
    }

    /// What stands in the column of namespaces.
    pub(super) fn namespace(&self) -> String {
        let namespace = match &self.id {
            RowId::Port(key, ..) | RowId::Bare(key) => key.namespace.as_str(),
            RowId::Tunnel(TunnelId::Service { service, .. }) => service.namespace.as_str(),
            RowId::Tunnel(TunnelId::Forward(_)) => "",
        };
        printable(namespace).into_owned()
    }

    fn number(&self) -> u16 {
        match &self.id {
            RowId::Port(_, port, _) | RowId::Tunnel(TunnelId::Service { port, .. }) => *port,
            RowId::Bare(_) | RowId::Tunnel(TunnelId::Forward(_)) => 0,
        }
    }
}

/// A column that the list can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum SortBy {
    /// Namespace, then service.
    #[default]
    Namespace,
    /// Service, then namespace.
    Service,
    /// Port number.
    Port,
    /// MetalLB IP.
    MetalLb,
    /// ClusterIP.
    ClusterIp,
    /// Ready pods.
    Pods,
    /// Local address.
    Local,
    /// State: what needs the person first.
    State,
}

/// How the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorting {
    /// By what.
    pub(super) by: SortBy,
    /// From the end.
    pub(super) descending: bool,
}

impl Sorting {
    /// After a click on the header of `by`: that column, or its other direction.
    pub(super) fn clicked(self, by: SortBy) -> Self {
        Self {
            by,
            descending: self.by == by && !self.descending,
        }
    }
}

/// All rows, and those to show.
#[derive(Debug, Default)]
pub(super) struct Rows {
    all: Vec<Row>,
    visible: Vec<usize>,
    services: OrdMap<ServiceKey, Arc<LbService>>,
    orphans: Vec<TunnelId>,
}

impl Rows {
    /// Follows a new snapshot or a new search. The rows themselves are made anew only if the services changed.
    pub(super) fn update(
        &mut self,
        lang: Lang,
        snapshot: &Snapshot,
        query: &str,
        sorting: Sorting,
    ) {
        let services = &snapshot.cluster.services;
        let orphans: Vec<_> = orphans(snapshot);
        if !self.services.ptr_eq(services) || self.orphans != orphans {
            let shown = services
                .values()
                .filter(|service| service.is_load_balancer());
            self.all = shown.flat_map(rows_of).collect();
            self.all
                .extend(orphans.iter().map(|id| orphan(id, snapshot)));
            self.services = services.clone();
            self.orphans = orphans;
        }
        self.visible = self.found(lang, snapshot, query);
        self.sort(snapshot, sorting);
    }

    /// How many rows there are without a search.
    pub(super) fn total(&self) -> usize {
        self.all.len()
    }

    /// How many rows are shown.
    pub(super) fn len(&self) -> usize {
        self.visible.len()
    }

    /// The shown row at `index`.
    pub(super) fn get(&self, index: usize) -> Option<&Row> {
        self.visible.get(index).and_then(|at| self.all.get(*at))
    }

    /// Where this row is shown.
    pub(super) fn position(&self, id: &RowId) -> Option<usize> {
        self.visible.iter().position(|at| self.all[*at].id == *id)
    }

    /// This row, shown or not.
    pub(super) fn find(&self, id: &RowId) -> Option<&Row> {
        self.all.iter().find(|row| row.id == *id)
    }

    /// The rows that hold every word of `query`.
    fn found(&self, lang: Lang, snapshot: &Snapshot, query: &str) -> Vec<usize> {
        let query = query.to_lowercase();
        let words: Vec<_> = query.split_whitespace().collect();
        if words.is_empty() {
            return (0..self.all.len()).collect();
        }
        let matches = |row: &Row| {
            let live = words::searched(lang, row.tunnel(snapshot).map(AsRef::as_ref));
            words
                .iter()
                .all(|word| row.searched.contains(word) || live.contains(word))
        };
        (0..self.all.len())
            .filter(|index| matches(&self.all[*index]))
            .collect()
    }

    fn sort(&mut self, snapshot: &Snapshot, sorting: Sorting) {
        let Self { all, visible, .. } = self;
        if sorting.by != SortBy::Namespace {
            // Stable: rows that are equal stay in the order of namespaces.
            visible.sort_by(|a, b| compare(&all[*a], &all[*b], snapshot, sorting.by));
        }
        if sorting.descending {
            visible.reverse();
        }
    }
}

fn compare(a: &Row, b: &Row, snapshot: &Snapshot, by: SortBy) -> Ordering {
    let local = |row: &Row| {
        row.tunnel(snapshot)
            .and_then(|tunnel| tunnel.local_address())
    };
    match by {
        SortBy::Namespace => Ordering::Equal,
        SortBy::Service => a.service_name().cmp(b.service_name()),
        SortBy::Port => a.number().cmp(&b.number()),
        SortBy::MetalLb => missing_last(metal_lb(a), metal_lb(b)),
        SortBy::ClusterIp => missing_last(cluster_ip(a), cluster_ip(b)),
        SortBy::Pods => ready_pods(a).cmp(&ready_pods(b)),
        SortBy::Local => missing_last(local(a).as_ref(), local(b).as_ref()),
        SortBy::State => {
            let rank = |row: &Row| words::urgency(row.tunnel(snapshot).map(AsRef::as_ref));
            rank(a).cmp(&rank(b))
        }
    }
}

fn metal_lb(row: &Row) -> Option<&IpAddr> {
    row.service.as_ref()?.load_balancer_ips.first()
}

fn cluster_ip(row: &Row) -> Option<&IpAddr> {
    row.service.as_ref()?.cluster_ips.first()
}

fn ready_pods(row: &Row) -> usize {
    let pods = row.service.as_ref().map(|service| &service.pods);
    pods.map_or(0, |pods| pods.iter().filter(|pod| pod.ready).count())
}

fn missing_last<T: Ord>(a: Option<&T>, b: Option<&T>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
}

fn rows_of(service: &Arc<LbService>) -> Vec<Row> {
    let common = searched(service);
    let row = |id, port: usize, ports: &str| Row {
        id,
        service: Some(Arc::clone(service)),
        port,
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

/// Tunnels that no service in view accounts for.
fn orphans(snapshot: &Snapshot) -> Vec<TunnelId> {
    let services = &snapshot.cluster.services;
    let is_orphan = |id: &&TunnelId| match id {
        TunnelId::Forward(_) => true,
        TunnelId::Service { service, port } => services
            .get(service)
            .is_none_or(|service| !service.is_load_balancer() || service.tcp_port(*port).is_none()),
    };
    snapshot.tunnels.keys().filter(is_orphan).cloned().collect()
}

fn orphan(id: &TunnelId, snapshot: &Snapshot) -> Row {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::testing::{host, ip, key, port, snapshot, tunnel, ui, up};
    use crate::model::{Moment, TunnelState};

    fn world() -> Snapshot {
        let mut dns = ui();
        dns.key = ServiceKey::new("shop", "dns");
        dns.load_balancer_ips = vec![ip("10.0.0.9")];
        dns.ports = vec![port(53), port(53), port(9153)];
        dns.ports[0].protocol = Protocol::Udp;
        let mut pending = ui();
        pending.key = ServiceKey::new("shop", "api");
        pending.load_balancer_ips.clear();
        snapshot(vec![ui(), dns, pending], host(up()))
    }

    fn shown(snapshot: &Snapshot, query: &str, sorting: Sorting) -> Vec<String> {
        let mut rows = Rows::default();
        rows.update(Lang::English, snapshot, query, sorting);
        (0..rows.len())
            .map(|index| rows.get(index).unwrap().id.label(Lang::English))
            .collect()
    }

    #[test]
    fn every_port_has_a_row_and_udp_is_not_hidden() {
        assert_eq!(
            shown(&world(), "", Sorting::default()),
            [
                "default/ui port 80",
                "shop/api port 80",
                "shop/dns port 53 UDP",
                "shop/dns port 53",
                "shop/dns port 9153"
            ]
        );
    }

    #[test]
    fn a_search_looks_at_everything_shown() {
        let mut world = world();
        let open = TunnelState::Open {
            since: Moment::START,
        };
        tunnel(&mut world, &key(), 80, open);
        for (query, expected) in [
            ("UDP", vec!["shop/dns port 53 UDP"]),
            ("10.0.0.9 9153", vec!["shop/dns port 9153"]),
            ("127.0.0.1:8080", vec!["default/ui port 80"]),
            ("open", vec!["default/ui port 80"]),
            ("nothing like it", vec![]),
        ] {
            assert_eq!(
                shown(&world, query, Sorting::default()),
                expected,
                "{query}"
            );
        }
    }

    #[test]
    fn headers_sort_and_sort_back() {
        let by = |by| Sorting {
            by,
            descending: false,
        };
        let world = world();
        assert_eq!(
            shown(&world, "80", by(SortBy::MetalLb)).last().unwrap(),
            "shop/api port 80",
            "what has no address comes last"
        );
        let ports = shown(&world, "", by(SortBy::Port).clicked(SortBy::Port));
        assert_eq!(ports[0], "shop/dns port 9153");
        assert_eq!(
            by(SortBy::Port).clicked(SortBy::Service),
            by(SortBy::Service)
        );
    }

    #[test]
    fn a_tunnel_outlives_its_service() {
        let mut world = world();
        tunnel(
            &mut world,
            &ServiceKey::new("gone", "svc"),
            1,
            TunnelState::Off,
        );
        let rows = shown(&world, "", Sorting::default());
        assert_eq!(rows.last().unwrap(), "gone/svc port 1");
    }
}
