//! What can be read of processes in /proc: what anybody may, and what only a debugger does.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The parts of a process's memory are read in pieces of this size.
const PIECE: usize = 1 << 20;

/// Whether `text` stands somewhere in `bytes`.
pub(crate) fn contains(bytes: &[u8], text: &[u8]) -> bool {
    // The first byte sorts most places out: a memory of gigabytes would take long otherwise.
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| *byte == text[0]) {
        if left[at..].starts_with(text) {
            return true;
        }
        left = &left[at + 1..];
    }
    false
}

/// The command lines and environments of all processes, with their files' names.
pub(crate) fn arguments_of_all() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let is_process = entry.file_name().to_string_lossy().parse::<u32>().is_ok();
        for name in ["cmdline", "environ"] {
            let path = entry.path().join(name);
            // It may have ended meanwhile, or be somebody else's.
            if is_process && let Ok(bytes) = fs::read(&path) {
                found.push((path.display().to_string(), bytes));
            }
        }
    }
    found
}

/// Which of `texts` stand somewhere in what this process can write to: its heap, its stacks, and all else.
pub(crate) fn in_memory<'a>(pid: u32, texts: &[(&'a str, Vec<u8>)]) -> Vec<&'a str> {
    let process = Path::new("/proc").join(pid.to_string());
    let memory = File::open(process.join("mem")).unwrap();
    let longest = texts.iter().map(|(_, text)| text.len()).max().unwrap();
    let mut found = Vec::new();
    let mut buffer = vec![0; PIECE + longest];
    for line in fs::read_to_string(process.join("maps")).unwrap().lines() {
        let Some((start, end)) = writable(line) else {
            continue;
        };
        for piece in (start..end).step_by(PIECE) {
            let wanted = usize::try_from(end - piece).unwrap().min(buffer.len());
            // A part that has gone meanwhile cannot be read.
            let read = memory.read_at(&mut buffer[..wanted], piece).unwrap_or(0);
            let new = texts.iter().filter(|(name, _)| !found.contains(name));
            let new: Vec<&str> = new
                .filter(|(_, text)| contains(&buffer[..read], text))
                .map(|(name, _)| *name)
                .collect();
            found.extend(new);
        }
    }
    found
}

/// Where a line of `maps` says that a part begins and ends which can be read and written.
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    let (range, rights) = (words.next()?, words.next()?);
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    rights
        .starts_with("rw")
        .then_some((address(start)?, address(end)?))
}
