//! WATCH: a stream of changes, one JSON object a line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Api;
use super::present;
use super::request::{Options, Shape};
use super::selector::Filter;
use super::status::{self, Failure};
use crate::demo::resources::Resource;
use crate::demo::store::{Change, Key, Object};

/// How long a watch goes on that does not say so itself: half an hour, as the least of a real server.
const DEFAULT_SECONDS: u64 = 1800;

/// A running watch.
pub(super) struct Watch {
    api: Arc<Api>,
    resource: &'static Resource,
    shape: Shape,
    filter: Filter,
    bookmarks: bool,
    /// The version up to which everything was told.
    seen: u64,
    ready: VecDeque<Bytes>,
    versions: watch::Receiver<u64>,
    next_bookmark: Instant,
    deadline: Instant,
    over: bool,
}

impl Watch {
    /// Starts a watch.
    pub(super) fn new(
        api: Arc<Api>,
        resource: &'static Resource,
        filter: Filter,
        options: &Options,
        shape: Shape,
    ) -> Result<Self, Failure> {
        if options.initial_events && options.version_match != "NotOlderThan" {
            return Err(status::invalid_options(
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires \
                 setting resourceVersionMatch to NotOlderThan",
            ));
        }
        // Subscribing comes before reading, so that no change falls between the two.
        let versions = api.store.subscribe();
        let (now, objects) = api.store.now();
        let asked = options.version.unwrap_or(0);
        let from_now = options.initial_events || asked == 0;
        if options.initial_events && asked > now {
            return Err(status::future_version(asked, now));
        }
        let asked_seconds = options.timeout_seconds.filter(|seconds| *seconds > 0);
        let seconds = asked_seconds.unwrap_or(DEFAULT_SECONDS);
        let mut watch = Self {
            next_bookmark: Instant::now() + api.bookmark_every,
            deadline: Instant::now() + Duration::from_secs(seconds),
            seen: if from_now { now } else { asked },
            api,
            resource,
            shape,
            filter,
            bookmarks: options.bookmarks,
            ready: VecDeque::new(),
            versions,
            over: false,
        };
        if from_now {
            for (key, object) in &objects {
                if watch.filter.matches(key, object) {
                    watch.tell("ADDED", object, object.version);
                }
            }
            if options.initial_events && options.bookmarks {
                watch.bookmark(true);
            }
        } else {
            watch.catch_up();
        }
        Ok(watch)
    }

    /// The next line; none when the watch is over.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            tokio::select! {
                changed = self.versions.changed() => match changed {
                    Ok(()) => self.catch_up(),
                    Err(_) => self.over = true,
                },
                () = sleep_until(self.next_bookmark), if self.bookmarks => self.bookmark(false),
                () = sleep_until(self.deadline) => self.over = true,
            }
        }
    }

    fn catch_up(&mut self) {
        self.versions.mark_unchanged();
        match self.api.store.since(self.seen) {
            Ok(changes) => {
                for change in changes {
                    self.seen = change.version;
                    self.tell_change(&change);
                }
            }
            Err(expired) => {
                let failure = status::expired_watch(self.resource, self.seen, expired.oldest);
                self.line("ERROR", &failure.into_status());
                self.over = true;
            }
        }
    }

    /// What a change means to this watch: an object that no longer matches is gone for it.
    fn tell_change(&mut self, change: &Change) {
        let Change { key, version, .. } = change;
        let was = matching(&self.filter, key, change.before.as_ref());
        let is = matching(&self.filter, key, change.after.as_ref());
        match (was, is) {
            (None, Some(object)) => self.tell("ADDED", object, *version),
            (Some(_), Some(object)) => self.tell("MODIFIED", object, *version),
            (Some(object), None) => self.tell("DELETED", object, *version),
            (None, None) => {}
        }
    }

    fn tell(&mut self, kind: &str, object: &Object, version: u64) {
        let shown = present::single(self.resource, self.shape, object, version);
        self.line(kind, &shown);
    }

    fn bookmark(&mut self, initial_end: bool) {
        self.next_bookmark = Instant::now() + self.api.bookmark_every;
        // Everything up to the store's version was told, so that the mark may say so even if nothing of it was ours.
        let shown = present::bookmark(self.resource, self.shape, self.seen, initial_end);
        self.line("BOOKMARK", &shown);
    }

    fn line(&mut self, kind: &str, object: &Value) {
        let line = json!({"type": kind, "object": object});
        self.ready.push_back(Bytes::from(format!("{line}\n")));
    }
}

fn matching<'a>(filter: &Filter, key: &Key, object: Option<&'a Arc<Object>>) -> Option<&'a Object> {
    object
        .map(Arc::as_ref)
        .filter(|object| filter.matches(key, object))
}
