//! From a host profile to a session: hop by hop, each verified before it is told anything.
//!
//! Dialling blocks, so each session has its own thread from the start; when the login is done the same thread becomes the
//! session's loop. A jump host's session carries the next hop's transport over one of its channels, by way of a socket pair.

use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::auth::{History, Outcome, authenticate};
use super::handshake::{Greeting, handshake};
use super::io_loop::{IoLoop, Liveness, LoopEnd, Setup};
use super::open_request::OpenError;
use super::proxy::Proxy;
use super::raw::{RawSession, Refusal};
use super::session::{Load, Mailbox, Session};
use super::stream::{Socket, Stream};
use super::tcp::{self, io_cause};
use super::transport::Transport;
use crate::model::{
    Answer, Destination, Fault, FaultCause, Hop, HostProfile, Question, SessionFacts, Words, words,
};

/// Who is told about the progress of a dial, and answers its questions. Called from the dialling thread.
pub trait Observer: Send + Sync {
    /// This hop, as `user@address`, is being dialled now.
    fn dialing(&self, hop: &str);

    /// Asks the person and waits for the answer; [`Answer::No`] if there will be none.
    fn ask(&self, hop: &str, question: Question) -> Answer;

    /// Tells the person something that keeps nothing from going on.
    fn tell(&self, text: Words) {
        tracing::warn!("{text}");
    }

    /// The answer to this question has turned out to be right.
    fn accepted(&self, _hop: &str, _question: &Question) {}

    /// This much of the way to `hop` is done. Told again where a hop is dialled again to go on with the login.
    fn reached(&self, _hop: &str, _stage: Stage<'_>) {}
}

/// How far the dial of one hop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// The connection stands; the time that took, where it was made by TCP.
    Connected(Option<Duration>),
    /// The host's key was verified; its fingerprint.
    Verified(&'a str),
    /// The login went through, in this way.
    LoggedIn(&'a str),
}

/// Makes a session to the host of `profile`, through its jump hosts. Dropping the future gives up: nothing is left behind.
///
/// # Errors
/// A [`Fault`] that names the hop and the cause.
pub async fn connect(profile: &HostProfile, observer: Arc<dyn Observer>) -> Result<Session, Fault> {
    let mut jumps: Vec<Session> = Vec::new();
    let mut via: Vec<String> = Vec::new();
    for jump in &profile.jumps {
        let next = connect_hop(jump, &via, jumps.last(), &observer).await?;
        via.push(jump.login());
        jumps.push(next);
    }
    let last = connect_hop(profile, &via, jumps.last(), &observer).await?;
    jumps.reverse();
    Ok(last.carried_by(jumps))
}

/// Makes the session of one hop, on a second connection where the first one did not allow everything to be tried.
async fn connect_hop(
    profile: &HostProfile,
    via: &[String],
    through: Option<&Session>,
    observer: &Arc<dyn Observer>,
) -> Result<Session, Fault> {
    let mut past = Past::default();
    loop {
        let (route, refused) = match through {
            None => (Route::first(profile), None),
            Some(jump) => {
                let (socket, refused) = tunnel_through(jump, profile)?;
                (Route::Through(socket), Some(refused))
            }
        };
        let end = connect_once(profile, via, route, observer, past).await;
        match end {
            Ok(session) => return Ok(session),
            Err(DialEnd::Again(history)) => past = history,
            Err(DialEnd::Fault(fault)) => {
                // What the next hop's session saw as an end was perhaps the jump host's doing.
                let blame = match (via.last(), through, refused) {
                    (Some(jump), Some(session), Some(refused)) => {
                        jump_fault(jump, session, refused, profile)
                    }
                    _ => None,
                };
                return Err(blame.unwrap_or(fault));
            }
        }
    }
}

/// The fault of the jump host `jump`, if it was the one to fail.
fn jump_fault(
    jump: &str,
    session: &Session,
    mut refused: oneshot::Receiver<Result<(), OpenError>>,
    next: &HostProfile,
) -> Option<Fault> {
    if let Some(lost) = session.lost().borrow().clone() {
        return Some(lost);
    }
    let next = Destination::tcp(next.address.clone(), next.port);
    let cause = match refused.try_recv().ok()?.err()? {
        OpenError::Refused { refusal, .. } => match refusal {
            Refusal::ConnectFailed => FaultCause::NextHopUnreachable { next },
            Refusal::Prohibited | Refusal::UnknownType => FaultCause::NextHopForbidden { next },
            Refusal::ResourceShortage => FaultCause::ServerExhausted,
        },
        OpenError::TimedOut { .. } | OpenError::Local { .. } => return None,
        OpenError::SessionEnded => FaultCause::SessionLost {
            reason: words!("while it was asked for the way to the next host"),
        },
    };
    Some(Fault {
        hop: Hop::Ssh(jump.to_owned()),
        cause,
    })
}

async fn connect_once(
    profile: &HostProfile,
    via: &[String],
    route: Route,
    observer: &Arc<dyn Observer>,
    past: Past,
) -> Result<Session, DialEnd> {
    let cancel = Arc::new(Cancel::default());
    let guard = CancelOnDrop(Arc::clone(&cancel));
    let (done, result) = oneshot::channel();
    let job = Job {
        profile: profile.clone(),
        via: via.to_vec(),
        observer: Arc::clone(observer),
        cancel,
        route,
        past,
    };
    let failed = |reason: Words| {
        Err(DialEnd::Fault(Fault {
            hop: Hop::Ssh(profile.login()),
            cause: FaultCause::ConnectFailed { reason },
        }))
    };
    let spawned = thread::Builder::new()
        .name("ssh".to_owned())
        .spawn(move || run(job, done));
    if let Err(error) = spawned {
        return failed(words!(
            "there is no thread for it: {error}",
            error = error.to_string()
        ));
    }
    let result = result
        .await
        .unwrap_or_else(|_ended| failed(words!("the connection's thread ended")));
    guard.disarm();
    result
}

/// How the first byte to a hop travels.
enum Route {
    /// By TCP from this computer.
    Direct,
    /// By the input and output of a command.
    Command(String),
    /// Through a channel of the hop before it.
    Through(Socket),
}

impl Route {
    fn first(profile: &HostProfile) -> Self {
        match &profile.proxy_command {
            Some(command) => Self::Command(command.clone()),
            None => Self::Direct,
        }
    }
}

/// What earlier connections to a hop, in the same dial, have shown.
#[derive(Default)]
struct Past {
    logins: History,
    /// The host's key that the person, or the policy, has accepted.
    accepted_key: Option<Vec<u8>>,
}

/// How a dial ended that made no session.
enum DialEnd {
    /// It failed.
    Fault(Fault),
    /// The login can go on, on another connection.
    Again(Past),
}

/// One end of a stream whose other end is carried by `jump` to the next hop's SSH port; and where it is told if the jump
/// host refuses to.
fn tunnel_through(
    jump: &Session,
    next: &HostProfile,
) -> Result<(Socket, oneshot::Receiver<Result<(), OpenError>>), Fault> {
    let (near, far) = Socket::pair().map_err(|error| Fault {
        hop: Hop::Ssh(next.login()),
        cause: io_cause(&error),
    })?;
    let destination = Destination::tcp(next.address.clone(), next.port);
    let refused = jump.carry_hop(far, &destination);
    Ok((near, refused))
}

/// What a dialling thread is given.
struct Job {
    profile: HostProfile,
    via: Vec<String>,
    observer: Arc<dyn Observer>,
    cancel: Arc<Cancel>,
    route: Route,
    past: Past,
}

/// The life of a session's thread.
fn run(job: Job, done: oneshot::Sender<Result<Session, DialEnd>>) {
    let hop = Hop::Ssh(job.profile.login());
    let Dialled {
        session,
        io_loop,
        lost,
        mut proxy,
    } = match dial(job) {
        Ok(dialled) => dialled,
        Err(end) => {
            if done.send(Err(end)).is_err() {
                tracing::debug!("nobody waits for this dial any more");
            }
            return;
        }
    };
    // If nobody waits any more the handle comes back, is dropped, and its drop ends the loop below.
    drop(done.send(Ok(session)));
    let reason = match io_loop.run() {
        LoopEnd::Asked => words!("it was closed here"),
        LoopEnd::Lost(reason) => match proxy.as_mut().and_then(Proxy::end_in_words) {
            Some(words) => words!("{reason}; {words}", reason = reason, words = words),
            None => reason,
        },
    };
    // The command is gone before anybody is told that the session is.
    drop(proxy);
    lost.send_replace(Some(Fault {
        hop,
        cause: FaultCause::SessionLost { reason },
    }));
}

/// A session that is ready, with all that its thread needs.
struct Dialled {
    session: Session,
    io_loop: IoLoop,
    lost: watch::Sender<Option<Fault>>,
    proxy: Option<Proxy>,
}

fn dial(job: Job) -> Result<Dialled, DialEnd> {
    let Job {
        profile,
        via,
        observer,
        cancel,
        route,
        mut past,
    } = job;
    let login = profile.login();
    let fault = |cause| {
        DialEnd::Fault(Fault {
            hop: Hop::Ssh(login.clone()),
            cause,
        })
    };
    let io_fault = |error: io::Error| fault(io_cause(&error));
    observer.dialing(&login);
    let started = Instant::now();
    let (socket, mut proxy) = open_route(route, &profile, &cancel).map_err(fault)?;
    let by_tcp = matches!(socket, Socket::Tcp(_)) && proxy.is_none();
    let took = by_tcp.then(|| started.elapsed());
    observer.reached(&login, Stage::Connected(took));
    // How long a command takes to start says nothing about the path.
    let connect_micros = took.unwrap_or_default().as_micros();
    let connect_micros = u64::try_from(connect_micros).unwrap_or(u64::MAX);
    cancel.watch(&socket).map_err(io_fault)?;
    let wire = socket.try_clone().map_err(io_fault)?;
    let asked = observer.as_ref();
    let greeting = handshake(&profile, socket, asked, &mut past.accepted_key)
        .map_err(|cause| fault(blame_proxy(proxy.as_mut(), cause)))?;
    let hop = &login;
    let Greeting { login, facts } = greeting;
    asked.reached(hop, Stage::Verified(&facts.host_key));
    let outcome = authenticate(&login, &profile, asked, &mut past.logins).map_err(fault)?;
    let Outcome::LoggedIn(authenticated_by) = outcome else {
        return Err(DialEnd::Again(past));
    };
    asked.reached(hop, Stage::LoggedIn(&authenticated_by));
    let facts = SessionFacts {
        authenticated_by,
        via,
        connect_micros,
        ..facts
    };
    let (session, io_loop, lost) = login
        .finish(|session| into_loop(session, wire, facts, took, &profile))
        .map_err(io_fault)?;
    let (session, proxy) = match proxy {
        Some(mut proxy) => (session.by_proxy(proxy.tell_end()), Some(proxy)),
        None => (session, None),
    };
    Ok(Dialled {
        session,
        io_loop,
        lost,
        proxy,
    })
}

fn open_route(
    route: Route,
    profile: &HostProfile,
    cancel: &Cancel,
) -> Result<(Socket, Option<Proxy>), FaultCause> {
    match route {
        Route::Direct => {
            let stream = tcp::connect(profile, &|| cancel.is_cancelled())?;
            Ok((Socket::Tcp(stream), None))
        }
        Route::Through(socket) => Ok((socket, None)),
        Route::Command(command) => {
            let (proxy, socket) =
                Proxy::start(&command).map_err(|error| FaultCause::ConnectFailed {
                    reason: words!(
                        "the ProxyCommand cannot be started: {error}",
                        error = error.to_string()
                    ),
                })?;
            Ok((socket, Some(proxy)))
        }
    }
}

/// A session that ended with the command under it ended because of it.
fn blame_proxy(proxy: Option<&mut Proxy>, cause: FaultCause) -> FaultCause {
    let is_about_the_way = matches!(
        cause,
        FaultCause::HandshakeFailed { .. } | FaultCause::ConnectTimedOut { .. }
    );
    match proxy
        .filter(|_| is_about_the_way)
        .and_then(Proxy::end_in_words)
    {
        Some(reason) => FaultCause::ConnectFailed { reason },
        None => cause,
    }
}

type Parts = (Session, IoLoop, watch::Sender<Option<Fault>>);

/// Hands a session that has logged in to its loop; `round_trip` is that of its path, where it is known.
fn into_loop(
    session: ssh2::Session,
    wire: Socket,
    facts: SessionFacts,
    round_trip: Option<Duration>,
    profile: &HostProfile,
) -> io::Result<Parts> {
    let (mailbox, poll, commands) = Mailbox::new()?;
    let load = Arc::new(Load::default());
    let (lost, watch_lost) = watch::channel(None);
    let transport = Rc::new(Transport::new(Stream::new(wire)?));
    let raw = RawSession::adopt(session, Rc::clone(&transport));
    let interval = profile.keepalive_interval;
    let liveness = Liveness {
        interval: (!interval.is_zero()).then(|| interval.max(Duration::from_secs(2))),
        count_max: profile.keepalive_count_max,
    };
    let setup = Setup {
        liveness,
        round_trip,
        opens_ahead: profile.opens_ahead,
    };
    let io_loop = IoLoop::new(raw, transport, poll, commands, Arc::clone(&load), setup)?;
    let session = Session::new(mailbox, facts, load, watch_lost);
    if profile.no_delay == Some(true) {
        session.ask_for_no_delay();
    }
    Ok((session, io_loop, lost))
}

/// Lets a dial be given up from outside: its socket is shut down, which ends whatever its thread waits for.
#[derive(Default)]
struct Cancel {
    cancelled: AtomicBool,
    socket: Mutex<Option<Socket>>,
}

impl Cancel {
    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    fn watch(&self, socket: &Socket) -> io::Result<()> {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket.try_clone()?);
        if self.is_cancelled() {
            socket.shut_down();
        }
        Ok(())
    }

    /// From now on there is nothing to shut down.
    fn release(&self) {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(socket) = &*self.socket.lock().unwrap_or_else(PoisonError::into_inner) {
            socket.shut_down();
        }
    }
}

/// Cancels unless it was disarmed.
struct CancelOnDrop(Arc<Cancel>);

impl CancelOnDrop {
    /// The dial is over: nothing is to be cancelled, and the second handle to its socket is closed.
    fn disarm(self) {
        self.0.release();
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
