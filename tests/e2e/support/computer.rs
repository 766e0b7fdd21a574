//! A person's computer: a keyring, a home folder and a cluster's services, in which Adit ends and starts.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::LIMIT;
use super::adit::Running;
use super::instance::Home;
use super::keyring::Keyring;
use super::servers::echo;
use super::sshd::Sshd;
use super::tiny_api;

/// A person's computer: a keyring and a home folder, in which Adit ends and starts.
pub(crate) struct Computer {
    pub(crate) keyring: Keyring,
    pub(crate) home: Home,
    pub(crate) sshd: Sshd,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) services: Vec<(&'static str, SocketAddr)>,
}

impl Computer {
    /// Its cluster has these services, each an echo.
    pub(crate) fn with_services(names: &[&'static str]) -> Self {
        let sshd = Sshd::start(&[]);
        let kubeconfig = sshd.path("kubeconfig");
        let services: Vec<_> = names.iter().map(|name| (*name, echo())).collect();
        tiny_api::start_services(&services, &kubeconfig, "t");
        let known = format!("* {}", sshd.host_key());
        fs::write(sshd.path("known_everywhere"), known).unwrap();
        Self {
            keyring: Keyring::unlocked(),
            home: Home::new(),
            sshd,
            kubeconfig,
            services,
        }
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.keyring.home().join("config/adit/settings.toml")
    }

    /// `adit WORDS`, with the keyring at hand.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home.command(words);
        self.keyring.hand_to(&mut command);
        command
    }

    /// Saves a host that is reached by `port`, and through which the cluster's services are opened.
    pub(crate) fn save_host(&self, name: &str, port: u16) {
        let known_hosts = self.sshd.path("known_everywhere");
        let known_hosts = format!("UserKnownHostsFile={}", known_hosts.display());
        let host = format!("{}:{port}", Sshd::login());
        let mut command = self.command(&["hosts", "add", name, "--host", &host]);
        command
            .arg("--identity")
            .arg(self.sshd.key())
            .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
            .args(["-o", "IdentitiesOnly=yes", "--cluster-kubeconfig"])
            .arg(&self.kubeconfig);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    /// Adit starts, as at login.
    pub(crate) fn start(&self) -> Running {
        let agent = Running::spawn(self.command(&["agent"]));
        self.home.wait_for_instance();
        agent
    }

    /// Waits until these services are open and all others are not wanted; the status.
    pub(crate) fn open_are(&self, names: &[&str]) -> Value {
        let all = names.iter().map(|name| format!("default/{name}:"));
        let open: Vec<String> = all.collect();
        self.home.status_when(|status| {
            let tunnels = status["tunnels"].as_array().unwrap();
            let is_as_wanted = |tunnel: &Value| {
                let id = tunnel["id"].as_str().unwrap();
                let wanted = open.iter().any(|name| id.starts_with(name));
                tunnel["state"] == if wanted { "open" } else { "off" }
            };
            let found = tunnels.iter().filter(|tunnel| tunnel["state"] == "open");
            found.count() == open.len() && tunnels.iter().all(is_as_wanted)
        })
    }

    /// Waits until the settings file has what `wanted` wants: a crash from then on loses nothing of it.
    pub(crate) fn settings_when(&self, wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let settings = fs::read_to_string(self.settings_file()).unwrap_or_default();
            if wanted(&settings) {
                return settings;
            }
            assert!(start.elapsed() < LIMIT, "it is not written: {settings}");
        }
    }

    pub(crate) fn terminate(&self, mut adit: Running) {
        adit.signal(Signal::TERM);
        assert!(adit.wait().success(), "{}", adit.words());
        assert!(!self.home.socket().exists());
    }
}
