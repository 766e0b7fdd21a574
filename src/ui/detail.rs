//! The details of the selected row: what is wrong and what to do first, then the way, then the facts.

use egui::{Align, CornerRadius, Frame, Layout, Margin, OpenUrl, Panel, ScrollArea, Stroke, Ui};

use super::diagram_view::{self, Motion};
use super::icons::Icon;
use super::rows::{Row, RowId};
use super::scene::Scene;
use super::{activity, cells, facts, icons, probe_view, save, theme, widgets, words};
use crate::diagram;
use crate::l10n::{Speaks as _, tr};
use crate::model::{
    Command, Fault, FaultCause, Finding, Intent, Light, LocalBind, Severity, Target, TunnelId,
    TunnelState, printable,
};

/// In a window that is lower, details beside the list take more of its width.
const LOW: f32 = 480.0;
/// In a window that is lower than this, they take the place of the list.
const NO_ROOM: f32 = 280.0;
/// From this width on they are beside it.
const LOW_AND_WIDE: f32 = 880.0;
/// Narrower details below the list have one column.
const STACKED: f32 = 560.0;
/// The width of a title that has room for all buttons beside it.
const ROOMY: f32 = 640.0;
/// What the buttons of a fault need beside its words.
const FAULT_BUTTONS: f32 = 250.0;
/// The space between two columns.
const COLUMN_GAP: f32 = 20.0;
/// The size of the button that copies what a card says.
const COPY: f32 = 20.0;

/// The panel, beside the list or below it; nothing where no row is selected.
pub(super) fn detail_panel_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rows = scene.rows;
    let Some(row) = scene.view.selected.as_ref().and_then(|id| rows.find(id)) else {
        return;
    };
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.window).inner_margin(Margin {
        left: 14,
        right: 6,
        top: 12,
        bottom: 8,
    });
    let area = ui.available_size();
    let is_low = area.y < LOW;
    let is_wide = area.x >= if is_low { LOW_AND_WIDE } else { theme::WIDE };
    // Too narrow for two columns: all of it below each other.
    let is_stacked = is_wide && !is_low || area.x < STACKED;
    let panel = if is_wide && is_low {
        // Where there is width and no height, the way lies across.
        Panel::right("details beside, low")
            .default_size((area.x * 0.56).max(STACKED))
            .size_range(STACKED..=area.x * 0.65)
    } else if is_wide {
        let width = (area.x - 900.0).clamp(370.0, 470.0);
        Panel::right("details beside")
            .default_size(width)
            .size_range(340.0..=area.x * 0.5)
    } else {
        below(area.y)
    };
    panel.frame(frame).show(ui, |ui| {
        title_ui(ui, row, scene, is_stacked);
        ui.add_space(4.0);
        ScrollArea::vertical()
            .auto_shrink(false)
            .id_salt(row.id.label(scene.lang))
            .show(ui, |ui| {
                ui.set_width(ui.available_width() - 8.0);
                body_ui(ui, row, scene, is_stacked);
            });
    });
}

/// Below the list; in place of it where there is no height for both.
fn below(height: f32) -> Panel {
    if height < NO_ROOM {
        return Panel::bottom("details alone")
            .resizable(false)
            .exact_size(height);
    }
    let most = height - 130.0;
    Panel::bottom("details below")
        .resizable(true)
        .default_size((height * 0.54).max(150.0).min(most))
        .size_range(120.0..=most)
}

/// The name of what is shown; where there is little height, also how it is doing.
fn title_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>, is_wide: bool) {
    ui.horizontal(|ui| {
        let room = ui.available_width();
        let width = room * if is_wide { 1.0 } else { 0.5 } - 40.0;
        let label = row.id.label(scene.lang);
        let text = theme::title(&label);
        let galley = egui::WidgetText::from(text.clone()).into_galley(
            ui,
            Some(egui::TextWrapMode::Extend),
            f32::INFINITY,
            egui::TextStyle::Heading,
        );
        ui.allocate_ui(egui::vec2(galley.size().x.min(width) + 1.0, 24.0), |ui| {
            ui.add(egui::Label::new(text).truncate());
        });
        if !is_wide {
            pill_ui(ui, row, scene);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widgets::icon_button_ui(ui, Icon::Close, tr!(scene, "details-close")).clicked() {
                scene.view.selected = None;
            }
            if !is_wide {
                ui.add_space(4.0);
                buttons_ui(ui, row, scene, room >= ROOMY);
            }
        });
    });
}

fn pill_ui(ui: &mut Ui, row: &Row, scene: &Scene<'_>) {
    if row.id.tunnel().is_some() {
        let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
        widgets::pill_ui(
            ui,
            scene.light(row),
            &words::state(scene.lang, tunnel, scene.now),
        );
    }
}

fn body_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>, is_wide: bool) {
    state_ui(ui, row, scene, is_wide);
    if let Some(fault) = row
        .tunnel(scene.snapshot)
        .and_then(|tunnel| tunnel.state.fault())
    {
        ui.add_space(4.0);
        fault_ui(ui, row, fault, scene, is_wide);
    }
    probe_view::report_ui(ui, row, scene);
    findings_ui(ui, row);
    ui.add_space(theme::GROUP_GAP);
    let graph = graph(row, scene);
    let across = graph
        .as_ref()
        .filter(|_| !is_wide)
        .and_then(|graph| diagram_view::across(ui, graph));
    match &graph {
        // A way that goes down leaves room beside itself.
        Some(graph) if !is_wide && across.is_none() => {
            two_columns_ui(ui, |left, right| {
                way_ui(left, row, graph, None, scene);
                route_ui(right, row, scene);
                facts::facts_ui(right, row, scene);
            });
        }
        _ => {
            if let Some(graph) = &graph {
                way_ui(ui, row, graph, across, scene);
                ui.add_space(theme::GROUP_GAP);
            }
            if is_wide {
                route_ui(ui, row, scene);
                facts::facts_ui(ui, row, scene);
            } else {
                two_columns_ui(ui, |left, right| {
                    route_ui(left, row, scene);
                    facts::facts_ui(right, row, scene);
                });
            }
        }
    }
    activity::activity_ui(ui, row, scene);
    ui.add_space(4.0);
}

/// Two columns side by side, with room between them.
fn two_columns_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui, &mut Ui)) {
    ui.scope(|ui| {
        let within = std::mem::replace(&mut ui.spacing_mut().item_spacing.x, COLUMN_GAP);
        ui.columns_const(|[left, right]| {
            // Columns would stretch their words from edge to edge.
            let words = Layout::top_down(Align::Min);
            left.with_layout(words, |left| {
                right.with_layout(words, |right| {
                    left.spacing_mut().item_spacing.x = within;
                    right.spacing_mut().item_spacing.x = within;
                    add(left, right);
                });
            });
        });
    });
}

/// The drawing of the way, with its head.
fn way_ui(
    ui: &mut Ui,
    row: &Row,
    graph: &diagram::Graph,
    across: Option<diagram::Layout>,
    scene: &mut Scene<'_>,
) {
    way_head_ui(ui, row, graph, scene);
    ui.add_space(2.0);
    let id = row.id.tunnel();
    let rate = id.and_then(|id| scene.meter.rate(&id, scene.now));
    let motion = Motion {
        rate,
        animate: scene.animate,
        flow: !scene.window.reduced_motion,
    };
    diagram_view::diagram_ui(ui, graph, across, motion);
}

/// What the drawing is, and what can be done with it.
fn way_head_ui(ui: &mut Ui, row: &Row, graph: &diagram::Graph, scene: &mut Scene<'_>) {
    let Some(id) = row.id.tunnel() else { return };
    ui.horizontal(|ui| {
        ui.label(theme::caption(ui, tr!(ui, "details-way")));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            save::buttons_ui(ui, graph, &id, scene);
            probe_view::icon_button_ui(ui, row, scene);
        });
    });
    save::outcome_ui(ui, &id, scene);
}

fn graph(row: &Row, scene: &Scene<'_>) -> Option<diagram::Graph> {
    let graph = diagram::of_tunnel_in(scene.snapshot, &row.id.tunnel()?, scene.lang)?;
    Some(match probe_view::drawn(row, scene) {
        Some(report) => graph.probed(&report, scene.lang),
        None => graph,
    })
}

/// The state in words, and the address to go to.
fn state_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>, is_wide: bool) {
    if row.id.tunnel().is_none() {
        ui.label(cells::not_tunnellable(scene.lang, row));
        return;
    }
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let is_faulty = tunnel.is_some_and(|tunnel| tunnel.state.fault().is_some());
    if is_wide || !is_faulty {
        ui.horizontal_wrapped(|ui| {
            if is_wide {
                pill_ui(ui, row, scene);
            }
            ui.label(theme::weak(
                ui,
                words::sentence(scene.lang, tunnel, scene.now),
            ));
            if !is_wide {
                address_ui(ui, row, scene);
            }
        });
    }
    if is_wide {
        ui.horizontal_wrapped(|ui| buttons_ui(ui, row, scene, true));
        ui.horizontal_wrapped(|ui| address_ui(ui, row, scene));
    }
}

/// What can be done: open, close, go there.
fn buttons_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>, is_roomy: bool) {
    let Some(id) = row.id.tunnel() else { return };
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let is_open = tunnel.is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }));
    if let (Some(url), true) = (url(row, scene), is_open)
        && widgets::primary_button_ui(ui, tr!(scene, "details-open-browser"))
            .on_hover_text(&url)
            .clicked()
    {
        ui.ctx().open_url(OpenUrl::new_tab(&url));
    }
    if scene.intent(&id) == Intent::Up {
        if ui.button(tr!(scene, "details-close-tunnel")).clicked() {
            scene.toggle(row);
        }
    } else if widgets::primary_button_ui(ui, tr!(scene, "details-open")).clicked() {
        scene.toggle(row);
    }
    // The drawing has a sign for it.
    if is_roomy {
        probe_view::button_ui(ui, row, scene);
    }
}

fn url(row: &Row, scene: &Scene<'_>) -> Option<String> {
    let port = row.port().map_or(0, |port| port.number);
    words::url(row.tunnel(scene.snapshot)?, port)
}

/// Where to go, or where one would.
fn address_ui(ui: &mut Ui, row: &Row, scene: &Scene<'_>) {
    if let Some(url) = url(row, scene) {
        ui.label(theme::mono(&url));
        widgets::copy_button_ui(ui, &url, tr!(ui, "details-copy-url"));
        return;
    }
    if scene.light(row) != Light::Grey {
        return;
    }
    let port = row.port().map_or(0, |port| port.number);
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let local = words::planned_local(tunnel, port);
    ui.label(theme::weak(ui, tr!(ui, "details-would-be", local = local)));
}

/// What broke, what to do, and the buttons that do it.
fn fault_ui(ui: &mut Ui, row: &Row, fault: &Fault, scene: &mut Scene<'_>, is_wide: bool) {
    let Some(id) = row.id.tunnel() else { return };
    let light = scene.light(row);
    let what = words::first_upper(&printable(&scene.lang.fault(fault)));
    let next = printable(&scene.lang.next_step(fault)).into_owned();
    let words = format!("{what}. {next}");
    card_ui(ui, light, |ui| {
        let color = theme::lamp(theme::palette(ui), light).text;
        ui.horizontal_top(|ui| {
            card_mark_ui(ui, Light::Red);
            let beside = if is_wide { 0.0 } else { FAULT_BUTTONS };
            let width = ui.available_width() - beside;
            ui.allocate_ui_with_layout(
                egui::vec2(width, 0.0),
                Layout::top_down(Align::Min),
                |ui| {
                    ui.set_width(width);
                    let text = egui::RichText::new(what).color(color);
                    ui.label(text.font(theme::strong_font(13.5)));
                    ui.label(next);
                    if is_wide {
                        ui.add_space(2.0);
                        ui.horizontal(|ui| fault_buttons_ui(ui, &id, fault, scene, &words));
                    }
                },
            );
            if !is_wide {
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    fault_buttons_ui(ui, &id, fault, scene, &words);
                });
            }
        });
    });
}

/// The sign of a card, on the height of its first line.
fn card_mark_ui(ui: &mut Ui, light: Light) {
    ui.vertical(|ui| {
        ui.add_space(2.5);
        if light == Light::Amber {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(13.0), egui::Sense::hover());
            let color = theme::palette(ui).amber.fill;
            icons::paint_sized(ui.painter(), Icon::Warning, rect.center(), 13.0, color);
        } else {
            widgets::mark_ui(ui, light);
        }
    });
}

fn fault_buttons_ui(ui: &mut Ui, id: &TunnelId, fault: &Fault, scene: &mut Scene<'_>, words: &str) {
    if let FaultCause::PortInUse {
        free_port: Some(port),
        ..
    } = fault.cause
        && widgets::primary_button_ui(ui, &tr!(scene, "details-use-port", port = port.to_string()))
            .clicked()
    {
        let local = moved(scene, id, port);
        scene.commands.push(Command::SetLocal {
            id: id.clone(),
            local,
        });
    }
    if ui.button(tr!(scene, "try-again")).clicked() {
        scene.commands.push(Command::RetryNow(id.clone()));
    }
    widgets::copy_button_ui(ui, words, tr!(scene, "copy-problem"));
}

/// Where the tunnel listens now, but on another port: the interface stays the person's choice.
pub(super) fn moved(scene: &Scene<'_>, id: &TunnelId, port: u16) -> LocalBind {
    match scene
        .snapshot
        .tunnels
        .get(id)
        .map(|tunnel| &tunnel.spec.local)
    {
        Some(LocalBind::Port { address, .. }) => LocalBind::Port {
            address: address.clone(),
            port,
        },
        _ => LocalBind::loopback(port),
    }
}

fn findings_ui(ui: &mut Ui, row: &Row) {
    let Some(service) = &row.service else { return };
    let mut findings: Vec<&Finding> = service.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        let light = match finding.severity {
            Severity::Info => Light::Grey,
            Severity::Warning => Light::Amber,
            Severity::Error => Light::Red,
        };
        let told = ui.lang().finding(finding);
        let (message, hint) = (printable(&told.what), printable(&told.next));
        let words = format!("{message} ({}). {hint}", finding.code);
        ui.add_space(4.0);
        card_ui(ui, light, |ui| {
            let color = theme::lamp(theme::palette(ui), light).text;
            ui.horizontal_top(|ui| {
                card_mark_ui(ui, light);
                let width = ui.available_width() - COPY - ui.spacing().item_spacing.x;
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.label(egui::RichText::new(message.as_ref()).color(color));
                    ui.label(hint.as_ref());
                });
                let name = tr!(ui, "copy-finding", what = message.as_ref());
                widgets::copy_button_sized_ui(ui, &words, &name, COPY);
            });
        });
    }
}

/// A box tinted like `light`.
fn card_ui(ui: &mut Ui, light: Light, add: impl FnOnce(&mut Ui)) {
    let lamp = theme::lamp(theme::palette(ui), light);
    let stroke = Stroke::new(1.0, theme::mixed(lamp.tint, lamp.fill, 0.35));
    let frame = Frame::new()
        .fill(lamp.tint)
        .stroke(stroke)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(10, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        add(ui);
    });
}

/// Which address the host dials: Adit's choice, or the person's.
fn route_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let (Some(id), Some(service), RowId::Port(_, port, _)) =
        (row.id.tunnel(), &row.service, &row.id)
    else {
        return;
    };
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let chosen = match tunnel.map(|tunnel| &tunnel.spec.target) {
        Some(Target::Service { route, .. }) => *route,
        _ => None,
    };
    let planned = diagram::planned(service, *port, tunnel);
    ui.label(theme::caption(ui, tr!(ui, "details-route")));
    let mut picked = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 7.0;
        let choices = [None].into_iter().chain(crate::model::Route::ALL.map(Some));
        for choice in choices {
            let name = choice.map_or_else(
                || tr!(scene, "details-route-auto").to_owned(),
                |route| route.to_string(),
            );
            let is_chosen = chosen == choice;
            let response = ui
                .add(egui::Button::selectable(is_chosen, name.as_str()).frame_when_inactive(true));
            let response =
                response.accessible_name(tr!(scene, "details-route-name", route = &name));
            if response.clicked() && !is_chosen {
                picked = Some(choice);
            }
        }
    });
    let reason = tunnel.and_then(|tunnel| tunnel.route_reason.as_ref());
    let text = match (planned.map(|planned| planned.route), reason) {
        (Some(route), Some(reason)) => tr!(
            scene,
            "details-route-because",
            route = route.to_string(),
            reason = printable(&scene.lang.say(reason)),
        ),
        (Some(route), None) => tr!(scene, "details-route-planned", route = route.to_string()),
        (None, _) => tr!(scene, "details-route-none").to_owned(),
    };
    ui.label(theme::weak(ui, text));
    ui.add_space(theme::GROUP_GAP);
    if let Some(route) = picked {
        scene.commands.push(Command::SetRoute { id, route });
    }
}
