//! The table of services: each row shows one thing that Adit has to cope with.

use super::catalogue::{
    Extra, LOCAL, PLAIN, POOL, PortSpec, SHARED, ServiceSpec, TINY_POOL_EXHAUSTED, Type, Vip,
    given, port, refused,
};

/// The services, in the order of the README of a cluster tour: what works first.
#[rustfmt::skip]
pub(in crate::demo) static SERVICES: &[ServiceSpec] = &[
    ServiceSpec {
        namespace: "default", name: "kubernetes", cluster_ips: &["10.96.0.1"],
        ports: &[port("https", 443, "6443", 0)], ..PLAIN
    },
    ServiceSpec {
        namespace: "default", name: "ui", app: "ui", kind: given("first-pool", &["10.0.0.241"]),
        cluster_ips: &["10.101.165.62"], ports: &[port("", 80, "8080", 31126)], ..PLAIN
    },
    ServiceSpec {
        namespace: "ingress-nginx", name: "ingress-nginx-controller", app: "ingress-nginx",
        kind: given("first-pool", &["10.0.0.240"]), cluster_ips: &["10.106.81.145"],
        ports: &[port("http", 80, "http", 31171), port("https", 443, "https", 31482)],
        extra: &[LOCAL, ("healthCheckNodePort", Extra::Number(30881))], ..PLAIN
    },
    ServiceSpec {
        name: "storefront", app: "storefront", kind: given("first-pool", &["10.0.0.242"]),
        cluster_ips: &["10.103.20.17"],
        ports: &[port("http", 80, "http", 30080), port("admin", 9000, "admin", 30443),
            port("metrics", 9102, "9102", 31902)], ..PLAIN
    },
    ServiceSpec {
        name: "dns", app: "dns", kind: given("first-pool", &["10.0.0.243"]), cluster_ips: &["10.98.31.240"],
        ports: &[PortSpec { protocol: "UDP", ..port("dns", 53, "dns", 32104) }, port("dns-tcp", 53, "dns-tcp", 32104),
            port("metrics", 9153, "metrics", 31923)], ..PLAIN
    },
    ServiceSpec {
        name: "no-endpoints", app: "nothing-matches", kind: given("first-pool", &["10.0.0.244"]),
        cluster_ips: &["10.106.131.142"], ports: &[port("", 80, "8080", 30171)], ..PLAIN
    },
    ServiceSpec {
        name: "api", app: "api", kind: given("first-pool", &["10.0.0.245"]), cluster_ips: &["10.111.27.222"],
        ports: &[port("http", 80, "http", 30719)], annotations: SHARED, ..PLAIN
    },
    ServiceSpec {
        name: "api-grpc", app: "api", kind: given("first-pool", &["10.0.0.245"]), cluster_ips: &["10.110.117.115"],
        ports: &[port("grpc", 50051, "grpc", 32346)], annotations: SHARED, ..PLAIN
    },
    ServiceSpec {
        name: "unready", app: "unready", kind: given("first-pool", &["10.0.0.246"]), cluster_ips: &["10.110.148.129"],
        ports: &[port("", 80, "8080", 31382)], ..PLAIN
    },
    ServiceSpec {
        namespace: "lab", name: "echo", app: "echo", kind: given("first-pool", &["10.0.0.247"]),
        cluster_ips: &["10.104.61.7"], ports: &[port("echo", 7, "echo", 30007)], ..PLAIN
    },
    ServiceSpec {
        namespace: "lab", name: "guide", app: "guide", kind: given("first-pool", &["10.0.0.248"]),
        cluster_ips: &["10.102.44.90"], ports: &[port("http", 80, "http", 30148)],
        annotations: &[("example.com/description", "고객 안내판 서비스"), ("example.com/owner", "플랫폼팀")], ..PLAIN
    },
    // Its targetPort is one on which nobody listens.
    ServiceSpec {
        namespace: "lab", name: "typo", app: "typo", kind: given("first-pool", &["10.0.0.249"]),
        cluster_ips: &["10.97.12.31"], ports: &[port("http", 80, "8008", 30149)], ..PLAIN
    },
    ServiceSpec {
        name: "payments", app: "payments", kind: given("first-pool", &["10.0.0.250"]), cluster_ips: &["10.110.54.19"],
        ports: &[port("https", 443, "9443", 30369)],
        extra: &[("loadBalancerIP", Extra::Text("10.0.0.250"))], ..PLAIN
    },
    ServiceSpec {
        namespace: "monitoring", name: "grafana", app: "grafana", kind: given("monitoring-pool", &["10.0.8.100"]),
        cluster_ips: &["10.99.164.104"], ports: &[port("service", 80, "http", 32397)],
        extra: &[LOCAL, ("healthCheckNodePort", Extra::Number(30353))], ..PLAIN
    },
    ServiceSpec {
        name: "dual-stack", app: "dual", kind: given("dual-pool", &["10.0.6.0", "fd00:10:6::"]),
        cluster_ips: &["10.105.208.13", "fd00:10:96::43df"], ports: &[port("http", 80, "http", 32524)],
        annotations: &[(POOL, "dual-pool")], extra: &[("ipFamilyPolicy", Extra::Text("RequireDualStack"))], ..PLAIN
    },
    ServiceSpec {
        name: "edge-bgp", app: "edge", kind: given("edge-pool", &["203.0.113.64"]), cluster_ips: &["10.104.142.92"],
        ports: &[port("http", 80, "8080", 30307)], annotations: &[(POOL, "edge-pool")],
        extra: &[("loadBalancerSourceRanges", Extra::List(&["198.51.100.0/24"]))], ..PLAIN
    },
    ServiceSpec {
        name: "no-nodeports", app: "cache", kind: given("manual-pool", &["10.0.7.1"]), cluster_ips: &["10.110.208.156"],
        ports: &[port("", 6379, "6379", 0)], annotations: &[(POOL, "manual-pool")],
        extra: &[("allocateLoadBalancerNodePorts", Extra::Flag(false))], ..PLAIN
    },
    ServiceSpec {
        name: "terminating", app: "edge", kind: given("manual-pool", &["10.0.7.4"]), cluster_ips: &["10.110.170.118"],
        ports: &[port("", 80, "8080", 31105)], annotations: &[(POOL, "manual-pool")], terminating: true, ..PLAIN
    },
    ServiceSpec {
        name: "pool-one", app: "edge", kind: given("tiny-pool", &["10.0.5.10"]), cluster_ips: &["10.109.172.54"],
        ports: &[port("", 8001, "8080", 30796)], annotations: &[(POOL, "tiny-pool")], ..PLAIN
    },
    // These two take turns at the last address of the tiny pool.
    ServiceSpec {
        name: "spring-sale", app: "sale", kind: given("tiny-pool", &["10.0.5.11"]), cluster_ips: &["10.103.108.185"],
        ports: &[port("http", 80, "http", 31321)],
        annotations: &[("metallb.universe.tf/address-pool", "tiny-pool")], ..PLAIN
    },
    ServiceSpec {
        name: "summer-sale", app: "sale", kind: refused(TINY_POOL_EXHAUSTED), cluster_ips: &["10.103.117.147"],
        ports: &[port("http", 80, "http", 30275)], annotations: &[(POOL, "tiny-pool")], ..PLAIN
    },
    ServiceSpec {
        name: "wrong-ip", app: "edge", kind: refused(r#"["192.0.2.50"] is not allowed in config"#),
        cluster_ips: &["10.100.1.179"], ports: &[port("", 80, "8080", 31637)],
        annotations: &[("metallb.io/loadBalancerIPs", "192.0.2.50")], ..PLAIN
    },
    ServiceSpec {
        name: "no-such-pool", app: "edge", kind: refused(r#"unknown pool "does-not-exist""#),
        cluster_ips: &["10.108.54.216"], ports: &[port("", 80, "8080", 30929)],
        annotations: &[(POOL, "does-not-exist")], ..PLAIN
    },
    ServiceSpec {
        name: "ip-in-use", app: "edge",
        kind: refused(r#"can't change sharing key for "shop/ip-in-use", address also in use by default/ui"#),
        cluster_ips: &["10.107.9.88"], ports: &[port("", 80, "8080", 30930)],
        annotations: &[("metallb.io/loadBalancerIPs", "10.0.0.241")], ..PLAIN
    },
    ServiceSpec {
        name: "v6-only-pending", app: "dual", kind: refused("no available IPs"), cluster_ips: &["fd00:10:96::14c2"],
        ports: &[port("", 80, "8080", 30403)], ..PLAIN
    },
    ServiceSpec {
        name: "other-class", app: "edge", kind: Type::LoadBalancer(Vip::Ignored), cluster_ips: &["10.106.183.186"],
        ports: &[port("", 80, "8080", 30624)],
        extra: &[("loadBalancerClass", Extra::Text("example.com/other-lb"))], ..PLAIN
    },
    ServiceSpec {
        name: "db", app: "db", kind: Type::Headless, ports: &[port("pg", 5432, "5432", 0)], ..PLAIN
    },
    ServiceSpec {
        name: "api-internal", app: "api", cluster_ips: &["10.102.79.139", "fd00:10:96::f515"],
        ports: &[port("http", 80, "http", 0), port("grpc", 50051, "grpc", 0)],
        extra: &[("ipFamilyPolicy", Extra::Text("PreferDualStack"))], ..PLAIN
    },
    ServiceSpec {
        name: "backoffice", app: "edge", kind: Type::NodePort, cluster_ips: &["10.104.4.245"],
        ports: &[port("", 80, "8080", 32080)], ..PLAIN
    },
    ServiceSpec { name: "mail", kind: Type::ExternalName("smtp.example.com"), ..PLAIN },
    ServiceSpec {
        namespace: "monitoring", name: "prometheus", app: "prometheus", cluster_ips: &["10.105.164.244"],
        ports: &[port("web", 9090, "web", 0)], ..PLAIN
    },
    ServiceSpec {
        namespace: "monitoring", name: "node-exporter", app: "node-exporter", kind: Type::Headless,
        ports: &[port("metrics", 9100, "metrics", 0)], ..PLAIN
    },
    ServiceSpec {
        namespace: "kube-system", name: "kube-dns", app: "kube-dns", cluster_ips: &["10.96.0.10"],
        ports: &[port("dns-tcp", 53, "dns-tcp", 0), port("metrics", 9153, "metrics", 0)], ..PLAIN
    },
    ServiceSpec {
        namespace: "metallb-system", name: "metallb-webhook-service", app: "controller",
        cluster_ips: &["10.100.9.161"], ports: &[port("", 443, "9443", 0)], ..PLAIN
    },
];
