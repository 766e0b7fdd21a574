//! In which order the list stands.

use std::net::IpAddr;

use super::rows::Row;
use super::words;
use crate::model::TunnelStatus;

/// A column that the list can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum SortBy {
    /// Namespace, then service.
    #[default]
    Namespace,
    /// Service, then namespace.
    Service,
    /// Port number.
    Port,
    /// MetalLB IP.
    MetalLb,
    /// ClusterIP.
    ClusterIp,
    /// Ready pods.
    Pods,
    /// Local address.
    Local,
    /// What has gone through: the most first.
    Traffic,
    /// State: what needs the person first.
    State,
}

impl SortBy {
    const ALL: [Self; 9] = [
        Self::Namespace,
        Self::Service,
        Self::Port,
        Self::MetalLb,
        Self::ClusterIp,
        Self::Pods,
        Self::Local,
        Self::Traffic,
        Self::State,
    ];

    /// The name in settings, the same in every release.
    const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Service => "service",
            Self::Port => "port",
            Self::MetalLb => "metallb",
            Self::ClusterIp => "cluster-ip",
            Self::Pods => "pods",
            Self::Local => "local",
            Self::Traffic => "traffic",
            Self::State => "state",
        }
    }
}

/// How the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorting {
    /// By what.
    pub(super) by: SortBy,
    /// From the end.
    pub(super) descending: bool,
}

impl Sorting {
    /// After a click on the header of `by`: that column, or its other direction.
    pub(super) fn clicked(self, by: SortBy) -> Self {
        Self {
            by,
            descending: self.by == by && !self.descending,
        }
    }

    /// As settings keep it; a name that this release does not know is no choice.
    pub(super) fn of_settings(kept: Option<&(String, bool)>) -> Self {
        let known = kept.and_then(|(name, descending)| {
            let by = SortBy::ALL.into_iter().find(|by| by.name() == name)?;
            Some(Self {
                by,
                descending: *descending,
            })
        });
        known.unwrap_or_default()
    }

    /// As settings keep it.
    pub(super) fn to_settings(self) -> Option<(String, bool)> {
        (self != Self::default()).then(|| (self.by.name().to_owned(), self.descending))
    }
}

/// Puts rows in order, given by their places in `all`. `tunnels` has the tunnel of each of `all`, where it has one.
pub(super) fn sort(
    all: &[Row],
    found: &mut [usize],
    tunnels: &[Option<&TunnelStatus>],
    sorting: Sorting,
) {
    // What has to be looked for is looked for once for each row, not once for each comparison.
    match sorting.by {
        // Stable: rows that are equal stay in the order of namespaces, which is the map's own.
        SortBy::Namespace => {}
        SortBy::Service => found.sort_by_cached_key(|at| all[*at].service_name()),
        SortBy::Port => found.sort_by_key(|at| all[*at].number()),
        SortBy::MetalLb => found.sort_by_cached_key(|at| missing_last(metal_lb(&all[*at]))),
        SortBy::ClusterIp => found.sort_by_cached_key(|at| missing_last(cluster_ip(&all[*at]))),
        SortBy::Pods => found.sort_by_cached_key(|at| ready_pods(&all[*at])),
        SortBy::Local => found.sort_by_cached_key(|at| {
            missing_last(tunnels[*at].and_then(TunnelStatus::local_address))
        }),
        SortBy::State => found.sort_by_cached_key(|at| words::urgency(tunnels[*at])),
        SortBy::Traffic => found.sort_by_cached_key(|at| {
            let traffic = tunnels[*at].map(|tunnel| tunnel.traffic);
            let bytes = traffic.map_or(0, |traffic| {
                traffic.down_bytes.saturating_add(traffic.up_bytes)
            });
            std::cmp::Reverse(bytes)
        }),
    }
    if sorting.descending {
        found.reverse();
    }
}

fn missing_last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

fn metal_lb(row: &Row) -> Option<IpAddr> {
    row.service.as_ref()?.load_balancer_ips.first().copied()
}

fn cluster_ip(row: &Row) -> Option<IpAddr> {
    row.service.as_ref()?.cluster_ips.first().copied()
}

fn ready_pods(row: &Row) -> usize {
    let pods = row.service.as_ref().map(|service| &service.pods);
    pods.map_or(0, |pods| pods.iter().filter(|pod| pod.ready).count())
}
