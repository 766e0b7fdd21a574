//! What takes long because nobody answers can be given up, and leaves nothing behind.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use adit::model::{
    ClusterSource, ClusterState, Command, Destination, HostProfile, Intent, LinkStatus, LocalBind,
    ServiceKey, Snapshot, Target, TunnelId, TunnelSpec, TunnelState,
};
use serde_json::json;

use crate::support::LIMIT;
use crate::support::engine::{is_live, profile, until};
use crate::support::servers::{Silent, closed_port, echo};
use crate::support::sshd::Sshd;
use crate::support::tiny_api;

/// A cluster whose API server never answers.
fn silent_cluster(folder: &Path, silent: &Silent) -> ClusterSource {
    let text = json!({
        "current-context": "silent",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{}", silent.address())}}],
        "contexts": [{"name": "silent", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    });
    let kubeconfig = folder.join("silent");
    std::fs::write(&kubeconfig, text.to_string()).unwrap();
    ClusterSource::local(Some(kubeconfig), None)
}

fn link(snapshot: &Snapshot) -> &LinkStatus {
    &snapshot.hosts[0].link
}

/// A host that never answers, and that is not given up by itself for long.
fn silent_host(silent: &Silent) -> HostProfile {
    let mut host = HostProfile::new("u", "127.0.0.1", silent.address().port());
    host.connect_timeout = LIMIT * 10;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_cluster_that_does_not_answer_is_ended_and_begun_anew() {
    let (silent, sshd) = (Silent::start(), Sshd::start(&[]));
    let at = echo();
    let mut handle = adit::engine::start();
    handle.send(Command::AddHost(Box::new(profile(&sshd, "node"))));
    let source = silent_cluster(&sshd.home(), &silent);
    handle.send(Command::UseCluster(source.clone()));
    let id = TunnelId::service(ServiceKey::new("default", "echo"), at.port());
    handle.send(Command::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    });
    let state = |snapshot: &Snapshot| snapshot.tunnels.get(&id).map(|tunnel| tunnel.state.clone());
    until(&mut handle, "reads", |snapshot| {
        snapshot.cluster.state == ClusterState::Loading
            && state(snapshot) == Some(TunnelState::Resolving)
    })
    .await;
    handle.send(Command::StopReading);
    let told = until(&mut handle, "ended", |snapshot| {
        matches!(state(snapshot), Some(TunnelState::Waiting { .. }))
    })
    .await;
    assert_eq!(told.cluster.state, ClusterState::Stopped);
    assert_eq!(told.cluster.source, source, "it can be read again");
    let fault = told.tunnels[&id].state.fault().unwrap().to_string();
    assert!(fault.contains("reading the cluster was ended"), "{fault}");

    // The same kubeconfig, of a cluster that answers.
    tiny_api::start(at, &sshd.home().join("silent"));
    handle.send(Command::UseCluster(source));
    until(&mut handle, "open", |snapshot| {
        is_live(snapshot) && matches!(state(snapshot), Some(TunnelState::Open { .. }))
    })
    .await;
    // What is known is not given up.
    handle.send(Command::StopReading);
    handle.send(Command::Quit);
    let end = until(&mut handle, "the end", |snapshot| snapshot.ended).await;
    assert_eq!(end.cluster.state, ClusterState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_is_left_with_the_cluster_behind_it() {
    let silent = Silent::start();
    let host = silent_host(&silent);
    let id = host.id.clone();
    let mut handle = adit::engine::start();
    handle.send(Command::AddHost(Box::new(host)));
    handle.send(Command::UseCluster(ClusterSource::on_host(id)));
    until(&mut handle, "dials", |snapshot| {
        !snapshot.hosts.is_empty() && matches!(link(snapshot), LinkStatus::Dialing { .. })
    })
    .await;
    handle.send(Command::StopReading);
    until(&mut handle, "left", |snapshot| {
        snapshot.cluster.state == ClusterState::Stopped && *link(snapshot) == LinkStatus::Idle
    })
    .await;
    handle.send(Command::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_is_on_its_way_is_switched_off_at_once() {
    let silent = Silent::start();
    let host = silent_host(&silent);
    let (id, port) = (TunnelId::Forward(0), closed_port());
    let mut handle = adit::engine::start();
    handle.send(Command::AddHost(Box::new(host.clone())));
    handle.send(Command::AddTunnel(TunnelSpec {
        id: id.clone(),
        host: host.id,
        local: LocalBind::loopback(port),
        target: Target::Fixed(Destination::tcp("127.0.0.1", 1)),
    }));
    let want = |intent| Command::SetIntent {
        id: id.clone(),
        intent,
    };
    handle.send(want(Intent::Up));
    let dials = |snapshot: &Snapshot| {
        let tunnel = snapshot.tunnels.get(&id);
        tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Dialing { .. }))
    };
    until(&mut handle, "dials", dials).await;
    let switched = Instant::now();
    handle.send(want(Intent::Down));
    let off: Arc<Snapshot> = until(&mut handle, "off", |snapshot| {
        snapshot.tunnels[&id].state == TunnelState::Off && *link(snapshot) == LinkStatus::Idle
    })
    .await;
    assert!(switched.elapsed() < LIMIT / 3, "{:?}", switched.elapsed());
    assert!(off.tunnels[&id].listening.is_empty());
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "the port is free again"
    );
    handle.send(Command::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}
