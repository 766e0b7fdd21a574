//! The built program, its JSON lines and its words.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::LIMIT;
use super::sshd::Sshd;

/// The program with nothing of this machine's person in its environment.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    for name in [
        "SSH_AUTH_SOCK",
        "SSH_ASKPASS",
        "KUBECONFIG",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "ADIT_LOG",
        "XDG_CONFIG_HOME",
        "XDG_CURRENT_DESKTOP",
    ] {
        command.env_remove(name);
    }
    command
        .env("HOME", home)
        // The keyring of this machine's person is none of the tests' business.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
        .stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = command(home);
    command.args(arguments);
    let child = Running::spawn(command);
    child.output()
}

/// A program that runs, and does not outlive the test.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// The events that were read on the way to others.
    passed: RefCell<Vec<Value>>,
    words: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _test_has_ended = sender.send(line);
            }
        });
        let words = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&words);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let listener = std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|count| count > 0) {
                heard.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            child,
            lines,
            passed: RefCell::default(),
            words,
            readers: vec![reader, listener],
        }
    }

    /// `adit forward --json` through `sshd`, with its key and its known_hosts, and these words besides.
    pub(crate) fn forward(sshd: &Sshd, words: &[&str]) -> Self {
        let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
        let mut command = command(&sshd.home());
        command
            .args(["forward", "--json", "-o", "BatchMode=yes", "-i"])
            .arg(sshd.key())
            .args(["-p", &sshd.port().to_string()])
            .args(words)
            // The first value of an option wins, so that `words` can name another file.
            .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
            .arg(Sshd::login());
        Self::spawn(command)
    }

    /// The next line on stdout.
    pub(crate) fn line(&self, limit: Duration) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(limit)
    }

    /// The first event from here on that `wanted` wants.
    pub(crate) fn event(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.event_within(LIMIT, wanted)
    }

    /// The same within a time that is part of what is tested.
    pub(crate) fn event_within(&self, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.line(left).unwrap_or_else(|error| {
                panic!(
                    "{error}; it printed {:#?} and said: {}",
                    self.passed.borrow(),
                    self.words()
                )
            });
            let event = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("not JSON: {line}: {error}"));
            if wanted(&event) {
                return event;
            }
            self.passed.borrow_mut().push(event);
        }
    }

    /// The first such event, whether it was read already or is still to come.
    pub(crate) fn event_or_passed(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let passed = self.passed.borrow().iter().find(|e| wanted(e)).cloned();
        passed.unwrap_or_else(|| self.event(wanted))
    }

    /// Where forward `index` listens, once it is open.
    pub(crate) fn listening(&self, index: u64) -> SocketAddr {
        let wanted = |event: &Value| event["event"] == "listening" && event["forward"] == index;
        // Forwards open in no particular order.
        let passed = self
            .passed
            .borrow()
            .iter()
            .find(|event| wanted(event))
            .cloned();
        let event = passed.unwrap_or_else(|| self.event(wanted));
        event["address"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until forward 0 is in this state.
    pub(crate) fn state(&self, state: &str) -> Value {
        self.event(|event| event["event"] == "state" && event["state"] == state)
    }

    /// Waits for the failure that ends the program.
    pub(crate) fn failed(&self) -> Value {
        self.event(|event| event["event"] == "failed")["fault"].clone()
    }

    /// What it has said on stderr so far.
    pub(crate) fn words(&self) -> String {
        self.words.lock().unwrap().clone()
    }

    /// Its process's id.
    #[allow(dead_code, reason = "not all tests that share this ask for it")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has said this on stderr.
    #[allow(dead_code, reason = "not all tests that share this ask for it")]
    pub(crate) fn hears(&self, words: &str) {
        let end = Instant::now() + LIMIT;
        while !self.words().contains(words) {
            assert!(Instant::now() < end, "it said: {}", self.words());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and for all it has to say.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.wait_within(LIMIT);
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        status
    }

    fn wait_within(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < end,
                "it does not end; it said: {}",
                self.words()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The exit code after a failure, which comes by itself.
    pub(crate) fn exit_code(mut self) -> i32 {
        self.wait().code().expect("it was ended by a signal")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it ends by itself, and well.
    pub(crate) fn exit_code_is_good(mut self) -> bool {
        self.wait().success()
    }

    /// Presses Ctrl-C and waits for the end.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        self.signal(Signal::INT);
        self.wait()
    }

    pub(crate) fn output(mut self) -> Output {
        let status = self.wait();
        let stdout: Vec<String> = self.lines.try_iter().collect();
        Output {
            status,
            stdout: stdout.join("\n").into_bytes(),
            stderr: self.words().into_bytes(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After its end there is nothing to kill.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- adit said:\n{}", self.words());
        }
    }
}

/// Reads all of `reader` as text.
pub(crate) fn text(mut reader: impl Read) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}
