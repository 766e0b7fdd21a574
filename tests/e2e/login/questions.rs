//! What a person types: passwords and answers, alone and as one of several factors.

use super::{ED25519, authorize, bare, public, works};
use crate::support::adit::command;
use crate::support::peer::{PASSWORD, Peer};
use crate::support::person::asked;
use crate::support::servers::{echo, to};
use crate::support::sshd::{Sshd, make_key};

#[test]
fn batch_mode_asks_for_nothing() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password", "interactive"]);
    let fault = peer.forward(&["-L", &to(echo())]).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
}

#[test]
fn a_password_is_asked_for_and_asked_for_again() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password"]);
    let mut command = command(&peer.path("home"));
    peer.add_arguments(&mut command, &["-L", &to(echo())]);
    let script = [("Password of", "wrong"), ("That was not it", PASSWORD)];
    let (adit, person) = asked(command, &script);
    works(&adit);
    let seen = person.seen();
    assert!(!seen.contains(PASSWORD), "{seen}");
}

#[test]
fn no_more_passwords_than_allowed_are_asked_for() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password"]);
    let mut command = command(&peer.path("home"));
    let words = ["-o", "NumberOfPasswordPrompts=1", "-L", &to(echo())];
    peer.add_arguments(&mut command, &words);
    let (adit, _person) = asked(command, &[("Password of", "wrong")]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "auth-rejected", "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(message.ends_with("tried: password"), "{message}");
}

#[test]
fn an_exchange_of_two_questions_is_answered() {
    let peer = Peer::python("asyncssh", &[ED25519], &["interactive"]);
    let mut command = command(&peer.path("home"));
    peer.add_arguments(&mut command, &["-L", &to(echo())]);
    let script = [("Password:", PASSWORD), ("Code:", "123456")];
    let (adit, person) = asked(command, &script);
    works(&adit);
    assert!(person.seen().contains("Both are needed."));
}

#[test]
fn a_key_and_then_a_password_are_two_factors() {
    for chain in [["publickey", "password"], ["password", "publickey"]] {
        let peer = Peer::python("paramiko", &[ED25519], &chain);
        let key = peer.make_key("key", ED25519);
        let mut command = command(&peer.path("home"));
        let words = ["-i", key.to_str().unwrap(), "-L", &to(echo())];
        peer.add_arguments(&mut command, &words);
        let (adit, _person) = asked(command, &[("Password of", PASSWORD)]);
        works(&adit);
    }
}

#[test]
fn two_keys_are_two_factors_too() {
    let sshd = Sshd::start(&["AuthenticationMethods publickey,publickey"]);
    let (one, other) = (sshd.key(), sshd.path("other"));
    make_key(&other);
    authorize(&sshd, &[public(&one), public(&other)]);
    let target = to(echo());
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    works(&bare(&sshd, &["-i", one, "-i", other, "-L", &target]));

    let fault = bare(&sshd, &["-i", one, "-L", &target]).failed();
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains("proved, and not enough"), "{message}");
}
