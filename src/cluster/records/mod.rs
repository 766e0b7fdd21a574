//! What is read of each object, and what is kept of it.
//!
//! The serde types name only the fields that are used, so that the rest (`managedFields`, volumes, probes) is skipped while
//! the text is parsed and never held. A `Kept` record is smaller still: it is what the view stores for as long as the
//! object lives. Its texts can be shown as they are ([`printable`]).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::model::{Namespace, ServiceKey, printable};

mod event;
mod metallb;
mod node;
mod pod;
mod service;
mod slice;

pub(super) use event::{Event, KeptEvent};
pub(super) use metallb::{
    AdvertisementObject, ConfigurationObject, KeptStatus, Peer, Pool, ServiceStatus, Session,
};
pub(super) use node::{NamespaceObject, Node};
pub(super) use pod::{KeptPod, Pod, Role};
pub(super) use service::{KeptService, Service};
pub(super) use slice::{EndpointSlice, KeptSlice};

/// Namespace and name of any object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectKey {
    pub(super) namespace: Namespace,
    pub(super) name: Arc<str>,
}

impl ObjectKey {
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: Namespace::new(&printable(namespace)),
            name: printable(name).into(),
        }
    }

    /// The key of a Service.
    pub(super) fn of(service: &ServiceKey) -> Self {
        Self {
            namespace: service.namespace.clone(),
            name: service.name.clone(),
        }
    }

    /// The same, as the key of a Service.
    pub(super) fn service(&self) -> ServiceKey {
        ServiceKey {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// Strings that many objects share (namespaces, nodes, port names), held once.
#[derive(Debug, Default)]
pub(super) struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// At this many different strings the shared ones are forgotten, so that names of things long gone do not pile up.
    const CAPACITY: usize = 4096;

    fn share(&mut self, text: &str) -> Arc<str> {
        let text = &*printable(text);
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        if self.0.len() >= Self::CAPACITY {
            self.0.clear();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(shared.clone());
        shared
    }
}

/// A text that is kept, made safe to show. Kubernetes lets nobody name a thing so that it has to be, but events have any words, and a
/// server that lies has any names.
fn shown(text: String) -> String {
    match printable(&text) {
        Cow::Owned(safe) => safe,
        Cow::Borrowed(_) => text,
    }
}

/// The same for many.
fn all_shown(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(shown).collect()
}

/// An object as it comes from the API.
pub(super) trait Object: DeserializeOwned + Clone + Send + 'static {
    /// What is kept of it.
    type Kept: Clone + PartialEq + Send + 'static;

    /// Its name, namespace and version.
    fn identity(&self) -> Identity<'_>;

    /// What is kept of it; none if it is of no interest (and so as good as deleted).
    fn keep(self, names: &mut Interner) -> Option<Self::Kept>;

    /// Namespace and name.
    fn key(&self) -> ObjectKey {
        let identity = self.identity();
        ObjectKey::new(identity.namespace, identity.name)
    }
}

/// What tells an object from others, and its states from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

/// `metadata`, with those annotations and labels that a kind has a use for. (No `flatten` in here: with it serde would
/// hold everything that is not named, `managedFields` first of all.)
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata<A = IgnoredAny, L = IgnoredAny>
where
    A: Default,
    L: Default,
{
    name: String,
    namespace: String,
    uid: String,
    resource_version: String,
    deletion_timestamp: Option<String>,
    annotations: A,
    labels: L,
}

impl<A: Default, L: Default> Metadata<A, L> {
    fn identity(&self) -> Identity<'_> {
        Identity {
            namespace: &self.namespace,
            name: &self.name,
            version: &self.resource_version,
        }
    }
}

/// A page of a list. kube's own `ObjectList` flattens its type fields, which makes serde hold every item twice.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub(super) struct Page<T> {
    #[serde(default)]
    pub(super) metadata: PageMetadata,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) items: Vec<T>,
}

/// The part of a list's `metadata` that is used.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageMetadata {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) next: String,
}

/// Go writes an empty list as `null` now and then.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
