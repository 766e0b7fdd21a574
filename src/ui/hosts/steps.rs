//! A test of a host: each hop with what came of it, as it comes.

use egui::{RichText, Ui};

use crate::l10n::{Lang, Speaks as _, tr};
use crate::model::{
    Command, Fault, FaultCause, HostId, Light, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ProbeVerdict, printable,
};
use crate::ui::scene::Scene;
use crate::ui::{host_key, theme, widgets, words};

/// The newest test of `host`.
pub(super) fn steps_ui(ui: &mut Ui, scene: &mut Scene<'_>, host: &HostId) {
    let snapshot = scene.snapshot;
    let problem = snapshot.host_problems.iter().find(|(id, _)| id == host);
    if let Some((_, problem)) = problem {
        ui.horizontal_wrapped(|ui| widgets::problem_ui(ui, &scene.lang.say(problem)));
        return;
    }
    let target = ProbeTarget::Host(host.clone());
    let Some(report) = snapshot
        .probes
        .iter()
        .find(|report| report.target == target)
    else {
        ui.label(theme::weak(ui, tr!(scene, "hosts-working")));
        return;
    };
    let drawn = ui.scope(|ui| {
        for step in &report.steps {
            step_ui(ui, step);
        }
        verdict_ui(ui, scene, report);
    });
    // Its end may lie below the window's.
    if report.is_over() && scene.view.hosts.seen.replace(report.id) != Some(report.id) {
        drawn.response.scroll_to_me(None);
    }
}

fn step_ui(ui: &mut Ui, step: &ProbeStep) {
    let light = match &step.outcome {
        ProbeOutcome::Pending | ProbeOutcome::Skipped(_) => Light::Grey,
        ProbeOutcome::Running => Light::Amber,
        ProbeOutcome::Passed { .. } => Light::Green,
        ProbeOutcome::Failed { .. } => Light::Red,
    };
    ui.horizontal_wrapped(|ui| {
        widgets::mark_ui(ui, light);
        let check = words::first_upper(&ui.lang().say(&step.check.words()));
        ui.label(printable(&check));
        match &step.outcome {
            ProbeOutcome::Passed { micros, note } => {
                if let Some(micros) = micros {
                    ui.label(theme::weak(ui, milliseconds(*micros)));
                }
                if let Some(note) = note {
                    ui.label(theme::weak(ui, printable(&ui.lang().say(&note.words()))));
                }
            }
            ProbeOutcome::Skipped(reason) => {
                ui.label(theme::weak(ui, ui.lang().say(&reason.words())));
            }
            ProbeOutcome::Failed { fault, .. } => {
                let (what, next) = said(ui.lang(), fault);
                let words = format!("{check}: {what} {next}");
                widgets::copy_button_sized_ui(ui, &words, tr!(ui, "copy-problem"), 20.0);
            }
            ProbeOutcome::Pending | ProbeOutcome::Running => {}
        }
    });
    if let ProbeOutcome::Failed { fault, .. } = &step.outcome {
        if let FaultCause::HostKeyChanged(changed) = &fault.cause {
            host_key::changed_ui(ui, changed);
            return;
        }
        let (what, next) = said(ui.lang(), fault);
        let color = theme::palette(ui).red.text;
        ui.label(RichText::new(printable(&what)).color(color));
        ui.label(printable(&next));
    }
}

/// What happened, and what to do.
fn said(lang: Lang, fault: &Fault) -> (String, String) {
    let what = words::first_upper(&lang.fault(fault));
    (format!("{what}."), lang.next_step(fault))
}

fn verdict_ui(ui: &mut Ui, scene: &mut Scene<'_>, report: &ProbeReport) {
    ui.add_space(4.0);
    match &report.verdict {
        ProbeVerdict::Running => {
            if ui.button(tr!(scene, "test-cancel")).clicked() {
                scene.commands.push(Command::CancelProbe(report.id));
            }
        }
        ProbeVerdict::Works | ProbeVerdict::Partly { .. } => {
            let palette = theme::palette(ui);
            let text = tr!(scene, "test-works");
            ui.label(RichText::new(text).color(palette.green.text).strong());
        }
        ProbeVerdict::Broken { .. } => {}
        ProbeVerdict::Cancelled => {
            ui.label(theme::weak(ui, tr!(scene, "test-cancelled")));
        }
    }
}

fn milliseconds(micros: u64) -> String {
    if micros < 1000 {
        "< 1 ms".to_owned()
    } else {
        format!("{} ms", micros / 1000)
    }
}
