//! What the list shows: which rows a search and the filters leave, in which order and in which groups.
//!
//! A picture costs what is in view. What costs more the more services there are is done here, and only when it has to be: rows are
//! made anew for the services that have changed, and they are filtered, sorted and grouped anew when that can come out otherwise.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

use imbl::OrdMap;

use super::rows::{self, Row, RowId};
use super::sorting::sort;
use super::wish::Wish;
use super::words;
use crate::model::{
    Finding, LbService, Light, Protocol, ServiceKey, Settings, Snapshot, TunnelId, TunnelStatus,
};

/// The number of a group that a row is not in.
const NOWHERE: usize = usize::MAX;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The head of a group.
    Group(Group),
    /// The row at this place in order.
    Row(usize),
}

/// The head of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The namespace; none for the favourites.
    pub(super) namespace: Option<String>,
    /// Which rows it has, folded away or not: see [`Rows::members`].
    pub(super) rows: Range<usize>,
    /// How many of them are open.
    pub(super) open: usize,
    /// Whether they are folded away.
    pub(super) is_folded: bool,
}

impl Group {
    /// The name in `ListFilter::folded`: no namespace can be called like that of the favourites.
    pub(super) fn key(&self) -> String {
        self.namespace.clone().unwrap_or_else(|| "*".to_owned())
    }
}

/// All rows, and those to show.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Those of services in the services' order, then those of tunnels that belong to none.
    all: Vec<Row>,
    /// How many of them are of services.
    of_services: usize,
    /// The namespaces that have a row, in order; the empty one too.
    namespaces: Vec<String>,
    /// The place of each row's namespace among them.
    in_namespace: Vec<usize>,
    /// Which rows are shown, in order.
    shown: Vec<usize>,
    /// Where each row is shown.
    places: Vec<Option<usize>>,
    items: Vec<Item>,
    /// The line of each shown row.
    lines: Vec<usize>,
    /// The rows of all groups, one group after the other.
    grouped: Vec<usize>,
    /// The line of the head of each row's group.
    head_of: Vec<usize>,
    metallb_missing: Option<Finding>,
    services: OrdMap<ServiceKey, Arc<LbService>>,
    tunnels: OrdMap<TunnelId, Arc<TunnelStatus>>,
    orphans: Vec<TunnelId>,
    favourites: BTreeSet<ServiceKey>,
    wish: Option<Wish>,
}

impl Rows {
    /// Follows a new snapshot or a new wish; does no more than what has changed asks for.
    pub(super) fn update(&mut self, snapshot: &Snapshot, wish: &Wish) {
        let is_wish_new =
            self.wish.as_ref() != Some(wish) || self.favourites != snapshot.settings.favourites;
        let is_type_new =
            self.wish.as_ref().map(|wish| &wish.filter.more_types) != Some(&wish.filter.more_types);
        let are_services_new = !self.services.ptr_eq(&snapshot.cluster.services) || is_type_new;
        let are_tunnels_new = !self.tunnels.ptr_eq(&snapshot.tunnels);
        if !is_wish_new && !are_services_new && !are_tunnels_new {
            return;
        }
        self.tunnels = snapshot.tunnels.clone();
        let orphans = rows::orphans(snapshot, wish);
        let are_rows_new = are_services_new || self.orphans != orphans;
        if are_rows_new {
            self.make(snapshot, wish, orphans);
        }
        if are_rows_new || is_wish_new || wish.follows_tunnels() {
            self.favourites.clone_from(&snapshot.settings.favourites);
            self.wish = Some(wish.clone());
            let tunnels = self.tunnels_of_rows(snapshot);
            let mut found = self.found(&tunnels, wish);
            sort(&self.all, &mut found, &tunnels, wish.sorting);
            self.arrange(found, &snapshot.settings, wish);
        }
        if wish.grouped {
            self.count_open(snapshot);
        }
    }

    /// Makes rows for the services that have changed; those of the others are taken over.
    fn make(&mut self, snapshot: &Snapshot, wish: &Wish, orphans: Vec<TunnelId>) {
        let services = &snapshot.cluster.services;
        let mut before = std::mem::take(&mut self.all);
        before.truncate(self.of_services);
        let mut before = before.into_iter().peekable();
        let mut all = Vec::with_capacity(before.len());
        let is_of = |row: &Row, service: &Arc<LbService>| {
            row.service
                .as_ref()
                .is_some_and(|of| Arc::ptr_eq(of, service))
        };
        for service in services.values().filter(|service| wish.lists(service)) {
            // Both stand in the order of keys.
            while before
                .next_if(|row| !is_of(row, service) && row.key() <= Some(&service.key))
                .is_some()
            {}
            let from = all.len();
            while let Some(row) = before.next_if(|row| is_of(row, service)) {
                all.push(row);
            }
            if all.len() == from {
                all.extend(rows::rows_of(service));
            }
        }
        self.of_services = all.len();
        all.extend(orphans.iter().map(|id| rows::orphan(id, snapshot)));
        self.all = all;
        self.services = services.clone();
        self.orphans = orphans;
        self.number_namespaces();
        let mut findings = services.values().flat_map(|service| &service.findings);
        self.metallb_missing = findings
            .find(|finding| finding.code == "metallb-missing")
            .cloned();
    }

    fn number_namespaces(&mut self) {
        let mut names: Vec<String> = Vec::new();
        for row in &self.all {
            let name = row.namespace();
            if names.last().is_none_or(|last| *last != name) {
                names.push(name.into_owned());
            }
        }
        names.sort();
        names.dedup();
        let mut numbers: Vec<usize> = Vec::with_capacity(self.all.len());
        for row in &self.all {
            let name = row.namespace();
            let before = numbers.last().copied();
            let number = before.filter(|number| names[*number] == name);
            let found = || names.partition_point(|other| other.as_str() < name.as_ref());
            numbers.push(number.unwrap_or_else(found));
        }
        self.namespaces = names;
        self.in_namespace = numbers;
    }

    /// How many rows there are without a search.
    pub(super) fn total(&self) -> usize {
        self.all.len()
    }

    /// How many rows are shown.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// How many rows pass the search and the filters, folded away or not.
    pub(super) fn found_count(&self) -> usize {
        self.shown.len().max(self.grouped.len())
    }

    /// The shown row at `index`.
    pub(super) fn get(&self, index: usize) -> Option<&Row> {
        self.shown.get(index).and_then(|at| self.all.get(*at))
    }

    /// Where this row is shown, among the rows.
    pub(super) fn position(&self, id: &RowId) -> Option<usize> {
        self.places.get(self.at(id)?).copied().flatten()
    }

    /// This row, shown or not.
    pub(super) fn find(&self, id: &RowId) -> Option<&Row> {
        self.at(id).map(|at| &self.all[at])
    }

    /// Where this row stands among all.
    fn at(&self, id: &RowId) -> Option<usize> {
        let of_service = id
            .service()
            .and_then(|key| self.of_service(key).find(|at| self.all[*at].id == *id));
        of_service.or_else(|| (self.of_services..self.all.len()).find(|at| self.all[*at].id == *id))
    }

    /// Where the rows of a listed service stand.
    fn of_service(&self, key: &ServiceKey) -> Range<usize> {
        let rows = &self.all[..self.of_services];
        let first = rows.partition_point(|row| row.key() < Some(key));
        let count = rows[first..]
            .iter()
            .take_while(|row| row.key() == Some(key))
            .count();
        first..first + count
    }

    /// The tunnel of each row, where it has one.
    fn tunnels_of_rows<'s>(&self, snapshot: &'s Snapshot) -> Vec<Option<&'s TunnelStatus>> {
        let mut tunnels = vec![None; self.all.len()];
        for (id, tunnel) in &snapshot.tunnels {
            if let Some(at) = self.at_tunnel(id) {
                tunnels[at] = Some(tunnel.as_ref());
            }
        }
        tunnels
    }

    fn at_tunnel(&self, id: &TunnelId) -> Option<usize> {
        let port = match id {
            TunnelId::Service { service, port } => {
                self.at(&RowId::Port(service.clone(), *port, Protocol::Tcp))
            }
            TunnelId::Forward(_) => None,
        };
        port.or_else(|| self.at(&RowId::Tunnel(id.clone())))
    }

    /// The lines of the list: rows, and the heads of groups.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The line of this row.
    pub(super) fn line(&self, id: &RowId) -> Option<usize> {
        self.lines.get(self.position(id)?).copied()
    }

    /// Every row that is shown, in order.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().map(|at| &self.all[*at])
    }

    /// The rows of a group, folded away or not.
    pub(super) fn members(&self, group: &Group) -> impl Iterator<Item = &Row> {
        let rows = self.grouped.get(group.rows.clone()).unwrap_or_default();
        rows.iter().map(|at| &self.all[*at])
    }

    /// The namespaces that have a row.
    pub(super) fn namespaces(&self) -> &[String] {
        // Rows without one come first.
        let unnamed = self.namespaces.first().is_some_and(String::is_empty);
        &self.namespaces[usize::from(unnamed)..]
    }

    /// What is said of a service that waits for an address where there is no MetalLB to give it one.
    pub(super) fn metallb_missing(&self) -> Option<&Finding> {
        self.metallb_missing.as_ref()
    }

    /// The rows that hold every word and pass every filter.
    fn found(&self, tunnels: &[Option<&TunnelStatus>], wish: &Wish) -> Vec<usize> {
        if !wish.narrows() {
            return (0..self.all.len()).collect();
        }
        let query = wish.query.to_lowercase();
        let off = words::searched(wish.lang, None);
        // Of most rows all that is live is that they are off: whether that holds a word is the same for them all.
        let words: Vec<_> = query
            .split_whitespace()
            .map(|word| (word, off.contains(word)))
            .collect();
        let namespace = wish.filter.namespace.as_ref();
        let namespace = namespace.map(|name| self.namespaces.binary_search(name).ok());
        let matches = |at: &usize| {
            let (row, tunnel) = (&self.all[*at], tunnels[*at]);
            let light = tunnel.map_or(Light::Grey, |tunnel| tunnel.state.light());
            if wish.filter.light.is_some_and(|wanted| wanted != light)
                || namespace.is_some_and(|wanted| wanted != Some(self.in_namespace[*at]))
            {
                return false;
            }
            let live = tunnel.filter(|_| !words.is_empty());
            let live = live.map(|tunnel| words::searched(wish.lang, Some(tunnel)));
            words.iter().all(|(word, is_off)| {
                row.holds(word) || live.as_ref().map_or(*is_off, |live| live.contains(*word))
            })
        };
        (0..self.all.len()).filter(matches).collect()
    }

    /// Puts favourites first, and makes groups where they are wanted.
    fn arrange(&mut self, found: Vec<usize>, settings: &Settings, wish: &Wish) {
        let (first, rest) = self.favourites_of(found, settings);
        self.items.clear();
        self.grouped.clear();
        self.head_of.clear();
        self.shown.clear();
        self.lines.clear();
        if wish.grouped {
            self.group(first, rest, &wish.filter.folded);
        } else {
            self.shown = first;
            self.shown.extend(rest);
            self.items.extend((0..self.shown.len()).map(Item::Row));
            self.lines.extend(0..self.shown.len());
        }
        self.places.clear();
        self.places.resize(self.all.len(), None);
        for (place, at) in self.shown.iter().enumerate() {
            self.places[*at] = Some(place);
        }
    }

    /// The rows of favourites, and the others.
    fn favourites_of(&self, found: Vec<usize>, settings: &Settings) -> (Vec<usize>, Vec<usize>) {
        if settings.favourites.is_empty() {
            return (Vec::new(), found);
        }
        let mut is_favourite = vec![false; self.all.len()];
        for key in &settings.favourites {
            is_favourite[self.of_service(key)].fill(true);
        }
        for (at, row) in self.all.iter().enumerate().skip(self.of_services) {
            let key = row.key();
            is_favourite[at] = key.is_some_and(|key| settings.favourites.contains(key));
        }
        found.into_iter().partition(|at| is_favourite[*at])
    }

    fn group(&mut self, first: Vec<usize>, rest: Vec<usize>, folded: &BTreeSet<String>) {
        self.head_of.resize(self.all.len(), NOWHERE);
        let mut by_namespace = vec![Vec::new(); self.namespaces.len()];
        for at in rest {
            by_namespace[self.in_namespace[at]].push(at);
        }
        let named = by_namespace.into_iter().enumerate();
        let named = named.map(|(number, rows)| (Some(number), rows));
        let groups = std::iter::once((None, first)).chain(named);
        for (number, rows) in groups.filter(|(_, rows)| !rows.is_empty()) {
            let from = self.grouped.len();
            let mut group = Group {
                namespace: number.map(|number| self.namespaces[number].clone()),
                rows: from..from + rows.len(),
                open: 0,
                is_folded: false,
            };
            group.is_folded = folded.contains(&group.key());
            let is_folded = group.is_folded;
            for at in &rows {
                self.head_of[*at] = self.items.len();
            }
            self.items.push(Item::Group(group));
            self.grouped.extend(&rows);
            if !is_folded {
                let shown = self.shown.len()..self.shown.len() + rows.len();
                self.lines
                    .extend((0..rows.len()).map(|row| self.items.len() + row));
                self.items.extend(shown.map(Item::Row));
                self.shown.extend(rows);
            }
        }
    }

    /// Counts the open tunnels of each group: there are fewer tunnels than rows.
    fn count_open(&mut self, snapshot: &Snapshot) {
        for item in &mut self.items {
            if let Item::Group(group) = item {
                group.open = 0;
            }
        }
        let open = snapshot.tunnels.iter();
        let open = open.filter(|(_, tunnel)| tunnel.state.light() == Light::Green);
        for (id, _) in open {
            let head = self.at_tunnel(id).and_then(|at| self.head_of.get(at));
            if let Some(Item::Group(group)) = head.and_then(|head| self.items.get_mut(*head)) {
                group.open += 1;
            }
        }
    }

    /// Those of `marked` that are still there.
    pub(super) fn retain_known(&self, marked: &mut HashSet<RowId>) {
        marked.retain(|id| self.at(id).is_some());
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
