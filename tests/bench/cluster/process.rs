//! What a process costs: time, processor time and memory, as Linux tells it.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at a running process. Its peak memory is kept by the kernel, so only the very end may be missed.
const LOOK: Duration = Duration::from_millis(2);

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) now_kib: u64,
    pub(crate) peak_kib: u64,
}

/// What a process used from start to end.
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) usage: Usage,
}

impl Usage {
    /// None once the process has ended.
    pub(crate) fn of(id: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let kib = |field: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(field))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // After the name, which stands in brackets and may hold anything: user and system time are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks: Vec<u64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        Some(Self {
            // A tick is 10 ms on every Linux that this may run on.
            cpu: Duration::from_millis(ticks.iter().sum::<u64>() * 10),
            now_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }
}

/// Runs a program to its end and returns what it cost and what it wrote.
pub(crate) fn run(mut command: Command) -> (Cost, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be run, install it first: {error}"));
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut output = String::new();
        stdout.read_to_string(&mut output).unwrap();
        output
    });
    let mut usage = Usage::default();
    let status = loop {
        usage = Usage::of(child.id()).unwrap_or(usage);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    let wall = started.elapsed();
    assert!(status.success(), "{program} failed: {status}");
    (Cost { wall, usage }, reader.join().unwrap())
}
