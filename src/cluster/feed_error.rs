//! Why a feed does not follow its resource, and what that calls for.

use std::time::Duration;

use kube::core::Status;

use super::connection::ConnectError;

/// Why a feed does not follow its resource at the moment.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    /// There is no client to ask with.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The list failed.
    #[error("the list failed")]
    List(#[source] Box<kube::Error>),
    /// The watch was not accepted.
    #[error("the watch was not accepted")]
    Watch(#[source] Box<kube::Error>),
    /// The watch broke.
    #[error("the watch broke")]
    Stream(#[source] Box<kube::Error>),
    /// The server ended the watch with an error event.
    #[error("the server ended the watch: {}", .0.reason)]
    Ended(Box<Status>),
    /// No answer came in time.
    #[error("no answer within {} s", after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// An answer is longer than any that makes sense.
    #[error("an answer is longer than {limit_bytes} bytes")]
    TooLong {
        /// What would have been taken.
        limit_bytes: usize,
    },
    /// A list goes on and on.
    #[error("the list has no end")]
    EndlessList,
    /// A list came without the version from which it could be watched.
    #[error("the list has no resourceVersion")]
    NoVersion,
}

impl FeedError {
    /// The verb that failed, as RBAC names it.
    pub(super) const fn verb(&self) -> &'static str {
        match self {
            Self::Watch(_) | Self::Stream(_) | Self::Ended(_) => "watch",
            Self::Connect(_)
            | Self::List(_)
            | Self::TimedOut { .. }
            | Self::TooLong { .. }
            | Self::EndlessList
            | Self::NoVersion => "list",
        }
    }

    /// The client's error, where it is one.
    pub(super) fn client_error(&self) -> Option<&kube::Error> {
        match self {
            Self::List(error) | Self::Watch(error) | Self::Stream(error) => Some(error),
            Self::Connect(_)
            | Self::Ended(_)
            | Self::TimedOut { .. }
            | Self::TooLong { .. }
            | Self::EndlessList
            | Self::NoVersion => None,
        }
    }

    /// The server's answer, where it gave one that says no.
    pub(super) fn status(&self) -> Option<&Status> {
        match (self, self.client_error()) {
            (Self::Ended(status), _) | (_, Some(kube::Error::Api(status))) => Some(status),
            _ => None,
        }
    }

    /// Whether the server said something that is no answer of a Kubernetes API.
    pub(super) fn is_gibberish(&self) -> bool {
        let unreadable = matches!(
            self.client_error(),
            Some(kube::Error::SerdeError(_) | kube::Error::FromUtf8(_))
        );
        unreadable
            || matches!(
                self,
                Self::NoVersion | Self::EndlessList | Self::TooLong { .. }
            )
    }

    /// Whether the server was away, or may have been: it was not its own answer that ended the try.
    pub(super) fn is_outage(&self) -> bool {
        match self.status() {
            Some(status) => status.code >= 500 || status.code == 429,
            None => true,
        }
    }

    /// What to do about it.
    pub(super) fn remedy(&self) -> Remedy {
        let Some(status) = self.status() else {
            return Remedy::Retry { after: None };
        };
        match status.code {
            401 => Remedy::Credentials,
            403 | 404 => Remedy::Denied,
            410 => Remedy::ListAnew,
            // The server has forgotten versions that it once gave out: its store was restored from a backup.
            504 if is_from_the_future(status) => Remedy::ListAnew,
            _ => Remedy::Retry {
                after: status
                    .details
                    .as_ref()
                    .map(|details| Duration::from_secs(details.retry_after_seconds.into()))
                    .filter(|after| !after.is_zero()),
            },
        }
    }

    /// Whether the server knows who asks and says no, or does not know the resource.
    pub(super) fn is_denial(&self) -> bool {
        self.remedy() == Remedy::Denied
    }
}

/// What is done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Fresh credentials, at once.
    Credentials,
    /// The versions known are too old: list again.
    ListAnew,
    /// Wait for an administrator.
    Denied,
    /// Wait, and not less than the server asks for.
    Retry { after: Option<Duration> },
}

fn is_from_the_future(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .into_iter()
        .any(|cause| cause.reason == "ResourceVersionTooLarge")
}
