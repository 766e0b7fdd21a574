//! A keyring that is gone or locked at the start, or goes meanwhile: the running program notices that it has come, and nothing is
//! lost.

use serde_json::Value;

use crate::support::computer::Computer;
use crate::support::keyring::PromptAnswer;
use crate::support::servers::exchange;

/// A computer on which `web` was open when Adit ended.
fn with_web_open() -> Computer {
    let computer = Computer::with_services(&["web"]);
    computer.save_host("node", computer.sshd.port());
    let agent = computer.start();
    computer.home.ok(&["up", "default/web"]);
    computer.terminate(agent);
    computer
}

/// Waits until the keyring stands so.
fn keyring_is(computer: &Computer, code: &str) -> Value {
    computer
        .home
        .status_when(|status| status["keyring"] == code)
}

/// Bytes pass through the one tunnel.
fn carries(status: &Value) {
    let address = status["tunnels"][0]["local"][0].as_str().unwrap();
    let address = address.parse().unwrap();
    assert_eq!(exchange(address, b"hello".to_vec()), b"hello");
}

#[test]
fn a_keyring_that_comes_after_adit_brings_its_hosts_and_their_tunnels() {
    let mut computer = with_web_open();
    computer.keyring.kill();
    let _agent = computer.start();
    let status = keyring_is(&computer, "absent");
    assert_eq!(status["host"], Value::Null, "{status}");
    computer.keyring.restart();
    carries(&computer.open_are(&["web"]));
    assert_eq!(keyring_is(&computer, "ready")["host"], "node");
}

#[test]
fn a_keyring_that_is_unlocked_later_by_another_program_does_so_too() {
    let computer = with_web_open();
    computer.keyring.lock();
    let prompter = computer.keyring.prompter(PromptAnswer::Refuse);
    let _agent = computer.start();
    prompter.was_asked();
    keyring_is(&computer, "locked");
    computer.keyring.unlock();
    carries(&computer.open_are(&["web"]));
    // It was not asked for again.
    assert!(!prompter.has_been_asked());
}

#[test]
fn a_keyring_that_goes_and_comes_back_is_used_again_and_closes_nothing() {
    let mut computer = with_web_open();
    let _agent = computer.start();
    let status = computer.open_are(&["web"]);
    for _ in 0..2 {
        computer.keyring.kill();
        keyring_is(&computer, "absent");
        carries(&status);
        computer.keyring.restart();
        keyring_is(&computer, "ready");
        carries(&computer.open_are(&["web"]));
    }
    computer.save_host("other", computer.sshd.port());
    assert!(computer.keyring.entry("host:other").is_some());
}

#[test]
fn a_keyring_that_dies_while_it_asks_for_its_password_is_not_waited_for() {
    let mut computer = with_web_open();
    computer.keyring.lock();
    let prompter = computer.keyring.prompter(PromptAnswer::Ignore);
    let _agent = computer.start();
    prompter.was_asked();
    computer.keyring.kill();
    keyring_is(&computer, "absent");
    computer.keyring.restart();
    carries(&computer.open_are(&["web"]));
}

#[test]
fn a_password_that_nobody_types_is_not_waited_for_once_another_program_has_unlocked_it() {
    let computer = with_web_open();
    computer.keyring.lock();
    let prompter = computer.keyring.prompter(PromptAnswer::Ignore);
    let _agent = computer.start();
    prompter.was_asked();
    computer.keyring.unlock();
    carries(&computer.open_are(&["web"]));
}
