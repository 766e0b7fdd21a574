//! What drawing functions are handed: the picture to show, what the window remembers, and where commands go.

use super::meter::Meter;
use super::rows::{Row, Rows};
use super::view::View;
use crate::l10n::{Lang, Speaks};
use crate::model::{Command, HostStatus, Intent, Light, Moment, Snapshot, TunnelId};

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
