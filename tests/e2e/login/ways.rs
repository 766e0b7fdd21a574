//! The way to the server, and what is kept of it.

use std::fs;
use std::path::PathBuf;

use super::works;
use crate::support::adit::Running;
use crate::support::servers::{echo, to};
use crate::support::sshd::Sshd;

#[test]
fn a_proxy_command_is_the_way_and_ends_with_the_session() {
    let sshd = Sshd::start(&[]);
    let mark = sshd.path("mark");
    // The shell's own number outlives `exec`, and the file says what ran.
    let proxy = format!(
        "ProxyCommand=sh -c 'echo $$ > {}; exec nc %h %p'",
        mark.display()
    );
    let adit = Running::forward(&sshd, &["-o", &proxy, "-L", &to(echo())]);
    works(&adit);
    let pid = fs::read_to_string(&mark).unwrap();
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    assert!(process.exists());
    assert!(adit.interrupt().success());
    assert!(!process.exists(), "it is gone, and no zombie");
}

#[test]
fn a_proxy_command_that_fails_says_why() {
    let sshd = Sshd::start(&[]);
    let proxy = "ProxyCommand=sh -c 'echo no way there >&2; exit 7'";
    let adit = Running::forward(&sshd, &["-o", proxy, "-L", &to(echo())]);
    let fault = adit.state("waiting")["fault"].clone();
    assert_eq!(fault["code"], "connect-failed", "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("no way there") && message.contains('7'),
        "{message}"
    );
}

#[test]
fn hosts_are_hashed_where_that_is_asked_for() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.known_hosts(), "").unwrap();
    let words = [
        "-o",
        "StrictHostKeyChecking=accept-new",
        "-o",
        "HashKnownHosts=yes",
        "-L",
        &to(echo()),
    ];
    works(&Running::forward(&sshd, &words));
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    assert!(
        known.starts_with("|1|") && !known.contains("127.0.0.1"),
        "{known}"
    );
    works(&Running::forward(&sshd, &["-L", &to(echo())]));
}
