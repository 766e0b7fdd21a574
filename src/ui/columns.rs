//! The columns of the list: which are shown and how wide each is.

use std::collections::BTreeMap;

use super::sorting::SortBy;
use crate::l10n::{Id, id};
use crate::model::WindowSettings;

/// A column of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListColumn {
    Switch,
    Service,
    Ports,
    MetalLb,
    ClusterIp,
    Pods,
    Local,
    Traffic,
    State,
}

/// Space between columns.
pub(super) const GAP: f32 = 8.0;
/// No column gets wider by hand.
const WIDEST: f32 = 600.0;

impl ListColumn {
    /// Every one, from left to right.
    pub(super) const ALL: [Self; 9] = [
        Self::Switch,
        Self::Service,
        Self::Ports,
        Self::MetalLb,
        Self::ClusterIp,
        Self::Pods,
        Self::Local,
        Self::Traffic,
        Self::State,
    ];

    /// The least width, and the share of what is left over.
    const fn width(self) -> (f32, f32) {
        match self {
            Self::Switch => (44.0, 0.0),
            Self::Service => (140.0, 2.4),
            Self::Ports => (76.0, 0.6),
            Self::MetalLb => (112.0, 0.8),
            Self::ClusterIp => (106.0, 0.5),
            Self::Pods => (100.0, 2.0),
            Self::Local => (132.0, 0.3),
            Self::Traffic => (76.0, 0.2),
            Self::State => (108.0, 1.0),
        }
    }

    /// The name in settings, the same in every release.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Service => "service",
            Self::Ports => "ports",
            Self::MetalLb => "metallb",
            Self::ClusterIp => "cluster-ip",
            Self::Pods => "pods",
            Self::Local => "local",
            Self::Traffic => "traffic",
            Self::State => "state",
        }
    }

    /// What it is called.
    pub(super) const fn title(self) -> Id {
        match self {
            Self::Switch => id!("column-switch"),
            Self::Service => id!("column-service"),
            Self::Ports => id!("column-port"),
            Self::MetalLb => id!("column-metallb"),
            Self::ClusterIp => id!("column-cluster-ip"),
            Self::Pods => id!("column-pods"),
            Self::Local => id!("column-local"),
            Self::Traffic => id!("column-traffic"),
            Self::State => id!("column-state"),
        }
    }

    /// What stands above it, and what a click on that sorts by.
    pub(super) const fn headers(self) -> &'static [(Id, SortBy)] {
        match self {
            Self::Switch => &[],
            Self::Service => &[
                (id!("column-service"), SortBy::Service),
                (id!("column-namespace"), SortBy::Namespace),
            ],
            Self::Ports => &[(id!("column-port"), SortBy::Port)],
            Self::MetalLb => &[(id!("column-metallb"), SortBy::MetalLb)],
            Self::ClusterIp => &[(id!("column-cluster-ip"), SortBy::ClusterIp)],
            Self::Pods => &[(id!("column-pods"), SortBy::Pods)],
            Self::Local => &[(id!("column-local"), SortBy::Local)],
            Self::Traffic => &[(id!("column-traffic"), SortBy::Traffic)],
            Self::State => &[(id!("column-state"), SortBy::State)],
        }
    }

    /// Whether it may be hidden: without the switch and the name, a row says nothing.
    pub(super) const fn can_be_hidden(self) -> bool {
        !matches!(self, Self::Switch | Self::Service)
    }
}

/// The columns that are wanted and fit into `available`, and how wide each is. What the details show as well goes first.
pub(super) fn columns(available: f32, window: &WindowSettings) -> Vec<(ListColumn, f32)> {
    let is_wanted = |column: &ListColumn| !window.hidden_columns.contains(column.name());
    let mut shown: Vec<_> = ListColumn::ALL.into_iter().filter(is_wanted).collect();
    for dispensable in [
        ListColumn::Traffic,
        ListColumn::ClusterIp,
        ListColumn::Pods,
        ListColumn::MetalLb,
        ListColumn::Ports,
        ListColumn::Local,
    ] {
        if least(&shown) > available {
            shown.retain(|column| *column != dispensable);
        }
    }
    let by_hand = by_hand(&shown, &window.column_widths, available);
    let of_hand = |column: ListColumn| by_hand.get(&column).copied();
    let taken = shown
        .iter()
        .map(|column| of_hand(*column).unwrap_or(column.width().0) + GAP);
    let spare = (available - taken.sum::<f32>()).max(0.0);
    let free = shown.iter().filter(|column| of_hand(**column).is_none());
    let shares: f32 = free.map(|column| column.width().1).sum();
    let width = |column: ListColumn| {
        let (least, part) = column.width();
        let grown = if shares > 0.0 {
            least + spare * part / shares
        } else {
            least
        };
        of_hand(column).unwrap_or(grown).floor()
    };
    shown
        .into_iter()
        .map(|column| (column, width(column)))
        .collect()
}

/// The widths that were set by hand, made smaller together where they would push others out of the window.
fn by_hand(
    shown: &[ListColumn],
    widths: &BTreeMap<String, u16>,
    available: f32,
) -> BTreeMap<ListColumn, f32> {
    let mut set = BTreeMap::new();
    let mut room = available;
    let mut extra = 0.0;
    for column in shown {
        let least = column.width().0;
        room -= least + GAP;
        if let Some(width) = widths.get(column.name()) {
            let width = f32::from(*width).clamp(least, WIDEST);
            extra += width - least;
            set.insert(*column, width);
        }
    }
    if extra > room.max(0.0) {
        let part = room.max(0.0) / extra;
        for (column, width) in &mut set {
            let least = column.width().0;
            *width = least + (*width - least) * part;
        }
    }
    set
}

/// The width by which the right edge of `column` comes to stand at `right`, where its edge is drawn to. The columns before it give way
/// as well, so the edge moves less than the width.
pub(super) fn width_to(
    column: ListColumn,
    right: f32,
    available: f32,
    window: &WindowSettings,
) -> u16 {
    let mut trial = window.clone();
    let mut edge = |width: u16| {
        let widths = &mut trial.column_widths;
        widths.insert(column.name().to_owned(), width);
        right_edge(column, &columns(available, &trial))
    };
    let (mut low, mut high) = (set_width(column, 0.0), set_width(column, WIDEST));
    while low < high {
        let middle = low.midpoint(high);
        if edge(middle) < right {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Where a column ends.
pub(super) fn right_edge(column: ListColumn, columns: &[(ListColumn, f32)]) -> f32 {
    let before = columns.iter().take_while(|(other, _)| *other != column);
    let own = columns.iter().find(|(other, _)| *other == column);
    before.map(|(_, width)| width + GAP).sum::<f32>() + own.map_or(0.0, |(_, width)| *width)
}

/// A width that may be kept for `column`.
fn set_width(column: ListColumn, width: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is clamped to what fits"
    )]
    let points = width.clamp(column.width().0, WIDEST).round() as u16;
    points
}

fn least(columns: &[ListColumn]) -> f32 {
    columns.iter().map(|column| column.width().0 + GAP).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(columns: &[(ListColumn, f32)]) -> f32 {
        columns.iter().map(|(_, width)| width + GAP).sum()
    }

    #[test]
    fn columns_fit_whatever_the_width() {
        let window = WindowSettings::default();
        for (available, count) in [
            (2500.0, 9),
            (970.0, 9),
            (900.0, 8),
            (800.0, 7),
            (690.0, 6),
            (560.0, 5),
            (320.0, 3),
        ] {
            let columns = columns(available, &window);
            assert_eq!(columns.len(), count, "{available}");
            assert!(sum(&columns) <= available, "{available}: {columns:?}");
        }
    }

    #[test]
    fn an_edge_goes_where_it_is_drawn_to() {
        let mut window = WindowSettings::default();
        for column in [
            ListColumn::Service,
            ListColumn::ClusterIp,
            ListColumn::Local,
        ] {
            let before = right_edge(column, &columns(1200.0, &window));
            for right in [before + 30.0, before + 5.0, before - 5.0] {
                let width = width_to(column, right, 1200.0, &window);
                let mut drawn = window.clone();
                drawn.column_widths.insert(column.name().to_owned(), width);
                let edge = right_edge(column, &columns(1200.0, &drawn));
                // Widths are whole points, so the columns before it end where they can.
                assert!(
                    (edge - right).abs() <= 4.0,
                    "{column:?}: {edge}, not {right}"
                );
            }
            window.column_widths.insert("ports".to_owned(), 90);
        }
        let least = width_to(ListColumn::State, 0.0, 1200.0, &window);
        assert_eq!(least, set_width(ListColumn::State, 0.0));
    }

    #[test]
    fn hidden_columns_are_left_out_and_widths_are_kept_as_far_as_they_fit() {
        let mut window = WindowSettings::default();
        window.hidden_columns.insert("pods".to_owned());
        window
            .hidden_columns
            .insert("a column of a later release".to_owned());
        window.column_widths.insert("service".to_owned(), 400);
        let wide = columns(1600.0, &window);
        assert!(!wide.iter().any(|(column, _)| *column == ListColumn::Pods));
        assert!(wide.contains(&(ListColumn::Service, 400.0)), "{wide:?}");
        let narrow = columns(700.0, &window);
        assert!(sum(&narrow) <= 700.0, "{narrow:?}");
    }
}
