//! A small origin server and a small load generator, one thread each, so that the forwarder is what limits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// What a client asks and what it is answered.
pub(crate) struct Exchange {
    pub(crate) request: &'static [u8],
    response: Vec<u8>,
}

/// The usual exchange, with a kibibyte of content, and one with little.
pub(crate) static EXCHANGES: LazyLock<[Exchange; 2]> = LazyLock::new(|| {
    [
        exchange(
            b"GET /items HTTP/1.1\r\nHost: bench.example\r\nAccept: text/plain\r\n\r\n",
            1024,
        ),
        exchange(
            b"GET /small HTTP/1.1\r\nHost: bench.example\r\nAccept: text/plain\r\n\r\n",
            64,
        ),
    ]
});

/// Which byte of a request tells which exchange it belongs to.
const TELLING: usize = 5;

fn exchange(request: &'static [u8], content_bytes: usize) -> Exchange {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";
    let mut response = format!("{head}{content_bytes}\r\n\r\n").into_bytes();
    response.extend((b'a'..=b'z').cycle().take(content_bytes));
    Exchange { request, response }
}

const LISTENER: Token = Token(usize::MAX);
const SCRATCH_BYTES: usize = 16 * 1024;

/// How long the last answers may take when nothing more is asked.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Starts the origin server in this thread's network. It lives as long as the process.
pub(crate) fn start_origin() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let origin = Origin {
        listener,
        poll,
        guests: Slab::new(),
        scratch: vec![0; SCRATCH_BYTES],
    };
    std::thread::spawn(move || {
        if let Err(error) = origin.run() {
            eprintln!("bench: the origin server ended: {error}");
        }
    });
    Ok(address)
}

struct Origin {
    listener: TcpListener,
    poll: Poll,
    guests: Slab<Guest>,
    scratch: Vec<u8>,
}

struct Guest {
    stream: TcpStream,
    /// Which exchange the current request belongs to, once that can be told.
    exchange: &'static Exchange,
    /// How much of the current request has come.
    got: usize,
}

impl Origin {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(index) => self.serve(index),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _from)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.guests.vacant_entry();
            let token = Token(entry.key());
            self.poll
                .registry()
                .register(&mut stream, token, Interest::READABLE)?;
            entry.insert(Guest {
                stream,
                exchange: &EXCHANGES[0],
                got: 0,
            });
        }
    }

    fn serve(&mut self, index: usize) {
        let stays = match self.guests.get_mut(index) {
            Some(guest) => guest.serve(&mut self.scratch),
            None => return,
        };
        if !matches!(stays, Ok(true)) {
            // Closing the socket takes it out of the poll. A client whose request was no request sees its connection end.
            self.guests.remove(index);
        }
    }
}

impl Guest {
    /// Returns whether there is more to come.
    fn serve(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        loop {
            let count = match self.stream.read(scratch) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            for byte in &scratch[..count] {
                if self.got == TELLING {
                    let told = |exchange: &&Exchange| exchange.request[TELLING] == *byte;
                    self.exchange = EXCHANGES.iter().find(told).ok_or(ErrorKind::InvalidData)?;
                }
                if self.exchange.request[self.got] != *byte {
                    return Err(ErrorKind::InvalidData.into());
                }
                self.got += 1;
                if self.got == self.exchange.request.len() {
                    self.got = 0;
                    send(&mut self.stream, &self.exchange.response)?;
                }
            }
        }
    }
}

/// Small enough for any socket's buffer: what does not fit at once is a fault.
fn send(stream: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    if stream.write(data)? == data.len() {
        Ok(())
    } else {
        Err(ErrorKind::WriteZero.into())
    }
}

/// What the load generator does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// How many clients ask at once, each one thing at a time.
    pub(crate) clients: usize,
    /// Whether each request has a connection of its own.
    pub(crate) fresh: bool,
    /// Whether the answers are small ones.
    pub(crate) small: bool,
    /// How long it goes on before anything counts.
    pub(crate) warm: Duration,
    /// How long it counts.
    pub(crate) window: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Counted {
    /// From the question to the last byte of the answer, with the connecting where connections are fresh; one for each answer
    /// within the window.
    pub(crate) seconds: Vec<f64>,
    /// How long the window was in fact.
    pub(crate) window: Duration,
    /// What the forwarder's clock said of the window.
    pub(crate) cpu: Duration,
}

impl Counted {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.seconds.len() as f64 / self.window.as_secs_f64()
    }

    /// Seconds of a CPU for each answer.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() / self.seconds.len() as f64
    }
}

/// Asks as `load` says, while `cpu` tells how long the forwarder has run.
///
/// # Errors
/// If any request fails: how many did, and why the first of them.
pub(crate) fn run(
    address: SocketAddr,
    load: Load,
    cpu: impl Fn() -> anyhow::Result<Duration>,
) -> anyhow::Result<Counted> {
    let mut clients = Clients {
        address,
        fresh: load.fresh,
        exchange: &EXCHANGES[usize::from(load.small)],
        poll: Poll::new()?,
        slots: (0..load.clients).map(|_| Slot::default()).collect(),
        scratch: vec![0; SCRATCH_BYTES],
        answers: Vec::with_capacity(1 << 18),
        failed: 0,
        first_failure: None,
    };
    clients.go_on(Instant::now() + load.warm)?;
    clients.answers.clear();
    let (cpu_before, began) = (cpu()?, Instant::now());
    clients.go_on(began + load.window)?;
    let (window, cpu) = (began.elapsed(), cpu()?.saturating_sub(cpu_before));
    let seconds = std::mem::take(&mut clients.answers);
    clients.finish()?;
    if let Some(first) = clients.first_failure {
        let all = seconds.len() + clients.failed;
        bail!(
            "{} of {all} requests failed, the first since {first}",
            clients.failed
        );
    }
    if seconds.is_empty() {
        bail!("no answer came within {window:?}");
    }
    Ok(Counted {
        seconds,
        window,
        cpu,
    })
}

struct Clients {
    address: SocketAddr,
    fresh: bool,
    exchange: &'static Exchange,
    poll: Poll,
    slots: Vec<Slot>,
    scratch: Vec<u8>,
    answers: Vec<f64>,
    failed: usize,
    first_failure: Option<String>,
}

/// One client.
#[derive(Default)]
struct Slot {
    stream: Option<TcpStream>,
    asked: Option<Instant>,
    /// Whether the question has been sent.
    sent: bool,
    /// How much of the answer has come.
    got: usize,
}

impl Clients {
    /// Has every client ask again and again until `end`.
    fn go_on(&mut self, end: Instant) -> anyhow::Result<()> {
        for index in 0..self.slots.len() {
            if self.slots[index].asked.is_none() {
                self.ask(index);
            }
        }
        let mut events = Events::with_capacity(256);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.poll(&mut events, left)?;
            for event in &events {
                let Token(index) = event.token();
                if self.progress(index) {
                    self.ask(index);
                }
            }
        }
    }

    /// Waits for the answers that are still to come.
    fn finish(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + LAST_ANSWERS;
        let mut events = Events::with_capacity(256);
        loop {
            let open = self
                .slots
                .iter()
                .filter(|slot| slot.asked.is_some())
                .count();
            if open == 0 {
                return Ok(());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{open} requests were not answered within {LAST_ANSWERS:?}");
            }
            self.poll(&mut events, left)?;
            for event in &events {
                let Token(index) = event.token();
                self.progress(index);
            }
        }
    }

    fn poll(&mut self, events: &mut Events, left: Duration) -> anyhow::Result<()> {
        match self.poll.poll(events, Some(left)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                Err(error).context("the load generator cannot wait")
            }
            _ => Ok(()),
        }
    }

    /// Has client `index` ask once, on a connection of its own where that is wanted or where there is none.
    fn ask(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        (slot.asked, slot.got) = (Some(Instant::now()), 0);
        if self.fresh {
            slot.stream = None;
        }
        let result = if let Some(stream) = &mut slot.stream {
            send(stream, self.exchange.request)
        } else {
            slot.sent = false;
            connect(self.address, self.poll.registry(), index)
                .map(|stream| slot.stream = Some(stream))
        };
        if let Err(error) = result {
            self.fail(index, &error.to_string());
        }
    }

    /// Returns whether client `index` has its answer, or has failed: whether it can ask again.
    fn progress(&mut self, index: usize) -> bool {
        let slot = &mut self.slots[index];
        let Some(asked) = slot.asked else {
            return false;
        };
        match slot.progress(self.exchange, &mut self.scratch) {
            Ok(false) => return false,
            Ok(true) => {
                self.answers.push(asked.elapsed().as_secs_f64());
                slot.asked = None;
            }
            Err(error) => self.fail(index, &error.to_string()),
        }
        true
    }

    fn fail(&mut self, index: usize, why: &str) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| why.to_owned());
        self.slots[index] = Slot::default();
    }
}

impl Slot {
    /// Returns whether the whole answer has come.
    fn progress(&mut self, exchange: &Exchange, scratch: &mut [u8]) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else {
            return Ok(false);
        };
        if !self.sent {
            if let Some(error) = stream.take_error()? {
                return Err(error);
            }
            match stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                result => result?,
            };
            send(stream, exchange.request)?;
            self.sent = true;
        }
        loop {
            let count = match stream.read(scratch) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            if exchange.response.get(self.got..self.got + count) != Some(&scratch[..count]) {
                return Err(io::Error::new(ErrorKind::InvalidData, "a wrong answer"));
            }
            self.got += count;
            if self.got == exchange.response.len() {
                return Ok(true);
            }
        }
    }
}

fn connect(address: SocketAddr, registry: &mio::Registry, index: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    registry.register(&mut stream, Token(index), interest)?;
    Ok(stream)
}

/// Asks once on a new connection, waits for the answer, and leaves the connection open.
pub(crate) fn visit(address: SocketAddr) -> anyhow::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LAST_ANSWERS))?;
    let exchange = &EXCHANGES[0];
    stream.write_all(exchange.request)?;
    let mut answer = vec![0; exchange.response.len()];
    stream.read_exact(&mut answer)?;
    if answer != exchange.response {
        bail!("a wrong answer");
    }
    Ok(stream)
}
