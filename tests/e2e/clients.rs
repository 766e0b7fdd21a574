//! Who is connected through a tunnel: counted as they come and go, and named where somebody asks.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;

use adit::engine::Handle;
use adit::model::{
    Client, Command, Connection, Destination, Intent, LocalBind, Snapshot, Target, TunnelId,
    TunnelSpec, TunnelState,
};

use crate::support::engine::{profile, until};
use crate::support::servers::{connect, echo};
use crate::support::sshd::Sshd;

const ID: TunnelId = TunnelId::Forward(0);

fn connections(snapshot: &Snapshot) -> &[Connection] {
    snapshot.connections.get(&ID).map_or(&[], Arc::as_ref)
}

/// An engine whose tunnel to `target` is open, and where it listens.
async fn opened(sshd: &Sshd, target: SocketAddr) -> (Handle, SocketAddr) {
    let mut handle = adit::engine::start();
    let host = profile(sshd, "node");
    handle.send(Command::AddTunnel(TunnelSpec {
        id: ID,
        host: host.id.clone(),
        local: LocalBind::loopback(0),
        target: Target::Fixed(Destination::tcp("127.0.0.1", target.port())),
    }));
    handle.send(Command::AddHost(Box::new(host)));
    handle.send(Command::SetIntent {
        id: ID,
        intent: Intent::Up,
    });
    let open = until(&mut handle, "open", |snapshot| {
        let tunnel = snapshot.tunnels.get(&ID);
        tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }))
    })
    .await;
    (handle, open.tunnels[&ID].local_address().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_behind_connections_are_named_when_a_face_asks() {
    let sshd = Sshd::start(&[]);
    let (mut handle, local) = opened(&sshd, echo()).await;
    let mut other = Process::new("nc")
        .args([local.ip().to_string(), local.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nc is needed: tests/run installs netcat-openbsd");
    let mut said = other.stdin.take().unwrap();
    said.write_all(b"12345").unwrap();
    let own = tokio::task::spawn_blocking(move || {
        let mut own = connect(local);
        own.write_all(b"123").unwrap();
        own.read_exact(&mut [0; 3]).unwrap();
        own
    });
    let own = own.await.unwrap();
    let seen = until(&mut handle, "both are counted", |snapshot| {
        let mut bytes: Vec<_> = connections(snapshot)
            .iter()
            .map(|it| (it.up_bytes, it.down_bytes))
            .collect();
        bytes.sort_unstable();
        bytes == [(3, 3), (5, 5)]
    })
    .await;
    let is_unasked = |it: &Connection| it.client == Client::Unasked;
    assert!(connections(&seen).iter().all(is_unasked));

    handle.send(Command::NameClients(ID));
    let named = until(&mut handle, "both are named", |snapshot| {
        !connections(snapshot).iter().any(is_unasked)
    })
    .await;
    let of = |peer| {
        let found = connections(&named).iter().find(|it| it.peer == Some(peer));
        match &found.unwrap().client {
            Client::Program(program) => program.pid,
            other => panic!("{other:?}"),
        }
    };
    let mine = own.local_addr().unwrap();
    assert_eq!(of(mine), std::process::id());
    let peers = connections(&named).iter().filter_map(|it| it.peer);
    let theirs: Vec<_> = peers.filter(|peer| *peer != mine).collect();
    assert_eq!(of(theirs[0]), other.id());

    drop((own, said));
    other.kill().unwrap();
    other.wait().unwrap();
    until(&mut handle, "both have gone", |snapshot| {
        connections(snapshot).is_empty()
    })
    .await;
    handle.send(Command::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}
