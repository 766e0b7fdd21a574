//! The view, driven by what a real API server answered (`tests/fixtures/cluster`).

use std::fmt::Write as _;
use std::fs;

use kube::core::WatchEvent;
use serde::Deserialize;

use crate::model::{
    LbService, PodEndpoint, Protocol, Route, ServiceKey, ServicePhase, ServiceType, Vantage,
    choose_route,
};

use super::records::{EndpointSlice, Interner, Object, Page, Pod, Service};
use super::update::Update;
use super::view::View;

pub(super) fn fixture(name: &str) -> String {
    let path = format!(
        "{}/tests/fixtures/cluster/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn list<T: Object>(name: &str) -> Update<T::Kept> {
    let page: Page<T> = serde_json::from_str(&fixture(name)).unwrap();
    assert!(!page.metadata.resource_version.is_empty());
    let mut names = Interner::default();
    Update::Replaced(
        page.items
            .into_iter()
            .filter_map(|item| Some((item.key(), item.keep(&mut names)?)))
            .collect(),
    )
}

/// A recorded watch as (milliseconds, update).
pub(super) fn watch<T: Object>(name: &str) -> Vec<(u64, Update<T::Kept>)> {
    let times = fixture(&format!("watch/{name}.times"));
    let events = fixture(&format!("watch/{name}.ndjson"));
    let mut names = Interner::default();
    times
        .lines()
        .zip(events.lines())
        .filter_map(|(time, line)| {
            let update = match serde_json::from_str::<WatchEvent<T>>(line).unwrap() {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    let key = object.key();
                    match object.keep(&mut names) {
                        Some(kept) => Update::Applied(key, kept),
                        None => Update::Deleted(key),
                    }
                }
                WatchEvent::Deleted(object) => Update::Deleted(object.key()),
                WatchEvent::Bookmark(_) => return None,
                WatchEvent::Error(status) => panic!("{status:?}"),
            };
            Some((time.parse().unwrap(), update))
        })
        .collect()
}

fn recorded_cluster() -> View {
    let mut view = View::default();
    view.update_pods(list::<Pod>("lists/pods.json"));
    view.update_slices(list::<EndpointSlice>("lists/endpointslices.json"));
    view.update_services(list::<Service>("lists/services.json"));
    assert!(view.refresh());
    view
}

/// A service in one line: everything that the tables below look at.
pub(super) fn line(service: &LbService) -> String {
    let mut text = service.key.to_string();
    if service.key.namespace.as_str() == "lab" {
        let ports: Vec<_> = service
            .ports
            .iter()
            .map(|port| port.number.to_string())
            .collect();
        write!(text, ":{}", ports.join(",")).unwrap();
    }
    write!(text, " {}", service.phase.as_str()).unwrap();
    for ip in &service.load_balancer_ips {
        write!(text, " {ip}").unwrap();
    }
    for name in &service.hostnames {
        write!(text, " {name}").unwrap();
    }
    let ready = service.pods.iter().filter(|pod| pod.ready).count();
    write!(text, " {ready}/{}", service.pods.len()).unwrap();
    write!(text, " pool={}", service.pool.as_deref().unwrap_or("-")).unwrap();
    for finding in &service.findings {
        write!(text, " !{}", finding.code).unwrap();
    }
    text
}

/// The services of which this is so.
fn lines(view: &View, which: impl Fn(&LbService) -> bool) -> Vec<String> {
    let services = view.services();
    let wanted = services.values().filter(|service| which(service));
    wanted.map(|service| line(service)).collect()
}

#[test]
fn services_of_other_types_are_kept_with_what_leads_to_them() {
    let view = recorded_cluster();
    let others = lines(&view, |service| !service.is_load_balancer());
    assert_eq!(
        others,
        [
            "default/kubernetes assigned 1/1 pool=-",
            "ingress-nginx/ingress-nginx-controller-admission assigned 2/2 pool=-",
            "monitoring/node-exporter assigned 2/2 pool=-",
            "monitoring/prometheus assigned 1/1 pool=-",
            "shop/api-internal assigned 4/4 pool=-",
            "shop/backoffice assigned 2/2 pool=-",
            "shop/cache assigned 2/2 pool=-",
            "shop/db assigned 3/3 pool=-",
            "shop/mail assigned smtp.example.com 0/0 pool=-",
        ]
    );
    let kind = |name: &str| service(&view, name).service_type;
    assert_eq!(kind("shop/mail"), ServiceType::ExternalName);
    let (node_port, internal) = (
        service(&view, "shop/backoffice"),
        service(&view, "shop/cache"),
    );
    assert_eq!(node_port.service_type, ServiceType::NodePort);
    assert_eq!(node_port.ports[0].node_port, Some(32080));
    assert_eq!(internal.service_type, ServiceType::ClusterIp);
    assert!(service(&view, "shop/db").is_headless() && !internal.is_headless());
    let admission = service(&view, "ingress-nginx/ingress-nginx-controller-admission");
    assert_eq!(admission.ports[0].app_protocol.as_deref(), Some("https"));
    let chosen = choose_route(&internal, 6379, None, Vantage::UNKNOWN).unwrap();
    assert_eq!(chosen.route, Route::ClusterIp);
}

#[test]
fn every_recorded_service_is_understood() {
    let lines = lines(&recorded_cluster(), LbService::is_load_balancer);
    assert_eq!(
        lines,
        [
            "default/ui assigned 10.0.0.241 3/3 pool=first-pool",
            "ingress-nginx/ingress-nginx-controller assigned 10.0.0.240 2/2 pool=first-pool !local-policy",
            "monitoring/grafana assigned 10.0.8.100 1/1 pool=monitoring-pool !local-policy",
            "shop/api assigned 10.0.0.245 2/2 pool=first-pool",
            "shop/api-grpc assigned 10.0.0.245 2/2 pool=first-pool",
            "shop/cloud-hostname assigned k8s-shop-cloudhos-0123456789.elb.eu-west-1.amazonaws.com 2/2 pool=-",
            "shop/dns assigned 10.0.0.243 2/2 pool=first-pool !udp-not-tunnellable",
            "shop/dual-stack assigned 10.0.6.0 fd00:10:6:: 4/4 pool=dual-pool",
            "shop/edge-bgp assigned 203.0.113.64 2/2 pool=edge-pool",
            "shop/external-ips assigned 10.0.7.2 2/2 pool=manual-pool",
            "shop/ip-in-use pending 2/2 pool=- !pending",
            "shop/legacy-gateway assigned 10.0.0.248 2/3 pool=first-pool",
            "shop/many-ports assigned 10.0.7.3 2/2 pool=manual-pool",
            "shop/mixed assigned 10.0.0.247 3/4 pool=first-pool",
            "shop/no-endpoints assigned 10.0.0.244 0/0 pool=first-pool !no-ready-endpoints",
            "shop/no-nodeports assigned 10.0.7.1 2/2 pool=manual-pool",
            "shop/no-such-pool pending 2/2 pool=- !pending",
            "shop/other-class pending 2/2 pool=- !other-class",
            "shop/payments assigned 10.0.0.250 1/1 pool=first-pool",
            "shop/pool-exhausted pending 2/2 pool=- !pending",
            "shop/pool-one assigned 10.0.5.10 2/2 pool=tiny-pool",
            "shop/pool-two assigned 10.0.5.11 2/2 pool=tiny-pool !deprecated-annotation",
            "shop/storefront assigned 10.0.0.242 3/3 pool=first-pool",
            "shop/terminating terminating 10.0.7.4 2/2 pool=manual-pool",
            "shop/unready assigned 10.0.0.246 0/2 pool=first-pool !no-ready-endpoints",
            "shop/v6-only assigned fd00:10:6::1 2/2 pool=dual-pool",
            "shop/v6-only-pending pending 2/2 pool=- !pending",
            "shop/wrong-ip pending 2/2 pool=- !pending",
        ]
    );
}

pub(super) fn service(view: &View, name: &str) -> LbService {
    let key: ServiceKey = name.parse().unwrap();
    (**view.services().get(&key).unwrap()).clone()
}

/// The pods' `ip:port` behind the service port of this name.
fn behind(pods: &[PodEndpoint], port: &str) -> Vec<String> {
    let number = |pod: &PodEndpoint| pod.ports.iter().find(|(name, _)| name == port).map(|p| p.1);
    pods.iter()
        .map(|pod| format!("{}:{} {}", pod.ip, number(pod).unwrap(), pod.ready))
        .collect()
}

#[test]
fn ports_are_read_in_all_their_forms() {
    let view = recorded_cluster();
    let ui = service(&view, "default/ui");
    assert_eq!(ui.ports.len(), 1);
    assert_eq!(ui.ports[0].name, "");
    assert_eq!(
        (ui.ports[0].number, ui.ports[0].node_port),
        (80, Some(31126))
    );
    assert_eq!(ui.ports[0].target_port, "8080");

    let dns = service(&view, "shop/dns");
    let protocols: Vec<_> = dns
        .ports
        .iter()
        .map(|port| (port.number, port.protocol))
        .collect();
    assert_eq!(
        protocols,
        [
            (53, Protocol::Udp),
            (53, Protocol::Tcp),
            (9153, Protocol::Tcp)
        ]
    );
    assert_eq!(service(&view, "shop/many-ports").ports.len(), 30);
    assert_eq!(service(&view, "shop/no-nodeports").ports[0].node_port, None);
    assert_eq!(
        service(&view, "ingress-nginx/ingress-nginx-controller").ports[1].target_port,
        "https"
    );
}

#[test]
fn a_named_port_may_have_another_number_in_each_pod() {
    let mixed = service(&recorded_cluster(), "shop/mixed");
    assert_eq!(
        behind(&mixed.pods, "web"),
        [
            "10.244.1.10:8081 false",
            "10.244.2.16:8082 true",
            "10.244.1.13:8080 true",
            "10.244.2.15:8080 true",
        ]
    );
}

#[test]
fn endpoints_without_pods_are_named_by_their_address_and_not_said_is_ready() {
    let gateway = service(&recorded_cluster(), "shop/legacy-gateway");
    let seen: Vec<_> = gateway
        .pods
        .iter()
        .map(|pod| (&*pod.name, pod.ready))
        .collect();
    assert_eq!(
        seen,
        [
            ("10.0.0.60", true),
            ("10.0.0.61", false),
            ("10.0.0.62", true)
        ]
    );
    assert!(gateway.pods.iter().all(|pod| pod.node.is_none()));
}

#[test]
fn dual_stack_pods_have_an_endpoint_of_each_family() {
    let dual = service(&recorded_cluster(), "shop/dual-stack");
    assert_eq!(dual.cluster_ips.len(), 2);
    let names: std::collections::BTreeSet<_> = dual.pods.iter().map(|pod| &pod.name).collect();
    assert_eq!((names.len(), dual.pods.len()), (2, 4));
    assert_eq!(dual.pods.iter().filter(|pod| pod.ip.is_ipv6()).count(), 2);
    assert!(dual.pods.iter().all(|pod| pod.node.is_some()));
}

#[test]
fn findings_say_what_was_seen() {
    let view = recorded_cluster();
    for (name, expected) in [
        ("shop/unready", "2 unready: 2 Running"),
        ("shop/no-endpoints", "no pod stands behind it"),
        ("shop/other-class", "Its loadBalancerClass is"),
        ("shop/wrong-ip", "It asks for the address "),
        ("shop/no-such-pool", "It asks for the pool "),
        ("shop/pool-exhausted", "It asks for the pool 'tiny-pool'"),
        (
            "monitoring/grafana",
            "nodes that run a ready pod of it (k8s-worker-",
        ),
        ("shop/dns", "53/UDP cannot be tunnelled"),
    ] {
        let service = service(&view, name);
        let messages: Vec<_> = service
            .findings
            .iter()
            .map(|f| f.message.to_string())
            .collect();
        assert!(
            messages.iter().any(|text| text.contains(expected)),
            "{name}: {messages:?}"
        );
        assert!(
            service
                .findings
                .iter()
                .all(|finding| !finding.hint.is_empty())
        );
    }
}

#[test]
fn what_is_not_allowed_to_be_seen_is_not_called_absent() {
    let mut view = View::default();
    view.update_services(list::<Service>("lists/services.json"));
    view.refresh();
    let codes = |view: &View| -> Vec<&str> {
        service(view, "shop/no-endpoints")
            .findings
            .iter()
            .map(|f| f.code)
            .collect()
    };
    assert!(codes(&view).is_empty());
    view.update_slices(list::<EndpointSlice>("lists/endpointslices.json"));
    view.refresh();
    assert_eq!(codes(&view), ["no-ready-endpoints"]);
    // Without pods the states behind the count are unknown, and the count is still told.
    let unready = service(&view, "shop/unready");
    assert!(
        unready.findings[0]
            .message
            .to_string()
            .contains("(2 unready)"),
        "{unready:?}"
    );
}

#[test]
fn a_list_that_is_swapped_in_changes_only_what_differs() {
    let mut view = recorded_cluster();
    let before = view.services();
    view.update_services(list::<Service>("lists/services.json"));
    view.update_slices(list::<EndpointSlice>("lists/endpointslices.json"));
    view.update_pods(list::<Pod>("lists/pods.json"));
    assert!(!view.refresh(), "nothing has changed");
    assert!(before.ptr_eq(&view.services()));

    let Update::Replaced(mut all) = list::<Service>("lists/services.json") else {
        unreachable!("lists replace");
    };
    all.retain(|(key, _)| &*key.name != "ui");
    view.update_services(Update::Replaced(all));
    assert!(view.refresh());
    assert_eq!(view.services().len(), before.len() - 1);
    let same = |key: &ServiceKey| std::sync::Arc::ptr_eq(&before[key], &view.services()[key]);
    assert!(
        view.services().keys().all(same),
        "the others are not made anew"
    );
}

/// One event of any of the three recorded watches.
#[expect(clippy::large_enum_variant, reason = "there are a few dozen of them")]
enum Step {
    Service(Update<<Service as Object>::Kept>),
    Slice(Update<<EndpointSlice as Object>::Kept>),
    Pod(Update<<Pod as Object>::Kept>),
}

fn recorded_steps() -> Vec<(u64, Step)> {
    let services = watch::<Service>("services")
        .into_iter()
        .map(|(at, update)| (at, Step::Service(update)));
    let slices = watch::<EndpointSlice>("endpointslices")
        .into_iter()
        .map(|(at, update)| (at, Step::Slice(update)));
    let pods = watch::<Pod>("pods")
        .into_iter()
        .map(|(at, update)| (at, Step::Pod(update)));
    let mut all: Vec<_> = services.chain(slices).chain(pods).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

#[derive(Deserialize)]
pub(super) struct Done {
    pub(super) ms: u64,
    pub(super) step: String,
}

#[test]
fn the_recorded_changes_are_followed_step_by_step() {
    let done: Vec<Done> = serde_json::from_str(&fixture("watch/steps.json")).unwrap();
    let mut view = recorded_cluster();
    let cluster_before = view.services();
    let mut steps = recorded_steps().into_iter().peekable();
    let mut told = Vec::new();
    for (index, step) in done.iter().enumerate() {
        let until = done.get(index + 1).map_or(u64::MAX, |next| next.ms);
        while let Some((_, update)) = steps.next_if(|(at, _)| *at < until) {
            match update {
                Step::Service(update) => view.update_services(update),
                Step::Slice(update) => view.update_slices(update),
                Step::Pod(update) => view.update_pods(update),
            }
            view.refresh();
        }
        let lab: Vec<String> = view
            .services()
            .values()
            .filter(|service| service.key.namespace.as_str() == "lab" && service.is_load_balancer())
            .map(|service| line(service))
            .collect();
        told.push(format!("{}: {}", step.step, lab.join("; ")));
    }
    assert_eq!(
        told,
        [
            "create namespace lab: ",
            "create service web before it has pods: lab/web:80 assigned 10.0.0.249 0/0 pool=first-pool !no-ready-endpoints",
            "create deployment web, 2 replicas: lab/web:80 assigned 10.0.0.249 2/2 pool=first-pool",
            "service port 80 becomes 8080: lab/web:8080 assigned 10.0.0.249 2/2 pool=first-pool",
            "a second port, with a named target that no pod has: lab/web:8080,9102 assigned 10.0.0.249 2/2 pool=first-pool",
            "scale to 4: lab/web:8080,9102 assigned 10.0.0.249 4/4 pool=first-pool",
            "one pod stops being ready: lab/web:8080,9102 assigned 10.0.0.249 3/4 pool=first-pool",
            "it is ready again: lab/web:8080,9102 assigned 10.0.0.249 4/4 pool=first-pool",
            "a pod is deleted and replaced (terminating endpoint): lab/web:8080,9102 assigned 10.0.0.249 4/4 pool=first-pool",
            "rollout: new image: lab/web:8080,9102 assigned 10.0.0.249 4/4 pool=first-pool",
            "scale to 0: lab/web:8080,9102 assigned 10.0.0.249 0/0 pool=first-pool !no-ready-endpoints",
            "scale to 1: lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool",
            "ask for another address (metallb.io/loadBalancerIPs): lab/web:8080,9102 assigned 10.0.7.77 1/1 pool=manual-pool",
            "ask for an address outside every pool: lab/web:8080,9102 pending 1/1 pool=- !pending",
            "drop the request: lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool",
            "LoadBalancer becomes ClusterIP: ",
            "and LoadBalancer again, externalTrafficPolicy Local: lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "new pool of one address: lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "service one asks for lab-pool: lab/one:80 assigned 10.0.9.9 1/1 pool=lab-pool; lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "service two asks for lab-pool: lab/one:80 assigned 10.0.9.9 1/1 pool=lab-pool; lab/two:80 pending 1/1 pool=- !pending; lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "delete service one: two gets its address: lab/two:80 assigned 10.0.9.9 1/1 pool=lab-pool; lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "delete the pool while it is used: lab/two:80 pending 1/1 pool=- !pending; lab/web:8080,9102 assigned 10.0.0.249 1/1 pool=first-pool !local-policy",
            "delete service web: lab/two:80 pending 1/1 pool=- !pending",
            "delete namespace lab: lab/two:80 pending 0/1 pool=- !pending",
            "end of changes: ",
        ]
    );
    assert_eq!(
        view.services(),
        cluster_before,
        "the rest of the cluster stood still"
    );
    assert_eq!(service(&view, "default/ui").phase, ServicePhase::Assigned);
}
