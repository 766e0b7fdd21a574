//! What a server allows is settled when a session is made: one may be forbidden what another is allowed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use adit::model::{
    Command, Destination, HostProfile, Intent, LocalBind, Target, TunnelId, TunnelSpec, TunnelState,
};

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::engine::{profile, until};
use crate::support::servers::{connect, echo, to};
use crate::support::sshd::Sshd;

const FORBIDDEN: &str = "AllowTcpForwarding no\n";

/// Forbids sessions that are made from now on to forward; what they were allowed before.
fn forbid(sshd: &Sshd) -> String {
    let config = sshd.path("sshd_config");
    let allowed = fs::read_to_string(&config).unwrap();
    fs::write(config, format!("{FORBIDDEN}{allowed}")).unwrap();
    allowed
}

/// A client that has been served, and stays.
fn served(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(b"?").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    stream
}

fn count(sshd: &Sshd, words: &str) -> usize {
    sshd.log().matches(words).count()
}

#[test]
fn a_client_that_a_later_session_may_not_carry_is_carried_by_an_earlier_one() {
    let sshd = Sshd::start(&[]);
    let words = ["-o", "AditSessions=2", "-L", &to(echo())];
    let adit = Running::forward(&sshd, &words);
    let address = adit.listening(0);
    forbid(&sshd);
    let mut stay = vec![served(address), served(address)];
    let end = Instant::now() + LIMIT;
    // The second session joins, and has less to do than the first: it is asked, once.
    while count(&sshd, "refused local port forward") == 0 {
        assert!(Instant::now() < end, "no session was refused anything");
        stay.push(served(address));
    }
    stay.extend((0..20).map(|_| served(address)));
    assert_eq!(count(&sshd, "refused local port forward"), 1);
    for client in &mut stay {
        client.write_all(b"!").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
}

/// The session that may carry is lost, the other stays: the light does not wait for a client to find that out.
#[test]
fn a_tunnel_that_no_session_left_may_carry_is_not_shown_as_open() {
    let sshd = Sshd::start(&[]);
    let words = ["-o", "AditSessions=2", "-L", &to(echo())];
    let adit = Running::forward(&sshd, &words);
    let address = adit.listening(0);
    forbid(&sshd);
    let mut stay = vec![served(address)];
    let end = Instant::now() + LIMIT;
    while count(&sshd, "refused local port forward") == 0 {
        assert!(Instant::now() < end, "no session was refused anything");
        stay.push(served(address));
    }
    sshd.kill_first_session();
    assert_eq!(adit.failed()["code"], "forwarding-prohibited");
    assert_eq!(adit.exit_code(), 1);
}

#[test]
fn a_socks_client_is_handed_on_as_well() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-o", "AditSessions=2", "-D", "127.0.0.1:0"]);
    let (address, target) = (adit.listening(0), echo());
    let client = || {
        let mut stream = connect(address);
        let mut hello = vec![4, 1];
        hello.extend(target.port().to_be_bytes());
        hello.extend([127, 0, 0, 1, 0]);
        stream.write_all(&hello).unwrap();
        let mut reply = [0; 8];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[1], 90, "it is granted");
        stream.write_all(b"?").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
    };
    forbid(&sshd);
    let mut stay = vec![client(), client()];
    let end = Instant::now() + LIMIT;
    while count(&sshd, "refused local port forward") == 0 {
        assert!(Instant::now() < end, "no session was refused anything");
        stay.push(client());
    }
    stay.push(client());
}

/// The server's settings are mended while the session that they forbade everything still stands.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_forbidden_and_is_allowed_again_is_had_by_another_try() {
    let sshd = Sshd::start(&[]);
    let allowed = forbid(&sshd);
    let (id, target) = (TunnelId::Forward(0), echo());
    let mut handle = adit::engine::start();
    let host = HostProfile {
        max_sessions: 1,
        ..profile(&sshd, "node")
    };
    handle.send(Command::AddHost(Box::new(host.clone())));
    handle.send(Command::AddTunnel(TunnelSpec {
        id: id.clone(),
        host: host.id,
        local: LocalBind::loopback(0),
        target: Target::Fixed(Destination::tcp("127.0.0.1", target.port())),
    }));
    let want = || Command::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    };
    handle.send(want());
    let failed = until(&mut handle, "failed", |snapshot| {
        let tunnel = snapshot.tunnels.get(&id);
        tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Failed(_)))
    })
    .await;
    let fault = failed.tunnels[&id].state.fault().unwrap();
    assert_eq!(fault.cause.code(), "forwarding-prohibited");

    fs::write(sshd.path("sshd_config"), allowed).unwrap();
    handle.send(want());
    let open = until(&mut handle, "open", |snapshot| {
        matches!(snapshot.tunnels[&id].state, TunnelState::Open { .. })
    })
    .await;
    let address = open.tunnels[&id].local_address().unwrap();
    tokio::task::spawn_blocking(move || served(address))
        .await
        .unwrap();
    assert_eq!(count(&sshd, "Connection from"), 2);
    handle.send(Command::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}
