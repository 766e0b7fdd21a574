//! Somebody at a terminal of their own, who answers questions.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::LIMIT;
use super::adit::Running;

/// Runs the program at a terminal, where somebody answers.
pub(crate) fn asked(mut inner: Command, script: &[(&str, &str)]) -> (Running, Person) {
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(inner.get_program());
    command.args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    inner.stdin(Stdio::null());
    let person = Person::sit_at(&mut command, script);
    (Running::spawn(command), person)
}

/// A person who waits for questions.
pub(crate) struct Person {
    thread: Option<JoinHandle<()>>,
    done: mpsc::Receiver<String>,
}

impl Person {
    /// Has `command`, whose program is run by setsid, talk to a person who gives each of these answers when its question is
    /// seen on the screen.
    pub(crate) fn sit_at(command: &mut Command, script: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        command.stdin(Stdio::from(slave));
        let script: Vec<(String, String)> = script
            .iter()
            .map(|(question, answer)| ((*question).to_owned(), (*answer).to_owned()))
            .collect();
        let (said, done) = mpsc::channel();
        let thread = std::thread::spawn(move || talk(master, script, &said));
        Self {
            thread: Some(thread),
            done,
        }
    }

    /// What the person has seen, once all questions have come.
    pub(crate) fn seen(&self) -> String {
        self.done
            .recv_timeout(LIMIT)
            .expect("a question did not come")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // The thread ends when the program and the test's own handle to the terminal have.
        drop(self.thread.take());
    }
}

fn talk(master: OwnedFd, script: Vec<(String, String)>, said: &mpsc::Sender<String>) {
    let mut terminal = File::from(master);
    let mut screen = String::new();
    let mut read_to = 0;
    let mut buffer = [0; 4096];
    for (question, answer) in script {
        while !screen[read_to..].contains(&question) {
            // A terminal that nobody uses any more reads as an error.
            let Ok(count @ 1..) = terminal.read(&mut buffer) else {
                return;
            };
            screen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        read_to = screen.len();
        terminal
            .write_all(format!("{answer}\n").as_bytes())
            .unwrap();
    }
    let _test_has_ended = said.send(screen);
    while matches!(terminal.read(&mut buffer), Ok(1..)) {}
}
