//! Probes, the diagram and the address map, in both languages.

use std::sync::Arc;

use super::super::view::Page;
use super::Shot;
use super::states::{broken, demo};
use crate::diagram::testing::{fault, jump_host, key, tunnel, up};
use crate::model::{
    Destination, FaultCause, Hop, Language, LikelyCause, LocalBind, Moment, ProbeCheck, ProbeId,
    ProbeNote, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget, ProbeVerdict, Route, SkipReason,
    Snapshot, TunnelState, VaultStatus, words,
};

const TALL: [f32; 2] = [1280.0, 980.0];

pub(super) fn all() -> Vec<Shot> {
    let shot = |name, snapshot| Shot {
        name,
        size: TALL,
        page: Page::Services,
        selected: 1,
        clicks: &[],
        snapshot,
    };
    vec![
        shot("probe-running", probed(running())),
        shot("probe-failed", probed(failed())),
        shot("probe-failed-korean", korean(probed(failed()))),
        shot("open-korean", korean(demo())),
        Shot {
            selected: 2,
            ..shot("pending-korean", korean(demo()))
        },
        Shot {
            size: [1280.0, 700.0],
            ..shot("broken-korean", korean(broken()))
        },
        Shot {
            page: Page::Map,
            size: [1000.0, 1080.0],
            ..shot("map-korean", korean(demo()))
        },
        Shot {
            size: [960.0, 760.0],
            ..shot("keyring-locked", without_keyring(VaultStatus::Locked))
        },
        Shot {
            page: Page::Hosts,
            size: [720.0, 560.0],
            ..shot("keyring-absent-korean", korean(without_keyring(absent())))
        },
        Shot {
            size: [380.0, 900.0],
            ..shot("narrow", demo())
        },
    ]
}

fn without_keyring(vault: VaultStatus) -> Snapshot {
    Snapshot {
        vault,
        ..Snapshot::default()
    }
}

fn absent() -> VaultStatus {
    VaultStatus::Absent {
        reason: "org.freedesktop.DBus.Error.ServiceUnknown".to_owned(),
        remedy: words!(
            "Install gnome-keyring (Debian and Ubuntu: sudo apt install gnome-keyring) and log in again."
        ),
    }
}

fn korean(mut snapshot: Snapshot) -> Snapshot {
    let settings = Arc::make_mut(&mut snapshot.settings);
    settings.window.language = Language::Korean;
    snapshot
}

/// The first service with a probe of these steps.
fn probed(report: ProbeReport) -> Snapshot {
    let mut snapshot = demo();
    snapshot.hosts = vec![Arc::new(jump_host(up()))];
    tunnel(&mut snapshot, &key(), 80, TunnelState::Off);
    snapshot.probes = vec![Arc::new(report)];
    snapshot
}

fn report(steps: Vec<ProbeStep>, verdict: ProbeVerdict) -> ProbeReport {
    ProbeReport {
        id: ProbeId(1),
        target: ProbeTarget::Service {
            service: key(),
            port: 80,
        },
        host: Some("ubuntu@10.0.0.100".to_owned()),
        started: Moment::START,
        steps,
        pods_left_out: 0,
        verdict,
    }
}

fn passed(check: ProbeCheck, micros: Option<u64>, note: Option<ProbeNote>) -> ProbeStep {
    ProbeStep {
        check,
        outcome: ProbeOutcome::Passed { micros, note },
    }
}

fn target(route: Route, host: &str, port: u16, name: Option<&str>) -> ProbeCheck {
    ProbeCheck::Target {
        route,
        destination: Some(Destination::tcp(host, port)),
        name: name.map(Into::into),
    }
}

/// Up to the login.
fn near() -> Vec<ProbeStep> {
    let mut steps = vec![
        passed(ProbeCheck::LocalPort(LocalBind::loopback(8080)), None, None),
        passed(
            ProbeCheck::Name {
                host: "bastion.example.org".to_owned(),
            },
            Some(3_100),
            Some(ProbeNote::Addresses(vec!["203.0.113.7".parse().unwrap()])),
        ),
    ];
    for hop in ["ec2-user@bastion.example.org", "ubuntu@10.0.0.100"] {
        let hop = || hop.to_owned();
        let fingerprint = "SHA256:s7Hc0vIkYQ2yHXo8pVwJj5".to_owned();
        let by = "publickey (ed25519)".to_owned();
        steps.extend([
            passed(ProbeCheck::Connect { hop: hop() }, Some(12_400), None),
            passed(
                ProbeCheck::HostKey { hop: hop() },
                Some(18_900),
                Some(ProbeNote::Fingerprint(fingerprint)),
            ),
            passed(
                ProbeCheck::Login { hop: hop() },
                Some(41_000),
                Some(ProbeNote::LoggedInBy(by)),
            ),
        ]);
    }
    steps.push(passed(
        ProbeCheck::Service {
            service: key(),
            port: 80,
        },
        None,
        None,
    ));
    steps
}

fn running() -> ProbeReport {
    let mut steps = near();
    steps.truncate(7);
    let login = steps.pop().unwrap();
    steps.push(ProbeStep {
        check: login.check,
        outcome: ProbeOutcome::Running,
    });
    let later = [
        target(Route::MetalLb, "10.0.0.241", 80, None),
        target(Route::ClusterIp, "10.108.202.210", 80, None),
        target(Route::Pod, "10.244.1.1", 8080, Some("ui-0")),
    ];
    steps.extend(later.map(ProbeStep::pending));
    report(steps, ProbeVerdict::Running)
}

fn failed() -> ProbeReport {
    let mut steps = near();
    let first = steps.len();
    let refused = |route, host: &str, port, name| ProbeStep {
        check: target(route, host, port, name),
        outcome: ProbeOutcome::Failed {
            fault: fault(
                Hop::Target(Destination::tcp(host, port)),
                FaultCause::TargetRefused,
            ),
            likely: Some(LikelyCause::WrongTargetPort),
        },
    };
    steps.extend([
        refused(Route::MetalLb, "10.0.0.241", 80, None),
        refused(Route::ClusterIp, "10.108.202.210", 80, None),
        ProbeStep {
            check: ProbeCheck::Target {
                route: Route::NodePort,
                destination: None,
                name: None,
            },
            outcome: ProbeOutcome::Skipped(SkipReason::NotThere),
        },
        refused(Route::Pod, "10.244.1.1", 8080, Some("ui-0")),
    ]);
    report(steps, ProbeVerdict::Broken { first })
}
