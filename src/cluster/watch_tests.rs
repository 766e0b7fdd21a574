//! The whole watcher against a server on loopback that goes wrong in the ways servers do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::model::{ClusterFault, ServiceKey};

use super::fake_api::FakeApi;
use super::recorded_tests::fixture;
use super::*;

/// Longer than any step takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> Timing {
    Timing {
        retry_min: Duration::from_millis(20),
        retry_max: Duration::from_millis(100),
        denied_retry: Duration::from_millis(50),
        file_poll: Duration::from_millis(20),
        ..Timing::default()
    }
}

struct Bench {
    api: FakeApi,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let bench = Self {
            api: FakeApi::start().await,
            folder: TempDir::new().unwrap(),
        };
        bench.write_kubeconfig("token: good");
        bench
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn write_kubeconfig(&self, user: &str) {
        write_kubeconfig(&self.path(), &format!("http://{}", self.api.address), user);
    }

    fn source(&self) -> ClusterSource {
        ClusterSource {
            kubeconfig: Some(self.path()),
            context: None,
        }
    }

    fn watch(&self) -> Seen {
        self.watch_with(quick())
    }

    fn watch_with(&self, timing: Timing) -> Seen {
        Seen::of(super::watch_with(self.source(), timing))
    }
}

fn write_kubeconfig(path: &Path, server: &str, user: &str) {
    let text = format!(
        "current-context: lab\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    );
    // Renamed into place, as kubectl does: nobody ever reads half a file.
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, path).unwrap();
}

struct Seen {
    status: watch::Receiver<Arc<ClusterStatus>>,
    _watcher: Watcher,
}

impl Seen {
    fn of(watcher: Watcher) -> Self {
        Self {
            status: watcher.status(),
            _watcher: watcher,
        }
    }

    async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&ClusterStatus) -> bool,
    ) -> Arc<ClusterStatus> {
        let waiting = self.status.wait_for(|status| wanted(status));
        if let Ok(status) = tokio::time::timeout(PATIENCE, waiting).await {
            return status.unwrap().clone();
        }
        let last = self.status.borrow().clone();
        panic!(
            "{what}: {:?}, {} services, gaps {:?}",
            last.state,
            last.services.len(),
            last.gaps
        );
    }

    async fn live(&mut self) -> Arc<ClusterStatus> {
        self.until("live", |status| status.state == ClusterState::Live)
            .await
    }

    async fn stale(&mut self) -> (Arc<ClusterStatus>, ClusterFault) {
        let status = self
            .until("stale", |status| {
                matches!(status.state, ClusterState::Stale(_))
            })
            .await;
        let ClusterState::Stale(fault) = status.state.clone() else {
            unreachable!("it was waited for");
        };
        (status, fault)
    }
}

fn ready(status: &ClusterStatus, name: &str) -> Option<usize> {
    let key: ServiceKey = name.parse().unwrap();
    let service = status.services.get(&key)?;
    Some(service.pods.iter().filter(|pod| pod.ready).count())
}

const ALL_SERVICES: usize = 28;

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
    assert_eq!(bench.api.count("/api/v1/services?&limit"), 1);
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
    // 1509 is the version of the event above.
    bench.api.asked("/api/v1/services?&watch=true", 2).await;
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
    let watcher = super::watch_with(bench.source(), quick());
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
