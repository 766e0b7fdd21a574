//! What the window itself remembers: where the person looks, not how things are.

use std::collections::HashSet;

use zeroize::Zeroize as _;

use super::hosts::HostsView;
use super::map::MapCache;
use super::palette::Typed;
use super::rows::RowId;
use super::save::Saving;
use super::secret_buffer::SecretBuffer;
use super::sorting::Sorting;
use super::wish::Wish;
use crate::l10n::Lang;
use crate::model::{ClusterGap, LogLevel, Moment, ProbeId, PromptId, TunnelId, WindowSettings};

/// A page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Page {
    /// The list of services, and the details of the selected one.
    #[default]
    Services,
    /// The ranges of addresses.
    Map,
    /// The SSH hosts.
    Hosts,
    /// The settings.
    Settings,
}

impl Page {
    /// Every one, in the order in which they are offered.
    pub(super) const ALL: [Self; 4] = [Self::Services, Self::Map, Self::Hosts, Self::Settings];
}

/// The state of the window's face.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The page that is shown.
    pub(super) page: Page,
    /// The selected row.
    pub(super) selected: Option<RowId>,
    /// What is searched for.
    pub(super) query: String,
    /// The rows that are marked, to do something with all of them.
    pub(super) marked: HashSet<RowId>,
    /// What lies over the page.
    pub(super) overlay: Overlay,
    /// Whether something lay over the page in the picture before.
    pub(super) was_covered: bool,
    /// What is typed into the palette.
    pub(super) typed: Typed,
    /// What could not be seen of the cluster when that was put away.
    pub(super) gaps_read: Option<Vec<ClusterGap>>,
    /// The search field is to get the focus.
    pub(super) focus_search: bool,
    /// The selected row is to be scrolled to.
    pub(super) reveal: bool,
    /// What is being typed in answer to a question.
    pub(super) draft: Draft,
    /// What is being done about hosts.
    pub(super) hosts: HostsView,
    /// Notices up to this moment were put away.
    pub(super) read_until: Option<Moment>,
    /// The log is shown from this level on.
    pub(super) log_level: LogLevel,
    /// Probes up to this one were put away.
    pub(super) probe_closed: Option<ProbeId>,
    /// The drawing that is being saved.
    pub(super) saving: Saving,
    /// The address map.
    pub(super) map: MapCache,
    /// A local port that is being typed, and for which tunnel.
    pub(super) local: Option<(TunnelId, String)>,
}

/// What lies over the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The palette of commands.
    Palette,
    /// The keys.
    Keys,
}

impl View {
    /// What the list is to show.
    pub(super) fn wish(&self, lang: Lang, window: &WindowSettings) -> Wish {
        Wish {
            lang,
            query: self.query.clone(),
            filter: window.filter.clone(),
            sorting: Sorting::of_settings(window.sorting.as_ref()),
            grouped: window.grouped,
        }
    }

    /// Takes away what lies over the page.
    pub(super) fn close_overlay(&mut self) {
        self.overlay = Overlay::None;
        self.typed = Typed::default();
    }

    /// Selects `row` and brings it into view.
    pub(super) fn select(&mut self, row: RowId) {
        self.reveal = true;
        self.selected = Some(row);
    }
}

/// An answer that is being typed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The question it answers.
    pub(super) prompt: Option<PromptId>,
    /// What was typed so far, where it must not be seen.
    pub(super) secret: SecretBuffer,
    /// What was typed so far, where it may be seen.
    pub(super) plain: String,
    /// Whether the answer is to be remembered.
    pub(super) remember: bool,
}

impl Draft {
    /// Makes this the draft for `prompt`; what was typed for another is wiped.
    pub(super) fn turn_to(&mut self, prompt: Option<PromptId>) -> bool {
        let is_new = self.prompt != prompt;
        if is_new {
            self.prompt = prompt;
            self.wipe();
        }
        is_new
    }

    /// Forgets what was typed.
    pub(super) fn wipe(&mut self) {
        self.secret = SecretBuffer::default();
        self.plain.zeroize();
        self.remember = false;
    }
}
