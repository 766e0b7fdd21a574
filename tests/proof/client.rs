//! Adit behind a line, and clients that tell a whole answer from one that was cut.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::faults::{PATIENCE, works};
use crate::line::Line;
use crate::running::listeners;
use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::servers::{digest, noise};
use crate::support::sshd::Sshd;

/// Clients for whom nothing can be done are turned away in three seconds at most; the rest is a busy machine's margin.
pub(crate) const TURNED_AWAY: Duration = Duration::from_secs(10);

/// An SSH server and the line to it.
pub(crate) struct Site {
    pub(crate) sshd: Sshd,
    pub(crate) line: Line,
}

impl Site {
    pub(crate) fn new(options: &[&str]) -> Self {
        let sshd = Sshd::start(options);
        let line = Line::to(SocketAddr::from(([127, 0, 0, 1], sshd.port())));
        sshd.be_known();
        Self { sshd, line }
    }

    /// The command that forwards to `targets` over the line.
    pub(crate) fn command(&self, targets: &[SocketAddr], options: &[&str]) -> Command {
        let way = (&*Sshd::login(), self.line.port());
        self.sshd.forwarding(way, targets, options)
    }

    pub(crate) fn forward(&self, targets: &[SocketAddr], options: &[&str]) -> Running {
        Running::spawn(self.command(targets, options))
    }
}

/// How a download ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Download {
    /// Every byte is there, and the stream ended.
    Whole,
    /// It was cut, and the client was told so by an error.
    Cut,
    /// It ended as if it were whole, and was not: what must never be.
    SilentlyShort(usize),
    /// The bytes are not those that were sent.
    Wrong,
}

impl Download {
    /// Reads to the end what should be `noise(bytes)`.
    pub(crate) fn of(stream: &mut TcpStream, bytes: usize) -> Self {
        let mut got = Vec::with_capacity(bytes);
        let ended = stream.read_to_end(&mut got);
        let right = noise(bytes);
        if right.get(..got.len()) != Some(&got[..]) {
            return Self::Wrong;
        }
        match ended {
            Err(_cut) => Self::Cut,
            Ok(_) if got.len() < bytes => Self::SilentlyShort(got.len()),
            Ok(_) => {
                assert_eq!(digest(&got), digest(&right));
                Self::Whole
            }
        }
    }

    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Cut => "cut, by an error",
            Self::SilentlyShort(_) => "SILENTLY SHORT",
            Self::Wrong => "WRONG",
        }
    }

    pub(crate) const fn is_honest(&self) -> bool {
        matches!(self, Self::Whole | Self::Cut)
    }
}

/// What a client of a tunnel that does not work is shown: it must be turned away, not left waiting.
pub(crate) fn turned_away_within(address: SocketAddr, limit: Duration) -> Duration {
    let started = Instant::now();
    let Ok(mut stream) = TcpStream::connect_timeout(&address, LIMIT) else {
        return started.elapsed();
    };
    stream.set_read_timeout(Some(limit)).unwrap();
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => {}
        Ok(_) => panic!("a tunnel that is down has answered"),
        Err(error) => assert!(
            !matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ),
            "accepted, and left waiting for {limit:?}"
        ),
    }
    started.elapsed()
}

/// Where a program whose tunnels do not work listens, its clients are turned away: no fault leaves a port that takes connections and
/// leads nowhere.
pub(crate) fn listeners_turn_away(program: u32) {
    let (addresses, _v6) = listeners(program);
    for address in addresses {
        let after = turned_away_within(address, PATIENCE);
        assert!(after < TURNED_AWAY, "{address}: {after:?}");
    }
}

/// Where a program whose tunnels stand listens, its clients are served, every byte.
pub(crate) fn listeners_serve(program: u32) {
    let (addresses, _v6) = listeners(program);
    assert!(!addresses.is_empty(), "no tunnel stands");
    addresses.into_iter().for_each(works);
}

/// A program without tunnels listens nowhere.
pub(crate) fn listens_nowhere(program: u32) {
    let (addresses, v6) = listeners(program);
    assert!(
        addresses.is_empty() && v6.is_empty(),
        "{addresses:?} {v6:?}"
    );
}

/// The same command, with these words before it.
pub(crate) fn behind(words: &[&str], plain: &Command) -> Command {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// The words before a command that give it mounts of its own. Whoever is not root is made root of a namespace.
pub(crate) fn mounts() -> Vec<&'static str> {
    if rustix::process::geteuid().is_root() {
        vec!["unshare", "-m"]
    } else {
        vec!["unshare", "-rm"]
    }
}
