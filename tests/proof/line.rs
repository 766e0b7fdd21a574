//! The line between Adit and an SSH server: a relay that can be cut, in each of the ways in which lines are.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing comes through any more, and nobody is told: packets are dropped.
    Silence,
    /// It ends in good order.
    Fin,
    /// It is reset.
    Rst,
    /// Nothing comes through until the line is mended, and nothing is lost: the moment at which something else is to happen.
    Hold,
    /// Little comes through at a time.
    Slow,
}

/// Which bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From Adit to the server.
    Up,
    /// From the server to Adit.
    Down,
}

/// When a connection is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) cut: Cut,
    pub(crate) way: Way,
    /// After so many bytes.
    pub(crate) after: u64,
}

struct State {
    server: Mutex<SocketAddr>,
    plan: Mutex<Option<Plan>>,
    /// How many connections have been made.
    connections: AtomicU64,
    /// How many connections are held.
    held: AtomicU64,
    /// How many directions of connections are being carried.
    standing: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

/// A relay that ends with the test's process.
pub(crate) struct Line {
    port: u16,
    state: Arc<State>,
}

/// How often a pump that has nothing to carry looks whether it is to be cut.
const LOOK: Duration = Duration::from_millis(10);

/// How much a slow line carries every time.
const LITTLE: usize = 16;

impl Line {
    /// A line to `server`.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = bind();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            server: Mutex::new(server),
            plan: Mutex::default(),
            connections: AtomicU64::new(0),
            held: AtomicU64::new(0),
            standing: AtomicU64::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A server that is down refuses: so does the line, by closing.
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let server = *shared.server.lock().unwrap();
                if let Ok(far) = TcpStream::connect(server) {
                    carry(near, far, &shared);
                }
            }
        });
        Self { port, state }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection that has carried enough, now and from now on.
    pub(crate) fn cut(&self, plan: Plan) {
        *self.state.plan.lock().unwrap() = Some(plan);
    }

    /// Cuts every connection now.
    pub(crate) fn cut_now(&self, cut: Cut) {
        self.cut(Plan {
            cut,
            way: Way::Up,
            after: 0,
        });
    }

    /// How many connections have been made in all.
    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Whether a connection has come to where it is held.
    pub(crate) fn is_held(&self) -> bool {
        self.state.held.load(Ordering::SeqCst) > 0
    }

    /// Leads new connections to another server.
    fn lead_to(&self, server: SocketAddr) {
        *self.state.server.lock().unwrap() = server;
    }

    /// Whether any connection stands.
    pub(crate) fn is_used(&self) -> bool {
        self.state.standing.load(Ordering::SeqCst) > 0
    }

    /// Resets what stands, and leads what comes then to `server`.
    pub(crate) fn move_to(&self, server: SocketAddr) {
        self.lead_to(server);
        self.cut_now(Cut::Rst);
        while self.is_used() {
            std::thread::sleep(LOOK);
        }
        self.mend();
    }

    /// Lets everything through. What was dropped stays lost.
    pub(crate) fn mend(&self) {
        *self.state.plan.lock().unwrap() = None;
    }

    /// How many bytes have gone this way, over all connections.
    pub(crate) fn carried(&self, way: Way) -> u64 {
        self.state.counter(way).load(Ordering::SeqCst)
    }
}

impl State {
    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

/// What the two directions of one connection share.
#[derive(Default)]
struct Carried {
    up: AtomicU64,
    down: AtomicU64,
    /// It has been cut: a line that is mended does not bring this connection back.
    cut: Mutex<Option<Cut>>,
}

fn carry(near: TcpStream, far: TcpStream, state: &Arc<State>) {
    for stream in [&near, &far] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LOOK)).unwrap();
    }
    let carried = Arc::<Carried>::default();
    let ways = [
        (Way::Up, near.try_clone().unwrap(), far.try_clone().unwrap()),
        (Way::Down, far, near),
    ];
    for (way, from, to) in ways {
        let (state, carried) = (Arc::clone(state), Arc::clone(&carried));
        state.standing.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            pump(way, from, to, &state, &carried);
            state.standing.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn pump(way: Way, mut from: TcpStream, mut to: TcpStream, state: &State, carried: &Carried) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let verdict = carried.verdict(state);
        match verdict {
            None | Some(Cut::Slow) => {}
            Some(Cut::Hold) => {
                state.held.fetch_add(1, Ordering::SeqCst);
                while carried.verdict(state) == Some(Cut::Hold) {
                    std::thread::sleep(LOOK);
                }
                state.held.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            Some(Cut::Silence) => {
                // Held open, and read by nobody, for as long as the other side has patience.
                std::thread::sleep(LOOK);
                if is_gone(&from) {
                    return;
                }
                continue;
            }
            Some(Cut::Fin) => {
                let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                return;
            }
            Some(Cut::Rst) => {
                for stream in [&from, &to] {
                    let _gone = SockRef::from(stream).set_linger(Some(Duration::ZERO));
                }
                return;
            }
        }
        let room = if verdict == Some(Cut::Slow) {
            std::thread::sleep(LOOK);
            LITTLE
        } else {
            buffer.len()
        };
        match from.read(&mut buffer[..room]) {
            Ok(0) => {
                let _gone = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(count) => {
                let so_far = carried
                    .counter(way)
                    .fetch_add(count as u64, Ordering::SeqCst);
                state.counter(way).fetch_add(count as u64, Ordering::SeqCst);
                // What would go beyond the place of the cut is not let through.
                let left = left(way, so_far, state).min(count);
                if to.write_all(&buffer[..left]).is_err() {
                    return;
                }
            }
            Err(error) if is_empty(error.kind()) => {}
            Err(_reset) => {
                let _gone = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn is_empty(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Whether the peer has gone, without taking anything from what it sent.
fn is_gone(stream: &TcpStream) -> bool {
    let mut one = [0];
    match stream.peek(&mut one) {
        Ok(count) => count == 0,
        Err(error) => !is_empty(error.kind()),
    }
}

impl Carried {
    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    fn verdict(&self, state: &State) -> Option<Cut> {
        let mut cut = self.cut.lock().unwrap();
        if cut.is_none()
            && let Some(plan) = *state.plan.lock().unwrap()
            && self.counter(plan.way).load(Ordering::SeqCst) >= plan.after
        {
            // These two are over when the line is mended.
            if matches!(plan.cut, Cut::Hold | Cut::Slow) {
                return Some(plan.cut);
            }
            *cut = Some(plan.cut);
        }
        *cut
    }
}

/// How much more may go this way before the place of the cut.
fn left(way: Way, so_far: u64, state: &State) -> usize {
    match *state.plan.lock().unwrap() {
        Some(plan) if plan.way == way && !matches!(plan.cut, Cut::Hold | Cut::Slow) => {
            usize::try_from(plan.after.saturating_sub(so_far)).unwrap()
        }
        _ => usize::MAX,
    }
}

/// A port below those that the system gives out by itself.
fn bind() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::SeqCst) % 9_000;
        let first = u16::try_from(std::process::id() % 1_000).unwrap();
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 10_000 + first + next)) {
            return listener;
        }
    }
}
