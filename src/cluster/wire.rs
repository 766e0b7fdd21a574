//! Answers of the API read with limits: how long a body or a line may be is not for the network to say.

use std::io;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::response::StatusDetails;
use kube::core::{Status, WatchEvent};
use serde::de::DeserializeOwned;

use super::fault::causes;

/// For one answer: a page of the largest objects that etcd takes stays below it.
pub(super) const BODY_LIMIT_BYTES: usize = 256 * 1024 * 1024;
/// For the answer to a failed request, of which a sentence is used.
const REFUSAL_LIMIT_BYTES: usize = 1024 * 1024;
/// For one event of a watch: etcd takes objects of 1.5 MB.
pub(super) const LINE_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The client's reason, or the server's refusal.
    #[error(transparent)]
    Client(Box<kube::Error>),
    /// It is longer than any that makes sense.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLong {
        /// What would have been taken.
        limit_bytes: usize,
    },
}

impl From<kube::Error> for WireError {
    fn from(error: kube::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

/// Asks for a JSON document.
pub(super) async fn get<T: DeserializeOwned>(
    client: &kube::Client,
    request: Request<Vec<u8>>,
) -> Result<T, WireError> {
    let response = accepted(client.send(request.map(Body::from)).await?).await?;
    let body = collect(response.into_body(), BODY_LIMIT_BYTES).await?;
    Ok(serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?)
}

/// Asks for a watch.
pub(super) async fn watch(
    client: &kube::Client,
    request: Request<Vec<u8>>,
) -> Result<Events, WireError> {
    let response = accepted(client.send(request.map(Body::from)).await?).await?;
    Ok(Events {
        body: response.into_body(),
        buffer: Vec::new(),
        start: 0,
        scanned: 0,
    })
}

/// The response, if it is no refusal.
async fn accepted(response: Response<Body>) -> Result<Response<Body>, WireError> {
    let code = response.status();
    if !code.is_client_error() && !code.is_server_error() {
        return Ok(response);
    }
    let retry_after = response
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    let body = collect(response.into_body(), REFUSAL_LIMIT_BYTES).await?;
    let status = refusal(code, &body, retry_after);
    Err(kube::Error::Api(Box::new(status)).into())
}

/// What the server says; proxies and the API server itself now and then say it in plain text.
fn refusal(code: StatusCode, body: &[u8], retry_after: Option<u32>) -> Status {
    let mut status = serde_json::from_slice::<Status>(body).unwrap_or_else(|_no_status| {
        let text = String::from_utf8_lossy(body);
        Status::failure(text.trim(), "Unknown")
    });
    // What counts is the code of the answer; a body may say anything.
    status.code = code.as_u16();
    if let Some(seconds) = retry_after {
        let details = status.details.get_or_insert_with(no_details);
        details.retry_after_seconds = details.retry_after_seconds.max(seconds);
    }
    status
}

const fn no_details() -> StatusDetails {
    StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    }
}

async fn collect(mut body: Body, limit_bytes: usize) -> Result<Vec<u8>, WireError> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if all.len() + data.len() > limit_bytes {
                return Err(WireError::TooLong { limit_bytes });
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all)
}

/// The events of a watch, one JSON document a line.
pub(super) struct Events {
    body: Body,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of a line.
    scanned: usize,
}

impl Events {
    /// The next event; none when the server, or the connection, has ended.
    pub(super) async fn next<T: DeserializeOwned + Clone>(
        &mut self,
    ) -> Result<Option<WatchEvent<T>>, WireError> {
        loop {
            let unseen = &self.buffer[self.scanned..];
            if let Some(length) = unseen.iter().position(|byte| *byte == b'\n') {
                let line = self.start..self.scanned + length;
                self.start = line.end + 1;
                self.scanned = self.start;
                let line = self.buffer[line].trim_ascii();
                if !line.is_empty() {
                    return Ok(Some(event(line)?));
                }
                continue;
            }
            self.scanned = self.buffer.len();
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Reads on; false at the end.
    async fn read(&mut self) -> Result<bool, WireError> {
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        let frame = match self.body.frame().await {
            None => return Ok(false),
            Some(Err(error)) if is_end(&error) => return Ok(false),
            Some(frame) => frame?,
        };
        if let Ok(data) = frame.into_data() {
            if self.buffer.len() + data.len() > LINE_LIMIT_BYTES && !data.contains(&b'\n') {
                return Err(WireError::TooLong {
                    limit_bytes: LINE_LIMIT_BYTES,
                });
            }
            self.buffer.extend_from_slice(&data);
        }
        Ok(true)
    }
}

fn event<T: DeserializeOwned + Clone>(line: &[u8]) -> Result<WatchEvent<T>, kube::Error> {
    serde_json::from_slice(line).map_err(|error| match serde_json::from_slice::<Status>(line) {
        Ok(status) if status.code >= 400 => kube::Error::Api(Box::new(status)),
        _ => kube::Error::SerdeError(error),
    })
}

/// A server that ends a watch does so in the middle of a chunked body: that is an end like any other.
fn is_end(error: &kube::Error) -> bool {
    causes(error).any(|cause| {
        let hyper: Option<&hyper::Error> = cause.downcast_ref();
        let io: Option<&io::Error> = cause.downcast_ref();
        hyper.is_some_and(hyper::Error::is_incomplete_message)
            || io.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
    })
}
