//! Frames over a socket, with limits: how long each may be, and how long the rest of one may take.

use std::io;
use std::time::Duration;

use futures::{Stream, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::frame::{self, FrameError, HEADER_BYTES, Header, Kind, REPLY_LIMIT, REQUEST_LIMIT};
use super::message::{AnswerKind, Reply, Request};
use crate::model::{Answer, Secret};

/// How long the content of a frame may take to come, and a frame to be taken.
const FRAME_LIMIT: Duration = Duration::from_secs(10);

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other side does not speak this language.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The other side took too long.
    #[error("the other side is too slow")]
    Slow,
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A request, and the answer where it is one with an answer.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) request: Request,
    pub(super) answer: Option<Answer>,
}

/// The requests of a client, until it hangs up. A stream, so that a request that is half read is not lost when something
/// else is waited for as well.
pub(super) fn requests(
    reader: impl AsyncRead + Unpin,
) -> impl Stream<Item = Result<Incoming, WireError>> {
    stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match read_request(&mut reader).await {
            Ok(Some(request)) => Some((Ok(request), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The replies of the instance, until it hangs up.
pub(super) fn replies(
    reader: impl AsyncRead + Unpin,
) -> impl Stream<Item = Result<Reply, WireError>> {
    stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match read_message(&mut reader, REPLY_LIMIT).await {
            Ok(Some(reply)) => Some((Ok(reply), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

async fn read_request(
    reader: &mut (impl AsyncRead + Unpin),
) -> Result<Option<Incoming>, WireError> {
    let Some(request) = read_message(reader, REQUEST_LIMIT).await? else {
        return Ok(None);
    };
    let answer = match request {
        Request::Answer { answer, .. } => Some(match answer {
            AnswerKind::Yes => Answer::Yes,
            AnswerKind::No => Answer::No,
            AnswerKind::Secret { remember } => Answer::Secret {
                secret: read_secret(reader).await?,
                remember,
            },
        }),
        _ => None,
    };
    Ok(Some(Incoming { request, answer }))
}

/// The next message; none where the other side has hung up between two of them.
async fn read_message<T: DeserializeOwned>(
    reader: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Option<T>, WireError> {
    let Some((kind, content)) = read_frame(reader, limit).await? else {
        return Ok(None);
    };
    match kind {
        Kind::Message => Ok(Some(frame::decode(&content)?)),
        Kind::Secret => Err(FrameError::Turn.into()),
    }
}

async fn read_secret(reader: &mut (impl AsyncRead + Unpin)) -> Result<Secret, WireError> {
    match read_frame(reader, REQUEST_LIMIT).await? {
        Some((Kind::Secret, mut content)) => {
            // The text takes over the very memory that was read into.
            match String::from_utf8(std::mem::take(&mut *content)) {
                Ok(text) => Ok(Secret::new(text)),
                Err(error) => {
                    drop(Zeroizing::new(error.into_bytes()));
                    Err(FrameError::NotText.into())
                }
            }
        }
        Some((Kind::Message, _)) => Err(FrameError::Turn.into()),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Option<(Kind, Zeroizing<Vec<u8>>)>, WireError> {
    let mut header = [0; HEADER_BYTES];
    // The first byte may be waited for; once a frame has begun, the rest of it may not.
    if reader.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    let rest = async {
        reader.read_exact(&mut header[1..]).await?;
        let header = Header::parse(header, limit)?;
        let mut content = Zeroizing::new(vec![0; header.length]);
        reader.read_exact(&mut content).await?;
        Ok::<_, WireError>((header.kind, content))
    };
    match tokio::time::timeout(FRAME_LIMIT, rest).await {
        Ok(frame) => Ok(Some(frame?)),
        Err(_elapsed) => Err(WireError::Slow),
    }
}

/// Sends a request or a reply.
///
/// # Errors
/// [`WireError`]; a side that takes nothing for a while is too slow.
pub(super) async fn send<T: Serialize>(
    writer: &mut (impl AsyncWrite + Unpin),
    message: &T,
    limit: usize,
) -> Result<(), WireError> {
    let frame = frame::encode(message, limit)?;
    send_bytes(writer, &frame).await
}

/// Sends an answer: its message, and the secret's own frame where it is one.
pub(super) async fn send_answer(
    writer: &mut (impl AsyncWrite + Unpin),
    prompt: u64,
    answer: &Answer,
) -> Result<(), WireError> {
    let (kind, secret) = match answer {
        Answer::Yes => (AnswerKind::Yes, None),
        Answer::No => (AnswerKind::No, None),
        Answer::Secret { secret, remember } => {
            let remember = *remember;
            let frame = frame::encode_secret(secret.expose())?;
            (AnswerKind::Secret { remember }, Some(frame))
        }
    };
    let message = Request::Answer {
        prompt,
        answer: kind,
    };
    send(writer, &message, REQUEST_LIMIT).await?;
    match secret {
        Some(secret) => send_bytes(writer, &secret).await,
        None => Ok(()),
    }
}

async fn send_bytes(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), WireError> {
    let sent = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    match tokio::time::timeout(FRAME_LIMIT, sent).await {
        Ok(sent) => Ok(sent?),
        Err(_elapsed) => Err(WireError::Slow),
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn an_answer_with_a_secret_comes_as_one() {
        let (mut near, far) = duplex(16);
        let send = async {
            let answer = Answer::once(Secret::new("pass\"wort ❤".to_owned()));
            send_answer(&mut near, 7, &answer).await.unwrap();
            send_answer(&mut near, 8, &Answer::No).await.unwrap();
            drop(near);
        };
        let receive = async {
            let requests = requests(far);
            tokio::pin!(requests);
            let first = requests.next().await.unwrap().unwrap();
            let Some(Answer::Secret { secret, .. }) = first.answer else {
                panic!("no secret")
            };
            assert_eq!(secret.expose(), "pass\"wort ❤");
            let second = requests.next().await.unwrap().unwrap();
            assert!(matches!(second.answer, Some(Answer::No)));
            assert!(requests.next().await.is_none(), "it has hung up");
        };
        tokio::join!(send, receive);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_does_not_go_on_ends_the_conversation() {
        let (mut near, far) = duplex(64);
        near.write_all(&[1, 0, 0]).await.unwrap();
        let requests = requests(far);
        tokio::pin!(requests);
        let error = requests.next().await.unwrap().unwrap_err();
        assert!(matches!(error, WireError::Slow), "{error}");
        assert!(requests.next().await.is_none());
    }

    #[tokio::test]
    async fn a_secret_out_of_its_turn_is_refused() {
        let (mut near, far) = duplex(64);
        let frame = frame::encode_secret("x").unwrap();
        near.write_all(&frame).await.unwrap();
        let requests = requests(far);
        tokio::pin!(requests);
        let error = requests.next().await.unwrap().unwrap_err();
        assert!(
            matches!(error, WireError::Frame(FrameError::Turn)),
            "{error}"
        );
    }
}
