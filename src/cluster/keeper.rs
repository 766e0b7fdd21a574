//! The one task that owns the view: it connects, runs the feeds, and publishes what comes of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::model::{ClusterFault, ClusterGap, ClusterSource, ClusterState, ClusterStatus};

use super::connect_fault::of_connect;
use super::connection::Connection;
use super::fault::{self, Place};
use super::feed::{Feed, Report, pulse};
use super::feed_error::FeedError;
use super::kubeconfig::{self, Fingerprint};
use super::records::{EndpointSlice, KeptPod, KeptService, KeptSlice, Pod, Service};
use super::resource::{ENDPOINT_SLICES, PODS, Resource, SERVICES, Scope};
use super::timing::{Backoff, Timing};
use super::view::View;

/// Reports that wait to be taken in; a feed that is ahead of the view waits.
const QUEUE: usize = 256;

/// A report, by the feed it is from.
enum Message {
    Services(Report<KeptService>),
    Slices(Report<KeptSlice>),
    Pods(Report<KeptPod>),
}

/// Where one feed stands.
#[derive(Debug, Default)]
enum FeedState {
    /// Its first list has not arrived.
    #[default]
    Starting,
    /// What it saw is current.
    Standing,
    /// It is tried again.
    Broken(ClusterFault),
    /// Not allowed, or not served: it costs what it would have shown.
    Denied(ClusterFault),
}

/// Why the feeds were ended.
enum Ended {
    /// The kubeconfig has changed.
    FilesChanged,
    /// Services of all namespaces may not be seen: those of one might.
    Narrow,
}

/// Watches `source` until its task is dropped.
pub(super) async fn keep(
    source: ClusterSource,
    timing: Timing,
    status: watch::Sender<Arc<ClusterStatus>>,
) {
    let paths = kubeconfig::paths(&source);
    let mut keeper = Keeper {
        view: View::default(),
        shown: ClusterStatus {
            source: source.clone(),
            state: ClusterState::Loading,
            ..ClusterStatus::default()
        },
        status,
        timing,
    };
    let mut backoff = Backoff::new(&timing);
    loop {
        let files = Fingerprint::of(&paths);
        match Connection::open(paths.clone(), source.context.as_deref()).await {
            Ok(connection) => {
                backoff.reset();
                keeper.follow(Arc::new(connection), &paths, &files).await;
            }
            Err(error) => {
                let fault = of_connect(&error);
                tracing::debug!(%error, "no connection to the cluster");
                let pause = if error.takes_person() {
                    keeper.forget(ClusterState::Failed(fault));
                    None
                } else {
                    keeper.show(ClusterState::Stale(fault));
                    Some(backoff.next())
                };
                wait_for_change(&paths, &files, &timing, pause).await;
            }
        }
    }
}

/// Returns when the files differ from `files`, and after `pause` at the latest.
async fn wait_for_change(
    paths: &[std::path::PathBuf],
    files: &Fingerprint,
    timing: &Timing,
    pause: Option<Duration>,
) {
    let changed = async {
        while Fingerprint::of(paths) == *files {
            tokio::time::sleep(timing.file_poll).await;
        }
    };
    match pause {
        None => changed.await,
        Some(pause) => drop(timeout(pause, changed).await),
    }
}

/// The view and what was published of it.
struct Keeper {
    view: View,
    shown: ClusterStatus,
    status: watch::Sender<Arc<ClusterStatus>>,
    timing: Timing,
}

impl Keeper {
    /// Follows one cluster, first in all namespaces, then, if that is not allowed, in the context's own.
    async fn follow(
        &mut self,
        connection: Arc<Connection>,
        paths: &[std::path::PathBuf],
        files: &Fingerprint,
    ) {
        let server = printable(&connection.server);
        if self
            .shown
            .server
            .as_ref()
            .is_some_and(|known| *known != server)
        {
            // Another cluster: what is known is of the old one.
            self.forget(ClusterState::Loading);
        }
        self.shown.context = Some(printable(&connection.context));
        self.shown.server = Some(server);
        if matches!(self.shown.state, ClusterState::Failed(_)) {
            self.shown.state = ClusterState::Loading;
        }
        self.publish();
        let mut scope = Scope::All;
        loop {
            let mut session = Session::start(connection.clone(), scope, self.timing);
            match session.run(self, paths, files).await {
                Ended::FilesChanged => return,
                Ended::Narrow => scope = Scope::Namespace(connection.namespace.clone()),
            }
        }
    }

    /// Drops the view.
    fn forget(&mut self, state: ClusterState) {
        self.view = View::default();
        self.shown = ClusterStatus {
            source: self.shown.source.clone(),
            state,
            ..ClusterStatus::default()
        };
        self.publish();
    }

    fn show(&mut self, state: ClusterState) {
        if self.shown.state != state {
            self.shown.state = state;
            self.publish();
        }
    }

    fn publish(&self) {
        self.status.send_if_modified(|status| {
            let differs = **status != self.shown;
            if differs {
                *status = Arc::new(self.shown.clone());
            }
            differs
        });
    }
}

/// The feeds of one scope.
struct Session {
    connection: Arc<Connection>,
    scope: Scope,
    services: FeedState,
    slices: FeedState,
    pods: FeedState,
    reports: mpsc::Receiver<Message>,
    /// Ends the feeds when the session ends.
    _tasks: JoinSet<()>,
}

impl Session {
    fn start(connection: Arc<Connection>, scope: Scope, timing: Timing) -> Self {
        let (sender, reports) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        let what = |resource: Resource| (resource, scope.clone());
        let feed = Feed::<Service, _>::new(
            connection.clone(),
            what(SERVICES),
            timing,
            sender.clone(),
            Message::Services,
        );
        tasks.spawn(feed.run());
        let feed = Feed::<EndpointSlice, _>::new(
            connection.clone(),
            what(ENDPOINT_SLICES),
            timing,
            sender.clone(),
            Message::Slices,
        );
        tasks.spawn(feed.run());
        let feed = Feed::<Pod, _>::new(
            connection.clone(),
            what(PODS),
            timing,
            sender,
            Message::Pods,
        );
        tasks.spawn(feed.run());
        tasks.spawn(pulse(connection.clone(), timing));
        Self {
            connection,
            scope,
            services: FeedState::Starting,
            slices: FeedState::Starting,
            pods: FeedState::Starting,
            reports,
            _tasks: tasks,
        }
    }

    /// Takes in reports and publishes: at once when it is quiet, and once in a while under a stream of changes.
    async fn run(
        &mut self,
        keeper: &mut Keeper,
        paths: &[std::path::PathBuf],
        files: &Fingerprint,
    ) -> Ended {
        let timing = keeper.timing;
        let mut not_before = Instant::now();
        let mut pending = false;
        let mut look = interval_at(Instant::now() + timing.file_poll, timing.file_poll);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
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
        let place = Place {
            context: &self.connection.context,
            server: &self.connection.server,
        };
        let broken = |error: &FeedError, resource| {
            let fault = fault::of_feed(error, resource, &self.scope, place);
            if error.is_denial() {
                FeedState::Denied(fault)
            } else {
                FeedState::Broken(fault)
            }
        };
        match message {
            Message::Services(Report::Update(update)) => keeper.view.update_services(update),
            Message::Slices(Report::Update(update)) => keeper.view.update_slices(update),
            Message::Pods(Report::Update(update)) => keeper.view.update_pods(update),
            Message::Services(Report::Standing) => self.services = FeedState::Standing,
            Message::Slices(Report::Standing) => self.slices = FeedState::Standing,
            Message::Pods(Report::Standing) => self.pods = FeedState::Standing,
            Message::Services(Report::Broken(error)) => {
                let is_forbidden = error.status().is_some_and(|status| status.code == 403);
                if is_forbidden && self.scope == Scope::All {
                    return true;
                }
                self.services = broken(&error, SERVICES);
            }
            Message::Slices(Report::Broken(error)) => self.slices = broken(&error, ENDPOINT_SLICES),
            Message::Pods(Report::Broken(error)) => self.pods = broken(&error, PODS),
        }
        false
    }

    /// Publishes the view as it is now. Until every feed has told something once, it would be half a view.
    fn show(&self, keeper: &mut Keeper) {
        let Some(state) = self.state(&keeper.shown.state) else {
            return;
        };
        keeper.shown.state = state;
        keeper.shown.limited_to = match &self.scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace.clone()),
        };
        keeper.shown.gaps = self.gaps();
        if keeper.view.refresh() {
            keeper.shown.services = keeper.view.services();
        }
        keeper.publish();
    }

    /// How current the view is; none while that cannot be told.
    fn state(&self, before: &ClusterState) -> Option<ClusterState> {
        if let FeedState::Denied(fault) = &self.services {
            return Some(ClusterState::Stale(fault.clone()));
        }
        let feeds = [&self.services, &self.slices, &self.pods];
        let broken = feeds.iter().find_map(|feed| match feed {
            FeedState::Broken(fault) => Some(fault.clone()),
            _ => None,
        });
        let starting = feeds.iter().any(|feed| matches!(feed, FeedState::Starting));
        match broken {
            Some(fault) => Some(ClusterState::Stale(fault)),
            None if !starting => Some(ClusterState::Live),
            None if *before == ClusterState::Live => Some(ClusterState::Live),
            None => None,
        }
    }

    fn gaps(&self) -> Vec<ClusterGap> {
        [(ENDPOINT_SLICES, &self.slices), (PODS, &self.pods)]
            .into_iter()
            .filter_map(|(resource, feed)| match feed {
                FeedState::Denied(fault) => Some(ClusterGap {
                    resource: resource.name,
                    fault: fault.clone(),
                }),
                _ => None,
            })
            .collect()
    }
}

fn printable(text: &str) -> String {
    crate::model::printable(text).into_owned()
}
