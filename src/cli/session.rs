//! Following the engine from a terminal: look at each snapshot, answer questions, end cleanly.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Fuse};

use crate::engine::Handle;
use crate::model::{Answer, Command, Prompt, PromptId, Snapshot};

/// How long the engine may take to close everything.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// How the watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The look at a snapshot said that it is enough.
    Enough,
    /// The person, or the system, asked for the end.
    Interrupted,
    /// The engine ended by itself.
    EngineEnded,
}

/// Asks the engine's questions one after the other, on a thread of its own, so that nothing else waits for the person.
pub(super) struct Prompter {
    queue: mpsc::Sender<(Prompt, bool)>,
    last_asked: Option<PromptId>,
}

impl Prompter {
    /// A prompter that has `ask` answer, which is told whether answers can be remembered, and sends the answers to `handle`. The thread ends with the prompter, or with the
    /// process where it sits in the middle of a question.
    pub(super) fn new(
        handle: Handle,
        ask: impl Fn(&Prompt, bool) -> Answer + Send + 'static,
    ) -> Self {
        let (queue, prompts) = mpsc::channel::<(Prompt, bool)>();
        std::thread::spawn(move || {
            for (prompt, keyring) in prompts {
                handle.send(Command::Answer {
                    prompt: prompt.id,
                    answer: ask(&prompt, keyring),
                });
            }
        });
        Self {
            queue,
            last_asked: None,
        }
    }

    /// A prompter that says No to everything.
    pub(super) fn silent(handle: Handle) -> Self {
        Self::new(handle, |_prompt, _keyring| Answer::No)
    }

    fn see(&mut self, snapshot: &Snapshot) {
        if let Some(prompt) = snapshot.prompts.first()
            && self.last_asked != Some(prompt.id)
        {
            self.last_asked = Some(prompt.id);
            let asked = (prompt.clone(), snapshot.vault.is_usable());
            if self.queue.send(asked).is_err() {
                tracing::debug!("the thread that asks questions has ended");
            }
        }
    }
}

/// A command's own engine, and the person in front of it, who answers its questions and may interrupt.
pub(super) struct Dialog {
    handle: Handle,
    prompter: Prompter,
    interrupt: Fuse<BoxFuture<'static, ()>>,
}

impl Dialog {
    pub(super) fn new(
        handle: Handle,
        prompter: Prompter,
        interrupt: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            handle,
            prompter,
            interrupt: interrupt.boxed().fuse(),
        }
    }

    pub(super) fn send(&self, command: Command) {
        self.handle.send(command);
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    /// Shows every snapshot to `look`, from the one of this moment on, until it has seen enough or somebody interrupts.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) async fn follow(
        &mut self,
        look: impl FnMut(&Arc<Snapshot>) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<End> {
        follow(
            &mut self.handle,
            &mut self.prompter,
            &mut self.interrupt,
            look,
        )
        .await
    }

    /// The same, where it is not the person who ends it, but `end`.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) async fn follow_until(
        &mut self,
        end: impl Future<Output = ()>,
        look: impl FnMut(&Arc<Snapshot>) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<End> {
        follow(&mut self.handle, &mut self.prompter, end, look).await
    }

    /// Has the engine close everything, and waits until it has, though not for ever.
    pub(super) async fn close(&mut self) {
        close(&mut self.handle).await;
    }
}

async fn follow(
    handle: &mut Handle,
    prompter: &mut Prompter,
    interrupt: impl Future<Output = ()>,
    mut look: impl FnMut(&Arc<Snapshot>) -> anyhow::Result<ControlFlow<()>>,
) -> anyhow::Result<End> {
    tokio::pin!(interrupt);
    let mut snapshot = handle.snapshot();
    loop {
        prompter.see(&snapshot);
        if look(&snapshot)?.is_break() {
            return Ok(End::Enough);
        }
        if snapshot.ended {
            return Ok(End::EngineEnded);
        }
        tokio::select! {
            biased;
            () = &mut interrupt => return Ok(End::Interrupted),
            next = handle.changed() => match next {
                Ok(next) => snapshot = next,
                Err(_ended) => return Ok(End::EngineEnded),
            },
        }
    }
}

/// Has the engine close everything, and waits until it has, though not for ever.
pub(super) async fn close(handle: &mut Handle) {
    handle.send(Command::Quit);
    let ended = async {
        let mut snapshot = handle.snapshot();
        while !snapshot.ended {
            match handle.changed().await {
                Ok(next) => snapshot = next,
                Err(_ended) => return,
            }
        }
    };
    if tokio::time::timeout(CLOSE_LIMIT, ended).await.is_err() {
        tracing::warn!("the engine did not end within {} s", CLOSE_LIMIT.as_secs());
    }
}

/// Becomes ready when the person presses Ctrl-C, or the system asks this process to end. Listens from this call on.
///
/// # Errors
/// The system's, where signals cannot be listened for.
#[cfg(unix)]
pub(super) fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Becomes ready when the person presses Ctrl-C, or the system asks this process to end. Listens from this call on.
///
/// # Errors
/// The system's, where signals cannot be listened for.
#[cfg(windows)]
pub(super) fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut close = tokio::signal::windows::ctrl_close()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! An engine that the test plays itself.

    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::{Dialog, Prompter};
    use crate::engine::Handle;
    use crate::model::{Command, Snapshot};

    /// The engine's side of a handle.
    pub(in crate::cli) struct FakeEngine {
        commands: mpsc::UnboundedReceiver<Command>,
        snapshots: watch::Sender<Arc<Snapshot>>,
    }

    impl FakeEngine {
        pub(in crate::cli) fn start() -> (Handle, Self) {
            let (sender, commands) = mpsc::unbounded_channel();
            let (snapshots, receiver) = watch::channel(Arc::default());
            let fake = Self {
                commands,
                snapshots,
            };
            (Handle::new(sender, receiver), fake)
        }

        /// A dialog in which nobody answers or interrupts.
        pub(in crate::cli) fn dialog() -> (Dialog, Self) {
            Self::dialog_until(std::future::pending())
        }

        /// A dialog in which nobody answers, until `interrupt`.
        pub(in crate::cli) fn dialog_until(
            interrupt: impl Future<Output = ()> + Send + 'static,
        ) -> (Dialog, Self) {
            let (handle, fake) = Self::start();
            let prompter = Prompter::silent(handle.clone());
            (Dialog::new(handle, prompter, interrupt), fake)
        }

        pub(in crate::cli) async fn command(&mut self) -> Command {
            self.commands.recv().await.unwrap()
        }

        pub(in crate::cli) fn publish(&self, change: impl FnOnce(&mut Snapshot)) {
            self.snapshots
                .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
        }

        /// Takes commands until the wish to quit, and ends.
        pub(in crate::cli) async fn end(mut self) -> Vec<Command> {
            let mut commands = Vec::new();
            loop {
                match self.command().await {
                    Command::Quit => break,
                    other => commands.push(other),
                }
            }
            self.publish(|snapshot| snapshot.ended = true);
            commands
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::FakeEngine;
    use super::*;
    use crate::model::{HostId, Question};

    #[tokio::test]
    async fn a_question_is_asked_once_and_its_answer_sent() {
        let (handle, mut engine) = FakeEngine::start();
        let prompter = Prompter::new(handle.clone(), |_prompt, _keyring| Answer::Yes);
        let mut dialog = Dialog::new(handle, prompter, std::future::pending());
        engine.publish(|snapshot| {
            snapshot.prompts.push(Prompt {
                id: PromptId(7),
                host: HostId::new("h"),
                hop: "u@h".to_owned(),
                question: Question::Password { again: false },
                was_refused: false,
            });
        });
        let play = async {
            let Command::Answer { prompt, answer } = engine.command().await else {
                panic!("no answer")
            };
            assert_eq!(prompt, PromptId(7));
            assert!(matches!(answer, Answer::Yes));
            engine.publish(|snapshot| snapshot.notices.clear());
            engine.publish(|snapshot| snapshot.ended = true);
            engine
        };
        let (end, engine) = tokio::join!(dialog.follow(|_| Ok(ControlFlow::Continue(()))), play);
        assert_eq!(end.unwrap(), End::EngineEnded);
        dialog.send(Command::Quit);
        assert_eq!(engine.end().await.len(), 0, "it was answered once");
    }

    #[tokio::test]
    async fn an_interrupt_ends_the_watching() {
        let (mut dialog, _engine) = FakeEngine::dialog_until(std::future::ready(()));
        assert_eq!(
            dialog
                .follow(|_| Ok(ControlFlow::Continue(())))
                .await
                .unwrap(),
            End::Interrupted
        );
    }

    #[tokio::test(start_paused = true)]
    async fn closing_waits_for_the_end_but_not_for_ever() {
        let (mut dialog, engine) = FakeEngine::dialog();
        let ((), commands) = tokio::join!(dialog.close(), engine.end());
        assert_eq!(commands.len(), 0);

        let (mut dialog, _engine) = FakeEngine::dialog();
        let before = tokio::time::Instant::now();
        dialog.close().await;
        assert_eq!(before.elapsed(), CLOSE_LIMIT);
    }
}
