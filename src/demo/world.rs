//! A demo world as a whole: started, steered, ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::{DemoAccess, Folder, FolderError, SSH_USER, Secrets, kubeconfig_on_host};
use super::api::{self, Api, Authority};
use super::cluster::{self, Script, State, render};
use super::keys::{self, KeyError, Tls};
use super::listener;
use super::net::Network;
use super::ssh::{SshCounts, SshServer};
use super::store::Store;

/// The time between two things that happen: within 10 s somebody who just looks has seen three.
const LIVELY: Duration = Duration::from_secs(3);

/// How fast things happen in the demo cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Something every few seconds.
    #[default]
    Lively,
    /// Something at this interval.
    Every(Duration),
    /// Nothing by itself, only by [`DemoWorld::advance`].
    Off,
}

/// How to start a demo world.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// How fast things happen.
    pub pace: Pace,
    /// A folder that does not exist yet; none means one of the system's choice.
    pub folder: Option<PathBuf>,
    /// The SSH server's port; none means one of the system's choice.
    pub ssh_port: Option<u16>,
    /// The API's port; none means one of the system's choice.
    pub api_port: Option<u16>,
    /// How often watches that ask for bookmarks get one.
    pub bookmark_every: Duration,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            pace: Pace::default(),
            folder: None,
            ssh_port: None,
            api_port: None,
            bookmark_every: Duration::from_secs(30),
        }
    }
}

/// Why a demo world could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Keys or certificates.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The private folder.
    #[error("the demo's folder could not be made: {0}")]
    Folder(#[from] FolderError),
    /// A listener.
    #[error(
        "the demo's {what} cannot listen on 127.0.0.1:{port}: {source}; choose another port or none"
    )]
    Listen {
        /// Which.
        what: &'static str,
        /// The port; 0 where the system was to choose.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The cluster's state and where its script stands.
struct Plot {
    state: State,
    script: Script,
}

/// A server of the demo while it runs.
struct Running {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    fn child_of(all: &CancellationToken) -> Self {
        Self {
            stop: all.child_token(),
            tasks: TaskTracker::new(),
        }
    }
}

/// A running demo world. Dropping it ends every task and removes its folder.
pub struct DemoWorld {
    access: DemoAccess,
    store: Arc<Store>,
    api: Arc<Api>,
    api_tls: TlsAcceptor,
    ssh: Arc<SshServer>,
    plot: Arc<Mutex<Plot>>,
    ports: [u16; 2],
    servers: [tokio::sync::Mutex<Option<Running>>; 2],
    all: CancellationToken,
    _folder: Folder,
}

/// The places of the two servers in the arrays of a world.
const SSH: usize = 0;
const API: usize = 1;

impl DemoWorld {
    /// Starts a world. It must be called within a tokio runtime, whose tasks it becomes.
    ///
    /// # Errors
    /// When keys, folder or listeners cannot be made.
    pub async fn start(options: DemoOptions) -> Result<Self, DemoError> {
        let folder = Folder::new(options.folder)?;
        let tls = Tls::new()?;
        let (host_key, user_key) = (keys::ssh_key()?, keys::ssh_key()?);
        let token = keys::token()?;
        let wanted = [options.ssh_port, options.api_port].map(Option::unwrap_or_default);
        let ssh_listener = listen("SSH server", wanted[SSH]).await?;
        let api_listener = listen("Kubernetes API", wanted[API]).await?;
        let ports = [port_of(&ssh_listener), port_of(&api_listener)];
        let secrets = Secrets {
            authority_pem: &tls.authority_pem,
            token: &token,
            host_key: &host_key,
            user_key: &user_key,
        };
        let access = folder.fill(&secrets, ports[SSH], ports[API])?;
        let kubeconfig = kubeconfig_on_host(&secrets);

        let plot = Plot {
            state: State::new(cluster::now()),
            script: Script::default(),
        };
        let store = Arc::new(Store::new());
        store.apply(render(&plot.state));
        let network = Network::new(Arc::clone(&store), tls.apps, ports[API]);
        let user_public = user_key.public_key().clone();
        let network = Arc::new(network);
        let ssh = SshServer::new(host_key, SSH_USER, user_public, network, kubeconfig);
        let api = Api {
            store: Arc::clone(&store),
            authority: Authority::new(token),
            bookmark_every: options.bookmark_every,
        };
        let world = Self {
            access,
            store,
            api: Arc::new(api),
            api_tls: tls.api,
            ssh: Arc::new(ssh),
            plot: Arc::new(Mutex::new(plot)),
            ports,
            servers: [const { tokio::sync::Mutex::const_new(None) }; 2],
            all: CancellationToken::new(),
            _folder: folder,
        };
        *world.servers[SSH].lock().await = Some(world.run_ssh(ssh_listener));
        *world.servers[API].lock().await = Some(world.run_api(api_listener));
        world.keep_pace(options.pace);
        Ok(world)
    }

    /// How to reach it.
    #[must_use]
    pub const fn access(&self) -> &DemoAccess {
        &self.access
    }

    /// Lets the next thing of the script happen.
    pub fn advance(&self) {
        advance(&self.plot, &self.store);
    }

    /// Kills the SSH server: every session is cut off and nobody listens when this returns.
    pub async fn stop_ssh(&self) {
        self.stop(SSH).await;
    }

    /// Starts the SSH server again, on the same port and with the same key; nothing happens if it runs.
    ///
    /// # Errors
    /// When somebody else has taken the port meanwhile.
    pub async fn start_ssh(&self) -> Result<(), DemoError> {
        let mut running = self.servers[SSH].lock().await;
        if running.is_none() {
            *running = Some(self.run_ssh(listen("SSH server", self.ports[SSH]).await?));
        }
        Ok(())
    }

    /// Kills the API: every connection is cut off and nobody listens when this returns.
    pub async fn stop_api(&self) {
        self.stop(API).await;
    }

    /// Starts the API again, on the same port and with the same objects; nothing happens if it runs.
    ///
    /// # Errors
    /// When somebody else has taken the port meanwhile.
    pub async fn start_api(&self) -> Result<(), DemoError> {
        let mut running = self.servers[API].lock().await;
        if running.is_none() {
            *running = Some(self.run_api(listen("Kubernetes API", self.ports[API]).await?));
        }
        Ok(())
    }

    /// Forgets the history of the objects: watches end with 410 Expired, and so do those that resume from before.
    pub fn expire_history(&self) {
        self.store.expire();
    }

    /// Answers 401 to the token from now on. Watches that run go on, as they do on a real server.
    pub fn revoke_token(&self) {
        self.api.authority.revoke(true);
    }

    /// Knows the token again.
    pub fn restore_token(&self) {
        self.api.authority.revoke(false);
    }

    /// Answers 403 to requests for the resource of this plural name (`events`, `ipaddresspools`) from now on.
    pub fn forbid(&self, plural: &str) {
        self.api.authority.forbid(plural, true);
    }

    /// Serves the resource of this plural name again.
    pub fn permit(&self, plural: &str) {
        self.api.authority.forbid(plural, false);
    }

    /// Permits the user to read this namespace alone; none means all of them.
    pub fn confine_to(&self, namespace: Option<&str>) {
        self.api.authority.confine(namespace);
    }

    /// What the SSH server has counted.
    #[must_use]
    pub fn ssh_counts(&self) -> SshCounts {
        self.ssh.counters().read()
    }

    fn run_ssh(&self, listener: tokio::net::TcpListener) -> Running {
        let running = Running::child_of(&self.all);
        let server = Arc::clone(&self.ssh);
        let (stop, tasks) = (running.stop.clone(), running.tasks.clone());
        running.tasks.spawn(server.serve(listener, stop, tasks));
        running
    }

    fn run_api(&self, listener: tokio::net::TcpListener) -> Running {
        let running = Running::child_of(&self.all);
        let (tls, api) = (self.api_tls.clone(), Arc::clone(&self.api));
        let (stop, tasks) = (running.stop.clone(), running.tasks.clone());
        running
            .tasks
            .spawn(api::serve(listener, tls, api, stop, tasks));
        running
    }

    async fn stop(&self, which: usize) {
        let mut running = self.servers[which].lock().await;
        if let Some(server) = running.take() {
            server.stop.cancel();
            server.tasks.close();
            server.tasks.wait().await;
        }
    }

    fn keep_pace(&self, pace: Pace) {
        let every = match pace {
            Pace::Off => return,
            Pace::Lively => LIVELY,
            Pace::Every(interval) => interval.max(Duration::from_millis(1)),
        };
        let (plot, store) = (Arc::clone(&self.plot), Arc::clone(&self.store));
        let script = async move {
            loop {
                tokio::time::sleep(every).await;
                advance(&plot, &store);
            }
        };
        tokio::spawn(self.all.clone().run_until_cancelled_owned(script));
    }
}

impl Drop for DemoWorld {
    fn drop(&mut self) {
        self.all.cancel();
    }
}

impl std::fmt::Debug for DemoWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoWorld")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

fn advance(plot: &Mutex<Plot>, store: &Store) {
    let mut plot: MutexGuard<'_, Plot> = plot.lock().unwrap_or_else(PoisonError::into_inner);
    let Plot { state, script } = &mut *plot;
    script.advance(state, cluster::now());
    store.apply(render(state));
}

async fn listen(what: &'static str, port: u16) -> Result<tokio::net::TcpListener, DemoError> {
    listener::bind(port)
        .await
        .map_err(|source| DemoError::Listen { what, port, source })
}

fn port_of(listener: &tokio::net::TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}
