//! The programs that are compared, started as a person would.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::family::Family;
use super::sshd::Sshd;
use super::sys;

/// How long a program may take until something comes through it.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a program may take to end when it is asked to.
const END_LIMIT: Duration = Duration::from_secs(3);

/// One of the programs that are compared.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The column's head.
    pub(crate) name: String,
    /// The program, and the words that make it forward only.
    pub(crate) command: Vec<String>,
    /// Words of the person's own besides.
    pub(crate) extra: Vec<String>,
}

impl Peer {
    fn command(&self, sshd: &Sshd, local_port: u16, target: SocketAddr) -> Command {
        let mut command = Command::new(&self.command[0]);
        for name in ["SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "ADIT_LOG"] {
            command.env_remove(name);
        }
        command
            .env("HOME", sshd.home())
            .args(&self.command[1..])
            .args(&self.extra)
            .arg("-L")
            .arg(format!("127.0.0.1:{local_port}:{target}"))
            .args(sshd.words())
            .stdin(Stdio::null());
        command
    }
}

/// A program that forwards, and ends with this value.
pub(crate) struct Forwarder {
    child: Child,
    family: Family,
    log: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first byte through it.
    pub(crate) first_byte: Duration,
}

impl Forwarder {
    /// Starts `peer`, and waits until an answer to `question` has come from `target` through it.
    pub(crate) fn start(
        peer: &Peer,
        sshd: &Sshd,
        target: SocketAddr,
        question: &[u8],
        family: &Family,
    ) -> anyhow::Result<Self> {
        let local_port = free_port()?;
        let log = sshd.home().join("forwarder.log");
        let words = File::create(&log)?;
        let mut command = peer.command(sshd, local_port, target);
        command.stdout(words.try_clone()?).stderr(words);
        let started = Instant::now();
        let child = family
            .spawn(&mut command)
            .with_context(|| format!("{} cannot be started", peer.command[0]))?;
        let mut forwarder = Self {
            child,
            family: family.clone(),
            log,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, local_port)),
            first_byte: Duration::ZERO,
        };
        while !asked(forwarder.address, question)? {
            if let Some(status) = forwarder.child.try_wait()? {
                bail!("it ended by itself ({status}); {}", forwarder.words());
            }
            if started.elapsed() > START_LIMIT {
                bail!(
                    "nothing came through within {START_LIMIT:?}; {}",
                    forwarder.words()
                );
            }
            // Neither program tells others that it is ready; it is asked again until it answers.
            std::thread::sleep(Duration::from_millis(1));
        }
        forwarder.first_byte = started.elapsed();
        Ok(forwarder)
    }

    /// Waits until an answer to `question` has come from another of its forwards, at `address`.
    pub(crate) fn wait_for(&self, address: SocketAddr, question: &[u8]) -> anyhow::Result<()> {
        let started = Instant::now();
        while !asked(address, question)? {
            if started.elapsed() > START_LIMIT {
                bail!("its other forward does not open; {}", self.words());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// How long it has run on a CPU until now.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let pid = Pid::from_child(&self.child).as_raw_nonzero().get();
        sys::cpu_time(pid).with_context(|| format!("its CPU time cannot be read; {}", self.words()))
    }

    /// Its memory that is resident now, in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path)?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .ok_or_else(|| anyhow!("it has no resident memory: it has ended"))?;
        Ok(kib.trim().parse::<u64>()? * 1024)
    }

    /// The last of what it said.
    pub(crate) fn words(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let leader = Pid::from_child(&self.child);
        let end = Instant::now() + END_LIMIT;
        if matches!(self.child.try_wait(), Ok(None)) {
            // One that has just ended by itself cannot be signalled.
            let _ended = kill_process(leader, Signal::TERM);
        }
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            eprintln!(
                "bench: it had to be killed, since SIGTERM did not end it within {END_LIMIT:?}"
            );
            let _ended = kill_process_group(leader, Signal::KILL);
            let _status = self.child.wait();
        }
        self.family.forget(&self.child);
    }
}

/// Whether the first byte of an answer came. No answer is no error: it is asked again.
fn asked(address: SocketAddr, question: &[u8]) -> anyhow::Result<bool> {
    let mut stream = match TcpStream::connect(address) {
        Ok(stream) => stream,
        // Refused: it does not listen yet. Reset: it has stopped listening in this very moment, to do so again.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
            ) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(error).context("its port cannot be reached"),
    };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(START_LIMIT))?;
    Ok(stream.write_all(question).is_ok() && stream.read_exact(&mut [0]).is_ok())
}

/// A port below those that the system gives to clients: whoever knocks at one of theirs before anybody listens there can meet
/// itself, since the system may pick that very port for the knocking end.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    const PORTS: std::ops::Range<u16> = 10_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % u32::from(PORTS.end - PORTS.start))?;
    for _ in PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + first.wrapping_add(step) % (PORTS.end - PORTS.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

fn tail(log: &Path) -> String {
    let words = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = words.lines().rev().take(3).collect();
    let lines: Vec<&str> = lines.into_iter().rev().collect();
    match lines.join(" / ") {
        words if words.is_empty() => "it said nothing".to_owned(),
        words => format!("it said: {words}"),
    }
}
