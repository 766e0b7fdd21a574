//! What is watched beyond services: found, refused, installed, removed; and how the watcher copes with servers of all kinds.

use std::time::Duration;

use crate::model::{ClusterState, ServiceKey};

use super::bench_tests::*;
use super::recorded_tests::fixture;
use super::timing::Timing;

/// Looks for MetalLB again at once.
fn curious() -> Timing {
    Timing {
        discover_every: Duration::from_millis(30),
        ..quick()
    }
}

fn codes(status: &crate::model::ClusterStatus, name: &str) -> Vec<&'static str> {
    let service = &status.services[&name.parse::<ServiceKey>().unwrap()];
    service
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

#[tokio::test]
async fn the_first_view_is_whole() {
    let bench = Bench::new().await;
    let live = bench.watch().live().await;
    assert_eq!(codes(&live, "shop/pool-exhausted"), ["pool-exhausted"]);
    assert_eq!(live.pools.as_ref().unwrap().len(), 6);
    assert_eq!(live.nodes.as_ref().unwrap().len(), 3);
    assert!(live.gaps.is_empty(), "{:?}", live.gaps);
    assert_eq!(live.missing_role, None);
    let ui = &live.services[&"default/ui".parse::<ServiceKey>().unwrap()];
    assert_eq!(ui.announced_by.as_ref().unwrap()[0].node, "k8s-worker-2");
    // The version that is served, and only events about services.
    assert!(bench.api.count("/apis/metallb.io/v1beta2/bgppeers?") > 0);
    assert_eq!(bench.api.count("/apis/metallb.io/v1beta1/bgppeers?"), 0);
    let events = bench.api.last("/api/v1/events?").unwrap();
    assert!(
        events.contains("fieldSelector=involvedObject.kind%3DService"),
        "{events}"
    );
}

#[tokio::test]
async fn each_refusal_costs_its_part_alone_and_the_role_grants_it() {
    let bench = Bench::new().await;
    let pools = fixture("errors/403-serviceaccount.ipaddresspools.json");
    bench
        .api
        .refuse("/apis/metallb.io/v1beta1/ipaddresspools", 403, &pools);
    let nodes = fixture("errors/403-serviceaccount.nodes.json");
    bench.api.refuse("/api/v1/nodes", 403, &nodes);
    let mut seen = bench.watch();
    let live = seen.live().await;
    let gaps: Vec<_> = live
        .gaps
        .iter()
        .map(|gap| (gap.resource, gap.verb, gap.fault.code))
        .collect();
    assert_eq!(
        gaps,
        [
            ("nodes", "list", "forbidden"),
            ("ipaddresspools.metallb.io", "list", "forbidden")
        ]
    );
    assert!(
        live.gaps[0]
            .fault
            .message
            .contains("list nodes of the cluster")
    );
    let role = live.missing_role.as_ref().unwrap();
    for part in [
        "kind: ClusterRole",
        "resources: [nodes]",
        "resources: [ipaddresspools]",
    ] {
        assert!(role.contains(part), "{role}");
    }
    assert_eq!((&live.pools, &live.nodes), (&None, &None));
    assert_eq!(codes(&live, "shop/pool-exhausted"), ["pending"]);
    assert_eq!(codes(&live, "shop/no-endpoints"), ["no-ready-endpoints"]);
    bench.api.allow_all();
    let live = seen
        .until("pools and nodes", |status| {
            status.pools.is_some() && status.nodes.is_some() && status.gaps.is_empty()
        })
        .await;
    assert_eq!(codes(&live, "shop/pool-exhausted"), ["pool-exhausted"]);
    assert_eq!(live.missing_role, None);
}

#[tokio::test]
async fn metallb_is_found_when_it_is_installed_and_missed_when_it_is_removed() {
    let bench = Bench::new().await;
    let group = fixture("discovery/apis-metallb.io.json");
    bench.api.remove_list("metallb.io");
    let mut seen = bench.watch_with(curious());
    let live = seen.live().await;
    assert_eq!(codes(&live, "shop/pool-exhausted"), ["metallb-missing"]);
    assert!(
        live.gaps.is_empty(),
        "what is not there is no gap: {:?}",
        live.gaps
    );
    bench.api.set_list("metallb.io", group);
    let found = seen
        .until("pools", |status| {
            codes(status, "shop/pool-exhausted") == ["pool-exhausted"]
        })
        .await;
    assert!(found.gaps.is_empty(), "{:?}", found.gaps);
    bench.api.remove_list("metallb.io");
    seen.until("no MetalLB", |status| {
        codes(status, "shop/pool-exhausted") == ["metallb-missing"]
    })
    .await;
}

#[tokio::test]
async fn a_list_that_is_not_there_any_more_is_asked_about_at_once() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    let looked = bench.api.count("/apis/metallb.io");
    bench.api.remove_list("metallb.io");
    bench.api.remove_list("ipaddresspools");
    bench.api.end_watches("ipaddresspools");
    seen.until("no MetalLB", |status| {
        codes(status, "shop/pool-exhausted") == ["metallb-missing"]
    })
    .await;
    assert!(bench.api.count("/apis/metallb.io") > looked);
}

#[tokio::test]
async fn whoever_may_not_discover_asks_for_the_usual_versions() {
    let bench = Bench::new().await;
    let forbidden = fixture("errors/403-serviceaccount.ipaddresspools.json");
    bench
        .api
        .refuse("/apis/metallb.io/v1beta2", 403, &forbidden);
    let live = bench.watch().live().await;
    assert_eq!(live.pools.as_ref().unwrap().len(), 6);
    // There is no frr-k8s, and that is no gap.
    let gaps: Vec<_> = live.gaps.iter().map(|gap| gap.resource).collect();
    assert!(
        !gaps.contains(&"bgpsessionstates.frrk8s.metallb.io"),
        "{gaps:?}"
    );
}

#[tokio::test]
async fn lists_are_streamed_by_a_server_that_can() {
    let bench = Bench::new().await;
    bench.api.set_minor("36");
    let mut seen = bench.watch();
    let live = seen.live().await;
    assert_eq!(live.services.len(), ALL_SERVICES);
    assert_eq!(bench.api.count("/api/v1/services?&limit"), 0);
    assert_eq!(bench.api.count("/api/v1/services?&watch=true"), 1);
    // The stream goes on as a watch, and is resumed from the version of the mark.
    let recorded = fixture("watch/services.ndjson");
    bench.api.push("services", recorded.lines().next().unwrap());
    seen.until("web", |status| status.services.len() == ALL_SERVICES + 1)
        .await;
    bench.api.end_watches("nodes");
    bench.api.asked("/api/v1/nodes?&watch=true", 2).await;
    let resumed = bench.api.last("/api/v1/nodes?&watch=true").unwrap();
    assert!(!resumed.contains("sendInitialEvents"), "{resumed}");
    assert!(!resumed.contains("resourceVersion=&"), "{resumed}");
}

#[tokio::test]
async fn a_server_that_does_not_stream_lists_is_asked_for_plain_ones() {
    for (minor, refusal) in [("36", Some(422)), ("36+", Some(400)), ("27", None)] {
        let bench = Bench::new().await;
        bench.api.set_minor(minor);
        if let Some(code) = refusal {
            for path in [
                "/api/v1",
                "/apis/discovery.k8s.io/v1",
                "/apis/metallb.io/v1beta1",
            ] {
                let streams = format!("{path}/");
                bench.api.refuse_streams(&streams, code);
            }
        }
        let live = bench.watch().live().await;
        assert_eq!(live.services.len(), ALL_SERVICES, "{minor}");
        assert!(live.gaps.is_empty(), "{minor}: {:?}", live.gaps);
        assert!(bench.api.count("/api/v1/services?&limit") > 0, "{minor}");
    }
}

#[tokio::test]
async fn a_store_that_was_turned_back_is_listed_anew() {
    let mut bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    let mut list: serde_json::Value =
        serde_json::from_str(&fixture("lists/services.json")).unwrap();
    list["metadata"]["resourceVersion"] = "17".into();
    let items = list["items"].as_array_mut().unwrap();
    items.retain(|item| item["metadata"]["name"] != "ui");
    bench.api.stop().await;
    seen.stale().await;
    bench.api.set_list("services", list.to_string());
    bench.api.resume();
    seen.until("without ui", |status| {
        status.state == ClusterState::Live && status.services.len() == ALL_SERVICES - 1
    })
    .await;
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let bench = Bench::new().await;
    let path = "/api/v1/services";
    bench.api.refuse_for(path, 429, "slow down", Some(1));
    let mut seen = bench.watch();
    seen.stale().await;
    let begun = std::time::Instant::now();
    bench.api.asked(path, 2).await;
    // Without the header the next try would come after 20 ms at most.
    assert!(
        begun.elapsed() > Duration::from_millis(800),
        "{:?}",
        begun.elapsed()
    );
    bench.api.allow_all();
    seen.live().await;
}

#[tokio::test]
async fn a_line_without_an_end_is_not_taken() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    let flood = "x".repeat(super::wire::LINE_LIMIT_BYTES / 8);
    for _ in 0..12 {
        bench.api.push_part("services", &flood);
    }
    let (_, fault) = seen.stale().await;
    assert_eq!(fault.code, "server", "{fault:?}");
    seen.live().await;
}
