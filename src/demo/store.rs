//! The demo cluster's etcd: objects with versions, and a bounded history of what changed.
//!
//! It knows nothing of HTTP. Old states are kept as persistent maps that share what did not change, so that a paged list
//! can be continued from the state it began with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

/// How many changes are remembered. A watch that resumes from before them is answered with 410.
const HISTORY_CHANGES: usize = 4096;

/// The first version, so that a small number in a request is always one of the past.
const FIRST_VERSION: u64 = 1000;

/// What names an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Plural name of the resource; the demo has no two of the same name.
    pub resource: &'static str,
    /// Empty for what lives in no namespace.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl Key {
    /// The key of `name` in `namespace`.
    pub(super) fn new(resource: &'static str, namespace: &str, name: &str) -> Self {
        Self {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// One stored object. The body has neither `kind`, `apiVersion` nor `resourceVersion`: those are put in when it is served.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// The version of its last change.
    pub version: u64,
    /// The object.
    pub body: Value,
}

/// Every object of one moment.
pub(super) type Objects = imbl::OrdMap<Key, Arc<Object>>;

/// One change of one object.
#[derive(Debug)]
pub(super) struct Change {
    /// The version it made.
    pub version: u64,
    /// Which object.
    pub key: Key,
    /// The object before, if there was one.
    pub before: Option<Arc<Object>>,
    /// The object after, if there is one.
    pub after: Option<Arc<Object>>,
    /// All objects after it.
    state: Objects,
}

/// A version that is no longer remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expired {
    /// The oldest version that still is.
    pub oldest: u64,
}

struct Inner {
    version: u64,
    objects: Objects,
    history: VecDeque<Arc<Change>>,
    oldest: u64,
    oldest_state: Objects,
}

/// The store itself: one writer at a time, many readers, and a signal for those who wait for changes.
pub(super) struct Store {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Store {
    /// An empty store.
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                version: FIRST_VERSION,
                objects: Objects::new(),
                history: VecDeque::new(),
                oldest: FIRST_VERSION,
                oldest_state: Objects::new(),
            }),
            changed: watch::Sender::new(FIRST_VERSION),
        }
    }

    /// Makes the store hold exactly `desired`: what differs is a change with a version of its own, what is equal is none.
    pub(super) fn apply(&self, desired: BTreeMap<Key, Value>) {
        let mut inner = self.lock();
        let gone: Vec<Key> = inner
            .objects
            .keys()
            .filter(|key| !desired.contains_key(*key))
            .cloned()
            .collect();
        for (key, body) in desired {
            let same = inner.objects.get(&key).is_some_and(|old| old.body == body);
            if !same {
                inner.record(key, Some(body));
            }
        }
        for key in gone {
            inner.record(key, None);
        }
        self.changed.send_replace(inner.version);
    }

    /// The current version and its objects.
    pub(super) fn now(&self) -> (u64, Objects) {
        let inner = self.lock();
        (inner.version, inner.objects.clone())
    }

    /// The objects as they were at `version`, which may not be of the future.
    pub(super) fn at(&self, version: u64) -> Result<Objects, Expired> {
        let inner = self.lock();
        if version < inner.oldest {
            return Err(Expired {
                oldest: inner.oldest,
            });
        }
        let later = inner
            .history
            .partition_point(|change| change.version <= version);
        Ok(match later.checked_sub(1) {
            Some(index) => inner.history[index].state.clone(),
            None => inner.oldest_state.clone(),
        })
    }

    /// What changed after `version`, oldest first.
    pub(super) fn since(&self, version: u64) -> Result<Vec<Arc<Change>>, Expired> {
        let inner = self.lock();
        if version < inner.oldest {
            return Err(Expired {
                oldest: inner.oldest,
            });
        }
        let first = inner
            .history
            .partition_point(|change| change.version <= version);
        Ok(inner.history.iter().skip(first).cloned().collect())
    }

    /// Tells of each new version.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Forgets the whole history. The version moves on as well, as it does in a busy cluster, so that even who is up to
    /// date now cannot resume.
    pub(super) fn expire(&self) {
        let mut inner = self.lock();
        inner.version += 1;
        inner.oldest = inner.version;
        inner.oldest_state = inner.objects.clone();
        inner.history.clear();
        self.changed.send_replace(inner.version);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn record(&mut self, key: Key, body: Option<Value>) {
        self.version += 1;
        let version = self.version;
        let after = body.map(|body| Arc::new(Object { version, body }));
        let before = match &after {
            Some(object) => self.objects.insert(key.clone(), Arc::clone(object)),
            None => self.objects.remove(&key),
        };
        self.history.push_back(Arc::new(Change {
            version,
            key,
            before,
            after,
            state: self.objects.clone(),
        }));
        while self.history.len() > HISTORY_CHANGES {
            if let Some(dropped) = self.history.pop_front() {
                self.oldest = dropped.version;
                self.oldest_state = dropped.state.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn objects(entries: &[(&str, i32)]) -> BTreeMap<Key, Value> {
        entries
            .iter()
            .map(|(name, n)| (Key::new("pods", "default", name), json!({ "n": n })))
            .collect()
    }

    #[test]
    fn only_differences_make_versions() {
        let store = Store::new();
        store.apply(objects(&[("a", 1), ("b", 1)]));
        let (version, _) = store.now();
        store.apply(objects(&[("a", 1), ("b", 1)]));
        assert_eq!(store.now().0, version);
        store.apply(objects(&[("a", 2), ("c", 1)]));
        let changes = store.since(version).unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|c| (c.key.name.as_str(), c.before.is_some(), c.after.is_some()))
            .collect();
        assert_eq!(
            told,
            [("a", true, true), ("c", false, true), ("b", true, false)]
        );
    }

    #[test]
    fn the_past_can_be_read_until_it_expires() {
        let store = Store::new();
        store.apply(objects(&[("a", 1)]));
        let (then, _) = store.now();
        store.apply(objects(&[("a", 2)]));
        let key = Key::new("pods", "default", "a");
        assert_eq!(store.at(then).unwrap()[&key].body, json!({"n": 1}));
        assert!(store.at(FIRST_VERSION).unwrap().is_empty());
        store.expire();
        let (now, _) = store.now();
        assert_eq!(store.at(then), Err(Expired { oldest: now }));
        assert!(store.since(now - 1).is_err());
        assert!(store.since(now).unwrap().is_empty());
    }

    #[test]
    fn the_history_is_bounded() {
        let store = Store::new();
        for n in 0..5000 {
            store.apply(objects(&[("a", n)]));
        }
        assert!(store.at(FIRST_VERSION + 1).is_err());
        let (now, _) = store.now();
        assert_eq!(store.since(now - 4000).unwrap().len(), 4000);
    }
}
