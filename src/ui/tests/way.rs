//! The way of a tunnel: its probe, and its drawing saved and copied.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::model::{
    Client, Connection, Destination, ProbeCheck, ProbeId, ProbeOutcome, ProbeReport, ProbeStep,
    ProbeTarget, ProbeVerdict,
};
use crate::ui::{Drawing, Saved, SavedAs, Tools};

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
fn a_probe_is_begun_at_the_head_of_the_drawing_and_from_the_palette() {
    let mut window = selected(one(), Tools::default());
    window.click("Try every hop of this way");
    assert!(matches!(window.command(), Command::Probe { .. }));
    window.press(Key::Escape);
    assert!(!window.shows("Try every hop of this way"));
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, Key::K);
    window.harness.run();
    window.harness.event(egui::Event::Text("hop ui".to_owned()));
    window.harness.run();
    window.press(Key::Enter);
    assert!(matches!(window.command(), Command::Probe { .. }));
    // What it finds is shown in the details.
    assert!(window.shows("Try every hop of this way"));

    let mut running = one();
    running.probes = vec![report(ProbeOutcome::Running, ProbeVerdict::Running)];
    let mut window = selected(running, Tools::default());
    window.click("Stop trying the hops");
    let command = window.command();
    assert!(
        matches!(command, Command::CancelProbe(ProbeId(3))),
        "{command:?}"
    );
}

/// The text that a click on the thing of this name copies.
fn copied(window: &mut Window, name: &str) -> String {
    window.harness.get_by_label(name).click();
    window.harness.step();
    let commands = &window.harness.output().platform_output.commands;
    let text = commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    text.unwrap_or_else(|| panic!("{name} copies nothing: {commands:?}"))
}

#[test]
fn the_first_broken_hop_has_its_cause_and_remedy_until_it_is_put_away() {
    let fault = Fault {
        hop: Hop::Ssh("ubuntu@10.0.0.100".to_owned()),
        cause: FaultCause::AuthRejected {
            tried: vec!["key.pem".to_owned().into()],
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
    let step = "Log in to ubuntu@10.0.0.100";
    let text = copied(&mut window, &format!("Copy why this broke: {step}"));
    let next = fault.next_step();
    assert_eq!(text, format!("{step}: {fault}. {next}"));
    // The diagram says it, too.
    assert!(window.shows(&format!("Copy: {fault} {}", fault.next_step())));
    window.click("Put the probe away");
    assert!(!window.shows("Broken here: log in to ubuntu@10.0.0.100"));
    assert!(!window.shows(&format!("Copy: {fault} {}", fault.next_step())));
}

fn keep(drawing: Drawing, saved: Saved) {
    let contents = (drawing.contents)().unwrap();
    assert!(contents.starts_with(b"<svg"), "{}", drawing.name);
    let path = PathBuf::from(format!("/pictures/{}", drawing.name));
    saved(Ok(SavedAs::Chosen(path)));
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
fn without_a_dialog_it_is_said_where_the_drawing_went_and_why() {
    let window = saving(|drawing, saved| {
        let path = PathBuf::from(format!("/home/a/{}", drawing.name));
        saved(Ok(SavedAs::Unasked(path)));
    });
    let told = "There is no dialog for files here (xdg-desktop-portal or zenity brings one), so it was saved as /home/a/default-ui-80.svg";
    assert!(window.shows(told));
}

#[test]
fn a_connection_takes_two_lines_however_narrow_the_details_are() {
    let mut open = one();
    tunnel(&mut open, &key(), 80, OPEN);
    let peer = "[fd00:10:244:1::7]:49152";
    let connection = Connection {
        peer: Some(peer.parse().unwrap()),
        client: Client::Program(PortHolder {
            pid: 4242,
            name: "a-program-with-a-long-name".to_owned(),
        }),
        since: Moment::START,
        down_bytes: 1_000_000,
        up_bytes: 2_000,
    };
    let id = TunnelId::service(key(), 80);
    open.connections.insert(id, vec![connection].into());
    let window = selected(open, Tools::default());
    for label in [
        "a-program-with-a-long-name (4242)",
        peer,
        "less than a minute · ↓ 1.0 MB  ↑ 2.0 kB",
    ] {
        let height = window.harness.get_by_label(label).rect().height();
        assert!(height < 24.0, "{label} is {height} high");
    }
}

#[test]
fn the_drawing_is_copied() {
    let mut window = selected(one(), Tools::default());
    window.click("Copy as");
    let text = copied(&mut window, "Mermaid");
    assert!(text.contains("flowchart LR"), "{text}");
}

#[test]
fn bytes_move_along_the_way_unless_little_movement_is_wanted() {
    for (reduced_motion, moves) in [(false, true), (true, false)] {
        let mut before = one();
        Arc::make_mut(&mut before.settings).window.reduced_motion = reduced_motion;
        tunnel(&mut before, &key(), 80, OPEN);
        let mut window = selected(before.clone(), Tools::default());
        let mut after = before;
        after.now = after.now + Duration::from_millis(250);
        let id = TunnelId::service(key(), 80);
        let status = after.tunnels.get_mut(&id).unwrap();
        Arc::make_mut(status).traffic.down_bytes = 1_000_000;
        window.snapshots.send(Arc::new(after)).unwrap();
        window.harness.step();
        let dots = dots(&window);
        assert!(!dots.is_empty(), "the flow is marked");
        window.harness.step();
        assert_eq!(dots != self::dots(&window), moves);
    }
}

/// Where the dots of the flow are.
fn dots(window: &Window) -> Vec<egui::Pos2> {
    let shapes = window.harness.output().shapes.iter();
    let dots = shapes.filter_map(|shape| match &shape.shape {
        egui::Shape::Circle(circle) if (circle.radius - 2.6).abs() < 0.01 => Some(circle.center),
        _ => None,
    });
    dots.collect()
}
