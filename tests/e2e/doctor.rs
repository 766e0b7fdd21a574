//! `adit doctor`: what is wrong on this computer, found without a network.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::adit::{Running, command, text};
use crate::support::sshd::make_key;

struct Computer {
    home: tempfile::TempDir,
}

impl Computer {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, contents: &str, mode: u32) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn key(&self, mode: u32) -> PathBuf {
        let path = self.home.path().join("key.pem");
        make_key(&path);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// An ssh_config that names these files, since ssh looks for its own in the account's home and not in `$HOME`.
    fn config(&self, key: &Path, known_hosts: &Path, more: &str) -> PathBuf {
        let contents = format!(
            "Host node\n HostName 10.0.0.100\n IdentityFile {}\n{more}Host *\n IdentityFile none\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n",
            key.display(),
            known_hosts.display()
        );
        self.file("ssh_config", &contents, 0o600)
    }

    fn doctor(
        &self,
        config: &Path,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> (Option<i32>, String) {
        let mut adit = command(self.home.path());
        adit.args(["doctor", "-F"]).arg(config).args(arguments);
        adit.env("KUBECONFIG", kubeconfig);
        adit.env("SSH_AUTH_SOCK", self.home.path().join("no-agent"));
        let output = Running::spawn(adit).output();
        (output.status.code(), text(&output.stdout[..]))
    }
}

/// A public key that is only ever compared; two of them differ.
fn host_key(computer: &Computer, name: &str) -> String {
    let path = computer.home.path().join(name);
    make_key(&path);
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let mut words = public.split(' ');
    format!("{} {}", words.next().unwrap(), words.next().unwrap().trim())
}

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
    clusters: [{name: k, cluster: {server: 'https://10.0.0.100:6443'}}]\n\
    contexts: [{name: c, context: {cluster: k, user: u}}]\n\
    users: [{name: u, user: {token: t}}]\n";

fn named<'a>(report: &'a Value, name: &str, status: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["name"] == name && check["status"] == status)
        .map(|check| check["message"].as_str().unwrap())
        .collect()
}

#[test]
fn everything_that_is_wrong_is_named_with_its_place_and_a_remedy() {
    let computer = Computer::new();
    let (one, other) = (host_key(&computer, "one"), host_key(&computer, "other"));
    let known_hosts = format!("10.0.0.100 {one}\ngarbled\n10.0.0.100 {other}\n");
    let known_hosts = computer.file("known_hosts", &known_hosts, 0o644);
    let key = computer.key(0o644);
    let config = computer.config(&key, &known_hosts, " ForwardX11 yes\n");
    let kubeconfig = computer.file("kubeconfig", "clusters: [", 0o600);

    let (code, json) = computer.doctor(&config, &kubeconfig, &["-o", "json"]);
    assert_eq!(code, Some(1), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["status"], "problem");
    for (name, status, words) in [
        ("known-hosts", "warning", ", line 2, is no host key"),
        (
            "known-hosts",
            "warning",
            "10.0.0.100 has two different keys",
        ),
        (
            "key",
            "problem",
            "key.pem (of node) can be read or changed by others (mode 0644)",
        ),
        ("kubeconfig", "problem", "kubeconfig cannot be understood"),
        ("ssh-config", "warning", "ForwardX11 yes"),
        ("ssh-agent", "warning", "no-agent"),
    ] {
        let found = named(&report, name, status);
        assert!(
            found.iter().any(|message| message.contains(words)),
            "{words}: {json}"
        );
    }
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check["hint"].is_null(), check["status"] == "ok", "{check}");
    }

    let (code, words) = computer.doctor(&config, &kubeconfig, &[]);
    assert_eq!(code, Some(1), "{words}");
    let remedy = format!("chmod 600 {}", key.display());
    assert!(words.contains(&remedy), "{words}");
    // Looking changes nothing.
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o644
    );
}

#[test]
fn a_computer_that_is_in_order_is_no_failure() {
    let computer = Computer::new();
    let host = host_key(&computer, "host");
    let known_hosts = computer.file("known_hosts", &format!("10.0.0.100 {host}\n"), 0o600);
    let key = computer.key(0o600);
    let config = computer.config(&key, &known_hosts, "");
    let kubeconfig = computer.file("kubeconfig", KUBECONFIG, 0o600);
    let (code, words) = computer.doctor(&config, &kubeconfig, &["-o", "json"]);
    let report: Value = serde_json::from_str(&words).unwrap();
    for (name, part) in [
        ("ssh-config", "names 1 host,"),
        ("known-hosts", "holds 1 host key"),
        ("key", "key.pem (of node) is a private key"),
        (
            "kubeconfig",
            "the context c leads to https://10.0.0.100:6443",
        ),
    ] {
        let found = named(&report, name, "ok");
        assert!(
            found.iter().any(|message| message.contains(part)),
            "{part}: {words}"
        );
    }
    assert_eq!(
        report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["status"] == "problem")
            .count(),
        0,
        "{words}"
    );
    assert_eq!(code, Some(0), "{words}");
}

#[test]
fn a_file_that_is_not_there_is_a_problem_where_it_was_named() {
    let computer = Computer::new();
    let none = computer.home.path().join("none");
    let (code, words) = computer.doctor(&none, &none, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("problem  ssh-config"), "{words}");
}

#[test]
fn the_port_of_a_wanted_tunnel_is_free_or_named_with_its_holder() {
    let computer = Computer::new();
    let key = computer.key(0o600);
    let config = computer.config(&key, &computer.home.path().join("none"), "");
    let kubeconfig = computer.file("kubeconfig", KUBECONFIG, 0o600);
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = held.local_addr().unwrap().to_string();
    let settings = format!(
        "version = 1\n[tunnels.\"default/ui:80\"]\nup = true\nhost = \"node\"\nlocal = {{ fixed = \"{place}\" }}\n\
         [tunnels.\"default/off:80\"]\nup = false\nhost = \"node\"\nlocal = {{ fixed = \"{place}\" }}\n"
    );
    let settings = computer.file("settings.toml", &settings, 0o600);
    let look = || {
        let mut adit = command(computer.home.path());
        adit.args(["doctor", "-o", "json", "-F"]).arg(&config);
        adit.env("KUBECONFIG", &kubeconfig);
        adit.env("ADIT_CONFIG_DIR", computer.home.path());
        let output = Running::spawn(adit).output();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    let (code, report) = look();
    let found = named(&report, "port", "problem");
    assert_eq!(found.len(), 1, "{report}");
    assert!(
        found[0].contains(&place) && found[0].contains("default/ui:80"),
        "{found:?}"
    );
    assert!(
        found[0].contains(&std::process::id().to_string()),
        "{found:?}"
    );
    assert_eq!(code, Some(1));

    drop(held);
    let (code, report) = look();
    assert_eq!(named(&report, "port", "ok").len(), 1, "{report}");
    assert_eq!(code, Some(0), "{report}");

    fs::write(&settings, "version = [").unwrap();
    let (_, report) = look();
    assert_eq!(named(&report, "settings", "warning").len(), 1, "{report}");
    // It is the window that sets it aside, not a look at it.
    assert_eq!(fs::read_to_string(&settings).unwrap(), "version = [");
}

#[cfg(target_os = "linux")]
#[test]
fn the_keyring_is_open_locked_or_absent_and_nobody_is_asked_to_unlock_it() {
    use crate::support::keyring::Keyring;

    let keyring = Keyring::unlocked();
    let look = |keyring: &Keyring| -> Value {
        let mut adit = command(&keyring.home());
        keyring.hand_to(&mut adit);
        adit.args(["doctor", "-F", "none", "-o", "json"]);
        serde_json::from_slice(&Running::spawn(adit).output().stdout).unwrap()
    };
    assert_eq!(named(&look(&keyring), "keyring", "ok").len(), 1);
    keyring.lock();
    // No prompter stands by here: whoever asked for an unlocking would wait until the test gives up.
    let report = look(&keyring);
    assert_eq!(
        named(&report, "keyring", "warning"),
        ["the keyring is locked"]
    );
    let report = look(&Keyring::absent());
    let found = named(&report, "keyring", "warning");
    assert!(
        found.len() == 1 && found[0].contains("there is no keyring"),
        "{report}"
    );
}
