//! Kinds of objects and where they are looked for.

use std::borrow::Cow;

use crate::model::Namespace;

/// Everything that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Services,
    Slices,
    Pods,
    Nodes,
    Namespaces,
    Events,
    Pools,
    L2Advertisements,
    BgpAdvertisements,
    BgpPeers,
    L2Statuses,
    BgpStatuses,
    Configurations,
    BgpSessions,
}

/// The group of MetalLB's own kinds.
pub(super) const METALLB: &str = "metallb.io";
/// The group of the BGP sessions, where MetalLB leaves BGP to frr-k8s.
pub(super) const FRR_K8S: &str = "frrk8s.metallb.io";

impl Kind {
    /// All of them, in the order in which gaps are told.
    pub(super) const ALL: [Self; 14] = [
        Self::Services,
        Self::Slices,
        Self::Pods,
        Self::Nodes,
        Self::Namespaces,
        Self::Events,
        Self::Pools,
        Self::L2Advertisements,
        Self::BgpAdvertisements,
        Self::BgpPeers,
        Self::L2Statuses,
        Self::BgpStatuses,
        Self::Configurations,
        Self::BgpSessions,
    ];

    /// The resource, at the version that is usual; custom resources are asked for at the version that is served.
    pub(super) fn resource(self) -> Resource {
        match self {
            Self::Services => Resource::core("services", "services", true),
            Self::Slices => Resource {
                group: "discovery.k8s.io",
                version: Cow::Borrowed("v1"),
                plural: "endpointslices",
                name: "endpointslices.discovery.k8s.io",
                namespaced: true,
                fields: None,
            },
            Self::Pods => Resource::core("pods", "pods", true),
            Self::Nodes => Resource::core("nodes", "nodes", false),
            Self::Namespaces => Resource::core("namespaces", "namespaces", false),
            Self::Events => Resource {
                fields: Some("involvedObject.kind=Service"),
                ..Resource::core("events", "events", true)
            },
            Self::Pools => Resource::metallb("ipaddresspools", "ipaddresspools.metallb.io"),
            Self::L2Advertisements => {
                Resource::metallb("l2advertisements", "l2advertisements.metallb.io")
            }
            Self::BgpAdvertisements => {
                Resource::metallb("bgpadvertisements", "bgpadvertisements.metallb.io")
            }
            Self::BgpPeers => Resource::metallb("bgppeers", "bgppeers.metallb.io"),
            Self::L2Statuses => {
                Resource::metallb("servicel2statuses", "servicel2statuses.metallb.io")
            }
            Self::BgpStatuses => {
                Resource::metallb("servicebgpstatuses", "servicebgpstatuses.metallb.io")
            }
            Self::Configurations => {
                Resource::metallb("configurationstates", "configurationstates.metallb.io")
            }
            Self::BgpSessions => Resource {
                group: FRR_K8S,
                ..Resource::metallb("bgpsessionstates", "bgpsessionstates.frrk8s.metallb.io")
            },
        }
    }

    /// Without these there is no list worth showing.
    pub(super) const fn is_core(self) -> bool {
        matches!(self, Self::Services | Self::Slices | Self::Pods)
    }

    /// Whether discovery says if it is there.
    pub(super) fn is_custom(self) -> bool {
        matches!(self.resource().group, METALLB | FRR_K8S)
    }

    /// Where it is looked for by a person who looks at `scope`. MetalLB's namespace is not theirs.
    pub(super) fn scope(self, scope: &Scope) -> Scope {
        if self.resource().namespaced && !self.is_custom() {
            scope.clone()
        } else {
            Scope::All
        }
    }
}

/// A kind of object, by the path under which the API serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// The API group; empty for the core's.
    pub(super) group: &'static str,
    pub(super) version: Cow<'static, str>,
    pub(super) plural: &'static str,
    /// As kubectl names it: `plural` or `plural.group`.
    pub(super) name: &'static str,
    /// Whether its objects are in namespaces.
    pub(super) namespaced: bool,
    /// The field selector that it is narrowed by.
    pub(super) fields: Option<&'static str>,
}

/// Where objects are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Namespace(Namespace),
}

impl Resource {
    const fn core(plural: &'static str, name: &'static str, namespaced: bool) -> Self {
        Self {
            group: "",
            version: Cow::Borrowed("v1"),
            plural,
            name,
            namespaced,
            fields: None,
        }
    }

    const fn metallb(plural: &'static str, name: &'static str) -> Self {
        Self {
            group: METALLB,
            version: Cow::Borrowed("v1beta1"),
            plural,
            name,
            namespaced: true,
            fields: None,
        }
    }

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
