//! The whole watcher against a server on loopback that goes wrong in the ways servers do.

use std::fs;
use std::time::Duration;

use crate::model::ClusterState;

use super::bench_tests::*;
use super::fake_api::FakeApi;
use super::recorded_tests::fixture;
use super::timing::Timing;

#[tokio::test]
async fn the_first_picture_is_a_whole_one() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    assert_eq!(seen.status.borrow().state, ClusterState::Loading);
    let first = seen
        .until("services", |status| !status.services.is_empty())
        .await;
    assert_eq!(first.services.len(), ALL_SERVICES);
    assert_eq!(ready(&first, "default/ui"), Some(3));
    assert_eq!(first.context.as_deref(), Some("lab"));
    assert_eq!(first.server, Some(format!("http://{}", bench.api.address)));
    let live = seen.live().await;
    assert_eq!((&live.limited_to, live.gaps.len()), (&None, 0));
}

#[tokio::test]
async fn a_recorded_watch_is_followed() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    let services = fixture("watch/services.ndjson");
    let slices = fixture("watch/endpointslices.ndjson");
    let mut services = services.lines();
    let mut slices = slices.lines();
    services
        .by_ref()
        .take(2)
        .for_each(|line| bench.api.push("services", line));
    slices
        .by_ref()
        .take(3)
        .for_each(|line| bench.api.push("endpointslices", line));
    let web = seen
        .until("web has pods", |status| ready(status, "lab/web") == Some(2))
        .await;
    assert_eq!(web.services.len(), ALL_SERVICES + 1);
    services.for_each(|line| bench.api.push("services", line));
    slices.for_each(|line| bench.api.push("endpointslices", line));
    seen.until("lab is gone", |status| {
        status.services.len() == ALL_SERVICES
    })
    .await;
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_heals_without_a_new_list() {
    let mut bench = Bench::new().await;
    let mut seen = bench.watch();
    let before = seen.live().await;
    bench.api.stop().await;
    let (stale, fault) = seen.stale().await;
    assert_eq!(fault.code, "unreachable");
    assert!(fault.message.contains("refuses connections"), "{fault:?}");
    assert_eq!(stale.services, before.services, "the last view is kept");
    bench.api.resume();
    let after = seen.live().await;
    assert!(after.services.ptr_eq(&before.services));
    assert_eq!(bench.api.count("/api/v1/services?&limit=500"), 1);
    // The server's version was looked at, in case it was turned back.
    assert_eq!(bench.api.count("/api/v1/services?&limit=1"), 1);
    // What happens afterwards is seen.
    bench.api.push(
        "services",
        fixture("watch/services.ndjson").lines().next().unwrap(),
    );
    seen.until("web", |status| status.services.len() == ALL_SERVICES + 1)
        .await;
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let mut bench = Bench::new().await;
    bench.api.stop().await;
    let mut seen = bench.watch();
    let (status, _) = seen.stale().await;
    assert!(status.services.is_empty());
    bench.api.resume();
    assert_eq!(seen.live().await.services.len(), ALL_SERVICES);
}

#[tokio::test]
async fn a_watch_that_ends_is_resumed_where_it_stopped() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    bench.api.push(
        "services",
        fixture("watch/services.ndjson").lines().next().unwrap(),
    );
    seen.until("web", |status| status.services.len() == ALL_SERVICES + 1)
        .await;
    bench.api.end_watches("services");
    let watches = "/api/v1/services?&watch=true";
    bench.api.asked(watches, 2).await;
    let version = "resourceVersion=1509"; // of the event above
    assert!(bench.api.last(watches).unwrap().contains(version));
    assert_eq!(bench.api.count("/api/v1/services?&limit"), 1);
    assert_eq!(seen.status.borrow().state, ClusterState::Live);
}

#[tokio::test]
async fn versions_that_are_gone_lead_to_a_new_list_and_no_fault() {
    let bench = Bench::new().await;
    let mut seen = bench.watch();
    seen.live().await;
    let mut list: serde_json::Value =
        serde_json::from_str(&fixture("lists/services.json")).unwrap();
    list["items"]
        .as_array_mut()
        .unwrap()
        .retain(|item| item["metadata"]["name"] != "ui");
    bench.api.set_list("services", list.to_string());
    bench.api.push(
        "services",
        &fixture("errors/410-watch-expired.services.ndjson"),
    );
    let mut was_stale = false;
    while seen.status.borrow_and_update().services.len() == ALL_SERVICES {
        was_stale |= seen.status.borrow().state != ClusterState::Live;
        tokio::time::timeout(PATIENCE, seen.status.changed())
            .await
            .unwrap()
            .unwrap();
    }
    assert!(!was_stale);
    assert_eq!(seen.status.borrow().services.len(), ALL_SERVICES - 1);
    assert_eq!(bench.api.count("/api/v1/services?&limit"), 2);
}

#[tokio::test]
async fn errors_of_the_server_heal() {
    for (status, body, code) in [
        (500, "oops".to_owned(), "server"),
        (503, String::new(), "server"),
        (429, fixture("errors/startup.429.pools.1.json"), "server"),
        (404, "404 page not found".to_owned(), "server"),
        (200, "<html>please log in</html>".to_owned(), "server"),
        (200, "{\"metadata\":{},\"items\":[]}".to_owned(), "server"),
    ] {
        let bench = Bench::new().await;
        bench.api.refuse("/api/v1/services", status, &body);
        let mut seen = bench.watch();
        let (_, fault) = seen.stale().await;
        assert_eq!(fault.code, code, "{status}: {fault:?}");
        assert!(!fault.hint.is_empty());
        bench.api.allow_all();
        assert_eq!(seen.live().await.services.len(), ALL_SERVICES);
    }
}

#[tokio::test]
async fn a_list_in_pages_is_swapped_in_whole() {
    let bench = Bench::new().await;
    let all: serde_json::Value = serde_json::from_str(&fixture("lists/services.json")).unwrap();
    let items = all["items"].as_array().unwrap();
    let (first, second) = items.split_at(10);
    let page = |items: &[serde_json::Value], next: &str| {
        serde_json::json!({"metadata": {"resourceVersion": "2137", "continue": next}, "items": items}).to_string()
    };
    bench.api.set_list("services", page(first, "more"));
    bench.api.refuse(
        "/api/v1/services?&limit=500&continue=more",
        200,
        &page(second, ""),
    );
    let mut seen = bench.watch();
    let first = seen
        .until("services", |status| !status.services.is_empty())
        .await;
    assert_eq!(first.services.len(), ALL_SERVICES);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_found_out_and_heals() {
    let bench = Bench::new().await;
    let mut seen = bench.watch_with(Timing {
        pulse_every: Duration::from_millis(50),
        pulse_limit: Duration::from_millis(200),
        list_limit: Duration::from_millis(200),
        watch_limit: Duration::from_millis(200),
        ..quick()
    });
    seen.live().await;
    bench.api.fall_silent(true);
    let (status, fault) = seen.stale().await;
    assert!(fault.message.contains("did not answer"), "{fault:?}");
    assert_eq!(status.services.len(), ALL_SERVICES);
    bench.api.fall_silent(false);
    seen.live().await;
}

#[tokio::test]
async fn a_kubeconfig_that_is_written_later_is_found() {
    let bench = Bench::new().await;
    fs::remove_file(bench.path()).unwrap();
    let mut seen = bench.watch();
    let failed = seen
        .until("failed", |status| {
            matches!(status.state, ClusterState::Failed(_))
        })
        .await;
    let ClusterState::Failed(fault) = &failed.state else {
        unreachable!("it was waited for");
    };
    assert!(
        fault.message.contains(bench.path().to_str().unwrap()),
        "{fault:?}"
    );
    bench.write_kubeconfig("token: good");
    assert_eq!(seen.live().await.services.len(), ALL_SERVICES);
}

#[tokio::test]
async fn a_corrected_kubeconfig_leads_to_another_server() {
    let mut gone = FakeApi::start().await;
    gone.stop().await;
    let bench = Bench::new().await;
    write_kubeconfig(
        &bench.path(),
        &format!("http://{}", gone.address),
        "token: good",
    );
    let mut seen = bench.watch();
    seen.stale().await;
    bench.write_kubeconfig("token: good");
    let live = seen.live().await;
    assert_eq!(live.server, Some(format!("http://{}", bench.api.address)));
}

#[tokio::test]
async fn dropping_the_watcher_ends_its_connections() {
    let bench = Bench::new().await;
    let watcher = super::watch_with(bench.source(), None, quick());
    let mut status = watcher.status();
    status
        .wait_for(|status| status.state == ClusterState::Live)
        .await
        .unwrap();
    drop(watcher);
    let ended = async { while status.changed().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    tokio::time::timeout(PATIENCE, bench.api.unwatched())
        .await
        .unwrap();
}
