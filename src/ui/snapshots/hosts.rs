//! The page of hosts: what a test found, and the hosts of ssh_config; and a forward in the list.

use std::sync::Arc;

use super::super::view::Page;
use super::Shot;
use super::states::demo;
use crate::diagram::testing::key;
use crate::model::{
    ChangedHostKey, Destination, Fault, FaultCause, ForwardSpec, Hop, Language, LocalBind, Moment,
    ProbeCheck, ProbeId, ProbeNote, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ProbeVerdict, ResolvedSshHost, SavedHost, SkipReason, Snapshot, SshHost, SshHosts, Target,
    TunnelId, words,
};

const LOGIN: &str = "ubuntu@203.0.113.7";

pub(super) fn all() -> Vec<Shot> {
    let shot = |name, snapshot| Shot {
        name,
        size: [860.0, 640.0],
        page: Page::Hosts,
        selected: 0,
        clicks: &[],
        snapshot,
    };
    vec![
        Shot {
            clicks: &["Test prod"],
            ..shot("host-key-changed", tested())
        },
        Shot {
            clicks: &["~/.ssh/config에서 가져오기"],
            ..shot("import-korean", importing())
        },
        Shot {
            page: Page::Services,
            size: [1280.0, 760.0],
            selected: 6,
            ..shot("forward", forwarding())
        },
        Shot {
            size: [380.0, 840.0],
            clicks: &["Fill in a host"],
            ..shot("narrow-form", demo())
        },
        Shot {
            page: Page::Settings,
            size: [380.0, 840.0],
            ..shot("narrow-settings-korean", importing())
        },
        Shot {
            page: Page::Services,
            size: [380.0, 320.0],
            selected: 1,
            ..shot("smallest", demo())
        },
    ]
}

fn tested() -> Snapshot {
    let mut snapshot = demo();
    let host = SavedHost::new("prod", "203.0.113.7");
    let hop = || LOGIN.to_owned();
    let passed = |note| ProbeOutcome::Passed {
        micros: Some(12_345),
        note,
    };
    let changed = ChangedHostKey {
        key_type: "ssh-ed25519".to_owned(),
        fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrXw9VpU7Jd1yJ1pJm6e1XQY".to_owned(),
        held: "ssh-ed25519 SHA256:GGf3aR0wYc1xUZl8nqUeoGZ0XhC1bq9bQ0nDYmR4n7A".to_owned(),
        name: "203.0.113.7".to_owned(),
        file: "/home/me/.ssh/known_hosts".into(),
        line: 7,
    };
    let broken = ProbeOutcome::Failed {
        fault: Fault {
            hop: Hop::Ssh(hop()),
            cause: FaultCause::HostKeyChanged(Box::new(changed)),
        },
        likely: None,
    };
    let skipped = || ProbeOutcome::Skipped(SkipReason::BrokenBefore);
    let steps = [
        (
            ProbeCheck::Connect { hop: hop() },
            passed(Some(ProbeNote::Quiet)),
        ),
        (ProbeCheck::HostKey { hop: hop() }, broken),
        (ProbeCheck::Login { hop: hop() }, skipped()),
        (ProbeCheck::Forwarding, skipped()),
    ];
    let steps = steps.map(|(check, outcome)| ProbeStep { check, outcome });
    snapshot.probes = vec![Arc::new(ProbeReport {
        id: ProbeId(1),
        target: ProbeTarget::Host(host.id.clone()),
        host: Some(hop()),
        started: Moment::START,
        steps: steps.into(),
        pods_left_out: 0,
        verdict: ProbeVerdict::Broken { first: 1 },
    })];
    snapshot.saved_hosts.insert(host.id.clone(), Arc::new(host));
    snapshot
}

fn importing() -> Snapshot {
    let mut snapshot = demo();
    Arc::make_mut(&mut snapshot.settings).window.language = Language::Korean;
    let known = SavedHost::new("bastion", "bastion");
    snapshot
        .saved_hosts
        .insert(known.id.clone(), Arc::new(known));
    let resolved = |login: &str| ResolvedSshHost {
        login: login.to_owned(),
        identities: vec!["~/.ssh/prod.pem".to_owned()],
        ..ResolvedSshHost::default()
    };
    let prod = ResolvedSshHost {
        via: vec!["me@bastion".to_owned()],
        forwards: vec![ForwardSpec {
            local: LocalBind::loopback(8080),
            destination: Destination::tcp("10.0.0.241", 80),
        }],
        ..resolved(LOGIN)
    };
    let circle = words!(
        "the jump hosts (ProxyJump) of {host} lead in a circle, or through more than 16 hosts",
        host = "loop"
    );
    let hosts = [
        ("prod", Ok(prod)),
        ("bastion", Ok(resolved("me@bastion.example.org"))),
        ("loop", Err(circle)),
    ];
    let hosts = hosts.map(|(alias, resolved)| SshHost {
        alias: alias.to_owned(),
        resolved,
    });
    snapshot.ssh_hosts = Some(Arc::new(SshHosts {
        file: "~/.ssh/config".to_owned(),
        hosts: hosts.into(),
        problem: None,
    }));
    snapshot
}

/// A forward that leads to no service, and another.
fn forwarding() -> Snapshot {
    let mut snapshot = demo();
    let open = snapshot.tunnels[&TunnelId::service(key(), 80)].clone();
    for (index, place) in (0..).zip(["10.0.0.5:5432", "[fd00:10::5]:443"]) {
        let mut tunnel = open.clone();
        let spec = &mut Arc::make_mut(&mut tunnel).spec;
        spec.id = TunnelId::Forward(index);
        spec.target = Target::Fixed(place.parse().unwrap());
        snapshot.tunnels.insert(spec.id.clone(), tunnel.clone());
    }
    snapshot
}
