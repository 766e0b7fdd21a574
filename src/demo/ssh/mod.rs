//! The demo's SSH server: it lets one key in, and forwards.
//!
//! It knows nothing of Kubernetes: what a destination means is the network's business.

mod commands;
mod pump;
mod session;
mod socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::commands::HostCommands;
use self::pump::Intake;
use self::session::SessionHandler;
use self::socket::Socket;
use super::listener::{Cutter, accept, without_delay};
use super::net::Network;

/// Sessions served at a time; further connections wait in the backlog.
const SESSIONS: usize = 64;

/// Forwarded connections that one session may have.
const CHANNELS_PER_SESSION: usize = 1024;

/// What a client may send on a channel before it is told to go on: enough for a fast loopback, not so much that it thrashes.
const WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// How long a client may take to log in.
const LOGIN_LIMIT: Duration = Duration::from_mins(1);

/// Numbers of the SSH server since the start of the demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SshCounts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Sessions that logged in.
    pub logins: u64,
    /// Sessions that are connected now.
    pub sessions_open: u64,
    /// Forwarded connections that were opened.
    pub channels: u64,
    /// Forwarded connections that are open now.
    pub channels_open: u64,
    /// Forwarded connections that were refused.
    pub refused: u64,
}

/// The same, counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    connections: AtomicU64,
    logins: AtomicU64,
    sessions_closed: AtomicU64,
    channels: AtomicU64,
    channels_closed: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    /// The present numbers.
    pub(super) fn read(&self) -> SshCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What was closed is read first, so that nothing is counted as closed before it was opened.
        let (sessions_closed, channels_closed) =
            (of(&self.sessions_closed), of(&self.channels_closed));
        let (connections, channels) = (of(&self.connections), of(&self.channels));
        SshCounts {
            connections,
            logins: of(&self.logins),
            sessions_open: connections.saturating_sub(sessions_closed),
            channels,
            channels_open: channels.saturating_sub(channels_closed),
            refused: of(&self.refused),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Counts a thing as closed however it ends.
struct Closing(Arc<Counters>, fn(&Counters) -> &AtomicU64);

impl Drop for Closing {
    fn drop(&mut self) {
        count((self.1)(&self.0));
    }
}

/// What every session needs.
pub(super) struct SshServer {
    config: Arc<Config>,
    user: &'static str,
    user_key: PublicKey,
    network: Arc<Network>,
    commands: Arc<HostCommands>,
    counters: Arc<Counters>,
}

impl SshServer {
    /// A server with this host key that lets in `user` with `user_key`, on a host that keeps `kubeconfig`.
    pub(super) fn new(
        host_key: PrivateKey,
        user: &'static str,
        user_key: PublicKey,
        network: Arc<Network>,
        kubeconfig: String,
    ) -> Self {
        let config = Config {
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::from_millis(100),
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![host_key],
            window_size: WINDOW_BYTES,
            inactivity_timeout: None,
            max_auth_attempts: 6,
            ..Config::default()
        };
        Self {
            config: Arc::new(config),
            user,
            user_key,
            network,
            commands: Arc::new(HostCommands::new(kubeconfig)),
            counters: Arc::default(),
        }
    }

    /// The counters.
    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Serves until `stop`; each session is a task of `tasks` and is cut off at `stop`.
    pub(super) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) {
        let places = Arc::new(Semaphore::new(SESSIONS));
        while let Some((stream, place)) = accept(&listener, &places, &stop).await {
            let (server, stop) = (Arc::clone(&self), stop.child_token());
            count(&self.counters.connections);
            tasks.spawn(async move {
                server.session(stream, stop).await;
                drop(place);
            });
        }
    }

    async fn session(&self, stream: TcpStream, stop: CancellationToken) {
        let _closing = Closing(Arc::clone(&self.counters), |c| &c.sessions_closed);
        without_delay(&stream);
        let cutter = Cutter::of(&stream);
        let intake = Arc::new(Intake::default());
        let (handler, logged_in) = SessionHandler::new(self, Arc::clone(&intake), stop.clone());
        let socket = Socket::new(stream, intake, stop.clone());
        let run = async {
            match russh::server::run_stream(Arc::clone(&self.config), socket, handler).await {
                Ok(session) => session.await,
                Err(error) => Err(error),
            }
        };
        let login_limit = async {
            let in_time = tokio::time::timeout(LOGIN_LIMIT, logged_in.cancelled()).await;
            if in_time.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        tokio::pin!(run);
        let ended = tokio::select! {
            ended = &mut run => ended,
            () = stop.cancelled() => {
                cutter.cut();
                run.await
            }
            () = login_limit => {
                stop.cancel();
                run.await
            }
        };
        // The tasks of the session's channels end with it.
        stop.cancel();
        if let Err(error) = ended {
            tracing::debug!(%error, "a session of the demo's SSH server ended early");
        }
    }
}
