//! The line to the server, and the server itself, fail in every way at every moment.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Download, Site, listeners_turn_away};
use crate::line::{Cut, Way};
use crate::support::adit::Running;
use crate::support::servers::{connect, digest, echo, exchange, noise, sink, source};
use crate::table::{Table, seconds};

/// How long it may take on a busy machine until a fault is shown and until it is over. The times themselves are in the table.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Much more than the buffers on the way hold.
const DOWNLOAD: usize = 48 << 20;

/// Short times, so that the table is soon made: what is silent is found out within two seconds, not fifteen.
pub(crate) const QUICK: [&str; 3] = [
    "ServerAliveInterval=1",
    "ServerAliveCountMax=1",
    "ConnectTimeout=3",
];

/// What was seen of one fault.
pub(crate) struct Seen {
    pub(crate) fault: &'static str,
    pub(crate) moment: &'static str,
    pub(crate) shown: Value,
    pub(crate) shown_after: Duration,
    pub(crate) healed_after: Duration,
    pub(crate) data: &'static str,
}

impl Seen {
    pub(crate) fn into_line(self, table: &mut Table) {
        let shown = format!(
            "`{}`: {}",
            self.shown["code"].as_str().unwrap(),
            self.shown["message"].as_str().unwrap()
        );
        table.line(&[
            self.fault,
            self.moment,
            &without_ports(&shown),
            &seconds(self.shown_after),
            &seconds(self.healed_after),
            self.data,
        ]);
    }
}

pub(crate) const COLUMNS: [&str; 6] = [
    "fault",
    "moment",
    "what the person is shown",
    "shown after",
    "works again, once it can, after",
    "data",
];

/// Ports and accounts differ from run to run.
pub(crate) fn without_ports(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(' ') {
        let cut = word.find("127.0.0.1:").map(|at| at + "127.0.0.1".len());
        words.push(match cut {
            Some(at) => {
                let rest = word[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{}{rest}", &word[..at])
            }
            None => word.to_owned(),
        });
    }
    words
        .join(" ")
        .replace(&format!("{}@", crate::support::sshd::user()), "user@")
}

/// The first fault that is shown from here on.
pub(crate) fn shown(adit: &Running, since: Instant) -> (Value, Duration) {
    let event = adit.event_within(PATIENCE, |event| !event["fault"].is_null());
    (event["fault"].clone(), since.elapsed())
}

pub(crate) fn open_again(adit: &Running, since: Instant) -> Duration {
    adit.event_within(PATIENCE, |event| event["state"] == "open");
    since.elapsed()
}

pub(crate) fn works(address: SocketAddr) {
    let data = noise(300_000);
    assert_eq!(digest(&exchange(address, data.clone())), digest(&data));
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    Line(Cut),
    /// The server and its sessions are killed (-9), and are started again.
    Killed,
    /// The server and its sessions are stopped (SIGSTOP), and go on (SIGCONT).
    Stopped,
}

pub(crate) const BLOWS: [(Blow, &str); 5] = [
    (Blow::Line(Cut::Silence), "packets are dropped"),
    (Blow::Line(Cut::Fin), "closed (FIN)"),
    (Blow::Line(Cut::Rst), "reset (RST)"),
    (Blow::Killed, "sshd is killed (-9)"),
    (Blow::Stopped, "sshd is stopped (SIGSTOP), then goes on"),
];

pub(crate) fn strike(site: &mut Site, blow: Blow) {
    match blow {
        Blow::Line(cut) => site.line.cut_now(cut),
        Blow::Killed => site.sshd.kill(),
        Blow::Stopped => site.sshd.freeze(),
    }
}

pub(crate) fn recover(site: &mut Site, blow: Blow) {
    match blow {
        Blow::Line(_) => site.line.mend(),
        Blow::Killed => site.sshd.resume(),
        Blow::Stopped => site.sshd.thaw(),
    }
}

fn while_idle(blow: Blow, fault: &'static str) -> Seen {
    let mut site = Site::new(&[]);
    let adit = site.forward(&[echo()], &QUICK);
    let address = adit.listening(0);
    works(address);
    let struck = Instant::now();
    strike(&mut site, blow);
    let (shown, shown_after) = shown(&adit, struck);
    listeners_turn_away(adit.pid());
    recover(&mut site, blow);
    let healed_after = open_again(&adit, Instant::now());
    works(address);
    Seen {
        fault,
        moment: "idle",
        shown,
        shown_after,
        healed_after,
        data: "a client in between is turned away",
    }
}

#[test]
fn a_standing_tunnel_that_is_struck_while_idle() {
    let mut table = Table::new("idle", &COLUMNS);
    let cells: Vec<_> = BLOWS
        .into_iter()
        .map(|(blow, fault)| std::thread::spawn(move || while_idle(blow, fault)))
        .collect();
    for cell in cells {
        cell.join().unwrap().into_line(&mut table);
    }
    table.finish();
}

fn while_downloading(blow: Blow, fault: &'static str) -> Seen {
    let mut site = Site::new(&[]);
    let (target, _) = source(DOWNLOAD);
    let adit = site.forward(&[target], &QUICK);
    let address = adit.listening(0);
    let mut stream = connect(address);
    // The client takes nothing yet, so that the blow comes in the middle for sure.
    wait_for(|| site.line.carried(Way::Down) > 1 << 20);
    let struck = Instant::now();
    strike(&mut site, blow);
    let download = Download::of(&mut stream, DOWNLOAD);
    let (shown, shown_after) = shown(&adit, struck);
    assert!(download.is_honest(), "{fault}: {download:?}");
    listeners_turn_away(adit.pid());
    recover(&mut site, blow);
    let healed_after = open_again(&adit, Instant::now());
    let again = Download::of(&mut connect(address), DOWNLOAD);
    assert_eq!(again, Download::Whole, "{fault}");
    Seen {
        fault,
        moment: "in mid-download",
        shown,
        shown_after,
        healed_after,
        data: download.words(),
    }
}

fn while_uploading(blow: Blow, fault: &'static str) -> Seen {
    let mut site = Site::new(&[]);
    let adit = site.forward(&[sink()], &QUICK);
    let address = adit.listening(0);
    let mut stream = connect(address);
    let writer = std::thread::spawn(move || {
        let data = noise(1 << 20);
        // More than all buffers hold: it ends only by the cut.
        (0..4096).any(|_| stream.write_all(&data).is_err())
    });
    let before = site.line.carried(Way::Up);
    wait_for(|| site.line.carried(Way::Up) > before + (4 << 20));
    let struck = Instant::now();
    strike(&mut site, blow);
    let (shown, shown_after) = shown(&adit, struck);
    assert!(writer.join().unwrap(), "{fault}: nobody told the client");
    listeners_turn_away(adit.pid());
    recover(&mut site, blow);
    let healed_after = open_again(&adit, Instant::now());
    let data = noise(5 << 20);
    assert_eq!(exchange(address, data.clone()), digest(&data));
    Seen {
        fault,
        moment: "in mid-upload",
        shown,
        shown_after,
        healed_after,
        data: "cut, by an error",
    }
}

#[test]
fn a_standing_tunnel_that_is_struck_in_mid_transfer() {
    let mut table = Table::new("transfer", &COLUMNS);
    for strike_while in [while_downloading, while_uploading] {
        let cells: Vec<_> = BLOWS
            .into_iter()
            .map(|(blow, fault)| std::thread::spawn(move || strike_while(blow, fault)))
            .collect();
        for cell in cells {
            cell.join().unwrap().into_line(&mut table);
        }
    }
    table.finish();
}

/// The line fails, and then the person closes everything: it ends, and the port is free.
#[test]
fn a_line_that_fails_while_everything_is_closed() {
    let mut table = Table::new("closing", &["fault", "ended after", "port", "exit code"]);
    for (blow, fault) in BLOWS {
        let mut site = Site::new(&[]);
        let (target, _) = source(DOWNLOAD);
        let adit = site.forward(&[target], &[]);
        let address = adit.listening(0);
        let busy = connect(address);
        wait_for(|| site.line.carried(Way::Down) > 1 << 20);
        strike(&mut site, blow);
        let started = Instant::now();
        let status = adit.interrupt();
        let ended_after = started.elapsed();
        assert!(status.success(), "{fault}: {status:?}");
        assert!(
            std::net::TcpListener::bind(address).is_ok(),
            "{fault}: {address} is still taken"
        );
        drop(busy);
        table.line(&[fault, &seconds(ended_after), "free", "0"]);
    }
    table.finish();
}

/// With the times that a person has who sets none.
#[test]
fn a_dead_line_is_found_out_within_fifteen_seconds_by_default() {
    let mut table = Table::new("default", &COLUMNS);
    let site = Site::new(&[]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    works(address);
    site.line.cut_now(Cut::Silence);
    let struck = Instant::now();
    let next = adit.event_within(PATIENCE, |event| {
        event["event"] == "state" && event["state"] != "open"
    });
    let shown_after = struck.elapsed();
    // A link that has long stood is dialled again at once: what broke is told in words.
    assert_eq!(next["state"], "dialing", "{next}");
    // The words come with the event, on another stream.
    wait_for(|| adit.words().contains("was lost"));
    let told = adit.words();
    let told = told.lines().find(|line| line.contains("was lost")).unwrap();
    listeners_turn_away(adit.pid());
    site.line.mend();
    let healed_after = open_again(&adit, Instant::now());
    works(address);
    // This time is the promise itself; the margin is the busy machine's.
    assert!(shown_after < Duration::from_secs(18), "{shown_after:?}");
    table.line(&[
        "packets are dropped",
        "idle, with Adit's own times",
        &without_ports(told),
        &seconds(shown_after),
        &seconds(healed_after),
        "a client in between is turned away",
    ]);
    table.finish();
}

/// Waits for something that happens on threads of the test itself.
pub(crate) fn wait_for(happened: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "it has not happened");
        std::thread::sleep(Duration::from_millis(5));
    }
}
