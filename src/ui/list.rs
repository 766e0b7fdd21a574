//! The list of services, a row for each port.

use egui::{Align, Layout, Response, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::icons::Icon;
use super::rows::{Row, RowId, SortBy};
use super::scene::Scene;
use super::{cells, icons, theme, widgets};
use crate::l10n::{Id, id, tr};

/// A column of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListColumn {
    Switch,
    Service,
    Ports,
    MetalLb,
    ClusterIp,
    Pods,
    Local,
    State,
}

/// Space between columns.
const GAP: f32 = 8.0;

impl ListColumn {
    const ALL: [Self; 8] = [
        Self::Switch,
        Self::Service,
        Self::Ports,
        Self::MetalLb,
        Self::ClusterIp,
        Self::Pods,
        Self::Local,
        Self::State,
    ];

    /// The least width, and the share of what is left over.
    const fn width(self) -> (f32, f32) {
        match self {
            Self::Switch => (44.0, 0.0),
            Self::Service => (128.0, 2.4),
            Self::Ports => (76.0, 0.6),
            Self::MetalLb => (112.0, 0.8),
            Self::ClusterIp => (106.0, 0.5),
            Self::Pods => (100.0, 2.0),
            Self::Local => (132.0, 0.3),
            Self::State => (108.0, 1.0),
        }
    }

    /// What stands above it, and what a click on that sorts by.
    const fn headers(self) -> &'static [(Id, SortBy)] {
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
            Self::State => &[(id!("column-state"), SortBy::State)],
        }
    }
}

/// The columns that fit into `available`, and how wide each is. What the details show as well goes first.
fn columns(available: f32) -> Vec<(ListColumn, f32)> {
    let mut shown = ListColumn::ALL.to_vec();
    for dispensable in [ListColumn::ClusterIp, ListColumn::Pods] {
        if least(&shown) > available {
            shown.retain(|column| *column != dispensable);
        }
    }
    let spare = (available - least(&shown)).max(0.0);
    let shares: f32 = shown.iter().map(|column| column.width().1).sum();
    let width = |column: ListColumn| {
        let (least, part) = column.width();
        least + spare * part / shares
    };
    shown
        .into_iter()
        .map(|column| (column, width(column).floor()))
        .collect()
}

fn least(columns: &[ListColumn]) -> f32 {
    columns.iter().map(|column| column.width().0 + GAP).sum()
}

pub(super) fn list_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing = egui::vec2(GAP, 0.0);
    let available = ui.available_width() - ui.spacing().scroll.allocated_width() - 4.0;
    let columns = columns(available);
    let mut table = TableBuilder::new(ui)
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .min_scrolled_height(60.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for (_, width) in &columns {
        table = table.column(Column::exact(*width).clip(true));
    }
    if std::mem::take(&mut scene.view.reveal) {
        let selected = scene.view.selected.as_ref();
        if let Some(row) = selected.and_then(|id| scene.rows.position(id)) {
            table = table.scroll_to_row(row, None).animate_scrolling(false);
        }
    }
    table
        .header(theme::HEADER_HEIGHT, |mut header| {
            for (column, _) in &columns {
                header.col(|ui| header_ui(ui, *column, scene));
            }
        })
        .body(|body| {
            let count = scene.rows.len();
            body.rows(theme::ROW_HEIGHT, count, |row| row_ui(row, &columns, scene));
        });
}

fn header_ui(ui: &mut Ui, column: ListColumn, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.x = 10.0;
    for (name, by) in column.headers() {
        sort_button_ui(ui, scene.lang.text(*name), *by, scene);
    }
}

fn sort_button_ui(ui: &mut Ui, name: &str, by: SortBy, scene: &mut Scene<'_>) {
    let palette = theme::palette(ui);
    let font = theme::strong_font(11.5);
    let sorted = (scene.view.sorting.by == by).then_some(scene.view.sorting.descending);
    let text = |color| {
        ui.fonts_mut(|fonts| fonts.layout_no_wrap(name.to_owned(), font.clone(), color))
            .size()
            .x
    };
    let width = text(palette.weak) + if sorted.is_some() { 14.0 } else { 0.0 };
    let size = egui::vec2(width.min(ui.available_width()), theme::HEADER_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            tr!(scene, "list-sort-by", column = name),
        )
    });
    let color = match (response.hovered() || response.has_focus(), sorted) {
        (false, None) => palette.weak,
        _ => palette.text,
    };
    widgets::paint_text(ui, rect, name, font, color);
    if let Some(descending) = sorted {
        let icon = if descending { Icon::Down } else { Icon::Up };
        let center = egui::pos2(rect.right() - 6.0, rect.center().y);
        icons::paint_sized(ui.painter(), icon, center, 11.0, palette.accent);
    }
    if response.clicked() {
        scene.view.sorting = scene.view.sorting.clicked(by);
    }
}

fn row_ui(mut table_row: TableRow<'_, '_>, columns: &[(ListColumn, f32)], scene: &mut Scene<'_>) {
    let rows = scene.rows;
    let Some(row) = rows.get(table_row.index()) else {
        return;
    };
    let is_selected = scene.view.selected.as_ref() == Some(&row.id);
    table_row.set_selected(is_selected);
    let above = table_row
        .index()
        .checked_sub(1)
        .and_then(|index| rows.get(index));
    let is_repeated = above.is_some_and(|above| is_same_service(above, row));
    for (column, _) in columns {
        table_row.col(|ui| match column {
            ListColumn::Switch => {
                line_ui(ui, columns);
                cells::switch_ui(ui, row, scene);
            }
            ListColumn::Service => cells::service_ui(ui, row, is_repeated),
            ListColumn::Ports => cells::port_ui(ui, row),
            ListColumn::MetalLb => cells::metal_lb_ui(ui, row),
            ListColumn::ClusterIp => cells::cluster_ip_ui(ui, row),
            ListColumn::Pods => cells::pods_ui(ui, row),
            ListColumn::Local => cells::local_ui(ui, row, scene),
            ListColumn::State => cells::state_ui(ui, row, scene),
        });
    }
    clicked(&table_row.response(), row, scene);
}

/// A quiet line under the whole row: the painters of cells do not reach across the space between them.
fn line_ui(ui: &Ui, columns: &[(ListColumn, f32)]) {
    let palette = theme::palette(ui);
    let rect = ui.max_rect();
    let width: f32 = columns.iter().map(|(_, width)| width + GAP).sum();
    let across = rect.left()..=(rect.left() + width - GAP);
    let clip = egui::Rect::from_x_y_ranges(across.clone(), ui.clip_rect().y_range());
    let painter = egui::Painter::new(ui.ctx().clone(), ui.layer_id(), clip);
    painter.hline(
        across,
        rect.bottom() - 0.5,
        egui::Stroke::new(1.0, palette.line),
    );
}

fn clicked(response: &Response, row: &Row, scene: &mut Scene<'_>) {
    if response.clicked() {
        // Not `select`: the row is under the pointer and must stay there.
        scene.view.selected = Some(row.id.clone());
    }
}

fn is_same_service(a: &Row, b: &Row) -> bool {
    let key = |row: &Row| match &row.id {
        RowId::Port(key, ..) => Some(key.clone()),
        RowId::Bare(_) | RowId::Tunnel(_) => None,
    };
    key(a).is_some_and(|a| Some(a) == key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_whatever_the_width() {
        for (available, count) in [(2500.0, 8), (874.0, 8), (800.0, 7), (700.0, 6)] {
            let columns = columns(available);
            assert_eq!(columns.len(), count, "{available}");
            let sum: f32 = columns.iter().map(|(_, width)| width + GAP).sum();
            assert!(sum <= available, "{available}: {sum}");
        }
    }
}
