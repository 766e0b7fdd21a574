//! A host and its link, as the supervisor holds them.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::link::{Link, LinkPhase};
use crate::model::{HostProfile, LinkStatus, PromptId};
use crate::ssh::Session;

/// A host, the state of its link, and what belongs to that state.
pub(super) struct Host {
    pub(super) profile: HostProfile,
    pub(super) link: Link,
    /// The hop that is being dialled.
    pub(super) hop: String,
    pub(super) session: Option<Arc<Session>>,
    task: Option<AbortOnDrop>,
}

/// A task that ends with whoever started it.
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    pub(super) fn new(profile: HostProfile) -> Self {
        Self {
            profile,
            link: Link::default(),
            hop: String::new(),
            session: None,
            task: None,
        }
    }

    pub(super) fn is_dialing(&self, dial: u64) -> bool {
        self.link.dial == dial && matches!(self.link.phase, LinkPhase::Dialing { .. })
    }

    /// Notes the task that dials, or that waits for the session's loss.
    pub(super) fn set_task(&mut self, task: JoinHandle<()>) {
        self.task = Some(AbortOnDrop(task));
    }

    /// Ends the session, or gives the dial up.
    pub(super) fn hang_up(&mut self) {
        self.session = None;
        self.task = None;
        self.hop.clear();
    }

    /// What the faces are shown; `question` is the one this host's dial waits for.
    pub(super) fn status(&self, question: Option<PromptId>) -> LinkStatus {
        match &self.link.phase {
            LinkPhase::Idle => LinkStatus::Idle,
            LinkPhase::Dialing { .. } => match question {
                Some(prompt) => LinkStatus::Asking(prompt),
                None => LinkStatus::Dialing {
                    hop: self.hop.clone(),
                },
            },
            LinkPhase::Up { since, .. } => LinkStatus::Up {
                since: *since,
                session: self
                    .session
                    .as_ref()
                    .map(|session| session.facts().clone())
                    .unwrap_or_default(),
            },
            LinkPhase::Waiting {
                attempt,
                retry_at,
                fault,
            } => LinkStatus::Waiting {
                attempt: *attempt,
                retry_at: *retry_at,
                fault: fault.clone(),
            },
            LinkPhase::Failed(fault) => LinkStatus::Failed(fault.clone()),
        }
    }
}
