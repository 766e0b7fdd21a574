//! Logging in: keys and certificates from files and from agents, passphrases, passwords, several factors.

mod certificates;
mod keys;
mod questions;
mod security_key;
mod ways;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::adit::{Running, command};
use crate::support::peer::{KeyKind, key};
use crate::support::servers::{exchange, noise};
use crate::support::sshd::{Sshd, make_key};

pub(super) const ED25519: KeyKind = key(&["-t", "ed25519"]);

pub(super) fn works(adit: &Running) {
    let data = noise(10_000);
    assert!(exchange(adit.listening(0), data.clone()) == data);
}

/// A real ssh-agent of the test's own.
pub(super) struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    pub(super) fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        // One that was killed has left its socket behind.
        let _none = fs::remove_file(&socket);
        let mut process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .expect("ssh-agent is needed: tests/run installs openssh-client");
        // It prints where it listens once it does.
        let mut line = [0; 1];
        let stdout = process.stdout.as_mut().unwrap();
        std::io::Read::read_exact(stdout, &mut line).unwrap();
        Self { process, socket }
    }

    /// Adds the key at `path`, and the certificate beside it.
    pub(super) fn add(&self, path: &Path) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(path)
            .env("SSH_AUTH_SOCK", &self.socket)
            .status()
            .unwrap();
        assert!(added.success());
    }

    pub(super) fn option(&self) -> String {
        format!("IdentityAgent={}", self.socket.display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// `adit forward` to `sshd` without any key but those that `words` name.
pub(super) fn bare(sshd: &Sshd, words: &[&str]) -> Running {
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let mut command = command(&sshd.home());
    command
        .args(["forward", "--json", "-F", "none", "-o", "BatchMode=yes"])
        .args(["-p", &sshd.port().to_string()])
        .args(words)
        .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
        .arg(Sshd::login());
    Running::spawn(command)
}

/// Lets only `keys` in.
pub(super) fn authorize(sshd: &Sshd, lines: &[String]) {
    fs::write(sshd.path("authorized_keys"), lines.concat()).unwrap();
}

pub(super) fn public(path: &Path) -> String {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    fs::read_to_string(name).unwrap()
}

/// So many keys in an agent, of which the server knows none.
pub(super) fn strangers(folder: &Path, agent: &Agent, count: usize) {
    for index in 0..count {
        let path = folder.join(format!("stranger{index}"));
        make_key(&path);
        agent.add(&path);
    }
}
