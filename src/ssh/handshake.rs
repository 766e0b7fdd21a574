//! The key exchange with a host and the verification of its key. Nothing about the person is sent before that.

use super::algorithms::{Offered, choose};
use super::dial::Observer;
use super::key_blob::{fingerprint, type_name};
use super::known_hosts::{HostKeyVerdict, KnownHosts, KnownHostsError, Place, lookup_name};
use super::login_raw::LoginSession;
use super::stream::Socket;
use super::tcp::io_cause;
use super::wire::Heard;
use crate::model::{
    Answer, ChangedHostKey, FaultCause, HostKeyPolicy, HostKeyRefusal, HostProfile, Question,
    SessionFacts, SshPhase, Words, printable, words,
};

use libssh2_sys as sys;
use ssh2::{ErrorCode, MethodType};

/// A session whose host has proved to be the right one.
pub(super) struct Greeting {
    pub(super) login: LoginSession,
    pub(super) facts: SessionFacts,
}

/// Exchanges keys over `socket` and verifies the host's. `accepted_key` is one that was accepted before, in the same dial.
pub(super) fn handshake(
    profile: &HostProfile,
    socket: Socket,
    observer: &dyn Observer,
    accepted_key: &mut Option<Vec<u8>>,
) -> Result<Greeting, FaultCause> {
    let known =
        KnownHosts::load(&profile.known_hosts, &profile.global_known_hosts).map_err(unreadable)?;
    let login = LoginSession::new(socket).map_err(|error| io_cause(&error))?;
    login.set_timeout(profile.connect_timeout);
    let session = login.ssh();
    session.set_compress(profile.compression);
    let (name, port) = known_as(profile);
    let host_keys = known.preference_for(name, port, profile.host_key_algorithms.as_deref());
    let offered = choose(session, profile, &host_keys)?;
    login
        .handshake()
        .map_err(|error| failed(&error, &login, &offered, profile))?;
    login.wire().forget_clear();
    let host_key = verify(session, profile, &known, observer, accepted_key)?;
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
    Ok(Greeting { login, facts })
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
    accepted_key: &mut Option<Vec<u8>>,
) -> Result<String, FaultCause> {
    let Some((blob, _kind)) = session.host_key() else {
        return Err(in_key_exchange(words!("the server showed no host key")));
    };
    let (name, port) = known_as(profile);
    let (key_type, fingerprint) = (type_name(blob), fingerprint(blob));
    match known.verdict(name, port, blob) {
        HostKeyVerdict::Known(_) => Ok(fingerprint),
        HostKeyVerdict::Unknown { .. } if accepted_key.as_deref() == Some(blob) => Ok(fingerprint),
        HostKeyVerdict::Unknown { known_as } => {
            accept(profile, observer, &key_type, &fingerprint, known_as)?;
            remember(profile, observer, blob);
            *accepted_key = Some(blob.to_vec());
            Ok(fingerprint)
        }
        HostKeyVerdict::Changed(place) => {
            Err(FaultCause::HostKeyChanged(Box::new(ChangedHostKey {
                key_type,
                fingerprint,
                held: known.key_at(&place),
                name: lookup_name(name, port),
                file: place.file,
                line: place.line,
            })))
        }
        HostKeyVerdict::Revoked(place) => Err(refused(HostKeyRefusal::Revoked, place)),
        HostKeyVerdict::CertAuthority { name, place } => {
            Err(refused(HostKeyRefusal::CertAuthority { name }, place))
        }
        HostKeyVerdict::UnknownType(kind) => Err(in_key_exchange(words!(
            "its key is of the type {kind}, which Adit cannot verify",
            kind = kind
        ))),
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
        HostKeyPolicy::Ask if profile.batch_mode => false,
        HostKeyPolicy::Ask => {
            let question = Question::UnknownHostKey {
                host: known_hosts_name(profile),
                key_type: key_type.to_owned(),
                fingerprint: fingerprint.to_owned(),
                known_as: known_as.clone(),
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
        known_as,
    })
}

fn refused(why: HostKeyRefusal, place: Place) -> FaultCause {
    FaultCause::HostKeyRefused {
        why,
        file: place.file,
        line: place.line,
    }
}

fn in_key_exchange(reason: Words) -> FaultCause {
    FaultCause::HandshakeFailed {
        phase: SshPhase::KeyExchange,
        reason,
    }
}

fn known_hosts_name(profile: &HostProfile) -> String {
    match known_as(profile) {
        (name, 22) => name.to_owned(),
        (name, port) => format!("[{name}]:{port}"),
    }
}

/// Writes an accepted key down. Where that fails the connection stands nevertheless: it was accepted.
fn remember(profile: &HostProfile, observer: &dyn Observer, blob: &[u8]) {
    let (name, port) = known_as(profile);
    let Some(file) = profile.known_hosts.first() else {
        return;
    };
    if let Err(error) = KnownHosts::add(file, name, port, blob, profile.hash_known_hosts) {
        observer.tell(words!(
            "{problem}; it is accepted for this time only, and asked about again",
            problem = error.words()
        ));
    }
}

fn unreadable(error: KnownHostsError) -> FaultCause {
    match error {
        KnownHostsError::Read { path, source } => FaultCause::KnownHostsUnreadable {
            path,
            reason: source.to_string().into(),
        },
        other => FaultCause::Config {
            reason: other.words(),
        },
    }
}

/// What kept the key exchange from coming to its end. libssh2 says little of it; what was heard on the wire says more.
fn failed(
    error: &ssh2::Error,
    login: &LoginSession,
    offered: &Offered,
    profile: &HostProfile,
) -> FaultCause {
    let has_timed_out = error.code() == ErrorCode::Session(sys::LIBSSH2_ERROR_TIMEOUT);
    let seconds = profile.connect_timeout.as_secs();
    let end = login.wire().end_in_words();
    let heard = login.wire().heard();
    let phase = match &heard {
        Heard::Foreign(_) | Heard::Nothing => SshPhase::Greeting,
        Heard::Ssh(_) => SshPhase::KeyExchange,
    };
    let reason = match heard {
        // What OpenSSH says in place of its greeting (sshd.c).
        Heard::Foreign(line) if line.contains("MaxStartups") => {
            words!("it has too many connections that have not logged in (MaxStartups)")
        }
        Heard::Foreign(line) => words!("it is no SSH server; it says '{line}'", line = line),
        Heard::Nothing if has_timed_out => words!(
            "it took the connection and then said nothing for {seconds} s, as no SSH server does",
            seconds = seconds
        ),
        Heard::Nothing => words!(
            "{end} before saying a word; it may have too many connections (MaxStartups), or not let this computer in",
            end = end.unwrap_or_else(|| words!("the server ended the session"))
        ),
        Heard::Ssh(_) if has_timed_out => words!(
            "it did not come to an end within {seconds} s (ConnectTimeout)",
            seconds = seconds
        ),
        Heard::Ssh(None) => end.unwrap_or_else(|| words!("the server ended the session")),
        Heard::Ssh(Some(theirs)) => {
            if let Some(cause) = offered.clash(&theirs) {
                return cause;
            }
            end.unwrap_or_else(|| without_an_end(error.code()))
        }
    };
    FaultCause::HandshakeFailed { phase, reason }
}

/// What went wrong in a key exchange that neither side has ended, in place of libssh2's own words, which name its steps.
fn without_an_end(code: ErrorCode) -> Words {
    match code {
        ErrorCode::Session(sys::LIBSSH2_ERROR_HOSTKEY_SIGN | sys::LIBSSH2_ERROR_HOSTKEY_INIT) => {
            words!(
                "the server could not prove that its host key is its own: its signature is wrong, or the key is of a kind that \
             cannot be read"
            )
        }
        ErrorCode::Session(sys::LIBSSH2_ERROR_INVALID_MAC | sys::LIBSSH2_ERROR_DECRYPT) => {
            words!("what the server sent was changed or damaged on its way")
        }
        ErrorCode::Session(code) | ErrorCode::SFTP(code) => words!(
            "the server does not say why (libssh2's code {code})",
            code = code.to_string()
        ),
    }
}
