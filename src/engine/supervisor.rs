//! The one owner of all state: takes commands and happenings one after the other, steps the pure machines, runs what they ask
//! for, and publishes a snapshot when anything has changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::backoff;
use super::gateway::Through;
use super::happening::{Happening, Reply};
use super::host::Host;
use super::imports::Imports;
use super::link::{LinkEffect, LinkEvent};
use super::options::EngineOptions;
use super::probe::Probes;
use super::questions::Asked;
use super::saved::Remembered;
use super::tunnel::{Effect, Event};
use super::tunnel_entry::TunnelEntry;
use super::turns::Turns;
use crate::cluster::Watcher;
use crate::model::{
    ClusterSource, ClusterState, ClusterStatus, Command, HostId, Intent, KeyCheck, Moment, Notice,
    PromptId, Settings, Snapshot, Target, TunnelId, Words,
};
use crate::net::Sensor;

/// How often counters are published while something moves.
const TRAFFIC_INTERVAL: Duration = Duration::from_millis(250);

/// How many notices are kept.
const NOTICES_KEPT: usize = 50;

/// Everything, in one hand.
pub(super) struct Supervisor {
    started: Instant,
    pub(super) happenings: mpsc::Sender<Happening>,
    inbox: mpsc::Receiver<Happening>,
    commands: mpsc::UnboundedReceiver<Command>,
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) cluster: Option<Cluster>,
    pub(super) hosts: Vec<Host>,
    pub(super) selected_host: Option<HostId>,
    pub(super) tunnels: BTreeMap<TunnelId, TunnelEntry>,
    pub(super) next_tag: u64,
    pub(super) prompts: BTreeMap<PromptId, Asked>,
    pub(super) next_prompt: u64,
    pub(super) notices: VecDeque<Notice>,
    /// Rung by the sessions when bytes move after a pause.
    pub(super) stirred: Arc<Notify>,
    /// When the counters are read next; none while nothing moves.
    next_reading: Option<Instant>,
    pub(super) key_checks: Vec<KeyCheck>,
    pub(super) imports: Imports,
    pub(super) settings: Arc<Settings>,
    pub(super) remembered: Remembered,
    pub(super) probes: Probes,
    /// Hosts that stand in for one another, in order.
    pub(super) candidates: Vec<HostId>,
    pub(super) ended: bool,
    /// Notices sleep and changes of the network, while a link is wanted.
    pub(super) sensor: Option<Sensor>,
    /// Dials that no person has asked for take turns.
    pub(super) turns: Turns,
}

/// The cluster that is watched.
pub(super) struct Cluster {
    /// None once the person has ended reading it.
    pub(super) watcher: Option<Watcher>,
    /// The host that its API server is reached through.
    pub(super) through: Option<Through>,
    /// None once the watcher has ended: its last word stays on show.
    status: Option<watch::Receiver<Arc<ClusterStatus>>>,
    pub(super) current: Arc<ClusterStatus>,
}

/// What woke the loop.
enum Wake {
    Command(Option<Command>),
    Happening(Happening),
    Cluster(bool),
    Stirred,
    Timer,
}

impl Supervisor {
    pub(super) fn new(
        options: EngineOptions,
        commands: mpsc::UnboundedReceiver<Command>,
        snapshots: watch::Sender<Arc<Snapshot>>,
    ) -> Self {
        let (happenings, inbox) = mpsc::channel(256);
        Self {
            started: Instant::now(),
            happenings,
            inbox,
            commands,
            snapshots,
            cluster: None,
            hosts: Vec::new(),
            selected_host: None,
            tunnels: BTreeMap::new(),
            next_tag: 0,
            prompts: BTreeMap::new(),
            next_prompt: 0,
            notices: VecDeque::new(),
            stirred: Arc::new(Notify::new()),
            next_reading: None,
            key_checks: Vec::new(),
            imports: Imports::default(),
            settings: Arc::default(),
            remembered: Remembered::new(options),
            probes: Probes::default(),
            candidates: Vec::new(),
            ended: false,
            sensor: None,
            turns: Turns::default(),
        }
    }

    /// Runs until it is told to quit, or every handle is gone.
    pub(super) async fn run(mut self) {
        self.begin().await;
        self.publish();
        while !self.ended {
            match self.wait().await {
                Wake::Command(Some(Command::Quit) | None) => self.quit().await,
                Wake::Command(Some(command)) => self.obey(command).await,
                Wake::Happening(happening) => self.happen(happening).await,
                Wake::Cluster(alive) => self.cluster_changed(alive).await,
                Wake::Stirred => self.next_reading = Some(Instant::now() + TRAFFIC_INTERVAL),
                Wake::Timer => self.time_passes().await,
            }
            self.take_next_hosts().await;
            self.settle_links().await;
            self.mind_surroundings();
            self.ask_hosts();
            self.show_way();
            self.keep_settings();
            self.publish();
        }
    }

    async fn wait(&mut self) -> Wake {
        let deadline = self.deadline();
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let cluster = async {
            match &mut self.cluster {
                Some(Cluster {
                    status: Some(status),
                    ..
                }) => status.changed().await.is_ok(),
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => Wake::Command(command),
            // The supervisor keeps a sender itself, so there is always another happening to wait for.
            Some(happening) = self.inbox.recv() => Wake::Happening(happening),
            alive = cluster => Wake::Cluster(alive),
            () = self.stirred.notified(), if self.next_reading.is_none() => Wake::Stirred,
            () = timer => Wake::Timer,
        }
    }

    pub(super) fn now(&self) -> Moment {
        Moment::after_start(self.started.elapsed())
    }

    /// When something is due.
    fn deadline(&self) -> Option<Instant> {
        let tunnels = self
            .tunnels
            .values()
            .filter_map(|entry| entry.machine.deadline());
        let links = self.hosts.iter().filter_map(|host| host.link.deadline());
        let machines = tunnels
            .chain(links)
            .min()
            .map(|moment| self.started + moment.since(Moment::START));
        machines.into_iter().chain(self.next_reading).min()
    }

    async fn time_passes(&mut self) {
        self.read_traffic().await;
        for id in self.tunnel_ids(|entry| entry.machine.deadline().is_some()) {
            self.step_tunnel(&id, Event::Tick).await;
        }
        for id in self
            .hosts
            .iter()
            .map(|host| host.profile.id.clone())
            .collect::<Vec<_>>()
        {
            self.step_link(&id, LinkEvent::Tick).await;
        }
    }

    /// Reads the counters; while they change they are read again, else the sessions ring when bytes move.
    async fn read_traffic(&mut self) {
        let Some(due) = self.next_reading else { return };
        if due > Instant::now() {
            return;
        }
        let now = self.now();
        let mut moved = false;
        let mut doubted = Vec::new();
        for (id, entry) in &mut self.tunnels {
            let reading = entry.read_meter(now);
            moved |= reading.moved;
            if reading.refused && entry.machine.is_open() {
                doubted.push(id.clone());
            }
        }
        self.next_reading = moved.then(|| Instant::now() + TRAFFIC_INTERVAL);
        if !moved {
            self.tunnels.values().for_each(|entry| entry.meter.rest());
        }
        for id in doubted {
            self.step_tunnel(&id, Event::Doubt).await;
        }
    }

    pub(super) async fn use_cluster(&mut self, source: ClusterSource) {
        // Questions of the one before are void.
        self.prompts.retain(|_, asked| asked.dial != 0);
        let (through, gateway) = self.way_to(&source).unzip();
        let watcher = crate::cluster::watch(source, gateway);
        let mut status = watcher.status();
        let current = status.borrow_and_update().clone();
        self.cluster = Some(Cluster {
            watcher: Some(watcher),
            through,
            status: Some(status),
            current,
        });
        self.targets_may_have_moved().await;
    }

    pub(super) async fn stop_reading(&mut self) {
        let Some(cluster) = &mut self.cluster else {
            return;
        };
        let has_begun = matches!(
            cluster.current.state,
            ClusterState::Loading | ClusterState::Stale(_)
        );
        if !has_begun || !cluster.current.services.is_empty() {
            return;
        }
        self.prompts.retain(|_, asked| asked.dial != 0);
        cluster.current = Arc::new(ClusterStatus {
            source: cluster.current.source.clone(),
            state: ClusterState::Stopped,
            ..ClusterStatus::default()
        });
        // With the way goes what was dialled for its sake.
        (cluster.watcher, cluster.through, cluster.status) = (None, None, None);
        self.targets_may_have_moved().await;
    }

    async fn cluster_changed(&mut self, alive: bool) {
        let Some(cluster) = &mut self.cluster else {
            return;
        };
        if let Some(status) = &mut cluster.status {
            cluster.current = status.borrow_and_update().clone();
        }
        if !alive {
            cluster.status = None;
        }
        self.match_imports().await;
        self.targets_may_have_moved().await;
    }

    pub(super) async fn targets_may_have_moved(&mut self) {
        let moving = self.tunnel_ids(|entry| {
            entry.machine.is_bound() && matches!(entry.spec.target, Target::Service { .. })
        });
        for id in self.favourites_first(moving) {
            self.resolve(&id).await;
        }
    }

    async fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Bound(id, generation, listener) => {
                self.bound(&id, generation, listener).await;
            }
            Happening::Tunnel(id, event) => self.step_tunnel(&id, event).await,
            Happening::TurnedAway(id, reason) => self.clients_turned_away(&id, reason),
            Happening::Hop(id, dial, hop) => {
                if let Some(host) = self.dialing_host(&id, dial) {
                    host.hop = hop;
                }
            }
            Happening::Asked(id, dial, hop, question, reply) => {
                if self.dialing_host(&id, dial).is_some() || self.probes.is_dialing(dial) {
                    self.asked(&id, dial, hop, question, Reply::Thread(reply));
                }
            }
            Happening::AskedByCluster(id, hop, question, reply) => {
                self.asked(&id, 0, hop, question, Reply::Task(reply));
            }
            Happening::Said(id, facts) => self.said(&id, facts).await,
            Happening::Connected(id, dial, session) => self.connected(&id, dial, session).await,
            Happening::DialFailed(id, dial, fault) => {
                self.forget_prompts(&id, dial);
                self.step_link(&id, LinkEvent::DialFailed(dial, fault))
                    .await;
            }
            Happening::Accepted(host, dial, hop, question) => {
                self.accepted(&host, dial, &hop, &question);
            }
            Happening::AskedQuietly(host, hop, question, reply) => {
                self.asked_quietly(&host, &hop, &question, &reply);
            }
            Happening::Resolved(run, profiles) => self.resolved(run, profiles).await,
            Happening::VaultOpened(result) => self.vault_opened(result),
            Happening::UsualCluster(source) => self.found_usual_cluster(source).await,
            Happening::Keyring(change) => self.keyring_changed(change),
            Happening::KeyringSeen(result) => self.keyring_seen(result),
            Happening::Kept(kept, number, result) => self.kept(&kept, number, result),
            Happening::Recalled(prompt, recall) => self.recalled(prompt, recall),
            Happening::Reopen(id) => self.reopen(&id).await,
            Happening::SettingsSaid(words) => self.note(None, words),
            Happening::Crowded(id, dial) => self.dial_another(&id, dial),
            Happening::Joined(id, dial, session) => self.joined(&id, dial, session),
            Happening::NotJoined(id, dial, recovery) => self.not_joined(&id, dial, recovery),
            Happening::Told(text) => self.note(None, text),
            Happening::SshHosts(hosts) => self.imports.ssh_hosts = Some(Arc::new(hosts)),
            Happening::Tested(id, profile) => self.tested(id, profile),
            Happening::KeyChecked(check) => self.key_checked(check),
            Happening::Surroundings(change) => self.surroundings_changed(change).await,
            Happening::Lost(id, dial, session, fault) => self.lost(&id, dial, session, fault).await,
            Happening::ClientsNamed(id, named) => self.clients_named(&id, named),
            Happening::Probe(id, news) => self.probe_goes_on(id, news),
        }
    }

    /// Steps a tunnel's machine and does what it asks for, until it asks for nothing more.
    pub(super) async fn step_tunnel(&mut self, id: &TunnelId, event: Event) {
        let now = self.now();
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(entry) = self.tunnels.get_mut(id) else {
                return;
            };
            for effect in entry.machine.step(event, now, random_pause) {
                events.extend(self.run_effect(id, effect).await);
            }
        }
    }

    async fn run_effect(&mut self, id: &TunnelId, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Bind(generation) => self.bind(id, generation),
            Effect::Release => self.release(id).await,
            Effect::Resolve => return self.find_target(id).map(Event::Target),
            Effect::WantLink => return self.want_link(id).await,
            Effect::Prove(generation, outlet) => self.prove(id, generation, outlet),
            Effect::Carry(outlet) => self.carry(id, outlet),
            Effect::StopCarrying => self.stop_carrying(id),
        }
        None
    }

    pub(super) async fn step_link(&mut self, id: &HostId, event: LinkEvent) {
        let now = self.now();
        let Some(host) = self.host_mut(id) else {
            return;
        };
        let before = host.link.dial;
        let effects = host.link.step(event, now, random_pause);
        for effect in effects {
            match effect {
                LinkEffect::Dial(dial) => self.dial(id, dial),
                LinkEffect::HangUp => {
                    self.forget_prompts(id, before);
                    if let Some(host) = self.host_mut(id) {
                        host.hang_up();
                    }
                }
                LinkEffect::TellUp => self.tell_tunnels(id, &Event::LinkUp).await,
                LinkEffect::TellDown => self.tell_tunnels(id, &Event::LinkDown).await,
            }
        }
    }

    /// Tells every tunnel of a host. Boxed, because a tunnel's answer may in turn concern the link.
    pub(super) async fn tell_tunnels(&mut self, host: &HostId, event: &Event) {
        for id in self.tunnel_ids(|entry| entry.spec.host == *host) {
            Box::pin(self.step_tunnel(&id, event.clone())).await;
        }
    }

    /// Links are up exactly where they are needed.
    async fn settle_links(&mut self) {
        for index in 0..self.hosts.len() {
            let id = self.hosts[index].profile.id.clone();
            let needed = self.needs(&id);
            self.remembered.forget_unless(needed, &id);
            self.step_link(
                &id,
                if needed {
                    LinkEvent::Needed
                } else {
                    LinkEvent::Unwanted
                },
            )
            .await;
        }
    }

    pub(super) async fn quit(&mut self) {
        self.cluster = None;
        for id in self.tunnel_ids(|_| true) {
            self.step_tunnel(&id, Event::Intent(Intent::Down)).await;
        }
        self.settle_links().await;
        self.end_probes();
        self.end_remembering().await;
        self.ended = true;
    }

    pub(super) fn note(&mut self, tunnel: Option<TunnelId>, text: impl Into<Words>) {
        if self.notices.len() == NOTICES_KEPT {
            self.notices.pop_front();
        }
        self.notices.push_back(Notice {
            at: self.now(),
            tunnel,
            text: text.into(),
        });
    }

    pub(super) fn tunnel_ids(&self, which: impl Fn(&TunnelEntry) -> bool) -> Vec<TunnelId> {
        self.tunnels
            .iter()
            .filter(|(_, entry)| which(entry))
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn host(&self, id: &HostId) -> Option<&Host> {
        self.hosts.iter().find(|host| host.profile.id == *id)
    }

    pub(super) fn host_mut(&mut self, id: &HostId) -> Option<&mut Host> {
        self.hosts.iter_mut().find(|host| host.profile.id == *id)
    }

    /// The host, if this is the dial it is waiting for.
    pub(super) fn dialing_host(&mut self, id: &HostId, dial: u64) -> Option<&mut Host> {
        self.host_mut(id).filter(|host| host.is_dialing(dial))
    }

    fn publish(&mut self) {
        let before = self.snapshots.borrow().clone();
        if let Some(snapshot) = self.snapshot_if_changed(&before) {
            self.snapshots.send_replace(Arc::new(snapshot));
        }
    }
}

fn random_pause(attempt: u32) -> Duration {
    backoff::pause(attempt, fastrand::f64())
}
