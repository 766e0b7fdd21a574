//! A notification service that people use, dunst, which writes down what it shows.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::desktop::{Desktop, Service};

/// A notification that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// One that takes the place of another has its number.
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) body: String,
}

/// The service. It goes when this is dropped.
pub(crate) struct Notes {
    written: PathBuf,
    _process: Service,
}

impl Notes {
    pub(crate) fn start(desktop: &Desktop) -> Self {
        let written = desktop.home().join("notes");
        let script = desktop.home().join("note.sh");
        // What dunst says of a notification is in its variables.
        let line = r#"printf '%s\t%s\t%s\n' "$DUNST_ID" "$DUNST_SUMMARY" "$DUNST_BODY""#;
        let text = format!("#!/bin/sh\n{line} >>'{}'\n", written.display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, Permissions::from_mode(0o700)).unwrap();
        let config = desktop.home().join("dunstrc");
        let text = format!(
            "[global]\n[all]\n  summary = *\n  script = {}\n",
            script.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("dunst");
        desktop.host(&mut command);
        command.arg("-config").arg(config);
        let process = Service::start(&mut command);
        desktop.wait_for_name("org.freedesktop.Notifications");
        Self {
            written,
            _process: process,
        }
    }

    /// All that were shown so far, once there are so many.
    pub(crate) fn read(&self, count: usize, limit: Duration) -> Vec<Note> {
        let end = Instant::now() + limit;
        loop {
            let text = fs::read_to_string(&self.written).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let notes: Vec<Note> = whole.lines().map(note).collect();
            if notes.len() >= count {
                return notes;
            }
            assert!(Instant::now() < end, "not {count} notifications: {notes:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn note(line: &str) -> Note {
    let mut parts = line.splitn(3, '\t').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    Note {
        number: next(),
        title: next(),
        body: next(),
    }
}
