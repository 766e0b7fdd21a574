//! One resource, listed and then watched, for as long as the feed lives.
//!
//! This does the work of `kube::runtime::watcher` over kube's client, for three reasons: that one gives no sign when a
//! watch stands again after an outage (a quiet cluster would look stale for ever), asks again without a pause when a server
//! ends its watches at once, and reads whole objects where a few fields are used.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::connection::{ConnectError, Connection, Lease};
use super::feed_error::{FeedError, Remedy};
use super::records::{Interner, Object, ObjectKey, Page};
use super::report::{Message, News};
use super::resource::{Kind, Resource, Scope};
use super::timing::{Backoff, Timing, about};
use super::update::{Seen, Update};
use super::wire::{self, Events, WireError};

/// As client-go's: keeps a page's text small and a list's number of requests sensible.
const PAGE_ITEMS: u32 = 500;
/// A list of more pages than this has no end.
const PAGES: usize = 4000;
/// The server ends a watch after about this long; it is then resumed where it stopped.
const WATCH_SECS: std::ops::RangeInclusive<u32> = 240..=300;
/// How much later than agreed the end of a watch may come before the connection is taken for dead.
const WATCH_GRACE: Duration = Duration::from_secs(20);
/// A watch that ends sooner than this is resumed after a pause, lest a server that ends them at once be asked without end.
const WATCH_WORTH: Duration = Duration::from_secs(5);
/// On the bookmark that ends the first events of a streaming list (KEP-3157).
const INITIAL_END: &str = "k8s.io/initial-events-end";

/// A resource's feed.
pub(super) struct Feed<T: Object> {
    connection: Arc<Connection>,
    kind: Kind,
    resource: Resource,
    scope: Scope,
    timing: Timing,
    reports: mpsc::Sender<Message>,
    wrap: fn(Update<T::Kept>) -> Seen,
    names: Interner,
    /// The version up to which everything was seen; none before the first list and when that version is gone.
    position: Option<String>,
    /// The server was away since: its store may have been restored from a backup.
    was_away: bool,
    marker: PhantomData<fn() -> T>,
}

/// Objects of a list, as they are kept.
type Kept<T> = Vec<(ObjectKey, <T as Object>::Kept)>;

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

impl<T: Object> Feed<T> {
    pub(super) fn new(
        connection: Arc<Connection>,
        (kind, resource, scope): (Kind, Resource, Scope),
        timing: Timing,
        reports: mpsc::Sender<Message>,
        wrap: fn(Update<T::Kept>) -> Seen,
    ) -> Self {
        Self {
            connection,
            kind,
            resource,
            scope,
            timing,
            reports,
            wrap,
            names: Interner::default(),
            position: None,
            was_away: false,
            marker: PhantomData,
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
                    self.was_away |= error.is_outage();
                    if remedy == Remedy::ListAnew {
                        self.position = None;
                    } else if self.tell(News::Broken(error)).await.is_err() {
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
        if self.was_away && self.is_turned_back(lease).await? {
            self.position = None;
        }
        self.was_away = false;
        if self.position.is_none() {
            if self.streams(lease).await
                && let Some(finished) = self.stream(lease).await?
            {
                return Ok(finished);
            }
            self.position = Some(self.list(lease).await?);
        }
        let position = self.position.clone().unwrap_or_default();
        let seconds = fastrand::u32(WATCH_SECS);
        let params = self.watch_params().timeout(seconds);
        let events = self.open(lease, &params, &position).await?;
        self.tell(News::Standing).await?;
        self.follow(events, seconds).await
    }

    async fn streams(&self, lease: &Lease) -> bool {
        let streaming = &self.connection.streaming;
        streaming.is_on(&lease.client, &self.timing).await
    }

    /// Whether the server's versions are behind what was seen: then what is known is of a time that is no more.
    async fn is_turned_back(&self, lease: &Lease) -> Result<bool, FeedError> {
        let Some(position) = &self.position else {
            return Ok(false);
        };
        let params = self.list_params().limit(1);
        let page: Page<T> = self.page(lease, &params).await?;
        let now = page.metadata.resource_version.parse::<u64>();
        Ok(matches!((now, position.parse::<u64>()), (Ok(now), Ok(seen)) if now < seen))
    }

    fn list_params(&self) -> ListParams {
        match self.resource.fields {
            Some(fields) => ListParams::default().fields(fields),
            None => ListParams::default(),
        }
    }

    fn watch_params(&self) -> WatchParams {
        match self.resource.fields {
            Some(fields) => WatchParams::default().fields(fields),
            None => WatchParams::default(),
        }
    }

    async fn page(&self, lease: &Lease, params: &ListParams) -> Result<Page<T>, FeedError> {
        let request = Request::new(self.resource.path(&self.scope))
            .list(params)
            .map_err(kube::Error::BuildRequest)
            .map_err(|error| FeedError::List(Box::new(error)))?;
        let after = self.timing.list_limit;
        timeout(after, wire::get(&lease.client, request))
            .await
            .map_err(|_elapsed| FeedError::TimedOut { after })?
            .map_err(|error| failed(error, FeedError::List))
    }

    /// Lists everything, hands it over in one piece, and returns the version it is of.
    async fn list(&mut self, lease: &Lease) -> Result<String, Stop> {
        let mut all = Vec::new();
        let mut params = self.list_params().limit(PAGE_ITEMS);
        for _ in 0..PAGES {
            let page = self.page(lease, &params).await?;
            for object in page.items {
                self.keep(object, &mut all);
            }
            if page.metadata.next.is_empty() {
                let version = page.metadata.resource_version;
                if version.is_empty() {
                    return Err(FeedError::NoVersion.into());
                }
                self.tell_all(all).await?;
                return Ok(version);
            }
            params = params.continue_token(&page.metadata.next);
        }
        Err(FeedError::EndlessList.into())
    }

    fn keep(&mut self, object: T, all: &mut Kept<T>) {
        let key = object.key();
        if let Some(kept) = object.keep(&mut self.names) {
            all.push((key, kept));
        }
    }

    async fn tell_all(&self, all: Kept<T>) -> Result<(), Unheard> {
        self.tell(self.seen(Update::Replaced(all))).await
    }

    /// Lists and watches in one request, where the server can; none where it turns out that it cannot.
    async fn stream(&mut self, lease: &Lease) -> Result<Option<Finished>, Stop> {
        let seconds = fastrand::u32(WATCH_SECS);
        let params = self.watch_params().timeout(seconds).initial_events();
        let mut events = match self.open(lease, &params, "").await {
            Ok(events) => events,
            Err(error) => {
                return match error.status().map(|status| status.code) {
                    // The feature is off, or unknown to whatever serves this resource.
                    Some(400 | 405 | 422) => {
                        self.connection.streaming.turn_off();
                        Ok(None)
                    }
                    // Who may not watch may still be allowed to list.
                    Some(403) => Ok(None),
                    _ => Err(error.into()),
                };
            }
        };
        let mut all = Vec::new();
        loop {
            let next = timeout(self.timing.watch_limit, events.next::<T>()).await;
            let Ok(next) = next else {
                // A server that does not know the parameter sends everything and never says that this was all.
                self.connection.streaming.turn_off();
                return Ok(None);
            };
            match next.map_err(|error| failed(error, FeedError::Stream))? {
                None => return Ok(None),
                Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    self.keep(object, &mut all);
                }
                Some(WatchEvent::Deleted(object)) => {
                    let gone = object.key();
                    all.retain(|(key, _)| *key != gone);
                }
                Some(WatchEvent::Error(status)) => return Err(FeedError::Ended(status).into()),
                Some(WatchEvent::Bookmark(bookmark)) => {
                    if bookmark.metadata.annotations.contains_key(INITIAL_END) {
                        self.position = Some(bookmark.metadata.resource_version);
                        break;
                    }
                }
            }
        }
        self.tell_all(all).await?;
        self.tell(News::Standing).await?;
        self.follow(events, seconds).await.map(Some)
    }

    async fn open(
        &self,
        lease: &Lease,
        params: &WatchParams,
        position: &str,
    ) -> Result<Events, FeedError> {
        let request = Request::new(self.resource.path(&self.scope))
            .watch(params, position)
            .map_err(kube::Error::BuildRequest)
            .map_err(|error| FeedError::Watch(Box::new(error)))?;
        let after = self.timing.watch_limit;
        timeout(after, wire::watch(&lease.client, request))
            .await
            .map_err(|_elapsed| FeedError::TimedOut { after })?
            .map_err(|error| failed(error, FeedError::Watch))
    }

    /// Takes in events until the watch, which was to last for `seconds`, ends.
    async fn follow(&mut self, mut events: Events, seconds: u32) -> Result<Finished, Stop> {
        let started = Instant::now();
        let deadline = started + Duration::from_secs(seconds.into()) + WATCH_GRACE;
        let mut seen = false;
        // Passing the deadline is an end like any other: the next request shows whether the server is there.
        while let Ok(event) = tokio::time::timeout_at(deadline, events.next()).await {
            let Some(event) = event.map_err(|error| failed(error, FeedError::Stream))? else {
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
                return Ok(self.tell(self.seen(update)).await?);
            }
            WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
        };
        self.position = Some(object.identity().version.to_owned());
        let key = object.key();
        let update = match object.keep(&mut self.names) {
            Some(kept) => Update::Applied(key, kept),
            None => Update::Deleted(key),
        };
        Ok(self.tell(self.seen(update)).await?)
    }

    fn seen(&self, update: Update<T::Kept>) -> News {
        News::Seen(Box::new((self.wrap)(update)))
    }

    async fn tell(&self, news: News) -> Result<(), Unheard> {
        self.reports
            .send(Message::News(self.kind, news))
            .await
            .map_err(|_closed| Unheard)
    }
}

fn failed(error: WireError, phase: fn(Box<kube::Error>) -> FeedError) -> FeedError {
    match error {
        WireError::Client(error) => phase(error),
        WireError::TooLong { limit_bytes } => FeedError::TooLong { limit_bytes },
    }
}
