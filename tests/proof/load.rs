//! Much at once and much in all: every byte is checked, and afterwards everything is back where it was.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use adit::engine;
use adit::model::{
    Command, Destination, HostId, HostProfile, Intent, Light, LocalBind, Snapshot, Target,
    TunnelId, TunnelSpec,
};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::client::{Site, listeners_serve};
use crate::faults::wait_for;
use crate::support::servers::{connect, digest, echo, exchange, noise};
use crate::support::sshd::{Sshd, user};
use crate::table::{Table, seconds};

/// What a process has of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) resident_kib: usize,
}

impl Holding {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        Self {
            descriptors,
            threads: number("Threads:"),
            resident_kib: number("VmRSS:"),
        }
    }

    pub(crate) fn words(self) -> String {
        let Self {
            descriptors,
            threads,
            resident_kib,
        } = self;
        format!("{descriptors} / {threads} / {} MiB", resident_kib / 1024)
    }

    /// The pool may have grown to its four sessions meanwhile: each takes a thread and four descriptors, and stays.
    fn with_a_whole_pool(self) -> Self {
        Self {
            descriptors: self.descriptors + 3 * 4,
            threads: self.threads + 3,
            ..self
        }
    }

    /// Waits until the process has no more than this. Memory may keep what the allocator keeps.
    pub(crate) fn wait_until_back(self, process: u32, spare_mib: usize) -> Self {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let now = Self::of(process);
            if now.descriptors <= self.descriptors
                && now.threads <= self.threads
                && now.resident_kib <= self.resident_kib + spare_mib * 1024
            {
                return now;
            }
            assert!(
                Instant::now() < end,
                "{self:?} has become {now:?}: {:#?}",
                open_files(process)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What its descriptors are, for a person who looks for a leak.
fn open_files(process: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let named = links.map(|link| {
        let path = link.unwrap().path();
        let target = fs::read_link(&path).unwrap_or_default();
        format!("{}: {}", path.display(), target.display())
    });
    named.collect()
}

/// A thousand connections do not fit the usual limit, neither here nor in what is started from here.
fn allow_many_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

const COLUMNS: [&str; 5] = [
    "load",
    "took",
    "before: descriptors / threads / resident",
    "after",
    "data",
];

/// A thousand clients are connected at the same time, and each has its bytes sent back three times.
fn thousand_at_once(table: &mut Table) {
    const CLIENTS: usize = 1000;
    const BYTES: usize = 20_000;
    let site = Site::new(&["MaxSessions 1000"]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    warm_up(address);
    let before = settled(adit.id());
    let started = Instant::now();
    let all_are_here = Arc::new(Barrier::new(CLIENTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let all_are_here = Arc::clone(&all_are_here);
            let client = move || {
                let data = noise(BYTES + number);
                let mut stream = connect(address);
                for _ in 0..3 {
                    stream.write_all(&data).unwrap();
                    let mut back = vec![0; data.len()];
                    stream.read_exact(&mut back).unwrap();
                    assert_eq!(digest(&back), digest(&data), "client {number}");
                    all_are_here.wait();
                }
            };
            std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn(client)
                .unwrap()
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let took = started.elapsed();
    let after = before.with_a_whole_pool().wait_until_back(adit.id(), 24);
    listeners_serve(adit.id());
    table.line(&[
        "1,000 connections at once over one host, 3 x 20 kB each way",
        &seconds(took),
        &before.words(),
        &after.words(),
        "every byte as sent",
    ]);
}

/// As many connections, one after the other on each of eight lanes.
fn churn(table: &mut Table) {
    const LANES: usize = 8;
    let per_lane = churn_total() / LANES;
    let site = Site::new(&[]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    warm_up(address);
    let before = settled(adit.id());
    let started = Instant::now();
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            std::thread::spawn(move || {
                for number in 0..per_lane {
                    let word = format!("{lane} {number}");
                    let back = exchange_small(address, word.as_bytes());
                    assert_eq!(back, word.as_bytes());
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.join().unwrap();
    }
    let took = started.elapsed();
    let after = before.with_a_whole_pool().wait_until_back(adit.id(), 24);
    listeners_serve(adit.id());
    table.line(&[
        &format!("{} connections in all, eight at a time", per_lane * LANES),
        &seconds(took),
        &before.words(),
        &after.words(),
        "every answer right",
    ]);
}

/// How many connections the churn makes: `ADIT_PROOF_CHURN`, or the 100,000 that are promised.
fn churn_total() -> usize {
    std::env::var("ADIT_PROOF_CHURN").map_or(100_000, |text| {
        text.parse().expect("ADIT_PROOF_CHURN is a number")
    })
}

fn exchange_small(address: SocketAddr, word: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    stream.write_all(word).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    back
}

/// Has the pool grow to what the load will need, so that before and after can be compared.
fn warm_up(address: SocketAddr) {
    let clients: Vec<_> = (0..64)
        .map(|_| std::thread::spawn(move || exchange(address, noise(200_000))))
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap().len(), 200_000);
    }
}

/// What the process holds once nothing is under way any more: the same twice in a row.
fn settled(process: u32) -> Holding {
    let last = Mutex::new(Holding::of(process));
    wait_for(|| {
        std::thread::sleep(Duration::from_millis(200));
        let now = Holding::of(process);
        let mut last = last.lock().unwrap();
        let same = now.descriptors == last.descriptors && now.threads == last.threads;
        *last = now;
        same
    });
    last.into_inner().unwrap()
}

/// 200 tunnels over 10 hosts in one engine.
fn many_tunnels(table: &mut Table) {
    const HOSTS: usize = 10;
    const TUNNELS: usize = 200;
    let this = std::process::id();
    let hosts: Vec<Sshd> = (0..HOSTS).map(|_| Sshd::start(&[])).collect();
    let target = echo();
    let before = Holding::of(this);
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut handle = engine::start();
        for (index, host) in hosts.iter().enumerate() {
            handle.send(Command::AddHost(Box::new(profile(host, index))));
        }
        for index in 0..TUNNELS {
            let id = TunnelId::Forward(u16::try_from(index).unwrap());
            handle.send(Command::AddTunnel(TunnelSpec {
                id: id.clone(),
                host: host_id(index % HOSTS),
                local: LocalBind::loopback(0),
                target: Target::Fixed(Destination::tcp("127.0.0.1", target.port())),
            }));
            handle.send(Command::SetIntent {
                id,
                intent: Intent::Up,
            });
        }
        let open = until(&mut handle, |snapshot| {
            let green = |light| light == Light::Green;
            snapshot.tunnels.len() == TUNNELS
                && snapshot.tunnels.values().all(|it| green(it.state.light()))
        })
        .await;
        let addresses: Vec<SocketAddr> = open
            .tunnels
            .values()
            .map(|tunnel| tunnel.local_address().unwrap())
            .collect();
        let checked = addresses.clone();
        tokio::task::spawn_blocking(move || checked.into_iter().for_each(check))
            .await
            .unwrap();
        handle.send(Command::Quit);
        until(&mut handle, |snapshot| snapshot.ended).await;
        for address in addresses {
            assert!(
                TcpStream::connect(address).is_err(),
                "{address} still listens"
            );
        }
    });
    drop(runtime);
    let took = started.elapsed();
    drop(hosts);
    let after = before.wait_until_back(this, 64);
    table.line(&[
        "200 tunnels over 10 hosts, opened, used and closed (in the test's own process)",
        &seconds(took),
        &before.words(),
        &after.words(),
        "every byte as sent; every port free",
    ]);
}

fn check(address: SocketAddr) {
    let data = noise(30_000);
    assert_eq!(digest(&exchange(address, data.clone())), digest(&data));
}

fn host_id(index: usize) -> HostId {
    HostId::new(&format!("host-{index}"))
}

fn profile(host: &Sshd, index: usize) -> HostProfile {
    HostProfile {
        id: host_id(index),
        identities: vec![host.key()],
        use_agent: false,
        known_hosts: vec![host.known_hosts()],
        ..HostProfile::new(&user(), "127.0.0.1", host.port())
    }
}

async fn until(handle: &mut engine::Handle, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let waiting = async {
        loop {
            let snapshot = handle.changed().await.unwrap();
            if wanted(&snapshot) {
                return snapshot;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting)
        .await
        .expect("it does not come to that")
}

#[test]
fn a_load_is_carried_and_leaves_nothing_behind() {
    allow_many_descriptors();
    let mut table = Table::new("load", &COLUMNS);
    // First, since it counts what this process itself holds.
    many_tunnels(&mut table);
    thousand_at_once(&mut table);
    churn(&mut table);
    table.finish();
}
