//! Time: random faults and traffic for as long as one likes, every byte checked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Download, Site};
use crate::line::{Cut, Way};
use crate::load::Holding;
use crate::support::servers::{digest, echo, noise, source};
use crate::table::Table;

/// What a soak has seen.
#[derive(Default)]
struct Tally {
    whole: AtomicU64,
    cut: AtomicU64,
    turned_away: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    fn count(&self, counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that a client was turned away, which then tries again a moment later, as clients do.
    fn turn_away(&self) {
        self.count(&self.turned_away, 0);
        std::thread::sleep(Duration::from_millis(50));
    }

    /// A connection, or none where the client was turned away.
    fn let_in(&self, address: SocketAddr) -> Option<TcpStream> {
        let Ok(stream) = TcpStream::connect(address) else {
            self.turn_away();
            return None;
        };
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        Some(stream)
    }
}

/// For how long: `ADIT_PROOF_SOAK_SECONDS`, or a taste of it.
fn duration() -> Duration {
    Duration::from_secs(std::env::var("ADIT_PROOF_SOAK_SECONDS").map_or(20, |text| {
        text.parse().expect("ADIT_PROOF_SOAK_SECONDS is a number")
    }))
}

const DOWNLOAD: usize = 3_000_000;

/// Downloads: whole, or cut by an error.
fn downloader(address: SocketAddr, tally: &Tally, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = tally.let_in(address) else {
            continue;
        };
        match Download::of(&mut stream, DOWNLOAD) {
            Download::Whole => tally.count(&tally.whole, DOWNLOAD),
            Download::Cut => tally.count(&tally.cut, 0),
            other => panic!("a download was {}: {other:?}", other.words()),
        }
    }
}

/// Questions and answers of all lengths on one connection, for as long as that lasts.
fn talker(address: SocketAddr, tally: &Tally, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = tally.let_in(address) else {
            continue;
        };
        let mut length = 1;
        while !stop.load(Ordering::Relaxed) {
            let data = noise(length);
            let mut back = vec![0; length];
            let done = stream
                .write_all(&data)
                .and_then(|()| stream.read_exact(&mut back));
            if done.is_err() && length == 1 {
                // The tunnel is on its way back: whoever comes meanwhile is turned away.
                tally.turn_away();
                break;
            }
            if done.is_err() {
                tally.count(&tally.cut, 0);
                break;
            }
            assert_eq!(digest(&back), digest(&data), "an answer was changed");
            tally.count(&tally.whole, 2 * length);
            length = length * 3 % 65_521 + 1;
        }
    }
}

/// A pseudorandom walk through the faults; the seed is printed, and the same seed walks the same way.
fn trouble(site: &mut Site, seed: u64, until: Instant) -> u64 {
    let mut state = seed;
    let mut faults = 0;
    while Instant::now() < until {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        std::thread::sleep(Duration::from_millis(1500 + (state >> 33) % 2500));
        faults += 1;
        match (state >> 40) % 4 {
            0 => site.line.cut_now(Cut::Fin),
            1 => site.line.cut_now(Cut::Rst),
            2 => site.line.cut_now(Cut::Silence),
            _ => {
                site.sshd.kill();
                site.sshd.resume();
                continue;
            }
        }
        std::thread::sleep(Duration::from_millis(200 + (state >> 50) % 1500));
        site.line.mend();
    }
    faults
}

#[test]
fn a_soak_loses_nothing_in_silence() {
    let seed = 20_261_125;
    let mut site = Site::new(&["RekeyLimit 16M"]);
    let (target, _) = source(DOWNLOAD);
    let options = ["ServerAliveInterval=1", "ServerAliveCountMax=1"];
    let adit = site.forward(&[target, echo()], &options);
    let (download, talk) = (adit.listening(0), adit.listening(1));
    let (tally, stop) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
    let mut clients = Vec::new();
    for (client, address) in [
        (downloader as fn(SocketAddr, &Tally, &AtomicBool), download),
        (talker, talk),
    ] {
        for _ in 0..4 {
            let (tally, stop) = (Arc::clone(&tally), Arc::clone(&stop));
            clients.push(std::thread::spawn(move || client(address, &tally, &stop)));
        }
    }
    let before = Holding::of(adit.id());
    let started = Instant::now();
    let faults = trouble(&mut site, seed, started + duration());
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    // It has come through: the same process, the same ports, and they work.
    let mut stream = connect_when_open(download);
    assert_eq!(Download::of(&mut stream, DOWNLOAD), Download::Whole);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert!(count(&tally.whole) > 0);
    let after = Holding {
        descriptors: before.descriptors + 16,
        threads: before.threads + 8,
        ..before
    }
    .wait_until_back(adit.id(), 48);
    let mut table = Table::new(
        "soak",
        &[
            "length",
            "faults",
            "whole",
            "cut, by an error",
            "turned away",
            "silently short or wrong",
            "bytes checked",
            "bytes over the line",
            "before: descriptors / threads / resident",
            "after",
        ],
    );
    table.line(&[
        &format!("{} s (seed {seed})", took.as_secs()),
        &faults.to_string(),
        &count(&tally.whole).to_string(),
        &count(&tally.cut).to_string(),
        &count(&tally.turned_away).to_string(),
        "0",
        &format!("{} MB", count(&tally.bytes) / 1_000_000),
        &format!(
            "{} MB",
            (site.line.carried(Way::Up) + site.line.carried(Way::Down)) / 1_000_000
        ),
        &before.words(),
        &after.words(),
    ]);
    table.finish();
}

/// A connection to a tunnel that may still be on its way back: one that is turned away is tried again.
fn connect_when_open(address: SocketAddr) -> TcpStream {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let mut byte = [0];
        if let Ok(stream) = TcpStream::connect(address)
            && stream.peek(&mut byte).is_ok_and(|count| count == 1)
        {
            return stream;
        }
        assert!(Instant::now() < end, "the tunnel does not come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}
