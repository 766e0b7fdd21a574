//! How a probe reaches what it tries: by sessions that carry nobody else. One that a silent target has stuck is left behind, and
//! another is made for the next step, with the answers that the person has given already.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::effects::open_fault;
use super::happening::Happening;
use super::probe::dial_of;
use crate::model::{
    Answer, Destination, Fault, FaultCause, Heard, Hop, HostFacts, HostId, HostProfile, ProbeCheck,
    ProbeId, ProbeNote, Question, Talk,
};
use crate::ssh::{self, ChannelStream, ExecLimits, Observer, OpenError, Session, Stage};

/// How long a target may take to be connected to. Where it drops packets the SSH server would wait for minutes.
const OPEN_LIMIT: Duration = Duration::from_secs(4);

/// How long it may take to answer a request.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// How long a target is listened to that need not speak first.
const LISTEN_LIMIT: Duration = Duration::from_millis(400);

/// How much of a dial's progress may wait to be heard: two hops' worth of stages and more.
const PROGRESS_QUEUE: usize = 64;

/// The way to the SSH host, and what is tried from there.
pub(super) struct Reach {
    profile: HostProfile,
    dial: u64,
    happenings: mpsc::Sender<Happening>,
    memory: Arc<Memory>,
    session: Option<Session>,
}

/// A stage of a dial that is done.
pub(super) enum Progress {
    /// The connection to this hop stands.
    Connected(String, Option<Duration>),
    /// This hop's key was verified.
    Verified(String, String),
    /// The login to this hop went through.
    LoggedIn(String, String),
}

impl Progress {
    /// The step that is done with it, how long it took, and what it showed.
    pub(super) fn into_step(self) -> (ProbeCheck, Option<u64>, Option<ProbeNote>) {
        match self {
            Self::Connected(hop, took) => {
                let micros = took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                (ProbeCheck::Connect { hop }, micros, None)
            }
            Self::Verified(hop, key) => (
                ProbeCheck::HostKey { hop },
                None,
                Some(ProbeNote::Fingerprint(key)),
            ),
            Self::LoggedIn(hop, way) => (
                ProbeCheck::Login { hop },
                None,
                Some(ProbeNote::LoggedInBy(way)),
            ),
        }
    }
}

impl Reach {
    pub(super) fn new(
        profile: HostProfile,
        probe: ProbeId,
        happenings: &mpsc::Sender<Happening>,
    ) -> Self {
        Self {
            profile,
            dial: dial_of(probe),
            happenings: happenings.clone(),
            memory: Arc::default(),
            session: None,
        }
    }

    /// Who watches a dial for the probe, and where its progress is heard.
    pub(super) fn observer(&self) -> (Arc<dyn Observer>, mpsc::Receiver<Progress>) {
        let (progress, heard) = mpsc::channel(PROGRESS_QUEUE);
        let observer = ProbeObserver {
            host: self.profile.id.clone(),
            dial: self.dial,
            happenings: self.happenings.clone(),
            progress,
            memory: Arc::clone(&self.memory),
            replayed: Mutex::default(),
        };
        (Arc::new(observer), heard)
    }

    /// From now on targets are tried by this session.
    pub(super) fn stand(&mut self, session: Session) {
        self.session = Some(session);
    }

    /// The session that is there, or another.
    async fn session(&mut self) -> Result<Session, Fault> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let (observer, _progress) = self.observer();
        ssh::connect(&self.profile, observer).await
    }

    /// Connects to `destination`; how long that took, and what it has to say.
    ///
    /// # Errors
    /// What kept it from being connected to, or another session from being made; or it hung up without a word.
    pub(super) async fn try_target(
        &mut self,
        destination: &Destination,
        talk: Talk,
    ) -> Result<(Duration, ProbeNote), Fault> {
        let session = self.session().await?;
        let started = Instant::now();
        match session.open_stream(destination, OPEN_LIMIT).await {
            Ok(stream) => {
                let took = started.elapsed();
                self.session = Some(session);
                let note = converse(stream, destination, talk).await?;
                Ok((took, note))
            }
            Err(error) => {
                let lost = session.lost();
                // One that waits for a silent target is stuck until the server gives that up: it is dropped, which ends it.
                if matches!(error, OpenError::Refused { .. }) {
                    self.session = Some(session);
                }
                let hop = Hop::Target(destination.clone());
                Err(open_fault(&error, hop, Some(lost)).await)
            }
        }
    }

    /// What the host says of itself, if it runs commands.
    pub(super) async fn host_facts(&self) -> Option<HostFacts> {
        let limits = ExecLimits {
            time: OPEN_LIMIT,
            output_bytes: 64 * 1024,
        };
        let session = self.session.as_ref()?;
        let output = session.exec(HostFacts::COMMAND, limits).await.ok()?;
        Some(HostFacts::parse(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// Speaks to a target that has just been connected to, and hears its answer.
async fn converse(
    mut stream: ChannelStream,
    destination: &Destination,
    talk: Talk,
) -> Result<ProbeNote, Fault> {
    let limit = match talk {
        Talk::Listen => LISTEN_LIMIT,
        Talk::Http | Talk::Tls => ANSWER_LIMIT,
    };
    let host = match destination {
        Destination::Tcp { host, .. } => host.as_str(),
        Destination::Socket(_) => "localhost",
    };
    let mut buffer = [0; 256];
    let exchange = async {
        stream.write_all(&talk.opening(host)).await?;
        stream.read(&mut buffer).await
    };
    let heard = match timeout(limit, exchange).await {
        Err(_elapsed) => Heard::Nothing,
        Ok(Ok(0) | Err(_)) => Heard::End,
        Ok(Ok(count)) => Heard::Bytes(&buffer[..count]),
    };
    let hung_up = || Fault {
        hop: Hop::Target(destination.clone()),
        cause: FaultCause::TargetHungUp,
    };
    talk.understand(heard, limit).ok_or_else(hung_up)
}

/// What the person has answered during a probe, so that a second session asks nothing again. It ends with the probe.
#[derive(Default)]
struct Memory {
    answers: Mutex<Vec<(String, Question, Answer)>>,
}

/// Watches one dial of a probe.
struct ProbeObserver {
    host: HostId,
    dial: u64,
    happenings: mpsc::Sender<Happening>,
    progress: mpsc::Sender<Progress>,
    memory: Arc<Memory>,
    /// The answers that this dial has had from memory: what is asked twice was answered wrongly.
    replayed: Mutex<Vec<usize>>,
}

impl ProbeObserver {
    fn remembered(&self, hop: &str, question: &Question) -> Option<Answer> {
        let answers = lock(&self.memory.answers);
        let mut replayed = lock(&self.replayed);
        let fits = |(index, (by, asked, _)): &(usize, &(String, Question, Answer))| {
            by == hop && asked == question && !replayed.contains(index)
        };
        let (index, (.., answer)) = answers.iter().enumerate().find(fits)?;
        replayed.push(index);
        Some(answer.clone())
    }

    /// An answer is not replayed within the dial that it was given to.
    fn remember(&self, hop: &str, question: Question, answer: &Answer) {
        let mut answers = lock(&self.memory.answers);
        lock(&self.replayed).push(answers.len());
        answers.push((hop.to_owned(), question, answer.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for ProbeObserver {
    fn dialing(&self, _hop: &str) {}

    fn ask(&self, hop: &str, question: Question) -> Answer {
        if let Some(answer) = self.remembered(hop, &question) {
            return answer;
        }
        let (reply, answer) = sync_channel(1);
        let happening = Happening::Asked(
            self.host.clone(),
            self.dial,
            hop.to_owned(),
            question.clone(),
            reply,
        );
        if self.happenings.blocking_send(happening).is_err() {
            return Answer::No;
        }
        // The supervisor drops its end when the question no longer matters.
        let answer = answer.recv().unwrap_or(Answer::No);
        if !matches!(answer, Answer::No) {
            self.remember(hop, question, &answer);
        }
        answer
    }

    fn accepted(&self, hop: &str, question: &Question) {
        let hop = hop.to_owned();
        let happening = Happening::Accepted(self.host.clone(), self.dial, hop, question.clone());
        if self.happenings.blocking_send(happening).is_err() {
            tracing::debug!("an answer was accepted after the engine's end");
        }
    }

    fn reached(&self, hop: &str, stage: Stage<'_>) {
        let hop = hop.to_owned();
        let progress = match stage {
            Stage::Connected(took) => Progress::Connected(hop, took),
            Stage::Verified(key) => Progress::Verified(hop, key.to_owned()),
            Stage::LoggedIn(way) => Progress::LoggedIn(hop, way.to_owned()),
        };
        if self.progress.try_send(progress).is_err() {
            tracing::debug!("nobody follows this dial any more");
        }
    }
}
