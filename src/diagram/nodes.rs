//! The stations' boxes: what stands in each, and how it is doing.

use crate::l10n::Lang;
use crate::model::{
    Destination, Finding, HostProfile, HostRole, HostStatus, LbService, LinkStatus, LocalBind,
    PodEndpoint, ServicePhase, ServicePort, Severity, TunnelStatus, Words, printable, words,
};

use super::graph::{Fact, Node, NodeKind, Status};

/// A node of this kind with nothing in it yet.
pub(super) fn node(lang: Lang, kind: NodeKind, title: impl AsRef<str>, rank: usize) -> Node {
    Node {
        kind,
        title: printable(title.as_ref()).into_owned(),
        lines: Vec::new(),
        facts: Vec::new(),
        copy: None,
        status: Status::Idle,
        rank,
        name: None,
        lang,
    }
}

impl Node {
    pub(super) fn line(mut self, text: impl AsRef<str>) -> Self {
        self.lines.push(printable(text.as_ref()).into_owned());
        self
    }

    /// A line of words that have a translation.
    pub(super) fn told(self, words: &Words) -> Self {
        let text = self.lang.say(words);
        self.line(text)
    }

    pub(super) fn fact(mut self, name: &Words, value: impl AsRef<str>) -> Self {
        let name = self.lang.say(name);
        let value = printable(value.as_ref()).into_owned();
        self.facts.push(Fact { name, value });
        self
    }

    /// A fact whose value has a translation, too.
    fn fact_told(self, name: &Words, value: &Words) -> Self {
        let value = self.lang.say(value);
        self.fact(name, value)
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
pub(super) fn computer(lang: Lang, tunnel: Option<&TunnelStatus>, port: u16) -> Node {
    let (address, bound) = local_address(tunnel, port);
    let listens = if bound {
        words!("listens on")
    } else {
        words!("will listen on")
    };
    let title = lang.say(&words!("This computer"));
    let mut node = node(lang, NodeKind::Computer, title, 0)
        .line(&address)
        .fact(&listens, &address)
        .copied(address);
    if let Some(tunnel) = tunnel {
        let traffic = tunnel.traffic;
        node = node.fact_told(
            &words!("connections"),
            &words!(
                "{now} now, {all} in all",
                now = traffic.connections,
                all = traffic.connections_total
            ),
        );
        if traffic.refused_total > 0 {
            node = node.fact(&words!("refused"), traffic.refused_total.to_string());
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
        Some(address) => (address.to_string(), true),
        None => (planned(), false),
    }
}

/// One SSH server of the chain.
pub(super) fn ssh(
    lang: Lang,
    profile: &HostProfile,
    of: &HostStatus,
    rank: usize,
    is_last: bool,
) -> Node {
    let kind = if is_last {
        NodeKind::Host
    } else {
        NodeKind::Jump
    };
    let mut node = node(lang, kind, profile.login(), rank)
        .fact(
            &words!("address"),
            format!("{}:{}", profile.address, profile.port),
        )
        .fact(&words!("user"), &profile.user)
        .copied(profile.address.clone());
    if is_last {
        node = role(node, &of.role);
    }
    let LinkStatus::Up { session, .. } = &of.link else {
        return node.told(&kind.words());
    };
    // The session's facts are those of its last server; the time to connect is that of the first hop.
    let connect_ms = session.connect_micros.div_ceil(1000);
    let is_first = rank == 1;
    if is_last {
        node = node.line(short_cipher(&session.cipher));
        node = node
            .fact(&words!("cipher"), &session.cipher)
            .fact(&words!("server"), &session.server)
            .fact(&words!("host key"), &session.host_key)
            .fact(&words!("logged in by"), &session.authenticated_by);
    } else {
        node = node.told(&kind.words());
    }
    if is_first && session.connect_micros > 0 {
        let last = node.lines.len() - 1;
        node.lines[last] = format!("{} · {connect_ms} ms", node.lines[last]);
        node = node.fact(&words!("time to connect"), format!("{connect_ms} ms"));
    }
    node
}

/// What the host is to the cluster.
fn role(node: Node, role: &HostRole) -> Node {
    match role {
        HostRole::Node(name) => node
            .told(&words!("cluster node {name}", name = name.as_ref()))
            .fact(&words!("cluster node"), name),
        HostRole::NotANode => node
            .told(&words!("no cluster node"))
            .fact_told(&words!("cluster node"), &words!("no")),
        HostRole::Unknown => node,
    }
}

/// A cipher without the part that says who made it up (`chacha20-poly1305@openssh.com`).
fn short_cipher(cipher: &str) -> &str {
    cipher.split_once('@').map_or(cipher, |(name, _)| name)
}

/// The host, where none was chosen yet.
pub(super) fn no_host(lang: Lang) -> Node {
    node(lang, NodeKind::Host, lang.say(&NodeKind::Host.words()), 1)
        .told(&words!("none chosen"))
        .status(Status::Unknown)
}

/// The Service.
pub(super) fn service(lang: Lang, service: &LbService, port: u16, rank: usize) -> Node {
    let cluster_ip = service.cluster_ips.first();
    let mut node = node(lang, NodeKind::Service, service.key.name.as_ref(), rank)
        .fact(&words!("namespace"), service.key.namespace.as_str());
    if let Some(ip) = cluster_ip {
        node = node.line(format!("ClusterIP {ip}")).copied(ip.to_string());
    }
    for ip in &service.cluster_ips {
        node = node.fact(&words!("ClusterIP"), ip.to_string());
    }
    if let Some(port) = service.tcp_port(port) {
        node = node.line(port_line(port));
        node = node
            .fact(&words!("port"), port.number.to_string())
            .fact(&words!("target port"), &port.target_port);
        if let Some(node_port) = port.node_port {
            node = node.fact(&words!("NodePort"), node_port.to_string());
        }
    }
    if service.local_traffic_only {
        node = node.fact_told(
            &words!("traffic policy"),
            &words!("Local: only nodes with a ready pod"),
        );
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
pub(super) fn unknown_service(lang: Lang, title: &str, rank: usize) -> Node {
    node(lang, NodeKind::Service, title, rank).status(Status::Unknown)
}

/// The address MetalLB gave the Service, or the lack of one.
pub(super) fn metal_lb(lang: Lang, service: &LbService, rank: usize) -> Node {
    let ip = service.load_balancer_ips.first().map(ToString::to_string);
    let address = ip.or_else(|| service.hostnames.first().cloned());
    let title = address
        .clone()
        .unwrap_or_else(|| lang.say(&words!("no address yet")));
    let mut node = node(lang, NodeKind::MetalLb, title, rank);
    node.copy.clone_from(&address);
    let pool = service.pool.as_deref();
    node = match pool {
        Some(pool) => node.line(format!("MetalLB · {pool}")),
        None => node.told(&NodeKind::MetalLb.words()),
    };
    for ip in &service.load_balancer_ips {
        node = node.fact(&NodeKind::MetalLb.words(), ip.to_string());
    }
    if let Some(pool) = pool {
        node = node.fact(&words!("pool"), pool);
    }
    for announcement in service.announced_by.iter().flatten() {
        let by = format!("{} ({})", announcement.node, announcement.protocol);
        node = node.fact(&words!("announced by"), by);
    }
    node.status(metal_lb_status(lang, service))
}

fn metal_lb_status(lang: Lang, service: &LbService) -> Status {
    let finding = worst(service, |finding| !is_about_pods(finding));
    match (finding, service.phase) {
        (Some(finding), _) if finding.severity == Severity::Error => broken_by(lang, finding),
        (Some(finding), ServicePhase::Pending) => broken_by(lang, finding),
        (None, ServicePhase::Pending) => Status::InProgress,
        _ => Status::Idle,
    }
}

/// One endpoint. `has_ready` says whether the Service has any that takes traffic: one that does not is then no fault.
pub(super) fn pod(lang: Lang, pod: &PodEndpoint, rank: usize) -> Node {
    let unready = words!("not ready");
    let ready = if pod.ready {
        words!("ready")
    } else {
        unready.clone()
    };
    let place = match &pod.node {
        Some(node) => node.to_string(),
        None => lang.say(&words!("node unknown")),
    };
    let line = if pod.ready {
        place.clone()
    } else {
        format!("{place} · {}", lang.say(&unready))
    };
    let mut node = node(lang, NodeKind::Pod, pod.ip.to_string(), rank)
        .line(line)
        .fact(&words!("pod"), pod.name.as_ref())
        .fact(&words!("address"), pod.ip.to_string())
        .fact(&words!("node"), place)
        .fact_told(&words!("state"), &ready)
        .copied(pod.ip.to_string());
    node.name = Some(printable(&pod.name).into_owned());
    for (name, number) in pod.ports.iter() {
        let port = if name.is_empty() {
            number.to_string()
        } else {
            format!("{number} ({name})")
        };
        node = node.fact(&words!("port"), port);
    }
    node
}

/// The endpoints that are not drawn.
pub(super) fn more_pods(lang: Lang, rest: &[&PodEndpoint], rank: usize) -> Node {
    let ready = rest.iter().filter(|pod| pod.ready).count();
    let title = lang.say(&words!(
        "+{count} more, {ready} ready",
        count = rest.len(),
        ready = ready
    ));
    let node = node(lang, NodeKind::MorePods, title, rank);
    rest.iter().take(30).fold(node, |node, pod| {
        let state = if pod.ready {
            words!("ready")
        } else {
            words!("not ready")
        };
        node.fact(&state, format!("{} {}", pod.ip, pod.name))
    })
}

/// The place of the pods of a Service that has none.
pub(super) fn no_pods(lang: Lang, rank: usize) -> Node {
    node(lang, NodeKind::MorePods, lang.say(&words!("no pods")), rank)
}

/// Why no pod takes traffic, in the diagnosis' words where there are any.
pub(super) fn no_ready_pod(lang: Lang, service: &LbService) -> Status {
    match worst(service, is_about_pods) {
        Some(finding) => broken_by(lang, finding),
        None if service.pods.is_empty() => Status::Broken {
            reason: lang.say(&words!("no pod stands behind the Service")),
            remedy: lang.say(&words!("Check its selector, and that the workload runs.")),
        },
        None => Status::Broken {
            reason: lang.say(&words!("no pod behind the Service is ready")),
            remedy: lang.say(&words!(
                "See why with `kubectl describe pod` and the pods' logs."
            )),
        },
    }
}

/// A fixed destination.
pub(super) fn destination(lang: Lang, destination: &Destination, rank: usize) -> Node {
    let text = destination.to_string();
    node(lang, NodeKind::Destination, &text, rank)
        .told(&words!("as seen from the SSH host"))
        .fact(&NodeKind::Destination.words(), &text)
        .copied(text)
}

/// Wherever each client of a SOCKS listener asks to go.
pub(super) fn anywhere(lang: Lang, rank: usize) -> Node {
    node(
        lang,
        NodeKind::Destination,
        lang.say(&words!("anywhere")),
        rank,
    )
    .told(&words!("where each SOCKS client asks to go"))
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

fn broken_by(lang: Lang, finding: &Finding) -> Status {
    Status::Broken {
        reason: printable(&lang.say(&finding.message)).into_owned(),
        remedy: printable(&lang.say(&finding.hint)).into_owned(),
    }
}
