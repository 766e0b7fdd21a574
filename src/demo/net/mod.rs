//! The network behind the demo's SSH host: who answers at which address, and how.
//!
//! The SSH host is the node k8s-worker-1. What it can reach follows the live objects of the cluster, as kube-proxy's rules
//! on a real node do.

mod apps;
mod page;
mod route;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::store::Store;

pub(super) use self::route::HOST_ADDRESSES;
use self::route::Verdict;

/// The bytes between an application of the demo and the SSH channel that may wait for the slower of the two.
const PIPE_BYTES: usize = 256 * 1024;

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What came of dialling.
pub(super) enum Dialled {
    /// Connected: this is the caller's end.
    Open(Box<dyn Duplex>),
    /// Refused at once, or there is no such host.
    Refused(String),
    /// Nothing answers: the packets are lost.
    Silence,
}

/// The network.
pub(super) struct Network {
    store: Arc<Store>,
    tls: TlsAcceptor,
    api_port: u16,
}

impl Network {
    /// The network of the cluster in `store`, whose API listens on `api_port` of the loopback.
    pub(super) const fn new(store: Arc<Store>, tls: TlsAcceptor, api_port: u16) -> Self {
        Self {
            store,
            tls,
            api_port,
        }
    }

    /// Dials `host` (an address, or a name that the SSH host knows) as the SSH host would.
    pub(super) async fn dial(&self, host: &str, port: u16) -> Dialled {
        let (_, objects) = self.store.now();
        match route::resolve(&objects, host, port) {
            Verdict::Api => self.dial_api().await,
            Verdict::App(app, place) => {
                let (near, far) = tokio::io::duplex(PIPE_BYTES);
                let tls = self.tls.clone();
                // It ends with its connection, which ends with the session that asked for it.
                tokio::spawn(apps::run(app, far, Arc::new(*place), tls));
                Dialled::Open(Box::new(near))
            }
            Verdict::Refused(why) => Dialled::Refused(why),
            Verdict::Silence(why) => {
                tracing::debug!(host, port, why, "the demo network does not answer");
                Dialled::Silence
            }
        }
    }

    async fn dial_api(&self) -> Dialled {
        let port = self.api_port;
        match TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            Ok(stream) => {
                super::listener::without_delay(&stream);
                Dialled::Open(Box::new(stream))
            }
            Err(error) => Dialled::Refused(error.to_string()),
        }
    }
}
