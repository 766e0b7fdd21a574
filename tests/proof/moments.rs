//! Limits that are reached later than at the start: by a tunnel that stands, that carries, and that is on its way back.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::client::{Download, Site, TURNED_AWAY, listeners_turn_away, turned_away_within};
use crate::faults::{
    Blow, COLUMNS, PATIENCE, QUICK, Seen, open_again, recover, strike, wait_for, without_ports,
    works,
};
use crate::limits::{ends, idler, with_room_for_one};
use crate::line::{Cut, Way};
use crate::station::Station;
use crate::support::adit::Running;
use crate::support::servers::{connect, echo, source};
use crate::table::{Table, seconds};

const DOWNLOAD: usize = 24 << 20;

/// How many descriptors a process may have from now on; none is as many as it may ever have.
fn allow_descriptors(adit: &Running, count: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(adit.pid()).unwrap());
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: count.or(most),
        maximum: most,
    };
    prlimit(pid, Resource::Nofile, limit).unwrap();
}

/// The limit by which it can have so many more descriptors than it has now.
fn room_for(adit: &Running, more: usize) -> u64 {
    let entries = fs::read_dir(format!("/proc/{}/fd", adit.pid())).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let taken: BTreeSet<u64> = names
        .map(|name| name.to_str().unwrap().parse().unwrap())
        .collect();
    let mut free = (0..).filter(|number| !taken.contains(number));
    free.nth(more).unwrap()
}

/// Two tunnels: a download is under way through one, which its reader has not taken yet; the other is idle.
struct Busy {
    adit: Running,
    stream: TcpStream,
    download: SocketAddr,
    echo: SocketAddr,
}

impl Busy {
    fn on(site: &Site, options: &[&str]) -> Self {
        let (target, _) = source(DOWNLOAD);
        let adit = site.forward(&[target, echo()], options);
        let (download, echo) = (adit.listening(0), adit.listening(1));
        works(echo);
        let stream = connect(download);
        wait_for(|| site.line.carried(Way::Down) > 1 << 20);
        Self {
            adit,
            stream,
            download,
            echo,
        }
    }

    /// The download is taken, and nobody was told of anything.
    fn ends_well(&mut self) {
        assert_eq!(Download::of(&mut self.stream, DOWNLOAD), Download::Whole);
        let words = self.adit.words();
        assert!(!words.contains("lost"), "{words}");
    }
}

/// A client that has come, has said a word and has heard it again.
fn served(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])?;
    Ok(stream)
}

/// Clients that come and stay, until one is turned away; how long that took.
fn come_and_stay(address: SocketAddr) -> (Vec<TcpStream>, Duration) {
    let mut stay = Vec::new();
    loop {
        let came = Instant::now();
        match served(address) {
            Ok(stream) => stay.push(stream),
            Err(error) => {
                let waited = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
                assert!(
                    !waited.contains(&error.kind()),
                    "accepted, and left waiting"
                );
                return (stay, came.elapsed());
            }
        }
        assert!(stay.len() < 100, "the limit is never reached");
    }
}

/// The notice that begins so, once it is told in both ways.
fn notice(adit: &Running, beginning: &str) -> String {
    let event = adit.event_within(PATIENCE, |event| {
        let message = event["message"].as_str();
        event["event"] == "notice" && message.is_some_and(|it| it.starts_with(beginning))
    });
    let told = event["message"].as_str().unwrap().to_owned();
    wait_for(|| adit.words().contains(&told));
    told
}

/// All descriptors are taken while a download is under way: it goes on, who comes is turned away, and served again as soon as others
/// have left.
fn no_descriptors(table: &mut Table) {
    let site = Site::new(&[]);
    let mut busy = Busy::on(&site, &["AditSessions=1"]);
    let (adit, echo) = (&busy.adit, busy.echo);
    allow_descriptors(adit, Some(room_for(adit, 8)));
    let (stay, turned_away_after) = come_and_stay(echo);
    assert!(turned_away_after < TURNED_AWAY, "{turned_away_after:?}");
    assert!(turned_away_within(busy.download, PATIENCE) < TURNED_AWAY);
    let told = notice(adit, &format!("clients of {echo} are turned away"));
    busy.ends_well();
    drop(stay);
    let adit = &busy.adit;
    let left = Instant::now();
    wait_for(|| served(echo).is_ok());
    let served_after = left.elapsed();
    notice(adit, &format!("clients of {echo} are accepted again"));
    assert_eq!(adit.words().matches(&told).count(), 1, "{}", adit.words());
    table.line(&[
        "no descriptors are left (`ulimit -n`)",
        "idle, and in mid-download",
        &without_ports(&told),
        &seconds(turned_away_after),
        &seconds(served_after),
        "whole",
    ]);
}

/// No descriptor can be had for the new connection.
fn no_descriptors_for_the_way_back(table: &mut Table) {
    let mut site = Site::new(&[]);
    let adit = site.forward(&[echo()], &QUICK);
    let address = adit.listening(0);
    works(address);
    strike(&mut site, Blow::Killed);
    // What the lost session had is free by the time it refuses.
    adit.event_within(PATIENCE, |event| {
        event["fault"]["code"] == "handshake-failed"
    });
    allow_descriptors(&adit, Some(room_for(&adit, 0)));
    let struck = Instant::now();
    recover(&mut site, Blow::Killed);
    let event = adit.event_within(PATIENCE, |event| event["fault"]["code"] == "too-many-files");
    let shown_after = struck.elapsed();
    listeners_turn_away(adit.pid());
    allow_descriptors(&adit, None);
    let healed_after = open_again(&adit, Instant::now());
    works(address);
    Seen {
        fault: "no descriptors are left (`ulimit -n`)",
        moment: "reconnecting",
        shown: event["fault"].clone(),
        shown_after,
        healed_after,
        data: "a client in between is turned away",
    }
    .into_line(table);
}

fn reset_the_line(site: &Site) {
    site.line.cut_now(Cut::Rst);
    wait_for(|| !site.line.is_used());
    site.line.mend();
}

/// The server has no room for connections that log in, and the session is lost.
fn max_startups_on_the_way_back(table: &mut Table) {
    let (site, _daemon) = with_room_for_one();
    let adit = site.forward(&[echo()], &QUICK);
    let address = adit.listening(0);
    works(address);
    let idler = idler(site.sshd.port());
    reset_the_line(&site);
    let (struck, before) = (Instant::now(), site.line.connections());
    let event = adit.event_within(PATIENCE, |event| {
        let words = event["fault"]["message"].as_str();
        words.is_some_and(|words| words.contains("MaxStartups"))
    });
    let shown_after = struck.elapsed();
    // Another try: the one before was refused.
    wait_for(|| site.line.connections() > before + 1);
    listeners_turn_away(adit.pid());
    drop(idler);
    let healed_after = open_again(&adit, Instant::now());
    works(address);
    Seen {
        fault: "sshd's MaxStartups",
        moment: "reconnecting",
        shown: event["fault"].clone(),
        shown_after,
        healed_after,
        data: "a client in between is turned away",
    }
    .into_line(table);
}

/// The pool cannot grow: all are carried by the session that there is.
fn max_startups_while_carrying(table: &mut Table) {
    let (site, _daemon) = with_room_for_one();
    let mut busy = Busy::on(&site, &[]);
    let _idler = idler(site.sshd.port());
    many_are_served(busy.echo);
    busy.ends_well();
    table.line(&[
        "sshd's MaxStartups",
        "in mid-download",
        "nothing",
        "",
        "",
        "whole",
    ]);
}

fn many_are_served(address: SocketAddr) {
    let clients: Vec<_> = (0..40)
        .map(|_| std::thread::spawn(move || works(address)))
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

/// Forwarding is forbidden from now on: sessions that stand keep what they were allowed, those that are made are refused.
fn forwarding_forbidden_later(table: &mut Table) {
    let site = Site::new(&[]);
    let mut busy = Busy::on(&site, &QUICK);
    let config = site.sshd.path("sshd_config");
    let allowed = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("AllowTcpForwarding no\n{allowed}")).unwrap();
    let before = site.line.connections();
    many_are_served(busy.echo);
    // Another session has joined: it has less to do than the first, and may carry nobody.
    wait_for(|| site.line.connections() > before);
    many_are_served(busy.echo);
    busy.ends_well();
    let adit = busy.adit;
    table.line(&[
        "sshd's AllowTcpForwarding no",
        "in mid-download",
        "nothing: a session keeps what it was allowed, and takes those whom a later one is forbidden",
        "",
        "",
        "whole",
    ]);
    let struck = Instant::now();
    reset_the_line(&site);
    let event = adit.event_within(PATIENCE, |event| {
        event["fault"]["code"] == "forwarding-prohibited"
    });
    let shown_after = struck.elapsed();
    listeners_turn_away(adit.pid());
    let shown = format!(
        "`forwarding-prohibited`: {}",
        event["fault"]["message"].as_str().unwrap()
    );
    table.line(&[
        "sshd's AllowTcpForwarding no",
        "reconnecting",
        &without_ports(&shown),
        &seconds(shown_after),
        &ends(adit),
        "none: nobody is let in any more",
    ]);
}

/// A port that was free when the tunnel was closed is somebody else's when it is opened again.
fn port_taken_in_between(table: &mut Table) {
    let mut station = Station::new();
    station.start();
    let address = station.open();
    works(address);
    station.close();
    let other = TcpListener::bind(address).unwrap();
    let asked = Instant::now();
    let again = station.open();
    let after = asked.elapsed();
    works(again);
    assert_ne!(again, address);
    table.line(&[
        "the local port is taken between closing and opening",
        "closed",
        "another port, where the tunnel is open; one that was asked for by number is a fault, as in the table above",
        &seconds(after),
        "",
        "none",
    ]);
    drop(other);
}

#[test]
fn limits_that_are_reached_later() {
    let mut table = Table::new("moments", &COLUMNS);
    for moment in [
        no_descriptors,
        no_descriptors_for_the_way_back,
        max_startups_on_the_way_back,
        max_startups_while_carrying,
        forwarding_forbidden_later,
        port_taken_in_between,
    ] {
        moment(&mut table);
    }
    table.finish();
}
