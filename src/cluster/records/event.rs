//! `v1` Event about a Service, chiefly by MetalLB.

use serde::Deserialize;

use crate::model::ServiceEvent;

use super::{Identity, Interner, Metadata, Object, ObjectKey, null_as_default, shown};

/// What of an event's text is kept.
const MESSAGE_CHARS: usize = 500;

/// `v1` Event.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cluster) struct Event {
    metadata: Metadata,
    #[serde(default)]
    involved_object: InvolvedObject,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type", deserialize_with = "null_as_default")]
    kind: String,
    #[serde(default, deserialize_with = "null_as_default")]
    last_timestamp: String,
    #[serde(default, deserialize_with = "null_as_default")]
    #[serde(rename = "eventTime")]
    seen_at: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InvolvedObject {
    kind: String,
    namespace: String,
    name: String,
}

/// What is kept of an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct KeptEvent {
    /// The Service that it is about.
    pub(in crate::cluster) service: ObjectKey,
    pub(in crate::cluster) event: ServiceEvent,
}

impl Object for Event {
    type Kept = KeptEvent;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<KeptEvent> {
        let about = self.involved_object;
        if about.kind != "Service" {
            return None;
        }
        let at = if self.last_timestamp.is_empty() {
            self.seen_at
        } else {
            self.last_timestamp
        };
        Some(KeptEvent {
            service: ObjectKey::new(&about.namespace, &about.name),
            event: ServiceEvent {
                reason: shown(self.reason),
                message: shown(self.message.chars().take(MESSAGE_CHARS).collect()),
                at: shown(at),
                is_warning: self.kind == "Warning",
            },
        })
    }
}
