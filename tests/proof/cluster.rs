//! The API server goes away, hangs or lies while a tunnel stands: the tunnel goes on, and the cluster's view says that it is old.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::api::{SERVERS, server};
use crate::client::listeners_serve;
use crate::faults::without_ports;
use crate::line::Cut;
use crate::station::Station;
use crate::support::servers::{closed_port, connect, noise};
use crate::table::{Table, seconds};

const COLUMNS: [&str; 5] = [
    "API server",
    "what the person is shown",
    "shown after",
    "live again, once it can be, after",
    "the open tunnel",
];

/// One that has been open since before the fault.
struct Talk(TcpStream);

impl Talk {
    fn goes_on(&mut self) {
        let data = noise(10_000);
        self.0.write_all(&data).unwrap();
        let mut back = vec![0; data.len()];
        self.0.read_exact(&mut back).unwrap();
        assert!(back == data, "bytes were changed");
    }
}

/// An agent whose tunnel is open, and a connection through it.
struct Bench {
    station: Station,
    talk: Talk,
}

impl Bench {
    fn new() -> Self {
        let mut station = Station::new();
        station.start();
        let address = station.open();
        Self {
            station,
            talk: Talk(connect(address)),
        }
    }

    /// What is shown of the API server, and when; the tunnel goes on meanwhile.
    fn stale(&mut self, since: Instant, is_meant: fn(&str) -> bool) -> (String, Duration) {
        let cluster = self.station.stale_cluster(is_meant);
        let after = since.elapsed();
        self.the_tunnel_goes_on();
        let fault = &cluster["fault"];
        let words = format!(
            "`{}`: {}",
            fault["code"].as_str().unwrap(),
            fault["message"].as_str().unwrap()
        );
        assert!(!words.contains('\u{1b}'), "{words:?}");
        (without_ports(&words), after)
    }

    fn the_tunnel_goes_on(&mut self) {
        self.talk.goes_on();
        listeners_serve(self.station.agent().pid());
    }

    fn live_again(&self) -> Duration {
        let since = Instant::now();
        self.station.cluster_when("live");
        since.elapsed()
    }
}

/// More than that connections broke, which is how it begins.
fn is_the_matter(words: &str) -> bool {
    !words.contains("reset by peer")
}

/// Its connections break, and all that come after: whether by an end or by a reset is chance.
fn gone() -> [String; 5] {
    elsewhere(
        "gone",
        SocketAddr::from(([127, 0, 0, 1], closed_port())),
        |_| true,
    )
}

fn elsewhere(name: &str, other: SocketAddr, is_meant: fn(&str) -> bool) -> [String; 5] {
    let mut bench = Bench::new();
    let struck = Instant::now();
    bench.station.api.move_to(other);
    let (words, after) = bench.stale(struck, is_meant);
    bench.station.api.move_to(bench.station.api_server);
    line(name, &words, after, bench.live_again())
}

fn hangs() -> [String; 5] {
    let mut bench = Bench::new();
    let struck = Instant::now();
    bench.station.api.cut_now(Cut::Silence);
    let (words, after) = bench.stale(struck, is_the_matter);
    bench.station.api.mend();
    line("hangs", &words, after, bench.live_again())
}

/// Its connections are cut and it is there again at once: whether that is told or not, the view is live in the end.
fn restarted() -> [String; 5] {
    let mut bench = Bench::new();
    let server = bench.station.api_server;
    bench.station.api.move_to(server);
    let since = Instant::now();
    while !bench.station.api.is_used() {
        std::thread::yield_now();
    }
    bench.station.cluster_when("live");
    let after = since.elapsed();
    bench.the_tunnel_goes_on();
    line("restarted", "nothing", Duration::ZERO, after)
}

/// A few bytes at a time: it takes its time, and is no fault.
fn slow() -> [String; 5] {
    let mut bench = Bench::new();
    let server = bench.station.api_server;
    bench.station.api.move_to(server);
    bench.station.api.cut_now(Cut::Slow);
    let since = Instant::now();
    bench.station.cluster_when("live");
    let after = since.elapsed();
    bench.the_tunnel_goes_on();
    line(
        "16 bytes at a time",
        "nothing, or that it is old",
        Duration::ZERO,
        after,
    )
}

fn line(name: &str, words: &str, shown: Duration, again: Duration) -> [String; 5] {
    [
        name.to_owned(),
        words.to_owned(),
        seconds(shown),
        seconds(again),
        "goes on, every byte as sent".to_owned(),
    ]
}

#[test]
fn an_api_server_that_fails_while_a_tunnel_stands() {
    let mut table = Table::new("cluster", &COLUMNS);
    let mut cells = vec![
        std::thread::spawn(hangs),
        std::thread::spawn(restarted),
        std::thread::spawn(slow),
        std::thread::spawn(gone),
    ];
    for (name, answer) in SERVERS {
        cells.push(std::thread::spawn(move || {
            elsewhere(name, server(answer), is_the_matter)
        }));
    }
    for cell in cells {
        let line = cell.join().unwrap();
        table.line(&line.each_ref().map(String::as_str));
    }
    table.finish();
}
