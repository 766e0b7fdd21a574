//! Limits of servers and of this computer: each is named, and what does not run into it goes on.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::client::{Download, Site, behind, listeners_turn_away, mounts};
use crate::faults::{PATIENCE, wait_for, without_ports};
use crate::support::adit::Running;
use crate::support::servers::{connect, digest, echo, exchange, noise, source};
use crate::table::{Table, seconds};

const COLUMNS: [&str; 4] = [
    "limit",
    "what the person is shown",
    "shown after",
    "and then",
];

fn works(address: SocketAddr) {
    let data = noise(100_000);
    assert_eq!(digest(&exchange(address, data.clone())), digest(&data));
}

/// The first fault that is shown, as the table has it.
fn first_fault(adit: &Running, code: &str) -> (String, Duration) {
    let started = Instant::now();
    let event = adit.event(|event| !event["fault"].is_null());
    let fault = &event["fault"];
    assert_eq!(fault["code"], code, "{fault}");
    let words = format!("`{code}`: {}", fault["message"].as_str().unwrap());
    (without_ports(&words), started.elapsed())
}

/// sshd as a daemon, which alone counts the connections of them all.
struct Daemon(Child);

impl Daemon {
    fn start(site: &Site, port: u16) -> Self {
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-p", &port.to_string(), "-f"])
            .arg(site.sshd.path("sshd_config"))
            // Where it is shown when a test fails.
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(site.sshd.path("log"))
                    .unwrap(),
            )
            .spawn()
            .expect("sshd is needed: tests/run installs openssh-server");
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A server with room for one connection that has not logged in; it ends with what comes with it.
pub(crate) fn with_room_for_one() -> (Site, impl Drop) {
    let mut site = Site::new(&["MaxStartups 1", "LoginGraceTime 60"]);
    let port = site.sshd.port();
    site.sshd.kill();
    let daemon = Daemon::start(&site, port);
    (site, daemon)
}

fn max_startups(table: &mut Table) {
    let (site, _daemon) = with_room_for_one();
    let idler = idler(site.sshd.port());
    let adit = site.forward(&[echo()], &[]);
    let (words, after) = first_fault(&adit, "handshake-failed");
    assert!(words.contains("MaxStartups"), "{words}");
    listeners_turn_away(adit.pid());
    drop(idler);
    works(adit.listening(0));
    table.line(&[
        "sshd's MaxStartups",
        &words,
        &seconds(after),
        "opened as soon as there was room",
    ]);
}

/// A connection that does not log in and takes the only place; the one that found the port open may still have it.
pub(crate) fn idler(port: u16) -> TcpStream {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut greeting = [0; 4];
        if stream.read_exact(&mut greeting).is_ok() && &greeting == b"SSH-" {
            return stream;
        }
        assert!(Instant::now() < end, "there is no room for one connection");
    }
}

fn forwarding_forbidden(table: &mut Table) {
    for option in ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"] {
        let site = Site::new(&[option]);
        let adit = site.forward(&[echo()], &[]);
        let (words, after) = first_fault(&adit, "forwarding-prohibited");
        listeners_turn_away(adit.pid());
        table.line(&[
            &format!("sshd's {option}"),
            &without_ports(&words),
            &seconds(after),
            &ends(adit),
        ]);
    }
}

/// What nobody but a person can mend ends a command; the window waits for them.
pub(crate) fn ends(adit: Running) -> String {
    let code = adit.exit_code();
    assert_eq!(code, 1);
    format!("the command ends with exit code {code}, the window waits for a person")
}

fn max_sessions(table: &mut Table) {
    let site = Site::new(&["MaxSessions 1"]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    let clients: Vec<_> = (0..20)
        .map(|_| std::thread::spawn(move || works(address)))
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    table.line(&[
        "sshd's MaxSessions 1",
        "nothing: it counts shells, not forwards",
        "",
        "20 clients at once, all whole",
    ]);
}

fn port_taken(table: &mut Table) {
    let site = Site::new(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut command = site.command(&[], &[]);
    command.args([
        "-L",
        &format!("127.0.0.1:{port}:127.0.0.1:{}", echo().port()),
    ]);
    let adit = Running::spawn(command);
    let (words, after) = first_fault(&adit, "port-in-use");
    assert!(words.contains("proof"), "the holder is named: {words}");
    drop(taken);
    table.line(&[
        "the local port is taken",
        &without_numbers(&words),
        &seconds(after),
        "nothing was dialled",
    ]);
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A target that is asked for something, sends a little of it and resets.
fn resetting_target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut question = [0];
            let _proof_asks_nothing = stream.read(&mut question);
            let _proof_has_gone = stream.write_all(&noise(1000));
            SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
    });
    address
}

/// sshd closes a channel whose target was reset as it closes any other: SSH has no word for it (RFC 4254). So this is the
/// one case in which a client cannot be told by Adit; what is tested is that the tunnel goes on and nothing else suffers.
fn target_resets(table: &mut Table) {
    let site = Site::new(&[]);
    let adit = site.forward(&[resetting_target(), echo()], &[]);
    let (resetting, healthy) = (adit.listening(0), adit.listening(1));
    for _ in 0..20 {
        let mut stream = connect(resetting);
        stream.write_all(b"?").unwrap();
        let download = Download::of(&mut stream, 1000);
        assert_ne!(download, Download::Wrong);
    }
    works(healthy);
    table.line(&[
        "the target resets connections",
        "nothing: SSH has no word for it",
        "",
        "the tunnel stays open, others are not touched",
    ]);
}

/// With 64 descriptors some of 100 clients are turned away; those that are taken get every byte.
fn descriptors(table: &mut Table) {
    let site = Site::new(&[]);
    let (target, _) = source(200_000);
    let shell = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"];
    let adit = Running::spawn(behind(&shell, &site.command(&[target], &[])));
    let address = adit.listening(0);
    let started = Instant::now();
    let clients: Vec<_> = (0..100)
        .map(|_| {
            std::thread::spawn(move || {
                let mut stream = connect(address);
                std::thread::sleep(Duration::from_millis(200));
                Download::of(&mut stream, 200_000)
            })
        })
        .collect();
    let ends: Vec<Download> = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .collect();
    let took = started.elapsed();
    assert!(ends.iter().all(Download::is_honest), "{ends:?}");
    let whole = ends.iter().filter(|end| **end == Download::Whole).count();
    assert!(whole > 0, "nobody was served");
    assert_eq!(
        Download::of(&mut connect(address), 200_000),
        Download::Whole
    );
    table.line(&[
        "64 descriptors, 100 clients (`ulimit -n`)",
        &format!("{whole} whole, {} turned away", 100 - whole),
        &seconds(took),
        "the next client is served",
    ]);
}

/// A known_hosts file on a full disk: the key cannot be kept.
fn known_hosts_on_a_full_disk(table: &mut Table) {
    let site = Site::new(&[]);
    let full = site.sshd.path("full");
    fs::create_dir(&full).unwrap();
    let known_hosts = format!("UserKnownHostsFile={}/known_hosts", full.display());
    let options = [known_hosts.as_str(), "StrictHostKeyChecking=accept-new"];
    // A file system of one page, in a mount namespace of its own.
    let script = "mount -t tmpfs -o size=4k none \"$0\" && (cat /dev/zero >\"$0/filler\" 2>/dev/null || true) && exec \"$@\"";
    let full = full.to_str().unwrap();
    let mut shell = mounts();
    shell.extend(["sh", "-c", script, full]);
    let adit = Running::spawn(behind(&shell, &site.command(&[echo()], &options)));
    let started = Instant::now();
    works(adit.listening(0));
    let told = adit.words();
    let told = told.lines().find(|line| line.contains("known_hosts"));
    let told = told.expect("nobody was told").replace(full, "…");
    table.line(&[
        "no room for known_hosts (ENOSPC)",
        &without_ports(&told),
        &seconds(started.elapsed()),
        "the tunnel opens",
    ]);
}

#[test]
fn limits_are_named_and_survived() {
    let mut table = Table::new("limits", &COLUMNS);
    for limit in [
        max_startups,
        forwarding_forbidden,
        max_sessions,
        port_taken,
        target_resets,
        descriptors,
        known_hosts_on_a_full_disk,
    ] {
        limit(&mut table);
    }
    table.finish();
}
