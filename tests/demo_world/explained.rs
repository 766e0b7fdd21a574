//! The cluster's watcher against the demo's API: nothing is recorded here, and everything goes over TLS.

use std::path::Path;
use std::sync::Arc;

use adit::cluster::{self, Watcher};
use adit::demo::DemoWorld;
use adit::model::{ClusterSource, ClusterState, ClusterStatus, ServiceKey};
use kube::config::Kubeconfig;
use tokio::sync::watch::Receiver;

use crate::{in_time, still_world};

struct Seen {
    status: Receiver<Arc<ClusterStatus>>,
    _watcher: Watcher,
}

impl Seen {
    fn of(world: &DemoWorld) -> Self {
        Self::by(&world.access().kubeconfig)
    }

    fn by(kubeconfig: &Path) -> Self {
        let watcher = cluster::watch(
            ClusterSource::local(Some(kubeconfig.to_owned()), None),
            None,
        );
        Self {
            status: watcher.status(),
            _watcher: watcher,
        }
    }

    async fn until(
        &mut self,
        what: &str,
        wanted: impl FnMut(&Arc<ClusterStatus>) -> bool,
    ) -> Arc<ClusterStatus> {
        let status = in_time(what, self.status.wait_for(wanted)).await;
        status.unwrap().clone()
    }

    async fn live(&mut self) -> Arc<ClusterStatus> {
        self.until("a live view", |status| status.state == ClusterState::Live)
            .await
    }
}

fn codes(status: &ClusterStatus, name: &str) -> Vec<&'static str> {
    let service = &status.services[&name.parse::<ServiceKey>().unwrap()];
    let findings = service.findings.iter();
    findings.map(|finding| finding.code).collect()
}

#[tokio::test]
async fn every_pending_service_of_the_demo_has_its_reason() {
    let world = still_world().await;
    let live = Seen::of(&world).live().await;
    for (name, expected) in [
        ("default/ui", &[][..]),
        ("shop/ip-in-use", &["ip-in-use"]),
        ("shop/no-such-pool", &["unknown-pool"]),
        ("shop/other-class", &["other-class"]),
        ("shop/v6-only-pending", &["auto-assign-off"]),
        ("shop/wrong-ip", &["ip-outside-pools"]),
        ("shop/no-endpoints", &["no-ready-endpoints"]),
        ("shop/unready", &["no-ready-endpoints"]),
    ] {
        assert_eq!(codes(&live, name), expected, "{name}");
    }
    assert!(live.gaps.is_empty(), "{:?}", live.gaps);
    let pools = live.pools.as_ref().unwrap();
    assert!(pools.iter().all(|pool| pool.usage.is_some()));
    assert_eq!(live.nodes.as_ref().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_forbidden_in_the_demo_is_a_gap_with_a_role() {
    let world = still_world().await;
    world.forbid("ipaddresspools");
    let mut seen = Seen::of(&world);
    let live = seen.live().await;
    let gaps: Vec<_> = live
        .gaps
        .iter()
        .map(|gap| (gap.resource, gap.verb))
        .collect();
    assert_eq!(gaps, [("ipaddresspools.metallb.io", "list")]);
    let role = live.missing_role.as_ref().unwrap();
    assert!(role.contains("resources: [ipaddresspools]"), "{role}");
    assert_eq!(codes(&live, "shop/v6-only-pending"), ["pending"]);
}

#[tokio::test]
async fn whoever_sees_one_namespace_of_the_demo_sees_it_and_no_more_is_claimed() {
    let world = still_world().await;
    world.confine_to(Some("shop"));
    let mut kubeconfig = Kubeconfig::read_from(&world.access().kubeconfig).unwrap();
    let context = kubeconfig.contexts[0].context.as_mut().unwrap();
    context.namespace = Some("shop".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    // JSON is YAML, too.
    std::fs::write(&path, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
    let live = Seen::by(&path).live().await;
    assert_eq!(live.limited_to.as_ref().unwrap().as_str(), "shop");
    assert!(
        live.services
            .keys()
            .all(|key| key.namespace.as_str() == "shop")
    );
    // Neither MetalLB's pods nor its pools are in sight: that is no reason to call them absent.
    for name in [
        "shop/ip-in-use",
        "shop/no-such-pool",
        "shop/v6-only-pending",
    ] {
        assert_eq!(codes(&live, name), ["pending"], "{name}");
    }
    assert_eq!(codes(&live, "shop/no-endpoints"), ["no-ready-endpoints"]);
}

#[tokio::test]
async fn the_view_survives_a_server_that_forgets_and_restarts() {
    let world = still_world().await;
    let mut seen = Seen::of(&world);
    let before = seen.live().await;
    world.expire_history();
    world.stop_api().await;
    seen.until("a stale view", |status| {
        matches!(status.state, ClusterState::Stale(_))
    })
    .await;
    world.start_api().await.unwrap();
    let after = seen.live().await;
    assert_eq!(after.services, before.services);
    assert_eq!(after.pools, before.pools);
}
