//! What is done with a forwarder, and what is read off it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::bulk::{self, Bulk, Running, Way};
use super::family::Family;
use super::forwarder::{Forwarder, Peer, free_port};
use super::http::{self, Load};
use super::site::Site;
use super::stats::quantile;

/// One thing to do; it yields one or more figures.
pub(crate) struct Scenario {
    /// Its name for `--only`.
    pub(crate) name: &'static str,
    /// Where it is done.
    pub(crate) place: Place,
    /// What is done.
    pub(crate) work: Work,
    /// The figures that it yields.
    pub(crate) figures: &'static [&'static str],
}

/// Where the SSH server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Loopback,
    Line { round_trip_ms: u64, tuned: bool },
}

/// What is done with a forwarder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// This many streams at once; CPU time counts.
    Streams(Way, usize),
    /// The same for their speed alone.
    Speed(Way, usize),
    Http,
    Connect,
    Idle,
    Stalled,
    Neighbour,
    Start,
    HttpLatency,
    SmallLatency,
    ConnectLatency,
}

/// Figures, in the order that the scenario names.
pub(crate) type Outcome = anyhow::Result<Vec<f64>>;

/// What a scenario is given.
pub(crate) struct Scene<'a> {
    /// The server and its targets.
    pub(crate) site: &'a Site,
    /// Who forwards.
    pub(crate) peer: &'a Peer,
    /// How long it goes on before anything counts.
    pub(crate) warm: Duration,
    /// How long it counts.
    pub(crate) window: Duration,
    /// Whether streams are to run to their end, since that is quickly reached.
    pub(crate) nearby: bool,
    /// Who ends what the scenario has started, should the bench be ended.
    pub(crate) family: &'a Family,
}

const FAR: Place = Place::Line {
    round_trip_ms: 100,
    tuned: false,
};
const FAR_TUNED: Place = Place::Line {
    round_trip_ms: 100,
    tuned: true,
};
const NEAR: Place = Place::Line {
    round_trip_ms: 20,
    tuned: false,
};

const fn scenario(
    name: &'static str,
    place: Place,
    work: Work,
    figures: &'static [&'static str],
) -> Scenario {
    Scenario {
        name,
        place,
        work,
        figures,
    }
}

/// All of them, in the order in which they are done.
#[rustfmt::skip]
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("down", Place::Loopback, Work::Streams(Way::Down, 1), &["down", "down-cpu"]),
    scenario("up", Place::Loopback, Work::Streams(Way::Up, 1), &["up", "up-cpu"]),
    scenario("down8", Place::Loopback, Work::Speed(Way::Down, 8), &["down8"]),
    scenario("up8", Place::Loopback, Work::Speed(Way::Up, 8), &["up8"]),
    scenario("http", Place::Loopback, Work::Http, &["http", "http-cpu"]),
    scenario("connect", Place::Loopback, Work::Connect, &["connect"]),
    scenario("idle", Place::Loopback, Work::Idle, &["idle-memory", "idle-cpu"]),
    scenario("stalled", Place::Loopback, Work::Stalled, &["stalled", "stalled-memory"]),
    scenario("neighbour", Place::Loopback, Work::Neighbour, &["neighbour", "neighbour-memory"]),
    scenario("start", Place::Loopback, Work::Start, &["start"]),
    scenario("far-down", FAR, Work::Speed(Way::Down, 1), &["far-down"]),
    scenario("far-down-tuned", FAR_TUNED, Work::Speed(Way::Down, 1), &["far-down-tuned"]),
    scenario("far-down8", FAR, Work::Speed(Way::Down, 8), &["far-down8"]),
    scenario("far-up8", FAR, Work::Speed(Way::Up, 8), &["far-up8"]),
    scenario("near-http", NEAR, Work::HttpLatency, &["near-http", "near-http-p99"]),
    scenario("near-small", NEAR, Work::SmallLatency, &["near-small"]),
    scenario("near-connect", NEAR, Work::ConnectLatency, &["near-connect"]),
];

/// How many connections are idle, and how many readers stall.
const IDLE: usize = 1000;
const STALLED: usize = 100;
/// How often stalled streams are looked at, how many looks must show no change, and how long that may take.
const LOOK: Duration = Duration::from_millis(100);
const QUIET_LOOKS: u32 = 10;
const QUIET_LIMIT: Duration = Duration::from_secs(30);

impl Scene<'_> {
    /// Does it, from the forwarder's start to its end.
    pub(crate) fn run(&self, work: Work) -> Outcome {
        match work {
            Work::Streams(way, count) => self.streams(way, count),
            Work::Speed(way, count) => Ok(vec![self.streams(way, count)?[0]]),
            Work::Http => self.http(),
            Work::Connect => self.connect(),
            Work::Idle => self.idle(),
            Work::Stalled => self.stalled(),
            Work::Neighbour => self.neighbour(),
            Work::Start => self.start(),
            Work::HttpLatency => self.http_latency(),
            Work::SmallLatency => self.small_latency(),
            Work::ConnectLatency => self.connect_latency(),
        }
    }

    fn forward_bulk(&self) -> anyhow::Result<Forwarder> {
        let Site { sshd, bulk, .. } = self.site;
        Forwarder::start(self.peer, sshd, bulk.address, bulk::QUESTION, self.family)
    }

    fn forward_http(&self) -> anyhow::Result<Forwarder> {
        let Site { sshd, http, .. } = self.site;
        let question = http::EXCHANGES[0].request;
        Forwarder::start(self.peer, sshd, *http, question, self.family)
    }

    /// Bytes a second and CPU seconds a gigabyte.
    fn streams(&self, way: Way, count: usize) -> Outcome {
        let forwarder = self.forward_bulk()?;
        let streams = begin(&self.site.bulk, &forwarder, way, count)?;
        let carried = self.measure(&forwarder, &streams);
        for stream in streams {
            let ended = if self.nearby {
                stream.finish()
            } else {
                stream.cut()
            };
            ended.with_context(|| forwarder.words())?;
        }
        let carried = carried?;
        Ok(vec![
            carried.speed(),
            carried.cpu.as_secs_f64() / (carried.bytes / 1e9),
        ])
    }

    /// Counts what arrives in the window after the warming up.
    fn measure(&self, forwarder: &Forwarder, streams: &[Running]) -> anyhow::Result<Carried> {
        let arrived = || -> u64 { streams.iter().map(|stream| stream.tally.arrived()).sum() };
        std::thread::sleep(self.warm);
        let (cpu, bytes, began) = (forwarder.cpu()?, arrived(), Instant::now());
        std::thread::sleep(self.window);
        let (bytes, seconds) = (arrived() - bytes, began.elapsed().as_secs_f64());
        let cpu = forwarder.cpu()?.saturating_sub(cpu);
        ensure!(bytes > 0, "nothing has arrived; {}", forwarder.words());
        Ok(Carried {
            bytes: bytes as f64,
            seconds,
            cpu,
        })
    }

    fn load(
        &self,
        forwarder: &Forwarder,
        clients: usize,
        fresh: bool,
    ) -> anyhow::Result<http::Counted> {
        let load = Load {
            clients,
            fresh,
            small: false,
            warm: self.warm,
            window: self.window,
        };
        http::run(forwarder.address, load, || forwarder.cpu()).with_context(|| forwarder.words())
    }

    fn http(&self) -> Outcome {
        let counted = self.load(&self.forward_http()?, 32, false)?;
        Ok(vec![counted.rate(), counted.cpu_each()])
    }

    fn connect(&self) -> Outcome {
        Ok(vec![self.load(&self.forward_http()?, 8, true)?.rate()])
    }

    fn http_latency(&self) -> Outcome {
        let seconds = self.load(&self.forward_http()?, 32, false)?.seconds;
        [0.5, 0.99]
            .map(|share| quantile(&seconds, share).context("no request was answered"))
            .into_iter()
            .collect()
    }

    /// Few clients and small answers: where a sender that waits for acknowledgements (Nagle) is felt.
    fn small_latency(&self) -> Outcome {
        let forwarder = self.forward_http()?;
        let load = Load {
            clients: 8,
            fresh: false,
            small: true,
            warm: self.warm,
            window: self.window,
        };
        let counted = http::run(forwarder.address, load, || forwarder.cpu())
            .with_context(|| forwarder.words())?;
        Ok(vec![
            quantile(&counted.seconds, 0.5).context("no request was answered")?,
        ])
    }

    fn connect_latency(&self) -> Outcome {
        let seconds = self.load(&self.forward_http()?, 8, true)?.seconds;
        Ok(vec![
            quantile(&seconds, 0.5).context("no request was answered")?,
        ])
    }

    fn idle(&self) -> Outcome {
        let forwarder = self.forward_http()?;
        // What the first connections take belongs to no number of them.
        self.load(&forwarder, 1, false)?;
        let before = forwarder.resident_bytes()?;
        let idle: Vec<_> = (0..IDLE)
            .map(|number| {
                http::visit(forwarder.address)
                    .with_context(|| format!("idle connection {number}; {}", forwarder.words()))
            })
            .collect::<anyhow::Result<_>>()?;
        let grown = forwarder.resident_bytes()?.saturating_sub(before);
        let counted = self.load(&forwarder, 1, false)?;
        drop(idle);
        Ok(vec![grown as f64, counted.cpu_each()])
    }

    fn stalled(&self) -> Outcome {
        let forwarder = self.forward_bulk()?;
        let address = forwarder.address;
        self.beside_stalled(&forwarder, address, STALLED)
    }

    /// The stalled reader is a client of another forward of the same process and host.
    fn neighbour(&self) -> Outcome {
        let Site { sshd, bulk, .. } = self.site;
        let port = free_port()?;
        let mut peer = self.peer.clone();
        let forward = format!("127.0.0.1:{port}:{}", bulk.address);
        peer.extra.extend(["-L".to_owned(), forward]);
        let forwarder = Forwarder::start(&peer, sshd, bulk.address, bulk::QUESTION, self.family)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        forwarder.wait_for(address, bulk::QUESTION)?;
        self.beside_stalled(&forwarder, address, 1)
    }

    /// What is left of a busy stream's speed beside so many readers at `address` that stall, and the memory that they take.
    fn beside_stalled(&self, forwarder: &Forwarder, address: SocketAddr, count: usize) -> Outcome {
        let busy = begin(&self.site.bulk, forwarder, Way::Down, 1)?;
        let before_them = self.measure(forwarder, &busy)?.speed();
        let before = forwarder.resident_bytes()?;
        let stalled: Vec<_> = (0..count)
            .map(|_| self.site.bulk.stalled(address))
            .collect::<anyhow::Result<_>>()?;
        let sent = || stalled.iter().map(|(_, tally)| tally.sent()).sum();
        wait_until_quiet(forwarder, sent)?;
        let beside = self.measure(forwarder, &busy)?.speed();
        let grown = forwarder.resident_bytes()?.saturating_sub(before);
        drop(stalled);
        let after_them = self.measure(forwarder, &busy)?.speed();
        for stream in busy {
            stream.finish().with_context(|| forwarder.words())?;
        }
        // Alone before and after, since the machine's own speed changes meanwhile.
        let share = beside / f64::midpoint(before_them, after_them);
        Ok(vec![share, grown as f64])
    }

    fn start(&self) -> Outcome {
        Ok(vec![self.forward_http()?.first_byte.as_secs_f64()])
    }
}

/// What streams have carried in a window.
struct Carried {
    bytes: f64,
    seconds: f64,
    cpu: Duration,
}

impl Carried {
    /// Bytes a second.
    fn speed(&self) -> f64 {
        self.bytes / self.seconds
    }
}

fn begin(
    bulk: &Bulk,
    forwarder: &Forwarder,
    way: Way,
    count: usize,
) -> anyhow::Result<Vec<Running>> {
    (0..count)
        .map(|_| bulk.stream(forwarder.address, way))
        .collect()
}

/// Waits until the buffers of streams that nobody reads are full: on the way to the forwarder, where `sent` stands still, and
/// in it, where its memory does.
fn wait_until_quiet(forwarder: &Forwarder, sent: impl Fn() -> u64) -> anyhow::Result<()> {
    let end = Instant::now() + QUIET_LIMIT;
    let (mut seen, mut quiet) = ((0, 0), 0);
    while quiet < QUIET_LOOKS {
        std::thread::sleep(LOOK);
        // Memory comes and goes a little with the busy stream.
        let now = (sent(), forwarder.resident_bytes()? >> 20);
        let still = now.0 > 0 && now.0 == seen.0 && now.1.abs_diff(seen.1) <= 1;
        quiet = if still { quiet + 1 } else { 0 };
        seen = now;
        ensure!(
            Instant::now() < end,
            "streams that nobody reads have swallowed {} MB and go on",
            seen.0 / 1_000_000
        );
    }
    Ok(())
}
