//! Every fault's words in both languages, as a table to be read: `tests/golden/faults.txt`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::model::{ChangedHostKey, Destination, Namespace, PortHolder, Route, ServiceKey, words};

const FINGERPRINT: &str = "SHA256:GGf3aR0wYc1xUZl8nqUeoGZ0XhC1bq9bQ0nDYmR4n7A";

fn host() -> Hop {
    Hop::Ssh("ubuntu@10.0.0.100".to_owned())
}

fn target() -> Hop {
    Hop::Target(Destination::tcp("10.0.0.241", 80))
}

fn socket() -> Hop {
    Hop::Target(Destination::Socket("/run/app.sock".to_owned()))
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn service() -> ServiceKey {
    ServiceKey {
        namespace: Namespace::new("shop"),
        name: "cart".into(),
    }
}

fn address() -> SocketAddr {
    "127.0.0.1:8080".parse().unwrap()
}

fn handshake(phase: SshPhase, reason: Words) -> (Hop, FaultCause) {
    (host(), FaultCause::HandshakeFailed { phase, reason })
}

fn refused_key(why: HostKeyRefusal) -> (Hop, FaultCause) {
    let cause = FaultCause::HostKeyRefused {
        why,
        file: "/home/me/.ssh/known_hosts".into(),
        line: 7,
    };
    (host(), cause)
}

/// Examples of the cause that comes after `before`: the first one comes after none. A cause that is added is missed here.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each cause")]
fn after(before: Option<&FaultCause>) -> Vec<(Hop, FaultCause)> {
    use FaultCause as F;
    let Some(before) = before else {
        let busy = |holder, free_port| {
            let address = address();
            let cause = F::PortInUse {
                address,
                holder,
                free_port,
            };
            (Hop::Local, cause)
        };
        let nginx = PortHolder {
            pid: 42,
            name: "nginx".to_owned(),
        };
        return vec![busy(Some(nginx), Some(8081)), busy(None, None)];
    };
    match before {
        F::PortInUse { .. } => vec![(
            Hop::Local,
            F::BindFailed {
                address: "127.0.0.1:80".to_owned(),
                reason: "Permission denied (os error 13)".to_owned().into(),
            },
        )],
        F::BindFailed { .. } => vec![(
            Hop::Ssh("ubuntu@node.example".to_owned()),
            F::NameNotFound {
                host: "node.example".to_owned(),
                reason: "Name or service not known".to_owned().into(),
            },
        )],
        F::NameNotFound { .. } => vec![(host(), F::ConnectRefused)],
        F::ConnectRefused => vec![(host(), F::ConnectReset)],
        F::ConnectReset => vec![(
            host(),
            F::ConnectTimedOut {
                after: Duration::from_secs(10),
            },
        )],
        F::ConnectTimedOut { .. } => vec![(
            host(),
            F::ConnectFailed {
                reason: words!(
                    "there is no route to it ({reason})",
                    reason = "No route to host (os error 113)"
                ),
            },
        )],
        F::ConnectFailed { .. } => vec![(host(), F::TooManyFiles)],
        F::TooManyFiles => vec![
            handshake(
                SshPhase::Greeting,
                words!(
                    "it is no SSH server; it says '{line}'",
                    line = "HTTP/1.1 400 Bad Request"
                ),
            ),
            handshake(
                SshPhase::Greeting,
                words!("it has too many connections that have not logged in (MaxStartups)"),
            ),
            handshake(SshPhase::KeyExchange, words!("the connection was reset")),
            handshake(
                SshPhase::Login,
                words!(
                    "the server has been silent for {seconds} s",
                    seconds = 15_u64
                ),
            ),
        ],
        F::HandshakeFailed { .. } => {
            let clash = |kind, ours: &[&str], theirs: &[&str]| {
                let (ours, theirs) = (names(ours), names(theirs));
                (host(), F::NoCommonAlgorithm { kind, ours, theirs })
            };
            vec![
                clash("cipher", &["aes128-gcm@openssh.com"], &["3des-cbc"]),
                clash(
                    "key exchange",
                    &["curve25519-sha256"],
                    &["diffie-hellman-group1-sha1"],
                ),
            ]
        }
        F::NoCommonAlgorithm { .. } => vec![(
            host(),
            F::NextHopUnreachable {
                next: Destination::tcp("10.0.0.7", 22),
            },
        )],
        F::NextHopUnreachable { .. } => vec![(
            host(),
            F::NextHopForbidden {
                next: Destination::tcp("10.0.0.7", 22),
            },
        )],
        F::NextHopForbidden { .. } => vec![(
            host(),
            F::KnownHostsUnreadable {
                path: "/home/me/.ssh/known_hosts".into(),
                reason: "Permission denied (os error 13)".to_owned().into(),
            },
        )],
        F::KnownHostsUnreadable { .. } => {
            let unknown = |key_type: &str, known_as: &[&str]| {
                let cause = F::HostKeyUnknown {
                    key_type: key_type.to_owned(),
                    fingerprint: FINGERPRINT.to_owned(),
                    known_as: names(known_as),
                };
                (host(), cause)
            };
            vec![
                unknown("ssh-ed25519", &[]),
                unknown("ecdsa-sha2-nistp256", &["10.0.0.99", "node"]),
            ]
        }
        F::HostKeyUnknown { .. } => vec![(
            host(),
            F::HostKeyChanged(Box::new(ChangedHostKey {
                key_type: "ssh-ed25519".to_owned(),
                fingerprint: FINGERPRINT.to_owned(),
                held: "ssh-ed25519 SHA256:ZP0mQ2u8mR9X3Jq1cQfXzT5y8m2b7c4d6e8f0a1b2c3".to_owned(),
                name: "10.0.0.100".to_owned(),
                file: "/home/me/.ssh/known_hosts".into(),
                line: 7,
            })),
        )],
        F::HostKeyChanged(_) => vec![
            refused_key(HostKeyRefusal::Revoked),
            refused_key(HostKeyRefusal::CertAuthority {
                name: "node.example".to_owned(),
            }),
        ],
        F::HostKeyRefused { .. } => vec![(
            host(),
            F::KeyUnreadable {
                path: "/home/me/key.pem".into(),
                reason: words!("it does not exist"),
            },
        )],
        F::KeyUnreadable { .. } => vec![(
            host(),
            F::KeyPermissions {
                path: "/home/me/my keys/key.pem".into(),
                mode: 0o644,
            },
        )],
        F::KeyPermissions { .. } => {
            let putty = crate::model::KeyProblem::Putty;
            vec![
                (
                    host(),
                    F::KeyFormat {
                        path: "/home/me/key.ppk".into(),
                        reason: putty.words(),
                        hint: Some(Box::new(putty.next_step("/home/me/key.ppk"))),
                    },
                ),
                (
                    host(),
                    F::KeyFormat {
                        path: "/home/me/key.pem".into(),
                        reason: words!("cannot be used: {reason}", reason = "it could not sign"),
                        hint: None,
                    },
                ),
            ]
        }
        F::KeyFormat { .. } => vec![(
            host(),
            F::PassphraseRefused {
                path: "/home/me/key.pem".into(),
            },
        )],
        F::PassphraseRefused { .. } => vec![(
            host(),
            F::AuthRejected {
                tried: vec![
                    "/home/me/key.pem".to_owned().into(),
                    "password".to_owned().into(),
                ],
                accepted: names(&["publickey", "password"]),
            },
        )],
        F::AuthRejected { .. } => {
            let nothing = |accepted: &[&str]| {
                let accepted = names(accepted);
                (host(), F::NothingToAuthenticateWith { accepted })
            };
            vec![
                nothing(&["publickey"]),
                nothing(&["password", "keyboard-interactive"]),
            ]
        }
        F::NothingToAuthenticateWith { .. } => {
            vec![
                (target(), F::ForwardingProhibited),
                (socket(), F::ForwardingProhibited),
            ]
        }
        F::ForwardingProhibited => vec![(target(), F::TargetRefused)],
        F::TargetRefused => {
            vec![(
                target(),
                F::TargetTimedOut {
                    after: Duration::from_secs(10),
                },
            )]
        }
        F::TargetTimedOut { .. } => vec![(target(), F::TargetHungUp)],
        F::TargetHungUp => vec![(target(), F::ServerExhausted)],
        F::ServerExhausted => vec![(socket(), F::ForwardingUnsupported)],
        F::ForwardingUnsupported => vec![(
            host(),
            F::SessionLost {
                reason: words!(
                    "the server has been silent for {seconds} s",
                    seconds = 15_u64
                ),
            },
        )],
        F::SessionLost { .. } => vec![(Hop::Cluster, F::ServiceMissing { service: service() })],
        F::ServiceMissing { .. } => {
            let lacks = |has: &[u16]| {
                let (service, has) = (service(), has.to_vec());
                (
                    Hop::Cluster,
                    F::PortMissing {
                        service,
                        port: 81,
                        has,
                    },
                )
            };
            vec![lacks(&[80, 443]), lacks(&[])]
        }
        F::PortMissing { .. } => vec![(Hop::Cluster, F::NotTcp { port: 53 })],
        F::NotTcp { .. } => {
            let lacking = |route, reason| (Hop::Cluster, F::RouteUnavailable { route, reason });
            vec![
                lacking(
                    Some(Route::MetalLb),
                    words!("the service has no MetalLB IP"),
                ),
                lacking(None, words!("the service has no MetalLB IP yet")),
            ]
        }
        F::RouteUnavailable { .. } => vec![(Hop::Cluster, F::NoCluster)],
        F::NoCluster => {
            let unavailable = |hint| {
                // Its full stop is not told.
                let reason = words!(
                    "There is no kubeconfig at {paths}.",
                    paths = "~/.kube/config"
                );
                (Hop::Cluster, F::ClusterUnavailable { reason, hint })
            };
            let hint = words!("Check the network, the VPN, and that the cluster runs.");
            vec![unavailable(None), unavailable(Some(Box::new(hint)))]
        }
        F::ClusterUnavailable { .. } => {
            let config = |hop, reason| (hop, F::Config { reason });
            vec![
                config(
                    host(),
                    words!(
                        "{keyword} has nothing that Adit supports (it is: {list}); Adit has: {ours}",
                        keyword = "MACs",
                        list = "umac-64@openssh.com",
                        ours = "hmac-sha2-256,hmac-sha2-512"
                    ),
                ),
                config(Hop::Local, words!("there is no SSH host yet to go through")),
            ]
        }
        F::Config { .. } => Vec::new(),
    }
}

fn all() -> Vec<Fault> {
    let mut all: Vec<Fault> = Vec::new();
    loop {
        let next = after(all.last().map(|fault| &fault.cause));
        if next.is_empty() {
            return all;
        }
        all.extend(next.into_iter().map(|(hop, cause)| Fault { hop, cause }));
    }
}

#[test]
fn the_words_of_every_fault_are_the_golden_file() {
    let mut table = String::new();
    for fault in all() {
        let code = fault.cause.code();
        writeln!(table, "{code}: {:?}", fault.cause.recovery()).unwrap();
        for lang in [Lang::English, Lang::Korean] {
            let (name, next) = (lang.fault_name(&fault.cause), lang.next_step(&fault));
            writeln!(table, "  {name}: {}\n    {next}", lang.fault(&fault)).unwrap();
        }
    }
    let golden = include_str!("../../../tests/golden/faults.txt");
    assert!(table == golden, "the words differ; now they are\n{table}");
}

/// Where a person is to look is named: the hop, or else the file or the service that the fault is about.
fn place(fault: &Fault) -> String {
    match (&fault.hop, &fault.cause) {
        (_, FaultCause::PortInUse { address, .. }) => address.to_string(),
        (_, FaultCause::BindFailed { address, .. }) => address.clone(),
        (_, FaultCause::NameNotFound { host, .. }) => host.clone(),
        (
            _,
            FaultCause::KeyUnreadable { path, .. }
            | FaultCause::KeyPermissions { path, .. }
            | FaultCause::KeyFormat { path, .. }
            | FaultCause::PassphraseRefused { path },
        ) => path.display().to_string(),
        (_, FaultCause::ServiceMissing { service } | FaultCause::PortMissing { service, .. }) => {
            service.to_string()
        }
        (Hop::Ssh(login), _) => login.clone(),
        (Hop::Target(destination), _) => destination.to_string(),
        (Hop::Local | Hop::Cluster, _) => String::new(),
    }
}

#[test]
fn every_fault_says_where_it_happened_and_what_to_do() {
    let mut codes = BTreeSet::new();
    for fault in all() {
        codes.insert(fault.cause.code());
        for lang in [Lang::English, Lang::Korean] {
            let (what, next) = (lang.fault(&fault), lang.next_step(&fault));
            assert!(what.contains(&place(&fault)), "{what}");
            assert!(!what.ends_with('.') && !what.contains(".."), "{what}");
            let is_command = next.contains(": chmod ") || next.contains(": ssh-");
            assert!(next.ends_with('.') != is_command, "{next}");
            let is_korean = what.contains("니다") && next.contains(['요', '다']);
            assert_eq!(is_korean, lang == Lang::Korean, "{what} {next}");
        }
    }
    let documented = include_str!("../../../docs/json.md");
    for code in &codes {
        assert!(
            documented.contains(&format!("`{code}`")),
            "docs/json.md lacks {code}"
        );
    }
    // One of them is told more than one way, none is left out.
    assert!(all().len() > codes.len() && codes.contains("config"));
}

#[test]
fn a_loose_key_is_mended_by_the_command_that_is_named() {
    let fault = all()
        .into_iter()
        .find(|fault| fault.cause.code() == "key-permissions")
        .unwrap();
    for lang in [Lang::English, Lang::Korean] {
        assert!(lang.fault(&fault).contains("0644"));
        let next = lang.next_step(&fault);
        assert!(
            next.ends_with("chmod 600 '/home/me/my keys/key.pem'"),
            "{next}"
        );
    }
}
