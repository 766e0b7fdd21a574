//! The forwards of a pasted command: what leads to a service of the cluster becomes that service's tunnel, now or later.

use std::net::SocketAddr;

use adit::engine::Handle;
use adit::model::{
    ClusterSource, Command, Destination, ForwardSpec, HostId, Intent, LocalBind, ServiceKey,
    Snapshot, TunnelId, TunnelState,
};

use crate::support::engine::{is_live, profile, until};
use crate::support::servers::{closed_port, echo, exchange};
use crate::support::sshd::Sshd;
use crate::support::tiny_api;

/// A forward from this port to `to`, and the port.
fn forward(to: SocketAddr) -> (ForwardSpec, u16) {
    let port = closed_port();
    let forward = ForwardSpec {
        local: LocalBind::loopback(port),
        destination: Destination::tcp("127.0.0.1", to.port()),
    };
    (forward, port)
}

fn is_open(snapshot: &Snapshot, id: &TunnelId) -> bool {
    let tunnel = snapshot.tunnels.get(id);
    tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }))
}

fn local_port(snapshot: &Snapshot, id: &TunnelId) -> u16 {
    snapshot.tunnels[id].local_address().unwrap().port()
}

async fn talk(port: u16) {
    let local = SocketAddr::from(([127, 0, 0, 1], port));
    let back = tokio::task::spawn_blocking(move || exchange(local, b"hello".to_vec()));
    assert_eq!(back.await.unwrap(), b"hello");
}

/// An engine with a host, which has opened these forwards.
async fn opened(sshd: &Sshd, forwards: Vec<ForwardSpec>) -> (Handle, HostId) {
    let mut handle = adit::engine::start();
    let (host, count) = (profile(sshd, "node"), forwards.len());
    let id = host.id.clone();
    handle.send(Command::AddHost(Box::new(host)));
    handle.send(Command::OpenForwards {
        host: id.clone(),
        forwards,
    });
    until(&mut handle, "open", |snapshot| {
        snapshot.tunnels.len() == count && snapshot.tunnels.keys().all(|id| is_open(snapshot, id))
    })
    .await;
    (handle, id)
}

async fn quit(mut handle: Handle) {
    handle.send(Command::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_follows_its_service_once_the_cluster_is_seen() {
    let sshd = Sshd::start(&[]);
    let (service, later, other) = (echo(), echo(), echo());
    let (to_service, port) = forward(service);
    let (to_other, other_port) = forward(other);
    let (mut handle, host) = opened(&sshd, vec![to_service, to_other]).await;
    let (first, second) = (TunnelId::Forward(0), TunnelId::Forward(1));

    let kubeconfig = sshd.path("kubeconfig");
    tiny_api::start_services(&[("echo", service), ("later", later)], &kubeconfig, "t");
    handle.send(Command::UseCluster(ClusterSource::local(
        Some(kubeconfig),
        None,
    )));
    let id = TunnelId::service(ServiceKey::new("default", "echo"), service.port());
    let seen = until(&mut handle, "it follows the service", |snapshot| {
        is_live(snapshot) && is_open(snapshot, &id)
    })
    .await;
    assert_eq!(local_port(&seen, &id), port, "it listens where it did");
    assert!(
        !seen.tunnels.contains_key(&first),
        "it is the service's now"
    );
    assert!(is_open(&seen, &second), "this one leads to no service");
    let told = seen.notices.iter().map(|notice| notice.text.to_string());
    let words = format!("leads to default/echo port {}", service.port());
    assert_eq!(told.filter(|text| text.contains(&words)).count(), 1);
    talk(port).await;
    talk(other_port).await;

    // What is pasted now is the service's from the beginning.
    let (to_later, later_port) = forward(later);
    handle.send(Command::OpenForwards {
        host,
        forwards: vec![to_later],
    });
    let id = TunnelId::service(ServiceKey::new("default", "later"), later.port());
    let seen = until(&mut handle, "open at once", |snapshot| {
        is_open(snapshot, &id)
    })
    .await;
    assert_eq!(local_port(&seen, &id), later_port);
    assert_eq!(seen.tunnels.len(), 3);
    talk(later_port).await;
    quit(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_that_was_closed_meanwhile_stays_closed_as_its_services() {
    let sshd = Sshd::start(&[]);
    let service = echo();
    let (to_service, port) = forward(service);
    let (mut handle, _host) = opened(&sshd, vec![to_service]).await;
    handle.send(Command::SetIntent {
        id: TunnelId::Forward(0),
        intent: Intent::Down,
    });
    let kubeconfig = sshd.path("kubeconfig");
    tiny_api::start(service, &kubeconfig);
    handle.send(Command::UseCluster(ClusterSource::local(
        Some(kubeconfig),
        None,
    )));
    let id = TunnelId::service(ServiceKey::new("default", "echo"), service.port());
    let seen = until(&mut handle, "closed", |snapshot| {
        let tunnel = snapshot.tunnels.get(&id);
        is_live(snapshot) && tunnel.is_some_and(|tunnel| tunnel.state == TunnelState::Off)
    })
    .await;
    assert_eq!(seen.tunnels.len(), 1);
    assert_eq!(seen.tunnels[&id].spec.local, LocalBind::loopback(port));
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    quit(handle).await;
}
