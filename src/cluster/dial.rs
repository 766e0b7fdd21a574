//! The way to the API server's socket.
//!
//! A dialler is any `tower::Service<Uri>` that yields a byte stream; TLS, with the server's name checked, comes on top of
//! it in [`super::connection`]. [`Tcp`] dials from this computer. It is Adit's own rather than hyper's so that what went
//! wrong (the name, the refusal, the silence) is told by type.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::model::Fault;

/// For one address; a name may have several.
const ADDRESS_LIMIT: Duration = Duration::from_secs(5);
/// For all of it: the name, and each address in turn.
const DIAL_LIMIT: Duration = Duration::from_secs(10);

/// Why the API server's port could not be reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
    /// The name does not resolve.
    #[error("the name {host} does not resolve")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's reason.
        source: io::Error,
    },
    /// The connection was not made.
    #[error("{address} cannot be connected to")]
    Connect {
        /// The last address that was tried.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The SSH host could not connect to it, or cannot be reached itself.
    #[error("{name}: {fault}")]
    Gateway {
        /// The host.
        name: String,
        /// What its side says.
        fault: Box<Fault>,
    },
    /// Nothing answered in time.
    #[error("{host} did not answer within {} s", after.as_secs())]
    TimedOut {
        /// The host that was dialled.
        host: String,
        /// How long was waited.
        after: Duration,
    },
}

/// Dials over TCP from this computer.
#[derive(Clone, Debug)]
pub(super) struct Tcp;

impl tower::Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let (host, port) = host_and_port(&uri)?;
            timeout(DIAL_LIMIT, dial(host, port))
                .await
                .unwrap_or_else(|_elapsed| Err(timed_out(host, DIAL_LIMIT)))
                .map(TokioIo::new)
        })
    }
}

/// What is dialled for a URL.
pub(super) fn host_and_port(uri: &Uri) -> Result<(&str, u16), DialError> {
    let host = uri.host().ok_or(DialError::NoHost)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    Ok((host, port))
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let resolve = |source| DialError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(resolve)?;
    let mut last = resolve(io::Error::from(io::ErrorKind::NotFound));
    for address in addresses {
        match timeout(ADDRESS_LIMIT, TcpStream::connect(address)).await {
            Err(_elapsed) => last = timed_out(host, ADDRESS_LIMIT),
            Ok(Err(source)) => last = DialError::Connect { address, source },
            Ok(Ok(stream)) => {
                tune(&stream).map_err(|source| DialError::Connect { address, source })?;
                return Ok(stream);
            }
        }
    }
    Err(last)
}

/// Small requests leave at once, and a peer that is gone is found out by the system within half a minute even on a
/// connection over which nothing is sent.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5));
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

pub(super) fn timed_out(host: &str, after: Duration) -> DialError {
    DialError::TimedOut {
        host: host.to_owned(),
        after,
    }
}
