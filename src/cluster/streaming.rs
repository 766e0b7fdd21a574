//! Whether a server has lists as streams (KEP-3157): every object as an event, then a mark, then the changes.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::timing::Timing;
use super::wire::{self, WireError};

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Streaming {
    /// Whether the server is of a version that can, once that is known.
    is_new: OnceCell<bool>,
    /// It said that it does not, whatever its version.
    refused: AtomicBool,
}

impl Streaming {
    /// Whether to ask for a stream. A server that does not say of which version it is is asked for plain lists.
    pub(super) async fn is_on(&self, client: &kube::Client, timing: &Timing) -> bool {
        if self.refused.load(Ordering::Relaxed) {
            return false;
        }
        let ask = || async {
            let request = http::Request::get("/version").body(Vec::new());
            let request = request.map_err(|_never| Unanswered)?;
            match timeout(timing.pulse_limit, wire::get::<Version>(client, request)).await {
                Ok(Ok(version)) => Ok(version.streams_lists()),
                Ok(Err(WireError::Client(error))) if is_final(&error) => Ok(false),
                Ok(Err(_)) | Err(_) => Err(Unanswered),
            }
        };
        matches!(self.is_new.get_or_try_init(ask).await, Ok(true))
    }

    /// The server has refused: it is not asked again.
    pub(super) fn turn_off(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

/// Whether the server would say the same again.
fn is_final(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 401)
}

/// The server has not said of which version it is.
struct Unanswered;

/// `/version`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    major: String,
    minor: String,
}

impl Version {
    /// Since 1.32 it is on unless it was turned off, which a server then says.
    fn streams_lists(&self) -> bool {
        let number = |text: &str| -> u32 {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        };
        (number(&self.major), number(&self.minor)) >= (1, 32)
    }
}
