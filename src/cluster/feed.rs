//! One resource, listed and then watched, for as long as the feed lives.
//!
//! This does the work of `kube::runtime::watcher` over kube's client, for three reasons: that one gives no sign when a
//! watch stands again after an outage (a quiet cluster would look stale for ever), asks again without a pause when a server
//! ends its watches at once, and reads whole objects where a few fields are used.

use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use kube::api::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::connection::{ConnectError, Connection, Lease};
use super::feed_error::{FeedError, Remedy};
use super::records::{Interner, Object, Page};
use super::resource::{Resource, Scope};
use super::timing::{Backoff, Timing, about};
use super::view::Update;

/// As client-go's: keeps a page's text small and a list's number of requests sensible.
const PAGE_ITEMS: u32 = 500;
/// The server ends a watch after about this long; it is then resumed where it stopped.
const WATCH_SECS: std::ops::RangeInclusive<u32> = 240..=300;
/// How much later than agreed the end of a watch may come before the connection is taken for dead.
const WATCH_GRACE: Duration = Duration::from_secs(20);
/// A watch that ends sooner than this is resumed after a pause, lest a server that ends them at once be asked without end.
const WATCH_WORTH: Duration = Duration::from_secs(5);

/// What a feed tells.
#[derive(Debug)]
pub(super) enum Report<K> {
    /// Something was seen.
    Update(Update<K>),
    /// The watch stands: what was seen is current.
    Standing,
    /// It does not, and is tried again.
    Broken(FeedError),
}

/// A resource's feed; `M` is what its reports are wrapped in for whoever listens.
pub(super) struct Feed<T: Object, M> {
    pub(super) connection: Arc<Connection>,
    pub(super) resource: Resource,
    pub(super) scope: Scope,
    pub(super) timing: Timing,
    pub(super) reports: mpsc::Sender<M>,
    pub(super) wrap: fn(Report<T::Kept>) -> M,
    names: Interner,
    /// The version up to which everything was seen; none before the first list and when that version is gone.
    position: Option<String>,
    kind: PhantomData<fn() -> T>,
}

/// How a watch came to its end without an error.
struct Finished {
    /// For how long it stood.
    stood: Duration,
    /// Whether it told anything.
    seen: bool,
}

/// Nobody listens any more.
struct Unheard;

/// What ends a try.
enum Stop {
    Unheard,
    Failed(FeedError),
}

impl From<Unheard> for Stop {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        Self::Failed(error)
    }
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error.into())
    }
}

impl<T: Object, M: Send> Feed<T, M> {
    pub(super) fn new(
        connection: Arc<Connection>,
        (resource, scope): (Resource, Scope),
        timing: Timing,
        reports: mpsc::Sender<M>,
        wrap: fn(Report<T::Kept>) -> M,
    ) -> Self {
        Self {
            connection,
            resource,
            scope,
            timing,
            reports,
            wrap,
            names: Interner::default(),
            position: None,
            kind: PhantomData,
        }
    }

    /// Lists and watches until nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(&self.timing);
        loop {
            let pause = match self.attempt().await {
                Err(Stop::Unheard) => return,
                Ok(Finished { stood, seen }) => {
                    let stood_long = stood >= WATCH_WORTH;
                    if seen || stood_long {
                        backoff.reset();
                    }
                    if stood_long {
                        continue;
                    }
                    backoff.next()
                }
                Err(Stop::Failed(error)) => {
                    let remedy = error.remedy();
                    tracing::debug!(resource = self.resource.name, ?remedy, %error, "a feed broke");
                    if remedy == Remedy::ListAnew {
                        self.position = None;
                    } else if self.tell(Report::Broken(error)).await.is_err() {
                        return;
                    }
                    self.pause(remedy, &mut backoff)
                }
            };
            sleep(pause).await;
        }
    }

    fn pause(&mut self, remedy: Remedy, backoff: &mut Backoff) -> Duration {
        match remedy {
            Remedy::Denied => {
                // What may be listed but not watched is at least listed again now and then.
                self.position = None;
                about(self.timing.denied_retry)
            }
            Remedy::Retry { after } => backoff.next().max(after.unwrap_or_default()),
            Remedy::Credentials | Remedy::ListAnew => backoff.next(),
        }
    }

    /// One try, with one more if the credentials were refused; given up if the connection is taken for dead meanwhile.
    async fn attempt(&mut self) -> Result<Finished, Stop> {
        let connection = self.connection.clone();
        let mut resets = connection.resets();
        let after = self.timing.pulse_limit;
        tokio::select! {
            ended = self.attempt_with_credentials(&connection) => ended,
            _ = resets.changed() => Err(FeedError::TimedOut { after }.into()),
        }
    }

    async fn attempt_with_credentials(
        &mut self,
        connection: &Connection,
    ) -> Result<Finished, Stop> {
        let lease = connection.lease().await?;
        match self.list_and_watch(&lease).await {
            Err(Stop::Failed(error)) if error.remedy() == Remedy::Credentials => {
                let lease = connection.renew(&lease).await?;
                self.list_and_watch(&lease).await
            }
            ended => ended,
        }
    }

    async fn list_and_watch(&mut self, lease: &Lease) -> Result<Finished, Stop> {
        let position = match self.position.take() {
            Some(position) => position,
            None => self.list(&lease.client).await?,
        };
        self.position = Some(position.clone());
        self.watch(&lease.client, &position).await
    }

    /// Lists everything, hands it over in one piece, and returns the version it is of.
    async fn list(&mut self, client: &kube::Client) -> Result<String, Stop> {
        let request = Request::new(self.resource.path(&self.scope));
        let mut all = Vec::new();
        let mut params = ListParams::default().limit(PAGE_ITEMS);
        loop {
            let request = request
                .list(&params)
                .map_err(kube::Error::BuildRequest)
                .map_err(list_failed)?;
            let after = self.timing.list_limit;
            let page: Page<T> = timeout(after, client.request(request))
                .await
                .map_err(|_elapsed| FeedError::TimedOut { after })?
                .map_err(list_failed)?;
            for object in page.items {
                let key = object.key();
                if let Some(kept) = object.keep(&mut self.names) {
                    all.push((key, kept));
                }
            }
            if page.metadata.next.is_empty() {
                let version = page.metadata.resource_version;
                if version.is_empty() {
                    return Err(FeedError::NoVersion.into());
                }
                self.tell(Report::Update(Update::Replaced(all))).await?;
                return Ok(version);
            }
            params = params.continue_token(&page.metadata.next);
        }
    }

    /// Watches from `position` on until the watch ends.
    async fn watch(&mut self, client: &kube::Client, position: &str) -> Result<Finished, Stop> {
        let seconds = fastrand::u32(WATCH_SECS);
        let params = WatchParams::default().timeout(seconds);
        let failed = |error| FeedError::Watch(Box::new(error));
        let request = Request::new(self.resource.path(&self.scope))
            .watch(&params, position)
            .map_err(kube::Error::BuildRequest)
            .map_err(failed)?;
        let after = self.timing.watch_limit;
        let events = timeout(after, client.request_events::<T>(request))
            .await
            .map_err(|_elapsed| FeedError::TimedOut { after })?
            .map_err(failed)?;
        let mut events = pin!(events);
        self.tell(Report::Standing).await?;
        let started = Instant::now();
        let deadline = started + Duration::from_secs(seconds.into()) + WATCH_GRACE;
        let mut seen = false;
        // Passing the deadline is an end like any other: the next request shows whether the server is there.
        while let Ok(event) = tokio::time::timeout_at(deadline, events.try_next()).await {
            let Some(event) = event.map_err(|error| FeedError::Stream(Box::new(error)))? else {
                break;
            };
            self.take(event).await?;
            seen = true;
        }
        let stood = started.elapsed();
        Ok(Finished { stood, seen })
    }

    /// Takes in one event and moves the position past it.
    async fn take(&mut self, event: WatchEvent<T>) -> Result<(), Stop> {
        let object = match event {
            WatchEvent::Bookmark(bookmark) => {
                self.position = Some(bookmark.metadata.resource_version);
                return Ok(());
            }
            WatchEvent::Error(status) => return Err(FeedError::Ended(status).into()),
            WatchEvent::Deleted(object) => {
                self.position = Some(object.identity().version.to_owned());
                let update = Update::Deleted(object.key());
                return Ok(self.tell(Report::Update(update)).await?);
            }
            WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
        };
        self.position = Some(object.identity().version.to_owned());
        let key = object.key();
        let update = match object.keep(&mut self.names) {
            Some(kept) => Update::Applied(key, kept),
            None => Update::Deleted(key),
        };
        Ok(self.tell(Report::Update(update)).await?)
    }

    async fn tell(&self, report: Report<T::Kept>) -> Result<(), Unheard> {
        self.reports
            .send((self.wrap)(report))
            .await
            .map_err(|_closed| Unheard)
    }
}

fn list_failed(error: kube::Error) -> FeedError {
    FeedError::List(Box::new(error))
}

/// Asks the server for a sign of life now and then, and gives up its connections when there is none: a server that went
/// away without a word would leave the watches waiting for events that never come.
pub(super) async fn pulse(connection: Arc<Connection>, timing: Timing) {
    loop {
        sleep(about(timing.pulse_every)).await;
        // Without a client there is nothing to listen to, and the feeds tell why.
        let Ok(lease) = connection.lease().await else {
            continue;
        };
        let Ok(request) = http::Request::get("/version").body(kube::client::Body::empty()) else {
            return;
        };
        // Any answer will do, one that says no included.
        if !matches!(
            timeout(timing.pulse_limit, lease.client.send(request)).await,
            Ok(Ok(_))
        ) {
            tracing::debug!("the API server gives no sign of life");
            connection.reset().await;
        }
    }
}
