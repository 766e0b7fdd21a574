//! The feeds of one cluster and one scope, what they report, and when that is worth publishing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::model::{ClusterFault, ClusterGap, ClusterState};

use super::connection::Connection;
use super::discovery::{self, Served};
use super::fault::{self, Place};
use super::feed::Feed;
use super::feed_error::FeedError;
use super::keeper::Keeper;
use super::kubeconfig::Fingerprint;
use super::pulse::pulse;
use super::records::{
    AdvertisementObject, ConfigurationObject, EndpointSlice, Event, NamespaceObject, Node, Object,
    Peer, Pod, Pool, Service, ServiceStatus, Session as BgpSession,
};
use super::report::{Message, News};
use super::resource::{Kind, Scope};
use super::role::{self, Lack};
use super::timing::Timing;
use super::update::{Seen, Update};

/// Reports that wait to be taken in; a feed that is ahead of the view waits.
const QUEUE: usize = 256;

/// Where one feed stands.
#[derive(Debug, Default)]
enum FeedState {
    /// Its first list has not arrived.
    #[default]
    Starting,
    /// What it saw is current.
    Standing,
    /// It is tried again.
    Broken(Refusal),
    /// Not allowed, or not served: it costs what it would have shown.
    Denied(Refusal),
}

/// Why a feed does not stand.
#[derive(Debug)]
struct Refusal {
    fault: ClusterFault,
    verb: &'static str,
}

/// A feed that runs.
struct Running {
    version: Cow<'static, str>,
    task: AbortHandle,
    state: FeedState,
}

/// Why the feeds were ended.
pub(super) enum Ended {
    /// The kubeconfig has changed.
    FilesChanged,
    /// Services of all namespaces may not be seen: those of one might.
    Narrow,
}

/// The feeds of one scope.
pub(super) struct Session {
    connection: Arc<Connection>,
    scope: Scope,
    timing: Timing,
    feeds: HashMap<Kind, Running>,
    /// Whether discovery has said anything yet.
    is_discovered: bool,
    /// When the first view is published even if not everything has arrived.
    first_view: Option<Instant>,
    discover_again: Arc<Notify>,
    sender: mpsc::Sender<Message>,
    reports: mpsc::Receiver<Message>,
    /// Ends the feeds when the session ends.
    tasks: JoinSet<()>,
}

impl Session {
    pub(super) fn start(connection: Arc<Connection>, scope: Scope, timing: Timing) -> Self {
        let (sender, reports) = mpsc::channel(QUEUE);
        let mut session = Self {
            connection: connection.clone(),
            scope,
            timing,
            feeds: HashMap::new(),
            is_discovered: false,
            first_view: None,
            discover_again: Arc::default(),
            sender: sender.clone(),
            reports,
            tasks: JoinSet::new(),
        };
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_custom()) {
            session.run_feed(kind, kind.resource().version);
        }
        let again = session.discover_again.clone();
        session.tasks.spawn(pulse(connection.clone(), timing));
        session
            .tasks
            .spawn(discovery::run(connection, timing, again, sender));
        session
    }

    /// Starts the feed of a kind.
    fn run_feed(&mut self, kind: Kind, version: Cow<'static, str>) {
        let own = version.clone();
        let task = match kind {
            Kind::Services => self.spawn::<Service>(kind, own, Seen::Services),
            Kind::Slices => self.spawn::<EndpointSlice>(kind, own, Seen::Slices),
            Kind::Pods => self.spawn::<Pod>(kind, own, Seen::Pods),
            Kind::Nodes => self.spawn::<Node>(kind, own, Seen::Nodes),
            Kind::Namespaces => self.spawn::<NamespaceObject>(kind, own, Seen::Namespaces),
            Kind::Events => self.spawn::<Event>(kind, own, Seen::Events),
            Kind::Pools => self.spawn::<Pool>(kind, own, Seen::Pools),
            Kind::L2Advertisements => {
                self.spawn::<AdvertisementObject>(kind, own, Seen::L2Advertisements)
            }
            Kind::BgpAdvertisements => {
                self.spawn::<AdvertisementObject>(kind, own, Seen::BgpAdvertisements)
            }
            Kind::BgpPeers => self.spawn::<Peer>(kind, own, Seen::BgpPeers),
            Kind::L2Statuses => self.spawn::<ServiceStatus>(kind, own, Seen::L2Statuses),
            Kind::BgpStatuses => self.spawn::<ServiceStatus>(kind, own, Seen::BgpStatuses),
            Kind::Configurations => {
                self.spawn::<ConfigurationObject>(kind, own, Seen::Configurations)
            }
            Kind::BgpSessions => self.spawn::<BgpSession>(kind, own, Seen::BgpSessions),
        };
        let state = FeedState::Starting;
        let running = Running {
            version,
            task,
            state,
        };
        self.feeds.insert(kind, running);
    }

    fn spawn<T: Object>(
        &mut self,
        kind: Kind,
        version: Cow<'static, str>,
        wrap: fn(Update<T::Kept>) -> Seen,
    ) -> AbortHandle {
        let mut resource = kind.resource();
        resource.version = version;
        let what = (kind, resource, kind.scope(&self.scope));
        let (connection, reports) = (self.connection.clone(), self.sender.clone());
        let feed = Feed::<T>::new(connection, what, self.timing, reports, wrap);
        self.tasks.spawn(feed.run())
    }

    /// Takes in reports and publishes: at once when it is quiet, and once in a while under a stream of changes.
    pub(super) async fn run(
        &mut self,
        keeper: &mut Keeper,
        paths: &[PathBuf],
        files: &Fingerprint,
    ) -> Ended {
        let timing = keeper.timing;
        let mut not_before = Instant::now();
        let mut pending = false;
        let mut look = interval_at(Instant::now() + timing.file_poll, timing.file_poll);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let first_view = self.first_view.unwrap_or(not_before);
            tokio::select! {
                Some(message) = self.reports.recv() => {
                    if self.take(message, keeper) {
                        return Ended::Narrow;
                    }
                    pending = true;
                }
                () = sleep_until(not_before), if pending => {
                    self.show(keeper);
                    pending = false;
                    not_before = Instant::now() + timing.publish_gap;
                }
                () = sleep_until(first_view), if self.first_view.is_some() && !pending => {
                    self.show(keeper);
                }
                _ = look.tick(), if keeper.shown.state != ClusterState::Live => {
                    if Fingerprint::of(paths) != *files {
                        return Ended::FilesChanged;
                    }
                }
            }
        }
    }

    /// Takes in one report; true if this scope is more than this person may see.
    fn take(&mut self, message: Message, keeper: &mut Keeper) -> bool {
        match message {
            Message::Found(found) => self.discovered(found, keeper),
            Message::News(kind, News::Seen(seen)) => {
                // A feed that was ended may have had reports on their way.
                if self.feeds.contains_key(&kind) {
                    keeper.view.take(*seen);
                }
            }
            Message::News(kind, News::Standing) => self.set(kind, FeedState::Standing),
            Message::News(kind, News::Broken(error)) => return self.broke(kind, &error),
        }
        false
    }

    fn set(&mut self, kind: Kind, state: FeedState) {
        if let Some(feed) = self.feeds.get_mut(&kind) {
            feed.state = state;
        }
    }

    fn broke(&mut self, kind: Kind, error: &FeedError) -> bool {
        let code = error.status().map(|status| status.code);
        if kind == Kind::Services && code == Some(403) && self.scope == Scope::All {
            return true;
        }
        if kind.is_custom() && code == Some(404) {
            self.discover_again.notify_one();
        }
        let place = Place {
            context: &self.connection.context,
            server: &self.connection.server,
        };
        let refusal = Refusal {
            fault: fault::of_feed(error, &kind.resource(), &kind.scope(&self.scope), place),
            verb: error.verb(),
        };
        self.set(
            kind,
            if error.is_denial() {
                FeedState::Denied(refusal)
            } else {
                FeedState::Broken(refusal)
            },
        );
        false
    }

    /// Starts the feeds of kinds that are served now, and ends those of kinds that are no more.
    fn discovered(&mut self, found: Result<Served, FeedError>, keeper: &mut Keeper) {
        let served = match found {
            Ok(served) => {
                keeper.view.found(served.keys().copied().collect());
                served
            }
            // Who may not look is told by each list what is to be had.
            Err(error) if error.is_denial() && !self.is_discovered => Kind::ALL
                .into_iter()
                .filter(|kind| kind.is_custom())
                .map(|kind| (kind, kind.resource().version.into_owned()))
                .collect(),
            // What was found before is still the best guess.
            Err(error) => {
                tracing::debug!(%error, "discovery failed");
                return;
            }
        };
        self.is_discovered = true;
        self.feeds.retain(|kind, feed| {
            let stays = !kind.is_custom()
                || served
                    .get(kind)
                    .is_some_and(|version| *version == feed.version);
            if !stays {
                feed.task.abort();
            }
            stays
        });
        for (kind, version) in served {
            if !self.feeds.contains_key(&kind) {
                self.run_feed(kind, Cow::Owned(version));
            }
        }
    }

    /// Publishes the view as it is now. Until every feed has told something once, it would be half a view.
    fn show(&mut self, keeper: &mut Keeper) {
        let Some(state) = self.state(&keeper.shown.state) else {
            return;
        };
        self.first_view = None;
        let shown = &mut keeper.shown;
        shown.state = state;
        shown.limited_to = match &self.scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace.clone()),
        };
        shown.gaps = self.gaps();
        shown.missing_role = role::missing(&self.lacks(), &self.scope).map(Arc::from);
        if keeper.view.refresh() {
            shown.services = keeper.view.services();
        }
        shown.pools = keeper.view.pools();
        shown.nodes = keeper.view.nodes();
        keeper.publish();
    }

    /// How current the view is; none while that cannot be told.
    fn state(&mut self, before: &ClusterState) -> Option<ClusterState> {
        if let Some(FeedState::Denied(refusal)) = self.state_of(Kind::Services) {
            return Some(ClusterState::Stale(refusal.fault.clone()));
        }
        let core = || {
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_core());
            kinds.filter_map(|kind| self.state_of(kind))
        };
        let broken = core().find_map(|state| match state {
            FeedState::Broken(refusal) => Some(refusal.fault.clone()),
            _ => None,
        });
        if let Some(fault) = broken {
            return Some(ClusterState::Stale(fault));
        }
        if *before == ClusterState::Live {
            return Some(ClusterState::Live);
        }
        if core().any(|state| matches!(state, FeedState::Starting)) {
            return None;
        }
        let is_starting = |feed: &Running| matches!(feed.state, FeedState::Starting);
        let is_waited_for = !self.is_discovered || self.feeds.values().any(is_starting);
        let until = *self
            .first_view
            .get_or_insert_with(|| Instant::now() + self.timing.first_view_grace);
        (!is_waited_for || Instant::now() >= until).then_some(ClusterState::Live)
    }

    fn state_of(&self, kind: Kind) -> Option<&FeedState> {
        self.feeds.get(&kind).map(|feed| &feed.state)
    }

    /// What cannot be seen. While the server is away nothing can, and the state says so.
    fn gaps(&self) -> Vec<ClusterGap> {
        let is_away = matches!(self.state_of(Kind::Services), Some(FeedState::Broken(_)));
        let refusal = |kind: Kind| match self.state_of(kind)? {
            // What is not served at all hides nothing; discovery looks again whether that is so.
            FeedState::Denied(refusal) if kind.is_custom() && refusal.fault.code == "server" => {
                None
            }
            FeedState::Denied(refusal) => Some(refusal),
            FeedState::Broken(refusal) if !kind.is_core() && !is_away => Some(refusal),
            _ => None,
        };
        Kind::ALL
            .into_iter()
            .filter(|kind| *kind != Kind::Services)
            .filter_map(|kind| {
                let refusal = refusal(kind)?;
                Some(ClusterGap {
                    resource: kind.resource().name,
                    verb: refusal.verb,
                    fault: refusal.fault.clone(),
                })
            })
            .collect()
    }

    /// What is not allowed, as opposed to not there.
    fn lacks(&self) -> Vec<Lack> {
        let lack = |kind: Kind| match self.state_of(kind)? {
            FeedState::Denied(Refusal { fault, verb }) if fault.code == "forbidden" => {
                Some(Lack { kind, verb })
            }
            _ => None,
        };
        Kind::ALL.into_iter().filter_map(lack).collect()
    }
}
