//! Questions to the person: put, answered, and void once the dial behind them is over.

use super::happening::Reply;
use super::supervisor::Supervisor;
use crate::model::{Answer, HostId, Prompt, PromptId, Question};

/// A question, and where its answer is waited for.
pub(super) struct Asked {
    pub(super) prompt: Prompt,
    /// The dial that asks; 0 where the cluster's watcher does.
    pub(super) dial: u64,
    /// It is not shown yet: the keyring may have the answer.
    pub(super) is_held: bool,
    reply: Reply,
}

impl Supervisor {
    pub(super) fn answer(&mut self, id: PromptId, answer: Answer) {
        self.note_answer(id, &answer);
        self.reply(id, answer);
    }

    pub(super) fn reply(&mut self, id: PromptId, answer: Answer) {
        if let Some(asked) = self.prompts.remove(&id)
            && !asked.reply.send(answer)
        {
            tracing::debug!("the question was not waited for any more");
        }
    }

    /// Puts a question to the person. One of a dial that was given up never comes here: dropping its channel answers no.
    pub(super) fn asked(
        &mut self,
        host: &HostId,
        dial: u64,
        hop: String,
        question: Question,
        reply: Reply,
    ) {
        self.next_prompt += 1;
        let id = PromptId(self.next_prompt);
        let prompt = Prompt {
            id,
            host: host.clone(),
            hop,
            question,
            was_refused: false,
        };
        self.prompts.insert(
            id,
            Asked {
                prompt,
                dial,
                reply,
                is_held: false,
            },
        );
        self.recall(id);
    }

    /// Questions of a dial that is over need no answer.
    pub(super) fn forget_prompts(&mut self, host: &HostId, dial: u64) {
        self.prompts
            .retain(|_, asked| asked.prompt.host != *host || asked.dial != dial);
        self.remembered.forget_dial(host, dial);
    }
}
