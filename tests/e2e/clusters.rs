//! Two clusters have services of the same name: a tunnel goes on leading to the one that it was opened to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit::engine::Handle;
use adit::model::{
    ClusterSource, Command, Destination, Intent, ServiceKey, Snapshot, TunnelId, TunnelState,
};

use crate::support::LIMIT;
use crate::support::engine::{is_live, profile, until};
use crate::support::servers::{echo, exchange};
use crate::support::sshd::Sshd;
use crate::support::tiny_api;

/// An address of this computer on which nobody listens.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A cluster of this uid, whose `default/echo` has this address.
fn cluster(folder: &Path, name: &str, uid: &str, address: SocketAddr) -> ClusterSource {
    let kubeconfig = folder.join(name);
    tiny_api::start_cluster(uid, &[("echo", address)], &kubeconfig, "t");
    ClusterSource::local(Some(kubeconfig), None)
}

/// An engine with a host, and a tunnel to `default/echo` of the first of its clusters.
struct Person {
    handle: Handle,
    id: TunnelId,
    folder: PathBuf,
    at: SocketAddr,
    sshd: Sshd,
}

impl Person {
    async fn with_a_tunnel() -> Self {
        let sshd = Sshd::start(&[]);
        let (at, folder) = (echo(), sshd.home());
        let handle = adit::engine::start();
        handle.send(Command::AddHost(Box::new(profile(&sshd, "node"))));
        let mut person = Self {
            handle,
            id: TunnelId::service(ServiceKey::new("default", "echo"), at.port()),
            folder,
            at,
            sshd,
        };
        person
            .watch(cluster(&person.folder, "first", "one", at))
            .await;
        person.want(Intent::Up);
        person.until("open", is_open).await;
        person
    }

    /// Looks at a cluster, until it is there.
    async fn watch(&mut self, source: ClusterSource) {
        self.handle.send(Command::UseCluster(source.clone()));
        self.until("live", |snapshot, _| {
            snapshot.cluster.source == source && is_live(snapshot)
        })
        .await;
    }

    fn want(&self, intent: Intent) {
        let id = self.id.clone();
        self.handle.send(Command::SetIntent { id, intent });
    }

    async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&Snapshot, &TunnelId) -> bool,
    ) -> Arc<Snapshot> {
        let id = &self.id;
        until(&mut self.handle, what, |snapshot| wanted(snapshot, id)).await
    }

    fn destination(&self) -> Option<Destination> {
        self.handle.snapshot().tunnels[&self.id].destination.clone()
    }

    /// What goes in comes back, from the echo that it was opened to.
    async fn talk(&self) {
        let tunnel = &self.handle.snapshot().tunnels[&self.id];
        let local = tunnel.local_address().unwrap();
        let back = tokio::task::spawn_blocking(move || exchange(local, b"hello".to_vec()));
        assert_eq!(back.await.unwrap(), b"hello");
    }

    async fn quit(mut self) {
        self.handle.send(Command::Quit);
        self.until("the end", |snapshot, _| snapshot.ended).await;
    }
}

fn is_open(snapshot: &Snapshot, id: &TunnelId) -> bool {
    let tunnel = snapshot.tunnels.get(id);
    tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }))
}

fn leads_to(address: IpAddr) -> impl Fn(&Snapshot, &TunnelId) -> bool {
    move |snapshot, id| {
        let destination = snapshot.tunnels[id].destination.as_ref();
        destination.is_some_and(|to| to.to_string().starts_with(&format!("{address}:")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_a_cluster_is_asked_for_its_addresses_and_to_answer_at_once() {
    let person = Person::with_a_tunnel().await;
    person.talk().await;
    let commands = || {
        person
            .sshd
            .log()
            .matches("Starting session: command")
            .count()
    };
    let end = Instant::now() + LIMIT;
    while commands() < 2 {
        assert!(Instant::now() < end, "{}", person.sshd.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    person.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_takes_no_tunnel_over() {
    let mut person = Person::with_a_tunnel().await;
    let before = person.destination();
    let other = SocketAddr::new(NOBODY, person.at.port());
    person
        .watch(cluster(&person.folder, "second", "two", other))
        .await;
    let told = person
        .until("told", |snapshot, id| {
            let reason = snapshot.tunnels[id].route_reason.as_ref();
            reason.is_some_and(|reason| reason.to_string().starts_with("it belongs to the cluster"))
        })
        .await;
    assert!(is_open(&told, &person.id), "{told:?}");
    assert!(told.tunnels[&person.id].is_elsewhere);
    assert_eq!(person.destination(), before);
    person.talk().await;

    // Whoever closes it and opens it again means what they see.
    person.want(Intent::Down);
    person
        .until("closed", |snapshot, id| {
            snapshot.tunnels[id].state == TunnelState::Off
        })
        .await;
    person.want(Intent::Up);
    let other = person.until("led to the other", leads_to(NOBODY)).await;
    assert!(!other.tunnels[&person.id].is_elsewhere);
    person.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_cluster_by_another_way_is_followed() {
    let mut person = Person::with_a_tunnel().await;
    let moved = SocketAddr::new(NOBODY, person.at.port());
    let same = cluster(&person.folder, "again", "one", moved);
    person.watch(same).await;
    person
        .until("led to where it moved", leads_to(NOBODY))
        .await;
    person.quit().await;
}
