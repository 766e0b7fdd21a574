//! The whole of Adit as a person has it: an agent, a host in a real keyring, a cluster with one service, and lines between all
//! of them that can be cut.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Site;
use crate::faults::PATIENCE;
use crate::line::Line;
use crate::support::adit::Running;
use crate::support::instance::{Home, printed, tunnel};
use crate::support::keyring::Keyring;
use crate::support::person::asked;
use crate::support::servers::echo;
use crate::support::sshd::{Sshd, make_key};
use crate::support::tiny_api;

/// What opens the host's key.
pub(crate) const PASSPHRASE: &str = "canary passphrase";

/// An agent and all it needs. What is started last ends first.
pub(crate) struct Station {
    pub(crate) agent: Option<Running>,
    pub(crate) home: Home,
    pub(crate) keyring: Keyring,
    pub(crate) site: Site,
    /// The line to the API server.
    pub(crate) api: Line,
    /// The API server behind it.
    pub(crate) api_server: SocketAddr,
    service: SocketAddr,
}

impl Station {
    /// A host `node` in the keyring, with its key's passphrase and a cluster; no agent yet.
    pub(crate) fn new() -> Self {
        let (home, keyring, site) = (Home::new(), Keyring::unlocked(), Site::new(&[]));
        let service = echo();
        let kubeconfig = home.path().join("kubeconfig");
        tiny_api::start(service, &kubeconfig);
        let api_server = server_of(&kubeconfig);
        let api = Line::to(api_server);
        let text = fs::read_to_string(&kubeconfig).unwrap();
        let moved = text.replace(&api_server.port().to_string(), &api.port().to_string());
        fs::write(&kubeconfig, moved).unwrap();
        let station = Self {
            agent: None,
            home,
            keyring,
            site,
            api,
            api_server,
            service,
        };
        station.save_host();
        station.remember();
        station
    }

    fn save_host(&self) {
        let key = self.site.sshd.path("locked");
        make_key(&key);
        let locked = Command::new("ssh-keygen")
            .args(["-q", "-p", "-P", "", "-N", PASSPHRASE, "-f"])
            .arg(&key)
            .status();
        assert!(locked.unwrap().success());
        let public = self.site.sshd.path("locked.pub");
        fs::copy(public, self.site.sshd.path("authorized_keys")).unwrap();
        let known = self.site.sshd.path("known");
        let host = format!("{}:{}", Sshd::login(), self.site.line.port());
        let known = format!("UserKnownHostsFile={}", known.display());
        let kubeconfig = self.home.path().join("kubeconfig");
        let mut words = vec!["hosts", "add", "node", "--host", &host, "--identity"];
        words.extend([key.to_str().unwrap(), "--cluster-kubeconfig"]);
        words.push(kubeconfig.to_str().unwrap());
        for option in [
            known.as_str(),
            "GlobalKnownHostsFile=none",
            "HostKeyAlias=server",
            "IdentitiesOnly=yes",
            "ServerAliveInterval=1",
            "ServerAliveCountMax=1",
        ] {
            words.extend(["-o", option]);
        }
        self.ok(&words);
    }

    /// The program with these words, beside the keyring.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home.command(words);
        self.keyring.hand_to(&mut command);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs the program to its good end; what it printed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        printed(words, self.run(words))
    }

    /// Starts the agent, and waits until it knows host and cluster.
    pub(crate) fn start(&mut self) {
        self.start_as(self.command(&["agent"]));
        self.cluster_when("live");
    }

    pub(crate) fn start_as(&mut self, command: Command) {
        self.agent = Some(Running::spawn(command));
        self.home.wait_for_instance();
    }

    pub(crate) fn agent(&self) -> &Running {
        self.agent.as_ref().unwrap()
    }

    /// The service, as the command line names it.
    pub(crate) fn id(&self) -> String {
        format!("default/echo:{}", self.service.port())
    }

    /// Has somebody type the passphrase once, and the keyring remember it.
    fn remember(&self) {
        let kubeconfig = self.home.path().join("kubeconfig");
        let (kubeconfig, id) = (kubeconfig.to_str().unwrap(), self.id());
        let up = self.command(&["up", "--host", "node", "--kubeconfig", kubeconfig, &id]);
        let script = [("Passphrase", PASSPHRASE), ("Remember", "y")];
        let (up, person) = asked(up, &script);
        let seen = person.seen();
        assert!(!seen.contains(PASSPHRASE), "{seen}");
        up.line(PATIENCE).expect("it does not open");
        assert!(up.interrupt().success());
    }

    /// Opens the service as somebody at a terminal who is asked for the passphrase; how long until that. `meanwhile` is done while
    /// the question waits.
    pub(crate) fn open_by_hand(&self, meanwhile: impl Fn()) -> Duration {
        let (started, id) = (Instant::now(), self.id());
        let nobody = asked(self.command(&["up", &id]), &[]);
        self.home
            .status_when(|status| tunnel(status, &id)["state"] == "asking");
        let asked_after = started.elapsed();
        meanwhile();
        let script = [("Passphrase", PASSPHRASE)];
        let (up, person) = asked(self.command(&["up", &id]), &script);
        person.seen();
        assert!(up.exit_code_is_good());
        drop(nobody);
        asked_after
    }

    /// Opens the service where nothing is asked.
    pub(crate) fn open(&self) -> SocketAddr {
        self.ok(&["up", &self.id()]);
        self.local()
    }

    pub(crate) fn close(&self) {
        self.ok(&["down", &self.id()]);
        let id = self.id();
        self.home
            .status_when(|status| tunnel(status, &id)["state"] == "off");
    }

    /// Where the open service listens.
    pub(crate) fn local(&self) -> SocketAddr {
        let id = self.id();
        let status = self
            .home
            .status_when(|status| tunnel(status, &id)["state"] == "open");
        let local = &tunnel(&status, &id)["local"][0];
        local.as_str().unwrap().parse().unwrap()
    }

    /// The cluster's state, once it is this one.
    pub(crate) fn cluster_when(&self, state: &str) -> Value {
        // A request that was under way when the server fell silent is given up after a minute, and the next try may be half of one away.
        self.cluster_within(2 * PATIENCE, |cluster| cluster["state"] == state)
    }

    /// What is wrong with the cluster, once that is said in words that are meant.
    pub(crate) fn stale_cluster(&self, is_meant: impl Fn(&str) -> bool) -> Value {
        self.cluster_within(PATIENCE, |cluster| {
            let words = cluster["fault"]["message"].as_str();
            cluster["state"] == "stale" && words.is_some_and(&is_meant)
        })
    }

    fn cluster_within(&self, limit: Duration, is_meant: impl Fn(&Value) -> bool) -> Value {
        let watch = Running::spawn(self.home.command(&["status", "--watch", "--json"]));
        let status = watch.event_within(limit, |status| is_meant(&status["cluster"]));
        status["cluster"].clone()
    }

    /// Waits until the agent logs a line with these words; the line, and how long that took.
    pub(crate) fn logs(&self, words: &str) -> (String, Duration) {
        let started = Instant::now();
        let logs = Running::spawn(self.command(&["logs", "-f"]));
        loop {
            let left = PATIENCE.saturating_sub(started.elapsed());
            let line = logs.line(left).unwrap_or_else(|error| {
                panic!("{error}: no {words:?} in {}", self.ok(&["logs"]));
            });
            if line.contains(words) {
                return (line, started.elapsed());
            }
        }
    }

    /// The folder of the settings.
    pub(crate) fn config(&self) -> PathBuf {
        self.keyring.home().join("config/adit")
    }
}

fn server_of(kubeconfig: &std::path::Path) -> SocketAddr {
    let config: Value = serde_json::from_str(&fs::read_to_string(kubeconfig).unwrap()).unwrap();
    let server = &config["clusters"][0]["cluster"]["server"];
    let address = server.as_str().unwrap().strip_prefix("http://").unwrap();
    address.parse().unwrap()
}
