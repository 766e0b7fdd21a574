//! What drawing functions are handed: the picture to show, what the window remembers, and where commands go.

use super::listing::Rows;
use super::meter::Meter;
use super::rows::{Row, RowId};
use super::view::View;
use crate::l10n::{Lang, Speaks};
use crate::model::{
    Command, HostStatus, Intent, Light, Moment, SettingsChange, Snapshot, TunnelId, TunnelState,
    WindowSettings,
};

/// One frame's view of everything.
pub(super) struct Scene<'a> {
    /// The language in use.
    pub(super) lang: Lang,
    /// The picture to show.
    pub(super) snapshot: &'a Snapshot,
    /// The rows of the list.
    pub(super) rows: &'a Rows,
    /// How fast bytes move.
    pub(super) meter: &'a Meter,
    /// How the window looks. What drawing changes here is remembered between runs.
    pub(super) window: &'a mut WindowSettings,
    /// What the window remembers.
    pub(super) view: &'a mut View,
    /// The engine's time now: a little after the snapshot was taken.
    pub(super) now: Moment,
    /// Whether things that happen are shown moving.
    pub(super) animate: bool,
    /// Commands for the engine.
    pub(super) commands: &'a mut Vec<Command>,
}

impl Speaks for Scene<'_> {
    fn lang(&self) -> Lang {
        self.lang
    }
}

impl Scene<'_> {
    /// Wants the row's tunnel up if it is down, and down if it is up.
    pub(super) fn toggle(&mut self, row: &Row) {
        if let Some(id) = row.id.tunnel() {
            let intent = match self.intent(&id) {
                Intent::Up => Intent::Down,
                Intent::Down => Intent::Up,
            };
            self.commands.push(Command::SetIntent { id, intent });
        }
    }

    /// Wants the tunnels of all these rows up or down; those that are wanted up and have failed are tried again.
    pub(super) fn set_all<'r>(&mut self, rows: impl Iterator<Item = &'r RowId>, intent: Intent) {
        for id in rows.filter_map(RowId::tunnel) {
            if self.intent(&id) != intent {
                self.commands.push(Command::SetIntent { id, intent });
            } else if intent == Intent::Up && self.has_failed(&id) {
                self.commands.push(Command::RetryNow(id));
            }
        }
    }

    fn has_failed(&self, id: &TunnelId) -> bool {
        let tunnel = self.snapshot.tunnels.get(id);
        tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Failed(_)))
    }

    /// How many of the marked rows can be opened, or tried again, and how many can be closed. There are fewer tunnels than rows.
    pub(super) fn marked_to_change(&self) -> (usize, usize) {
        let marked = &self.view.marked;
        let tunnels = self.snapshot.tunnels.iter();
        let wanted: Vec<_> = tunnels
            .filter(|(id, tunnel)| {
                tunnel.intent == Intent::Up
                    && RowId::of_tunnel(id).iter().any(|id| marked.contains(id))
            })
            .collect();
        let failed = wanted.iter().filter(|(id, _)| self.has_failed(id)).count();
        let all = marked.iter().filter(|id| id.has_switch()).count();
        (all - wanted.len() + failed, wanted.len())
    }

    /// Wants the marked rows up if any is down, else down; the selected one where none is marked.
    pub(super) fn toggle_marked(&mut self) {
        let rows = self.rows;
        if self.view.marked.len() > 1 {
            let marked: Vec<_> = self.view.marked.iter().cloned().collect();
            let is_down = |id: &RowId| {
                id.tunnel()
                    .is_some_and(|id| self.intent(&id) == Intent::Down)
            };
            let intent = if marked.iter().any(is_down) {
                Intent::Up
            } else {
                Intent::Down
            };
            self.set_all(marked.iter(), intent);
        } else if let Some(row) = self.view.selected.as_ref().and_then(|id| rows.find(id)) {
            self.toggle(row);
        }
    }

    /// Marks every shown row from the selected one to `end`.
    pub(super) fn mark_to(&mut self, end: &RowId) {
        let rows = self.rows;
        let selected = self.view.selected.as_ref();
        let start = selected.and_then(|id| rows.position(id));
        let Some(end) = rows.position(end) else {
            return;
        };
        let start = start.unwrap_or(end);
        self.view.marked.clear();
        for index in start.min(end)..=start.max(end) {
            if let Some(row) = rows.get(index) {
                self.view.marked.insert(row.id.clone());
            }
        }
    }

    /// Whether a search or a filter leaves something out.
    pub(super) fn narrows(&self) -> bool {
        !self.view.query.is_empty() || self.window.filter.narrows()
    }

    /// Forgets search and filters.
    pub(super) fn widen(&mut self) {
        self.view.query.clear();
        self.window.filter.widen();
    }

    /// Makes the row's service a favourite, or none any more.
    pub(super) fn toggle_favourite(&mut self, row: &Row) {
        if let Some(service) = row.key().cloned() {
            let on = !self.is_favourite(row);
            let change = SettingsChange::Favourite { service, on };
            self.commands.push(Command::ChangeSettings(change));
        }
    }

    /// Whether the row's service is a favourite.
    pub(super) fn is_favourite(&self, row: &Row) -> bool {
        let favourites = &self.snapshot.settings.favourites;
        row.key().is_some_and(|key| favourites.contains(key))
    }

    /// What is wanted of a tunnel.
    pub(super) fn intent(&self, id: &TunnelId) -> Intent {
        let tunnel = self.snapshot.tunnels.get(id);
        tunnel.map_or(Intent::Down, |tunnel| tunnel.intent)
    }

    /// A tunnel's light.
    pub(super) fn light(&self, row: &Row) -> Light {
        let tunnel = row.tunnel(self.snapshot);
        tunnel.map_or(Light::Grey, |tunnel| tunnel.state.light())
    }

    /// The host that carries the row's tunnel, or would.
    pub(super) fn host(&self, row: &Row) -> Option<&HostStatus> {
        let tunnel = row.tunnel(self.snapshot);
        let id = tunnel
            .map(|tunnel| &tunnel.spec.host)
            .or(self.snapshot.selected_host.as_ref())?;
        self.snapshot.host(id).map(AsRef::as_ref)
    }
}
