//! Who hears of a dial's progress and answers its questions.

use std::sync::mpsc::sync_channel;

use tokio::sync::mpsc;

use super::happening::Happening;
use crate::model::{Answer, HostId, Question, Words};
use crate::ssh::Observer;

/// Answers by what is remembered, and no to all else: the person is not asked.
pub(super) struct Silent {
    pub(super) host: HostId,
    pub(super) happenings: mpsc::Sender<Happening>,
}

impl Observer for Silent {
    fn dialing(&self, _hop: &str) {}

    fn ask(&self, hop: &str, question: Question) -> Answer {
        let (reply, answer) = sync_channel(1);
        let happening = Happening::AskedQuietly(self.host.clone(), hop.to_owned(), question, reply);
        if self.happenings.blocking_send(happening).is_err() {
            return Answer::No;
        }
        answer.recv().unwrap_or(Answer::No)
    }
}

/// Carries a dial's progress and questions to the supervisor, from the dial's own thread.
pub(super) struct Reporter {
    pub(super) host: HostId,
    pub(super) dial: u64,
    pub(super) happenings: mpsc::Sender<Happening>,
}

impl Observer for Reporter {
    fn dialing(&self, hop: &str) {
        let happening = Happening::Hop(self.host.clone(), self.dial, hop.to_owned());
        if self.happenings.blocking_send(happening).is_err() {
            tracing::debug!("a dial goes on after the engine's end");
        }
    }

    fn tell(&self, text: Words) {
        if self
            .happenings
            .blocking_send(Happening::Told(text))
            .is_err()
        {
            tracing::debug!("there is something to tell after the engine's end");
        }
    }

    fn ask(&self, hop: &str, question: Question) -> Answer {
        let (reply, answer) = sync_channel(1);
        let happening = Happening::Asked(
            self.host.clone(),
            self.dial,
            hop.to_owned(),
            question,
            reply,
        );
        if self.happenings.blocking_send(happening).is_err() {
            return Answer::No;
        }
        // The supervisor drops its end when the question no longer matters.
        answer.recv().unwrap_or(Answer::No)
    }

    fn accepted(&self, hop: &str, question: &Question) {
        let hop = hop.to_owned();
        let happening = Happening::Accepted(self.host.clone(), self.dial, hop, question.clone());
        if self.happenings.blocking_send(happening).is_err() {
            tracing::debug!("an answer was accepted after the engine's end");
        }
    }
}
