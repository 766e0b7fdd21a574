//! The listener of the API: TLS, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Api, answer};
use crate::demo::listener::{Cutter, accept, without_delay};

/// Connections served at a time; further ones wait in the backlog.
const CONNECTIONS: usize = 256;

/// How long a client may take for the TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Serves `api` until `stop`; each connection is a task of `tasks` and ends at `stop` in mid-sentence.
pub(in crate::demo) async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    api: Arc<Api>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some((stream, place)) = accept(&listener, &places, &stop).await {
        let (tls, api, stop) = (tls.clone(), Arc::clone(&api), stop.clone());
        tasks.spawn(async move {
            without_delay(&stream);
            let cutter = Cutter::of(&stream);
            tokio::select! {
                () = stop.cancelled() => cutter.cut(),
                () = connection(stream, tls, api) => {}
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, api: Arc<Api>) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await else {
        return;
    };
    let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(answer(api, request).await) }
    });
    let io = TokioIo::new(stream);
    let served = if second {
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .serve_connection(io, service)
            .await
    } else {
        http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(io, service)
            .await
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the demo API ended early");
    }
}
