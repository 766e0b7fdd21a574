//! The address map: which addresses there are on the other side of the wall, who has them, and which clash.

use std::sync::Arc;

use egui::{
    CornerRadius, Frame, Margin, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, vec2,
};

use super::scene::Scene;
use super::theme::Palette;
use super::{theme, widgets};
use crate::diagram::{
    AddressMap, Clash, NodePlace, PoolMap, RangeMap, Slot, SlotState, address_map,
};
use crate::l10n::{Speaks as _, tr};
use crate::model::{
    AddressRange, Family, ServiceKey, Severity, Snapshot, address_of, number_of, printable,
};

/// The side of a cell.
const CELL: f32 = 15.0;
/// The space between cells.
const GAP: f32 = 3.0;
/// A range of no more addresses has a cell for each.
const MOST_CELLS: u128 = 256;
/// How many runs of a larger one are listed.
const MOST_RUNS: usize = 60;
/// How many open tunnels are listed.
const MOST_DOORS: usize = 30;

/// The map of the newest snapshot, kept until what it is made of changes.
#[derive(Debug, Default)]
pub(super) struct MapCache {
    of: Option<Arc<AddressMap>>,
    from: Option<Box<Snapshot>>,
}

impl MapCache {
    fn get(&mut self, snapshot: &Snapshot) -> Arc<AddressMap> {
        let is_current = self.from.as_ref().is_some_and(|from| {
            let same = |a: Option<*const ()>, b| a == b;
            from.cluster.services.ptr_eq(&snapshot.cluster.services)
                && from.tunnels.ptr_eq(&snapshot.tunnels)
                && same(
                    address(from.cluster.pools.as_ref()),
                    address(snapshot.cluster.pools.as_ref()),
                )
                && same(
                    address(from.cluster.nodes.as_ref()),
                    address(snapshot.cluster.nodes.as_ref()),
                )
        });
        if let (true, Some(map)) = (is_current, &self.of) {
            return Arc::clone(map);
        }
        let map = Arc::new(address_map(snapshot));
        self.of = Some(Arc::clone(&map));
        self.from = Some(Box::new(snapshot.clone()));
        map
    }
}

fn address<T>(list: Option<&Arc<[T]>>) -> Option<*const ()> {
    list.map(|list| Arc::as_ptr(list).cast())
}

pub(super) fn map_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let map = scene.view.map.get(scene.snapshot);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new()
            .inner_margin(Margin::symmetric(14, 12))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.label(theme::title(tr!(ui, "map-title")));
                ui.add_space(8.0);
                if ui.available_width() >= 760.0 {
                    ui.horizontal_top(|ui| {
                        let side = 230.0;
                        ui.allocate_ui(vec2(side, 0.0), |ui| {
                            ui.set_width(side);
                            ui.vertical(|ui| near_ui(ui, &map, scene));
                        });
                        let wall = ui.available_rect_before_wrap().left_top();
                        ui.add_space(44.0);
                        let bottom = ui.vertical(|ui| far_ui(ui, &map)).response.rect.bottom();
                        wall_ui(ui, wall + vec2(14.0, 0.0), bottom);
                    });
                } else {
                    near_ui(ui, &map, scene);
                    ui.add_space(theme::GROUP_GAP);
                    ui.label(theme::weak(ui, tr!(ui, "map-wall")));
                    ui.add_space(theme::GROUP_GAP);
                    far_ui(ui, &map);
                }
            });
    });
}

/// The wall between this computer and the cluster's network.
fn wall_ui(ui: &Ui, top: egui::Pos2, bottom: f32) {
    let palette = theme::palette(ui);
    let stroke = Stroke::new(1.0, palette.line_strong);
    let rect = Rect::from_min_max(top, egui::pos2(top.x + 14.0, bottom));
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(3),
        palette.sunken,
        stroke,
        StrokeKind::Inside,
    );
    // Bricks: rows of 12 points, every other one shifted.
    let mut y = rect.top();
    let mut is_shifted = false;
    while y < rect.bottom() {
        painter.hline(rect.x_range(), y, Stroke::new(1.0, palette.line));
        let x = if is_shifted {
            rect.left() + 4.5
        } else {
            rect.left() + 9.5
        };
        painter.vline(
            x,
            y..=(y + 12.0).min(rect.bottom()),
            Stroke::new(1.0, palette.line),
        );
        is_shifted = !is_shifted;
        y += 12.0;
    }
}

/// This side of the wall.
fn near_ui(ui: &mut Ui, map: &AddressMap, scene: &Scene<'_>) {
    section_ui(ui, tr!(ui, "map-you"), tr!(ui, "map-you-about"), |ui| {
        let host = scene.snapshot.selected_host.as_ref();
        if let Some(host) = host.and_then(|id| scene.snapshot.host(id)) {
            let login = printable(&host.profile.login()).into_owned();
            ui.label(tr!(ui, "map-through", host = login));
        }
        if map.doors.is_empty() {
            ui.label(theme::weak(ui, tr!(ui, "map-no-doors")));
        }
        for door in map.doors.iter().take(MOST_DOORS) {
            ui.add_space(2.0);
            ui.label(printable(&door.name).as_ref());
            ui.label(theme::mono(format!(
                "{} → {}",
                door.local, door.destination
            )));
        }
        let more = map.doors.len().saturating_sub(MOST_DOORS);
        if more > 0 {
            ui.label(theme::weak(ui, tr!(ui, "map-more", count = more)));
        }
    });
}

/// The cluster's side.
fn far_ui(ui: &mut Ui, map: &AddressMap) {
    section_ui(
        ui,
        tr!(ui, "map-pools"),
        tr!(ui, "map-pools-about"),
        |ui| match &map.pools {
            None => unseen_ui(ui),
            Some(pools) if pools.is_empty() => {
                ui.label(theme::weak(ui, tr!(ui, "map-no-pools")));
            }
            Some(pools) => {
                legend_ui(ui);
                for pool in pools {
                    pool_ui(ui, pool);
                }
            }
        },
    );
    section_ui(ui, tr!(ui, "map-nodes"), tr!(ui, "map-nodes-about"), |ui| {
        at_least_ui(ui, &map.node_blocks);
        match &map.nodes {
            None => unseen_ui(ui),
            Some(nodes) => nodes_ui(ui, nodes),
        }
    });
    section_ui(
        ui,
        tr!(ui, "map-services"),
        tr!(ui, "map-services-about"),
        |ui| {
            at_least_ui(ui, &map.service_blocks);
            ui.label(theme::weak(
                ui,
                tr!(ui, "map-services-seen", count = map.cluster_ips),
            ));
        },
    );
    section_ui(
        ui,
        tr!(ui, "map-pods"),
        tr!(ui, "map-pods-about"),
        |ui| match &map.pod_blocks {
            None => unseen_ui(ui),
            Some(blocks) if blocks.is_empty() => {
                ui.label(theme::weak(ui, tr!(ui, "map-pods-unknown")));
            }
            Some(blocks) => {
                egui::Grid::new("pod blocks")
                    .num_columns(2)
                    .spacing([16.0, 3.0])
                    .show(ui, |ui| {
                        for (block, node) in blocks {
                            ui.label(theme::mono(printable(block)));
                            ui.label(theme::weak(ui, printable(node)));
                            ui.end_row();
                        }
                    });
            }
        },
    );
}

fn unseen_ui(ui: &mut Ui) {
    ui.label(theme::weak(ui, tr!(ui, "map-unseen")));
}

fn at_least_ui(ui: &mut Ui, blocks: &[String]) {
    for block in blocks {
        ui.label(tr!(ui, "map-at-least", block = block.clone()));
    }
}

/// A card with a heading and a sentence that explains it.
fn section_ui(ui: &mut Ui, name: &str, about: &str, add: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(12, 10));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(theme::strong(name));
        ui.label(theme::weak(ui, about));
        ui.add_space(4.0);
        add(ui);
    });
    ui.add_space(6.0);
}

fn nodes_ui(ui: &mut Ui, nodes: &[NodePlace]) {
    egui::Grid::new("nodes")
        .num_columns(3)
        .spacing([16.0, 3.0])
        .show(ui, |ui| {
            for node in nodes {
                ui.label(printable(&node.name).as_ref());
                let join = |ips: &[std::net::IpAddr]| {
                    ips.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                ui.label(theme::mono(join(&node.internal)));
                let mut more = Vec::new();
                if !node.external.is_empty() {
                    more.push(tr!(ui, "map-outside", ips = join(&node.external)));
                }
                if node.ready == Some(false) {
                    more.push(tr!(ui, "map-not-ready").to_owned());
                }
                ui.label(theme::weak(ui, more.join(" · ")));
                ui.end_row();
            }
        });
}

fn legend_ui(ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        for (look, name) in [
            (Look::Free, tr!(ui, "map-free")),
            (Look::Used, tr!(ui, "map-used")),
            (Look::Clash, tr!(ui, "map-clash")),
        ] {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(CELL), Sense::hover());
            paint_cell(ui, rect, look, false);
            ui.label(theme::weak(ui, name));
        }
    });
}

fn pool_ui(ui: &mut Ui, pool: &PoolMap) {
    ui.add_space(8.0);
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::strong(printable(&pool.name)));
        let mut words = Vec::new();
        if let Some(protocols) = &pool.protocols {
            words.push(match protocols[..] {
                [] => tr!(ui, "map-not-announced").to_owned(),
                _ => protocols
                    .join(", ")
                    .replace("layer2", "L2")
                    .replace("bgp", "BGP"),
            });
        }
        if !pool.auto_assign {
            words.push(tr!(ui, "map-on-request").to_owned());
        }
        ui.label(theme::weak(ui, words.join(" · ")));
    });
    for finding in &pool.findings {
        let palette = theme::palette(ui);
        let color = match finding.severity {
            Severity::Error => palette.red.text,
            Severity::Warning => palette.amber.text,
            Severity::Info => palette.weak,
        };
        let told = ui.lang().finding(finding);
        let what = egui::RichText::new(printable(&told.what)).color(color);
        ui.add(egui::Label::new(what).wrap());
        ui.add(egui::Label::new(theme::weak(ui, printable(&told.next))).wrap());
    }
    for range in &pool.ranges {
        range_ui(ui, range);
    }
}

fn range_ui(ui: &mut Ui, range: &RangeMap) {
    let text = printable(&range.text).into_owned();
    let Some(count) = range.count else {
        ui.label(tr!(ui, "map-no-range", text = text));
        return;
    };
    let words = if count > 1_000_000_000 {
        tr!(ui, "map-range-vast", range = text, used = range.used)
    } else {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        tr!(
            ui,
            "map-range",
            range = text,
            used = range.used,
            count = count
        )
    };
    ui.label(theme::mono(words));
    if count <= MOST_CELLS {
        cells_ui(ui, range);
    } else {
        runs_ui(ui, range);
    }
}

/// How an address is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Free,
    Used,
    Clash,
}

impl Look {
    const fn of(state: &SlotState) -> Self {
        match state {
            SlotState::Free => Self::Free,
            SlotState::Used(_) => Self::Used,
            SlotState::Clash { .. } => Self::Clash,
        }
    }
}

/// A cell for each address.
fn cells_ui(ui: &mut Ui, range: &RangeMap) {
    let addresses: Vec<(std::net::IpAddr, &Slot)> = range.slots.iter().flat_map(of_slot).collect();
    // As far apart from each other in both directions.
    let usual = std::mem::replace(&mut ui.spacing_mut().interact_size.y, CELL);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(GAP);
        for (ip, slot) in addresses {
            let (rect, response) = ui.allocate_exact_size(Vec2::splat(CELL), Sense::click());
            let words = slot_words(ui, &slot.state);
            let name = format!("{ip}: {words}");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.clone()));
            paint_cell(ui, rect, Look::of(&slot.state), response.hovered());
            if response.has_focus() {
                widgets::ring(ui, rect, theme::palette(ui));
            }
            if response.clicked() {
                widgets::copy(ui, response.id, &ip.to_string());
            }
            response.on_hover_text(name);
        }
    });
    ui.spacing_mut().interact_size.y = usual;
}

fn of_slot(slot: &Slot) -> impl Iterator<Item = (std::net::IpAddr, &Slot)> {
    let (first, last) = (slot.range.first(), slot.range.last());
    let addresses =
        (number_of(first)..=number_of(last)).map_while(move |n| address_of(n, Family::of(first)));
    addresses.map(move |ip| (ip, slot))
}

fn paint_cell(ui: &Ui, rect: Rect, look: Look, hovered: bool) {
    let palette = theme::palette(ui);
    let (fill, line) = cell_colors(palette, look);
    let stroke = if hovered {
        Stroke::new(1.5, palette.accent)
    } else {
        Stroke::new(1.0, line)
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(3),
        fill,
        stroke,
        StrokeKind::Inside,
    );
    if look == Look::Clash {
        // A shape of its own, for whoever sees no red.
        let stroke = Stroke::new(1.6, palette.knob);
        let inner = rect.shrink(4.5);
        painter.line_segment([inner.left_top(), inner.right_bottom()], stroke);
        painter.line_segment([inner.right_top(), inner.left_bottom()], stroke);
    }
}

const fn cell_colors(palette: &Palette, look: Look) -> (egui::Color32, egui::Color32) {
    match look {
        Look::Free => (palette.surface, palette.line_strong),
        Look::Used => (palette.accent, palette.accent),
        Look::Clash => (palette.red.fill, palette.red.fill),
    }
}

/// A line for each run of addresses of one use.
fn runs_ui(ui: &mut Ui, range: &RangeMap) {
    for slot in range.slots.iter().take(MOST_RUNS) {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = CELL;
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(CELL), Sense::hover());
            paint_cell(ui, rect, Look::of(&slot.state), false);
            ui.label(theme::mono(run_words(&slot.range)));
            let words = slot_words(ui, &slot.state);
            ui.add(egui::Label::new(theme::weak(ui, words)).truncate());
        });
    }
    let more = range.slots.len().saturating_sub(MOST_RUNS);
    if more > 0 {
        ui.label(theme::weak(ui, tr!(ui, "map-more", count = more)));
    }
}

fn run_words(range: &AddressRange) -> String {
    if range.first() == range.last() {
        range.first().to_string()
    } else {
        format!("{} – {}", range.first(), range.last())
    }
}

fn slot_words(ui: &Ui, state: &SlotState) -> String {
    let list = |keys: &[ServiceKey]| {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        printable(&keys.join(", ")).into_owned()
    };
    match state {
        SlotState::Free => tr!(ui, "map-free").to_owned(),
        SlotState::Used(by) => tr!(ui, "map-used-by", services = list(by)),
        SlotState::Clash { with, used_by } => {
            let clash = match with {
                Clash::Node(node) => tr!(ui, "map-clash-node", name = printable(node).into_owned()),
                Clash::Pods(node) => tr!(ui, "map-clash-pods", name = printable(node).into_owned()),
                Clash::ClusterIp(key) => tr!(
                    ui,
                    "map-clash-service",
                    name = list(std::slice::from_ref(key))
                ),
                Clash::Pool(pool) => tr!(ui, "map-clash-pool", name = printable(pool).into_owned()),
            };
            if used_by.is_empty() {
                clash
            } else {
                format!(
                    "{clash} · {}",
                    tr!(ui, "map-used-by", services = list(used_by))
                )
            }
        }
    }
}
