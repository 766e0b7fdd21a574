//! The applications in the demo's pods: a web page, a stream of known bytes, an echo.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::Duplex;
use super::page;
use super::route::Place;
use crate::demo::cluster::App;

/// One piece of the stream of known bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// How long a client of the Https application may take to greet.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Runs `app` on one connection until it is over.
pub(super) async fn run(app: App, stream: DuplexStream, place: Arc<Place>, tls: TlsAcceptor) {
    match app {
        App::Http => web(stream, place).await,
        App::Https => {
            let greeted = tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await;
            if let Ok(Ok(stream)) = greeted {
                web(stream, place).await;
            }
        }
        App::Echo => echo(stream).await,
        App::Closed => {}
    }
}

/// Sends back what comes; the end of what comes is the end of what goes, and not before all of it went.
async fn echo(stream: DuplexStream) {
    let (mut read, mut write) = tokio::io::split(stream);
    if tokio::io::copy(&mut read, &mut write).await.is_ok() {
        // The peer may be gone by now, which ends this connection just as well.
        let _gone = write.shutdown().await;
    }
}

async fn web(stream: impl Duplex + 'static, place: Arc<Place>) {
    let service = service_fn(move |request| {
        let place = Arc::clone(&place);
        async move { Ok::<_, Infallible>(respond(request, &place)) }
    });
    let served = http1::Builder::new()
        .half_close(true)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to a demo application ended early");
    }
}

fn respond(request: Request<Incoming>, place: &Place) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::POST | &Method::PUT, "/echo") => mirror(request),
        (&Method::GET, "/bytes") => bytes(request.uri().query().unwrap_or_default()),
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::GET | &Method::HEAD, "/favicon.ico") => text(StatusCode::NOT_FOUND, "none\n"),
        (&Method::GET | &Method::HEAD, _) => html(page::render(place, &path)),
        _ => text(
            StatusCode::METHOD_NOT_ALLOWED,
            "GET any path, GET /bytes?n=N, POST /echo\n",
        ),
    }
}

/// The body of the request, as it comes in.
fn mirror(request: Request<Incoming>) -> Response<Body> {
    let length = request.headers().get(CONTENT_LENGTH).cloned();
    let mut response = with_type(
        request.into_body().boxed_unsync(),
        "application/octet-stream",
    );
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

/// `n` known bytes, streamed: byte i is that of [`known_bytes`].
fn bytes(query: &str) -> Response<Body> {
    let wanted = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("n="))
        .and_then(|n| n.parse::<u64>().ok());
    let Some(total) = wanted else {
        return text(StatusCode::BAD_REQUEST, "say how many: /bytes?n=1000000\n");
    };
    let pieces = futures::stream::unfold(0_u64, move |at| async move {
        let left = usize::try_from(total - at).unwrap_or(usize::MAX);
        let size = left.min(PIECE_BYTES);
        if size == 0 {
            return None;
        }
        let piece = Bytes::from(known_bytes(at, size));
        Some((Ok(Frame::data(piece)), at + size as u64))
    });
    let mut response = with_type(
        StreamBody::new(pieces).boxed_unsync(),
        "application/octet-stream",
    );
    let length = HeaderValue::from(total);
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// The bytes from `offset` on of `/bytes`: the little-endian numbers of the 8-byte words, stirred so that no part of the
/// stream looks like another.
fn known_bytes(offset: u64, size: usize) -> Vec<u8> {
    let first = offset / 8;
    let skip = usize::try_from(offset % 8).unwrap_or(0);
    let words = (skip + size).div_ceil(8) as u64;
    let mut out: Vec<u8> = (first..first + words)
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect();
    out.drain(..skip);
    out.truncate(size);
    out
}

fn html(page: String) -> Response<Body> {
    let mut response = with_type(full(page.into()), "text/html; charset=utf-8");
    // Another pod may answer next time.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(code: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = with_type(full(Bytes::from_static(text.as_bytes())), "text/plain");
    *response.status_mut() = code;
    response
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn with_type(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::known_bytes;

    #[test]
    fn pieces_fit_together() {
        let whole = known_bytes(0, 1000);
        let mut joined = Vec::new();
        for size in [1, 7, 8, 13, 64, 907] {
            joined.extend(known_bytes(joined.len() as u64, size));
        }
        assert_eq!(joined, whole);
    }
}
