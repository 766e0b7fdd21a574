//! A running instance of the program in a place of its own, and what talks to it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::LIMIT;
use super::adit::{Running, command};
use super::servers::connect;

/// A home folder and a runtime folder for one instance at a time.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // ssh's files are looked for in the account's home folder, not in $HOME: the account is made up.
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        let (user, group) = (user.as_raw(), group.as_raw());
        let home = folder.path().display();
        let accounts = format!("tester:x:{user}:{group}::{home}:/bin/sh\n");
        fs::write(folder.path().join("passwd"), accounts).unwrap();
        fs::write(folder.path().join("group"), format!("tester:x:{group}:\n")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the control socket.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.path().join("run")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime().join("control.sock")
    }

    /// The program with these words, in this home.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = command(self.path());
        command
            .env("ADIT_RUNTIME_DIR", self.runtime())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("LD_PRELOAD", "libnss_wrapper.so")
            .env("NSS_WRAPPER_PASSWD", self.path().join("passwd"))
            .env("NSS_WRAPPER_GROUP", self.path().join("group"))
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("XDG_RUNTIME_DIR")
            .args(words);
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs the program to its end, which has to be a good one; what it printed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        printed(words, self.run(words))
    }

    /// Runs the program to its end, which has to be a bad one; its exit code and what it said.
    pub(crate) fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }

    /// Starts the agent, and waits until it answers.
    pub(crate) fn agent(&self, words: &[&str]) -> Running {
        let mut command = self.command(&["agent"]);
        command.args(words);
        let agent = Running::spawn(command);
        self.wait_for_instance();
        agent
    }

    /// Waits until an instance answers.
    pub(crate) fn wait_for_instance(&self) {
        let end = Instant::now() + LIMIT;
        while !self.run(&["status"]).status.success() {
            assert!(Instant::now() < end, "no instance answers");
        }
    }

    /// How things are.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.ok(&["status", "-o", "json"])).unwrap()
    }

    /// Follows the status until `wanted` has what it wants of it.
    pub(crate) fn status_when(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let watch = Running::spawn(self.command(&["status", "--watch", "--json"]));
        watch.event(|report| report.get("tunnels").is_some() && wanted(report))
    }
}

/// The tunnel of this id in a status.
pub(crate) fn tunnel<'a>(status: &'a Value, id: &str) -> &'a Value {
    let tunnels = status["tunnels"].as_array().unwrap();
    tunnels
        .iter()
        .find(|tunnel| tunnel["id"] == id)
        .unwrap_or(&Value::Null)
}

/// Ends a program as a crash does: nothing of it can clean up.
pub(crate) fn kill(mut program: Running) {
    program.signal(Signal::KILL);
    program.wait();
}

/// The demo's cluster and SSH host, as a process of its own.
pub(crate) struct Demo {
    program: Running,
    access: Value,
}

impl Demo {
    pub(crate) fn start(home: &Home) -> Self {
        let program = Running::spawn(home.command(&["demo", "--serve", "-o", "json"]));
        let access = serde_json::from_str(&program.line(LIMIT).unwrap()).unwrap();
        let demo = Self { program, access };
        // What the person would have: the host's key is known.
        let ssh = home.path().join(".ssh");
        fs::create_dir_all(&ssh).unwrap();
        fs::copy(demo.text("/ssh/known_hosts"), ssh.join("known_hosts")).unwrap();
        demo
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    fn text(&self, pointer: &str) -> &str {
        self.access.pointer(pointer).unwrap().as_str().unwrap()
    }

    fn host(&self) -> String {
        let port = self.access.pointer("/ssh/port").unwrap();
        format!(
            "{}@{}:{port}",
            self.text("/ssh/user"),
            self.text("/ssh/host")
        )
    }

    /// The words that name the cluster and the host.
    pub(crate) fn words(&self) -> Vec<String> {
        [
            "--kubeconfig",
            self.text("/kubeconfig"),
            "--host",
            &self.host(),
            "--identity",
            self.text("/ssh/identity"),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// The page at a URL of a tunnel.
pub(crate) fn page(url: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = connect(address.parse().unwrap());
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// What was printed by a program that was run with these words, and which has come to a good end.
pub(crate) fn printed(words: &[&str], output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
