//! Secrets that are remembered: the keyring is asked before the person is, and keeps what the person wants it to once that has
//! turned out to be right.
//!
//! What was accepted is also kept in memory for as long as a tunnel needs the host, so that a lost connection comes back, and
//! further sessions are made, without asking again.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::time::timeout;

use super::effects::report;
use super::happening::Happening;
use super::keeping::Kept;
use super::saved::Remembered;
use super::supervisor::Supervisor;
use crate::model::{Answer, HostId, PromptId, Question, Secret};
use crate::vault::{SecretName, Vault, VaultError};

/// How long the person's question is held back for the keyring's answer. A keyring that is locked asks for its own password, and
/// the person may rather answer this question than that.
const HELD: Duration = Duration::from_secs(2);

/// Secrets in memory, each wiped when it goes.
#[derive(Default)]
pub(super) struct Secrets {
    /// Those that were right, for as long as a tunnel needs their host.
    right: BTreeMap<(HostId, SecretName), Secret>,
    /// Those that a dial was given and has not judged yet.
    given: BTreeMap<(HostId, u64, SecretName), Given>,
}

/// An answer that a dial was given.
struct Given {
    secret: Secret,
    keyring: Keyring,
}

/// How the keyring stands to an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyring {
    /// It has no answer.
    Apart,
    /// It holds this very answer.
    Holds,
    /// It holds another, which was refused.
    Stale,
    /// The person wants it to keep this one.
    ToKeep,
}

/// What the keyring says to a question.
pub(super) enum Recall {
    /// The answer.
    Known(Secret),
    /// Nothing so far; the person can be asked meanwhile.
    Waiting,
    /// It has none, or cannot be read.
    Nothing(Option<VaultError>),
}

impl Secrets {
    /// Forgets what is remembered of a host in memory.
    pub(super) fn forget_host(&mut self, host: &HostId) {
        self.right.retain(|(of, _), _| of != host);
        self.given.retain(|(of, ..), _| of != host);
    }
}

impl Remembered {
    /// A dial is over: what it was given is judged, or never will be.
    pub(super) fn forget_dial(&mut self, host: &HostId, dial: u64) {
        self.secrets
            .given
            .retain(|(of, number, _), _| of != host || *number != dial);
    }

    /// No tunnel needs this host any more.
    pub(super) fn forget_unless(&mut self, needed: bool, host: &HostId) {
        if !needed {
            self.secrets.right.retain(|(of, _), _| of != host);
        }
    }
}

impl Supervisor {
    /// Puts a question to what is remembered before the person sees it.
    pub(super) fn recall(&mut self, id: PromptId) {
        let Some(asked) = self.prompts.get_mut(&id) else {
            return;
        };
        let prompt = &mut asked.prompt;
        let Some(name) = SecretName::of(&prompt.hop, &prompt.question) else {
            return;
        };
        let host = prompt.host.clone();
        let given = self
            .remembered
            .secrets
            .given
            .get(&(host.clone(), asked.dial, name.clone()));
        if let Some(given) = given {
            // It was given an answer before, and asks again.
            prompt.was_refused = matches!(given.keyring, Keyring::Holds | Keyring::Stale);
            let key = (host, name);
            self.remembered.secrets.right.remove(&key);
            return;
        }
        if is_again(&prompt.question) {
            return;
        }
        let remembered = &self.remembered;
        let right = remembered.secrets.right.get(&(host.clone(), name.clone()));
        let right = right.or_else(|| remembered.unkept.secret(&host, &name));
        if let Some(secret) = right.cloned() {
            self.answer_by_memory(id, secret, Keyring::Apart);
            return;
        }
        let Some(vault) = self.usable_vault() else {
            return;
        };
        if let Some(asked) = self.prompts.get_mut(&id) {
            asked.is_held = true;
        }
        let happenings = self.happenings.clone();
        tokio::spawn(async move {
            let lookup = vault.secret(host, name);
            tokio::pin!(lookup);
            let result = match timeout(HELD, &mut lookup).await {
                Ok(result) => result,
                Err(_elapsed) => {
                    report(&happenings, Happening::Recalled(id, Recall::Waiting)).await;
                    lookup.await
                }
            };
            let recall = match result {
                Ok(Some(secret)) => Recall::Known(secret),
                Ok(None) => Recall::Nothing(None),
                Err(error) => Recall::Nothing(Some(error)),
            };
            report(&happenings, Happening::Recalled(id, recall)).await;
        });
    }

    /// The keyring, unless it is known to be of no use now.
    fn usable_vault(&self) -> Option<Vault> {
        let remembered = &self.remembered;
        let keyring = remembered.keyring.as_ref();
        keyring.filter(|_| remembered.vault.is_usable()).cloned()
    }

    pub(super) fn recalled(&mut self, id: PromptId, recall: Recall) {
        match recall {
            Recall::Known(secret) => {
                self.keyring_serves();
                self.answer_by_memory(id, secret, Keyring::Holds);
                return;
            }
            Recall::Waiting => {}
            Recall::Nothing(None) => self.keyring_serves(),
            Recall::Nothing(Some(error)) => self.vault_failed(&error),
        }
        if let Some(asked) = self.prompts.get_mut(&id) {
            asked.is_held = false;
        }
    }

    fn answer_by_memory(&mut self, id: PromptId, secret: Secret, keyring: Keyring) {
        self.note_given(id, secret.clone(), keyring);
        self.reply(id, Answer::once(secret));
    }

    /// Takes note of an answer that the person gives.
    pub(super) fn note_answer(&mut self, id: PromptId, answer: &Answer) {
        let (Some(asked), Answer::Secret { secret, remember }) = (self.prompts.get(&id), answer)
        else {
            return;
        };
        let keyring = match (*remember, asked.prompt.was_refused) {
            (true, _) => Keyring::ToKeep,
            (false, true) => Keyring::Stale,
            (false, false) => Keyring::Apart,
        };
        self.note_given(id, secret.clone(), keyring);
    }

    fn note_given(&mut self, id: PromptId, secret: Secret, keyring: Keyring) {
        let Some(asked) = self.prompts.get(&id) else {
            return;
        };
        let prompt = &asked.prompt;
        if let Some(name) = SecretName::of(&prompt.hop, &prompt.question) {
            let key = (prompt.host.clone(), asked.dial, name);
            let given = Given { secret, keyring };
            self.remembered.secrets.given.insert(key, given);
        }
    }

    /// An answer was right: it is kept where the person wants that, and one that the keyring held in its place is gone.
    pub(super) fn accepted(&mut self, host: &HostId, dial: u64, hop: &str, question: &Question) {
        let Some(name) = SecretName::of(hop, question) else {
            return;
        };
        let key = (host.clone(), dial, name.clone());
        let Some(given) = self.remembered.secrets.given.remove(&key) else {
            return;
        };
        let right = (host.clone(), name.clone());
        self.remembered
            .secrets
            .right
            .insert(right, given.secret.clone());
        let value = match given.keyring {
            Keyring::Apart | Keyring::Holds => return,
            Keyring::Stale => None,
            Keyring::ToKeep => Some(given.secret),
        };
        self.keep(Kept::Secret(host.clone(), name), value);
    }

    /// A further session of a link asks: the person is not bothered for it.
    pub(super) fn asked_quietly(
        &self,
        host: &HostId,
        hop: &str,
        question: &Question,
        reply: &SyncSender<Answer>,
    ) {
        let name = SecretName::of(hop, question).filter(|_| !is_again(question));
        let right = name.and_then(|name| {
            let key = (host.clone(), name);
            self.remembered.secrets.right.get(&key).cloned()
        });
        if reply.send(right.map_or(Answer::No, Answer::once)).is_err() {
            tracing::debug!("a further session was given up");
        }
    }
}

/// Whether an earlier answer was wrong.
const fn is_again(question: &Question) -> bool {
    match question {
        Question::Passphrase { again, .. } | Question::Password { again } => *again,
        Question::UnknownHostKey { .. } | Question::Sudo { .. } | Question::Interactive { .. } => {
            false
        }
    }
}
