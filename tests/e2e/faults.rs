//! What keeps a session from being made is named: the hop, the cause, and what to do next.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;

use serde_json::Value;

use crate::support::adit::{Running, command};
use crate::support::servers::{closed_port, echo, to};
use crate::support::sshd::Sshd;

/// A listener that does `serve` with whoever connects, and stays open for as long as the test's process.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    port
}

/// The first fault of a forward by `words`.
fn fault(words: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let mut command = command(home.path());
    command
        .args(["forward", "--json", "-F", "none", "-o", "BatchMode=yes"])
        .args(["-L", &to(echo())])
        .args(words);
    let adit = Running::spawn(command);
    let event = adit.event(|event| !event["fault"].is_null());
    event["fault"].clone()
}

fn check(fault: &Value, code: &str, parts: &[&str]) {
    assert_eq!(fault["code"], code, "{fault}");
    let words = format!(
        "{} {}",
        fault["message"].as_str().unwrap(),
        fault["next_step"].as_str().unwrap()
    );
    for part in parts {
        assert!(words.contains(part), "{part}: {words}");
    }
}

/// The fault of a server at `port`.
fn fault_at(port: u16, words: &[&str]) -> Value {
    let port = port.to_string();
    fault(&[words, &["-p", &port, "u@127.0.0.1"]].concat())
}

#[test]
fn ports_that_are_no_ssh_servers_are_told_apart() {
    let here = |port: u16| format!("u@127.0.0.1:{port}");
    let closed = closed_port();
    check(
        &fault_at(closed, &[]),
        "connect-refused",
        &[&here(closed), "sshd runs there"],
    );

    let http = server(|mut stream| {
        let mut request = [0; 64];
        let _any = stream.read(&mut request);
        let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n");
    });
    check(
        &fault_at(http, &[]),
        "handshake-failed",
        &[&here(http), "no SSH server", "HTTP/1.1 400 Bad Request"],
    );

    let closing = server(drop);
    check(
        &fault_at(closing, &[]),
        "handshake-failed",
        &[&here(closing), "before saying a word", "MaxStartups"],
    );

    let half = server(|mut stream| {
        // An end, and no reset, which it would be if what the other side says were not read.
        let said = stream.write_all(b"SSH-2.0-half\r\n");
        let _gone = said
            .and_then(|()| stream.shutdown(Shutdown::Write))
            .and_then(|()| std::io::copy(&mut stream, &mut std::io::sink()));
    });
    check(
        &fault_at(half, &[]),
        "handshake-failed",
        &[
            &format!("the key exchange with {}", here(half)),
            "closed the connection",
        ],
    );
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let kept = std::sync::Mutex::new(Vec::new());
    let silent = server(move |stream| kept.lock().unwrap().push(stream));
    check(
        &fault_at(silent, &["-o", "ConnectTimeout=1"]),
        "handshake-failed",
        &["said nothing for 1 s"],
    );

    let kept = std::sync::Mutex::new(Vec::new());
    let stuck = server(move |mut stream| {
        let _gone = stream.write_all(b"SSH-2.0-stuck\r\n");
        kept.lock().unwrap().push(stream);
    });
    check(
        &fault_at(stuck, &["-o", "ConnectTimeout=1"]),
        "handshake-failed",
        &["did not come to an end within 1 s"],
    );
}

#[test]
fn names_and_ways_that_do_not_exist_are_told_apart() {
    check(
        &fault(&["u@no-such-host.invalid"]),
        "name-not-found",
        &["no-such-host.invalid", "DNS"],
    );
    check(
        &fault(&["-6", "u@127.0.0.1"]),
        "name-not-found",
        &["127.0.0.1", "IPv6"],
    );
    check(
        &fault(&["-b", "192.0.2.1", "u@127.0.0.1"]),
        "connect-failed",
        &["BindAddress 192.0.2.1"],
    );
}

#[test]
fn sides_without_a_shared_algorithm_name_what_each_has() {
    for (option, kind, ours, theirs) in [
        (
            "Ciphers aes256-ctr",
            "cipher",
            "-oCiphers=aes128-gcm@openssh.com",
            "aes256-ctr",
        ),
        (
            "KexAlgorithms diffie-hellman-group16-sha512",
            "key exchange",
            "-oKexAlgorithms=curve25519-sha256",
            "diffie-hellman-group16-sha512",
        ),
        (
            "HostKeyAlgorithms ssh-ed25519",
            "host key type",
            "-oHostKeyAlgorithms=rsa-sha2-512",
            "ssh-ed25519",
        ),
        (
            "MACs hmac-sha2-512",
            "MAC",
            "-oMACs=hmac-sha2-256",
            "hmac-sha2-512",
        ),
    ] {
        let sshd = Sshd::start(&[option]);
        let mut words = vec![ours, "-L", "127.0.0.1:0:127.0.0.1:1"];
        if kind == "MAC" {
            words.extend(["-c", "aes128-ctr"]);
        }
        let adit = Running::forward(&sshd, &words);
        let fault = adit.failed();
        let ours = ours.rsplit_once('=').unwrap().1;
        check(
            &fault,
            "no-common-algorithm",
            &[&format!("no {kind} is shared"), ours, theirs],
        );
        assert_eq!(adit.exit_code(), 1);
    }
}

#[test]
fn algorithms_that_only_openssh_has_are_left_out_and_nothing_left_is_an_error() {
    let sshd = Sshd::start(&[]);
    let words = [
        "-oKexAlgorithms=sntrup761x25519-sha512@openssh.com,curve25519-sha256",
        "-oMACs=umac-128@openssh.com,hmac-sha2-256",
        "-L",
        &to(echo()),
    ];
    Running::forward(&sshd, &words).listening(0);
    let words = ["-oMACs=umac-128@openssh.com", "-L", &to(echo())];
    let fault = Running::forward(&sshd, &words).failed();
    check(
        &fault,
        "config",
        &["MACs", "umac-128@openssh.com", "hmac-sha2-256"],
    );
}

#[test]
fn a_jump_host_that_cannot_or_will_not_go_on_is_blamed_itself() {
    let closed = closed_port();
    for (option, code, parts) in [
        (
            "PermitRootLogin yes",
            "next-hop-unreachable",
            ["cannot connect to", "let"],
        ),
        (
            "AllowTcpForwarding no",
            "next-hop-forbidden",
            ["forbids the way to", "AllowTcpForwarding"],
        ),
        (
            "PermitOpen 127.0.0.1:1",
            "next-hop-forbidden",
            ["forbids the way to", "PermitOpen"],
        ),
    ] {
        let jump = Sshd::start(&[option]);
        let config = jump.path("ssh_config");
        let text = format!(
            "Host last\n HostName 127.0.0.1\n Port {closed}\n User u\n ProxyJump jump\nHost jump\n HostName 127.0.0.1\n Port {}\n \
             IdentityFile {}\n UserKnownHostsFile {}\n",
            jump.port(),
            jump.key().display(),
            jump.known_hosts().display()
        );
        fs::write(&config, text).unwrap();
        let mut command = command(&jump.home());
        command
            .args(["forward", "--json", "-F"])
            .arg(&config)
            .args(["-o", "BatchMode=yes", "-L", &to(echo()), "last"]);
        let adit = Running::spawn(command);
        let event = adit.event(|event| !event["fault"].is_null());
        let login = format!("127.0.0.1:{}", jump.port());
        let next = format!("127.0.0.1:{closed}");
        check(&event["fault"], code, &[&login, &next, parts[0], parts[1]]);
    }
}

#[test]
fn an_account_whose_shell_ends_at_once_still_forwards() {
    // A tunnel opens no session, so no shell is started: sshd would say so in its log.
    let sshd = Sshd::start(&["ForceCommand /bin/false"]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    adit.listening(0);
    assert!(!sshd.log().contains("Starting session"), "{}", sshd.log());
}

/// The lines of `ssh -G` and of `adit forward -G` with the same words.
fn both(folder: &std::path::Path, words: &[&str]) -> (Vec<String>, Vec<String>) {
    let lines = |mut command: Command| {
        let output = command.args(words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut adit = command(folder);
    adit.args(["forward", "-G"]);
    let mut ssh = Command::new("ssh");
    ssh.arg("-G");
    (lines(adit), lines(ssh))
}

#[test]
fn minus_g_prints_what_ssh_prints() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let text = "Host a\n HostName 10.0.0.1\n Port 2200\n LocalForward 8080 10.0.0.241:80\n GatewayPorts yes\n\
                Host *\n User everybody\n IdentityFile ~/.ssh/%r.pem\n ProxyJump b,c@d:23\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    for words in [
        &["-F", config, "a"][..],
        &["-F", config, "-p", "77", "me@a"],
        &[
            "-F",
            config,
            "-l",
            "you",
            "-C",
            "-4",
            "-b",
            "127.0.0.1",
            "a",
        ],
        &["-F", "none", "-L", "9090:b:90", "-g", "-i", config, "a"],
        &[
            "-F",
            "none",
            "-o",
            "HashKnownHosts=yes",
            "-J",
            "x@y",
            "ssh://u@a:24",
        ],
        &["-F", config, "-o", "ClearAllForwardings=yes", "a"],
    ] {
        let (ours, theirs) = both(folder.path(), words);
        assert!(ours.len() > 20, "{ours:?}");
        for line in &ours {
            // Adit prints these from a table that is as old as the ssh that it was made by.
            let varies = [
                "kexalgorithms",
                "ciphers",
                "macs",
                "hostkeyalgorithms",
                "pubkeyacceptedalgorithms",
            ];
            let key = line.split(' ').next().unwrap();
            if varies.contains(&key) {
                continue;
            }
            assert!(theirs.contains(line), "{words:?}: {line}: {theirs:#?}");
        }
    }
}

#[test]
fn a_local_forward_of_the_configuration_is_made() {
    let sshd = Sshd::start(&[]);
    let config = sshd.path("ssh_config");
    let lines = |more: &str| {
        let text = format!(
            "Host there\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n UserKnownHostsFile {}\n BatchMode yes\n \
             LocalForward 127.0.0.1:0 127.0.0.1:{}\n RemoteForward 1 a:2\n{more}",
            sshd.port(),
            sshd.key().display(),
            sshd.known_hosts().display(),
            echo().port()
        );
        fs::write(&config, text).unwrap();
        let mut command = command(&sshd.home());
        command
            .args(["forward", "--json", "-F"])
            .arg(&config)
            .arg("there");
        Running::spawn(command)
    };
    let adit = lines("");
    adit.listening(0);
    let words = adit.words();
    assert!(
        words.contains("RemoteForward") && words.contains("is not honoured"),
        "{words}"
    );
    let adit = lines(" ClearAllForwardings yes\n");
    assert_eq!(adit.exit_code(), 2);
}
