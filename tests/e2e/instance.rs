//! One running instance: its socket, the commands that talk to it, and what is left when it is killed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;
use std::time::Instant;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::instance::{Demo, Home, kill, page, tunnel};

#[test]
fn without_an_instance_every_command_says_how_to_start_one() {
    let home = Home::new();
    for words in [
        &["status"][..],
        &["down", "--all"],
        &["window"],
        &["quit"],
        &["logs"],
        &["up", "--all"],
    ] {
        let (code, said) = home.fails(words);
        assert_eq!(code, 1, "{words:?}");
        assert!(said.contains("no Adit is running"), "{words:?}: {said}");
    }
    assert!(!home.runtime().exists(), "looking makes nothing");
}

#[test]
fn the_socket_is_the_persons_alone() {
    let home = Home::new();
    let agent = home.agent(&[]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.runtime()), 0o700);
    assert_eq!(mode(home.socket()), 0o600);
    assert_eq!(mode(home.runtime().join("lock")), 0o600);
    assert_eq!(
        fs::metadata(home.socket()).unwrap().uid(),
        rustix::process::geteuid().as_raw()
    );
    assert!(agent.interrupt().success());
    assert!(!home.socket().exists());
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let home = Home::new();
    fs::create_dir(home.runtime()).unwrap();
    fs::set_permissions(home.runtime(), fs::Permissions::from_mode(0o755)).unwrap();
    for words in [&["agent"][..], &["status"]] {
        let (_, said) = home.fails(words);
        assert!(said.contains("is open to others"), "{words:?}: {said}");
    }
}

#[test]
fn what_was_killed_is_taken_over_and_what_lives_is_not() {
    let home = Home::new();
    let first = home.agent(&[]);
    let pid = home.status()["pid"].clone();
    // A second one does not take the place of one that lives.
    let second = home.run(&["agent"]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        second.status.success() && said.contains("running already"),
        "{said}"
    );
    assert_eq!(home.status()["pid"], pid);

    kill(first);
    assert!(home.socket().exists(), "nobody has cleaned up");
    let (_, said) = home.fails(&["status"]);
    assert!(said.contains("no Adit is running"), "{said}");
    let third = home.agent(&[]);
    assert_ne!(home.status()["pid"], pid);
    assert!(third.interrupt().success());
}

#[test]
fn a_client_that_talks_nonsense_harms_nobody() {
    let home = Home::new();
    let _agent = home.agent(&[]);
    for _ in 0..100 {
        let mut stream = UnixStream::connect(home.socket()).unwrap();
        stream.write_all(&[1, 0xff, 0xff, 0xff, 0xff]).unwrap();
        let mut rest = Vec::new();
        let _reset = stream.read_to_end(&mut rest);
    }
    // Those that say nothing take up places, for a while, and no memory.
    let silent: Vec<UnixStream> = (0..20)
        .map(|_| UnixStream::connect(home.socket()).unwrap())
        .collect();
    home.status();
    drop(silent);
}

#[test]
fn services_are_opened_shown_and_closed_from_another_terminal() {
    let home = Home::new();
    let demo = Demo::start(&home);
    let words = demo.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let agent = home.agent(&words);

    // The port is found out by the instance, once it knows the cluster.
    let opened = home.ok(&["up", "default/ui"]);
    assert!(
        opened.contains("-> default/ui:80 (10.0.0.241:80 by metallb)"),
        "{opened}"
    );
    let url = opened.split(' ').next().unwrap();
    assert!(page(url).starts_with("HTTP/1.1 200 "));
    let status = home.status();
    let ui = tunnel(&status, "default/ui:80");
    assert_eq!(
        (&ui["state"], &ui["light"]),
        (&"open".into(), &"green".into())
    );
    assert_eq!(ui["url"], url);
    assert!(home.ok(&["status"]).contains(url));

    let (_, said) = home.fails(&["up", "default/no-such-service"]);
    assert!(said.contains("no LoadBalancer service"), "{said}");
    let (_, said) = home.fails(&["down", "shop/web"]);
    assert!(said.contains("is not open"), "{said}");

    home.ok(&["down", "default/ui"]);
    home.status_when(|status| tunnel(status, "default/ui:80")["state"] == "off");
    let address = url.strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(address).is_err(), "the port is free");

    // What was opened before is opened again by --all.
    home.ok(&["up", "--all"]);
    assert!(page(url).starts_with("HTTP/1.1 200 "));
    let logs = home.ok(&["logs"]);
    assert!(logs.contains("default/ui:80: open"), "{logs}");

    let ended = home.run(&["quit"]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("1 tunnel was closed"), "{said}");
    assert!(agent.exit_code_is_good());
    assert!(
        TcpStream::connect(address).is_err(),
        "nothing is left behind"
    );
}

#[test]
fn up_in_the_background_starts_an_instance_and_returns() {
    let home = Home::new();
    let demo = Demo::start(&home);
    let mut command = home.command(&["up", "-b", "default/ui:80"]);
    command.args(demo.words()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let opened = String::from_utf8(output.stdout).unwrap();
    let url = opened.split(' ').next().unwrap();
    assert!(page(url).starts_with("HTTP/1.1 200 "));
    home.ok(&["quit"]);
    assert!(!home.socket().exists());
}

#[test]
fn who_comes_while_an_instance_starts_is_waited_for() {
    let home = Home::new();
    let demo = Demo::start(&home);
    let mut command = home.command(&["agent"]);
    command.args(demo.words());
    let _agent = Running::spawn(command);
    // From here on one is starting, whether it listens yet or not.
    let lock = home.runtime().join("lock");
    let end = Instant::now() + LIMIT;
    while fs::read_to_string(&lock).unwrap_or_default().is_empty() {
        assert!(Instant::now() < end, "no agent starts");
    }
    // In the foreground it would not end.
    let opened = Running::spawn(home.command(&["up", "default/ui"])).output();
    let said = String::from_utf8_lossy(&opened.stderr);
    assert!(opened.status.success(), "{said}");
    assert_eq!(tunnel(&home.status(), "default/ui:80")["state"], "open");
}

#[test]
fn a_service_manager_is_told_when_the_agent_can_be_reached() {
    let home = Home::new();
    let place = home.path().join("notify");
    let manager = UnixDatagram::bind(&place).unwrap();
    manager.set_read_timeout(Some(LIMIT)).unwrap();
    let mut command = home.command(&["agent"]);
    command.env("NOTIFY_SOCKET", &place);
    let agent = Running::spawn(command);
    let mut told = [0; 64];
    let length = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"READY=1");
    home.status();
    assert!(agent.interrupt().success());
}

#[test]
fn two_that_start_one_in_the_background_at_once_share_it() {
    let home = Home::new();
    let demo = Demo::start(&home);
    let up = |service| {
        let mut command = home.command(&["up", "-b", service]);
        command.args(demo.words());
        Running::spawn(command)
    };
    let both = [up("default/ui:80"), up("shop/storefront:9000")];
    for up in both {
        let output = up.output();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    let status = home.status();
    for id in ["default/ui:80", "shop/storefront:9000"] {
        assert_eq!(tunnel(&status, id)["state"], "open", "{status}");
    }
    home.ok(&["quit"]);
}

#[test]
fn naming_another_cluster_has_the_instance_watch_it_and_says_so() {
    let home = Home::new();
    let demo = Demo::start(&home);
    let words = demo.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let _agent = home.agent(&words);
    home.status_when(|status| status["cluster"]["state"] == "live");
    let other = home.path().join("other-config");
    fs::copy(words[1], &other).unwrap();
    let other = other.to_str().unwrap();
    let up = ["up", "-b", "default/ui", "--kubeconfig", other];
    let output = home.run(&up);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let expected = format!("the running Adit watches the cluster of {other} from now on");
    assert_eq!(said.matches(&expected).count(), 1, "{said}");
    // Now that a tunnel is open, it would lose its cluster.
    let (_, said) = home.fails(&["up", "-b", "default/ui", "--kubeconfig", words[1]]);
    assert!(said.contains("watches another cluster"), "{said}");
    home.ok(&["quit"]);
}

#[test]
fn starting_at_login_is_switched_seen_and_undone() {
    let home = Home::new();
    assert_eq!(home.ok(&["autostart", "status"]), "off\n");
    home.ok(&["autostart", "on"]);
    assert_eq!(home.ok(&["autostart", "status"]), "on\n");
    let file = home.path().join("config/autostart/adit.desktop");
    let entry = fs::read_to_string(&file).unwrap();
    assert!(entry.contains(" agent\n"), "{entry}");
    home.ok(&["autostart", "off"]);
    assert_eq!(home.ok(&["autostart", "status"]), "off\n");
    assert!(!file.exists());
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let text = home.ok(&["completions", shell]);
        assert!(
            text.contains("forward") && text.contains("kubeconfig"),
            "{shell}"
        );
    }
    assert!(home.ok(&["man"]).contains(".TH adit 1"));
    assert!(home.ok(&["man", "up"]).contains("background"));
}
