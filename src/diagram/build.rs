//! From a Snapshot to the graph of one way.

use crate::l10n::Lang;
use crate::model::{
    AnnouncementSource, ClusterState, Destination, HostStatus, LbService, PodEndpoint, Route,
    ServiceKey, ServicePhase, Snapshot, Target, TunnelId, TunnelState, TunnelStatus, Words,
    printable, words,
};

use super::graph::{Edge, EdgeKind, Graph, Node, Status};
use super::nodes;
use super::status::{Stations, chain};

/// How many endpoints are drawn one by one before the rest folds into one.
const MOST_PODS: usize = 12;

/// The way of the tunnel of this port of this service, or the way it would take; in English.
#[must_use]
pub fn of_service(snapshot: &Snapshot, key: &ServiceKey, port: u16) -> Graph {
    service_way(snapshot, key, port, Lang::English)
}

fn service_way(snapshot: &Snapshot, key: &ServiceKey, port: u16, lang: Lang) -> Graph {
    let tunnel = snapshot.tunnel_of(key, port).map(AsRef::as_ref);
    let way = Way::new(snapshot, tunnel, lang);
    let service = snapshot.cluster.services.get(key).map(AsRef::as_ref);
    let title = lang.say(&words!("{service} port {port}", service = key, port = port));
    let mut builder = way.begin(port, &title);
    match service {
        Some(service) => builder.add_service(service, port, tunnel),
        None => builder.add_unknown_service(key, &snapshot.cluster.state),
    }
    builder.finish(tunnel)
}

/// The way of this tunnel, in English; none if the snapshot does not hold it and it is not a service's.
#[must_use]
pub fn of_tunnel(snapshot: &Snapshot, id: &TunnelId) -> Option<Graph> {
    of_tunnel_in(snapshot, id, Lang::English)
}

/// The way of this tunnel in a person's language.
#[must_use]
pub fn of_tunnel_in(snapshot: &Snapshot, id: &TunnelId, lang: Lang) -> Option<Graph> {
    if let TunnelId::Service { service, port } = id {
        return Some(service_way(snapshot, service, *port, lang));
    }
    let tunnel = snapshot.tunnels.get(id).map(AsRef::as_ref)?;
    let port = match &tunnel.spec.target {
        Target::Fixed(Destination::Tcp { port, .. }) | Target::Service { port, .. } => *port,
        Target::Fixed(Destination::Socket(_)) | Target::Dynamic => 0,
    };
    let mut builder = Way::new(snapshot, Some(tunnel), lang).begin(port, &id.to_string());
    match &tunnel.spec.target {
        Target::Fixed(destination) => builder.add_destination(destination),
        Target::Dynamic => builder.add_anywhere(),
        Target::Service { service, .. } => {
            builder.add_unknown_service(service, &snapshot.cluster.state);
        }
    }
    Some(builder.finish(Some(tunnel)))
}

/// The way that a tunnel takes, or would take as far as that can be told without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The route.
    pub route: Route,
    /// What the SSH host dials; none for a node port, whose node only the engine knows.
    pub destination: Option<Destination>,
}

/// What the tunnel of this port of this service leads to, or would.
#[must_use]
pub fn planned(service: &LbService, port: u16, tunnel: Option<&TunnelStatus>) -> Option<Planned> {
    if let Some((tunnel, route)) = tunnel.and_then(|tunnel| Some((tunnel, tunnel.route?))) {
        let destination = tunnel.destination.clone();
        return Some(Planned { route, destination });
    }
    let chosen = match tunnel.map(|tunnel| &tunnel.spec.target) {
        Some(Target::Service { route, .. }) => *route,
        _ => None,
    };
    let routes = chosen.map_or_else(|| Route::ALL.to_vec(), |route| vec![route]);
    routes
        .into_iter()
        .find_map(|route| planned_by(service, port, route))
}

/// Where this route leads, if the service has what it needs.
fn planned_by(service: &LbService, port: u16, route: Route) -> Option<Planned> {
    let entry = service.tcp_port(port)?;
    let destination = match route {
        Route::MetalLb => Some((service.load_balancer_ips.first()?, port)),
        Route::ClusterIp => Some((service.cluster_ips.first()?, port)),
        Route::NodePort => entry.node_port.map(|_| None)?,
        Route::Pod => {
            let pod = service.pods.iter().find(|pod| pod.ready)?;
            let (_, number) = pod.ports.iter().find(|(name, _)| *name == entry.name)?;
            Some((&pod.ip, *number))
        }
    };
    let destination = destination.map(|(ip, port)| Destination::tcp(ip.to_string(), port));
    Some(Planned { route, destination })
}

/// What all ways have in common.
struct Way<'a> {
    tunnel: Option<&'a TunnelStatus>,
    host: Option<&'a HostStatus>,
    stations: Stations,
    lang: Lang,
}

impl<'a> Way<'a> {
    fn new(snapshot: &'a Snapshot, tunnel: Option<&'a TunnelStatus>, lang: Lang) -> Self {
        let id = tunnel
            .map(|tunnel| &tunnel.spec.host)
            .or(snapshot.selected_host.as_ref());
        let host = id.and_then(|id| snapshot.host(id)).map(AsRef::as_ref);
        let off = TunnelState::Off;
        let state = tunnel.map_or(&off, |tunnel| &tunnel.state);
        Self {
            tunnel,
            host,
            stations: Stations::of(lang, state, host, &snapshot.prompts),
            lang,
        }
    }

    /// This computer and the SSH servers.
    fn begin(self, port: u16, title: &str) -> Builder {
        let mut builder = Builder {
            graph: Graph {
                title: printable(title).into_owned(),
                nodes: Vec::new(),
                edges: Vec::new(),
                first_broken: None,
            },
            target: self.stations.target,
            lang: self.lang,
        };
        builder.push(nodes::computer(self.lang, self.tunnel, port).status(self.stations.local));
        let Some(host) = self.host else {
            builder.push_after(nodes::no_host(self.lang), "SSH");
            return builder;
        };
        let chain = chain(&host.profile);
        let last = chain.len() - 1;
        for (index, (profile, status)) in chain.iter().zip(self.stations.ssh).enumerate() {
            let node =
                nodes::ssh(self.lang, profile, host, index + 1, index == last).status(status);
            builder.push_after(node, "SSH");
        }
        builder
    }
}

struct Builder {
    graph: Graph,
    /// How the target is doing.
    target: Status,
    lang: Lang,
}

impl Builder {
    fn push(&mut self, node: Node) -> usize {
        self.graph.nodes.push(node);
        self.graph.nodes.len() - 1
    }

    /// Adds a station to the path of the bytes, behind the one added last.
    fn push_after(&mut self, node: Node, label: impl Into<String>) -> usize {
        let from = self.graph.nodes.len() - 1;
        let to = self.push(node);
        self.connect(from, to, EdgeKind::Data, label);
        to
    }

    /// Connects two stations.
    fn connect(&mut self, from: usize, to: usize, kind: EdgeKind, label: impl Into<String>) {
        let nodes = &self.graph.nodes;
        let status = match kind {
            EdgeKind::Relation => Status::Idle,
            EdgeKind::Data => leg_status(&nodes[from].status, &nodes[to].status),
        };
        self.graph.edges.push(Edge {
            from,
            to,
            kind,
            label: label.into(),
            status,
        });
    }

    fn add_service(&mut self, service: &LbService, port: u16, tunnel: Option<&TunnelStatus>) {
        let planned = planned(service, port, tunnel);
        let host = self.graph.nodes.len() - 1;
        let by_pod = planned
            .as_ref()
            .is_some_and(|planned| planned.route == Route::Pod);
        // By way of a pod the Service stands behind the pods: it is how they were found, not where the bytes go.
        let (service_rank, pod_rank) = if by_pod {
            (host + 2, host + 1)
        } else {
            (host + 1, host + 2)
        };
        let metal_lb = has_metal_lb(service).then(|| {
            let node = nodes::metal_lb(self.lang, service, service_rank);
            self.push(node)
        });
        let label = leg_label(service, port, planned.as_ref());
        let node = nodes::service(self.lang, service, port, service_rank);
        let status = if by_pod {
            Status::Idle
        } else {
            self.target.clone()
        };
        let index = self.push(node.status(status));
        if !by_pod {
            self.connect(host, index, EdgeKind::Data, label.clone());
        }
        if let Some(metal_lb) = metal_lb {
            self.connect(
                metal_lb,
                index,
                EdgeKind::Relation,
                self.announcement(service),
            );
        }
        let destination = planned.and_then(|planned| planned.destination);
        let target = if by_pod { destination.as_ref() } else { None };
        self.add_pods(
            service,
            &PodsPlace {
                rank: pod_rank,
                service: index,
                host,
                target,
                label: &label,
            },
        );
    }

    fn add_pods(&mut self, service: &LbService, place: &PodsPlace<'_>) {
        let has_ready = service.pods.iter().any(|pod| pod.ready);
        let is_target = |pod: &PodEndpoint| matches!(place.target, Some(Destination::Tcp { host, .. }) if *host == pod.ip.to_string());
        let (shown, rest) = fold(&service.pods, is_target);
        for pod in shown {
            let status = self.pod_status(service, pod, has_ready, place, is_target(pod));
            let node = nodes::pod(self.lang, pod, place.rank).status(status);
            let index = self.push(node);
            self.connect_pod(index, place, is_target(pod));
        }
        let more = match (rest.is_empty(), service.pods.is_empty()) {
            (false, _) => nodes::more_pods(self.lang, &rest, place.rank),
            (true, true) => nodes::no_pods(self.lang, place.rank),
            (true, false) => return,
        };
        let status = if has_ready {
            self.followed(place)
        } else {
            nodes::no_ready_pod(self.lang, service)
        };
        let index = self.push(more.status(status));
        self.connect_pod(index, place, false);
    }

    fn connect_pod(&mut self, index: usize, place: &PodsPlace<'_>, is_target: bool) {
        if is_target {
            self.connect(place.host, index, EdgeKind::Data, place.label);
        }
        match place.target {
            Some(_) => self.connect(place.service, index, EdgeKind::Relation, ""),
            None => self.connect(place.service, index, EdgeKind::Data, ""),
        }
    }

    fn pod_status(
        &self,
        service: &LbService,
        pod: &PodEndpoint,
        has_ready: bool,
        place: &PodsPlace<'_>,
        is_target: bool,
    ) -> Status {
        match (pod.ready, has_ready) {
            (false, true) => Status::Unknown,
            (false, false) => nodes::no_ready_pod(self.lang, service),
            (true, _) if is_target => self.target.clone(),
            (true, _) => self.followed(place),
        }
    }

    /// A pod that takes traffic works when the whole way to it does; which of them answered only kube-proxy knows.
    fn followed(&self, place: &PodsPlace<'_>) -> Status {
        match (&self.target, place.target) {
            (Status::Working, None) => Status::Working,
            _ => Status::Idle,
        }
    }

    fn add_unknown_service(&mut self, key: &ServiceKey, cluster: &ClusterState) {
        let rank = self.graph.nodes.len();
        let mut node = nodes::unknown_service(self.lang, &key.to_string(), rank);
        node = node.told(&match cluster {
            ClusterState::Live => words!("not in the cluster"),
            _ => words!("the cluster is not known yet"),
        });
        if self.target != Status::Idle {
            node.status = self.target.clone();
        }
        self.push_after(node, "");
    }

    fn add_destination(&mut self, destination: &Destination) {
        let rank = self.graph.nodes.len();
        let node = nodes::destination(self.lang, destination, rank).status(self.target.clone());
        self.push_after(node, "direct-tcpip");
    }

    /// Each client's own choice.
    fn add_anywhere(&mut self) {
        let rank = self.graph.nodes.len();
        let node = nodes::anywhere(self.lang, rank).status(self.target.clone());
        self.push_after(node, "SOCKS");
    }

    /// Who announces the address.
    fn announcement(&self, service: &LbService) -> String {
        let Some(first) = service.announced_by.iter().flatten().next() else {
            return String::new();
        };
        let protocol = match first.protocol.as_str() {
            "layer2" => "L2",
            "bgp" => "BGP",
            other => other,
        };
        let by = format!("{} · {protocol}", first.node);
        let words = match first.source {
            AnnouncementSource::Status => Words::quoted(&by),
            AnnouncementSource::Event => words!("{by}, by an event", by = by),
            AnnouncementSource::Predicted => words!("{by}, predicted", by = by),
        };
        printable(&self.lang.say(&words)).into_owned()
    }

    fn finish(mut self, tunnel: Option<&TunnelStatus>) -> Graph {
        let open = tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }));
        let faulty = tunnel.and_then(|tunnel| tunnel.state.fault());
        let nodes = &self.graph.nodes;
        // A live fault tells where it is; what only the cluster says comes second, and nothing is broken while bytes flow.
        let named = faulty.and_then(|fault| {
            let reason = self.lang.fault(fault);
            nodes.iter().position(|node| {
                matches!(&node.status, Status::Broken { reason: found, .. } if *found == reason)
            })
        });
        self.graph.first_broken = match (open, named) {
            (true, _) => None,
            (false, Some(named)) => Some(named),
            (false, None) => nodes.iter().position(|node| node.status.is_broken()),
        };
        self.graph
    }
}

/// How a leg does that bytes travel along: as its farther end, but nothing works beyond what does not.
pub(super) fn leg_status(nearer: &Status, farther: &Status) -> Status {
    match farther {
        Status::Working if *nearer != Status::Working => Status::Idle,
        farther => farther.clone(),
    }
}

/// Whether there is an address, or one is waited for.
fn has_metal_lb(service: &LbService) -> bool {
    service.phase == ServicePhase::Pending
        || !service.load_balancer_ips.is_empty()
        || !service.hostnames.is_empty()
}

/// Where the pods stand and what leads to them.
struct PodsPlace<'a> {
    rank: usize,
    service: usize,
    host: usize,
    /// The pod that is dialled itself, by the route by Pod.
    target: Option<&'a Destination>,
    label: &'a str,
}

/// The endpoints to draw and the rest; the one that is dialled is always among the first.
fn fold(
    pods: &[PodEndpoint],
    is_target: impl Fn(&PodEndpoint) -> bool,
) -> (Vec<&PodEndpoint>, Vec<&PodEndpoint>) {
    let mut all: Vec<_> = pods.iter().collect();
    if all.len() <= MOST_PODS {
        return (all, Vec::new());
    }
    if let Some(at) = all
        .iter()
        .position(|pod| is_target(pod))
        .filter(|at| *at >= MOST_PODS)
    {
        all.swap(at, MOST_PODS - 1);
    }
    let rest = all.split_off(MOST_PODS);
    (all, rest)
}

/// What the host dials, as the words on the last leg.
fn leg_label(service: &LbService, port: u16, planned: Option<&Planned>) -> String {
    match planned {
        Some(Planned {
            destination: Some(destination),
            ..
        }) => destination.to_string(),
        Some(Planned {
            route: Route::NodePort,
            ..
        }) => service
            .tcp_port(port)
            .and_then(|port| port.node_port)
            .map_or_else(String::new, |port| format!("NodePort {port}")),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
