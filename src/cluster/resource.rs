//! Kinds of objects and where they are looked for.

use crate::model::Namespace;

/// A kind of object, by the path under which the API serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// The API group; empty for the core's.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    /// As kubectl names it: `plural` or `plural.group`.
    pub(super) name: &'static str,
}

pub(super) const SERVICES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "services",
    name: "services",
};
pub(super) const ENDPOINT_SLICES: Resource = Resource {
    group: "discovery.k8s.io",
    version: "v1",
    plural: "endpointslices",
    name: "endpointslices.discovery.k8s.io",
};
pub(super) const PODS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "pods",
    name: "pods",
};

/// Where objects are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Namespace(Namespace),
}

impl Resource {
    pub(super) fn path(&self, scope: &Scope) -> String {
        let Self {
            group,
            version,
            plural,
            ..
        } = self;
        let root = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        match scope {
            Scope::All => format!("{root}/{plural}"),
            Scope::Namespace(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        }
    }
}
