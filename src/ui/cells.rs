//! What stands in the cells of the list.

use std::fmt::Write as _;

use egui::{Color32, CursorIcon, FontId, OpenUrl, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::icons::{self, Icon};
use super::rows::{Row, RowId};
use super::scene::Scene;
use super::widgets::SwitchState;
use super::{sparkline, theme, widgets, words};
use crate::l10n::{Lang, Speaks as _, tr};
use crate::model::{
    Finding, Intent, LbService, Light, Protocol, ServicePhase, ServicePort, Severity, printable,
};

/// How many pods a tooltip lists.
const MOST_PODS_TOLD: usize = 40;
/// The height of a cell's first line.
const FIRST_LINE: f32 = 18.0;
/// The height of a cell's second line.
const SECOND_LINE: f32 = 15.0;
/// The size of a favourite's star.
pub(super) const STAR: f32 = 18.0;
/// The size of a button in a row.
const SMALL_BUTTON: f32 = 22.0;

pub(super) fn switch_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    ui.add_space(5.0);
    let tunnel = row.tunnel(scene.snapshot);
    let state = SwitchState {
        on: tunnel.is_some_and(|tunnel| tunnel.intent == Intent::Up),
        light: scene.light(row),
        enabled: row.id.tunnel().is_some(),
        moving: scene.animate && tunnel.is_some_and(|tunnel| words::is_moving(&tunnel.state)),
    };
    let lang = scene.lang;
    let response = widgets::switch_ui(ui, state, || row.id.label(lang));
    if response.clicked() {
        scene.toggle(row);
    }
    if !state.enabled {
        hover_text(response, || not_tunnellable(lang, row));
    }
}

/// Why there is nothing to switch.
pub(super) fn not_tunnellable(lang: Lang, row: &Row) -> String {
    match &row.id {
        RowId::Port(_, port, protocol) if *protocol != Protocol::Tcp => {
            tr!(
                lang,
                "row-not-tcp",
                port = port.to_string(),
                protocol = protocol.as_str()
            )
        }
        _ => tr!(lang, "row-no-port").to_owned(),
    }
}

pub(super) fn service_ui(ui: &mut Ui, row: &Row, is_repeated: bool, scene: &mut Scene<'_>) {
    let palette = theme::palette(ui);
    star_ui(ui, row, is_repeated, scene);
    // A service's further ports step back, so that services can be counted at a glance.
    let (font, color) = if is_repeated {
        (theme::body_font(13.5), palette.weak)
    } else {
        (theme::strong_font(13.5), palette.text)
    };
    let below = match row.key() {
        Some(_) => row.namespace(),
        None => row.id.label(scene.lang).into(),
    };
    lines_ui(ui, &below, |ui| {
        text_ui(ui, &row.name(), font, color);
    });
}

/// The star of a favourite. Of the others it shows only under the pointer, so that the list stays calm.
fn star_ui(ui: &mut Ui, row: &Row, is_repeated: bool, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let is_favourite = scene.is_favourite(row);
    let Some(key) = row.key().filter(|_| !is_repeated) else {
        ui.allocate_exact_size(vec2(STAR, STAR), Sense::hover());
        return;
    };
    let (rect, response) = ui.allocate_exact_size(vec2(STAR, STAR), Sense::click());
    let lang = scene.lang;
    let name = || tr!(lang, "cell-favourite", service = key.to_string());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_favourite, name()));
    let palette = theme::palette(ui);
    let is_near = ui.rect_contains_pointer(ui.max_rect()) || response.has_focus();
    if is_favourite {
        icons::paint(
            ui.painter(),
            Icon::StarFilled,
            rect.center(),
            palette.amber.fill,
        );
    } else if is_near {
        icons::paint(ui.painter(), Icon::Star, rect.center(), palette.weak);
    }
    if response.has_focus() {
        widgets::ring(ui, rect, palette);
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if hover_text(response, name).clicked() {
        scene.toggle_favourite(row);
    }
}

/// What moved lately, as a line and in words.
pub(super) fn traffic_ui(ui: &mut Ui, row: &Row, scene: &Scene<'_>) {
    let Some(id) = row.id.tunnel() else { return };
    let lately = scene.meter.lately(&id);
    let rate = scene.meter.rate(&id, scene.now);
    let total = row.tunnel(scene.snapshot).map_or(0, |tunnel| {
        let traffic = tunnel.traffic;
        traffic.down_bytes.saturating_add(traffic.up_bytes)
    });
    if total == 0 {
        return;
    }
    let cell = ui.available_rect_before_wrap();
    let words = match rate {
        Some(rate) => words::each_second(scene.lang, rate.down.saturating_add(rate.up)),
        None => words::bytes(total),
    };
    if lately.len() > 1 {
        let height = cell.height() - SECOND_LINE - 12.0;
        let line =
            egui::Rect::from_min_size(cell.min + vec2(0.0, 6.0), vec2(cell.width() - 6.0, height));
        sparkline::paint(ui, line, &lately, rate.is_some());
        let below = egui::Rect::from_min_max(
            line.left_bottom() + vec2(0.0, 1.0),
            cell.max - vec2(0.0, 5.0),
        );
        ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| {
            let color = theme::palette(ui).weak;
            text_ui(ui, &words, theme::body_font(11.5), color);
        });
    } else {
        let color = theme::palette(ui).weak;
        text_ui(ui, &words, theme::body_font(11.5), color);
    }
    let Some(tunnel) = row.tunnel(scene.snapshot) else {
        return;
    };
    let cell = ui.interact(
        ui.max_rect(),
        ui.unique_id().with("traffic"),
        Sense::hover(),
    );
    let (down, up) = (tunnel.traffic.down_bytes, tunnel.traffic.up_bytes);
    let (down, up) = (words::bytes(down), words::bytes(up));
    hover_text(cell, || tr!(scene, "cell-traffic", down = &down, up = &up));
}

pub(super) fn port_ui(ui: &mut Ui, row: &Row) {
    let Some(port) = row.port() else { return };
    let palette = theme::palette(ui);
    let mut text = port.number.to_string();
    if port.protocol != Protocol::Tcp {
        let _ = write!(text, " {}", port.protocol.as_str());
    } else if !port.name.is_empty() {
        let _ = write!(text, " {}", printable(&port.name));
    }
    let target = format!("→ {}", printable(&port.target_port));
    lines_ui(ui, &target, |ui| {
        let lang = ui.lang();
        let response = text_ui(ui, &text, theme::body_font(13.0), palette.text);
        hover_text(response, || port_hover(lang, port));
    });
}

/// Where a port leads.
fn port_hover(lang: Lang, port: &ServicePort) -> String {
    let mut hover = tr!(
        lang,
        "cell-port-to",
        protocol = port.protocol.as_str(),
        port = port.number.to_string(),
        target = printable(&port.target_port),
    );
    if let Some(node_port) = port.node_port {
        let node_port = tr!(lang, "cell-node-port", port = node_port.to_string());
        let _ = write!(hover, "\n{node_port}");
    }
    hover
}

pub(super) fn metal_lb_ui(ui: &mut Ui, row: &Row) {
    let Some(service) = &row.service else { return };
    let palette = theme::palette(ui);
    let worst = worst(&service.findings);
    if let Some(lamp) = worst.and_then(|finding| severity_lamp(palette, finding.severity)) {
        ui.spacing_mut().item_spacing.x = 4.0;
        let (rect, response) = ui.allocate_exact_size(vec2(15.0, 20.0), Sense::hover());
        icons::paint_sized(ui.painter(), Icon::Warning, rect.center(), 13.0, lamp.fill);
        findings_hover(response, service);
    }
    let (address, second) = (address(service), origin(service));
    lines_ui(ui, &second, |ui| {
        let response = match (address, service.phase) {
            (_, ServicePhase::Terminating) => text_ui(
                ui,
                tr!(ui, "cell-terminating"),
                theme::body_font(13.0),
                palette.amber.text,
            ),
            (Some(address), _) => text_ui(ui, &address, theme::mono_font(12.0), palette.text),
            (None, _) => text_ui(
                ui,
                tr!(ui, "cell-pending"),
                theme::body_font(13.0),
                palette.amber.text,
            ),
        };
        if service.findings.is_empty() {
            let lang = ui.lang();
            hover_text(response, || address_hover(lang, service));
        } else {
            findings_hover(response, service);
        }
    });
}

/// The first address or host name.
fn address(service: &LbService) -> Option<String> {
    let ip = service.load_balancer_ips.first().map(ToString::to_string);
    let first = ip.or_else(|| service.hostnames.first().cloned())?;
    Some(printable(&first).into_owned())
}

/// The pool, and how its address is announced.
fn origin(service: &LbService) -> String {
    let by = service.announced_by.iter().flatten().next();
    let protocol = by.map(|by| match by.protocol.as_str() {
        "layer2" => "L2",
        "bgp" => "BGP",
        other => other,
    });
    let words: Vec<_> = service
        .pool
        .as_deref()
        .into_iter()
        .chain(protocol)
        .collect();
    printable(&words.join(" · ")).into_owned()
}

fn worst(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().max_by_key(|finding| finding.severity)
}

fn severity_lamp(palette: &theme::Palette, severity: Severity) -> Option<theme::Lamp> {
    match severity {
        Severity::Info => None,
        Severity::Warning => Some(palette.amber),
        Severity::Error => Some(palette.red),
    }
}

fn findings_hover(response: Response, service: &LbService) {
    response.on_hover_ui(|ui| {
        for finding in &service.findings {
            let told = ui.lang().finding(finding);
            ui.label(printable(&told.what));
            ui.label(theme::weak(ui, printable(&told.next)));
        }
    });
}

fn address_hover(lang: Lang, service: &LbService) -> String {
    let mut lines: Vec<String> = service
        .load_balancer_ips
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.extend(
        service
            .hostnames
            .iter()
            .map(|name| printable(name).into_owned()),
    );
    if let Some(pool) = &service.pool {
        lines.push(tr!(lang, "cell-from-pool", pool = printable(pool)));
    }
    for by in service.announced_by.iter().flatten() {
        let (node, protocol) = (printable(&by.node), printable(&by.protocol));
        lines.push(tr!(
            lang,
            "cell-announced-by",
            node = node,
            protocol = protocol
        ));
    }
    lines.join("\n")
}

pub(super) fn cluster_ip_ui(ui: &mut Ui, row: &Row) {
    let Some(service) = &row.service else { return };
    let color = theme::palette(ui).weak;
    let Some(first) = service.cluster_ips.first() else {
        text_ui(ui, tr!(ui, "none"), theme::body_font(13.0), color);
        return;
    };
    let response = text_ui(ui, &first.to_string(), theme::mono_font(12.0), color);
    if service.cluster_ips.len() > 1 {
        let all = || service.cluster_ips.iter().map(ToString::to_string);
        hover_text(response, || all().collect::<Vec<_>>().join("\n"));
    }
}

pub(super) fn pods_ui(ui: &mut Ui, row: &Row) {
    let Some(service) = &row.service else { return };
    let palette = theme::palette(ui);
    let (ready, all) = ready_of(service);
    let color = match ready {
        0 => palette.red.text,
        ready if ready < all => palette.amber.text,
        _ => palette.green.text,
    };
    let count = if all == 0 {
        tr!(ui, "none").to_owned()
    } else {
        tr!(ui, "pods-ready-of", ready = ready, all = all)
    };
    let ips: Vec<_> = service
        .pods
        .iter()
        .take(8)
        .map(|pod| pod.ip.to_string())
        .collect();
    let addresses = if ips.is_empty() {
        String::new()
    } else {
        fitting(ui, &ips, all)
    };
    lines_ui(ui, &addresses, |ui| {
        text_ui(ui, &count, theme::body_font(13.0), color);
    });
    let cell = ui.interact(ui.max_rect(), ui.unique_id().with("pods"), Sense::hover());
    cell.on_hover_ui(|ui| pods_hover_ui(ui, service));
}

/// How many pods take traffic, and how many there are.
pub(super) fn ready_of(service: &LbService) -> (usize, usize) {
    let ready = service.pods.iter().filter(|pod| pod.ready).count();
    (ready, service.pods.len())
}

/// As many addresses as fit, and how many more there are: a cut address would only mislead. Letters are added up rather than laid out,
/// which in a list that scrolls would cost more than all else in the row.
fn fitting(ui: &Ui, ips: &[String], all: usize) -> String {
    let font = theme::body_font(11.5);
    let width = |text: &str| -> f32 {
        let letters = text.chars();
        ui.fonts_mut(|fonts| letters.map(|letter| fonts.glyph_width(&font, letter)).sum())
    };
    let rest_of = |count: usize| match all - count {
        0 => String::new(),
        rest => format!(" +{rest}"),
    };
    let (room, space) = (ui.available_width(), width(" "));
    let mut taken = 0.0;
    let mut fits = 0;
    for (index, ip) in ips.iter().enumerate() {
        taken += width(ip) + if index > 0 { space } else { 0.0 };
        if taken > room {
            break;
        }
        if taken + width(&rest_of(index + 1)) <= room {
            fits = index + 1;
        }
    }
    let shown = fits.max(1).min(ips.len());
    ips[..shown].join(" ") + &rest_of(shown)
}

fn pods_hover_ui(ui: &mut Ui, service: &LbService) {
    if service.pods.is_empty() {
        ui.label(tr!(ui, "pods-none"));
    }
    for pod in service.pods.iter().take(MOST_PODS_TOLD) {
        ui.horizontal(|ui| {
            widgets::mark_ui(ui, if pod.ready { Light::Green } else { Light::Grey });
            ui.label(theme::mono(pod.ip.to_string()));
            ui.label(printable(&pod.name));
            let node = pod.node.as_deref().unwrap_or(tr!(ui, "pod-node-unknown"));
            let mut place = printable(node).into_owned();
            if !pod.ready {
                let _ = write!(place, " · {}", tr!(ui, "pod-not-ready"));
            }
            ui.label(theme::weak(ui, place));
        });
    }
    if let Some(rest) = service
        .pods
        .len()
        .checked_sub(MOST_PODS_TOLD)
        .filter(|rest| *rest > 0)
    {
        ui.label(theme::weak(ui, tr!(ui, "pods-more", count = rest)));
    }
}

pub(super) fn local_ui(ui: &mut Ui, row: &Row, scene: &Scene<'_>) {
    let palette = theme::palette(ui);
    let listening = row
        .tunnel(scene.snapshot)
        .filter(|tunnel| !tunnel.listening.is_empty());
    let Some(tunnel) = listening else {
        text_ui(ui, "–", theme::body_font(13.0), palette.weak);
        return;
    };
    let address = words::local_address(tunnel);
    let port = row.port().map_or(0, |port| port.number);
    ui.spacing_mut().item_spacing.x = 2.0;
    let width = ui.available_width() - SMALL_BUTTON - 2.0;
    if let Some(url) = words::url(tunnel, port) {
        link_ui(ui, &address, &url, width);
    } else {
        ui.allocate_ui(vec2(width, FIRST_LINE), |ui| {
            text_ui(ui, &address, theme::mono_font(12.0), palette.text)
        });
    }
    let lang = scene.lang;
    let name = || tr!(lang, "copy-address-of", service = row.id.label(lang));
    let copy = widgets::copy_button_bare_ui(ui, &address, name, SMALL_BUTTON);
    hover_text(copy, name);
}

/// An address that opens in the browser.
fn link_ui(ui: &mut Ui, address: &str, url: &str, width: f32) {
    let palette = theme::palette(ui);
    let font = theme::mono_font(12.0);
    let galley = ui
        .fonts_mut(|fonts| fonts.layout_no_wrap(address.to_owned(), font.clone(), palette.accent));
    let size = vec2(galley.size().x.min(width), 20.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, url));
    widgets::paint_text(ui, rect, address, font, palette.accent);
    if response.hovered() || response.has_focus() {
        let y = rect.bottom() - 2.0;
        ui.painter()
            .hline(rect.x_range(), y, egui::Stroke::new(1.0, palette.accent));
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    let lang = ui.lang();
    if hover_text(response, || tr!(lang, "open-url", url = url)).clicked() {
        ui.ctx().open_url(OpenUrl::new_tab(url));
    }
}

pub(super) fn state_ui(ui: &mut Ui, row: &Row, scene: &Scene<'_>) {
    let palette = theme::palette(ui);
    if row.id.tunnel().is_none() {
        let words = tr!(ui, "state-not-tunnellable");
        let response = text_ui(ui, words, theme::body_font(13.0), palette.weak);
        hover_text(response, || not_tunnellable(scene.lang, row));
        return;
    }
    let light = scene.light(row);
    ui.spacing_mut().item_spacing.x = 6.0;
    widgets::mark_ui(ui, light);
    let tunnel = row.tunnel(scene.snapshot).map(AsRef::as_ref);
    let state = words::state(scene.lang, tunnel, scene.now);
    let second = tunnel.map_or_else(String::new, |tunnel| words::remark(scene.lang, tunnel));
    lines_ui(ui, &second, |ui| {
        let response = text_ui(
            ui,
            &state,
            theme::body_font(13.0),
            theme::lamp(palette, light).text,
        );
        if let Some(fault) = tunnel.and_then(|tunnel| tunnel.state.fault()) {
            response.on_hover_ui(|ui| {
                ui.label(printable(&scene.lang.fault(fault)));
                ui.label(theme::weak(ui, printable(&scene.lang.next_step(fault))));
            });
        } else if let Some(tunnel) = tunnel.filter(|tunnel| tunnel.is_elsewhere) {
            hover_text(response, || {
                let reason = tunnel.route_reason.as_ref();
                let reason = reason.map_or_else(String::new, |reason| scene.lang.say(reason));
                words::first_upper(&printable(&reason))
            });
        }
    });
}

/// Shows `text` while the pointer rests on it. Only then is it made: most of what can be told of a row never is. No text, no tip.
fn hover_text(response: Response, text: impl Fn() -> String) -> Response {
    if !response.contains_pointer() && !response.has_focus() {
        return response;
    }
    let text = text();
    if text.is_empty() {
        return response;
    }
    response.on_hover_text(text)
}

/// Two lines, or one where the second is empty, in the middle of the row's height.
fn lines_ui(ui: &mut Ui, second: &str, first_ui: impl FnOnce(&mut Ui)) {
    let cell = ui.available_rect_before_wrap();
    let height = if second.is_empty() {
        FIRST_LINE
    } else {
        FIRST_LINE + SECOND_LINE
    };
    let rect = egui::Rect::from_center_size(cell.center(), vec2(cell.width(), height));
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(layout), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        first_ui(ui);
        if !second.is_empty() {
            let color = theme::palette(ui).weak;
            text_ui(ui, second, theme::body_font(11.5), color);
        }
    });
}

/// A text that fills the cell's width and is shortened to it; then hovering shows it whole.
fn text_ui(ui: &mut Ui, text: &str, font: FontId, color: Color32) -> Response {
    let height = if font.size < 12.0 {
        SECOND_LINE
    } else {
        FIRST_LINE
    };
    let size = vec2(ui.available_width().max(1.0), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if widgets::paint_text(ui, rect, text, font, color) {
        return response.on_hover_text(text);
    }
    response
}
