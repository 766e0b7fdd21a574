//! The socket of a session: it can be cut off, and it reads slowly while the applications are behind.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::pump::Intake;

/// How long to wait between two reads while the applications are behind.
const PAUSE: Duration = Duration::from_millis(1);

/// See the module.
pub(super) struct Socket {
    stream: TcpStream,
    intake: Arc<Intake>,
    pause: Option<Pin<Box<Sleep>>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Socket {
    /// Wraps `stream`.
    pub(super) fn new(stream: TcpStream, intake: Arc<Intake>, stop: CancellationToken) -> Self {
        Self {
            stream,
            intake,
            pause: None,
            stopped: Box::pin(stop.cancelled_owned()),
        }
    }

    /// An error once the session is to be cut off.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.stopped.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let Some(sip_bytes) = self.intake.sip_bytes() else {
            self.pause = None;
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        };
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        ready!(pause.as_mut().poll(cx));
        let mut sip = vec![0; sip_bytes.min(buf.remaining())];
        let mut part = ReadBuf::new(&mut sip);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.pause = None;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
