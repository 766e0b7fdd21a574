//! Which kinds of objects the demo API serves, and under which names.

/// One served resource: a row of the API's discovery documents.
#[derive(Debug)]
pub(super) struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version within the group.
    pub version: &'static str,
    /// Plural name, as in paths.
    pub plural: &'static str,
    /// Singular name.
    pub singular: &'static str,
    /// `kind` of its objects.
    pub kind: &'static str,
    /// Names that kubectl accepts for it.
    pub short: &'static [&'static str],
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether a `CustomResourceDefinition` stands behind it: lists and bookmarks look a little different then.
    pub custom: bool,
    /// What a bookmark of it has beside its metadata, as JSON: Go's zero value of the type.
    pub blank: &'static str,
}

const CORE: Resource = Resource {
    group: "",
    version: "v1",
    plural: "",
    singular: "",
    kind: "",
    short: &[],
    namespaced: true,
    custom: false,
    blank: r#"{"spec":{},"status":{}}"#,
};

const METALLB: Resource = Resource {
    group: "metallb.io",
    version: "v1beta1",
    custom: true,
    blank: "{}",
    ..CORE
};

const BLANK_NODE: &str = r#"{"spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":0}},"nodeInfo":{
"machineID":"","systemUUID":"","bootID":"","kernelVersion":"","osImage":"","containerRuntimeVersion":"",
"kubeletVersion":"","kubeProxyVersion":"","operatingSystem":"","architecture":""}}}"#;

const BLANK_EVENT: &str = r#"{"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":null,
"eventTime":null,"reportingComponent":"","reportingInstance":""}"#;

/// Every served resource.
pub(super) static RESOURCES: &[Resource] = &[
    Resource {
        plural: "namespaces",
        singular: "namespace",
        kind: "Namespace",
        short: &["ns"],
        namespaced: false,
        ..CORE
    },
    Resource {
        plural: "nodes",
        singular: "node",
        kind: "Node",
        short: &["no"],
        namespaced: false,
        blank: BLANK_NODE,
        ..CORE
    },
    Resource {
        plural: "pods",
        singular: "pod",
        kind: "Pod",
        short: &["po"],
        blank: r#"{"spec":{"containers":null},"status":{}}"#,
        ..CORE
    },
    Resource {
        plural: "services",
        singular: "service",
        kind: "Service",
        short: &["svc"],
        blank: r#"{"spec":{},"status":{"loadBalancer":{}}}"#,
        ..CORE
    },
    Resource {
        plural: "events",
        singular: "event",
        kind: "Event",
        short: &["ev"],
        blank: BLANK_EVENT,
        ..CORE
    },
    Resource {
        group: "discovery.k8s.io",
        plural: "endpointslices",
        singular: "endpointslice",
        kind: "EndpointSlice",
        blank: r#"{"addressType":"","endpoints":null,"ports":null}"#,
        ..CORE
    },
    Resource {
        group: "networking.k8s.io",
        plural: "ingresses",
        singular: "ingress",
        kind: "Ingress",
        short: &["ing"],
        blank: r#"{"spec":{},"status":{"loadBalancer":{}}}"#,
        ..CORE
    },
    // The newest version of a group comes first: discovery prefers it.
    Resource {
        version: "v1beta2",
        plural: "bgppeers",
        singular: "bgppeer",
        kind: "BGPPeer",
        ..METALLB
    },
    Resource {
        plural: "bgppeers",
        singular: "bgppeer",
        kind: "BGPPeer",
        ..METALLB
    },
    Resource {
        plural: "bfdprofiles",
        singular: "bfdprofile",
        kind: "BFDProfile",
        ..METALLB
    },
    Resource {
        plural: "bgpadvertisements",
        singular: "bgpadvertisement",
        kind: "BGPAdvertisement",
        ..METALLB
    },
    Resource {
        plural: "communities",
        singular: "community",
        kind: "Community",
        ..METALLB
    },
    Resource {
        plural: "configurationstates",
        singular: "configurationstate",
        kind: "ConfigurationState",
        ..METALLB
    },
    Resource {
        plural: "ipaddresspools",
        singular: "ipaddresspool",
        kind: "IPAddressPool",
        ..METALLB
    },
    Resource {
        plural: "l2advertisements",
        singular: "l2advertisement",
        kind: "L2Advertisement",
        ..METALLB
    },
    Resource {
        plural: "servicebgpstatuses",
        singular: "servicebgpstatus",
        kind: "ServiceBGPStatus",
        ..METALLB
    },
    Resource {
        plural: "servicel2statuses",
        singular: "servicel2status",
        kind: "ServiceL2Status",
        ..METALLB
    },
];

impl Resource {
    /// `v1` or `GROUP/VERSION`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `PLURAL` or `PLURAL.GROUP`, as messages of the API name it.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The row that serves `plural` of `group` in `version`.
    pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|resource| {
            resource.group == group && resource.version == version && resource.plural == plural
        })
    }
}
