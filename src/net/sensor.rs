//! Notices that this computer has slept, or that its network has changed.
//!
//! On Linux the kernel tells of every change of links, addresses and routes. Everywhere the addresses from which the world would
//! be reached are compared now and then, and a sleep shows in the clocks: one stands still meanwhile, the other does not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::model::Surroundings;

/// How often the clocks and the addresses are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);

/// How far the clocks may come apart without a sleep: more than a busy machine or a corrected clock makes them.
const SLEPT_AT_LEAST: Duration = Duration::from_secs(5);

/// A change of the network comes as a burst of small ones: it is told when there was none for this long,
const QUIET: Duration = Duration::from_millis(300);

/// or after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells of changes until it is dropped.
#[derive(Debug)]
pub struct Sensor {
    _tasks: tokio::task::JoinSet<()>,
}

impl Sensor {
    /// Calls `tell` for every change, on the current tokio runtime. Once it returns false nothing more is told.
    pub fn start<F>(tell: impl Fn(Surroundings) -> F + Send + 'static) -> Self
    where
        F: Future<Output = bool> + Send,
    {
        // One place: what was not told yet and a change that comes now are the same to whoever is told.
        let (noticed, mut inbox) = mpsc::channel(1);
        let mut tasks = tokio::task::JoinSet::new();
        #[cfg(target_os = "linux")]
        tasks.spawn(kernel::listen(noticed.clone()));
        tasks.spawn(look_around(noticed));
        tasks.spawn(async move {
            while let Some(change) = inbox.recv().await {
                let change = settle(change, &mut inbox).await;
                if !tell(change).await {
                    return;
                }
            }
        });
        Self { _tasks: tasks }
    }
}

/// Waits until a burst of changes is over. A sleep outweighs what came with it.
async fn settle(first: Surroundings, inbox: &mut mpsc::Receiver<Surroundings>) -> Surroundings {
    let mut change = first;
    let burst = async {
        while let Ok(Some(next)) = timeout(QUIET, inbox.recv()).await {
            if next == Surroundings::Woke {
                change = next;
            }
        }
    };
    let _quiet_or_patience_spent = timeout(PATIENCE, burst).await;
    change
}

/// A place that is taken means that a change is about to be told anyway.
fn note(noticed: &mpsc::Sender<Surroundings>, change: Surroundings) {
    if noticed.try_send(change).is_err() {
        tracing::debug!("one more change of the surroundings");
    }
}

async fn look_around(noticed: mpsc::Sender<Surroundings>) {
    let started = Instant::now();
    let mut clocks = Clocks::new(Duration::ZERO, wall());
    let mut addresses = outward_addresses();
    loop {
        sleep(LOOK_INTERVAL).await;
        if clocks.have_slept(started.elapsed(), wall()) {
            note(&noticed, Surroundings::Woke);
        }
        let now = outward_addresses();
        if now != addresses {
            addresses = now;
            note(&noticed, Surroundings::NetworkChanged);
        }
    }
}

fn wall() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// The addresses from which packets to the world would be sent, by the routes there are: nothing is sent.
fn outward_addresses() -> [Option<IpAddr>; 2] {
    // Addresses for documentation (RFC 5737, RFC 3849).
    let v4 = (
        IpAddr::from([192, 0, 2, 1]),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    );
    let v6 = (
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    );
    [v4, v6].map(|(world, any)| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(SocketAddr::new(world, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    })
}

/// The clock of this process's life and the one on the wall, as they were last. Pure.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    running: Duration,
    wall: Duration,
}

impl Clocks {
    fn new(running: Duration, wall: Duration) -> Self {
        Self { running, wall }
    }

    /// Whether there was a sleep since the last time: the wall's clock has gone further than the other, or, where that goes on
    /// through a sleep too, both have gone much further than a look ahead.
    fn have_slept(&mut self, running: Duration, wall: Duration) -> bool {
        let ran = running.saturating_sub(self.running);
        let passed = wall.saturating_sub(self.wall);
        *self = Self { running, wall };
        passed > ran + SLEPT_AT_LEAST || ran > LOOK_INTERVAL * 2 + SLEPT_AT_LEAST
    }
}

/// What Linux tells by itself (rtnetlink(7)).
#[cfg(target_os = "linux")]
mod kernel {
    use std::convert::Infallible;
    use std::io;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType};
    use tokio::net::UnixDatagram;
    use tokio::sync::mpsc;

    use super::note;
    use crate::model::Surroundings;

    /// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

    /// Notes every message. What it says does not matter: the links are tried, whatever it is.
    pub(super) async fn listen(noticed: mpsc::Sender<Surroundings>) {
        let listening = async {
            let socket = UnixDatagram::from_std(subscribe()?.into())?;
            let mut message = [0; 8192];
            loop {
                match socket.recv(&mut message).await {
                    Ok(_bytes) => {}
                    // So much came that some was lost, which is a change as well.
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                    Err(error) => return Err(error),
                }
                note(&noticed, Surroundings::NetworkChanged);
            }
        };
        let result: io::Result<Infallible> = listening.await;
        let Err(error) = result;
        tracing::info!(%error, "the kernel does not tell of changes of the network");
    }

    /// A socket of datagrams, which is all that tokio's type for such sockets needs to receive from it.
    fn subscribe() -> io::Result<OwnedFd> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (family, kind) = (AddressFamily::Netlink, SockType::Raw);
        let socket = nix::sys::socket::socket(family, kind, flags, SockProtocol::NetlinkRoute)?;
        nix::sys::socket::bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_sleep_shows_in_the_clocks() {
        let mut clocks = Clocks::new(at(10), at(1_000));
        assert!(!clocks.have_slept(at(13), at(1_003)), "time passes");
        assert!(!clocks.have_slept(at(16), at(1_007)), "a busy machine");
        assert!(clocks.have_slept(at(19), at(4_000)), "one stood still");
        assert!(!clocks.have_slept(at(22), at(4_003)), "and goes on");
        assert!(clocks.have_slept(at(3_600), at(7_581)), "neither did");
        assert!(!clocks.have_slept(at(3_603), at(10)), "set back by hand");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_told_once_and_a_sleep_outweighs_it() {
        let (noticed, mut inbox) = mpsc::channel(1);
        let burst = async {
            for change in [Surroundings::Woke, Surroundings::NetworkChanged] {
                sleep(QUIET / 2).await;
                noticed.send(change).await.unwrap();
            }
            noticed
        };
        let settling = settle(Surroundings::NetworkChanged, &mut inbox);
        let (told, _noticed) = tokio::join!(settling, burst);
        assert_eq!(told, Surroundings::Woke);
        assert!(inbox.try_recv().is_err());
    }
}
