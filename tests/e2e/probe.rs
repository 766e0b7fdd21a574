//! Probes against the real sshd: each hop, broken in turn, is the one that is named.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use adit::engine::{self, Handle};
use adit::model::{
    ClusterSource, Command, HostId, HostKeyPolicy, HostProfile, Intent, ProbeNote, ProbeOutcome,
    ProbeReport, ProbeStep, ProbeTarget, ProbeVerdict, Route, ServiceKey, TunnelId, TunnelState,
};

use crate::support::api::{self, Addresses};
use crate::support::servers::{Silent, closed_port, connect};
use crate::support::sshd::{Sshd, make_key};
use crate::support::{self, LIMIT};

fn profile(sshd: &Sshd) -> HostProfile {
    HostProfile {
        host_key_policy: HostKeyPolicy::Strict,
        batch_mode: true,
        ..support::engine::profile(sshd, "127.0.0.1")
    }
}

/// The report of this target once it has ended.
async fn report(handle: &mut Handle, target: &ProbeTarget) -> Arc<ProbeReport> {
    let ended = async {
        let mut snapshot = handle.snapshot();
        loop {
            match snapshot.probe_of(target) {
                Some(report) if report.is_over() => return Arc::clone(report),
                _ => snapshot = handle.changed().await.unwrap(),
            }
        }
    };
    tokio::time::timeout(LIMIT, ended).await.unwrap()
}

async fn probe_host(profile: HostProfile) -> Arc<ProbeReport> {
    let mut handle = engine::start();
    let target = ProbeTarget::Host(HostId::new(profile.id.as_str()));
    handle.send(Command::ProbeHost(Box::new(profile)));
    report(&mut handle, &target).await
}

fn codes(report: &ProbeReport) -> Vec<String> {
    let code = |step: &ProbeStep| match &step.outcome {
        ProbeOutcome::Failed { fault, .. } => {
            format!("{} {}", step.check.code(), fault.cause.code())
        }
        outcome => format!("{} {}", step.check.code(), outcome.code()),
    };
    report.steps.iter().map(code).collect()
}

#[tokio::test]
async fn a_host_that_works_is_passed_hop_by_hop() {
    let sshd = Sshd::start(&[]);
    let report = probe_host(profile(&sshd)).await;
    assert_eq!(
        codes(&report),
        [
            "name passed",
            "connect passed",
            "host-key passed",
            "login passed",
            "forwarding passed"
        ]
    );
    assert_eq!(report.verdict, ProbeVerdict::Works);
    let ProbeOutcome::Passed { micros, .. } = report.steps[1].outcome else {
        unreachable!("it passed")
    };
    assert!(micros.is_some(), "the connection was timed");
}

#[tokio::test]
async fn the_hop_that_is_broken_is_named() {
    let sshd = Sshd::start(&[]);
    let deaf = Sshd::start(&["AllowTcpForwarding no"]);
    let with = |change: &dyn Fn(&mut HostProfile)| {
        let mut profile = profile(&sshd);
        change(&mut profile);
        profile
    };
    let other_key = sshd.path("other");
    make_key(&other_key);
    let closed = closed_port();
    for (profile, broken) in [
        (
            with(&|profile| profile.address = "no-such-host.invalid".to_owned()),
            "name name-not-found",
        ),
        (
            with(&|profile| profile.port = closed),
            "connect connect-refused",
        ),
        (
            with(&|profile| profile.known_hosts.clear()),
            "host-key host-key-unknown",
        ),
        (
            with(&|profile| profile.identities = vec![other_key.clone()]),
            "login auth-rejected",
        ),
        (self::profile(&deaf), "forwarding forwarding-prohibited"),
    ] {
        let report = probe_host(profile).await;
        let ProbeVerdict::Broken { first } = report.verdict else {
            panic!("{broken}: {report:?}")
        };
        let codes = codes(&report);
        assert_eq!(codes[first], broken, "{codes:?}");
        assert!(codes[..first].iter().all(|code| code.ends_with("passed")));
        assert!(
            codes[first + 1..]
                .iter()
                .all(|code| code.ends_with("skipped"))
        );
    }
}

/// A server that answers every request by HTTP.
fn web(address: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 512];
            let _any = stream.read(&mut request);
            let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_and_a_refused_address_are_told_apart_and_no_tunnel_waits() {
    let sshd = Sshd::start(&[]);
    // The MetalLB IP hangs, the ClusterIP refuses, the pod works.
    let silent = Silent::start();
    let port = silent.address().port();
    let pod = web(SocketAddr::from(([127, 0, 0, 4], 0)));
    let addresses = Addresses {
        metallb: silent.address(),
        cluster: SocketAddr::from(([127, 0, 0, 3], port)),
        pod,
    };
    let kubeconfig = sshd.path("kubeconfig");
    api::serve(&addresses, &kubeconfig);

    let mut handle = engine::start();
    handle.send(Command::AddHost(Box::new(profile(&sshd))));
    handle.send(Command::UseCluster(ClusterSource::local(
        Some(kubeconfig),
        None,
    )));
    let service = ServiceKey::new("default", "ui");
    let tunnel = TunnelId::service(service.clone(), port);
    open_by_pod(&mut handle, &tunnel).await;

    let target = ProbeTarget::Service {
        service: service.clone(),
        port,
    };
    handle.send(Command::Probe { service, port });
    let report = report(&mut handle, &target).await;
    let codes = codes(&report);
    assert_eq!(
        codes[codes.len() - 5..],
        [
            "service passed",
            "target target-timed-out",
            "target target-refused",
            "target skipped",
            "target passed"
        ],
        "{codes:?}"
    );
    assert_eq!(report.first_broken().unwrap().route(), Some(Route::MetalLb));
    assert!(
        matches!(&report.verdict, ProbeVerdict::Partly { works_by, .. } if *works_by == [Route::Pod])
    );
    let ProbeOutcome::Passed {
        note: Some(note),
        micros: Some(_),
    } = &report.steps.last().unwrap().outcome
    else {
        panic!("{report:?}")
    };
    assert_eq!(*note, ProbeNote::Http("HTTP/1.1 204 No Content".to_owned()));
    // The first step found Adit's own tunnel, which has worked all the time.
    let own = ProbeOutcome::Passed {
        micros: None,
        note: Some(ProbeNote::OwnTunnel),
    };
    assert_eq!(report.steps[0].outcome, own);
    let local = handle.snapshot().tunnels[&tunnel].local_address().unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = connect(local);
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 204"));
}

async fn open_by_pod(handle: &mut Handle, tunnel: &TunnelId) {
    handle.send(Command::SetIntent {
        id: tunnel.clone(),
        intent: Intent::Up,
    });
    handle.send(Command::SetRoute {
        id: tunnel.clone(),
        route: Some(Route::Pod),
    });
    let open = async {
        loop {
            let snapshot = handle.changed().await.unwrap();
            let state = snapshot.tunnels.get(tunnel).map(|tunnel| &tunnel.state);
            if matches!(state, Some(TunnelState::Open { .. })) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, open).await.unwrap();
}

#[tokio::test]
async fn a_probe_that_is_cancelled_ends_at_once() {
    let silent = Silent::start();
    let mut profile = HostProfile::new("u", "127.0.0.1", silent.address().port());
    profile.connect_timeout = LIMIT * 10;
    let mut handle = engine::start();
    let target = ProbeTarget::Host(profile.id.clone());
    handle.send(Command::ProbeHost(Box::new(profile)));
    let id = loop {
        let snapshot = handle.changed().await.unwrap();
        if let Some(report) = snapshot.probe_of(&target)
            && report
                .steps
                .iter()
                .any(|step| step.outcome == ProbeOutcome::Running)
        {
            break report.id;
        }
    };
    handle.send(Command::CancelProbe(id));
    let report = report(&mut handle, &target).await;
    assert_eq!(report.verdict, ProbeVerdict::Cancelled);
}
