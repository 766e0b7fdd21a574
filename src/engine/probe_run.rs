//! The work of one probe: step by step along the way, each within its own time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::effects::report;
use super::happening::Happening;
use super::probe::ProbeNews;
use super::probe_dial::{Progress, Reach};
use crate::model::{
    ClusterState, Destination, Fault, FaultCause, HostProfile, LbService, ListenAddress, LocalBind,
    ProbeCheck, ProbeFacts, ProbeNote, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ServiceKey, Snapshot, Talk, Words, host_role, service_steps, words,
};
use crate::ssh;

/// How long the cluster may take to be read.
const CLUSTER_LIMIT: Duration = Duration::from_secs(15);

/// How many addresses of a name are shown.
const ADDRESSES_SHOWN: usize = 4;

/// A probe at work.
pub(super) struct ProbeRun {
    pub(super) report: ProbeReport,
    pub(super) facts: ProbeFacts,
    pub(super) profile: HostProfile,
    /// Where the tunnel would listen, whether it does so already, and the ports of the other tunnels.
    pub(super) local: Option<(LocalBind, bool, Vec<u16>)>,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) happenings: mpsc::Sender<Happening>,
}

/// A step failed, and with it all that would follow.
struct Broken;

impl ProbeRun {
    /// Probes, and tells about each step as it ends.
    pub(super) async fn run(mut self) {
        // Either way the report says how it went.
        let _broken = self.walk().await;
        self.tell(true).await;
    }

    async fn walk(&mut self) -> Result<(), Broken> {
        self.try_local_port().await;
        self.look_up().await?;
        let mut reach = Reach::new(self.profile.clone(), self.report.id, &self.happenings);
        self.connect(&mut reach).await?;
        match self.report.target.clone() {
            ProbeTarget::Host(_) => self.try_forwarding(&mut reach).await,
            ProbeTarget::Service { service, port } => {
                self.read_service(&reach, &service, port).await?;
                self.try_targets(&mut reach).await;
            }
        }
        Ok(())
    }

    /// A port that cannot be had does not keep the rest of the way from being tried.
    async fn try_local_port(&mut self) {
        let Some((local, is_bound, taken)) = self.local.take() else {
            return;
        };
        let Some(index) = self.next_step() else {
            return;
        };
        if is_bound {
            self.pass(index, None, Some(ProbeNote::OwnTunnel)).await;
            return;
        }
        self.begin(index).await;
        let bound = tokio::task::spawn_blocking(move || bindable(&local, &taken)).await;
        let outcome = match bound {
            Ok(Ok(note)) => ProbeOutcome::Passed { micros: None, note },
            Ok(Err(fault)) => failed(fault),
            Err(error) => failed(Fault::local(FaultCause::BindFailed {
                address: "a port".to_owned(),
                reason: error.to_string().into(),
            })),
        };
        self.set(index, outcome).await;
    }

    async fn look_up(&mut self) -> Result<(), Broken> {
        let Some(index) = self.next_step() else {
            return Ok(());
        };
        let first = self.profile.jumps.first().unwrap_or(&self.profile);
        if first.proxy_command.is_some() {
            self.pass(index, None, Some(ProbeNote::ResolvedElsewhere))
                .await;
            return Ok(());
        }
        let (host, port, limit) = (first.address.clone(), first.port, first.connect_timeout);
        self.begin(index).await;
        let started = Instant::now();
        let found = timeout(limit, tokio::net::lookup_host((host.as_str(), port))).await;
        let not_found = |reason: Words| {
            Fault::local(FaultCause::NameNotFound {
                host: host.clone(),
                reason,
            })
        };
        match found {
            Ok(Ok(addresses)) => {
                let mut ips: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
                ips.dedup();
                ips.truncate(ADDRESSES_SHOWN);
                let is_name = host.parse::<IpAddr>().is_err();
                let took = is_name.then(|| micros(started.elapsed()));
                let note = is_name.then_some(ProbeNote::Addresses(ips));
                self.pass(index, took, note).await;
                Ok(())
            }
            Ok(Err(error)) => {
                self.fail(index, not_found(ssh::resolver_words(&error).into()))
                    .await
            }
            Err(_elapsed) => {
                let words = words!("no answer within {seconds} s", seconds = limit.as_secs());
                self.fail(index, not_found(words)).await
            }
        }
    }

    /// Dials the host, and passes its steps as the dial goes on.
    async fn connect(&mut self, reach: &mut Reach) -> Result<(), Broken> {
        let (observer, mut heard) = reach.observer();
        let profile = self.profile.clone();
        let mut dial = std::pin::pin!(ssh::connect(&profile, observer));
        if let Some(index) = self.next_step() {
            self.begin(index).await;
        }
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = heard.recv() => self.progress(progress).await,
                result = &mut dial => break result,
            }
        };
        // What the dial told last may still wait to be heard.
        while let Ok(progress) = heard.try_recv() {
            self.progress(progress).await;
        }
        match result {
            Ok(session) => {
                reach.stand(session);
                Ok(())
            }
            Err(fault) => match self.next_step() {
                Some(index) => self.fail(index, fault).await,
                None => Err(Broken),
            },
        }
    }

    async fn progress(&mut self, progress: Progress) {
        let (check, micros, note) = progress.into_step();
        let Some(index) = self
            .report
            .steps
            .iter()
            .position(|step| step.check == check)
        else {
            return;
        };
        self.pass(index, micros, note).await;
        if let Some(next) = self.next_step()
            && !matches!(
                self.report.steps[next].check,
                ProbeCheck::Service { .. } | ProbeCheck::Forwarding
            )
        {
            self.begin(next).await;
        }
    }

    /// The server's own SSH port is a target that is there nearly everywhere; whether it answers does not matter.
    async fn try_forwarding(&mut self, reach: &mut Reach) {
        let Some(index) = self.next_step() else {
            return;
        };
        self.begin(index).await;
        let destination = Destination::tcp("127.0.0.1", self.profile.port);
        match reach.try_target(&destination, Talk::Listen).await {
            Ok((took, _)) => self.pass(index, Some(micros(took)), None).await,
            Err(Fault {
                cause: FaultCause::TargetRefused | FaultCause::TargetHungUp,
                ..
            }) => self.pass(index, None, None).await,
            Err(fault) => self.set(index, failed(fault)).await,
        }
    }

    /// Waits until the cluster has been read, and plans the rest of the way.
    async fn read_service(
        &mut self,
        reach: &Reach,
        key: &ServiceKey,
        port: u16,
    ) -> Result<(), Broken> {
        let Some(index) = self.next_step() else {
            return Ok(());
        };
        self.begin(index).await;
        let found = timeout(CLUSTER_LIMIT, find_service(&mut self.snapshots, key)).await;
        let (service, snapshot) = match found {
            Ok(Ok(found)) => found,
            Ok(Err(cause)) => return self.fail(index, Fault::cluster(cause)).await,
            Err(_elapsed) => {
                let reason = words!(
                    "no complete list within {seconds} s",
                    seconds = CLUSTER_LIMIT.as_secs()
                );
                let cause = FaultCause::ClusterUnavailable { reason, hint: None };
                return self.fail(index, Fault::cluster(cause)).await;
            }
        };
        let nodes = snapshot.cluster.nodes.as_deref();
        let facts = reach.host_facts().await;
        let role = host_role(&self.profile.address, facts.as_ref(), nodes);
        match service_steps(&service, port, nodes.unwrap_or_default(), &role) {
            Ok((steps, left_out)) => {
                self.facts = ProbeFacts::of(&service, port, &role);
                self.report.steps.extend(steps);
                self.report.pods_left_out = left_out;
                self.pass(index, None, None).await;
                Ok(())
            }
            Err(cause) => self.fail(index, Fault::cluster(cause)).await,
        }
    }

    async fn try_targets(&mut self, reach: &mut Reach) {
        let talk = self.facts.talk.unwrap_or(Talk::Listen);
        while let Some(index) = self.next_step() {
            let ProbeCheck::Target {
                destination: Some(destination),
                ..
            } = &self.report.steps[index].check
            else {
                return;
            };
            let destination = destination.clone();
            self.begin(index).await;
            let outcome = match reach.try_target(&destination, talk).await {
                Err(fault) => failed(fault),
                Ok((took, note)) => ProbeOutcome::Passed {
                    micros: Some(micros(took)),
                    note: Some(note),
                },
            };
            self.set(index, outcome).await;
        }
    }

    /// The first step that waits to be tried.
    fn next_step(&self) -> Option<usize> {
        let waits = |step: &ProbeStep| {
            matches!(step.outcome, ProbeOutcome::Pending | ProbeOutcome::Running)
        };
        self.report.steps.iter().position(waits)
    }

    async fn begin(&mut self, index: usize) {
        self.set(index, ProbeOutcome::Running).await;
    }

    async fn pass(&mut self, index: usize, micros: Option<u64>, note: Option<ProbeNote>) {
        self.set(index, ProbeOutcome::Passed { micros, note }).await;
    }

    async fn fail(&mut self, index: usize, fault: Fault) -> Result<(), Broken> {
        self.set(index, failed(fault)).await;
        Err(Broken)
    }

    async fn set(&mut self, index: usize, outcome: ProbeOutcome) {
        let step = &mut self.report.steps[index];
        if step.outcome != outcome {
            step.outcome = outcome;
            self.tell(false).await;
        }
    }

    async fn tell(&self, over: bool) {
        let news = ProbeNews {
            report: self.report.clone(),
            facts: self.facts,
            over,
        };
        report(&self.happenings, Happening::Probe(self.report.id, news)).await;
    }
}

const fn failed(fault: Fault) -> ProbeOutcome {
    ProbeOutcome::Failed {
        fault,
        likely: None,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Whether the tunnel could listen there, and what is worth knowing about it.
fn bindable(local: &LocalBind, taken: &[u16]) -> Result<Option<ProbeNote>, Fault> {
    let listener = crate::net::bind(local, taken)?;
    let LocalBind::Automatic { preferred } = local else {
        return Ok(None);
    };
    let port = listener.addresses().iter().find_map(|listen| match listen {
        ListenAddress::Tcp(address) => Some(address.port()),
        ListenAddress::Socket(_) => None,
    });
    Ok(port
        .filter(|port| port != preferred)
        .map(|instead| ProbeNote::PortMoved {
            holder: match crate::net::bind(&LocalBind::loopback(*preferred), taken) {
                Err(Fault {
                    cause: FaultCause::PortInUse { holder, .. },
                    ..
                }) => holder,
                _ => None,
            },
            instead,
        }))
}

/// The service as the cluster has it now; waits while the cluster has not been read.
async fn find_service(
    snapshots: &mut watch::Receiver<Arc<Snapshot>>,
    key: &ServiceKey,
) -> Result<(Arc<LbService>, Arc<Snapshot>), FaultCause> {
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        let cluster = &snapshot.cluster;
        if let Some(service) = cluster.services.get(key) {
            return Ok((Arc::clone(service), snapshot));
        }
        match &cluster.state {
            ClusterState::Loading => {}
            ClusterState::Off => return Err(FaultCause::NoCluster),
            ClusterState::Stopped => return Err(FaultCause::reading_ended()),
            ClusterState::Failed(fault) => return Err(fault.into()),
            ClusterState::Stale(fault) if cluster.services.is_empty() => return Err(fault.into()),
            ClusterState::Stale(_) | ClusterState::Live => {
                return Err(FaultCause::ServiceMissing {
                    service: key.clone(),
                });
            }
        }
        if snapshots.changed().await.is_err() {
            return Err(FaultCause::ClusterUnavailable {
                reason: words!("the engine has ended"),
                hint: None,
            });
        }
    }
}
