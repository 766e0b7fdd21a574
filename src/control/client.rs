//! The other side: a program that talks to the running instance.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::io::WriteHalf;
use tokio::time::{Instant, sleep, timeout};

use super::frame::REQUEST_LIMIT;
use super::message::{PROTOCOL, Reply, Request};
use super::place::{Owner, Place, PlaceError};
use super::transport::{self, Stream as Socket};
use super::wire::{self, WireError, replies, send, send_answer};
use crate::model::{Answer, PromptId};

/// How long an instance may take to say its first word.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// How long an instance that is starting may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(10);
/// The pause between two looks at an instance that is starting.
const START_PAUSE: Duration = Duration::from_millis(20);

/// Why the running instance cannot be talked to.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The folder of its socket is not what it must be.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It runs and says nothing.
    #[error("Adit is running{} but does not answer", .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Silent {
        /// Its process, where that is known.
        pid: Option<u32>,
    },
    /// It speaks another version of the language.
    #[error("the running Adit is version {program}, and this one is {}", env!("CARGO_PKG_VERSION"))]
    OtherVersion {
        /// Its version.
        program: String,
    },
    /// It has hung up.
    #[error("the running Adit has ended")]
    Ended,
    /// The conversation broke.
    #[error("the running Adit cannot be understood")]
    Wire(#[from] WireError),
    /// The system's reason.
    #[error("the running Adit cannot be reached")]
    Io(#[source] io::Error),
}

/// A conversation with the running instance.
pub struct Client {
    writer: WriteHalf<Socket>,
    replies: Pin<Box<dyn Stream<Item = Result<Reply, WireError>> + Send>>,
    /// The instance's version.
    pub program: String,
    /// The instance's process.
    pub pid: u32,
    version: u32,
}

impl Client {
    /// Connects to the running instance; none where there is none.
    ///
    /// # Errors
    /// [`ClientError`] where one runs and cannot be talked to, or its place is not safe.
    pub async fn connect(place: &Place) -> Result<Option<Self>, ClientError> {
        let end = Instant::now() + START_LIMIT;
        loop {
            if !place.is_there()? {
                return Ok(None);
            }
            match transport::connect(place).await {
                Ok(stream) => return Self::greet(stream, place).await.map(Some),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(ClientError::Io(error)),
            }
            // It may have been started this very moment, or be about to end.
            let Owner::Process(pid) = place.owner()? else {
                return Ok(None);
            };
            if Instant::now() >= end {
                return Err(ClientError::Silent { pid });
            }
            sleep(START_PAUSE).await;
        }
    }

    async fn greet(stream: Socket, place: &Place) -> Result<Self, ClientError> {
        let (reader, mut writer) = tokio::io::split(stream);
        let hello = Request::Hello { version: PROTOCOL };
        send(&mut writer, &hello, REQUEST_LIMIT).await?;
        let mut replies: Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(replies(reader));
        let Ok(first) = timeout(HELLO_LIMIT, replies.next()).await else {
            let pid = match place.owner()? {
                Owner::Process(pid) => pid,
                Owner::Nobody => None,
            };
            return Err(ClientError::Silent { pid });
        };
        match first.ok_or(ClientError::Ended)?? {
            Reply::Hello {
                version,
                program,
                pid,
            } => Ok(Self {
                writer,
                replies,
                program,
                pid,
                version,
            }),
            _ => Err(wire::WireError::from(super::frame::FrameError::Turn).into()),
        }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// [`ClientError`]; an instance of another version is only ever asked to quit.
    pub async fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        if self.version != PROTOCOL && *request != Request::Quit {
            let program = self.program.clone();
            return Err(ClientError::OtherVersion { program });
        }
        Ok(send(&mut self.writer, request, REQUEST_LIMIT).await?)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`ClientError::Wire`].
    pub async fn answer(&mut self, prompt: PromptId, answer: &Answer) -> Result<(), ClientError> {
        Ok(send_answer(&mut self.writer, prompt.0, answer).await?)
    }

    /// The next reply. May be given up while it is waited for: nothing is lost.
    ///
    /// # Errors
    /// [`ClientError::Ended`] where the instance has hung up.
    pub async fn reply(&mut self) -> Result<Reply, ClientError> {
        Ok(self.replies.next().await.ok_or(ClientError::Ended)??)
    }
}

/// Whether nobody listens there.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
