//! A channel that somebody wants: for a client's connection, to prove that the target answers, or to run a command.

use std::ffi::CStr;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::exec::ExecRequest;
use super::meter::Meter;
use super::raw::Refusal;
use super::session::{Preface, Session};
use super::spares::SpareFor;
use super::stream::Stream;
use crate::model::Destination;

/// A request for one channel, with the message of its `CHANNEL_OPEN` ready to be sent.
pub(super) struct OpenRequest {
    kind: &'static CStr,
    message: Vec<u8>,
    purpose: Purpose,
    /// Whose spare channel would do as well.
    spare_for: Option<SpareFor>,
    /// Who else wants to know what became of it.
    told: Option<Told>,
}

/// Who knows the other sessions to a host.
pub trait Siblings: Send + Sync {
    /// The session that may open a channel to `destination` after these, by [`Session::id`], have not, the last for this reason.
    fn instead(
        &self,
        tried: &[u64],
        destination: &Destination,
        refusal: Refusal,
    ) -> Option<Arc<Session>>;
}

/// Where a client may still go that a session has refused.
pub(super) struct Elsewhere {
    siblings: Weak<dyn Siblings>,
    destination: Destination,
    tried: Vec<u64>,
}

impl Elsewhere {
    /// The siblings of a session that is asked for `destination` now.
    pub(super) fn than(
        session: u64,
        siblings: Weak<dyn Siblings>,
        destination: Destination,
    ) -> Self {
        Self {
            siblings,
            destination,
            tried: vec![session],
        }
    }

    fn next(&mut self, refusal: Refusal) -> Option<Arc<Session>> {
        let siblings = self.siblings.upgrade()?;
        let session = siblings.instead(&self.tried, &self.destination, refusal)?;
        self.tried.push(session.id());
        Some(session)
    }
}

/// The number of what belongs to no tunnel.
pub(super) const NO_TUNNEL: u64 = u64::MAX;

/// What the channel is for.
pub(super) enum Purpose {
    /// A client waits.
    Connection {
        /// The client.
        local: Stream,
        /// What it waits to hear.
        preface: Option<Preface>,
        /// Its tunnel.
        tunnel: u64,
        /// The tunnel's counters.
        meter: Arc<Meter>,
        /// Where else it may be carried.
        elsewhere: Option<Box<Elsewhere>>,
    },
    /// Somebody wants to know that the target answers.
    Proof(Proof),
    /// Clients are likely to come.
    Spare(SpareFor),
    /// A command is to be run.
    Exec(ExecRequest),
    /// Nobody wants it any more.
    Forgotten,
}

/// Is told whether a channel was opened.
pub(super) type Told = oneshot::Sender<Result<(), OpenError>>;

/// The answer to a proof is owed from its start.
pub(super) struct Proof {
    started: Instant,
    reply: oneshot::Sender<Result<Duration, OpenError>>,
}

/// Why a channel was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The server refused it.
    #[error("the server refused the channel ({refusal:?}): {words}")]
    Refused {
        /// Its reason's code.
        refusal: Refusal,
        /// Its reason in its own words, cleaned of control characters; often empty.
        words: String,
    },
    /// The session ended before there was an answer.
    #[error("the session ended")]
    SessionEnded,
    /// The server did not answer in time.
    #[error("the server did not say within {after:?} whether the target answers")]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// This computer has no descriptors left, or the like.
    #[error("no stream can be made on this computer: {reason}")]
    Local {
        /// The system's reason.
        reason: String,
    },
}

impl OpenRequest {
    /// A channel for a client.
    pub(super) fn connection(
        destination: &Destination,
        origin: Option<SocketAddr>,
        local: Stream,
        tunnel: u64,
        meter: Arc<Meter>,
    ) -> Self {
        let (kind, message) = encode(destination, origin);
        Self {
            kind,
            message,
            purpose: Purpose::Connection {
                local,
                preface: None,
                tunnel,
                meter,
                elsewhere: None,
            },
            spare_for: (tunnel != NO_TUNNEL).then(|| SpareFor {
                tunnel,
                destination: destination.clone(),
            }),
            told: None,
        }
    }

    /// The same, with somebody to tell what became of it.
    pub(super) fn telling(mut self, told: Told) -> Self {
        self.told = Some(told);
        self
    }

    /// The same for a client that waits to hear what became of the channel.
    pub(super) fn with_preface(mut self, heard: Option<Preface>) -> Self {
        if let Purpose::Connection { preface, .. } = &mut self.purpose {
            *preface = heard;
        }
        self
    }

    /// The same for a client that another session may carry as well.
    pub(super) fn or(mut self, other: Option<Elsewhere>) -> Self {
        if let Purpose::Connection { elsewhere, .. } = &mut self.purpose {
            *elsewhere = other.map(Box::new);
        }
        self
    }

    /// A channel on which a command is run (RFC 4254, 6.1).
    pub(super) fn exec(request: ExecRequest) -> Self {
        Self {
            kind: c"session",
            message: Vec::new(),
            purpose: Purpose::Exec(request),
            spare_for: None,
            told: None,
        }
    }

    /// A channel that is closed as soon as it is open. The reply is how long the server took.
    pub(super) fn proof(
        destination: &Destination,
        reply: oneshot::Sender<Result<Duration, OpenError>>,
    ) -> Self {
        let (kind, message) = encode(destination, None);
        Self {
            kind,
            message,
            purpose: Purpose::Proof(Proof {
                started: Instant::now(),
                reply,
            }),
            spare_for: None,
            told: None,
        }
    }

    /// A channel that waits for a client.
    pub(super) fn spare(spare_for: SpareFor) -> Self {
        let (kind, message) = encode(&spare_for.destination, None);
        Self {
            kind,
            message,
            purpose: Purpose::Spare(spare_for),
            spare_for: None,
            told: None,
        }
    }

    /// Which spare channels would do as well as the one that is asked for.
    pub(super) fn spare_for(&self) -> Option<&SpareFor> {
        self.spare_for.as_ref()
    }

    /// Whether somebody waits for it now.
    pub(super) fn is_awaited(&self) -> bool {
        !matches!(self.purpose, Purpose::Spare(_))
    }

    pub(super) fn kind(&self) -> &CStr {
        self.kind
    }

    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }

    /// What it is for.
    pub(super) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The tunnel whose client waits.
    pub(super) fn tunnel(&self) -> Option<u64> {
        match &self.purpose {
            Purpose::Connection { tunnel, .. } => Some(*tunnel),
            Purpose::Spare(spare_for) => Some(spare_for.tunnel),
            Purpose::Proof(_) | Purpose::Exec(_) | Purpose::Forgotten => None,
        }
    }

    /// The channel is open: whoever wants to know is told.
    pub(super) fn into_purpose(self) -> Purpose {
        tell(self.told, Ok(()));
        self.purpose
    }

    /// The client is cut at once, whatever becomes of the channel.
    pub(super) fn forget_client(&mut self) {
        if matches!(self.purpose, Purpose::Connection { .. }) {
            self.purpose = Purpose::Forgotten;
        }
    }

    /// The server said no. A client is handed on where another session may be told otherwise; else it sees its connection reset,
    /// as it would without a tunnel.
    pub(super) fn refuse(mut self, refusal: Refusal, words: String) {
        if let Purpose::Connection {
            elsewhere: Some(elsewhere),
            ..
        } = &mut self.purpose
            && let Some(session) = elsewhere.next(refusal)
        {
            return session.open(self);
        }
        self.fail(OpenError::Refused { refusal, words });
    }

    /// There is no session for it (any more).
    pub(super) fn abandon(self) {
        self.fail(OpenError::SessionEnded);
    }

    fn fail(self, error: OpenError) {
        tell(self.told, Err(error.clone()));
        match self.purpose {
            Purpose::Connection {
                mut local,
                preface,
                meter,
                ..
            } => {
                meter.refused();
                if let Some(preface) = preface {
                    local.say_last(&(preface.failed)(&error));
                }
            }
            Purpose::Proof(proof) => proof.answer(Err(error)),
            Purpose::Exec(request) => request.fail(error.into()),
            Purpose::Spare(_) | Purpose::Forgotten => {}
        }
    }
}

fn tell(told: Option<Told>, what: Result<(), OpenError>) {
    if let Some(told) = told
        && told.send(what).is_err()
    {
        tracing::debug!("nobody wants to know about this channel any more");
    }
}

impl Proof {
    /// The channel is open.
    pub(super) fn succeed(self) {
        let took = self.started.elapsed();
        self.answer(Ok(took));
    }

    fn answer(self, answer: Result<Duration, OpenError>) {
        if self.reply.send(answer).is_err() {
            tracing::debug!("nobody waits for this proof any more");
        }
    }
}

/// The type and the message of a `CHANNEL_OPEN`: RFC 4254, 7.2 for `direct-tcpip`; OpenSSH's PROTOCOL, 2.4 for
/// `direct-streamlocal@openssh.com`.
fn encode(destination: &Destination, origin: Option<SocketAddr>) -> (&'static CStr, Vec<u8>) {
    let mut message = Vec::new();
    match destination {
        Destination::Tcp { host, port } => {
            put_string(&mut message, host);
            put_u32(&mut message, u32::from(*port));
            put_string(
                &mut message,
                &origin.map_or_else(|| "127.0.0.1".to_owned(), |origin| origin.ip().to_string()),
            );
            put_u32(
                &mut message,
                origin.map_or(0, |origin| u32::from(origin.port())),
            );
            (c"direct-tcpip", message)
        }
        Destination::Socket(path) => {
            put_string(&mut message, path);
            put_string(&mut message, "");
            put_u32(&mut message, 0);
            (c"direct-streamlocal@openssh.com", message)
        }
    }
}

fn put_string(message: &mut Vec<u8>, text: &str) {
    put_u32(message, u32::try_from(text.len()).unwrap_or(u32::MAX));
    message.extend_from_slice(text.as_bytes());
}

fn put_u32(message: &mut Vec<u8>, number: u32) {
    message.extend_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_tcpip_is_encoded_as_rfc_4254_has_it() {
        let origin = "127.0.0.1:4242".parse().unwrap();
        let (kind, message) = encode(&Destination::tcp("10.0.0.241", 80), Some(origin));
        assert_eq!(kind, c"direct-tcpip");
        let mut expected = vec![0, 0, 0, 10];
        expected.extend_from_slice(b"10.0.0.241");
        expected.extend_from_slice(&[0, 0, 0, 80, 0, 0, 0, 9]);
        expected.extend_from_slice(b"127.0.0.1");
        expected.extend_from_slice(&[0, 0, 0x10, 0x92]);
        assert_eq!(message, expected);
    }
}
