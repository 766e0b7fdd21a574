//! The list of services, a row for each port.

use egui::{Align, Layout, PointerButton, Response, Role, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

use super::columns::{self, GAP, ListColumn};
use super::icons::Icon;
use super::listing::{Group, Item};
use super::rows::{Row, RowId};
use super::scene::Scene;
use super::sorting::{SortBy, Sorting};
use super::{cells, groups, icons, row_menu, theme, widgets};
use crate::l10n::tr;

/// Within how many points of a column's edge it is grasped.
const GRASP: f32 = 4.0;

pub(super) fn list_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing = vec2(GAP, 0.0);
    let available = ui.available_width() - ui.spacing().scroll.allocated_width() - 4.0;
    let columns = columns::columns(available, scene.window);
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
        if let Some(line) = selected.and_then(|id| scene.rows.line(id)) {
            table = table.scroll_to_row(line, None).animate_scrolling(false);
        }
    }
    table
        .header(theme::HEADER_HEIGHT, |mut header| {
            for (column, _) in &columns {
                header.col(|ui| header_ui(ui, *column, &columns, available, scene));
            }
        })
        .body(|body| {
            let items = scene.rows.items();
            body.rows(theme::ROW_HEIGHT, items.len(), |row| {
                match items.get(row.index()) {
                    Some(Item::Group(group)) => group_ui(row, &columns, group, scene),
                    Some(Item::Row(index)) => row_ui(row, &columns, *index, scene),
                    None => {}
                }
            });
        });
}

fn header_ui(
    ui: &mut Ui,
    column: ListColumn,
    columns: &[(ListColumn, f32)],
    available: f32,
    scene: &mut Scene<'_>,
) {
    edge_ui(ui, column, columns, available, scene);
    ui.spacing_mut().item_spacing.x = 10.0;
    if column == ListColumn::Service {
        // Above the names, which stand beside the stars.
        ui.add_space(cells::STAR + 4.0 - 10.0);
    }
    for (name, by) in column.headers() {
        let response = sort_button_ui(ui, scene.lang.text(*name), *by, scene);
        response.context_menu(|ui| columns_menu_ui(ui, scene));
    }
}

/// The right edge of a column, by which it is drawn wider or narrower; a double click gives the width back to Adit.
fn edge_ui(
    ui: &mut Ui,
    column: ListColumn,
    columns: &[(ListColumn, f32)],
    available: f32,
    scene: &mut Scene<'_>,
) {
    let own = columns.iter().find(|(other, _)| *other == column);
    let Some((_, width)) = own.filter(|_| column != ListColumn::Switch) else {
        return;
    };
    let cell = ui.max_rect();
    let edge = cell.left() + width + GAP / 2.0;
    let rect = egui::Rect::from_x_y_ranges((edge - GRASP)..=(edge + GRASP), cell.y_range());
    // It lies in the gap beside the cell, where the cell's own clip would leave little of it.
    let id = ui.unique_id().with("edge");
    let mut beside = ui.new_child(egui::UiBuilder::new().max_rect(rect));
    beside.set_clip_rect(rect);
    // A pointer's alone: it is no stop on the keyboard's way.
    let response = beside.interact(rect, id, Sense::CLICK | Sense::DRAG);
    response.widget_info(|| {
        let column = scene.lang.text(column.title());
        let name = tr!(scene, "list-column-width", column = column);
        WidgetInfo::labeled(Role::Splitter, true, name)
    });
    if response.hovered() || response.dragged() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
        let stroke = egui::Stroke::new(2.0, theme::palette(ui).accent);
        beside.painter().vline(edge, cell.y_range(), stroke);
    }
    if response.dragged_by(PointerButton::Primary)
        && let Some(pointer) = response.interact_pointer_pos()
    {
        // Measured from where the first column begins.
        let begin = cell.left() + width - columns::right_edge(column, columns);
        let right = pointer.x - GAP / 2.0 - begin;
        let width = columns::width_to(column, right, available, scene.window);
        let widths = &mut scene.window.column_widths;
        widths.insert(column.name().to_owned(), width);
    }
    if response.double_clicked() {
        scene.window.column_widths.remove(column.name());
    }
}

/// Which columns are shown.
pub(super) fn columns_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    for column in ListColumn::ALL {
        if !column.can_be_hidden() {
            continue;
        }
        let hidden = &mut scene.window.hidden_columns;
        let mut is_shown = !hidden.contains(column.name());
        if ui
            .checkbox(&mut is_shown, scene.lang.text(column.title()))
            .changed()
        {
            if is_shown {
                hidden.remove(column.name());
            } else {
                hidden.insert(column.name().to_owned());
            }
        }
    }
    ui.separator();
    if ui.button(tr!(ui, "list-reset-columns")).clicked() {
        scene.window.hidden_columns.clear();
        scene.window.column_widths.clear();
        ui.close();
    }
}

fn sort_button_ui(ui: &mut Ui, name: &str, by: SortBy, scene: &mut Scene<'_>) -> Response {
    let palette = theme::palette(ui);
    let font = theme::strong_font(11.5);
    let sorting = Sorting::of_settings(scene.window.sorting.as_ref());
    let sorted = (sorting.by == by).then_some(sorting.descending);
    let text = |color| {
        ui.fonts_mut(|fonts| fonts.layout_no_wrap(name.to_owned(), font.clone(), color))
            .size()
            .x
    };
    let width = text(palette.weak) + if sorted.is_some() { 14.0 } else { 0.0 };
    let size = vec2(width.min(ui.available_width()), theme::HEADER_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        let name = tr!(scene, "list-sort-by", column = name);
        WidgetInfo::labeled(Role::Button, true, name)
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
        scene.window.sorting = sorting.clicked(by).to_settings();
    }
    response
}

fn row_ui(
    mut table_row: TableRow<'_, '_>,
    columns: &[(ListColumn, f32)],
    index: usize,
    scene: &mut Scene<'_>,
) {
    let rows = scene.rows;
    let Some(row) = rows.get(index) else { return };
    let is_lead = scene.view.selected.as_ref() == Some(&row.id);
    table_row.set_selected(is_lead || scene.view.marked.contains(&row.id));
    let above = index.checked_sub(1).and_then(|index| rows.get(index));
    let is_repeated = above.is_some_and(|above| is_same_service(above, row));
    for (column, _) in columns {
        table_row.col(|ui| match column {
            ListColumn::Switch => {
                line_ui(ui, columns);
                cells::switch_ui(ui, row, scene);
            }
            ListColumn::Service => cells::service_ui(ui, row, is_repeated, scene),
            ListColumn::Ports => cells::port_ui(ui, row),
            ListColumn::MetalLb => cells::metal_lb_ui(ui, row),
            ListColumn::ClusterIp => cells::cluster_ip_ui(ui, row),
            ListColumn::Pods => cells::pods_ui(ui, row),
            ListColumn::Local => cells::local_ui(ui, row, scene),
            ListColumn::Traffic => cells::traffic_ui(ui, row, scene),
            ListColumn::State => cells::state_ui(ui, row, scene),
        });
    }
    let response = table_row.response();
    response.context_menu(|ui| row_menu::row_menu_ui(ui, row, scene));
    clicked(&response, row, scene);
}

fn group_ui(
    mut table_row: TableRow<'_, '_>,
    columns: &[(ListColumn, f32)],
    group: &Group,
    scene: &mut Scene<'_>,
) {
    let mut left = None;
    for (index, _) in columns.iter().enumerate() {
        table_row.col(|ui| {
            let left = *left.get_or_insert(ui.max_rect().left());
            if index == 0 {
                line_ui(ui, columns);
            }
            // The last cell paints over the others: their grounds would cover what reaches into them.
            if index + 1 == columns.len() {
                groups::head_ui(ui, left, width(columns), group, scene);
            }
        });
    }
}

/// The width of a whole line.
fn width(columns: &[(ListColumn, f32)]) -> f32 {
    columns.iter().map(|(_, width)| width + GAP).sum::<f32>() - GAP
}

/// A quiet line under the whole row: the painters of cells do not reach across the space between them.
fn line_ui(ui: &Ui, columns: &[(ListColumn, f32)]) {
    let palette = theme::palette(ui);
    let rect = ui.max_rect();
    let across = rect.left()..=(rect.left() + width(columns));
    let clip = egui::Rect::from_x_y_ranges(across.clone(), ui.clip_rect().y_range());
    let painter = egui::Painter::new(ui.ctx().clone(), ui.layer_id(), clip);
    painter.hline(
        across,
        rect.bottom() - 0.5,
        egui::Stroke::new(1.0, palette.line),
    );
}

/// A click selects; with Ctrl it marks one more row, with Shift all from the last one clicked.
fn clicked(response: &Response, row: &Row, scene: &mut Scene<'_>) {
    if !response.clicked() {
        return;
    }
    let modifiers = response.ctx.input(|input| input.modifiers);
    let view = &mut *scene.view;
    // Not `select`: the row is under the pointer and must stay there.
    if modifiers.command {
        if view.marked.is_empty() {
            view.marked.extend(view.selected.clone());
        }
        if !view.marked.remove(&row.id) {
            view.marked.insert(row.id.clone());
        }
    } else if modifiers.shift {
        scene.mark_to(&row.id);
        return;
    } else {
        view.marked.clear();
    }
    view.selected = Some(row.id.clone());
}

fn is_same_service(a: &Row, b: &Row) -> bool {
    let key = |row: &Row| match &row.id {
        RowId::Port(key, ..) => Some(key.clone()),
        RowId::Bare(_) | RowId::Tunnel(_) => None,
    };
    key(a).is_some_and(|a| Some(a) == key(b))
}
