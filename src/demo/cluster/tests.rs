use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::services::SERVICES;
use super::{Script, State, render};
use crate::demo::store::Key;

const NOW: i64 = 1_795_375_001;

type All = BTreeMap<Key, Value>;

fn of<'a>(all: &'a All, resource: &str) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    all.iter().filter(move |(key, _)| key.resource == resource)
}

fn addresses(all: &All, name: &str) -> Vec<String> {
    let key = Key::new("services", "shop", name);
    let ingress = all
        .get(&key)
        .map(|o| &o["status"]["loadBalancer"]["ingress"]);
    let list = ingress.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|i| i["ip"].as_str().unwrap().to_owned())
        .collect()
}

/// What must hold in every state of the cluster.
fn check(all: &All) {
    let mut taken = BTreeSet::new();
    for (key, pod) in of(all, "pods") {
        if let Some(ip) = pod["status"]["podIP"].as_str() {
            assert!(
                taken.insert(ip) || pod["spec"]["hostNetwork"] == true,
                "{key:?}: {ip}"
            );
        }
    }
    for (key, slice) in of(all, "endpointslices") {
        for endpoint in slice["endpoints"].as_array().unwrap() {
            let Some(name) = endpoint["targetRef"]["name"].as_str() else {
                continue;
            };
            let pod = &all[&Key::new("pods", &key.namespace, name)];
            let ip = &endpoint["addresses"][0];
            let ips = pod["status"]["podIPs"].as_array().unwrap();
            assert!(
                ips.iter().any(|entry| entry["ip"] == *ip),
                "{key:?}: {name}"
            );
            assert_eq!(endpoint["targetRef"]["uid"], pod["metadata"]["uid"]);
            let leaving = pod["metadata"].get("deletionTimestamp").is_some();
            let ready = pod["status"]["containerStatuses"][0]["ready"] == true && !leaving;
            assert_eq!(endpoint["conditions"]["ready"], ready, "{name}");
        }
    }
    for (_, object) in of(all, "ipaddresspools") {
        assert!(object["spec"]["addresses"].is_array(), "{object}");
    }
}

#[test]
fn the_cluster_shows_what_it_should() {
    let all = render(&State::new(NOW));
    check(&all);
    let balancers = of(&all, "services").filter(|(_, o)| o["spec"]["type"] == "LoadBalancer");
    assert!(balancers.count() >= 20);
    let ui = &all[&Key::new("services", "default", "ui")];
    assert_eq!(
        ui["status"]["loadBalancer"]["ingress"][0]["ip"],
        "10.0.0.241"
    );
    assert_eq!(
        ui["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"],
        "first-pool"
    );
    let slices = of(&all, "endpointslices")
        .filter(|(_, slice)| slice["metadata"]["labels"]["kubernetes.io/service-name"] == "ui");
    let ready: usize = slices
        .map(|(_, s)| s["endpoints"].as_array().unwrap().len())
        .sum();
    assert_eq!(ready, 3);
    let pool = &all[&Key::new("ipaddresspools", "metallb-system", "first-pool")]["status"];
    assert_eq!(
        (&pool["assignedIPv4"], &pool["availableIPv4"]),
        (&11.into(), &0.into())
    );
    let tiny = &all[&Key::new("ipaddresspools", "metallb-system", "tiny-pool")]["status"];
    assert_eq!(
        (&tiny["assignedIPv4"], &tiny["availableIPv4"]),
        (&2.into(), &0.into())
    );
    assert!(of(&all, "l2advertisements").all(|(_, o)| o["spec"]["ipAddressPools"].is_array()));
}

#[test]
fn each_pending_service_has_its_reason_told() {
    let all = render(&State::new(NOW));
    let failed: BTreeSet<&str> = of(&all, "events")
        .filter(|(_, event)| event["reason"] == "AllocationFailed")
        .map(|(_, event)| event["involvedObject"]["name"].as_str().unwrap())
        .collect();
    let expected = [
        "ip-in-use",
        "no-such-pool",
        "summer-sale",
        "v6-only-pending",
        "wrong-ip",
    ];
    assert_eq!(failed, expected.into());
}

#[test]
fn node_ports_and_cluster_ips_are_unique() {
    let mut ports = BTreeSet::new();
    let mut ips = BTreeSet::new();
    for spec in SERVICES {
        for port in spec.ports.iter().filter(|port| port.node_port != 0) {
            assert!(
                ports.insert((port.node_port, port.protocol)),
                "{}",
                spec.name
            );
        }
        for ip in spec.cluster_ips {
            assert!(ips.insert(ip), "{}", spec.name);
        }
    }
}

#[test]
fn things_happen_and_the_cluster_stays_consistent() {
    let mut state = State::new(NOW);
    let mut script = Script::default();
    let mut seen = Vec::new();
    let pods = state.pods.len();
    for step in 0..32 {
        let before = render(&state);
        script.advance(&mut state, NOW + step);
        let after = render(&state);
        assert_ne!(before, after, "step {step} changes nothing");
        check(&after);
        seen.push((
            addresses(&after, "spring-sale"),
            addresses(&after, "summer-sale"),
        ));
    }
    assert_eq!(state.pods.len(), pods, "a round ends where it began");
    let ip = vec!["10.0.5.11".to_owned()];
    assert!(seen.contains(&(vec![], ip.clone())));
    assert!(seen.contains(&(ip, vec![])));
}
