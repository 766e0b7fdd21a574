//! Running a command on the host: bounded in time and in what it may print.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::open_request::OpenError;
use super::raw::{Broken, Output, RawChannel, Received, Refusal, Started};

/// What a command may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecLimits {
    /// How long it may take, from the request to its end.
    pub time: Duration,
    /// How much it may print on either output, in bytes.
    pub output_bytes: usize,
}

impl Default for ExecLimits {
    /// Ten seconds, a mebibyte.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            output_bytes: 1 << 20,
        }
    }
}

/// How a command ended, and what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// How it ended.
    pub status: ExecStatus,
    /// What it printed on its standard output.
    pub stdout: Vec<u8>,
    /// What it printed on its standard error.
    pub stderr: Vec<u8>,
}

/// How a command ended (RFC 4254, 6.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecStatus {
    /// By itself, with this code; 0 also where the server does not say.
    Code(i32),
    /// By this signal, without its `SIG`.
    Signal(String),
}

/// Why there is no output of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// The server opens no channels to run commands on.
    #[error("the server refused a channel for the command ({refusal:?}): {words}")]
    Refused {
        /// Its reason's code.
        refusal: Refusal,
        /// Its reason in its own words.
        words: String,
    },
    /// The server does not run commands.
    #[error("the server does not run commands")]
    Denied,
    /// The command did not end in time.
    #[error("the command did not end within {after:?}")]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The command printed too much.
    #[error("the command printed more than {limit_bytes} bytes")]
    TooMuch {
        /// How much was allowed.
        limit_bytes: usize,
    },
    /// The session ended before the command did.
    #[error("the session ended")]
    SessionEnded,
}

impl From<OpenError> for ExecError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused { refusal, words } => Self::Refused { refusal, words },
            OpenError::TimedOut { after } => Self::TimedOut { after },
            OpenError::SessionEnded | OpenError::Local { .. } => Self::SessionEnded,
        }
    }
}

type Reply = oneshot::Sender<Result<ExecOutput, ExecError>>;

/// A command that is to be run once its channel is open.
pub(super) struct ExecRequest {
    command: String,
    output_bytes: usize,
    time: Duration,
    deadline: Instant,
    /// Whoever waits for what comes of it.
    reply: Option<Reply>,
}

impl ExecRequest {
    pub(super) fn new(command: &str, limits: ExecLimits, reply: Option<Reply>) -> Self {
        Self {
            command: command.to_owned(),
            output_bytes: limits.output_bytes,
            time: limits.time,
            deadline: Instant::now() + limits.time,
            reply,
        }
    }

    /// There will be no output.
    pub(super) fn fail(self, error: ExecError) {
        self.answer(Err(error));
    }

    fn answer(self, result: Result<ExecOutput, ExecError>) {
        if let Some(reply) = self.reply
            && reply.send(result).is_err()
        {
            tracing::debug!("nobody waits for this command any more");
        }
    }

    /// Whether whoever waited for it does so no more.
    fn is_given_up(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_closed)
    }
}

/// A command that runs.
pub(super) struct Execution {
    channel: RawChannel,
    request: ExecRequest,
    stage: Stage,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server has not said whether it runs it.
    Starting,
    /// It is to be told that there is no input.
    EndingInput,
    /// Its output is read.
    Running,
}

impl Execution {
    pub(super) fn new(channel: RawChannel, request: ExecRequest) -> Self {
        Self {
            channel,
            request,
            stage: Stage::Starting,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// When it must have ended.
    pub(super) fn deadline(&self) -> Instant {
        self.request.deadline
    }

    /// Goes on with it. The channel is given back, and whoever waits is told, once there is nothing more to do.
    ///
    /// # Errors
    /// [`Broken`] if the session, not just this command, is at its end.
    pub(super) fn serve(mut self, scratch: &mut [u8]) -> Result<Result<Self, RawChannel>, Broken> {
        match self.progress(scratch)? {
            None => Ok(Ok(self)),
            Some(result) => {
                self.request.answer(result);
                Ok(Err(self.channel))
            }
        }
    }

    /// The session is at its end, and with it the command.
    pub(super) fn into_channel(self) -> RawChannel {
        self.channel
    }

    fn progress(
        &mut self,
        scratch: &mut [u8],
    ) -> Result<Option<Result<ExecOutput, ExecError>>, Broken> {
        if self.stage == Stage::Starting {
            match self.channel.start_command(&self.request.command)? {
                Started::Pending => {}
                Started::Yes => self.stage = Stage::EndingInput,
                Started::No => return Ok(Some(Err(ExecError::Denied))),
            }
        }
        if self.stage == Stage::EndingInput && self.channel.send_eof()? {
            self.stage = Stage::Running;
        }
        if self.stage == Stage::Running {
            let limit_bytes = self.request.output_bytes;
            for (output, kept) in [
                (Output::Standard, &mut self.stdout),
                (Output::Error, &mut self.stderr),
            ] {
                if !read_all(&mut self.channel, output, scratch, kept, limit_bytes)? {
                    return Ok(Some(Err(ExecError::TooMuch { limit_bytes })));
                }
            }
            if self.channel.has_ended() && self.channel.is_closed_by_server() {
                return Ok(Some(Ok(self.take_output())));
            }
        }
        if self.request.is_given_up() || self.request.deadline <= Instant::now() {
            let after = self.request.time;
            return Ok(Some(Err(ExecError::TimedOut { after })));
        }
        Ok(None)
    }

    fn take_output(&mut self) -> ExecOutput {
        ExecOutput {
            status: self.channel.exit_status(),
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
        }
    }
}

/// Reads what has come of one output. False if that is more than the limit.
fn read_all(
    channel: &mut RawChannel,
    output: Output,
    scratch: &mut [u8],
    kept: &mut Vec<u8>,
    limit_bytes: usize,
) -> Result<bool, Broken> {
    while let Received::Bytes(count) = channel.read_from(output, scratch)? {
        if kept.len() + count > limit_bytes {
            return Ok(false);
        }
        kept.extend_from_slice(&scratch[..count]);
    }
    Ok(true)
}
