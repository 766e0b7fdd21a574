//! From a host profile to a session: hop by hop, each verified before it is told anything.
//!
//! Dialling blocks, so each session has its own thread from the start; when the login is done the same thread becomes the
//! session's loop. A jump host's session carries the next hop's transport over one of its channels, by way of a socket pair.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use tokio::sync::{oneshot, watch};

use super::auth::authenticate;
use super::handshake::{Greeting, handshake};
use super::io_loop::{IoLoop, Liveness, LoopEnd, Setup};
use super::meter::Meter;
use super::raw::RawSession;
use super::session::{Client, Load, Mailbox, Session};
use super::stream::{Socket, Stream};
use super::transport::Transport;
use crate::model::{
    Answer, Destination, Fault, FaultCause, Hop, HostProfile, Question, SessionFacts,
};

/// Who is told about the progress of a dial, and answers its questions. Called from the dialling thread.
pub trait Observer: Send + Sync {
    /// This hop, as `user@address`, is being dialled now.
    fn dialing(&self, hop: &str);

    /// Asks the person and waits for the answer; [`Answer::No`] if there will be none.
    fn ask(&self, hop: &str, question: Question) -> Answer;
}

/// Makes a session to the host of `profile`, through its jump hosts. Dropping the future gives up: nothing is left behind.
///
/// # Errors
/// A [`Fault`] that names the hop and the cause.
pub async fn connect(profile: &HostProfile, observer: Arc<dyn Observer>) -> Result<Session, Fault> {
    let mut jumps: Vec<Session> = Vec::new();
    let mut via = Vec::new();
    for jump in &profile.jumps {
        let next = connect_hop(jump, &via, jumps.last(), &observer).await?;
        via.push(jump.login());
        jumps.push(next);
    }
    let last = connect_hop(profile, &via, jumps.last(), &observer).await?;
    jumps.reverse();
    Ok(last.carried_by(jumps))
}

async fn connect_hop(
    profile: &HostProfile,
    via: &[String],
    through: Option<&Session>,
    observer: &Arc<dyn Observer>,
) -> Result<Session, Fault> {
    let route = match through {
        None => Route::Direct,
        Some(jump) => Route::Through(tunnel_through(jump, profile)?),
    };
    let cancel = Arc::new(Cancel::default());
    let guard = CancelOnDrop(Arc::clone(&cancel));
    let (done, result) = oneshot::channel();
    let job = Job {
        profile: profile.clone(),
        via: via.to_vec(),
        observer: Arc::clone(observer),
        cancel,
        route,
    };
    let hop = Hop::Ssh(profile.login());
    let spawned = thread::Builder::new()
        .name("ssh".to_owned())
        .spawn(move || run(job, done));
    if let Err(error) = spawned {
        return Err(Fault {
            hop,
            cause: FaultCause::ConnectFailed {
                reason: format!("no thread: {error}"),
            },
        });
    }
    let result = result.await.unwrap_or_else(|_ended| {
        Err(Fault {
            hop,
            cause: FaultCause::ConnectFailed {
                reason: "the connection's thread ended".to_owned(),
            },
        })
    });
    guard.disarm();
    result
}

/// How the first byte to a hop travels.
enum Route {
    /// By TCP from this computer.
    Direct,
    /// Through a channel of the hop before it.
    Through(Socket),
}

/// One end of a stream whose other end is carried by `jump` to the next hop's SSH port.
fn tunnel_through(jump: &Session, next: &HostProfile) -> Result<Socket, Fault> {
    let (near, far) = Socket::pair().map_err(|error| Fault {
        hop: Hop::Ssh(next.login()),
        cause: FaultCause::ConnectFailed {
            reason: error.to_string(),
        },
    })?;
    let client = Client {
        socket: far,
        origin: None,
        tunnel: u64::MAX,
        home: None,
    };
    jump.carry(
        client,
        &Destination::tcp(next.address.clone(), next.port),
        Arc::new(Meter::default()),
    );
    Ok(near)
}

/// What a dialling thread is given.
struct Job {
    profile: HostProfile,
    via: Vec<String>,
    observer: Arc<dyn Observer>,
    cancel: Arc<Cancel>,
    route: Route,
}

/// The life of a session's thread.
fn run(job: Job, done: oneshot::Sender<Result<Session, Fault>>) {
    let hop = Hop::Ssh(job.profile.login());
    let (session, io_loop, lost) = match dial(job) {
        Ok(parts) => parts,
        Err(fault) => {
            if done.send(Err(fault)).is_err() {
                tracing::debug!("nobody waits for this dial any more");
            }
            return;
        }
    };
    // If nobody waits any more the handle comes back, is dropped, and its drop ends the loop below.
    drop(done.send(Ok(session)));
    let reason = match io_loop.run() {
        LoopEnd::Asked => "it was closed here".to_owned(),
        LoopEnd::Lost(reason) => reason,
    };
    lost.send_replace(Some(Fault {
        hop,
        cause: FaultCause::SessionLost { reason },
    }));
}

type Parts = (Session, IoLoop, watch::Sender<Option<Fault>>);

fn dial(job: Job) -> Result<Parts, Fault> {
    let Job {
        profile,
        via,
        observer,
        cancel,
        route,
    } = job;
    let login = profile.login();
    let fault = |cause| Fault {
        hop: Hop::Ssh(login.clone()),
        cause,
    };
    observer.dialing(&login);
    let started = Instant::now();
    let socket = match route {
        Route::Direct => Socket::Tcp(connect_tcp(&profile, &cancel).map_err(fault)?),
        Route::Through(socket) => socket,
    };
    let connect_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    cancel
        .watch(&socket)
        .map_err(|error| fault(io_cause(&error)))?;
    let wire = socket
        .try_clone()
        .map_err(|error| fault(io_cause(&error)))?;
    let Greeting { session, facts } =
        handshake(&profile, socket, observer.as_ref()).map_err(fault)?;
    let authenticated_by = authenticate(&session, &profile, observer.as_ref()).map_err(fault)?;
    let facts = SessionFacts {
        authenticated_by,
        via,
        connect_micros,
        ..facts
    };
    into_loop(session, wire, facts, &profile).map_err(|error| fault(io_cause(&error)))
}

/// Hands a session that has logged in to its loop.
fn into_loop(
    session: ssh2::Session,
    wire: Socket,
    facts: SessionFacts,
    profile: &HostProfile,
) -> io::Result<Parts> {
    let (mailbox, poll, commands) = Mailbox::new()?;
    let load = Arc::new(Load::default());
    let (lost, watch_lost) = watch::channel(None);
    let transport = Rc::new(Transport::new(Stream::new(wire)?));
    let raw = RawSession::adopt(session, Rc::clone(&transport));
    let liveness = Liveness {
        interval: profile.keepalive_interval.max(Duration::from_secs(2)),
        count_max: profile.keepalive_count_max,
    };
    let setup = Setup {
        liveness,
        round_trip: Duration::from_micros(facts.connect_micros),
    };
    let io_loop = IoLoop::new(raw, transport, poll, commands, Arc::clone(&load), setup)?;
    Ok((
        Session::new(mailbox, facts, load, watch_lost),
        io_loop,
        lost,
    ))
}

/// Tries the host's addresses one after the other, all within the profile's limit.
fn connect_tcp(profile: &HostProfile, cancel: &Cancel) -> Result<TcpStream, FaultCause> {
    let HostProfile {
        address,
        port,
        connect_timeout,
        ..
    } = profile;
    let not_found = |reason| FaultCause::NameNotFound {
        host: address.clone(),
        reason,
    };
    let addresses: Vec<_> = (address.as_str(), *port)
        .to_socket_addrs()
        .map_err(|error| not_found(error.to_string()))?
        .collect();
    let deadline = Instant::now() + *connect_timeout;
    let mut failure = not_found("it has no address".to_owned());
    for (index, candidate) in addresses.iter().enumerate() {
        // Those that are still to be tried keep their share of the time.
        let left = deadline.saturating_duration_since(Instant::now());
        let shares = u32::try_from(addresses.len() - index).unwrap_or(1);
        if cancel.is_cancelled() || left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(candidate, left / shares) {
            Ok(stream) => {
                prepare(&stream, *connect_timeout);
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                failure = FaultCause::ConnectTimedOut {
                    after: *connect_timeout,
                };
            }
            Err(error) => failure = io_cause(&error),
        }
    }
    Err(failure)
}

/// Options that make a forwarded connection as quick as a direct one, and a dead network noticed. None of them is vital.
fn prepare(stream: &TcpStream, limit: Duration) {
    let socket = SockRef::from(stream);
    let note = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            tracing::debug!(%error, "{what} could not be set");
        }
    };
    note("TCP_NODELAY", socket.set_tcp_nodelay(true));
    note(
        "SO_KEEPALIVE",
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(15))),
    );
    #[cfg(any(target_os = "linux", target_os = "android"))]
    note(
        "TCP_USER_TIMEOUT",
        socket.set_tcp_user_timeout(Some(limit.max(Duration::from_secs(15)))),
    );
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _only_on_linux = limit;
}

fn io_cause(error: &io::Error) -> FaultCause {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FaultCause::ConnectRefused,
        _ => FaultCause::ConnectFailed {
            reason: error.to_string(),
        },
    }
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
