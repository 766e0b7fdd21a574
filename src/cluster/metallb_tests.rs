//! MetalLB's reasoning over what a real API server answered: every service of the recorded cluster, and every recorded change.

use std::collections::BTreeSet;

use crate::model::{AnnouncementSource, LbService, ServiceKey};

use super::recorded_tests::{Done, fixture, list, service, watch};
use super::records::{
    AdvertisementObject, ConfigurationObject, EndpointSlice, Event, NamespaceObject, Node, Peer,
    Pod, Pool, Service, ServiceStatus,
};
use super::resource::Kind;
use super::update::Seen;
use super::view::View;

/// Every list of the recorded cluster.
fn recorded() -> Vec<(Kind, Seen)> {
    let file = |name: &str| format!("lists/{name}.json");
    vec![
        (Kind::Pods, Seen::Pods(list::<Pod>(&file("pods")))),
        (
            Kind::Slices,
            Seen::Slices(list::<EndpointSlice>(&file("endpointslices"))),
        ),
        (
            Kind::Services,
            Seen::Services(list::<Service>(&file("services"))),
        ),
        (Kind::Nodes, Seen::Nodes(list::<Node>(&file("nodes")))),
        (
            Kind::Namespaces,
            Seen::Namespaces(list::<NamespaceObject>(&file("namespaces"))),
        ),
        (
            Kind::Events,
            Seen::Events(list::<Event>(&file("events-services"))),
        ),
        (
            Kind::Pools,
            Seen::Pools(list::<Pool>(&file("ipaddresspools"))),
        ),
        (
            Kind::L2Advertisements,
            Seen::L2Advertisements(list::<AdvertisementObject>(&file("l2advertisements"))),
        ),
        (
            Kind::BgpAdvertisements,
            Seen::BgpAdvertisements(list::<AdvertisementObject>(&file("bgpadvertisements"))),
        ),
        (
            Kind::BgpPeers,
            Seen::BgpPeers(list::<Peer>(&file("bgppeers-v1beta2"))),
        ),
        (
            Kind::L2Statuses,
            Seen::L2Statuses(list::<ServiceStatus>(&file("servicel2statuses"))),
        ),
        (
            Kind::BgpStatuses,
            Seen::BgpStatuses(list::<ServiceStatus>(&file("servicebgpstatuses"))),
        ),
        (
            Kind::Configurations,
            Seen::Configurations(list::<ConfigurationObject>(&file("configurationstates"))),
        ),
    ]
}

fn served() -> BTreeSet<Kind> {
    Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_custom() && *kind != Kind::BgpSessions)
        .collect()
}

/// The recorded cluster as somebody sees it who may not see `hidden`.
fn cluster_without(hidden: &[Kind]) -> View {
    let mut view = View::default();
    view.found(served());
    for (kind, seen) in recorded() {
        if !hidden.contains(&kind) {
            view.take(seen);
        }
    }
    view.refresh();
    view
}

fn codes(service: &LbService) -> Vec<&'static str> {
    service
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

/// Services with findings, as `name code,code`.
fn found(view: &View) -> Vec<String> {
    view.services()
        .values()
        .filter(|service| !service.findings.is_empty())
        .map(|service| format!("{} {}", service.key, codes(service).join(",")))
        .collect()
}

#[test]
fn every_odd_service_of_the_recorded_cluster_is_explained_and_no_other() {
    assert_eq!(
        found(&cluster_without(&[])),
        [
            "ingress-nginx/ingress-nginx-controller local-policy",
            "monitoring/grafana local-policy",
            "shop/dns udp-not-tunnellable",
            "shop/edge-bgp source-ranges",
            "shop/ip-in-use ip-in-use",
            "shop/no-endpoints no-ready-endpoints",
            "shop/no-such-pool unknown-pool",
            "shop/other-class other-class",
            "shop/pool-exhausted pool-exhausted",
            "shop/pool-two deprecated-annotation",
            "shop/unready no-ready-endpoints",
            "shop/v6-only-pending auto-assign-off",
            "shop/wrong-ip ip-outside-pools",
        ]
    );
}

#[test]
fn the_words_name_the_cause() {
    let view = cluster_without(&[]);
    for (name, parts) in [
        ("shop/ip-in-use", &["10.0.0.241", "default/ui"][..]),
        ("shop/no-such-pool", &["does-not-exist", "first-pool"]),
        (
            "shop/pool-exhausted",
            &[
                "'tiny-pool'",
                "2 addresses",
                "shop/pool-one and shop/pool-two",
            ],
        ),
        (
            "shop/v6-only-pending",
            &[
                "IPv6",
                "dual-pool gives addresses only on request",
                "first-pool has no IPv6 addresses",
            ],
        ),
        (
            "shop/wrong-ip",
            &["192.0.2.50", "first-pool: 10.0.0.240-10.0.0.250"],
        ),
        ("shop/other-class", &["example.com/other-lb"]),
        ("shop/edge-bgp", &["198.51.100.0/24", "k8s-worker-1"]),
    ] {
        let finding = service(&view, name).findings.swap_remove(0);
        for part in parts {
            assert!(
                finding.message.to_string().contains(part),
                "{name}: {finding:?}"
            );
        }
        assert!(!finding.hint.is_empty(), "{name}");
    }
}

#[test]
fn pools_nodes_and_sharers_are_shown() {
    let mut view = cluster_without(&[]);
    let pools = view.pools().unwrap();
    let told: Vec<String> = pools
        .iter()
        .map(|pool| {
            let usage = pool.usage.unwrap();
            let codes: Vec<_> = pool.findings.iter().map(|finding| finding.code).collect();
            format!(
                "{} {}/{} {} {}",
                pool.name,
                usage.assigned.total(),
                usage.free.total(),
                pool.protocols.as_ref().unwrap().join(","),
                codes.join(",")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "dual-pool 3/29 layer2 pool-outside-subnets",
            "edge-pool 1/31 bgp ",
            "first-pool 10/1 layer2 ",
            "manual-pool 4/250 layer2 ",
            "monitoring-pool 1/20 layer2 ",
            "tiny-pool 2/0 layer2 pool-used-up",
        ]
    );
    let again = view.pools().unwrap();
    assert!(
        std::sync::Arc::ptr_eq(&pools, &again),
        "nothing has changed"
    );

    let nodes = view.nodes().unwrap();
    let names: Vec<_> = nodes
        .iter()
        .map(|node| (&*node.name, node.excluded))
        .collect();
    assert_eq!(
        names,
        [
            ("k8s-cp-1", true),
            ("k8s-worker-1", false),
            ("k8s-worker-2", false)
        ]
    );
    assert_eq!(nodes[0].internal_ips[0].to_string(), "10.0.0.100");
    assert_eq!(nodes[0].external_ips[0].to_string(), "203.0.113.10");
    assert!(nodes.iter().all(|node| node.ready == Some(true)));

    let api = service(&view, "shop/api");
    assert_eq!(api.shared_with, [ServiceKey::new("shop", "api-grpc")]);
    assert_eq!(
        service(&view, "shop/edge-bgp").source_ranges,
        ["198.51.100.0/24"]
    );
}

/// Who announces each service with an address that has endpoints, with how that is known.
fn announcers(view: &View, wanted: AnnouncementSource) -> Vec<(String, Vec<String>)> {
    view.services()
        .values()
        .filter(|service| service.pool.is_some())
        .map(|service| {
            let nodes = service.announced_by.as_ref().unwrap();
            assert!(
                nodes.iter().all(|node| node.source == wanted),
                "{}: {nodes:?}",
                service.key
            );
            let told = nodes
                .iter()
                .map(|node| format!("{} {}", node.node, node.protocol));
            (service.key.to_string(), told.collect())
        })
        .collect()
}

#[test]
fn announcing_nodes_are_told_by_statuses_or_events_and_predicted_otherwise() {
    use AnnouncementSource::{Predicted, Status};
    let by_status = announcers(&cluster_without(&[]), Status);
    let told = |name: &str| {
        let found = by_status.iter().find(|(key, _)| key == name);
        found.map(|(_, nodes)| nodes.join(", ")).unwrap()
    };
    assert_eq!(told("default/ui"), "k8s-worker-2 layer2");
    assert_eq!(told("shop/edge-bgp"), "k8s-worker-1 bgp, k8s-worker-2 bgp");
    assert_eq!(told("shop/no-endpoints"), "");

    let hidden = [Kind::L2Statuses, Kind::BgpStatuses, Kind::Events];
    let predicted = announcers(&cluster_without(&hidden), Predicted);
    assert_eq!(predicted, by_status, "the rules are MetalLB's");

    let view = cluster_without(&[Kind::L2Statuses, Kind::BgpStatuses]);
    let ui = service(&view, "default/ui").announced_by.unwrap();
    assert_eq!(ui.len(), 1);
    assert_eq!(
        (ui[0].node.as_str(), ui[0].source),
        ("k8s-worker-2", AnnouncementSource::Event)
    );
}

#[test]
fn what_may_not_be_seen_is_never_called_absent() {
    // Whatever one person may not see, no other cause is made up for it.
    let known: BTreeSet<String> = found(&cluster_without(&[])).into_iter().collect();
    for (kind, _) in recorded() {
        if matches!(kind, Kind::Services | Kind::Pools | Kind::Namespaces) {
            continue;
        }
        let seen: BTreeSet<String> = found(&cluster_without(&[kind])).into_iter().collect();
        assert!(seen.is_subset(&known), "{kind:?}: {:?}", &seen - &known);
    }
    let view = cluster_without(&[Kind::Pools]);
    for name in ["shop/pool-exhausted", "shop/v6-only-pending"] {
        let service = service(&view, name);
        assert_eq!(codes(&service), ["pending"], "{name}");
        let said = service.findings[0].message.to_string();
        assert!(
            said.contains("MetalLB says: Failed to allocate IP"),
            "{said}"
        );
    }
    let nothing: Vec<Kind> = recorded()
        .into_iter()
        .map(|(kind, _)| kind)
        .filter(|kind| *kind != Kind::Services)
        .collect();
    let view = cluster_without(&nothing);
    for service in view.services().values() {
        let allowed = [
            "pending",
            "other-class",
            "deprecated-annotation",
            "udp-not-tunnellable",
        ];
        let codes = codes(service);
        assert!(
            codes.iter().all(|code| allowed.contains(code)),
            "{}: {codes:?}",
            service.key
        );
    }
}

#[test]
fn a_cluster_without_metallb_says_so() {
    let mut view = cluster_without(&[]);
    view.found(BTreeSet::new());
    view.refresh();
    assert_eq!(
        codes(&service(&view, "shop/pool-exhausted")),
        ["metallb-missing"]
    );
    // It is installed: until its pools were listed, nothing is claimed of them.
    view.found(served());
    view.refresh();
    assert_eq!(codes(&service(&view, "shop/pool-exhausted")), ["pending"]);
    for (_, seen) in recorded() {
        view.take(seen);
    }
    view.refresh();
    assert_eq!(found(&view), found(&cluster_without(&[])));
}

#[test]
fn an_invalid_configuration_is_named() {
    let mut view = cluster_without(&[]);
    view.take(Seen::Configurations(list::<ConfigurationObject>(
        "objects/configurationstates.invalid.json",
    )));
    view.take(Seen::Pools(list::<Pool>(
        "objects/ipaddresspools.invalid-overlap.json",
    )));
    view.refresh();
    let pending = service(&view, "shop/pool-exhausted");
    assert_eq!(codes(&pending), ["invalid-config", "pool-exhausted"]);
    assert!(
        pending.findings[0]
            .message
            .to_string()
            .contains("overlaps with already defined CIDR"),
        "{pending:?}"
    );
    let pools = view.pools().unwrap();
    let overlapping: Vec<&str> = pools
        .iter()
        .filter(|pool| {
            pool.findings
                .iter()
                .any(|finding| finding.code == "pool-overlaps-pool")
        })
        .map(|pool| &*pool.name)
        .collect();
    assert_eq!(overlapping, ["first-pool", "overlaps"]);
}

/// One event of any recorded watch.
fn recorded_steps() -> Vec<(u64, Seen)> {
    let mut all: Vec<(u64, Seen)> = Vec::new();
    let mut add = |steps: Vec<(u64, Seen)>| all.extend(steps);
    add(steps(watch::<Service>("services"), Seen::Services));
    add(steps(
        watch::<EndpointSlice>("endpointslices"),
        Seen::Slices,
    ));
    add(steps(watch::<Pod>("pods"), Seen::Pods));
    add(steps(
        watch::<NamespaceObject>("namespaces"),
        Seen::Namespaces,
    ));
    add(steps(watch::<Event>("events-services"), Seen::Events));
    add(steps(
        watch::<AdvertisementObject>("l2advertisements"),
        Seen::L2Advertisements,
    ));
    add(steps(watch::<Pool>("ipaddresspools"), Seen::Pools));
    add(steps(
        watch::<ServiceStatus>("servicel2statuses"),
        Seen::L2Statuses,
    ));
    add(steps(
        watch::<ConfigurationObject>("configurationstates"),
        Seen::Configurations,
    ));
    all.sort_by_key(|(at, _)| *at);
    all
}

fn steps<U>(events: Vec<(u64, U)>, wrap: fn(U) -> Seen) -> Vec<(u64, Seen)> {
    let wrapped = events.into_iter().map(|(at, update)| (at, wrap(update)));
    wrapped.collect()
}

/// The services of the namespace that the recording plays in.
fn lab(view: &View) -> String {
    let told: Vec<String> = view
        .services()
        .values()
        .filter(|service| service.key.namespace.as_str() == "lab" && service.is_load_balancer())
        .map(|service| {
            let ips: Vec<_> = service
                .load_balancer_ips
                .iter()
                .map(ToString::to_string)
                .collect();
            let by: Vec<_> = service
                .announced_by
                .iter()
                .flatten()
                .map(|by| by.node.trim_start_matches("k8s-"))
                .collect();
            let codes = codes(service).join(",");
            format!(
                "{} {} by [{}] {codes}",
                service.key.name,
                ips.join(","),
                by.join(",")
            )
        })
        .collect();
    told.join("; ")
}

#[test]
fn the_recorded_changes_are_explained_step_by_step() {
    let done: Vec<Done> = serde_json::from_str(&fixture("watch/steps.json")).unwrap();
    let mut view = cluster_without(&[]);
    let before = found(&view);
    let mut steps = recorded_steps().into_iter().peekable();
    let mut told = Vec::new();
    for (index, step) in done.iter().enumerate() {
        let until = done.get(index + 1).map_or(u64::MAX, |next| next.ms);
        while let Some((_, seen)) = steps.next_if(|(at, _)| *at < until) {
            view.take(seen);
            view.refresh();
        }
        told.push(format!("{}: {}", step.step, lab(&view)));
    }
    assert_eq!(
        told,
        [
            "create namespace lab: ",
            "create service web before it has pods: web 10.0.0.249 by [] no-ready-endpoints",
            "create deployment web, 2 replicas: web 10.0.0.249 by [worker-2] ",
            "service port 80 becomes 8080: web 10.0.0.249 by [worker-2] ",
            "a second port, with a named target that no pod has: web 10.0.0.249 by [worker-2] ",
            "scale to 4: web 10.0.0.249 by [worker-2] ",
            "one pod stops being ready: web 10.0.0.249 by [worker-2] ",
            "it is ready again: web 10.0.0.249 by [worker-2] ",
            "a pod is deleted and replaced (terminating endpoint): web 10.0.0.249 by [worker-2] ",
            "rollout: new image: web 10.0.0.249 by [worker-2] ",
            "scale to 0: web 10.0.0.249 by [] no-ready-endpoints",
            "scale to 1: web 10.0.0.249 by [worker-2] ",
            "ask for another address (metallb.io/loadBalancerIPs): web 10.0.7.77 by [worker-2] ",
            "ask for an address outside every pool: web  by [] ip-outside-pools",
            "drop the request: web 10.0.0.249 by [worker-2] ",
            "LoadBalancer becomes ClusterIP: ",
            "and LoadBalancer again, externalTrafficPolicy Local: web 10.0.0.249 by [worker-2] local-policy",
            "new pool of one address: web 10.0.0.249 by [worker-2] local-policy",
            "service one asks for lab-pool: one 10.0.9.9 by [worker-2] ; web 10.0.0.249 by [worker-2] local-policy",
            "service two asks for lab-pool: one 10.0.9.9 by [worker-2] ; two  by [] pool-exhausted; web 10.0.0.249 by [worker-2] local-policy",
            "delete service one: two gets its address: two 10.0.9.9 by [worker-2] ; web 10.0.0.249 by [worker-2] local-policy",
            "delete the pool while it is used: two  by [] unknown-pool; web 10.0.0.249 by [worker-2] local-policy",
            "delete service web: two  by [] unknown-pool",
            "delete namespace lab: two  by [] unknown-pool",
            "end of changes: ",
        ]
    );
    assert_eq!(found(&view), before, "the recording ends as it began");
}
