//! Streams that are as quick as the forwarder lets them be, and whose every byte is counted.
//!
//! Both ends are threads of this process: what was sent and what has arrived meet in a [`Tally`]. What arrives is compared with
//! what was sent at the edges of each read, which finds bytes that are lost, doubled or in the wrong order, and costs nothing.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use socket2::{Domain, SockRef, Socket, Type};

/// What a single read or write may take; it is only ever reached where something hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// No power of two, so that a shift by whole packets or buffers shows.
const PERIOD: usize = 1_048_573;
const CHUNK: usize = 256 * 1024;
/// Enough for any speed on loopback, and little enough that a stream over a long line soon ends when it is asked to.
const SEND_BUFFER: usize = 512 * 1024;
const SMALL_BUFFER: usize = 64 * 1024;
/// How much of each edge of a read is compared.
const EDGE: usize = 32;

/// Which way a stream goes, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Down,
    Up,
}

impl Way {
    fn word(self) -> u8 {
        match self {
            Self::Down => b'D',
            Self::Up => b'U',
        }
    }
}

/// What one stream has carried.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    arrived: AtomicU64,
    damaged: AtomicBool,
}

impl Tally {
    /// How many bytes have come out at the far end.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    fn check(&self) -> anyhow::Result<()> {
        let damaged = self.damaged.load(Ordering::Relaxed);
        ensure!(!damaged, "what has arrived is not what was sent");
        Ok(())
    }

    /// How many bytes were put in.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// The target of bulk streams.
#[derive(Clone)]
pub(crate) struct Bulk {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    streams: Arc<Streams>,
}

struct Streams {
    pattern: Vec<u8>,
    next: AtomicU64,
    tallies: Mutex<HashMap<u64, Arc<Tally>>>,
}

/// What asks for one byte: is anybody there?
pub(crate) const QUESTION: &[u8] = &[b'?'; HEAD];
const HEAD: usize = 9;

impl Bulk {
    /// Listens in this thread's network for as long as the process lives.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let bulk = Self {
            address: listener.local_addr()?,
            streams: Arc::new(Streams {
                pattern: pattern(),
                next: AtomicU64::new(0),
                tallies: Mutex::default(),
            }),
        };
        let streams = Arc::clone(&bulk.streams);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let streams = Arc::clone(&streams);
                // What goes wrong here shows at the client: its counts do not agree.
                std::thread::spawn(move || streams.serve(stream));
            }
        });
        Ok(bulk)
    }

    /// Begins a stream to the target behind `address`, which runs until it is finished.
    pub(crate) fn stream(&self, address: SocketAddr, way: Way) -> anyhow::Result<Running> {
        let stream = TcpStream::connect(address)?;
        if way == Way::Up {
            SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
        }
        let (stream, tally) = self.begin(stream, way.word())?;
        let end = Arc::new(AtomicBool::new(false));
        let client = Client {
            stream: stream.try_clone()?,
            streams: Arc::clone(&self.streams),
            tally: Arc::clone(&tally),
            end: Arc::clone(&end),
        };
        let thread = std::thread::spawn(move || match way {
            Way::Down => client.receive(),
            Way::Up => client.send(),
        });
        Ok(Running {
            stream,
            way,
            tally,
            end,
            thread: Some(thread),
        })
    }

    /// A stream down that nobody reads. The system's buffers at its ends are small, so that it is the forwarder's that fill.
    pub(crate) fn stalled(&self, address: SocketAddr) -> anyhow::Result<(TcpStream, Arc<Tally>)> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(SMALL_BUFFER)?;
        socket.connect(&address.into())?;
        let (stream, tally) = self.begin(socket.into(), b'S')?;
        Ok((stream, tally))
    }

    fn begin(&self, mut stream: TcpStream, word: u8) -> anyhow::Result<(TcpStream, Arc<Tally>)> {
        let id = self.streams.next.fetch_add(1, Ordering::Relaxed);
        let tally = Arc::<Tally>::default();
        self.streams.put(id, Arc::clone(&tally));
        prepare(&stream)?;
        let mut head = [0; HEAD];
        head[0] = word;
        head[1..].copy_from_slice(&id.to_le_bytes());
        stream
            .write_all(&head)
            .context("a stream was cut before it began")?;
        Ok((stream, tally))
    }
}

/// A stream that is running.
pub(crate) struct Running {
    stream: TcpStream,
    way: Way,
    /// What it has carried.
    pub(crate) tally: Arc<Tally>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Running {
    /// Ends the stream as a good client does, and makes sure that all that was sent has arrived.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.end.store(true, Ordering::SeqCst);
        if self.way == Way::Down {
            // The source goes on until the client has said that it will send nothing more.
            self.stream.shutdown(Shutdown::Write)?;
        }
        let thread = self.thread.take().context("it was finished before")?;
        match thread.join() {
            Ok(result) => result?,
            Err(_panic) => bail!("a stream's thread panicked"),
        }
        let (sent, arrived) = (self.tally.sent(), self.tally.arrived());
        ensure!(
            sent == arrived,
            "{sent} bytes were sent and {arrived} have arrived"
        );
        self.tally.check()
    }

    /// Cuts the stream, and makes sure that it was still running and that what has arrived is what was sent.
    ///
    /// For a long line, where the buffers of all who take part in it take longer to run empty than the measuring took.
    pub(crate) fn cut(mut self) -> anyhow::Result<()> {
        let thread = self.thread.as_ref();
        if thread.is_none_or(JoinHandle::is_finished) {
            self.finish()?;
            bail!("a stream ended although nobody asked it to");
        }
        self.end();
        self.tally.check()
    }

    fn end(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It is cut: its thread ends with an error that nobody needs.
            let _gone = self.stream.shutdown(Shutdown::Both);
            let _cut = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// The client's end of a stream.
struct Client {
    stream: TcpStream,
    streams: Arc<Streams>,
    tally: Arc<Tally>,
    end: Arc<AtomicBool>,
}

impl Client {
    fn receive(mut self) -> anyhow::Result<()> {
        self.streams
            .receive(&mut self.stream, &self.tally)
            .context("a stream down broke")?;
        let asked = self.end.load(Ordering::SeqCst);
        ensure!(asked, "a stream down ended although nobody asked it to");
        Ok(())
    }

    fn send(mut self) -> anyhow::Result<()> {
        self.streams
            .send(&mut self.stream, &self.tally, &self.end)
            .context("a stream up broke")?;
        // The sink answers when it has read to the end.
        self.stream
            .read_exact(&mut [0])
            .context("a stream up was not confirmed")
    }
}

impl Streams {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        prepare(&stream)?;
        let mut head = [0; HEAD];
        stream.read_exact(&mut head)?;
        let mut id = [0; 8];
        id.copy_from_slice(&head[1..]);
        let tally = self.take(u64::from_le_bytes(id));
        match (head[0], tally) {
            (b'?', _) => stream.write_all(b"!"),
            (word @ (b'D' | b'S'), Some(tally)) => {
                let buffer = if word == b'S' {
                    SMALL_BUFFER
                } else {
                    SEND_BUFFER
                };
                SockRef::from(&stream).set_send_buffer_size(buffer)?;
                let end = Arc::new(AtomicBool::new(false));
                let mut client = stream.try_clone()?;
                // A source may run for as long as it likes.
                client.set_read_timeout(None)?;
                let ended = Arc::clone(&end);
                std::thread::spawn(move || {
                    let _end_or_reset = client.read(&mut [0]);
                    ended.store(true, Ordering::SeqCst);
                });
                stream.set_write_timeout(None)?;
                self.send(&mut stream, &tally, &end)
            }
            (b'U', Some(tally)) => {
                self.receive(&mut stream, &tally)?;
                stream.write_all(b"!")
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Sends until the end is asked for, and ends its direction.
    fn send(&self, stream: &mut TcpStream, tally: &Tally, end: &AtomicBool) -> io::Result<()> {
        let mut at = 0;
        while !end.load(Ordering::Relaxed) {
            let count = stream.write(&self.pattern[at..at + CHUNK])?;
            tally.sent.fetch_add(count as u64, Ordering::Relaxed);
            at = (at + count) % PERIOD;
        }
        stream.shutdown(Shutdown::Write)
    }

    /// Receives until the other side ends its direction.
    fn receive(&self, stream: &mut TcpStream, tally: &Tally) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let (got, wanted) = (&buffer[..count], &self.pattern[at..at + count]);
            let edge = EDGE.min(count);
            if got[..edge] != wanted[..edge] || got[count - edge..] != wanted[count - edge..] {
                tally.damaged.store(true, Ordering::Relaxed);
            }
            tally.arrived.fetch_add(count as u64, Ordering::Relaxed);
            at = (at + count) % PERIOD;
        }
    }

    fn put(&self, id: u64, tally: Arc<Tally>) {
        self.lock().insert(id, tally);
    }

    /// Each is asked for once, by the connection that carries its number.
    fn take(&self, id: u64) -> Option<Arc<Tally>> {
        self.lock().remove(&id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Tally>>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))
}

/// Bytes that cannot be compressed, always the same, and one chunk more than a period so that a chunk may begin anywhere.
fn pattern() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pattern: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(PERIOD.div_ceil(8))
    .flatten()
    .collect();
    pattern.truncate(PERIOD);
    pattern.extend_from_within(..CHUNK);
    pattern
}
