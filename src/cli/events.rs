//! The JSON lines of `adit forward --json`, as docs/json.md describes them. Events and fields are only ever added.

use serde::Serialize;

use super::failure::Failure;
use crate::model::{Fault, Moment, Notice, TunnelId, TunnelState};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    /// A forward works: this listener of it leads to the target.
    Listening {
        /// The forward's place among those asked for, from 0.
        forward: u16,
        /// `ADDRESS:PORT`, or a socket's path.
        address: String,
        /// What the SSH host dials.
        target: String,
        /// The SSH host as `user@address[:port]`.
        via: String,
    },
    /// A forward's state has changed.
    State {
        /// The forward's place among those asked for, from 0.
        forward: u16,
        /// The state in one word.
        state: &'static str,
        /// What is wrong, where something is.
        fault: Option<FaultJson>,
        /// In how many milliseconds it is tried again, where that is planned.
        retry_in_ms: Option<u64>,
    },
    /// A forward, or the whole command, cannot go on.
    Failed {
        /// The forward's place among those asked for; null where it is the command.
        forward: Option<u16>,
        /// Why.
        fault: FaultJson,
    },
    /// Something to know that changes no forward's state.
    Notice {
        /// The forward's place among those asked for; null where it is about none of them.
        forward: Option<u16>,
        /// What it is.
        message: String,
    },
    /// The process has gone to the background (`-f`).
    Background {
        /// Its id.
        pid: u32,
    },
    /// Everything is closed; the last line of a command that was ended from outside.
    Ended,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FaultJson {
    /// A short name, stable between releases.
    pub(super) code: &'static str,
    /// What happened, where.
    pub(super) message: String,
    /// What to do next.
    pub(super) next_step: String,
}

impl Event {
    /// The line itself, without its end.
    pub(super) fn line(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// The event for a state that was reached at `now`.
    pub(super) fn state(forward: u16, state: &TunnelState, now: Moment) -> Self {
        let retry_in_ms = match state {
            TunnelState::Waiting {
                retry_at: Some(at), ..
            } => u64::try_from(at.since(now).as_millis()).ok(),
            _ => None,
        };
        Self::State {
            forward,
            state: state.code(),
            fault: state.fault().map(FaultJson::from),
            retry_in_ms,
        }
    }
}

impl From<&Notice> for Event {
    fn from(notice: &Notice) -> Self {
        Self::Notice {
            forward: match notice.tunnel {
                Some(TunnelId::Forward(index)) => Some(index),
                _ => None,
            },
            message: notice.text.to_string(),
        }
    }
}

impl From<&Fault> for FaultJson {
    fn from(fault: &Fault) -> Self {
        Self::from(&Failure::from(fault))
    }
}

impl From<&Failure> for FaultJson {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.what.clone(),
            next_step: failure.next.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::fixtures::session_lost;

    #[test]
    fn the_schema_is_the_golden_files() {
        let waiting = TunnelState::Waiting {
            attempt: 1,
            retry_at: Some(Moment::after_start(Duration::from_millis(1500))),
            fault: session_lost(),
        };
        let dialing = TunnelState::Dialing {
            hop: "u@h".to_owned(),
        };
        let events = [
            Event::state(0, &dialing, Moment::START),
            Event::Listening {
                forward: 0,
                address: "127.0.0.1:8080".to_owned(),
                target: "10.0.0.241:80".to_owned(),
                via: "u@h".to_owned(),
            },
            Event::from(&Notice {
                at: Moment::START,
                tunnel: Some(TunnelId::Forward(0)),
                text: "something to know".to_owned().into(),
            }),
            Event::Background { pid: 4242 },
            Event::state(0, &waiting, Moment::START),
            Event::Failed {
                forward: Some(0),
                fault: FaultJson::from(&session_lost()),
            },
            Event::Failed {
                forward: None,
                fault: FaultJson::from(&Failure::new("failed", "what", "next")),
            },
            Event::Ended,
        ];
        let lines: Vec<String> = events.iter().map(|event| event.line().unwrap()).collect();
        let golden: Vec<&str> = include_str!("../../tests/golden/forward.jsonl")
            .lines()
            .collect();
        assert_eq!(lines, golden);
    }
}
