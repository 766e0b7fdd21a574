//! Writes the settings: at once where it is about a tunnel, so that a crash loses nothing that was wanted, else once they have rested.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::effects::report;
use super::happening::Happening;
use crate::model::{Settings, words};
use crate::settings::{SettingsError, Store};

/// How long changes are gathered before they are written.
const GATHERING: Duration = Duration::from_millis(400);

/// The pause before settings that could not be written are tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Settings, and how many there were before them.
#[derive(Clone)]
struct Numbered {
    number: u64,
    settings: Arc<Settings>,
}

/// Writes the settings, each time they have changed.
pub(super) struct SettingsKeeper {
    newest: watch::Sender<Numbered>,
    written: watch::Receiver<Numbered>,
    task: JoinHandle<()>,
}

impl SettingsKeeper {
    pub(super) fn start(
        store: Store,
        settings: Arc<Settings>,
        happenings: mpsc::Sender<Happening>,
    ) -> Self {
        let first = Numbered {
            number: 0,
            settings,
        };
        let (tell, written) = watch::channel(first.clone());
        let (newest, changes) = watch::channel(first);
        let writer = Writer {
            store,
            written: tell,
            happenings,
            has_failed: false,
        };
        Self {
            newest,
            written,
            task: tokio::spawn(writer.run(changes)),
        }
    }

    pub(super) fn keep(&self, settings: &Arc<Settings>) {
        self.newest.send_if_modified(|newest| {
            let has_changed =
                !Arc::ptr_eq(&newest.settings, settings) && newest.settings != *settings;
            if has_changed {
                newest.number += 1;
                newest.settings = Arc::clone(settings);
            }
            has_changed
        });
    }

    /// Waits until what is to be kept by now is written, or could not be.
    pub(super) fn written(&self) -> impl Future<Output = ()> + Send + use<> {
        let wanted = self.newest.borrow().number;
        let mut written = self.written.clone();
        async move {
            let is_written = |written: &Numbered| written.number >= wanted;
            // Its end is as good: it writes what is left.
            let _ended = written.wait_for(is_written).await;
        }
    }

    /// Writes what is left to write.
    pub(super) async fn end(self) {
        drop(self.newest);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the settings were not written");
        }
    }
}

/// The one who writes.
struct Writer {
    store: Store,
    /// What was written last, or could not be.
    written: watch::Sender<Numbered>,
    happenings: mpsc::Sender<Happening>,
    has_failed: bool,
}

impl Writer {
    async fn run(mut self, mut changes: watch::Receiver<Numbered>) {
        let mut is_over = false;
        while !is_over {
            // What could not be written is tried again, and a last time at the end.
            let pause = if self.has_failed {
                AGAIN
            } else {
                Duration::MAX
            };
            match timeout(pause, changes.changed()).await {
                Ok(Err(_ended)) if !self.has_failed => return,
                Ok(_) | Err(_) => {}
            }
            // Further changes are gathered; the end is not waited out.
            is_over = tokio::select! {
                is_over = self.gather(&mut changes) => is_over,
                () = sleep(GATHERING) => false,
            };
            let newest = changes.borrow_and_update().clone();
            let (mut store, settings) = (self.store, Arc::clone(&newest.settings));
            let written = tokio::task::spawn_blocking(move || {
                let result = store.save(&settings);
                (store, result)
            });
            let Ok((store, result)) = written.await else {
                return;
            };
            self.store = store;
            self.look_at(result);
            self.written.send_replace(newest);
        }
    }

    /// Takes in what changes until there is something that is not to be lost; whether it is the end.
    async fn gather(&self, changes: &mut watch::Receiver<Numbered>) -> bool {
        loop {
            let wanted = changes.borrow_and_update().settings.clone();
            if wanted.tunnels != self.written.borrow().settings.tunnels {
                return false;
            }
            if changes.changed().await.is_err() {
                return true;
            }
        }
    }

    /// Says that they cannot be written, or can be again: once, not at every change.
    fn look_at(&mut self, result: Result<(), SettingsError>) {
        let had_failed = std::mem::replace(&mut self.has_failed, result.is_err());
        let text = match result {
            Ok(()) if had_failed => words!("The settings are written again."),
            Err(error) if !had_failed => words!(
                "{problem}. Adit tries again every few seconds; what it cannot write is lost when it ends.",
                problem = error.words()
            ),
            Ok(()) => return,
            Err(error) => {
                tracing::debug!(%error, "settings not written");
                return;
            }
        };
        // At the end the supervisor waits for this task and takes no news.
        let happenings = self.happenings.clone();
        tokio::spawn(async move { report(&happenings, Happening::SettingsSaid(text)).await });
    }
}
