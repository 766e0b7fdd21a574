//! Wakes the window when there is something new to show, and only then.

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine::Handle;

/// A thread that waits for new snapshots. It ends when this is dropped, or when the engine has ended.
#[derive(Debug)]
pub(super) struct Waker {
    _stop: DropGuard,
}

impl Waker {
    /// Starts waiting on behalf of the window of `ctx`.
    ///
    /// # Errors
    /// The system's reason why no thread could be had.
    pub(super) fn start(ctx: egui::Context, handle: Handle) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        std::thread::Builder::new()
            .name("adit-wake".to_owned())
            .spawn(move || {
                runtime.block_on(stopped.run_until_cancelled(wake(&ctx, handle)));
            })?;
        Ok(Self {
            _stop: stop.drop_guard(),
        })
    }
}

async fn wake(ctx: &egui::Context, mut handle: Handle) {
    while handle.changed().await.is_ok() {
        ctx.request_repaint();
    }
    // The engine is gone, and the window has to notice that too.
    ctx.request_repaint();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::model::Snapshot;

    #[test]
    fn a_new_snapshot_asks_for_a_repaint() {
        let (commands, _commands) = tokio::sync::mpsc::unbounded_channel();
        let (snapshots, watched) = tokio::sync::watch::channel(Arc::new(Snapshot::default()));
        let ctx = egui::Context::default();
        let (asked, asks) = mpsc::channel();
        ctx.set_request_repaint_callback(move |_info| {
            let _ = asked.send(());
        });
        let waker = Waker::start(ctx, Handle::new(commands, watched)).unwrap();
        snapshots.send(Arc::new(Snapshot::default())).unwrap();
        assert_eq!(asks.recv_timeout(Duration::from_secs(5)), Ok(()));
        drop(waker);
        // The thread held the last receiver, so the channel closes when it has ended.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(5), snapshots.closed())
                .await
                .unwrap();
        });
    }
}
