//! The stations' boxes: what stands in each, and how it is doing.

use crate::model::{
    Destination, Finding, HostProfile, HostRole, HostStatus, LbService, LinkStatus, ListenAddress,
    LocalBind, PodEndpoint, ServicePhase, ServicePort, Severity, TunnelStatus, printable,
};

use super::graph::{Fact, Node, NodeKind, Status};

/// A node of this kind with nothing in it yet.
pub(super) fn node(kind: NodeKind, title: impl AsRef<str>, rank: usize) -> Node {
    Node {
        kind,
        title: printable(title.as_ref()).into_owned(),
        lines: Vec::new(),
        facts: Vec::new(),
        copy: None,
        status: Status::Idle,
        rank,
    }
}

impl Node {
    pub(super) fn line(mut self, text: impl AsRef<str>) -> Self {
        self.lines.push(printable(text.as_ref()).into_owned());
        self
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = printable(value.as_ref()).into_owned();
        self.facts.push(Fact { name, value });
        self
    }

    fn copied(mut self, text: impl Into<String>) -> Self {
        self.copy = Some(text.into());
        self
    }

    pub(super) fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }
}

/// This computer, with the address it listens on or would listen on.
pub(super) fn computer(tunnel: Option<&TunnelStatus>, port: u16) -> Node {
    let (address, bound) = local_address(tunnel, port);
    let mut node = node(NodeKind::Computer, "This computer", 0)
        .line(&address)
        .fact(
            if bound {
                "listens on"
            } else {
                "will listen on"
            },
            &address,
        )
        .copied(address);
    if let Some(tunnel) = tunnel {
        let traffic = tunnel.traffic;
        node = node.fact(
            "connections",
            format!(
                "{} now, {} in all",
                traffic.connections, traffic.connections_total
            ),
        );
        if traffic.refused_total > 0 {
            node = node.fact("refused", traffic.refused_total.to_string());
        }
    }
    node
}

/// Where the tunnel listens, or would, and whether it does.
fn local_address(tunnel: Option<&TunnelStatus>, port: u16) -> (String, bool) {
    let planned = || {
        tunnel.map_or_else(
            || LocalBind::preferred_for(port).to_string(),
            |tunnel| tunnel.spec.local.to_string(),
        )
    };
    match tunnel.and_then(|tunnel| tunnel.listening.first()) {
        Some(ListenAddress::Tcp(address)) => (address.to_string(), true),
        Some(ListenAddress::Socket(path)) => (path.display().to_string(), true),
        None => (planned(), false),
    }
}

/// One SSH server of the chain.
pub(super) fn ssh(profile: &HostProfile, of: &HostStatus, rank: usize, is_last: bool) -> Node {
    let kind = if is_last {
        NodeKind::Host
    } else {
        NodeKind::Jump
    };
    let mut node = node(kind, profile.login(), rank)
        .fact("address", format!("{}:{}", profile.address, profile.port))
        .fact("user", &profile.user)
        .copied(profile.address.clone());
    if is_last {
        node = match &of.role {
            HostRole::Node(name) => node
                .line(format!("cluster node {name}"))
                .fact("cluster node", name),
            HostRole::NotANode => node.line("no cluster node").fact("cluster node", "no"),
            HostRole::Unknown => node,
        };
    }
    let LinkStatus::Up { session, .. } = &of.link else {
        return node.line(kind.as_str());
    };
    // The session's facts are those of its last server; the time to connect is that of the first hop.
    let connect_ms = session.connect_micros.div_ceil(1000);
    let is_first = rank == 1;
    if is_last {
        node = node.line(short_cipher(&session.cipher));
        node = node
            .fact("cipher", &session.cipher)
            .fact("server", &session.server)
            .fact("host key", &session.host_key)
            .fact("logged in by", &session.authenticated_by);
    } else {
        node = node.line(kind.as_str());
    }
    if is_first && session.connect_micros > 0 {
        let last = node.lines.len() - 1;
        node.lines[last] = format!("{} · {connect_ms} ms", node.lines[last]);
        node = node.fact("time to connect", format!("{connect_ms} ms"));
    }
    node
}

/// A cipher without the part that says who made it up (`chacha20-poly1305@openssh.com`).
fn short_cipher(cipher: &str) -> &str {
    cipher.split_once('@').map_or(cipher, |(name, _)| name)
}

/// The host, where none was chosen yet.
pub(super) fn no_host() -> Node {
    node(NodeKind::Host, "SSH host", 1)
        .line("none chosen")
        .status(Status::Unknown)
}

/// The Service.
pub(super) fn service(service: &LbService, port: u16, rank: usize) -> Node {
    let cluster_ip = service.cluster_ips.first();
    let mut node = node(NodeKind::Service, service.key.name.as_ref(), rank)
        .fact("namespace", service.key.namespace.as_str());
    if let Some(ip) = cluster_ip {
        node = node.line(format!("ClusterIP {ip}")).copied(ip.to_string());
    }
    for ip in &service.cluster_ips {
        node = node.fact("ClusterIP", ip.to_string());
    }
    if let Some(port) = service.tcp_port(port) {
        node = node.line(port_line(port));
        node = node
            .fact("port", port.number.to_string())
            .fact("target port", &port.target_port);
        if let Some(node_port) = port.node_port {
            node = node.fact("NodePort", node_port.to_string());
        }
    }
    if service.local_traffic_only {
        node = node.fact("traffic policy", "Local: only nodes with a ready pod");
    }
    node
}

fn port_line(port: &ServicePort) -> String {
    let ports = format!("{} → {}", port.number, port.target_port);
    match port.node_port {
        Some(node_port) => format!("{ports} · NodePort {node_port}"),
        None => ports,
    }
}

/// A Service that the view of the cluster does not hold (now).
pub(super) fn unknown_service(title: &str, rank: usize) -> Node {
    node(NodeKind::Service, title, rank).status(Status::Unknown)
}

/// The address MetalLB gave the Service, or the lack of one.
pub(super) fn metal_lb(service: &LbService, rank: usize) -> Node {
    let ip = service.load_balancer_ips.first().map(ToString::to_string);
    let address = ip.or_else(|| service.hostnames.first().cloned());
    let mut node = node(
        NodeKind::MetalLb,
        address.as_deref().unwrap_or("no address yet"),
        rank,
    );
    node.copy.clone_from(&address);
    let pool = service.pool.as_deref();
    node = node.line(pool.map_or_else(
        || "MetalLB IP".to_owned(),
        |pool| format!("MetalLB · {pool}"),
    ));
    for ip in &service.load_balancer_ips {
        node = node.fact("MetalLB IP", ip.to_string());
    }
    if let Some(pool) = pool {
        node = node.fact("pool", pool);
    }
    for announcement in service.announced_by.iter().flatten() {
        let by = format!("{} ({})", announcement.node, announcement.protocol);
        node = node.fact("announced by", by);
    }
    node.status(metal_lb_status(service))
}

fn metal_lb_status(service: &LbService) -> Status {
    let finding = worst(service, |finding| !is_about_pods(finding));
    match (finding, service.phase) {
        (Some(finding), _) if finding.severity == Severity::Error => broken_by(finding),
        (Some(finding), ServicePhase::Pending) => broken_by(finding),
        (None, ServicePhase::Pending) => Status::InProgress,
        _ => Status::Idle,
    }
}

/// One endpoint. `has_ready` says whether the Service has any that takes traffic: one that does not is then no fault.
pub(super) fn pod(pod: &PodEndpoint, rank: usize) -> Node {
    let ready = if pod.ready { "ready" } else { "not ready" };
    let place = pod.node.as_deref().unwrap_or("node unknown");
    let mut node = node(NodeKind::Pod, pod.ip.to_string(), rank)
        .line(if pod.ready {
            place.to_owned()
        } else {
            format!("{place} · not ready")
        })
        .fact("pod", pod.name.as_ref())
        .fact("address", pod.ip.to_string())
        .fact("node", place)
        .fact("state", ready)
        .copied(pod.ip.to_string());
    for (name, number) in pod.ports.iter() {
        let port = if name.is_empty() {
            number.to_string()
        } else {
            format!("{number} ({name})")
        };
        node = node.fact("port", port);
    }
    node
}

/// The endpoints that are not drawn.
pub(super) fn more_pods(rest: &[&PodEndpoint], rank: usize) -> Node {
    let ready = rest.iter().filter(|pod| pod.ready).count();
    let title = format!("+{} more, {ready} ready", rest.len());
    let node = node(NodeKind::MorePods, title, rank);
    rest.iter().take(30).fold(node, |node, pod| {
        node.fact(
            if pod.ready { "ready" } else { "not ready" },
            format!("{} {}", pod.ip, pod.name),
        )
    })
}

/// The place of the pods of a Service that has none.
pub(super) fn no_pods(rank: usize) -> Node {
    node(NodeKind::MorePods, "no pods", rank)
}

/// Why no pod takes traffic, in the diagnosis' words where there are any.
pub(super) fn no_ready_pod(service: &LbService) -> Status {
    match worst(service, is_about_pods) {
        Some(finding) => broken_by(finding),
        None if service.pods.is_empty() => Status::Broken {
            reason: "no pod stands behind the Service".to_owned(),
            remedy: "Check its selector, and that the workload runs.".to_owned(),
        },
        None => Status::Broken {
            reason: "no pod behind the Service is ready".to_owned(),
            remedy: "See why with `kubectl describe pod` and the pods' logs.".to_owned(),
        },
    }
}

/// A fixed destination.
pub(super) fn destination(destination: &Destination, rank: usize) -> Node {
    let text = destination.to_string();
    node(NodeKind::Destination, &text, rank)
        .line("as seen from the SSH host")
        .fact("destination", &text)
        .copied(text)
}

/// Wherever each client of a SOCKS listener asks to go.
pub(super) fn anywhere(rank: usize) -> Node {
    node(NodeKind::Destination, "anywhere", rank).line("where each SOCKS client asks to go")
}

fn worst(service: &LbService, of: impl Fn(&Finding) -> bool) -> Option<&Finding> {
    let relevant = service
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info && of(finding));
    relevant.reduce(|worst, finding| {
        if finding.severity > worst.severity {
            finding
        } else {
            worst
        }
    })
}

/// Findings are the diagnosis' own, and so are their codes: those about pods name pods or endpoints.
fn is_about_pods(finding: &Finding) -> bool {
    finding.code.contains("endpoint")
        || finding.code.contains("pod")
        || finding.code.contains("ready")
}

fn broken_by(finding: &Finding) -> Status {
    Status::Broken {
        reason: printable(&finding.message).into_owned(),
        remedy: printable(&finding.hint).into_owned(),
    }
}
