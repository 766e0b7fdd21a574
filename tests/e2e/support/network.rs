//! A network of its own with two ends: Adit and its clients at the near one, an SSH server at the far one.
//!
//! Each end is a network namespace of the kernel's, joined by a cable (veth). So an interface can go down and come back, an
//! address can change, and packets can be lost in silence, and Adit meets all of it as on a real machine. The targets behind the
//! server are those of [`super::servers`], on the test's own loopback. It takes root, or `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`.
//!
//! ```ignore
//! let mut site = FarSite::start(&[]);                    // sshd at the far end, with these options
//! let adit = site.forward(&[echo()], &[]);               // `adit forward` at the near end
//! let address = adit.listening(0);
//! site.near(|| exchange(address, noise(1000)));          // a client; sockets made in there stay usable outside
//! site.network.lose_packets(); site.network.carry_packets();
//! site.network.take_down();    site.network.bring_up();
//! site.network.change_address();
//! ```

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::process::Signal;

use super::adit::Running;
use super::inetd::Inetd;
use super::sshd::{Sshd, user};

const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const FAR_CARD: &str = "02:00:00:00:77:02";
const NEAR_CARD: &str = "02:00:00:00:77:01";
/// A card that nobody has: what is sent to it is lost.
const NO_CARD: &str = "02:00:00:00:77:99";

/// Two namespaces and the cable between them. They have no name and end with this value and what runs in them.
pub(crate) struct Network {
    near: File,
    far: File,
    near_address: Ipv4Addr,
}

impl Network {
    pub(crate) fn start() -> Self {
        let network = Self {
            near: on_a_thread(new_namespace),
            far: on_a_thread(new_namespace),
            near_address: Ipv4Addr::new(10, 77, 0, 1),
        };
        // The far namespace by the name that this process has for it.
        let far = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            network.far.as_raw_fd()
        );
        network.near(|| {
            ip(&format!(
                "link add wire0 address {NEAR_CARD} type veth peer name wire0 address {FAR_CARD} netns {far}"
            ));
            ip("link set lo up");
            ip(&format!("address add {}/24 dev wire0", network.near_address));
        });
        network.far(|| {
            ip("link set lo up");
            ip(&format!("address add {FAR}/24 dev wire0"));
            ip("link set wire0 up");
        });
        network.bring_up();
        network
    }

    /// Does `work` at the near end. Processes that it starts run there, and sockets that it makes belong there.
    pub(crate) fn near<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        at(&self.near, work)
    }

    /// Does `work` at the far end.
    pub(crate) fn far<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        at(&self.far, work)
    }

    /// From now on nothing arrives on either side, and nobody is told.
    pub(crate) fn lose_packets(&self) {
        self.address_cards(NO_CARD, NO_CARD);
    }

    /// Packets arrive again.
    pub(crate) fn carry_packets(&self) {
        self.address_cards(NEAR_CARD, FAR_CARD);
    }

    /// The near interface goes down, as when a cable is pulled or a radio is switched off.
    pub(crate) fn take_down(&self) {
        self.near(|| ip("link set wire0 down"));
    }

    /// It comes back, with the address that it had.
    pub(crate) fn bring_up(&self) {
        self.near(|| {
            ip("link set wire0 up");
            ip(&format!("route replace default via {FAR}"));
        });
        self.carry_packets();
    }

    /// The near end has another address from now on, as after a change of networks.
    pub(crate) fn change_address(&mut self) {
        let [a, b, c, last] = self.near_address.octets();
        // There and back.
        let next = if last == 1 { 11 } else { 1 };
        let before = std::mem::replace(&mut self.near_address, Ipv4Addr::new(a, b, c, next));
        self.near(|| {
            ip(&format!("address del {before}/24 dev wire0"));
            ip(&format!("address add {}/24 dev wire0", self.near_address));
        });
        self.bring_up();
    }

    /// Something about the near end's network changes that does not matter to any connection.
    pub(crate) fn stir(&self) {
        self.near(|| ip("address add 192.0.2.7/32 dev lo"));
    }

    /// How many bytes have arrived at the near end, headers included.
    pub(crate) fn received(&self) -> u64 {
        let table = self.near(|| fs::read_to_string("/proc/thread-self/net/dev").unwrap());
        let line = table
            .lines()
            .find_map(|line| line.trim().strip_prefix("wire0:"));
        let first = line.unwrap().split_whitespace().next().unwrap();
        first.parse().unwrap()
    }

    fn address_cards(&self, near: &str, far: &str) {
        let to = |address, card: &str| {
            ip(&format!(
                "neighbour replace {address} lladdr {card} nud permanent dev wire0"
            ));
        };
        self.near(|| to(FAR, far));
        self.far(|| to(self.near_address, near));
    }
}

/// An SSH server at the far end of a network.
pub(crate) struct FarSite {
    // Ended before the network is.
    server: Inetd,
    pub(crate) sshd: Sshd,
    pub(crate) network: Network,
    port: u16,
}

impl FarSite {
    /// A network, and an sshd with these lines put before its own configuration.
    pub(crate) fn start(options: &[&str]) -> Self {
        let network = Network::start();
        let sshd = Sshd::start(options);
        sshd.be_known();
        let listener = network.far(|| TcpListener::bind((FAR, 0)).unwrap());
        let address = listener.local_addr().unwrap();
        let far = network.far.try_clone().unwrap();
        let knock = move || at(&far, || drop(TcpStream::connect(address)));
        let server = Inetd::on(listener, sshd.server(), knock);
        Self {
            server,
            sshd,
            network,
            port: address.port(),
        }
    }

    /// `adit forward` to `targets`, with these options of ssh_config, to be started at the near end.
    pub(crate) fn command(&self, targets: &[SocketAddr], options: &[&str]) -> Command {
        let login = format!("{}@{FAR}", user());
        self.sshd.forwarding((&login, self.port), targets, options)
    }

    /// The same, started.
    pub(crate) fn forward(&self, targets: &[SocketAddr], options: &[&str]) -> Running {
        let command = self.command(targets, options);
        self.near(|| Running::spawn(command))
    }

    /// Sends a signal to every process that serves a connection.
    pub(crate) fn signal_sessions(&self, signal: Signal) {
        self.server.signal(signal);
    }

    /// As [`Network::near`].
    pub(crate) fn near<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.network.near(work)
    }
}

fn new_namespace() -> File {
    unshare(CloneFlags::CLONE_NEWNET)
        .expect("network namespaces are for root, or CAP_SYS_ADMIN: run these tests as root");
    File::open("/proc/thread-self/ns/net").unwrap()
}

fn at<T: Send>(namespace: &File, work: impl FnOnce() -> T + Send) -> T {
    on_a_thread(|| {
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
        work()
    })
}

/// On a thread of its own, so that only that one changes its network.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn ip(words: &str) {
    let output = Command::new("ip")
        .args(words.split(' '))
        .output()
        .expect("ip is needed: tests/run installs iproute2");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}: {said}");
}
