//! `adit forward` against the real OpenSSH sshd.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::support::LIMIT;
use crate::support::adit::{Running, command, text};
use crate::support::peer::{Peer, key};
use crate::support::servers::{
    Silent, closed_port, connect, digest, echo, exchange, noise, sink, source, to,
};
use crate::support::sshd::{Sshd, make_key, user};

const MIB: usize = 1 << 20;

#[test]
fn large_transfers_arrive_whole_both_ways() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let data = noise(32 * MIB);
    let sent = digest(&data);
    assert_eq!(digest(&exchange(adit.listening(0), data)), sent);
    assert!(adit.interrupt().success());
}

#[test]
fn many_connections_share_few_sessions() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let address = adit.listening(0);
    let clients: Vec<_> = (1..=16)
        .map(|number| {
            std::thread::spawn(move || {
                let data = noise(number * 10_007);
                assert!(exchange(address, data.clone()) == data, "client {number}");
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let logins = sshd.log().matches("Accepted publickey").count();
    assert!((1..=4).contains(&logins), "{}", sshd.log());
}

/// A client that is answered and stays; none where it is turned away.
fn served(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = connect(address);
    let is_served = stream.write_all(b"x").is_ok() && stream.read_exact(&mut [0]).is_ok();
    is_served.then_some(stream)
}

/// So many clients that stay.
fn hold(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| served(address).unwrap()).collect()
}

#[test]
fn sessions_are_as_many_as_the_person_allows() {
    for most in [1, 2] {
        let sshd = Sshd::start(&[]);
        let option = format!("AditSessions={most}");
        let adit = Running::forward(&sshd, &["-o", &option, "-L", &to(echo())]);
        let address = adit.listening(0);
        let logins = || sshd.log().matches("Accepted publickey").count();
        let _held = hold(address, 4);
        let end = Instant::now() + LIMIT;
        while logins() < most {
            assert!(Instant::now() < end, "{}", sshd.log());
            drop(hold(address, 1));
        }
        let _held = hold(address, 8);
        assert_eq!(logins(), most, "{}", sshd.log());
    }
    let words = [
        "forward",
        "-F",
        "none",
        "-o",
        "AditSessions=0",
        "-L",
        "1:h:1",
        "h",
    ];
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    let problem = "-o AditSessions=0: '0' is not a whole number from 1 to 16";
    assert!(said.contains(problem), "{said}");
}

#[test]
fn a_command_is_run_on_the_host_only_where_the_person_asks_for_small_answers_at_once() {
    for (options, asked) in [
        (&["-o", "AditNoDelay=yes"][..], true),
        (&["-o", "AditNoDelay=no"], false),
        (&[], false),
    ] {
        let sshd = Sshd::start(&[]);
        let forward = to(echo());
        let words = [options, &["-L", &forward]].concat();
        let adit = Running::forward(&sshd, &words);
        let data = noise(100_000);
        assert_eq!(exchange(adit.listening(0), data.clone()), data);
        // The server takes requests in their order: it has had this one before the client's.
        let log = sshd.log();
        let commands = log.matches("Starting session: command").count();
        assert_eq!(commands, usize::from(asked), "{log}");
    }
}

#[test]
fn a_server_that_runs_no_commands_forwards_all_the_same() {
    let kind = key(&["-t", "ed25519"]);
    let peer = Peer::python("asyncssh", &[kind], &["keys"]);
    let key = peer.make_key("key", kind);
    let key = key.to_str().unwrap();
    let adit = peer.forward(&["-i", key, "-o", "AditNoDelay=yes", "-L", &to(echo())]);
    let data = noise(100_000);
    assert_eq!(exchange(adit.listening(0), data.clone()), data);
}

#[test]
fn a_client_that_one_session_has_no_room_for_is_carried_by_another() {
    let kind = key(&["-t", "ed25519"]);
    // The first session has room for the proof and one client.
    let peer = Peer::python("asyncssh", &[kind], &["keys", "narrow"]);
    let key = peer.make_key("key", kind);
    let key = key.to_str().unwrap();
    let adit = peer.forward(&["-i", key, "-o", "AditSessions=2", "-L", &to(echo())]);
    let address = adit.listening(0);
    let _on_the_first = hold(address, 1);
    let end = Instant::now() + LIMIT;
    // Until there is a second session, nobody can take the next one.
    let _on_the_second = loop {
        if let Some(stream) = served(address) {
            break stream;
        }
        assert!(Instant::now() < end, "{}", peer.log());
    };
    let refusals = || peer.log().matches("no room").count();
    let before = refusals();
    let _all = hold(address, 6);
    assert!(refusals() > before, "the first session was never asked");
}

#[test]
fn each_direction_ends_on_its_own() {
    let sshd = Sshd::start(&[]);
    let (source, received) = source(3 * MIB);
    let adit = Running::forward(&sshd, &["-L", &to(sink()), "-L", &to(source)]);
    let (to_sink, to_source) = (adit.listening(0), adit.listening(1));

    // The client ends first: the server answers only after that, and the answer still arrives.
    let data = noise(3 * MIB);
    assert_eq!(exchange(to_sink, data.clone()), digest(&data));

    // The server ends first: what the client sends after that still arrives.
    let mut stream = connect(to_source);
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(digest(&got), digest(&noise(3 * MIB)));
    stream.write_all(&data).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(received.recv().unwrap(), digest(&data));
}

#[test]
fn a_target_that_refuses_is_said_and_tried_again() {
    let sshd = Sshd::start(&[]);
    let closed = closed_port();
    let adit = Running::forward(&sshd, &["-L", &format!("127.0.0.1:0:127.0.0.1:{closed}")]);
    let waiting = adit.state("waiting");
    assert_eq!(waiting["fault"]["code"], "target-refused");
    let message = waiting["fault"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("127.0.0.1:{closed}")),
        "{message}"
    );

    let service = TcpListener::bind(("127.0.0.1", closed)).unwrap();
    adit.listening(0);
    drop(service);
}

#[test]
fn a_changed_host_key_is_refused_before_anything_is_sent() {
    let sshd = Sshd::start(&[]);
    make_key(&sshd.path("other"));
    let other = fs::read_to_string(sshd.path("other.pub")).unwrap();
    let known = format!("# a comment\n{} {other}", sshd.known_name());
    fs::write(sshd.known_hosts(), known).unwrap();

    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "host-key-changed");
    let message = fault["message"].as_str().unwrap();
    let file = sshd.known_hosts();
    assert!(message.contains(file.to_str().unwrap()), "{message}");
    assert!(message.contains("line 2"), "{message}");
    assert_eq!(adit.exit_code(), 1);
    for word in ["Accepted", "publickey", "Postponed"] {
        assert!(!sshd.log().contains(word), "{}", sshd.log());
    }
}

#[test]
fn an_unknown_host_key_is_refused_where_nobody_can_be_asked() {
    let sshd = Sshd::start(&[]);
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    let elsewhere = known.replace(&sshd.known_name(), "old-name,10.0.0.9");
    assert_ne!(known, elsewhere);
    for (policy, known, is_known_elsewhere) in [
        ("yes", "", false),
        ("ask", "", false),
        ("ask", &*elsewhere, true),
    ] {
        fs::write(sshd.known_hosts(), known).unwrap();
        let policy = format!("StrictHostKeyChecking={policy}");
        let adit = Running::forward(&sshd, &["-o", &policy, "-L", &to(echo())]);
        let fault = adit.failed();
        assert_eq!(fault["code"], "host-key-unknown", "{policy}");
        let message = fault["message"].as_str().unwrap();
        assert!(message.contains("SHA256:"), "{fault}");
        let says_so = message.ends_with("the same key for old-name, 10.0.0.9");
        assert_eq!(says_so, is_known_elsewhere, "{fault}");
        let next = fault["next_step"].as_str().unwrap();
        assert_eq!(
            next.contains("the same machine"),
            is_known_elsewhere,
            "{fault}"
        );
        assert_eq!(adit.exit_code(), 1);
        assert_eq!(fs::read_to_string(sshd.known_hosts()).unwrap(), known);
    }
    assert!(!sshd.log().contains("publickey"), "{}", sshd.log());
}

#[test]
fn accept_new_takes_and_remembers_an_unknown_host_key() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.known_hosts(), "").unwrap();
    let words = [
        "-o",
        "StrictHostKeyChecking=accept-new",
        "-o",
        "HashKnownHosts=no",
        "-L",
        &to(echo()),
    ];
    let adit = Running::forward(&sshd, &words);
    adit.listening(0);
    assert!(adit.interrupt().success());
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    let key = sshd.host_key();
    let key = key.split(' ').nth(1).unwrap();
    assert!(
        known.contains(&sshd.known_name()) && known.contains(key),
        "{known}"
    );
}

#[test]
fn a_key_that_the_server_does_not_know_is_named() {
    let sshd = Sshd::start(&[]);
    let stranger = sshd.path("stranger");
    make_key(&stranger);
    fs::rename(&stranger, sshd.key()).unwrap();
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "auth-rejected");
    assert!(
        fault["next_step"].as_str().unwrap().contains("publickey"),
        "{fault}"
    );
    assert_eq!(adit.exit_code(), 1);
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_remedy() {
    let sshd = Sshd::start(&[]);
    fs::set_permissions(sshd.key(), Permissions::from_mode(0o644)).unwrap();
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "key-permissions");
    assert!(
        fault["message"].as_str().unwrap().contains("0644"),
        "{fault}"
    );
    assert!(
        fault["next_step"].as_str().unwrap().contains("chmod 600"),
        "{fault}"
    );
    assert_eq!(adit.exit_code(), 1);
}

#[test]
fn a_server_that_forbids_forwarding_is_said() {
    for option in ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"] {
        let sshd = Sshd::start(&[option]);
        let adit = Running::forward(&sshd, &["-L", &to(echo())]);
        let fault = adit.failed();
        assert_eq!(fault["code"], "forwarding-prohibited", "{option}");
        assert!(
            fault["next_step"]
                .as_str()
                .unwrap()
                .contains("AllowTcpForwarding"),
            "{fault}"
        );
        assert_eq!(adit.exit_code(), 1);
    }
}

#[test]
fn a_busy_local_port_names_its_holder() {
    let sshd = Sshd::start(&[]);
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let forward = format!("127.0.0.1:{port}:127.0.0.1:{}", echo().port());
    let adit = Running::forward(&sshd, &["-L", &forward]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "port-in-use");
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
    assert!(
        message.contains(&format!("process {}", std::process::id())),
        "{message}"
    );
    assert_eq!(adit.exit_code(), 1);
    assert_eq!(
        sshd.log(),
        "",
        "the port is tried before the host is dialled"
    );
}

#[test]
fn a_server_that_dies_is_noticed_and_one_that_returns_is_used() {
    let mut sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let address = adit.listening(0);
    sshd.kill();
    let limit = Duration::from_secs(3);
    let lost = adit.event_within(limit, |event| {
        event["event"] == "state" && event["state"] != "open"
    });
    assert_eq!(lost["event"], "state");
    sshd.resume();
    adit.state("open");
    let data = noise(MIB);
    assert!(
        exchange(address, data.clone()) == data,
        "the same port works again"
    );
    assert!(adit.interrupt().success());
}

#[test]
fn a_jump_host_is_passed_through() {
    let target = Sshd::start(&[]);
    let jump = Sshd::start(&[]);
    fs::copy(target.path("authorized_keys"), jump.path("authorized_keys")).unwrap();
    let known = fs::read_to_string(target.known_hosts()).unwrap();
    let jump_known = fs::read_to_string(jump.known_hosts()).unwrap();
    fs::write(target.known_hosts(), known + &jump_known).unwrap();

    // As with ssh, a jump host is told nothing of the command line: what it needs is in ssh_config.
    let config = target.path("ssh_config");
    let text = format!(
        "Host jump\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n UserKnownHostsFile {}\n",
        jump.port(),
        user(),
        target.key().display(),
        target.known_hosts().display()
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let adit = Running::forward(&target, &["-F", config, "-J", "jump", "-L", &to(echo())]);
    let data = noise(MIB);
    assert!(exchange(adit.listening(0), data.clone()) == data);
    for (name, sshd) in [("jump", &jump), ("target", &target)] {
        let logins = sshd.log().matches("Accepted publickey").count();
        assert_eq!(logins, 1, "{name}: {}", sshd.log());
    }
}

#[test]
fn ctrl_c_frees_the_port_and_leaves_nothing_behind() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let address = adit.listening(0);
    let mut client = connect(address);
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    assert!(adit.interrupt().success());
    TcpListener::bind(address).expect("the port is free");
    assert_eq!(
        client.read(&mut [0]).unwrap_or(0),
        0,
        "the connection was ended"
    );
}

#[test]
fn minus_f_returns_when_the_forwards_stand() {
    let sshd = Sshd::start(&[]);
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let mut command = command(&sshd.home());
    command
        .args(["forward", "--json", "-fN", "-i"])
        .arg(sshd.key())
        .args(["-p", &sshd.port().to_string(), "-o", &known_hosts])
        .args(["-L", &to(echo()), &Sshd::login()]);
    let mut adit = Running::spawn(command);
    let address = adit.listening(0);
    let background = adit.event(|event| event["event"] == "background");
    assert!(adit.wait().success());

    let data = noise(MIB);
    assert!(
        exchange(address, data.clone()) == data,
        "it works after the command has returned"
    );
    let pid = i32::try_from(background["pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // A connection tells of the end of a process that is not this one's child.
    let mut open = connect(address);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(open.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn words_go_to_stderr_and_lines_to_stdout() {
    let sshd = Sshd::start(&[]);
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let target = echo();
    let mut command = command(&sshd.home());
    command
        .args(["forward", "-A", "-i"])
        .arg(sshd.key())
        .args(["-p", &sshd.port().to_string(), "-o", &known_hosts])
        .args(["-L", &to(target), &Sshd::login()]);
    let adit = Running::spawn(command);
    let line = adit.line(crate::support::LIMIT).unwrap();
    let (local, rest) = line.split_once(" -> ").unwrap();
    let login = format!("{}:{}", Sshd::login(), sshd.port());
    assert_eq!(rest, format!("127.0.0.1:{} via {login}", target.port()));
    TcpStream::connect(local).unwrap();
    assert!(
        adit.words().contains("-A makes no difference"),
        "{}",
        adit.words()
    );
    assert!(adit.interrupt().success());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let sshd = Sshd::start(&[]);
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let mut command = command(&sshd.home());
    command
        .args(["forward", "-i"])
        .arg(sshd.key())
        .args(["-p", &sshd.port().to_string(), "-o", &known_hosts])
        .args(["-L", &to(echo()), &Sshd::login()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let stderr = text(child.stderr.take().unwrap());
    assert!(child.wait().unwrap().success(), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A target that does not answer keeps a session from opening channels, and the others go to another session.
#[test]
fn a_silent_target_does_not_hold_up_the_others() {
    let sshd = Sshd::start(&[]);
    let silent = Silent::start();
    let adit = Running::forward(&sshd, &["-L", &to(silent.address()), "-L", &to(echo())]);
    let began = Instant::now();
    let address = adit.listening(1);
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    let data = noise(MIB);
    assert!(exchange(address, data.clone()) == data);
    let fault = adit.event(|event| event["forward"] == 0 && event["state"] == "waiting");
    assert_eq!(fault["fault"]["code"], "target-timed-out", "{fault}");
}
