//! Which keys are offered, in which order, and what a server makes of many.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Agent, ED25519, authorize, bare, public, strangers, works};
use crate::support::adit::{Running, command};
use crate::support::peer::{KeyKind, Peer, key, make_key_of};
use crate::support::person::asked;
use crate::support::servers::{echo, to};
use crate::support::sshd::{Sshd, make_key};

const RSA: KeyKind = key(&["-t", "rsa", "-b", "2048"]);

/// How often each key was refused.
fn refusals(sshd: &Sshd) -> usize {
    sshd.log().matches("Failed publickey").count()
}

#[test]
fn an_agent_with_several_keys_has_the_right_one_found() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 3);
    agent.add(&sshd.key());
    let adit = bare(&sshd, &["-o", &agent.option(), "-L", &to(echo())]);
    works(&adit);
}

#[test]
fn more_keys_than_the_server_has_patience_for_take_a_second_connection() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 8);
    agent.add(&sshd.key());
    let option = agent.option();
    // On a busy machine the way looks long, and more sessions would be made ahead of need.
    let words = ["-o", "AditSessions=1", "-o", &option, "-L", &to(echo())];
    let adit = bare(&sshd, &words);
    works(&adit);
    let log = sshd.log();
    assert_eq!(log.matches("Connection from").count(), 2, "{log}");
    assert!(!log.contains("Too many authentication failures"), "{log}");
}

#[test]
fn far_too_many_keys_are_explained() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 13);
    let adit = bare(&sshd, &["-o", &agent.option(), "-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "auth-rejected");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("3 more keys") && message.contains("MaxAuthTries"),
        "{message}"
    );
}

#[test]
fn a_server_with_less_patience_is_asked_again_and_explained() {
    let sshd = Sshd::start(&["MaxAuthTries 2"]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 2);
    agent.add(&sshd.key());
    let words = ["-o", &agent.option(), "-L", &to(echo())];
    works(&bare(&sshd, &words));

    let sshd = Sshd::start(&["MaxAuthTries 2"]);
    strangers(&sshd.path(""), &agent, 2);
    let adit = bare(&sshd, &words);
    let message = adit.failed()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("Too many authentication failures"),
        "{message}"
    );
}

/// However few tries it allows: those are of what was proved wrong.
#[test]
fn dropbear_does_not_count_keys() {
    let peer = Peer::dropbear(&[ED25519], &["-T", "1"]);
    let agent = Agent::start(&peer.path(""));
    strangers(&peer.path(""), &agent, 4);
    agent.add(&peer.make_key("key", ED25519));
    let adit = peer.forward(&["-o", &agent.option(), "-L", &to(echo())]);
    // Two connections, which is as many as are made, would not come that far.
    works(&adit);
}

/// What is in front of a server may do so, or a line that breaks there: it is no judgement, and may be one.
#[test]
fn a_server_that_hangs_up_without_a_word_is_tried_again_and_its_likely_reason_told() {
    let peer = Peer::python("asyncssh", &[ED25519], &["impatient"]);
    let agent = Agent::start(&peer.path(""));
    strangers(&peer.path(""), &agent, 3);
    let adit = peer.forward(&["-o", &agent.option(), "-L", &to(echo())]);
    let fault = adit.state("waiting")["fault"].clone();
    assert_eq!(fault["code"], "handshake-failed", "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("after it had refused 1 of what was offered")
            && message.contains("MaxAuthTries")
            && message.contains("IdentityFile"),
        "{message}"
    );
    // Again, and the same.
    adit.state("dialing");
    assert_eq!(adit.state("waiting")["fault"], fault);
}

#[test]
fn a_named_key_comes_before_the_agents_others() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 8);
    let key = sshd.key();
    let words = [
        "-o",
        &agent.option(),
        "-i",
        key.to_str().unwrap(),
        "-L",
        &to(echo()),
    ];
    works(&bare(&sshd, &words));
    assert_eq!(refusals(&sshd), 0, "{}", sshd.log());
}

#[test]
fn identities_only_keeps_the_agents_others_out() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    agent.add(&sshd.key());
    let other = sshd.path("other");
    make_key(&other);
    let (agent, other, target) = (agent, other.to_str().unwrap(), to(echo()));
    let option = agent.option();
    let only = ["-o", "IdentitiesOnly=yes", "-o", &option, "-L", &target];
    let fault = bare(&sshd, &[&only[..], &["-i", other]].concat()).failed();
    assert_eq!(fault["code"], "auth-rejected", "{fault}");

    // The key that is named is in the agent alone: its public half is all that there is on the disk.
    let public = sshd.path("public");
    fs::copy(sshd.path("key.pub"), &public).unwrap();
    let public = public.to_str().unwrap();
    works(&bare(&sshd, &[&only[..], &["-i", public]].concat()));

    let none = ["-o", "IdentityAgent=none", "-i", public, "-L", &target];
    assert_eq!(bare(&sshd, &none).failed()["code"], "key-format");
}

#[test]
fn accepted_algorithms_leave_keys_out() {
    let sshd = Sshd::start(&["LogLevel DEBUG1"]);
    let rsa = sshd.path("rsa");
    make_key_of(RSA, &rsa, "");
    authorize(&sshd, &[public(&rsa)]);
    let (rsa, target) = (rsa.to_str().unwrap(), to(echo()));
    let words = |algorithms: &'static str| ["-o", algorithms, "-i", rsa, "-L", &target];
    works(&bare(
        &sshd,
        &words("PubkeyAcceptedAlgorithms=rsa-sha2-256"),
    ));
    assert!(sshd.log().contains("pkalg rsa-sha2-256"), "{}", sshd.log());
    let fault = bare(&sshd, &words("PubkeyAcceptedAlgorithms=ssh-ed25519")).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
}

#[test]
fn methods_are_tried_as_they_are_preferred() {
    let sshd = Sshd::start(&[]);
    let key = sshd.key();
    let key = ["-i", key.to_str().unwrap(), "-L", &to(echo())];
    let password = [&["-o", "PreferredAuthentications=password"][..], &key].concat();
    let fault = bare(&sshd, &password).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
    let off = [&["-o", "PubkeyAuthentication=no"][..], &key].concat();
    assert_eq!(
        bare(&sshd, &off).failed()["code"],
        "nothing-to-authenticate-with"
    );
}

#[test]
fn a_locked_key_that_the_server_does_not_want_asks_for_nothing() {
    let sshd = Sshd::start(&[]);
    let path = sshd.path("locked");
    make_key_of(ED25519, &path, "open sesame");
    let key = sshd.key();
    let words = [
        "-i",
        path.to_str().unwrap(),
        "-i",
        key.to_str().unwrap(),
        "-L",
        &to(echo()),
    ];
    let mut command = command(&sshd.home());
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    command
        .args(["forward", "--json", "-F", "none"])
        .args(["-p", &sshd.port().to_string(), "-o", &known_hosts])
        .args(words)
        .arg(Sshd::login());
    let (adit, person) = asked(command, &[]);
    works(&adit);
    assert_eq!(person.seen(), "");
}

#[test]
fn a_missing_key_is_named_and_another_one_used() {
    let sshd = Sshd::start(&[]);
    let config = sshd.path("ssh_config");
    let lines = |keys: &[&Path]| {
        let mut text = format!(
            "Host there\n HostName 127.0.0.1\n Port {}\n UserKnownHostsFile {}\n BatchMode yes\n",
            sshd.port(),
            sshd.known_hosts().display()
        );
        for key in keys {
            writeln!(text, " IdentityFile {}", key.display()).unwrap();
        }
        fs::write(&config, text).unwrap();
        let mut command = command(&sshd.home());
        command
            .args(["forward", "--json", "-L", &to(echo()), "-F"])
            .arg(&config)
            .arg("there");
        Running::spawn(command)
    };
    let missing = sshd.path("missing");
    let adit = lines(&[&missing, &sshd.key()]);
    works(&adit);
    let words = adit.words();
    assert!(
        words.contains(missing.to_str().unwrap()) && words.contains("skipped"),
        "{words}"
    );
    let fault = lines(&[&missing]).failed();
    assert_eq!(fault["code"], "key-unreadable", "{fault}");
}
