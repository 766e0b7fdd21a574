//! Credentials that are refused, and persons who may not see everything.

use std::fs;

use crate::model::{ClusterState, ServiceKey};

use super::bench_tests::*;
use super::recorded_tests::fixture;

#[tokio::test]
async fn refused_credentials_are_read_anew() {
    let bench = Bench::new().await;
    bench.api.require_token("fresh");
    let mut seen = bench.watch();
    let (_, fault) = seen.stale().await;
    assert_eq!(fault.code, "unauthorized");
    assert!(fault.message.contains("'lab'"), "{fault:?}");
    bench.write_kubeconfig("token: fresh");
    seen.live().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_plugin_whose_token_ended_is_run_again_and_nobody_notices() {
    let bench = Bench::new().await;
    let token = bench.folder.path().join("token");
    fs::write(&token, "first").unwrap();
    let script = format!(
        "printf '{{\\\"status\\\":{{\\\"token\\\":\\\"%s\\\"}}}}' \\\"$(cat {})\\\"",
        token.display()
    );
    bench.write_kubeconfig(&format!(
        "exec: {{command: sh, args: ['-c', \"{script}\"]}}"
    ));
    bench.api.require_token("first");
    let mut seen = bench.watch();
    seen.live().await;
    fs::write(&token, "second").unwrap();
    bench.api.require_token("second");
    seen.status.mark_unchanged();
    bench.api.end_watches("services");
    // Once with the old token, once with the new.
    bench.api.asked("/api/v1/services?&watch=true", 3).await;
    assert_eq!(seen.status.borrow().state, ClusterState::Live);
    assert!(!seen.status.has_changed().unwrap());
}

#[tokio::test]
async fn a_missing_plugin_is_named() {
    let bench = Bench::new().await;
    bench.write_kubeconfig("exec: {command: adit-no-such-plugin}");
    let (_, fault) = bench.watch().stale().await;
    assert!(fault.message.contains("'adit-no-such-plugin'"), "{fault:?}");
}

fn forbidden() -> String {
    fixture("errors/403-serviceaccount.services-all-namespaces.json")
}

#[tokio::test]
async fn whoever_may_see_one_namespace_sees_that() {
    let bench = Bench::new().await;
    for path in [
        "/api/v1/services",
        "/api/v1/pods",
        "/apis/discovery.k8s.io/v1/endpointslices",
    ] {
        bench.api.refuse(path, 403, &forbidden());
    }
    let live = bench.watch().live().await;
    assert_eq!(live.limited_to.as_ref().unwrap().as_str(), "shop");
    assert!(live.gaps.is_empty());
    assert!(bench.api.count("/api/v1/namespaces/shop/services?&limit") > 0);
    assert!(!live.services.is_empty());
}

#[tokio::test]
async fn whoever_may_see_nothing_is_told_verb_resource_and_namespace() {
    let bench = Bench::new().await;
    bench.api.refuse("/api", 403, &forbidden());
    let (_, fault) = bench.watch().stale().await;
    assert_eq!(fault.code, "forbidden");
    assert!(
        fault
            .message
            .contains("to list services in the namespace shop"),
        "{fault:?}"
    );
    assert!(
        fault.hint.contains("get, list and watch on services"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn forbidden_pods_cost_only_the_pods_and_come_when_allowed() {
    let bench = Bench::new().await;
    bench.api.refuse("/api/v1/pods", 403, &forbidden());
    let mut seen = bench.watch();
    let live = seen.live().await;
    assert_eq!(ready(&live, "default/ui"), Some(3));
    assert_eq!(live.gaps.len(), 1);
    assert_eq!(
        (live.gaps[0].resource, live.gaps[0].fault.code),
        ("pods", "forbidden")
    );
    bench.api.allow_all();
    seen.until("no gap", |status| status.gaps.is_empty()).await;
}

#[tokio::test]
async fn forbidden_slices_leave_the_endpoints_unknown() {
    let bench = Bench::new().await;
    bench
        .api
        .refuse("/apis/discovery.k8s.io", 403, &forbidden());
    let live = bench.watch().live().await;
    assert_eq!(live.gaps[0].resource, "endpointslices.discovery.k8s.io");
    let no_findings = |name: &str| {
        live.services[&name.parse::<ServiceKey>().unwrap()]
            .findings
            .is_empty()
    };
    assert!(no_findings("shop/no-endpoints"));
}

#[tokio::test]
async fn a_watch_that_is_not_allowed_is_told_as_such() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    bench
        .api
        .refuse("/api/v1/pods?&watch=true", 403, &forbidden());
    let status = seen.until("a gap", |status| !status.gaps.is_empty()).await;
    assert!(
        status.gaps[0]
            .fault
            .message
            .contains("to watch pods in all namespaces"),
        "{:?}",
        status.gaps
    );
}
