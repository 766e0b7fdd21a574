//! A probe in the details: a button that tries every hop, the steps as they come, and what they mean.

use std::sync::Arc;

use egui::{
    Align, CornerRadius, Frame, Layout, Margin, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo,
};

use super::icons::Icon;
use super::rows::{Row, RowId};
use super::scene::Scene;
use super::{theme, widgets, words};
use crate::l10n::{Lang, tr};
use crate::model::{
    Command, Fault, Light, LikelyCause, ProbeId, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ProbeVerdict, Protocol, Route, TunnelState, printable,
};

/// The height of a step.
const STEP: f32 = 20.0;
/// The size of the button that copies why a step failed.
const COPY: f32 = 20.0;

/// What a probe of this row leads to; none where there is nothing to probe.
fn target(row: &Row) -> Option<ProbeTarget> {
    let (RowId::Port(key, port, Protocol::Tcp), Some(_)) = (&row.id, &row.service) else {
        return None;
    };
    Some(ProbeTarget::Service {
        service: key.clone(),
        port: *port,
    })
}

/// The newest probe of this row, until the person puts it away.
pub(super) fn shown(row: &Row, scene: &Scene<'_>) -> Option<Arc<ProbeReport>> {
    let report = scene.snapshot.probe_of(&target(row)?)?;
    let is_closed = scene.view.probe_closed.is_some_and(|id| id >= report.id);
    (!is_closed).then(|| Arc::clone(report))
}

/// The probe whose findings the diagram shows: one that runs, or that tells why a tunnel is not open.
pub(super) fn drawn(row: &Row, scene: &Scene<'_>) -> Option<Arc<ProbeReport>> {
    let report = shown(row, scene)?;
    let is_open = row
        .tunnel(scene.snapshot)
        .is_some_and(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }));
    (!is_open || report.verdict == ProbeVerdict::Running).then_some(report)
}

/// The probe of this row that runs.
pub(super) fn running(row: &Row, scene: &Scene<'_>) -> Option<ProbeId> {
    let report = scene.snapshot.probe_of(&target(row)?)?;
    (report.verdict == ProbeVerdict::Running).then_some(report.id)
}

/// What begins a probe of this row, or ends the one that runs; none where there is nothing to probe.
pub(super) fn command(row: &Row, scene: &Scene<'_>) -> Option<Command> {
    if let Some(id) = running(row, scene) {
        return Some(Command::CancelProbe(id));
    }
    match target(row)? {
        ProbeTarget::Service { service, port } => Some(Command::Probe { service, port }),
        ProbeTarget::Host(_) => None,
    }
}

/// Begins a probe, or ends the one that runs.
pub(super) fn button_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let Some(command) = command(row, scene) else {
        return;
    };
    let response = if running(row, scene).is_some() {
        ui.button(tr!(scene, "probe-cancel"))
    } else {
        ui.button(tr!(scene, "probe-start"))
            .on_hover_text(tr!(scene, "probe-hint"))
    };
    if response.clicked() {
        scene.commands.push(command);
    }
}

/// The same as a picture, at the head of the drawing.
pub(super) fn icon_button_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let Some(command) = command(row, scene) else {
        return;
    };
    let (icon, name) = if running(row, scene).is_some() {
        (Icon::Close, tr!(scene, "probe-cancel-way"))
    } else {
        (Icon::Pulse, tr!(scene, "probe-way"))
    };
    if widgets::icon_button_ui(ui, icon, name).clicked() {
        scene.commands.push(command);
    }
}

/// The steps so far, and what they mean; nothing where no probe was made.
pub(super) fn report_ui(ui: &mut Ui, row: &Row, scene: &mut Scene<'_>) {
    let Some(report) = shown(row, scene) else {
        return;
    };
    let palette = theme::palette(ui);
    ui.add_space(4.0);
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::symmetric(10, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        head_ui(ui, &report, scene);
        let first = report.first_broken().map(std::ptr::from_ref);
        for step in &report.steps {
            step_ui(ui, step, first == Some(std::ptr::from_ref(step)));
        }
        if report.pods_left_out > 0 {
            let text = tr!(ui, "probe-pods-left-out", count = report.pods_left_out);
            ui.label(theme::weak(ui, text));
        }
    });
}

/// What it all means, and the buttons.
fn head_ui(ui: &mut Ui, report: &ProbeReport, scene: &mut Scene<'_>) {
    let palette = theme::palette(ui);
    let (light, text) = verdict(scene.lang, report);
    ui.horizontal(|ui| {
        if report.verdict == ProbeVerdict::Running && scene.animate {
            widgets::spinner_ui(ui, 13.0, scene.animate);
        } else {
            widgets::mark_ui(ui, light);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // What stops it stands above, where it was begun.
            if report.verdict != ProbeVerdict::Running {
                let name = tr!(scene, "probe-close");
                if widgets::icon_button_sized_ui(ui, Icon::Close, name, 20.0).clicked() {
                    scene.view.probe_closed = Some(report.id);
                }
                let text = as_text(scene.lang, report);
                widgets::copy_button_sized_ui(ui, &text, tr!(scene, "probe-copy"), 20.0);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let color = theme::lamp(palette, light).text;
                let text = RichText::new(text)
                    .color(color)
                    .font(theme::strong_font(13.0));
                ui.add(egui::Label::new(text).truncate());
            });
        });
    });
}

/// The verdict as a light and in words.
fn verdict(lang: Lang, report: &ProbeReport) -> (Light, String) {
    match &report.verdict {
        ProbeVerdict::Running => (Light::Amber, tr!(lang, "probe-running").to_owned()),
        ProbeVerdict::Works => (Light::Green, tr!(lang, "probe-works").to_owned()),
        ProbeVerdict::Partly { works_by, .. } => {
            let routes: Vec<String> = works_by.iter().map(Route::to_string).collect();
            let text = tr!(lang, "probe-partly", routes = routes.join(", "));
            (Light::Amber, text)
        }
        ProbeVerdict::Broken { .. } => {
            let hop = report.first_broken().map(|step| step.check.words());
            let hop = hop.map_or_else(String::new, |hop| lang.say(&hop));
            let text = tr!(lang, "probe-broken", hop = printable(&hop));
            (Light::Red, text)
        }
        ProbeVerdict::Cancelled => (Light::Grey, tr!(lang, "probe-cancelled").to_owned()),
    }
}

const fn light(outcome: &ProbeOutcome) -> Light {
    match outcome {
        ProbeOutcome::Pending | ProbeOutcome::Skipped(_) => Light::Grey,
        ProbeOutcome::Running => Light::Amber,
        ProbeOutcome::Passed { .. } => Light::Green,
        ProbeOutcome::Failed { .. } => Light::Red,
    }
}

fn step_ui(ui: &mut Ui, step: &ProbeStep, is_first_broken: bool) {
    use crate::l10n::Speaks as _;
    let lang = ui.lang();
    let name = words::first_upper(&printable(&lang.say(&step.check.words())));
    let remark = printable(&remark(lang, &step.outcome)).into_owned();
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), STEP), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    paint_step(ui, rect, step, &name, &remark);
    if !remark.is_empty() {
        response.on_hover_text(format!("{name}\n{remark}"));
    }
    if let ProbeOutcome::Failed { fault, likely } = &step.outcome {
        ui.horizontal_top(|ui| {
            ui.add_space(19.0);
            let width = ui.available_width() - COPY - ui.spacing().item_spacing.x;
            ui.vertical(|ui| {
                ui.set_width(width);
                failure_ui(ui, fault, *likely, is_first_broken);
            });
            let text = failure(lang, &name, fault, *likely);
            let what = tr!(ui, "probe-copy-step", step = &name);
            widgets::copy_button_sized_ui(ui, &text, &what, COPY);
        });
    }
}

/// Mark, name, what was learnt, and how long it took, on one line: what does not fit is shortened.
fn paint_step(ui: &Ui, rect: Rect, step: &ProbeStep, name: &str, remark: &str) {
    let palette = theme::palette(ui);
    let is_tried = !matches!(
        step.outcome,
        ProbeOutcome::Pending | ProbeOutcome::Skipped(_)
    );
    let mark = rect.left_center() + egui::vec2(6.0, 0.0);
    widgets::paint_mark(ui, mark, light(&step.outcome));
    let font = theme::body_font(13.0);
    let width = |text: &str| {
        let text = text.to_owned();
        let galley = ui.fonts_mut(|fonts| fonts.layout_no_wrap(text, font.clone(), palette.text));
        galley.size().x
    };
    let mut right = rect.right();
    if let Some(took) = took(&step.outcome) {
        let place = Rect::from_x_y_ranges(right - width(&took) - 1.0..=right, rect.y_range());
        widgets::paint_text(ui, place, &took, font.clone(), palette.weak);
        right = place.left() - 8.0;
    }
    let left = rect.left() + 19.0;
    let end = (left + width(name) + 1.0).min(right);
    let color = if is_tried { palette.text } else { palette.weak };
    let place = Rect::from_x_y_ranges(left..=end, rect.y_range());
    widgets::paint_text(ui, place, name, font.clone(), color);
    if right - end > 40.0 {
        let place = Rect::from_x_y_ranges(end + 7.0..=right, rect.y_range());
        widgets::paint_text(ui, place, remark, font.clone(), palette.weak);
    }
}

/// Why a step failed; what to do only below the first of them.
fn failure_ui(ui: &mut Ui, fault: &Fault, likely: Option<LikelyCause>, is_first: bool) {
    use crate::l10n::Speaks as _;
    let (lang, palette) = (ui.lang(), theme::palette(ui));
    let reason = words::first_upper(&printable(&lang.fault(fault)));
    let reason = RichText::new(format!("{reason}.")).color(palette.red.text);
    ui.add(egui::Label::new(reason).wrap());
    if !is_first {
        return;
    }
    if let Some(cause) = likely {
        let text = words::first_upper(&lang.say(&cause.words()));
        let text = RichText::new(format!("{text}.")).font(theme::strong_font(13.0));
        ui.add(egui::Label::new(text).wrap());
    }
    let next = printable(&next_step(lang, fault, likely)).into_owned();
    ui.add(egui::Label::new(next).wrap());
}

/// What broke at a step, why, and what to do, as words to paste.
fn failure(lang: Lang, name: &str, fault: &Fault, likely: Option<LikelyCause>) -> String {
    let next = next_step(lang, fault, likely);
    printable(&format!("{name}: {}. {next}", lang.fault(fault))).into_owned()
}

fn next_step(lang: Lang, fault: &Fault, likely: Option<LikelyCause>) -> String {
    match likely {
        Some(cause) => lang.say(&cause.remedy()),
        None => lang.next_step(fault),
    }
}

/// What is worth saying besides the name of the step.
fn remark(lang: Lang, outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Skipped(reason) => lang.say(&reason.words()),
        ProbeOutcome::Passed {
            note: Some(note), ..
        } => lang.say(&note.words()),
        _ => String::new(),
    }
}

fn took(outcome: &ProbeOutcome) -> Option<String> {
    let ProbeOutcome::Passed {
        micros: Some(micros),
        ..
    } = outcome
    else {
        return None;
    };
    Some(match micros {
        0..1000 => "< 1 ms".to_owned(),
        micros => format!("{} ms", micros / 1000),
    })
}

/// The report as lines to paste into a ticket.
fn as_text(lang: Lang, report: &ProbeReport) -> String {
    let mut lines = vec![format!("{} - {}", report.target, verdict(lang, report).1)];
    for step in &report.steps {
        let sign = match light(&step.outcome) {
            Light::Green => '✓',
            Light::Red => '✗',
            Light::Amber => '…',
            Light::Grey => '-',
        };
        let name = lang.say(&step.check.words());
        let mut line = match &step.outcome {
            ProbeOutcome::Failed { fault, likely } => {
                format!("{sign} {}", failure(lang, &name, fault, *likely))
            }
            outcome => match remark(lang, outcome) {
                remark if remark.is_empty() => format!("{sign} {name}"),
                remark => format!("{sign} {name}: {remark}"),
            },
        };
        if let Some(took) = took(&step.outcome) {
            line = format!("{line} ({took})");
        }
        lines.push(line);
    }
    let lines: Vec<_> = lines.iter().map(|line| printable(line)).collect();
    lines.join("\n")
}
