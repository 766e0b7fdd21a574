//! The way to a cluster's API server through an SSH host: streams and commands over whatever session of the host's link
//! stands at the moment. `cluster` is handed this and knows no more than that there is a host.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::effects::open_fault;
use super::happening::Happening;
use super::link::LinkPhase;
use super::pool::{Pool, Unopened};
use super::publish::no_host;
use super::supervisor::Supervisor;
use crate::cluster::{ByteStream, Gateway, GatewayError, Ran};
use crate::model::{
    Answer, ClusterFault, ClusterSource, Destination, Fault, FaultCause, Hop, HostId, Kubeconfig,
    Question, Secret, Words, printable, words,
};
use crate::ssh::{ExecError, ExecLimits, ExecOutput, ExecStatus};

/// How long a stream may wait for a link that is on its way.
const LINK_LIMIT: Duration = Duration::from_secs(7);
/// How long the host may take to connect to the API server. With the wait for the link, less than what is granted for TCP and
/// TLS together, so that the reason is known when it fails.
const OPEN_LIMIT: Duration = Duration::from_secs(7);
/// More than any kubeconfig has.
const OUTPUT_BYTES: usize = 4 << 20;

/// Where the way to the host stands.
#[derive(Clone)]
pub(super) struct Way {
    /// The host that is gone through at the moment.
    host: HostId,
    /// As `user@address`.
    login: String,
    stand: Stand,
}

#[derive(Clone)]
enum Stand {
    /// Not up, but nothing is wrong.
    Coming,
    Up(Arc<Pool>),
    Down(Fault),
}

impl Way {
    fn same(&self, other: &Self) -> bool {
        let same_stand = match (&self.stand, &other.stand) {
            (Stand::Coming, Stand::Coming) => true,
            (Stand::Up(one), Stand::Up(other)) => Arc::ptr_eq(one, other),
            (Stand::Down(one), Stand::Down(other)) => one == other,
            _ => false,
        };
        same_stand && self.host == other.host && self.login == other.login
    }
}

/// The engine's side of a way: which host the cluster is reached through, and who is told how it stands.
pub(super) struct Through {
    pub(super) host: HostId,
    way: watch::Sender<Way>,
}

impl Through {
    /// A way through this host, and the gateway that follows it.
    pub(super) fn new(
        host: HostId,
        happenings: mpsc::Sender<Happening>,
    ) -> (Self, Arc<dyn Gateway>) {
        let (way, follows) = watch::channel(Way {
            login: host.to_string(),
            host: host.clone(),
            stand: Stand::Coming,
        });
        let gateway = HostGateway {
            way: follows,
            happenings,
        };
        (Self { host, way }, Arc::new(gateway))
    }
}

impl Supervisor {
    /// The way to the cluster of `source`, where it leads through a host: the one that is named, else the one that carries
    /// tunnels.
    pub(super) fn way_to(&self, source: &ClusterSource) -> Option<(Through, Arc<dyn Gateway>)> {
        let is_there = matches!(source.kubeconfig, Kubeconfig::OnHost { .. });
        let host = source.through.clone().or_else(|| {
            let selected = self.selected_host.clone();
            is_there.then(|| selected.unwrap_or_else(|| HostId::new("")))
        })?;
        let (through, gateway) = Through::new(host, self.happenings.clone());
        through.way.send_replace(self.way_by(&through.host));
        Some((through, gateway))
    }

    /// Hands over a kubeconfig of the cluster that is watched; nothing, where none is.
    pub(super) fn export_kubeconfig(
        &self,
        local: SocketAddr,
        reply: SyncSender<Result<Secret, ClusterFault>>,
    ) {
        let cluster = self.cluster.as_ref();
        let Some(watcher) = cluster.and_then(|cluster| cluster.watcher.as_ref()) else {
            return;
        };
        let reading = watcher.kubeconfig_by(local);
        tokio::spawn(async move {
            if reply.try_send(reading.await).is_err() {
                tracing::debug!("the kubeconfig is not waited for any more");
            }
        });
    }

    /// Tells the gateway how its way stands.
    pub(super) fn show_way(&self) {
        let Some(through) = self
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.through.as_ref())
        else {
            return;
        };
        let way = self.way_by(&through.host);
        through.way.send_if_modified(|shown| {
            let differs = !shown.same(&way);
            if differs {
                *shown = way;
            }
            differs
        });
    }

    fn way_by(&self, id: &HostId) -> Way {
        let Some(host) = self.host(id) else {
            return Way {
                host: id.clone(),
                login: id.to_string(),
                stand: Stand::Down(no_host(id)),
            };
        };
        let stand = match (&host.link.phase, &host.pool) {
            (LinkPhase::Waiting { fault, .. } | LinkPhase::Failed(fault), _) => {
                Stand::Down(fault.clone())
            }
            (LinkPhase::Up { .. }, Some(pool)) => Stand::Up(Arc::clone(pool)),
            _ => Stand::Coming,
        };
        Way {
            host: id.clone(),
            login: host.profile.login(),
            stand,
        }
    }
}

/// See the module.
struct HostGateway {
    way: watch::Receiver<Way>,
    happenings: mpsc::Sender<Happening>,
}

impl std::fmt::Debug for HostGateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostGateway({})", self.way.borrow().login)
    }
}

/// The sessions, once the link stands.
async fn stands(mut way: watch::Receiver<Way>) -> Result<(Arc<Pool>, String), Fault> {
    loop {
        let now = way.borrow_and_update().clone();
        match now.stand {
            Stand::Up(pool) => return Ok((pool, now.login)),
            Stand::Down(fault) => return Err(fault),
            Stand::Coming => {}
        }
        if way.changed().await.is_err() {
            return Err(lost(now.login, words!("the engine has ended")));
        }
    }
}

fn lost(login: String, reason: Words) -> Fault {
    Fault {
        hop: Hop::Ssh(login),
        cause: FaultCause::SessionLost { reason },
    }
}

impl Gateway for HostGateway {
    fn name(&self) -> String {
        self.way.borrow().login.clone()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), Fault>> {
        let way = self.way.clone();
        Box::pin(async move { stands(way).await.map(drop) })
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut way = self.way.clone();
        way.mark_unchanged();
        Box::pin(async move {
            if way.changed().await.is_err() {
                // The engine is ending, and the cluster's watcher with it.
                std::future::pending::<()>().await;
            }
        })
    }

    fn open(
        &self,
        destination: Destination,
    ) -> BoxFuture<'static, Result<Box<dyn ByteStream>, Fault>> {
        let way = self.way.clone();
        Box::pin(async move {
            let login = way.borrow().login.clone();
            let (pool, login) = timeout(LINK_LIMIT, stands(way))
                .await
                .unwrap_or_else(|_elapsed| Err(lost(login, words!("it is not back yet"))))?;
            let opening = pool.open(&destination, |session| {
                session.open_stream(&destination, OPEN_LIMIT)
            });
            match opening.await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn ByteStream>),
                Err(Unopened { lost: None, .. }) => {
                    Err(lost(login, words!("while it was to be used")))
                }
                Err(Unopened { error, lost }) => {
                    Err(open_fault(&error, Hop::Target(destination), lost).await)
                }
            }
        })
    }

    fn run(
        &self,
        command: String,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Ran, GatewayError>> {
        let way = self.way.clone();
        Box::pin(async move {
            let (pool, login) = stands(way).await.map_err(GatewayError::Fault)?;
            let Some(session) = pool.pick(None) else {
                return Err(GatewayError::Fault(lost(
                    login,
                    words!("while it was to be used"),
                )));
            };
            let limits = ExecLimits {
                time: limit,
                output_bytes: OUTPUT_BYTES,
            };
            let running = session.exec(&command, limits);
            drop((session, pool));
            match running.await {
                Ok(output) => Ok(ran(output)),
                Err(ExecError::SessionEnded) => Err(GatewayError::Fault(lost(
                    login,
                    words!("while a command ran"),
                ))),
                Err(error) => Err(GatewayError::Command {
                    reason: printable(&error.to_string()).into_owned(),
                }),
            }
        })
    }

    fn may_read_as_root(&self, file: String) -> BoxFuture<'static, bool> {
        let (host, login) = {
            let way = self.way.borrow();
            (way.host.clone(), way.login.clone())
        };
        let happenings = self.happenings.clone();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let question = Question::Sudo { file };
            let asking = Happening::AskedByCluster(host, login, question, reply);
            if happenings.send(asking).await.is_err() {
                return false;
            }
            matches!(answer.await, Ok(Answer::Yes))
        })
    }
}

fn ran(output: ExecOutput) -> Ran {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rfind(|line| !line.trim().is_empty());
    Ran {
        success: output.status == ExecStatus::Code(0),
        said: printable(said.unwrap_or_default().trim()).into_owned(),
        stdout: Zeroizing::new(output.stdout),
    }
}
