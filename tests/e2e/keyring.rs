//! Saved hosts in a real gnome-keyring: kept, found again, locked, damaged, absent.

use std::process::Output;
use std::time::Instant;

use rustix::process::Signal;

use crate::support::LIMIT;
use crate::support::adit::{Running, command};
use crate::support::desktop::Desktop;
use crate::support::keyring::{Keyring, PromptAnswer};
use crate::support::servers::{echo, exchange};
use crate::support::sshd::Sshd;

/// The title of the desktop's dialogue.
const DIALOGUE: &str = "Unlock Login Keyring";

/// `adit WORDS` beside this keyring.
pub(crate) fn start(keyring: &Keyring, words: &str) -> Running {
    let mut command = command(&keyring.home());
    keyring.hand_to(&mut command);
    command.args(words.split(' '));
    Running::spawn(command)
}

pub(crate) fn adit(keyring: &Keyring, words: &str) -> Output {
    start(keyring, words).output()
}

/// The same, and it must succeed; what it printed.
pub(crate) fn done(keyring: &Keyring, words: &str) -> String {
    let output = adit(keyring, words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same, and it must fail; what it said.
pub(crate) fn refused(keyring: &Keyring, words: &str) -> String {
    let output = adit(keyring, words);
    assert_eq!(output.status.code(), Some(1), "{words}");
    String::from_utf8(output.stderr).unwrap()
}

pub(crate) fn names(keyring: &Keyring) -> Vec<String> {
    let json: serde_json::Value =
        serde_json::from_str(&done(keyring, "hosts list -o json")).unwrap();
    let hosts = json.as_array().unwrap().iter();
    hosts
        .map(|host| host["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn hosts_are_kept_over_a_restart_changed_shared_and_removed() {
    let mut keyring = Keyring::unlocked();
    assert_eq!(names(&keyring), [""; 0]);
    done(
        &keyring,
        "hosts add prod --host ubuntu@203.0.113.7:2222 --identity ~/.ssh/prod.pem --jump gate -o Compression=yes",
    );
    done(&keyring, "hosts add gate --host gate.example.org");
    let again = refused(&keyring, "hosts add gate --host elsewhere");
    assert!(
        again.contains("already") && again.contains("hosts edit"),
        "{again}"
    );
    keyring.restart();
    assert_eq!(names(&keyring), ["gate", "prod"]);
    done(&keyring, "hosts edit prod --host 203.0.113.8");
    let shown = done(&keyring, "hosts show prod");
    for part in [
        "ubuntu@203.0.113.8:2222",
        "~/.ssh/prod.pem",
        "gate",
        "Compression=yes",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let exported = done(&keyring, "hosts export");
    let file = keyring.folder().join("hosts.toml");
    std::fs::write(&file, &exported).unwrap();
    done(&keyring, "hosts remove prod gate");
    assert_eq!(names(&keyring), [""; 0]);
    assert_eq!(keyring.entry("host:prod"), None);
    done(&keyring, &format!("hosts import {}", file.display()));
    assert_eq!(done(&keyring, "hosts export"), exported);
    // What stands in a folder on the disk tells nobody where the hosts are.
    std::fs::remove_file(file).unwrap();
    assert_nowhere(&keyring, "203.0.113.8");
}

/// No file of the home folder holds this text; the keyring's own file is encrypted.
fn assert_nowhere(keyring: &Keyring, text: &str) {
    let mut folders = vec![keyring.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes());
                assert!(!found, "{} holds {text}", path.display());
            }
        }
    }
}

#[test]
fn a_locked_keyring_asks_and_a_refusal_is_said() {
    let keyring = Keyring::unlocked();
    done(&keyring, "hosts add prod --host 203.0.113.7");
    keyring.lock();
    let prompter = keyring.prompter(PromptAnswer::Refuse);
    let said = refused(&keyring, "hosts list");
    prompter.was_asked();
    assert!(said.contains("locked and was not unlocked"), "{said}");
    let said = refused(&keyring, "hosts add other --host 203.0.113.8");
    prompter.was_asked();
    assert!(said.contains("locked and was not unlocked"), "{said}");
    // Who is not saved costs no prompt.
    let said = refused(&keyring, "hosts show nobody");
    assert!(
        said.contains("no host is saved under the name nobody"),
        "{said}"
    );
    assert!(!prompter.has_been_asked());
}

#[test]
fn the_desktops_own_dialogue_unlocks_it_and_may_be_cancelled() {
    let desktop = Desktop::start();
    let keyring = Keyring::unlocked();
    done(&keyring, "hosts add prod --host 203.0.113.7");
    keyring.lock();
    let _dialogue = keyring.dialogue(&desktop);

    let asking = start(&keyring, "hosts list -o json");
    desktop.press(DIALOGUE, "Escape");
    let output = asking.output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("locked and was not unlocked"), "{said}");
    assert_eq!(output.status.code(), Some(1));

    // The right password lets everybody in.
    let asking = start(&keyring, "hosts list -o json");
    desktop.type_text(DIALOGUE, "keyring");
    desktop.press(DIALOGUE, "Return");
    let output = asking.output();
    assert!(output.status.success());
    let hosts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(hosts[0]["name"], "prod");
    assert_eq!(names(&keyring), ["prod"]);
}

#[test]
fn a_prompt_that_nobody_answers_is_told_of_and_left_by_ctrl_c() {
    let keyring = Keyring::unlocked();
    done(&keyring, "hosts add prod --host 203.0.113.7");
    keyring.lock();
    let prompter = keyring.prompter(PromptAnswer::Ignore);
    let mut running = start(&keyring, "hosts list");
    prompter.was_asked();
    running.hears("your desktop may be asking for its password");
    running.signal(Signal::INT);
    assert_eq!(running.wait().code(), Some(1));
}

#[test]
fn without_a_keyring_that_is_said_with_the_remedy() {
    let mut keyring = Keyring::absent();
    let said = refused(&keyring, "hosts add prod --host 203.0.113.7");
    assert!(said.contains("there is no keyring"), "{said}");
    assert!(said.contains("gnome-keyring"), "{said}");
    // A daemon that dies leaves the same.
    keyring.restart();
    done(&keyring, "hosts add prod --host 203.0.113.7");
    keyring.kill();
    let said = refused(&keyring, "hosts list");
    assert!(said.contains("there is no keyring"), "{said}");
    // No bus at all.
    let mut command = command(&keyring.home());
    keyring.hand_to(&mut command);
    command
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
        .args(["hosts", "list"]);
    let output = Running::spawn(command).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("there is no keyring"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn records_that_make_no_sense_are_said_and_left_alone() {
    let keyring = Keyring::unlocked();
    for name in ["a", "b", "c"] {
        done(&keyring, &format!("hosts add {name} --host 203.0.113.7"));
    }
    keyring.spoil("host:a", b"garbage");
    keyring.spoil("host:b", br#"{"version":7,"host":"of a later Adit"}"#);
    let output = adit(&keyring, "hosts list -o json");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the host a is damaged"), "{said}");
    assert!(
        said.contains("the host b was saved by a newer Adit (format 7)"),
        "{said}"
    );
    assert_eq!(names(&keyring), ["c"]);
    for name in ["a", "b"] {
        refused(&keyring, &format!("hosts edit {name} --host 203.0.113.8"));
        refused(&keyring, &format!("hosts add {name} --host 203.0.113.8"));
    }
    assert_eq!(keyring.entry("host:a").unwrap(), b"garbage");
    assert!(
        keyring
            .entry("host:b")
            .unwrap()
            .starts_with(br#"{"version":7"#)
    );
    // The person may have them gone.
    done(&keyring, "hosts remove a b");
    done(&keyring, "hosts add a --host 203.0.113.8");
    assert_eq!(names(&keyring), ["a", "c"]);
}

#[test]
fn what_a_crash_between_two_writes_leaves_behind_loses_no_host() {
    let keyring = Keyring::unlocked();
    for name in ["a", "b"] {
        done(&keyring, &format!("hosts add {name} --host 203.0.113.7"));
    }
    // The index was written, the host not.
    keyring.remove("host:a");
    assert_eq!(names(&keyring), ["b"]);
    done(&keyring, "hosts add a --host 203.0.113.7");
    assert_eq!(names(&keyring), ["a", "b"]);
    // The index is lost altogether.
    keyring.remove("index");
    assert_eq!(names(&keyring), ["a", "b"]);
}

/// Saves the way to this server under the name "node".
fn save_node(keyring: &Keyring, sshd: &Sshd) {
    let words = format!(
        "hosts add node --host {}:{} --identity {} -o UserKnownHostsFile={}",
        Sshd::login(),
        sshd.port(),
        sshd.key().display(),
        sshd.known_hosts().display()
    );
    done(keyring, &words);
}

#[test]
fn the_only_saved_host_carries_what_names_it_and_what_names_none() {
    let keyring = Keyring::unlocked();
    let sshd = Sshd::start(&[]);
    save_node(&keyring, &sshd);
    let words = format!(
        "forward --json -L 127.0.0.1:0:127.0.0.1:{} node",
        echo().port()
    );
    let forward = start(&keyring, &words);
    let local = forward.listening(0);
    assert_eq!(exchange(local, b"by name".to_vec()), b"by name");
    let probed = adit(&keyring, "probe");
    let said = String::from_utf8(probed.stderr).unwrap();
    assert!(said.contains("going through node"), "{said}");
    assert!(probed.status.success(), "{said}");

    // Of two that may be meant, none is chosen.
    done(&keyring, "hosts add other --host 203.0.113.7");
    let probed = adit(&keyring, "probe");
    let said = String::from_utf8(probed.stderr).unwrap();
    assert_eq!(probed.status.code(), Some(2), "{said}");
    assert!(said.contains("name one with --host"), "{said}");
    // An option on the command line comes before what is saved.
    let printed = done(&keyring, "forward -G -p 2022 node");
    assert!(printed.contains("port 2022"), "{printed}");
    assert!(printed.contains("hostname 127.0.0.1"), "{printed}");
}

#[test]
fn a_running_adit_hears_of_hosts_that_are_saved_and_removed() {
    let keyring = Keyring::unlocked();
    let agent = start(&keyring, "agent");
    let end = Instant::now() + LIMIT;
    while !adit(&keyring, "status").status.success() {
        assert!(
            Instant::now() < end,
            "no instance answers: {}",
            agent.words()
        );
    }
    let watch = start(&keyring, "status --watch --json");
    watch.event(|report| report["host"].is_null() && report["keyring"] == "ready");
    done(&keyring, "hosts add node --host 203.0.113.7");
    watch.event(|report| report["host"] == "node");
    done(&keyring, "hosts remove node");
    watch.event(|report| report["host"].is_null());
    done(&keyring, "hosts add node --host 203.0.113.8");
    watch.event(|report| report["host"] == "node");
    assert_eq!(names(&keyring), ["node"]);
}

#[test]
fn a_saved_host_is_taken_by_its_name() {
    let keyring = Keyring::unlocked();
    let sshd = Sshd::start(&[]);
    save_node(&keyring, &sshd);
    let tried = done(&keyring, "hosts test node");
    for step in ["connect to", "host key of", "log in to"] {
        let line = tried.lines().find(|line| line.contains(step));
        assert!(
            line.is_some_and(|line| line.starts_with("ok")),
            "{step}: {tried}"
        );
    }
    assert!(tried.trim_end().ends_with("Every hop works."), "{tried}");
    let tried = done(&keyring, "hosts test node -o json");
    let report: serde_json::Value = serde_json::from_str(&tried).unwrap();
    assert_eq!(report["verdict"], "works", "{tried}");
    assert!(
        report["steps"]
            .as_array()
            .is_some_and(|steps| steps.iter().all(|step| step["outcome"] == "passed")),
        "{tried}"
    );
    let said = refused(&keyring, "hosts test nobody");
    assert!(said.contains("no host is saved"), "{said}");
}
