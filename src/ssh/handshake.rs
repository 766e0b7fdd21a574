//! The key exchange with a host and the verification of its key. Nothing about the person is sent before that.

use super::ciphers::default_preference;
use super::dial::Observer;
use super::key_blob::{fingerprint, type_name};
use super::known_hosts::{HostKeyVerdict, KnownHosts, KnownHostsError};
use super::stream::Socket;
use crate::model::{
    Answer, FaultCause, HostKeyPolicy, HostProfile, Question, SessionFacts, printable,
};

use libssh2_sys as sys;
use ssh2::{ErrorCode, MethodType};

/// A session whose host has proved to be the right one.
pub(super) struct Greeting {
    pub(super) session: ssh2::Session,
    pub(super) facts: SessionFacts,
}

/// Exchanges keys over `socket` and verifies the host's.
pub(super) fn handshake(
    profile: &HostProfile,
    socket: Socket,
    observer: &dyn Observer,
) -> Result<Greeting, FaultCause> {
    let known =
        KnownHosts::load(&profile.known_hosts, &profile.global_known_hosts).map_err(unreadable)?;
    let mut session = ssh2::Session::new().map_err(|error| failed(&error, profile))?;
    socket.give_to(&mut session);
    session.set_timeout(u32::try_from(profile.connect_timeout.as_millis()).unwrap_or(u32::MAX));
    session.set_compress(profile.compression);
    set_preferences(&session, profile, &known)?;
    session
        .handshake()
        .map_err(|error| failed(&error, profile))?;
    let host_key = verify(&session, profile, &known, observer)?;
    let method = |kind| session.methods(kind).unwrap_or_default().to_owned();
    let facts = SessionFacts {
        server: printable(&String::from_utf8_lossy(
            session.banner_bytes().unwrap_or_default(),
        ))
        .into_owned(),
        cipher: method(MethodType::CryptSc),
        host_key,
        ..SessionFacts::default()
    };
    Ok(Greeting { session, facts })
}

/// The algorithms to offer. Host key types that known_hosts holds come first, so that the host shows a key that can be
/// compared; certificates are never among them, since libssh2 cannot verify one.
fn set_preferences(
    session: &ssh2::Session,
    profile: &HostProfile,
    known: &KnownHosts,
) -> Result<(), FaultCause> {
    let (name, port) = known_as(profile);
    let preferred = known.preference_for(name, port, profile.host_key_algorithms.as_deref());
    let host_keys = preferred
        .iter()
        .map(|algorithm| algorithm.name())
        .collect::<Vec<_>>()
        .join(",");
    let ciphers = profile
        .ciphers
        .clone()
        .unwrap_or_else(|| default_preference().to_owned());
    let chosen = [
        (MethodType::HostKey, Some(&host_keys), "HostKeyAlgorithms"),
        (
            MethodType::Kex,
            profile.kex_algorithms.as_ref(),
            "KexAlgorithms",
        ),
        (MethodType::CryptCs, Some(&ciphers), "Ciphers"),
        (MethodType::CryptSc, Some(&ciphers), "Ciphers"),
        (MethodType::MacCs, profile.macs.as_ref(), "MACs"),
        (MethodType::MacSc, profile.macs.as_ref(), "MACs"),
    ];
    for (kind, list, keyword) in chosen {
        let Some(list) = list else { continue };
        session
            .method_pref(kind, list)
            .map_err(|_unsupported| FaultCause::Config {
                reason: format!(
                    "{keyword} {list}: Adit supports none of these with {}",
                    profile.login()
                ),
            })?;
    }
    Ok(())
}

/// The name and port under which known_hosts holds the host: an alias carries no port.
fn known_as(profile: &HostProfile) -> (&str, u16) {
    match &profile.host_key_alias {
        Some(alias) => (alias, 22),
        None => (&profile.address, profile.port),
    }
}

/// Compares the host's key with known_hosts. Returns its fingerprint if it may be trusted.
fn verify(
    session: &ssh2::Session,
    profile: &HostProfile,
    known: &KnownHosts,
    observer: &dyn Observer,
) -> Result<String, FaultCause> {
    let Some((blob, _kind)) = session.host_key() else {
        return Err(FaultCause::HandshakeFailed {
            reason: "the server showed no host key".to_owned(),
        });
    };
    let (name, port) = known_as(profile);
    let (key_type, fingerprint) = (type_name(blob), fingerprint(blob));
    match known.verdict(name, port, blob) {
        HostKeyVerdict::Known(_) => Ok(fingerprint),
        HostKeyVerdict::Unknown { known_as } => {
            accept(profile, observer, &key_type, &fingerprint, known_as)?;
            remember(profile, blob);
            Ok(fingerprint)
        }
        HostKeyVerdict::Changed(place) => Err(FaultCause::HostKeyChanged {
            key_type,
            fingerprint,
            file: place.file,
            line: place.line,
        }),
        HostKeyVerdict::Revoked(place) => Err(FaultCause::HostKeyRefused {
            reason: "it is marked @revoked".to_owned(),
            file: place.file,
            line: place.line,
        }),
        HostKeyVerdict::Refused {
            reason,
            place: Some(place),
        } => Err(FaultCause::HostKeyRefused {
            reason,
            file: place.file,
            line: place.line,
        }),
        HostKeyVerdict::Refused {
            reason,
            place: None,
        } => Err(FaultCause::HandshakeFailed { reason }),
    }
}

/// An unknown key is for the person to judge, or for the policy.
fn accept(
    profile: &HostProfile,
    observer: &dyn Observer,
    key_type: &str,
    fingerprint: &str,
    known_as: Vec<String>,
) -> Result<(), FaultCause> {
    let accepted = match profile.host_key_policy {
        HostKeyPolicy::AcceptNew => true,
        HostKeyPolicy::Strict => false,
        HostKeyPolicy::Ask => {
            let question = Question::UnknownHostKey {
                host: known_hosts_name(profile),
                key_type: key_type.to_owned(),
                fingerprint: fingerprint.to_owned(),
                known_as,
            };
            matches!(observer.ask(&profile.login(), question), Answer::Yes)
        }
    };
    if accepted {
        return Ok(());
    }
    Err(FaultCause::HostKeyUnknown {
        key_type: key_type.to_owned(),
        fingerprint: fingerprint.to_owned(),
    })
}

fn known_hosts_name(profile: &HostProfile) -> String {
    match known_as(profile) {
        (name, 22) => name.to_owned(),
        (name, port) => format!("[{name}]:{port}"),
    }
}

/// Writes an accepted key down. Where that fails the connection stands nevertheless: it was accepted.
fn remember(profile: &HostProfile, blob: &[u8]) {
    let (name, port) = known_as(profile);
    let Some(file) = profile.known_hosts.first() else {
        return;
    };
    if let Err(error) = KnownHosts::add(file, name, port, blob, false) {
        tracing::warn!(%error, "the host's key is accepted for this time only");
    }
}

fn unreadable(error: KnownHostsError) -> FaultCause {
    match error {
        KnownHostsError::Read { path, source } => FaultCause::KnownHostsUnreadable {
            path,
            reason: source.to_string(),
        },
        other => FaultCause::Config {
            reason: other.to_string(),
        },
    }
}

fn failed(error: &ssh2::Error, profile: &HostProfile) -> FaultCause {
    match error.code() {
        ErrorCode::Session(sys::LIBSSH2_ERROR_TIMEOUT) => FaultCause::ConnectTimedOut {
            after: profile.connect_timeout,
        },
        _ => FaultCause::HandshakeFailed {
            reason: printable(error.message()).into_owned(),
        },
    }
}
