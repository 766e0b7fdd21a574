//! The newest lines of the log, for `adit logs`. What is logged holds no secret: secrets have no printed form.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tracing_subscriber::fmt::MakeWriter;

use crate::engine::Handle;
use crate::model::{Snapshot, TunnelId, TunnelState, printable};

/// How many lines are kept.
const LINES_KEPT: usize = 2_000;
/// How long a line may be; the rest of it is cut off.
const LINE_LIMIT: usize = 2_000;
/// How many lines a reader may be behind before it misses some.
const LINES_AHEAD: usize = 256;

/// The newest lines. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    lines: Arc<Mutex<VecDeque<Arc<str>>>>,
    new: broadcast::Sender<Arc<str>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            new: broadcast::channel(LINES_AHEAD).0,
        }
    }
}

impl Journal {
    /// The lines so far, oldest first, and those to come.
    pub(super) fn read(&self) -> (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.iter().cloned().collect(), self.new.subscribe())
    }

    fn write(&self, line: &str) {
        let line = match line.char_indices().nth(LINE_LIMIT) {
            Some((end, _)) => &line[..end],
            None => line,
        };
        let line: Arc<str> = printable(line.trim_end()).into();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(Arc::clone(&line));
        // Under the lock, so that a reader gets each line once.
        let _nobody_follows = self.new.send(line);
    }
}

/// One event's way into the journal; the log writes each event as a whole.
#[derive(Debug)]
pub struct JournalWriter(Journal);

impl io::Write for JournalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = JournalWriter;

    fn make_writer(&'a self) -> JournalWriter {
        JournalWriter(self.clone())
    }
}

/// Logs what becomes of the tunnels and what the person is told, until the engine ends.
pub(super) async fn narrate(mut handle: Handle) {
    let mut known = BTreeMap::new();
    let mut last = None;
    let mut snapshot = handle.snapshot();
    loop {
        tell_changes(&mut known, &snapshot);
        for notice in snapshot.notices_after(last.as_ref()) {
            tracing::info!("{}", notice.text);
        }
        last = snapshot.notices.last().cloned().or(last);
        match handle.changed().await {
            Ok(next) => snapshot = next,
            Err(_ended) => return,
        }
    }
}

fn tell_changes(known: &mut BTreeMap<TunnelId, TunnelState>, snapshot: &Snapshot) {
    for (id, status) in &snapshot.tunnels {
        let before = known.get(id);
        let state = &status.state;
        if before
            .is_none_or(|before| before.code() != state.code() || before.fault() != state.fault())
        {
            if let Some(fault) = state.fault() {
                tracing::info!("{id}: {}: {fault}", state.code());
            } else {
                tracing::info!("{id}: {}", state.code());
            }
            known.insert(id.clone(), state.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_none_moves_a_terminal() {
        let journal = Journal::default();
        let mut writer = journal.make_writer();
        let (before, mut new) = journal.read();
        assert!(before.is_empty());
        for number in 0..=LINES_KEPT {
            writer
                .write_all(format!("line {number}\u{1b}[2J\n").as_bytes())
                .unwrap();
        }
        let (lines, _) = journal.read();
        assert_eq!(lines.len(), LINES_KEPT);
        assert_eq!(&*lines[0], "line 1\u{fffd}[2J");
        assert!(
            matches!(
                new.try_recv(),
                Err(broadcast::error::TryRecvError::Lagged(_))
            ),
            "a reader that is too slow misses lines, and holds nobody up"
        );
        writer
            .write_all("x".repeat(10 * LINE_LIMIT).as_bytes())
            .unwrap();
        let (lines, _) = journal.read();
        assert_eq!(lines.last().unwrap().len(), LINE_LIMIT);
    }
}
