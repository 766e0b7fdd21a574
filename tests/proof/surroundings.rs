//! The network under a tunnel changes: a real interface, in namespaces of the kernel's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Download, listeners_turn_away};
use crate::faults::{COLUMNS, PATIENCE, wait_for, without_ports};
use crate::support::adit::Running;
use crate::support::network::FarSite;
use crate::support::servers::{connect, digest, echo, exchange, noise, sink, source};
use crate::table::{Table, seconds};

const DOWNLOAD: usize = 32 << 20;

/// What happens to the network.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Down,
    Lossy,
    OtherAddress,
}

impl Blow {
    /// Another address is the network that there is from then on: a tunnel may be back as soon as its loss is told.
    const fn lasts(self) -> bool {
        !matches!(self, Self::OtherAddress)
    }
}

const BLOWS: [(Blow, &str); 3] = [
    (Blow::Down, "the interface goes down, and comes back"),
    (Blow::Lossy, "packets are lost in silence (half-open)"),
    (Blow::OtherAddress, "this computer has another address"),
];

fn strike(site: &mut FarSite, blow: Blow) {
    match blow {
        Blow::Down => site.network.take_down(),
        Blow::Lossy => site.network.lose_packets(),
        Blow::OtherAddress => site.network.change_address(),
    }
}

fn recover(site: &FarSite, blow: Blow) {
    match blow {
        Blow::Down => site.network.bring_up(),
        Blow::Lossy => site.network.carry_packets(),
        Blow::OtherAddress => {}
    }
}

/// A tunnel through a network of its own, with Adit's own times.
struct Scene {
    site: FarSite,
    adit: Running,
    address: SocketAddr,
}

impl Scene {
    fn new(target: SocketAddr) -> Self {
        let site = FarSite::start(&[]);
        let adit = site.forward(&[target, echo()], &[]);
        let address = adit.listening(0);
        Self {
            site,
            adit,
            address,
        }
    }

    /// What is shown, and when; a client that comes while it lasts is not left waiting.
    fn shown(&self, since: Instant, blow: Blow) -> (String, Duration) {
        self.adit.event_within(PATIENCE, |event| {
            event["event"] == "state" && event["state"] != "open"
        });
        let after = since.elapsed();
        // The words come with the event, on another stream.
        wait_for(|| self.adit.words().contains("was lost"));
        let words = self.adit.words();
        let told = words.lines().find(|line| line.contains("was lost"));
        let told = told.unwrap().trim_start_matches("adit: ");
        let program = self.adit.pid();
        if blow.lasts() {
            self.site.near(|| listeners_turn_away(program));
        }
        (without_ports(told), after)
    }

    fn works_again(&self, since: Instant) -> Duration {
        let echo = self.adit.listening(1);
        let again = || {
            let data = noise(1000);
            self.site.near(|| {
                let Ok(mut stream) = TcpStream::connect(echo) else {
                    return false;
                };
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut back = vec![0; data.len()];
                stream.write_all(&data).is_ok()
                    && stream.read_exact(&mut back).is_ok()
                    && back == data
            })
        };
        wait_for(again);
        let after = since.elapsed();
        let data = noise(300_000);
        let back = self.site.near(|| exchange(echo, data.clone()));
        assert_eq!(digest(&back), digest(&data));
        after
    }

    fn line(
        self,
        moment: &'static str,
        struck: Instant,
        blow: (Blow, &'static str),
        data: &str,
    ) -> [String; 6] {
        let (words, after) = self.shown(struck, blow.0);
        recover(&self.site, blow.0);
        let again = self.works_again(Instant::now());
        // What a person may wait for until it is said; the margin is the busy machine's.
        let margin = Duration::from_secs(22);
        assert!(after < margin, "{} {moment}: {after:?}, {words}", blow.1);
        [
            blow.1.to_owned(),
            moment.to_owned(),
            words,
            seconds(after),
            seconds(again),
            data.to_owned(),
        ]
    }
}

fn while_idle(blow: (Blow, &'static str)) -> [String; 6] {
    let mut scene = Scene::new(echo());
    let struck = Instant::now();
    strike(&mut scene.site, blow.0);
    scene.line("idle", struck, blow, "none")
}

fn while_downloading(blow: (Blow, &'static str)) -> [String; 6] {
    let (target, _) = source(DOWNLOAD);
    let mut scene = Scene::new(target);
    let before = scene.site.network.received();
    let address = scene.address;
    let mut stream = scene.site.near(|| connect(address));
    wait_for(|| scene.site.network.received() > before + (1 << 20));
    let struck = Instant::now();
    strike(&mut scene.site, blow.0);
    let reader = std::thread::spawn(move || Download::of(&mut stream, DOWNLOAD));
    let line = scene.line("in mid-download", struck, blow, "cut, by an error");
    assert_eq!(reader.join().unwrap(), Download::Cut, "{}", blow.1);
    line
}

fn while_uploading(blow: (Blow, &'static str)) -> [String; 6] {
    let mut scene = Scene::new(sink());
    let address = scene.address;
    let mut stream = scene.site.near(|| connect(address));
    let sent = Arc::<AtomicU64>::default();
    let counter = Arc::clone(&sent);
    let writer = std::thread::spawn(move || {
        let data = noise(1 << 16);
        // More than all buffers hold: it ends only by the cut.
        (0..1 << 16).any(|_| {
            counter.fetch_add(1, Ordering::Relaxed);
            stream.write_all(&data).is_err()
        })
    });
    wait_for(|| sent.load(Ordering::Relaxed) > 64);
    let struck = Instant::now();
    strike(&mut scene.site, blow.0);
    let line = scene.line("in mid-upload", struck, blow, "cut, by an error");
    assert!(writer.join().unwrap(), "{}: nobody told the client", blow.1);
    line
}

/// The network fails, and then the person closes everything: it ends at once, and its port is free.
fn while_closing(blow: (Blow, &'static str)) -> [String; 6] {
    let (target, _) = source(DOWNLOAD);
    let Scene {
        mut site,
        adit,
        address,
    } = Scene::new(target);
    let before = site.network.received();
    let busy = site.near(|| connect(address));
    wait_for(|| site.network.received() > before + (1 << 20));
    strike(&mut site, blow.0);
    let started = Instant::now();
    let status = adit.interrupt();
    let after = started.elapsed();
    assert!(status.success(), "{}: {status:?}", blow.1);
    let is_free = site.near(|| TcpListener::bind(address).is_ok());
    assert!(is_free, "{}: {address} is still taken", blow.1);
    drop(busy);
    [
        blow.1.to_owned(),
        "closing".to_owned(),
        format!(
            "it ends after {} with exit code 0; the port is free",
            seconds(after)
        ),
        String::new(),
        String::new(),
        String::new(),
    ]
}

/// An interface that is away for less time than keepalives wait: TCP sends again what was lost.
fn a_moment_without_a_network() -> [String; 6] {
    let (target, _) = source(DOWNLOAD);
    let scene = Scene::new(target);
    let before = scene.site.network.received();
    let address = scene.address;
    let mut stream = scene.site.near(|| connect(address));
    wait_for(|| scene.site.network.received() > before + (1 << 20));
    scene.site.network.take_down();
    scene.site.network.bring_up();
    assert_eq!(Download::of(&mut stream, DOWNLOAD), Download::Whole);
    let words = scene.adit.words();
    assert!(!words.contains("was lost"), "{words}");
    [
        "the interface goes down for a moment",
        "in mid-download",
        "nothing",
        "",
        "",
        "whole",
    ]
    .map(str::to_owned)
}

#[test]
fn a_network_that_changes_under_a_tunnel() {
    let mut cells = vec![std::thread::spawn(a_moment_without_a_network)];
    for blow in BLOWS {
        cells.push(std::thread::spawn(move || while_idle(blow)));
        cells.push(std::thread::spawn(move || while_downloading(blow)));
        cells.push(std::thread::spawn(move || while_uploading(blow)));
        cells.push(std::thread::spawn(move || while_closing(blow)));
    }
    let mut table = Table::new("surroundings", &COLUMNS);
    for cell in cells {
        let line = cell.join().unwrap();
        table.line(&line.each_ref().map(String::as_str));
    }
    table.finish();
}
