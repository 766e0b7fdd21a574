//! What the two listeners of the demo have in common.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long to wait when accepting fails, which it does for as long as there are no free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A loopback listener; port 0 lets the system choose.
pub(super) async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// The next connection, once there is a place for it; none when it is time to stop.
pub(super) async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let next = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) => {
                    tracing::debug!(%error, "the demo could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => None,
        accepted = next => accepted,
    }
}

/// Sends small writes at once.
pub(super) fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "an option of a demo socket could not be set");
    }
}

/// A second handle of a socket, with which it can be cut after the first was given away.
pub(super) struct Cutter(Option<socket2::Socket>);

impl Cutter {
    /// The cutter of `stream`.
    pub(super) fn of(stream: &TcpStream) -> Self {
        Self(socket2::SockRef::from(stream).try_clone().ok())
    }

    /// Makes closing the socket a reset: a server that is stopped is gone, without a farewell.
    pub(super) fn cut(self) {
        if let Some(socket) = self.0
            && let Err(error) = socket.set_linger(Some(Duration::ZERO))
        {
            tracing::debug!(%error, "an option of a demo socket could not be set");
        }
    }
}
