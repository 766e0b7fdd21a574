//! The icon in the tray of a real panel: what it shows, what clicks on it do, and a panel that comes and goes.

use std::fs;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::instance::{page, tunnel};
use crate::support::panel::{Panel, Shown};
use crate::support::world::{UI, World};

/// Waits until the tunnel is in this state; the status then.
fn wait_for(world: &World, state: &str) -> Value {
    let home = &world.home;
    home.status_when(|status| tunnel(status, UI)["state"] == state)
}

#[test]
fn clicks_in_the_tray_open_and_close_services_and_the_window() {
    let world = World::new();
    let panel = Panel::start(&world.desktop);
    let agent = world.start(&["agent"]);
    panel.wait_for(Shown::Grey);
    assert_eq!(world.windows().len(), 0, "an agent shows no window");

    world.open();
    panel.wait_for(Shown::Green);
    let line = format!("● {UI}");
    panel.choose(agent.pid(), &[&line, "Open"]);
    wait_for(&world, "off");
    panel.wait_for(Shown::Grey);
    panel.choose(agent.pid(), &["Open all"]);
    wait_for(&world, "open");
    panel.choose(agent.pid(), &["Close all"]);
    wait_for(&world, "off");
    panel.choose(agent.pid(), &["Open all"]);
    let status = wait_for(&world, "open");

    // A click on the icon itself shows the window, and so does the menu.
    panel.click();
    world.wait_for_windows(1);
    world.close_window();
    panel.choose(agent.pid(), &["Show the window"]);
    world.wait_for_windows(1);
    world.close_window();
    let url = tunnel(&status, UI)["url"].as_str().unwrap();
    assert!(page(url).starts_with("HTTP/1.1 200 "));

    world.demo.signal(Signal::KILL);
    panel.wait_for(Shown::Amber);
    panel.choose(agent.pid(), &["Quit (closes 1 tunnel)"]);
    assert!(agent.exit_code_is_good());
    panel.wait_for(Shown::Nothing);
}

#[test]
fn the_tray_copies_and_opens_addresses_and_starts_at_login() {
    let world = World::new();
    let panel = Panel::start(&world.desktop);
    let agent = world.start(&["agent"]);
    let url = world.open();
    panel.wait_for(Shown::Green);
    let line = format!("● {UI}");

    panel.choose(agent.pid(), &[&line, &format!("Copy {url}")]);
    wait_until("it is copied", || {
        let mut paste = Command::new("xclip");
        world.desktop.host(&mut paste);
        let pasted = paste.args(["-selection", "clipboard", "-out"]).output();
        let pasted = pasted.expect("xclip is needed: tests/run installs it");
        pasted.stdout == url.as_bytes()
    });
    panel.choose(agent.pid(), &[&line, "Open in the browser"]);
    wait_until("the browser is started", || {
        let visited = fs::read_to_string(world.visited()).unwrap_or_default();
        visited.trim_end().trim_end_matches('/') == url
    });
    let file = world.home.path().join("config/autostart/adit.desktop");
    panel.choose(agent.pid(), &["Start at login"]);
    wait_until("it starts at login", || file.exists());
    panel.choose(agent.pid(), &["Start at login"]);
    wait_until("it does not any more", || !file.exists());
}

#[test]
fn a_panel_that_goes_is_told_of_once_and_one_that_comes_shows_the_icon() {
    let world = World::new();
    let panel = Panel::start(&world.desktop);
    let adit = world.start(&[]);
    world.wait_for_windows(1);
    let url = world.open();
    let says = |adit: &Running| adit.words().matches("there is no tray").count();
    world.close_window();
    panel.wait_for(Shown::Green);
    assert_eq!(says(&adit), 0, "the tray is seen: {}", adit.words());

    drop(panel);
    wait_until("the panel's end is noticed", || {
        let logs = world.home.ok(&["logs"]);
        logs.contains("no tray shows the icon")
    });
    for _ in 0..2 {
        world.home.ok(&["window"]);
        world.close_window();
    }
    assert!(page(&url).starts_with("HTTP/1.1 200 "));
    assert_eq!(says(&adit), 1, "{}", adit.words());

    let panel = Panel::start(&world.desktop);
    panel.wait_for(Shown::Green);
    panel.choose(adit.pid(), &["Quit (closes 1 tunnel)"]);
    assert!(adit.exit_code_is_good());
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
    }
}
