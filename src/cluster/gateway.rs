//! The SSH host through which an API server is reached, as this module sees it: something that opens streams and runs
//! commands. Whoever watches a cluster through a host hands one in; that it is SSH is none of this module's business.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use crate::model::{Destination, Fault};

use super::dial::{DialError, host_and_port};

/// Why a host could not do what was asked of it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GatewayError {
    /// The way to the host, or from it to the API server, does not stand.
    #[error("{0}")]
    Fault(Fault),
    /// It does not run commands, or this one came to nothing.
    #[error("{reason}")]
    Command {
        /// Why, in words.
        reason: String,
    },
}

/// What a command on the host printed, and how it ended.
pub struct Ran {
    /// Whether it ended well.
    pub success: bool,
    /// Its standard output. It may hold keys.
    pub stdout: Zeroizing<Vec<u8>>,
    /// The last line of its standard error.
    pub said: String,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { success, said, .. } = self;
        write!(f, "Ran {{ success: {success}, said: {said:?}, .. }}")
    }
}

/// A stream of bytes, both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A host through which a cluster is reached. What it opens ends when the way to the host is lost, and can be opened again
/// when that stands again.
pub trait Gateway: fmt::Debug + Send + Sync {
    /// What the host is called in messages.
    fn name(&self) -> String;

    /// Resolves when the way to the host stands, or has failed so that it takes the person.
    fn ready(&self) -> BoxFuture<'static, Result<(), Fault>>;

    /// Resolves when the way to the host has changed after this call.
    fn changed(&self) -> BoxFuture<'static, ()>;

    /// Opens a stream to `destination` as seen from the host.
    fn open(
        &self,
        destination: Destination,
    ) -> BoxFuture<'static, Result<Box<dyn ByteStream>, Fault>>;

    /// Runs a command on the host, within `limit` and with little output.
    fn run(
        &self,
        command: String,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Ran, GatewayError>>;

    /// Asks the person whether `file` may be read as root. This may take long.
    fn may_read_as_root(&self, file: String) -> BoxFuture<'static, bool>;
}

/// Dials from the host.
#[derive(Clone, Debug)]
pub(super) struct Through(pub(super) Arc<dyn Gateway>);

impl tower::Service<Uri> for Through {
    type Response = TokioIo<Channel>;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let gateway = Arc::clone(&self.0);
        Box::pin(async move {
            let (host, port) = host_and_port(&uri)?;
            // The host's own loopback where the URL says so: that is where the kubeconfig is at home.
            let opening = gateway.open(Destination::tcp(host, port));
            let stream = opening.await.map_err(|fault| DialError::Gateway {
                name: gateway.name(),
                fault: Box::new(fault),
            })?;
            Ok(TokioIo::new(Channel(stream)))
        })
    }
}

/// A stream through a host, in hyper's terms.
pub(super) struct Channel(Box<dyn ByteStream>);

impl Connection for Channel {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
