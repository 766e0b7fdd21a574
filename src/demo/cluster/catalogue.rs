//! The demo cluster written down as tables: nodes, namespaces, workloads and services. Nothing in here moves.

/// A machine of the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) struct Node {
    /// Its name.
    pub name: &'static str,
    /// Its place in addresses: 10.0.0.10N, pods in 10.244.N.0/24.
    pub index: u8,
    /// Its ExternalIP.
    pub external_ip: &'static str,
    /// Its zone.
    pub zone: &'static str,
    /// Whether it is the control plane, which carries no load balancer traffic.
    pub control_plane: bool,
}

/// The nodes.
pub(in crate::demo) static NODES: [Node; 3] = [
    Node {
        name: "k8s-cp-1",
        index: 0,
        external_ip: "203.0.113.10",
        zone: "rack-1",
        control_plane: true,
    },
    Node {
        name: "k8s-worker-1",
        index: 1,
        external_ip: "203.0.113.11",
        zone: "rack-1",
        control_plane: false,
    },
    Node {
        name: "k8s-worker-2",
        index: 2,
        external_ip: "203.0.113.12",
        zone: "rack-2",
        control_plane: false,
    },
];

/// The namespaces, with a label where they have one.
pub(in crate::demo) const NAMESPACES: &[(&str, Option<(&str, &str)>)] = &[
    ("default", None),
    ("ingress-nginx", None),
    ("kube-system", None),
    ("lab", None),
    ("metallb-system", None),
    ("monitoring", Some(("team", "platform"))),
    ("shop", Some(("team", "shop"))),
];

/// What listens behind a container's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum App {
    /// HTTP with the demo's page.
    Http,
    /// The same over TLS.
    Https,
    /// Every byte comes back.
    Echo,
    /// Nothing: a connection is refused.
    Closed,
}

/// What all pods of a workload are like at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Health {
    /// Running and ready.
    Ready,
    /// Running, but its readiness probe fails.
    Unready,
    /// Its container dies again and again.
    Crashing,
    /// Its image is still being pulled.
    Pulling,
    /// No node has room for it.
    Unschedulable,
    /// It ran to its end.
    Completed,
}

/// A port of a container.
#[derive(Debug)]
pub(in crate::demo) struct ContainerPort {
    /// Its name; may be empty.
    pub name: &'static str,
    /// Its number.
    pub number: u16,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// What listens there.
    pub app: App,
}

const fn listens(name: &'static str, number: u16, app: App) -> ContainerPort {
    ContainerPort {
        name,
        number,
        protocol: "TCP",
        app,
    }
}

/// Pods that are made after one pattern, as a Deployment makes them.
#[derive(Debug)]
pub(in crate::demo) struct Workload {
    /// Namespace.
    pub namespace: &'static str,
    /// Its name, which is its `app` label too.
    pub name: &'static str,
    /// `Deployment`'s hash in the names of pods.
    pub hash: &'static str,
    /// The indexes of the nodes its pods run on.
    pub nodes: &'static [u8],
    /// What its containers listen on.
    pub ports: &'static [ContainerPort],
    /// How its pods are.
    pub health: Health,
}

const fn workload(
    namespace: &'static str,
    name: &'static str,
    hash: &'static str,
    nodes: &'static [u8],
    ports: &'static [ContainerPort],
    health: Health,
) -> Workload {
    Workload {
        namespace,
        name,
        hash,
        nodes,
        ports,
        health,
    }
}

const WEB: &[ContainerPort] = &[listens("http", 8080, App::Http)];

/// The workloads.
#[rustfmt::skip]
pub(in crate::demo) static WORKLOADS: &[Workload] = &[
    workload("default", "ui", "7db9cd898d", &[1, 2, 2], &[listens("", 8080, App::Http)], Health::Ready),
    workload("ingress-nginx", "ingress-nginx", "6c8d5f79b4", &[1, 2],
        &[listens("http", 8080, App::Http), listens("https", 8443, App::Https)], Health::Ready),
    workload("shop", "storefront", "5bdf7c6f9c", &[1, 2, 1, 2],
        &[listens("http", 8080, App::Http), listens("admin", 9000, App::Http), listens("metrics", 9102, App::Http)],
        Health::Ready),
    workload("shop", "dns", "58c9d4b6f7", &[1, 2],
        &[ContainerPort { name: "dns", number: 5353, protocol: "UDP", app: App::Closed },
          listens("dns-tcp", 5353, App::Echo), listens("metrics", 9153, App::Http)], Health::Ready),
    workload("shop", "api", "66b9c8f5d4", &[1, 2, 2],
        &[listens("http", 8080, App::Http), listens("grpc", 50051, App::Echo)], Health::Ready),
    workload("shop", "payments", "79f8b6c5dd", &[2, 1], &[listens("https", 9443, App::Https)], Health::Ready),
    workload("shop", "unready", "84d6f5b9c7", &[1, 2], WEB, Health::Unready),
    workload("shop", "dual", "6b49d76567", &[1, 2], WEB, Health::Ready),
    workload("shop", "edge", "7c5b9f8d66", &[1, 2], WEB, Health::Ready),
    workload("shop", "sale", "68d7b9c4f5", &[2, 1], WEB, Health::Ready),
    workload("shop", "cache", "5f6c9d8b74", &[2], &[listens("redis", 6379, App::Echo)], Health::Ready),
    workload("shop", "db", "59b8c7d6f4", &[1], &[listens("pg", 5432, App::Echo)], Health::Ready),
    workload("shop", "crashing", "86f66cc6bc", &[2], WEB, Health::Crashing),
    workload("shop", "pulling", "6667f584d5", &[2], WEB, Health::Pulling),
    workload("shop", "toobig", "6bbb64db69", &[2], WEB, Health::Unschedulable),
    workload("shop", "migrate", "7f9d5c8b66", &[2], &[], Health::Completed),
    workload("lab", "echo", "6d8f9b7c55", &[1, 2], &[listens("echo", 7007, App::Echo)], Health::Ready),
    workload("lab", "guide", "74c6d9f8b5", &[2, 1], WEB, Health::Ready),
    workload("lab", "typo", "5c9f8d7b64", &[1], WEB, Health::Ready),
    workload("monitoring", "grafana", "7b8d9c6f54", &[2], &[listens("http", 3000, App::Http)], Health::Ready),
    workload("monitoring", "prometheus", "6f9c8b7d54", &[1], &[listens("web", 9090, App::Http)], Health::Ready),
    workload("monitoring", "node-exporter", "", &[0, 1, 2], &[listens("metrics", 9100, App::Http)], Health::Ready),
    workload("kube-system", "kube-dns", "668d6bf9bc", &[1, 2],
        &[listens("dns-tcp", 53, App::Echo), listens("metrics", 9153, App::Http)], Health::Ready),
    workload("kube-system", "kube-proxy", "", &[0, 1, 2], &[listens("metrics", 10249, App::Closed)], Health::Ready),
    workload("metallb-system", "controller", "745dc7d46f", &[1],
        &[listens("monitoring", 7472, App::Closed), listens("webhook", 9443, App::Closed)], Health::Ready),
    workload("metallb-system", "speaker", "", &[0, 1, 2], &[listens("monitoring", 7472, App::Closed)], Health::Ready),
];

/// `spec.type`, with what only that type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Type {
    /// ClusterIP.
    ClusterIp,
    /// ClusterIP with `clusterIP: None`.
    Headless,
    /// NodePort.
    NodePort,
    /// `ExternalName` and the name.
    ExternalName(&'static str),
    /// LoadBalancer.
    LoadBalancer(Vip),
}

/// How a LoadBalancer service stands with MetalLB at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Vip {
    /// It has addresses from a pool.
    From(&'static str, &'static [&'static str]),
    /// MetalLB gives none, and says why.
    Refused(&'static str),
    /// MetalLB leaves it alone.
    Ignored,
}

/// A port of a Service.
#[derive(Debug)]
pub(in crate::demo) struct PortSpec {
    /// Its name; empty for none.
    pub name: &'static str,
    /// `port`.
    pub number: u16,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// `targetPort`: a number, or the name of a container's port.
    pub target: &'static str,
    /// `nodePort`; 0 for none.
    pub node_port: u16,
}

pub(super) const fn port(
    name: &'static str,
    number: u16,
    target: &'static str,
    node_port: u16,
) -> PortSpec {
    PortSpec {
        name,
        number,
        protocol: "TCP",
        target,
        node_port,
    }
}

/// A Service.
#[derive(Debug)]
pub(in crate::demo) struct ServiceSpec {
    /// Namespace.
    pub namespace: &'static str,
    /// Name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// `clusterIPs`.
    pub cluster_ips: &'static [&'static str],
    /// The workload it selects; empty for none.
    pub app: &'static str,
    /// Its ports.
    pub ports: &'static [PortSpec],
    /// Annotations.
    pub annotations: &'static [(&'static str, &'static str)],
    /// Further fields of its spec.
    pub extra: &'static [(&'static str, Extra)],
    /// Whether it is being deleted and held by a finalizer.
    pub terminating: bool,
}

/// The value of a further field of a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Extra {
    /// A text.
    Text(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// A number.
    Number(u16),
    /// A truth value.
    Flag(bool),
}

/// What most services are like.
pub(super) const PLAIN: ServiceSpec = ServiceSpec {
    namespace: "shop",
    name: "",
    kind: Type::ClusterIp,
    cluster_ips: &[],
    app: "",
    ports: &[],
    annotations: &[],
    extra: &[],
    terminating: false,
};

pub(super) const fn given(pool: &'static str, addresses: &'static [&'static str]) -> Type {
    Type::LoadBalancer(Vip::From(pool, addresses))
}

pub(super) const fn refused(reason: &'static str) -> Type {
    Type::LoadBalancer(Vip::Refused(reason))
}

pub(super) const LOCAL: (&str, Extra) = ("externalTrafficPolicy", Extra::Text("Local"));
pub(super) const SHARED: &[(&str, &str)] = &[
    ("metallb.io/allow-shared-ip", "shop-api"),
    ("metallb.io/loadBalancerIPs", "10.0.0.245"),
];
pub(super) const POOL: &str = "metallb.io/address-pool";

/// Why a service of the used-up pool has to wait.
pub(in crate::demo) const TINY_POOL_EXHAUSTED: &str = "no available IPs in pool tiny-pool";

/// The workload of `app` in `namespace`.
pub(in crate::demo) fn workload_of(namespace: &str, app: &str) -> Option<&'static Workload> {
    WORKLOADS
        .iter()
        .find(|workload| workload.namespace == namespace && workload.name == app)
}
