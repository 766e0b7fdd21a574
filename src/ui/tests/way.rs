//! The way of a tunnel: its probe, and its drawing saved and copied.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::model::{
    Destination, ProbeCheck, ProbeId, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ProbeVerdict,
};
use crate::ui::{Drawing, Saved, Tools};

fn selected(snapshot: Snapshot, tools: Tools) -> Window {
    let mut window = Window::with_tools(snapshot, tools);
    window.press(Key::ArrowDown);
    window
}

fn login() -> ProbeCheck {
    ProbeCheck::Login {
        hop: "ubuntu@10.0.0.100".to_owned(),
    }
}

fn report(outcome: ProbeOutcome, verdict: ProbeVerdict) -> Arc<ProbeReport> {
    let target = ProbeCheck::Target {
        route: Route::MetalLb,
        destination: Some(Destination::tcp("10.0.0.241", 80)),
        name: None,
    };
    Arc::new(ProbeReport {
        id: ProbeId(3),
        target: ProbeTarget::Service {
            service: key(),
            port: 80,
        },
        host: None,
        started: Moment::START,
        steps: vec![
            ProbeStep {
                check: login(),
                outcome,
            },
            ProbeStep::pending(target),
        ],
        pods_left_out: 0,
        verdict,
    })
}

fn one() -> Snapshot {
    snapshot(vec![ui()], host(up()))
}

#[test]
fn a_probe_is_begun_and_ended_at_the_top_of_the_details() {
    let mut window = selected(one(), Tools::default());
    window.click("Try every hop");
    let command = window.command();
    let Command::Probe { service, port } = command else {
        panic!("{command:?}");
    };
    assert_eq!((service, port), (key(), 80));
    let mut running = one();
    running.probes = vec![report(ProbeOutcome::Running, ProbeVerdict::Running)];
    let mut window = selected(running, Tools::default());
    assert!(window.shows("Log in to ubuntu@10.0.0.100"));
    assert!(window.shows("MetalLB IP 10.0.0.241:80"));
    window.click("Stop");
    let command = window.command();
    assert!(
        matches!(command, Command::CancelProbe(ProbeId(3))),
        "{command:?}"
    );
}

#[test]
fn the_first_broken_hop_has_its_cause_and_remedy_until_it_is_put_away() {
    let fault = Fault {
        hop: Hop::Ssh("ubuntu@10.0.0.100".to_owned()),
        cause: FaultCause::AuthRejected {
            tried: vec!["key.pem".to_owned()],
            accepted: vec!["publickey".to_owned()],
        },
    };
    let outcome = ProbeOutcome::Failed {
        fault: fault.clone(),
        likely: None,
    };
    let mut snapshot = one();
    snapshot.probes = vec![report(outcome, ProbeVerdict::Broken { first: 0 })];
    let mut window = selected(snapshot, Tools::default());
    assert!(window.shows("Broken here: log in to ubuntu@10.0.0.100"));
    assert!(window.shows(&fault.next_step()));
    // The diagram says it, too.
    assert!(window.shows(&format!("Copy: {fault} {}", fault.next_step())));
    window.click("Put the probe away");
    assert!(!window.shows("Broken here: log in to ubuntu@10.0.0.100"));
    assert!(!window.shows(&format!("Copy: {fault} {}", fault.next_step())));
}

fn keep(drawing: Drawing, saved: Saved) {
    let contents = (drawing.contents)().unwrap();
    assert!(contents.starts_with(b"<svg"), "{}", drawing.name);
    saved(Ok(Some(PathBuf::from(format!(
        "/pictures/{}",
        drawing.name
    )))));
}

fn fail(_drawing: Drawing, saved: Saved) {
    saved(Err("/pictures: the disk is full".to_owned()));
}

fn saving(save_drawing: crate::ui::SaveDrawing) -> Window {
    let tools = Tools {
        save_drawing: Some(save_drawing),
        ..Tools::default()
    };
    let mut window = selected(one(), tools);
    window.click("Save as");
    window.click("SVG drawing");
    window
}

#[test]
fn the_drawing_is_saved_and_it_is_said_where() {
    let window = saving(keep);
    assert!(window.shows("Saved as /pictures/default-ui-80.svg"));
}

#[test]
fn what_cannot_be_saved_says_so_beside_the_button() {
    let window = saving(fail);
    assert!(window.shows("Not saved: /pictures: the disk is full"));
}

#[test]
fn the_drawing_is_copied() {
    let mut window = selected(one(), Tools::default());
    window.click("Copy as");
    window.harness.get_by_label("Mermaid").click();
    window.harness.step();
    let commands = &window.harness.output().platform_output.commands;
    let copied = commands.iter().any(|command| {
        matches!(command, egui::OutputCommand::CopyText(text) if text.contains("flowchart LR"))
    });
    assert!(copied, "{commands:?}");
}
