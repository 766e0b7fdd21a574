//! Bytes between an SSH channel and an application, each direction on its own.
//!
//! russh tells the client to go on as soon as data arrived, not when it was used, and a session that waits for one channel's
//! reader hears nothing else, window adjustments included: with an echo behind it that is a deadlock. So what arrives is
//! always taken at once, counted, and handed on from a queue; while too much is queued, the session's socket is read slowly,
//! which holds the client back by TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::demo::net::Duplex;

/// Queued bytes of a session from which on its socket is read slowly.
const FULL_BYTES: usize = 8 * 1024 * 1024;

/// Queued bytes of a session at which a channel that brings more is closed: its client does not read what it asked for.
const LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// How much a session reads at a time when its queue has just become full.
const SIP_BYTES: usize = 256 * 1024;

/// How often that is halved on the way from full to the limit.
const HALVINGS: usize = 12;

/// The size of pieces to the client: what OpenSSH's and libssh2's packets hold.
const PIECE_BYTES: usize = 32 * 1024;

/// What a session has taken in and not yet handed on.
#[derive(Debug, Default)]
pub(super) struct Intake {
    queued: AtomicUsize,
}

impl Intake {
    /// How much the session may read before its next pause; none means no pause. The fuller the queue, the less it is, so
    /// that reading finds the pace at which the client itself takes things back. It is never nothing: the client's window
    /// adjustments are among what is read, and the way out of a jam depends on them.
    pub(super) fn sip_bytes(&self) -> Option<usize> {
        let above = self
            .queued
            .load(Ordering::Relaxed)
            .checked_sub(FULL_BYTES)?;
        let halvings = (above * HALVINGS / (LIMIT_BYTES - FULL_BYTES)).min(HALVINGS);
        Some(SIP_BYTES >> halvings)
    }

    fn take(self: &Arc<Self>, bytes: Bytes) -> Option<Queued> {
        let before = self.queued.fetch_add(bytes.len(), Ordering::Relaxed);
        let queued = Queued {
            bytes,
            intake: Arc::clone(self),
        };
        (before < LIMIT_BYTES).then_some(queued)
    }
}

/// Bytes in the queue; dropped, they count no more.
struct Queued {
    bytes: Bytes,
    intake: Arc<Intake>,
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.intake
            .queued
            .fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// Moves bytes until both directions have ended, or the client closes the channel.
pub(super) async fn run(channel: Channel<Msg>, io: Box<dyn Duplex>, intake: Arc<Intake>) {
    let (from_client, to_client) = channel.split();
    let (from_app, to_app) = tokio::io::split(io);
    let (queue, queued) = mpsc::unbounded_channel();
    let closed = take_in(from_client, queue, &intake);
    let both = async { tokio::join!(hand_on(queued, to_app), send(from_app, &to_client)) };
    tokio::select! {
        () = closed => {}
        _ends = both => {}
    }
    // The session may be over, and then there is nobody to tell.
    let _over = to_client.close().await;
}

/// Queues what the client sends. It returns when the channel is closed; the end of the data alone only ends the queue.
async fn take_in(mut from: ChannelReadHalf, queue: UnboundedSender<Queued>, intake: &Arc<Intake>) {
    let mut queue = Some(queue);
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                let Some(piece) = intake.take(data) else {
                    return;
                };
                // An application that reads no more is no reason to stop listening for the end of the channel.
                if let Some(Err(_gone)) = queue.as_ref().map(|queue| queue.send(piece)) {
                    queue = None;
                }
            }
            ChannelMsg::Eof => queue = None,
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// Gives the application what was queued, then the end of it.
async fn hand_on(mut queued: UnboundedReceiver<Queued>, mut to: impl AsyncWrite + Unpin) {
    while let Some(piece) = queued.recv().await {
        if to.write_all(&piece.bytes).await.is_err() {
            return;
        }
    }
    // A peer that is gone needs no end of data.
    let _gone = to.shutdown().await;
}

/// Sends the client what the application writes, as its window permits, then the end of it.
async fn send(mut from: impl AsyncRead + Unpin, to: &ChannelWriteHalf<Msg>) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if to
                    .data_bytes(Bytes::copy_from_slice(&buffer[..n]))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    }
    // The session may be over.
    let _over = to.eof().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_reads_the_less_the_more_is_queued() {
        let intake = Arc::new(Intake::default());
        assert_eq!(intake.sip_bytes(), None);
        let first = intake.take(vec![0; FULL_BYTES].into()).unwrap();
        assert_eq!(intake.sip_bytes(), Some(SIP_BYTES));
        let rest = intake
            .take(vec![0; LIMIT_BYTES - FULL_BYTES].into())
            .unwrap();
        assert_eq!(intake.sip_bytes(), Some(SIP_BYTES >> HALVINGS));
        assert!(intake.take(Bytes::from_static(b"x")).is_none());
        drop((first, rest));
        assert_eq!(intake.sip_bytes(), None);
    }
}
