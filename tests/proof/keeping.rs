//! What is remembered cannot be: the keyring goes away, the disk is full.

use std::fs;
use std::time::Instant;

use crate::client::{behind, listeners_serve, listeners_turn_away, listens_nowhere, mounts};
use crate::faults::{Blow, recover, strike, wait_for, without_ports, works};
use crate::line::Cut;
use crate::station::Station;
use crate::support::instance::tunnel;
use crate::table::{Table, seconds};

const COLUMNS: [&str; 5] = [
    "fault",
    "moment",
    "what the person is shown",
    "shown after",
    "and then",
];

/// A line of `adit logs` without its time and place.
fn logged(line: &str) -> String {
    without_ports(
        line.split_once("journal: ")
            .map_or(line, |(_, words)| words),
    )
}

/// gnome-keyring dies while a tunnel is open, and then the session is lost: what was right is in memory.
fn keyring_gone_while_open(table: &mut Table) {
    let mut station = Station::new();
    station.start();
    let address = station.open();
    works(address);
    station.keyring.kill();
    listeners_serve(station.agent().pid());
    strike(&mut station.site, Blow::Line(Cut::Rst));
    let id = station.id();
    station
        .home
        .status_when(|status| tunnel(status, &id)["state"] != "open");
    listeners_turn_away(station.agent().pid());
    recover(&mut station.site, Blow::Line(Cut::Rst));
    let since = Instant::now();
    assert_eq!(station.local(), address);
    works(address);
    assert_eq!(station.home.status()["questions"], serde_json::json!([]));
    table.line(&[
        "the keyring's daemon dies (-9), then the session is lost",
        "idle",
        "nothing",
        "",
        &format!(
            "comes back by itself in {} and asks nothing: the passphrase is in this run's memory",
            seconds(since.elapsed())
        ),
    ]);
}

/// gnome-keyring dies before it is asked for what it keeps: the person is asked in its place, and told why.
fn keyring_gone_when_it_is_needed(table: &mut Table) {
    let mut station = Station::new();
    station.start();
    station.keyring.kill();
    let asked_after = station.open_by_hand(|| listeners_turn_away(station.agent().pid()));
    listeners_serve(station.agent().pid());
    let (told, _) = station.logs("keyring");
    table.line(&[
        "the keyring's daemon dies (-9)",
        "a passphrase is needed",
        &logged(&told),
        &seconds(asked_after),
        "the person is asked in its place; the tunnel opens",
    ]);
}

/// Without the keyring nobody knows the hosts.
fn keyring_gone_at_the_start(table: &mut Table) {
    let mut station = Station::new();
    station.keyring.kill();
    let started = Instant::now();
    let refused = station.run(&["hosts", "list"]);
    let after = started.elapsed();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    table.line(&[
        "the keyring's daemon is gone",
        "`adit hosts list`",
        said.trim(),
        &seconds(after),
        "exit code 1",
    ]);
    station.start_as(station.command(&["agent"]));
    let (told, after) = station.logs("keyring");
    listens_nowhere(station.agent().pid());
    table.line(&[
        "the keyring's daemon is gone",
        "Adit starts",
        &logged(&told),
        &seconds(after),
        "Adit works from memory for this run",
    ]);
}

/// The settings' folder is full: nothing that runs is touched, it is said once, and what was to be written is written as soon as
/// there is room.
fn settings_on_a_full_disk(table: &mut Table) {
    let mut station = Station::new();
    let folder = station.config();
    fs::create_dir_all(&folder).unwrap();
    let agent = station.command(&["agent"]);
    let script = "mount -t tmpfs -o size=4k none \"$0\" && (cat /dev/zero >\"$0/filler\" 2>/dev/null || true) && exec \"$@\"";
    let mut shell = mounts();
    shell.extend(["sh", "-c", script, folder.to_str().unwrap()]);
    station.start_as(behind(&shell, &agent));
    station.cluster_when("live");
    let address = station.open();
    let (told, after) = station.logs("cannot be written");
    works(address);
    listeners_serve(station.agent().pid());
    // As the agent sees it, whose mounts are its own.
    let inside = format!(
        "/proc/{}/root{}",
        station.agent().pid(),
        folder.to_str().unwrap()
    );
    let left: Vec<_> = fs::read_dir(&inside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["filler"], "nothing half written is left behind");
    let freed = Instant::now();
    fs::remove_file(format!("{inside}/filler")).unwrap();
    let settings = format!("{inside}/settings.toml");
    wait_for(|| fs::read_to_string(&settings).is_ok_and(|text| text.contains("default/echo")));
    table.line(&[
        "no room for the settings (ENOSPC)",
        "a tunnel is opened",
        &logged(&told).replace(station.keyring.home().to_str().unwrap(), "…"),
        &seconds(after),
        &format!(
            "the tunnel opens; written {} after there was room",
            seconds(freed.elapsed())
        ),
    ]);
}

#[test]
fn what_cannot_be_kept_is_said_and_costs_no_tunnel() {
    let mut table = Table::new("keeping", &COLUMNS);
    keyring_gone_while_open(&mut table);
    keyring_gone_when_it_is_needed(&mut table);
    keyring_gone_at_the_start(&mut table);
    settings_on_a_full_disk(&mut table);
    table.finish();
}
