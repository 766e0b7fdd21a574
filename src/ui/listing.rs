//! What the list shows: which rows a search and the filters leave, in which order and in which groups.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;

use super::rows::{self, Row, RowId};
use super::words;
use crate::l10n::Lang;
use crate::model::{
    Finding, LbService, Light, ServiceKey, ServiceType, Settings, Snapshot, TunnelId,
};

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

/// What the person wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// The language that states are searched in.
    pub(super) lang: Lang,
    /// Every word of it has to be found.
    pub(super) query: String,
    /// Only tunnels of this light.
    pub(super) light: Option<Light>,
    /// Services of these types, besides those of type LoadBalancer.
    pub(super) more_types: BTreeSet<ServiceType>,
    /// Only services of this namespace.
    pub(super) namespace: Option<String>,
    /// In which order.
    pub(super) sorting: Sorting,
    /// Grouped by namespace.
    pub(super) grouped: bool,
    /// The groups whose rows are folded away.
    pub(super) folded: BTreeSet<String>,
}

impl Wish {
    /// Whether a service's type is wanted.
    pub(super) fn lists(&self, service: &LbService) -> bool {
        service.is_load_balancer() || self.more_types.contains(&service.service_type)
    }

    /// Whether anything is left out on purpose.
    pub(super) fn narrows(&self) -> bool {
        !self.query.trim().is_empty() || self.light.is_some() || self.namespace.is_some()
    }

    /// Whether the list depends on how tunnels are doing.
    fn follows_tunnels(&self) -> bool {
        self.narrows()
            || matches!(
                self.sorting.by,
                SortBy::Local | SortBy::State | SortBy::Traffic
            )
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The head of a group: its namespace (of favourites: none) and how many rows it has.
    Group(Group),
    /// The row at this place in order.
    Row(usize),
}

/// The head of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The namespace; none for the favourites.
    pub(super) namespace: Option<String>,
    /// Where its rows stand among all that are shown or folded.
    pub(super) rows: Vec<RowId>,
    /// Whether they are folded away.
    pub(super) is_folded: bool,
}

impl Group {
    /// The name in [`Wish::folded`]: no namespace can be called like that of the favourites.
    pub(super) fn key(&self) -> String {
        self.namespace.clone().unwrap_or_else(|| "*".to_owned())
    }
}

/// All rows, and those to show.
#[derive(Debug, Default)]
pub(super) struct Rows {
    all: Vec<Row>,
    /// Which of them are shown, in order.
    shown: Vec<usize>,
    items: Vec<Item>,
    namespaces: Vec<String>,
    metallb_missing: Option<Finding>,
    services: OrdMap<ServiceKey, Arc<LbService>>,
    orphans: Vec<TunnelId>,
    favourites: BTreeSet<ServiceKey>,
    wish: Option<Wish>,
}

impl Rows {
    /// Follows a new snapshot or a new wish. The rows themselves are made anew only if the services changed.
    pub(super) fn update(&mut self, snapshot: &Snapshot, wish: &Wish) {
        let services = &snapshot.cluster.services;
        let orphans: Vec<_> = rows::orphans(snapshot, wish);
        let types = self.wish.as_ref().map(|wish| &wish.more_types);
        let is_new = !self.services.ptr_eq(services)
            || self.orphans != orphans
            || types != Some(&wish.more_types);
        if is_new {
            let wanted = services.values().filter(|service| wish.lists(service));
            self.all = wanted.flat_map(rows::rows_of).collect();
            self.all
                .extend(orphans.iter().map(|id| rows::orphan(id, snapshot)));
            self.services = services.clone();
            self.orphans = orphans;
            self.namespaces = self.all.iter().map(Row::namespace).collect();
            self.namespaces.sort();
            self.namespaces.dedup();
            self.namespaces.retain(|namespace| !namespace.is_empty());
            let mut findings = services.values().flat_map(|service| &service.findings);
            self.metallb_missing = findings
                .find(|finding| finding.code == "metallb-missing")
                .cloned();
        }
        let favourites = &snapshot.settings.favourites;
        let is_wish_new = self.wish.as_ref() != Some(wish) || self.favourites != *favourites;
        if !is_new && !is_wish_new && !wish.follows_tunnels() {
            return;
        }
        self.favourites.clone_from(favourites);
        self.wish = Some(wish.clone());
        let mut found = self.found(snapshot, wish);
        sort(&self.all, &mut found, snapshot, wish.sorting);
        self.arrange(found, &snapshot.settings, wish);
    }

    /// How many rows there are without a search.
    pub(super) fn total(&self) -> usize {
        self.all.len()
    }

    /// How many rows are shown.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// The shown row at `index`.
    pub(super) fn get(&self, index: usize) -> Option<&Row> {
        self.shown.get(index).and_then(|at| self.all.get(*at))
    }

    /// Where this row is shown, among the rows.
    pub(super) fn position(&self, id: &RowId) -> Option<usize> {
        self.shown.iter().position(|at| self.all[*at].id == *id)
    }

    /// This row, shown or not.
    pub(super) fn find(&self, id: &RowId) -> Option<&Row> {
        self.all.iter().find(|row| row.id == *id)
    }

    /// The lines of the list: rows, and the heads of groups.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The line of this row.
    pub(super) fn line(&self, id: &RowId) -> Option<usize> {
        let position = self.position(id)?;
        self.items
            .iter()
            .position(|item| *item == Item::Row(position))
    }

    /// Every row that is shown, in order.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().map(|at| &self.all[*at])
    }

    /// The namespaces that have a row.
    pub(super) fn namespaces(&self) -> &[String] {
        &self.namespaces
    }

    /// What is said of a service that waits for an address where there is no MetalLB to give it one.
    pub(super) fn metallb_missing(&self) -> Option<&Finding> {
        self.metallb_missing.as_ref()
    }

    /// The rows that hold every word and pass every filter.
    fn found(&self, snapshot: &Snapshot, wish: &Wish) -> Vec<usize> {
        let query = wish.query.to_lowercase();
        let words: Vec<_> = query.split_whitespace().collect();
        let off = words::searched(wish.lang, None);
        let matches = |row: &Row| {
            let tunnel = row.tunnel(snapshot).map(AsRef::as_ref);
            let light = tunnel.map_or(Light::Grey, |tunnel| tunnel.state.light());
            let in_light = wish.light.is_none_or(|wanted| wanted == light);
            let in_namespace = wish
                .namespace
                .as_ref()
                .is_none_or(|wanted| row.namespace() == *wanted);
            if !in_light || !in_namespace {
                return false;
            }
            let missing: Vec<_> = words.iter().filter(|word| !row.holds(word)).collect();
            missing.is_empty() || {
                let live = match tunnel {
                    None => off.clone(),
                    tunnel => words::searched(wish.lang, tunnel),
                };
                missing.iter().all(|word| live.contains(**word))
            }
        };
        (0..self.all.len())
            .filter(|index| matches(&self.all[*index]))
            .collect()
    }

    /// Puts favourites first, and makes groups where they are wanted.
    fn arrange(&mut self, found: Vec<usize>, settings: &Settings, wish: &Wish) {
        let is_favourite = |at: &usize| {
            let key = self.all[*at].key();
            key.is_some_and(|key| settings.favourites.contains(key))
        };
        let (first, rest): (Vec<_>, Vec<_>) = if settings.favourites.is_empty() {
            (Vec::new(), found)
        } else {
            found.into_iter().partition(is_favourite)
        };
        if !wish.grouped {
            self.shown = first.into_iter().chain(rest).collect();
            self.items = (0..self.shown.len()).map(Item::Row).collect();
            return;
        }
        let mut groups: Vec<(Option<String>, Vec<usize>)> = Vec::new();
        if !first.is_empty() {
            groups.push((None, first));
        }
        let mut by_namespace = std::collections::BTreeMap::<String, Vec<usize>>::new();
        for at in rest {
            by_namespace
                .entry(self.all[at].namespace())
                .or_default()
                .push(at);
        }
        groups.extend(
            by_namespace
                .into_iter()
                .map(|(name, rows)| (Some(name), rows)),
        );
        self.lay_out(groups, &wish.folded);
    }

    fn lay_out(&mut self, groups: Vec<(Option<String>, Vec<usize>)>, folded: &BTreeSet<String>) {
        self.shown.clear();
        self.items.clear();
        for (namespace, rows) in groups {
            let ids = rows.iter().map(|at| self.all[*at].id.clone()).collect();
            let mut group = Group {
                namespace,
                rows: ids,
                is_folded: false,
            };
            group.is_folded = folded.contains(&group.key());
            let is_folded = group.is_folded;
            self.items.push(Item::Group(group));
            if !is_folded {
                let from = self.shown.len();
                self.shown.extend(rows);
                self.items.extend((from..self.shown.len()).map(Item::Row));
            }
        }
    }

    /// Those of `marked` that are still there.
    pub(super) fn retain_known(&self, marked: &mut HashSet<RowId>) {
        if !marked.is_empty() {
            let known: HashSet<&RowId> = self.all.iter().map(|row| &row.id).collect();
            marked.retain(|id| known.contains(id));
        }
    }
}

fn sort(all: &[Row], found: &mut [usize], snapshot: &Snapshot, sorting: Sorting) {
    // What depends on tunnels is looked up once for each row, not once for each comparison.
    match sorting.by {
        // Stable: rows that are equal stay in the order of namespaces, which is the map's own.
        SortBy::Namespace => {}
        SortBy::Local => found.sort_by_cached_key(|at| {
            let tunnel = all[*at].tunnel(snapshot);
            let local = tunnel.and_then(|tunnel| tunnel.local_address());
            (local.is_none(), local)
        }),
        SortBy::State => found
            .sort_by_cached_key(|at| words::urgency(all[*at].tunnel(snapshot).map(AsRef::as_ref))),
        SortBy::Traffic => found.sort_by_cached_key(|at| {
            let traffic = all[*at].tunnel(snapshot).map(|tunnel| tunnel.traffic);
            let bytes = traffic.map_or(0, |traffic| {
                traffic.down_bytes.saturating_add(traffic.up_bytes)
            });
            std::cmp::Reverse(bytes)
        }),
        by => found.sort_by(|a, b| compare(&all[*a], &all[*b], by)),
    }
    if sorting.descending {
        found.reverse();
    }
}

fn compare(a: &Row, b: &Row, by: SortBy) -> Ordering {
    match by {
        SortBy::Service => a.service_name().cmp(b.service_name()),
        SortBy::Port => a.number().cmp(&b.number()),
        SortBy::MetalLb => missing_last(metal_lb(a), metal_lb(b)),
        SortBy::ClusterIp => missing_last(cluster_ip(a), cluster_ip(b)),
        SortBy::Pods => ready_pods(a).cmp(&ready_pods(b)),
        SortBy::Namespace | SortBy::Local | SortBy::State | SortBy::Traffic => Ordering::Equal,
    }
}

fn metal_lb(row: &Row) -> Option<&IpAddr> {
    row.service.as_ref()?.load_balancer_ips.first()
}

fn cluster_ip(row: &Row) -> Option<&IpAddr> {
    row.service.as_ref()?.cluster_ips.first()
}

fn ready_pods(row: &Row) -> usize {
    let pods = row.service.as_ref().map(|service| &service.pods);
    pods.map_or(0, |pods| pods.iter().filter(|pod| pod.ready).count())
}

fn missing_last<T: Ord>(a: Option<&T>, b: Option<&T>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
