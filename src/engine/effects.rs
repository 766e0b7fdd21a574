//! What the machines ask for, done: ports bound, hosts dialled, targets looked up and proved.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::carrier::{Accepting, Carrier};
use super::happening::Happening;
use super::host::Host;
use super::link::LinkEvent;
use super::observers::{Reporter, Silent};
use super::pool::{Lost, Pool, Unopened};
use super::socks;
use super::supervisor::Supervisor;
use super::tunnel::{Event, Generation};
use super::tunnel_entry::TunnelEntry;
use crate::model::{
    ClusterState, Fault, FaultCause, Hop, HostId, Intent, LocalBind, Outlet, Recovery, Target,
    TunnelId, Vantage, choose_route, words,
};
use crate::ssh::{self, OpenError, Refusal, Session};

/// How long a target may take to answer before it counts as silent. The SSH server's own connect may take minutes.
const PROOF_LIMIT: Duration = Duration::from_secs(10);

impl Supervisor {
    pub(super) fn bind(&mut self, id: &TunnelId, generation: Generation) {
        let taken = self.ports_of_others(id);
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        let (local, happenings, id) = (
            entry.spec.local.clone(),
            self.happenings.clone(),
            id.clone(),
        );
        entry.set_task(tokio::spawn(async move {
            // Finding out who holds a busy port reads half of /proc.
            let bound = tokio::task::spawn_blocking(move || crate::net::bind(&local, &taken)).await;
            let happening = match bound {
                Ok(Ok(listener)) => Happening::Bound(id, generation, listener),
                Ok(Err(fault)) => Happening::Tunnel(id, Event::BindFailed(generation, fault)),
                Err(error) => {
                    let cause = FaultCause::BindFailed {
                        address: "a port".to_owned(),
                        reason: error.to_string().into(),
                    };
                    Happening::Tunnel(id, Event::BindFailed(generation, Fault::local(cause)))
                }
            };
            report(&happenings, happening).await;
        }));
    }

    /// Ports that other tunnels listen on, or would.
    pub(super) fn ports_of_others(&self, id: &TunnelId) -> Vec<u16> {
        let others = self.tunnels.iter().filter(|(other, _)| *other != id);
        others
            .filter_map(|(_, entry)| match &entry.spec.local {
                LocalBind::Port { port, .. } => Some(*port),
                LocalBind::Automatic { preferred } if entry.machine.intent == Intent::Up => {
                    Some(*preferred)
                }
                LocalBind::Automatic { .. } | LocalBind::Socket(_) => None,
            })
            .collect()
    }

    pub(super) async fn bound(
        &mut self,
        id: &TunnelId,
        generation: Generation,
        listener: crate::net::Listener,
    ) {
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        if entry.machine.generation != generation {
            return;
        }
        entry.listening = listener.addresses().to_vec();
        entry.keep_automatic_port();
        let happenings = self.happenings.clone();
        entry.accepting = Some(Accepting::start(listener, id.clone(), happenings));
        self.step_tunnel(id, Event::Bound(generation)).await;
    }

    pub(super) fn clients_turned_away(&mut self, id: &TunnelId, reason: Option<String>) {
        let entry = self.tunnels.get(id);
        let Some(local) = entry.and_then(|entry| entry.listening.first()) else {
            return;
        };
        let text = match reason {
            Some(reason) => words!(
                "clients of {local} are turned away: {reason}. Close some of the connections through Adit's tunnels, or start Adit \
                 with a higher limit (ulimit -n)",
                local = local.to_string(),
                reason = reason
            ),
            None => words!(
                "clients of {local} are accepted again",
                local = local.to_string()
            ),
        };
        self.note(Some(id.clone()), text);
    }

    pub(super) async fn release(&mut self, id: &TunnelId) {
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        let (tag, host, accepting) = (entry.tag, entry.spec.host.clone(), entry.accepting.take());
        entry.forget_task();
        entry.listening.clear();
        entry.route = None;
        if let Some(accepting) = accepting {
            accepting.end().await;
        }
        if let Some(pool) = self.pool_of(&host) {
            pool.cut(tag);
        }
    }

    /// Looks a target up again, after something has changed.
    pub(super) async fn resolve(&mut self, id: &TunnelId) {
        if let Some(target) = self.find_target(id) {
            self.step_tunnel(id, Event::Target(target)).await;
        }
    }

    /// What the target's address is now; none while the cluster has not been read yet.
    pub(super) fn find_target(&mut self, id: &TunnelId) -> Option<Result<Outlet, Fault>> {
        let elsewhere = self.led_elsewhere(id);
        if let Some(entry) = self.tunnels.get_mut(id) {
            entry.is_elsewhere = elsewhere.is_some();
        }
        if elsewhere.is_some() {
            return elsewhere;
        }
        let target = self.look_up(id);
        if let Some(Ok(outlet)) = &target {
            self.found_at_home(id, outlet);
        }
        target
    }

    fn look_up(&mut self, id: &TunnelId) -> Option<Result<Outlet, Fault>> {
        let host = self.tunnels.get(id)?.spec.host.clone();
        let role = self.host(&host).map(|host| self.role_of(host));
        let role = role.unwrap_or_default();
        let entry = self.tunnels.get_mut(id)?;
        let (service, port, wanted) = match &entry.spec.target {
            Target::Fixed(destination) => return Some(Ok(destination.clone().into())),
            Target::Dynamic => return Some(Ok(Outlet::Socks)),
            Target::Service {
                service,
                port,
                route,
            } => (service, *port, *route),
        };
        let lacking = |cause| Some(Err(Fault::cluster(cause)));
        let Some(cluster) = &self.cluster else {
            return lacking(FaultCause::NoCluster);
        };
        let Some(found) = cluster.current.services.get(service) else {
            return match &cluster.current.state {
                ClusterState::Loading => None,
                ClusterState::Off => lacking(FaultCause::NoCluster),
                ClusterState::Stopped => lacking(FaultCause::reading_ended()),
                ClusterState::Failed(fault) => lacking(fault.into()),
                ClusterState::Stale(fault) if cluster.current.services.is_empty() => {
                    lacking(fault.into())
                }
                ClusterState::Stale(_) | ClusterState::Live => {
                    lacking(FaultCause::ServiceMissing {
                        service: service.clone(),
                    })
                }
            };
        };
        let from = Vantage {
            role: &role,
            nodes: cluster.current.nodes.as_deref(),
        };
        match choose_route(found, port, wanted, from) {
            Ok(chosen) => {
                entry.route = Some((chosen.route, chosen.reason));
                Some(Ok(chosen.destination.into()))
            }
            Err(cause) => {
                entry.route = None;
                lacking(cause)
            }
        }
    }

    /// Has the link of a tunnel's host up; the answer, where it is up already, is for the tunnel alone.
    pub(super) async fn want_link(&mut self, id: &TunnelId) -> Option<Event> {
        let host = self.tunnels.get(id)?.spec.host.clone();
        if self.host(&host)?.link.is_up() {
            return Some(Event::LinkUp);
        }
        self.step_link(&host, LinkEvent::Needed).await;
        None
    }

    pub(super) fn prove(&mut self, id: &TunnelId, generation: Generation, outlet: Outlet) {
        let Some(entry) = self.tunnels.get(id) else {
            return;
        };
        let Some(pool) = self.pool_of(&entry.spec.host) else {
            return;
        };
        let (happenings, tunnel) = (self.happenings.clone(), id.clone());
        let host = self.host(&entry.spec.host).map(|host| host.profile.login());
        let host = Hop::Ssh(host.unwrap_or_default());
        let task = tokio::spawn(async move {
            let event = match try_outlet(pool, outlet, host).await {
                Ok(()) => Event::Proved(generation),
                Err(fault) => Event::ProofFailed(generation, fault),
            };
            report(&happenings, Happening::Tunnel(tunnel, event)).await;
        });
        if let Some(entry) = self.tunnels.get_mut(id) {
            entry.set_task(task);
        }
    }

    pub(super) fn carry(&mut self, id: &TunnelId, outlet: Outlet) {
        let Some(entry) = self.tunnels.get(id) else {
            return;
        };
        let (Some(pool), Some(accepting)) = (self.pool_of(&entry.spec.host), &entry.accepting)
        else {
            return;
        };
        accepting.carry(Carrier {
            pool,
            outlet,
            tunnel: entry.tag,
            meter: Arc::clone(&entry.meter),
        });
    }

    pub(super) fn stop_carrying(&mut self, id: &TunnelId) {
        if let Some(accepting) = self
            .tunnels
            .get(id)
            .and_then(|entry| entry.accepting.as_ref())
        {
            accepting.stop_carrying();
        }
    }

    fn pool_of(&self, host: &HostId) -> Option<Arc<Pool>> {
        self.host(host)?.pool.clone()
    }

    pub(super) fn dial(&mut self, id: &HostId, dial: u64) {
        let happenings = self.happenings.clone();
        let turn = self.turns.next(id);
        let is_asked = self.cluster.is_some();
        let Some(host) = self.host_mut(id) else {
            return;
        };
        host.hop = host.profile.jumps.first().unwrap_or(&host.profile).login();
        let (profile, host_id) = (host.to_dial(is_asked), id.clone());
        host.spawn(async move {
            let observer = Arc::new(Reporter {
                host: host_id.clone(),
                dial,
                happenings: happenings.clone(),
            });
            let happening = match turn.run(ssh::connect(&profile, observer)).await {
                Ok(session) => Happening::Connected(host_id, dial, session),
                Err(fault) => Happening::DialFailed(host_id, dial, fault),
            };
            report(&happenings, happening).await;
        });
    }

    pub(super) async fn connected(&mut self, id: &HostId, dial: u64, session: Session) {
        let happenings = self.happenings.clone();
        self.forget_prompts(id, dial);
        // A session that comes too late is dropped here, which ends it.
        let Some(host) = self.dialing_host(id, dial) else {
            return;
        };
        let facts = session.facts().clone();
        host.watch(dial, &session, happenings.clone());
        let pool = Pool::new(
            id.clone(),
            dial,
            host.profile.max_sessions,
            session,
            happenings,
        );
        host.stand(pool, facts);
        self.step_link(id, LinkEvent::Connected(dial)).await;
    }

    /// Makes another session for a link that stands. The person is not asked anything for it: what takes an answer is done
    /// without.
    pub(super) fn dial_another(&mut self, id: &HostId, dial: u64) {
        let happenings = self.happenings.clone();
        let is_asked = self.cluster.is_some();
        let Some(host) = self
            .host_mut(id)
            .filter(|host| host.pool_of(dial).is_some())
        else {
            return;
        };
        let (profile, host_id) = (host.to_dial(is_asked), id.clone());
        let observer = Arc::new(Silent {
            host: host_id.clone(),
            happenings: happenings.clone(),
        });
        host.spawn(async move {
            match ssh::connect(&profile, observer).await {
                Ok(session) => report(&happenings, Happening::Joined(host_id, dial, session)).await,
                Err(fault) => {
                    tracing::info!(%fault, "there will be no other session to {host_id}");
                    let recovery = fault.cause.recovery();
                    report(&happenings, Happening::NotJoined(host_id, dial, recovery)).await;
                }
            }
        });
    }

    pub(super) fn joined(&mut self, id: &HostId, dial: u64, session: Session) {
        let happenings = self.happenings.clone();
        let Some(host) = self.host_mut(id) else {
            return;
        };
        let Some(pool) = host.pool_of(dial).cloned() else {
            return;
        };
        host.watch(dial, &session, happenings);
        pool.join(&Arc::new(session));
    }

    pub(super) fn not_joined(&mut self, id: &HostId, dial: u64, recovery: Recovery) {
        let Some(pool) = self.host(id).and_then(|host| host.pool_of(dial)) else {
            return;
        };
        match recovery {
            Recovery::Retry => pool.rest(),
            Recovery::NeedsPerson | Recovery::WaitForCluster => pool.stay_as_it_is(),
        }
    }

    /// A link is lost with the last of its sessions.
    pub(super) async fn lost(&mut self, id: &HostId, dial: u64, session: u64, fault: Fault) {
        let Some(pool) = self.host(id).and_then(|host| host.pool_of(dial)) else {
            return;
        };
        if pool.remove(session) {
            tracing::info!(%fault, "one of several sessions was lost");
            return self.doubt_forbidden(id, &Arc::clone(pool)).await;
        }
        self.note(None, words!("{fault}", fault = &fault));
        self.step_link(id, LinkEvent::Lost(dial, fault)).await;
    }
}

impl Supervisor {
    /// Tries tunnels again whose targets no session that is left may be asked for.
    async fn doubt_forbidden(&mut self, host: &HostId, pool: &Pool) {
        let leads_nowhere = |entry: &TunnelEntry| {
            let target = entry.machine.outlet().and_then(Outlet::destination);
            entry.spec.host == *host && target.is_some_and(|target| pool.all_forbid(target))
        };
        for id in self.tunnel_ids(leads_nowhere) {
            self.step_tunnel(&id, Event::Doubt).await;
        }
    }
}

impl Host {
    /// Reports the loss of a session.
    fn watch(&mut self, dial: u64, session: &Session, happenings: mpsc::Sender<Happening>) {
        let (mut lost, id, host) = (session.lost(), session.id(), self.profile.id.clone());
        self.spawn(async move {
            let fault = match lost.wait_for(Option::is_some).await {
                Ok(fault) => fault.clone(),
                Err(_thread_ended) => None,
            };
            let fault = fault.unwrap_or_else(|| Fault {
                hop: Hop::Ssh(host.to_string()),
                cause: FaultCause::SessionLost {
                    reason: words!("its thread ended"),
                },
            });
            report(&happenings, Happening::Lost(host, dial, id, fault)).await;
        });
    }
}

/// Reports to the supervisor. Once it has ended nobody is left to hear.
pub(super) async fn report(happenings: &mpsc::Sender<Happening>, happening: Happening) {
    if happenings.send(happening).await.is_err() {
        tracing::debug!("something happened after the engine's end");
    }
}

/// Opens a channel as a client's would be. What a host lets SOCKS clients do is tried on the host itself.
async fn try_outlet(pool: Arc<Pool>, outlet: Outlet, host: Hop) -> Result<(), Fault> {
    let (destination, hop) = match outlet {
        Outlet::To(destination) => (destination.clone(), Hop::Target(destination)),
        Outlet::Socks => (socks::proof_of_forwarding(), host),
    };
    let is_example = matches!(hop, Hop::Ssh(_));
    match pool.prove(&destination, PROOF_LIMIT).await {
        Ok(_took) => Ok(()),
        Err(Unopened { error, .. }) if is_example && socks::forwards(&error) => Ok(()),
        Err(Unopened { error, lost }) => Err(open_fault(&error, hop, lost).await),
    }
}

/// The fault of a channel to `hop` that was not opened. Where its session ended first, that is what `lost` tells: it ends a moment
/// after those who wait for channels hear of it.
pub(super) async fn open_fault(error: &OpenError, hop: Hop, lost: Option<Lost>) -> Fault {
    if *error == OpenError::SessionEnded
        && let Some(mut lost) = lost
        && let Ok(fault) = lost.wait_for(Option::is_some).await
        && let Some(fault) = fault.clone()
    {
        return fault;
    }
    Fault {
        hop,
        cause: open_cause(error),
    }
}

fn open_cause(error: &OpenError) -> FaultCause {
    match error {
        OpenError::Refused { refusal, .. } => match refusal {
            Refusal::Prohibited => FaultCause::ForwardingProhibited,
            Refusal::ConnectFailed => FaultCause::TargetRefused,
            Refusal::UnknownType => FaultCause::ForwardingUnsupported,
            Refusal::ResourceShortage => FaultCause::ServerExhausted,
        },
        OpenError::TimedOut { after } => FaultCause::TargetTimedOut { after: *after },
        OpenError::Local { .. } => FaultCause::ServerExhausted,
        OpenError::SessionEnded => FaultCause::SessionLost {
            reason: words!("while the target was tried"),
        },
    }
}
