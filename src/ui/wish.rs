//! What the person wants to see of the list.

use super::sorting::{SortBy, Sorting};
use crate::l10n::Lang;
use crate::model::{LbService, ListFilter};

/// What the person wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// The language that states are searched in.
    pub(super) lang: Lang,
    /// Every word of it has to be found.
    pub(super) query: String,
    /// What to leave out and fold away.
    pub(super) filter: ListFilter,
    /// In which order.
    pub(super) sorting: Sorting,
    /// Grouped by namespace.
    pub(super) grouped: bool,
}

impl Wish {
    /// Whether a service's type is wanted.
    pub(super) fn lists(&self, service: &LbService) -> bool {
        service.is_load_balancer() || self.filter.more_types.contains(&service.service_type)
    }

    /// Whether anything is left out on purpose.
    pub(super) fn narrows(&self) -> bool {
        !self.query.trim().is_empty() || self.filter.narrows()
    }

    /// Whether the list depends on how tunnels are doing.
    pub(super) fn follows_tunnels(&self) -> bool {
        self.narrows()
            || matches!(
                self.sorting.by,
                SortBy::Local | SortBy::State | SortBy::Traffic
            )
    }
}
