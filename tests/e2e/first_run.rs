//! The first minute in the real window: an `ssh -L` command is pasted, tried and opened, and is there again the next day.

use std::net::SocketAddr;

use crate::support::adit::{Running, command};
use crate::support::desktop::Desktop;
use crate::support::keyring::Keyring;
use crate::support::servers::{echo, exchange};
use crate::support::sshd::Sshd;

const PASTE: &str = "Paste your ssh command";
const FIELD: &str = "ssh command";

/// The program with its window on this desktop, beside a keyring, with the words of an empty home.
fn adit(desktop: &Desktop, keyring: &Keyring, words: &[&str]) -> Running {
    let mut command = command(&keyring.home());
    desktop.host(&mut command);
    keyring.hand_to(&mut command);
    command
        .env("ADIT_RUNTIME_DIR", keyring.folder().join("adit"))
        .args(words);
    Running::spawn(command)
}

/// A port of this computer that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_pasted_command_is_tried_and_opened_and_is_there_again_the_next_day() {
    let desktop = Desktop::start();
    let keyring = Keyring::of(&desktop);
    let sshd = Sshd::start(&[]);
    let port = free_port();
    let pasted = format!(
        "ssh -N -L {port}:127.0.0.1:{} {} -p {} -i {} -o UserKnownHostsFile={} -o GlobalKnownHostsFile=none",
        echo().port(),
        Sshd::login(),
        sshd.port(),
        sshd.key().display(),
        sshd.path("nobody_known").display(),
    );
    let mut tree = desktop.tree();
    let window = adit(&desktop, &keyring, &[]);

    // Whoever looks elsewhere on the way comes back to the beginning.
    let paste = tree.find(|name| name == PASTE);
    desktop.click(&tree, &paste);
    tree.find(|name| name == FIELD);
    let hosts = tree.find(|name| name == "Hosts");
    desktop.click(&tree, &hosts);
    tree.gone(|name| name == FIELD);
    let paste = tree.find(|name| name == PASTE);
    desktop.click(&tree, &paste);
    let field = tree.find(|name| name == FIELD);
    desktop.click(&tree, &field);
    desktop.type_text("Adit", &pasted);

    let test = tree.find(|name| name == "Test");
    desktop.click(&tree, &test);
    let trust = tree.find(|name| name == "Trust this host");
    desktop.click(&tree, &trust);
    tree.find(|name| name == "This host works.");
    for hop in ["Connect to", "Host key of", "Log in to"] {
        tree.find(|name| name.starts_with(hop));
    }
    let open = tree.find(|name| name == "Save and open");
    desktop.click(&tree, &open);
    tree.find(|name| name == "Open");
    let local = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(exchange(local, b"today".to_vec()), b"today");

    assert!(window.interrupt().success());
    let saved = adit(&desktop, &keyring, &["hosts", "export"]).output();
    let saved = String::from_utf8(saved.stdout).unwrap();
    assert!(saved.contains("127.0.0.1"), "{saved}");
    tree.gone(|name| name == "Open");
    let _window = adit(&desktop, &keyring, &[]);
    tree.find(|name| name == "Open");
    assert_eq!(exchange(local, b"tomorrow".to_vec()), b"tomorrow");
}

#[test]
fn what_is_to_be_tried_out_opens_in_a_window_of_its_own() {
    let desktop = Desktop::start();
    let keyring = Keyring::of(&desktop);
    let mut tree = desktop.tree();
    let _window = adit(&desktop, &keyring, &[]);
    let demo = tree.find(|name| name == "Try it out");
    desktop.click(&tree, &demo);
    tree.find(|name| name == "default/ui port 80");
}
