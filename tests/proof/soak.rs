//! Time: random faults and traffic for as long as one likes, every byte checked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Download, Site};
use crate::line::{Cut, Way};
use crate::load::Holding;
use crate::support::adit::Running;
use crate::support::network::FarSite;
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

/// What stands between Adit and its server.
enum Ground {
    /// A relay.
    Line(Site),
    /// A cable between two network namespaces.
    Network(FarSite),
}

impl Ground {
    fn forward(&self, targets: &[SocketAddr]) -> Running {
        let options = ["ServerAliveInterval=1", "ServerAliveCountMax=1"];
        match self {
            Self::Line(site) => site.forward(targets, &options),
            Self::Network(site) => site.forward(targets, &options),
        }
    }

    /// Does `work` where Adit is. Threads that it starts stay there.
    fn near<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Line(_) => work(),
            Self::Network(site) => site.near(work),
        }
    }

    /// One of the faults, for so long.
    fn fail(&mut self, number: u64, length: Duration) {
        let lasts = || std::thread::sleep(length);
        match self {
            Self::Line(site) => match number % 5 {
                0 => {
                    site.sshd.kill();
                    site.sshd.resume();
                }
                1 => {
                    site.sshd.freeze();
                    lasts();
                    site.sshd.thaw();
                }
                cut => {
                    let cuts = [Cut::Fin, Cut::Rst, Cut::Silence];
                    site.line.cut_now(cuts[usize::try_from(cut - 2).unwrap()]);
                    lasts();
                    site.line.mend();
                }
            },
            Self::Network(site) => match number % 5 {
                0 => site.signal_sessions(Signal::KILL),
                1 => {
                    site.signal_sessions(Signal::STOP);
                    lasts();
                    site.signal_sessions(Signal::CONT);
                }
                2 => {
                    site.network.take_down();
                    lasts();
                    site.network.bring_up();
                }
                3 => {
                    site.network.lose_packets();
                    lasts();
                    site.network.carry_packets();
                }
                _ => site.network.change_address(),
            },
        }
    }

    /// How many bytes have come over it.
    fn carried(&self) -> u64 {
        match self {
            Self::Line(site) => site.line.carried(Way::Up) + site.line.carried(Way::Down),
            Self::Network(site) => site.network.received(),
        }
    }
}

/// A pseudorandom walk through the faults; the seed is printed, and the same seed walks the same way.
fn trouble(ground: &mut Ground, seed: u64, until: Instant) -> u64 {
    let mut state = seed;
    let mut faults = 0;
    while Instant::now() < until {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        std::thread::sleep(Duration::from_millis(1500 + (state >> 33) % 2500));
        faults += 1;
        ground.fail(
            state >> 40,
            Duration::from_millis(200 + (state >> 50) % 1500),
        );
    }
    faults
}

fn clients(
    (download, talk): (SocketAddr, SocketAddr),
    tally: &Arc<Tally>,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<()>> {
    let mut clients = Vec::new();
    for (client, address) in [
        (downloader as fn(SocketAddr, &Tally, &AtomicBool), download),
        (talker, talk),
    ] {
        for _ in 0..4 {
            let (tally, stop) = (Arc::clone(tally), Arc::clone(stop));
            clients.push(std::thread::spawn(move || client(address, &tally, &stop)));
        }
    }
    clients
}

const SEED: u64 = 20_261_125;

fn soak(name: &str, mut ground: Ground) -> [String; 11] {
    let (target, _) = source(DOWNLOAD);
    let adit = ground.forward(&[target, echo()]);
    let (download, talk) = (adit.listening(0), adit.listening(1));
    let (tally, stop) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
    let clients = ground.near(|| clients((download, talk), &tally, &stop));
    let before = Holding::of(adit.id());
    let started = Instant::now();
    let faults = trouble(&mut ground, SEED, started + duration());
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    // It has come through: the same process, the same ports, and they work.
    let mut stream = ground.near(|| connect_when_open(download));
    assert_eq!(Download::of(&mut stream, DOWNLOAD), Download::Whole);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert!(count(&tally.whole) > 0);
    let after = Holding {
        descriptors: before.descriptors + 16,
        threads: before.threads + 8,
        ..before
    }
    .wait_until_back(adit.id(), 48);
    [
        name.to_owned(),
        format!("{} s (seed {SEED})", took.as_secs()),
        faults.to_string(),
        count(&tally.whole).to_string(),
        count(&tally.cut).to_string(),
        count(&tally.turned_away).to_string(),
        "0".to_owned(),
        format!("{} MB", count(&tally.bytes) / 1_000_000),
        format!("{} MB", ground.carried() / 1_000_000),
        before.words(),
        after.words(),
    ]
}

#[test]
fn a_soak_loses_nothing_in_silence() {
    let mut table = Table::new(
        "soak",
        &[
            "between Adit and its server",
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
    let options = ["RekeyLimit 16M"];
    let soaks = [
        ("a relay", Ground::Line(Site::new(&options))),
        ("a cable", Ground::Network(FarSite::start(&options))),
    ]
    .map(|(name, ground)| std::thread::spawn(move || soak(name, ground)));
    for soak in soaks {
        let line = soak.join().unwrap();
        table.line(&line.each_ref().map(String::as_str));
    }
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
