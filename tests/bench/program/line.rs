//! A long line: two network namespaces whose only way to each other takes its time.
//!
//! Each namespace has a TUN device, and threads of this process carry packets from one to the other, each at its due time. TCP
//! on both sides is the kernel's own, with its windows and its congestion control, as over a real line of that length. The
//! namespaces have no name and end with the process, however it ends.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::family::Family;
use super::site::Site;
use super::sshd::output;
use super::sys;

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// What may be under way in one direction: more than the tuned server's send buffer. What comes beyond is dropped and counted.
const UNDER_WAY_BYTES: usize = 192 << 20;

/// A packet's header for the device, and the largest bundle of segments.
const PACKET_BYTES: usize = 64 + 65_536;

/// Linux's defaults, for the server. The client's side gets room for every rate that is measured.
const DEFAULT_WMEM: &str = "4096 16384 4194304";
/// What a server gets that was tuned for long lines.
const TUNED_WMEM: &str = "4096 16384 67108864";
const DEFAULT_RMEM: &str = "4096 131072 6291456";
const CLIENT_RMEM: &str = "4096 131072 67108864";

/// The line, and the server at its far end.
pub(crate) struct Line {
    near: File,
    far: File,
    one_way_nanos: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    /// What is at the far end.
    pub(crate) site: Site,
}

impl Line {
    /// Builds it, with a delay of zero.
    ///
    /// # Errors
    /// Where this machine or this person may not have network namespaces and TUN devices of their own.
    pub(crate) fn start(folder: &Path, family: &Family) -> anyhow::Result<Self> {
        let (near, near_tun) = on_a_thread(|| end_of_line(NEAR, FAR, CLIENT_RMEM))?;
        let (far, far_tun) = on_a_thread(|| end_of_line(FAR, NEAR, DEFAULT_RMEM))?;
        let site = on_a_thread(|| {
            sys::enter(&far)?;
            Site::start(folder, FAR, family)
        })?;
        let line = Self {
            near,
            far,
            one_way_nanos: Arc::default(),
            dropped: Arc::default(),
            site,
        };
        let (near_tun, far_tun) = (Arc::new(near_tun), Arc::new(far_tun));
        line.carry(&near_tun, &far_tun);
        line.carry(&far_tun, &near_tun);
        Ok(line)
    }

    /// Sets the round trip's time and the server's largest send buffer for what is sent from now on.
    pub(crate) fn set(&self, round_trip: Duration, tuned: bool) -> anyhow::Result<()> {
        let one_way = u64::try_from(round_trip.as_nanos() / 2)?;
        self.one_way_nanos.store(one_way, Ordering::SeqCst);
        let wmem = if tuned { TUNED_WMEM } else { DEFAULT_WMEM };
        on_a_thread(|| {
            sys::enter(&self.far)?;
            set_ipv4("tcp_wmem", wmem)
        })
    }

    /// Does `work` on the near side.
    pub(crate) fn near<T: Send>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        on_a_thread(|| {
            sys::enter(&self.near)?;
            work()
        })
    }

    /// How many packets it has dropped so far, for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Starts one direction.
    fn carry(&self, from: &Arc<File>, to: &Arc<File>) {
        let (packets, due) = mpsc::channel();
        let under_way = Arc::<AtomicUsize>::default();
        let entrance = Entrance {
            from: Arc::clone(from),
            one_way_nanos: Arc::clone(&self.one_way_nanos),
            dropped: Arc::clone(&self.dropped),
            under_way: Arc::clone(&under_way),
            packets,
        };
        let exit = Exit {
            to: Arc::clone(to),
            dropped: Arc::clone(&self.dropped),
            under_way,
            due,
        };
        std::thread::spawn(move || entrance.run());
        std::thread::spawn(move || exit.run());
    }
}

/// Packets and when each is to come out.
type Packet = (Instant, Vec<u8>);

struct Entrance {
    from: Arc<File>,
    one_way_nanos: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    under_way: Arc<AtomicUsize>,
    packets: mpsc::Sender<Packet>,
}

impl Entrance {
    fn run(self) {
        let mut buffer = vec![0; PACKET_BYTES];
        loop {
            let count = match (&*self.from).read(&mut buffer) {
                Ok(count) => count,
                Err(error) => {
                    eprintln!("bench: the line broke: {error}");
                    return;
                }
            };
            let delay = Duration::from_nanos(self.one_way_nanos.load(Ordering::Relaxed));
            if self.under_way.fetch_add(count, Ordering::Relaxed) + count > UNDER_WAY_BYTES {
                self.under_way.fetch_sub(count, Ordering::Relaxed);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let packet = (Instant::now() + delay, buffer[..count].to_vec());
            if self.packets.send(packet).is_err() {
                return;
            }
        }
    }
}

struct Exit {
    to: Arc<File>,
    dropped: Arc<AtomicU64>,
    under_way: Arc<AtomicUsize>,
    due: mpsc::Receiver<Packet>,
}

impl Exit {
    fn run(self) {
        for (due, packet) in self.due {
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                std::thread::sleep(left);
            }
            if (&*self.to).write(&packet).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            self.under_way.fetch_sub(packet.len(), Ordering::Relaxed);
        }
    }
}

/// A namespace with a TUN device that leads to `peer`.
fn end_of_line(own: Ipv4Addr, peer: Ipv4Addr, rmem: &str) -> anyhow::Result<(File, File)> {
    let network = sys::new_network().context("network namespaces are for root only")?;
    let tun = sys::tun("adit0").context("there is no TUN device")?;
    for words in [
        "link set lo up".to_owned(),
        format!("address add {own} peer {peer} dev adit0"),
        // A whole window must fit between two looks of the thread that reads.
        "link set adit0 txqueuelen 20000 up".to_owned(),
    ] {
        output(Command::new("ip").args(words.split(' ')))?;
    }
    set_ipv4("tcp_wmem", DEFAULT_WMEM)?;
    set_ipv4("tcp_rmem", rmem)?;
    // What one run has learnt of the line must not help the next.
    set_ipv4("tcp_no_metrics_save", "1")?;
    Ok((network, tun))
}

/// Sets a value of this thread's network alone.
fn set_ipv4(name: &str, value: &str) -> anyhow::Result<()> {
    let path = format!("/proc/sys/net/ipv4/{name}");
    fs::write(&path, value).with_context(|| format!("{path} cannot be set"))
}

/// Does `work` on a thread of its own, so that only it changes its network.
fn on_a_thread<T: Send>(work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .map_err(|_panic| anyhow!("a thread panicked"))?
    })
}

/// The congestion control that new sockets get.
pub(crate) fn congestion_control() -> io::Result<String> {
    let name = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")?;
    Ok(name.trim().to_owned())
}
