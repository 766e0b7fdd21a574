//! A channel as a stream of bytes, for code that speaks a protocol over it itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Socket;

#[cfg(not(unix))]
type Near = tokio::net::TcpStream;
#[cfg(unix)]
type Near = tokio::net::UnixStream;

/// One end of a stream whose other end is carried over a channel by the session's loop. It ends when the channel or the
/// session does; dropping it closes the channel.
#[derive(Debug)]
pub struct ChannelStream(Near);

impl ChannelStream {
    /// A stream, and its other end for the loop.
    pub(super) fn pair() -> io::Result<(Self, Socket)> {
        let (near, far) = Socket::pair()?;
        near.set_nonblocking()?;
        let near = match near {
            #[cfg(unix)]
            Socket::Unix(stream) => Near::from_std(stream)?,
            #[cfg(not(unix))]
            Socket::Tcp(stream) => Near::from_std(stream)?,
            #[cfg(unix)]
            Socket::Tcp(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok((Self(near), far))
    }
}

impl AsyncRead for ChannelStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for ChannelStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
