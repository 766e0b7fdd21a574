//! A host and its link, as the supervisor holds them.

use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet};

use super::learn::Said;
use super::link::{Link, LinkPhase};
use super::pool::Pool;
use crate::model::{HostProfile, LinkStatus, PromptId, SessionFacts};

/// A host, the state of its link, and what belongs to that state.
pub(super) struct Host {
    pub(super) profile: HostProfile,
    pub(super) link: Link,
    /// The hop that is being dialled.
    pub(super) hop: String,
    pub(super) pool: Option<Arc<Pool>>,
    /// The facts of the session that was made first.
    facts: SessionFacts,
    /// What the host said of itself, once it was asked.
    pub(super) said: Said,
    /// Dials, and waits for the loss of sessions.
    tasks: JoinSet<()>,
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
            pool: None,
            facts: SessionFacts::default(),
            said: Said::default(),
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn is_dialing(&self, dial: u64) -> bool {
        self.link.dial == dial && matches!(self.link.phase, LinkPhase::Dialing { .. })
    }

    /// Runs a task that ends with the link.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        // Those that have ended are let go of.
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(task);
    }

    /// The profile that its sessions are made with; `is_asked` is whether commands are run on the host anyway.
    pub(super) fn to_dial(&self, is_asked: bool) -> HostProfile {
        let no_delay = self.profile.no_delay.unwrap_or(is_asked);
        HostProfile {
            no_delay: Some(no_delay),
            ..self.profile.clone()
        }
    }

    /// The link stands, by this pool.
    pub(super) fn stand(&mut self, pool: Arc<Pool>, facts: SessionFacts) {
        self.pool = Some(pool);
        self.facts = facts;
    }

    /// The pool, if it is the one of this dial.
    pub(super) fn pool_of(&self, dial: u64) -> Option<&Arc<Pool>> {
        self.pool.as_ref().filter(|pool| pool.dial() == dial)
    }

    /// Ends the sessions, or gives the dial up.
    pub(super) fn hang_up(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.close();
        }
        self.tasks = JoinSet::new();
        if matches!(self.said, Said::Asked) {
            self.said = Said::Nothing;
        }
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
                session: self.facts.clone(),
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
