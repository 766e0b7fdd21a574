//! `adit hosts` with a real gnome-keyring: what is taken over from ssh_config and from files, listed and forgotten.

use std::fs;

use crate::keyring::{adit, done, names, refused, start};
use crate::support::adit::{Running, command};
use crate::support::keyring::Keyring;
use crate::support::person::asked;
use crate::support::servers::{echo, to};
use crate::support::sshd::{Sshd, user};

/// The same as [`done`]; what it said on stderr.
fn said(keyring: &Keyring, words: &str) -> String {
    let output = adit(keyring, words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}: {said}");
    said
}

/// `adit WORDS` by an account whose home is the keyring's, as the system has it: `HOME` does not decide where ssh_config is. What it
/// printed and said, and whether it went well.
fn by_account(keyring: &Keyring, words: &str) -> (String, bool) {
    let (home, id) = (keyring.home(), rustix::process::getuid().as_raw());
    let file = |name: &str, line: String| {
        let path = keyring.folder().join(name);
        fs::write(&path, line).unwrap();
        path
    };
    let line = format!("{}:x:{id}:0::{}:/bin/sh\n", user(), home.display());
    let mut command = command(&home);
    keyring.hand_to(&mut command);
    command
        .env("LD_PRELOAD", "libnss_wrapper.so")
        .env("NSS_WRAPPER_PASSWD", file("passwd", line))
        .env("NSS_WRAPPER_GROUP", file("group", String::new()))
        .args(words.split(' '));
    let output = Running::spawn(command).output();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

#[test]
fn hosts_of_ssh_config_are_saved_under_their_names_and_follow_it() {
    let keyring = Keyring::unlocked();
    let import = |words: &str| by_account(&keyring, &format!("hosts import --ssh-config{words}"));
    let (none, is_good) = import("");
    assert!(!is_good && none.contains("names no host"), "{none}");

    let folder = keyring.home().join(".ssh");
    fs::create_dir_all(&folder).unwrap();
    let config =
        "Host web db *.pattern !not\n HostName 203.0.113.9\n User deploy\nHost *\n Port 2222\n";
    fs::write(folder.join("config"), config).unwrap();
    let (nobody, is_good) = import(" web nobody");
    assert!(
        !is_good && nobody.contains("has no host nobody"),
        "{nobody}"
    );
    assert_eq!(names(&keyring), [""; 0], "all of them or none");

    let (one, is_good) = import(" web");
    assert!(
        is_good && one.contains("1 saved, 0 left as they were"),
        "{one}"
    );
    let (all, is_good) = import("");
    assert!(all.contains("web is saved already; --replace"), "{all}");
    assert!(
        is_good && all.contains("1 saved, 1 left as they were"),
        "{all}"
    );
    assert_eq!(names(&keyring), ["db", "web"]);
    let (again, is_good) = import(" --replace");
    assert!(
        is_good && again.contains("2 saved, 0 left as they were"),
        "{again}"
    );

    // What ssh_config says of them is not copied: it is asked when they are used.
    let resolved = |name: &str| by_account(&keyring, &format!("forward -G {name}")).0;
    for line in ["hostname 203.0.113.9", "user deploy", "port 2222"] {
        assert!(resolved("db").contains(line), "{line}");
    }
    fs::write(folder.join("config"), config.replace(".9", ".10")).unwrap();
    assert!(resolved("db").contains("hostname 203.0.113.10"));
}

#[test]
fn a_file_that_has_programs_run_is_taken_only_where_that_is_allowed() {
    let keyring = Keyring::unlocked();
    let file = keyring.folder().join("hosts.toml");
    done(&keyring, "hosts add plain --host 203.0.113.7");
    done(
        &keyring,
        "hosts add runs --host 203.0.113.8 -o ProxyCommand=/bin/false",
    );
    fs::write(&file, done(&keyring, "hosts export runs")).unwrap();
    done(&keyring, "hosts remove runs");
    let words = format!("hosts import {}", file.display());
    let told = refused(&keyring, &words);
    assert!(
        told.contains("the host runs runs a program") && told.contains("--allow-commands"),
        "{told}"
    );
    assert_eq!(names(&keyring), ["plain"]);
    said(&keyring, &format!("{words} --allow-commands"));
    assert_eq!(names(&keyring), ["plain", "runs"]);
    let missing = refused(&keyring, "hosts import /nowhere/hosts.toml");
    assert!(
        missing.contains("/nowhere/hosts.toml cannot be read"),
        "{missing}"
    );
}

#[test]
fn the_list_for_people_says_how_each_is_reached() {
    let keyring = Keyring::unlocked();
    let empty = said(&keyring, "hosts list");
    assert!(empty.contains("no host is saved"), "{empty}");
    let added = said(
        &keyring,
        "hosts add prod --host ubuntu@203.0.113.7:2222 --identity /nowhere/prod.pem --jump gate --cluster-on-host /etc/k3s.yaml",
    );
    assert!(added.contains("no key /nowhere/prod.pem"), "{added}");
    done(
        &keyring,
        "hosts add six --host [fd00::7]:22 --cluster-kubeconfig default",
    );
    let table = done(&keyring, "hosts list");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
        })
        .map(Iterator::collect)
        .collect();
    assert_eq!(
        lines,
        [
            vec!["NAME", "HOST", "KEY", "VIA", "CLUSTER"],
            vec![
                "prod",
                "ubuntu@203.0.113.7:2222",
                "/nowhere/prod.pem",
                "gate",
                "/etc/k3s.yaml on the host"
            ],
            vec!["six", "[fd00::7]:22", "kubectl's own"],
        ],
        "{table}"
    );
    let unknown = refused(&keyring, "hosts remove prod nobody");
    assert!(unknown.contains("under the name nobody"), "{unknown}");
}

#[test]
fn what_is_remembered_for_a_host_is_forgotten_and_the_host_is_not() {
    const PASSPHRASE: &str = "open sesame";
    let keyring = Keyring::unlocked();
    let sshd = Sshd::start(&[]);
    let locked = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", PASSPHRASE, "-f"])
        .arg(sshd.key())
        .status();
    assert!(locked.unwrap().success());
    done(
        &keyring,
        &format!(
            "hosts add node --host {}:{} --identity {} -o UserKnownHostsFile={} -o IdentitiesOnly=yes",
            Sshd::login(),
            sshd.port(),
            sshd.key().display(),
            sshd.known_hosts().display()
        ),
    );
    let forward = format!("forward --json -L {} node", to(echo()));
    let by_hand = || {
        let mut command = command(&keyring.home());
        keyring.hand_to(&mut command);
        command.args(forward.split(' '));
        let (adit, person) = asked(
            command,
            &[("Passphrase of the key", PASSPHRASE), ("Remember it", "y")],
        );
        person.seen();
        adit.listening(0);
        assert!(adit.interrupt().success());
    };
    by_hand();
    assert!(keyring.entry("secrets:node").is_some());
    // Nobody is asked.
    start(&keyring, &forward).listening(0);

    let told = said(&keyring, "hosts forget node");
    assert!(
        told.contains("nothing is remembered for node any more"),
        "{told}"
    );
    assert_eq!(keyring.entry("secrets:node"), None);
    assert_eq!(names(&keyring), ["node"]);
    by_hand();
}
