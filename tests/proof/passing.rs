//! What passes by itself: a server that hangs for a moment, new keys, clocks that jump.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::{Download, Site, turned_away_within};
use crate::faults::{PATIENCE, QUICK, open_again, wait_for, without_ports, works};
use crate::line::{Cut, Plan, Way};
use crate::support::adit::Running;
use crate::support::servers::{connect, digest, echo, exchange, noise, sink, source};
use crate::table::{Table, seconds};

const COLUMNS: [&str; 4] = ["what happens", "moment", "what the person is shown", "data"];
const BYTES: usize = 24 << 20;

/// The server hangs for less time than keepalives wait.
fn a_moments_silence(table: &mut Table) {
    let site = Site::new(&[]);
    let (target, _) = source(BYTES);
    let adit = site.forward(&[target], &[]);
    let mut stream = connect(adit.listening(0));
    wait_for(|| site.line.carried(Way::Down) > 1 << 20);
    site.sshd.freeze();
    // As long as the fault lasts.
    std::thread::sleep(Duration::from_secs(3));
    site.sshd.thaw();
    assert_eq!(Download::of(&mut stream, BYTES), Download::Whole);
    assert!(!adit.words().contains("lost"), "{}", adit.words());
    table.line(&[
        "sshd is stopped for 3 s (SIGSTOP, SIGCONT)",
        "in mid-download",
        "nothing",
        "24 MiB, whole",
    ]);
}

/// Keys are exchanged anew with every megabyte and every second, whatever goes on.
fn rekeying(table: &mut Table) {
    let site = Site::new(&["RekeyLimit 1M 1", "LogLevel DEBUG1"]);
    let (target, _) = source(BYTES);
    let adit = site.forward(&[target, sink(), echo()], &QUICK);
    let exchanges = || site.sshd.log().matches("SSH2_MSG_KEXINIT sent").count();
    let mut moment = |moment: &str, data: &str, happens: &dyn Fn() -> bool| {
        let before = exchanges();
        wait_for(happens);
        assert!(exchanges() > before, "no new keys {moment}");
        table.line(&[
            "sshd asks for new keys (RekeyLimit)",
            moment,
            "nothing",
            data,
        ]);
    };
    let first = exchanges();
    moment("idle", "none", &|| exchanges() > first + 2);
    moment("in mid-download", "24 MiB, whole", &|| {
        Download::of(&mut connect(adit.listening(0)), BYTES) == Download::Whole
    });
    moment("in mid-upload", "24 MiB, whole", &|| {
        let data = noise(BYTES);
        exchange(adit.listening(1), data.clone()) == digest(&data)
    });
    works(adit.listening(2));
    assert!(!adit.words().contains("lost"), "{}", adit.words());
}

/// A clock on the wall that can be set, for one process.
struct Wall {
    offset: PathBuf,
}

impl Wall {
    fn of(site: &Site, command: &mut Command) -> Self {
        let offset = site.sshd.path("offset");
        fs::write(&offset, "+0").unwrap();
        let library = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
            .map(|triple| format!("/usr/lib/{triple}/faketime/libfaketimeMT.so.1"))
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("libfaketime is needed: tests/run installs it");
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &offset)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self { offset }
    }

    fn set(&self, offset: &str) {
        fs::write(&self.offset, offset).unwrap();
    }
}

fn talks(stream: &mut TcpStream) {
    let data = noise(50_000);
    stream.write_all(&data).unwrap();
    let mut back = vec![0; data.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(digest(&back), digest(&data));
}

/// The wall clock is set back and forth by a day: nothing that Adit times may follow it.
fn clock_jumps(table: &mut Table) {
    let site = Site::new(&[]);
    let mut command = site.command(&[echo()], &["ServerAliveInterval=1"]);
    let wall = Wall::of(&site, &mut command);
    let adit = Running::spawn(command);
    let mut stream = connect(adit.listening(0));
    for jump in ["+1d", "-1d", "+0"] {
        wall.set(jump);
        talks(&mut stream);
    }
    assert!(!adit.words().contains("lost"), "{}", adit.words());
    table.line(&[
        "the clock is set a day ahead and back",
        "a connection is open",
        "nothing",
        "it goes on",
    ]);
}

/// The same while the login waits for the server.
fn clock_jumps_while_dialling(table: &mut Table) {
    let site = Site::new(&[]);
    let login = crate::opening::bytes_of_a_login();
    for (moment, after) in [("dialling", 0), ("authenticating", login * 3 / 4)] {
        site.line.cut(Plan {
            cut: Cut::Hold,
            way: Way::Up,
            after,
        });
        let mut command = site.command(&[echo()], &[]);
        let wall = Wall::of(&site, &mut command);
        let adit = Running::spawn(command);
        wait_for(|| site.line.is_held());
        wall.set("+1d");
        site.line.mend();
        works(adit.listening(0));
        assert!(!adit.words().contains("did not answer"), "{}", adit.words());
        table.line(&[
            "the clock is set a day ahead",
            moment,
            "nothing",
            "the tunnel opens",
        ]);
    }
}

/// After a sleep the line is dead, as it is when the laptop is opened elsewhere. Without the jump of the clock, which is how a sleep
/// shows, that takes fifteen seconds to find out.
fn waking_to_a_dead_line(table: &mut Table) {
    let site = Site::new(&[]);
    let mut command = site.command(&[echo()], &[]);
    let wall = Wall::of(&site, &mut command);
    let adit = Running::spawn(command);
    let address = adit.listening(0);
    works(address);
    site.line.cut_now(Cut::Silence);
    let woke = Instant::now();
    wall.set("+8h");
    adit.event_within(PATIENCE, |event| {
        event["event"] == "state" && event["state"] != "open"
    });
    let shown_after = woke.elapsed();
    turned_away_within(address, PATIENCE);
    site.line.mend();
    let healed_after = open_again(&adit, Instant::now());
    works(address);
    wait_for(|| adit.words().contains("was lost"));
    let told = adit.words();
    let told = told.lines().find(|line| line.contains("was lost")).unwrap();
    assert!(shown_after < Duration::from_secs(14), "{shown_after:?}");
    table.line(&[
        "this computer sleeps (the clock jumps by 8 h) and wakes to a dead line",
        "idle, with Adit's own times",
        &format!(
            "{} ({} after waking)",
            without_ports(told),
            seconds(shown_after)
        ),
        &format!(
            "a client in between is turned away; works again {} after the line does",
            seconds(healed_after)
        ),
    ]);
}

#[test]
fn what_passes_costs_nothing() {
    let mut table = Table::new("passing", &COLUMNS);
    for passing in [
        a_moments_silence,
        rekeying,
        clock_jumps,
        clock_jumps_while_dialling,
        waking_to_a_dead_line,
    ] {
        passing(&mut table);
    }
    table.finish();
}
