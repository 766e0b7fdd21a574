//! The way the faces reach the engine: commands in, snapshots out. Cheap to clone; holds no lock.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::model::{Command, Snapshot};

/// The engine has ended; nothing more will come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has ended")]
pub struct EngineEnded;

/// One face's connection to the engine.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Handle {
    /// A handle over these two queues. The commands' queue needs no bound: it holds what persons do.
    #[must_use]
    pub const fn new(
        commands: mpsc::UnboundedSender<Command>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        Self {
            commands,
            snapshots,
        }
    }

    /// Says what is wanted. What becomes of it shows in the snapshots; after the engine's end it is dropped.
    pub fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::debug!("a command came after the engine's end");
        }
    }

    /// The newest picture of everything.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// The newest picture of everything, which [`Handle::changed`] will then not return again.
    #[must_use]
    pub fn newest(&mut self) -> Arc<Snapshot> {
        self.snapshots.borrow_and_update().clone()
    }

    /// Waits for a picture that this handle has not seen, and returns it.
    ///
    /// # Errors
    /// [`EngineEnded`] if there will be no other.
    pub async fn changed(&mut self) -> Result<Arc<Snapshot>, EngineEnded> {
        self.snapshots
            .changed()
            .await
            .map_err(|_closed| EngineEnded)?;
        Ok(self.snapshots.borrow_and_update().clone())
    }
}
