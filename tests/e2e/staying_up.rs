//! What happens to a tunnel when its server freezes or goes, and what is left after many connections.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::servers::{connect, echo, exchange, noise, to};
use crate::support::sshd::Sshd;

/// The server's processes stop where they are: its sockets stay open, and nothing is answered any more.
#[test]
fn a_server_that_freezes_is_found_out_within_fifteen_seconds_and_replaced() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let address = adit.listening(0);
    let mut client = connect(address);
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    sshd.signal_sessions(Signal::STOP);
    let lost = adit.event_within(Duration::from_secs(20), |event| {
        event["event"] == "state" && event["state"] != "open"
    });
    assert_eq!(lost["event"], "state");
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "its client is told");
    // The port still answers: another process serves the next connection.
    adit.state("open");
    let data = noise(1 << 20);
    assert!(exchange(address, data.clone()) == data);
    assert!(
        adit.words().contains("silent"),
        "the reason is said: {}",
        adit.words()
    );
}

/// Threads, descriptors and memory of a process.
#[derive(Debug)]
struct Use {
    threads: usize,
    descriptors: usize,
    resident_kib: usize,
}

fn use_of(pid: u32) -> Use {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    };
    Use {
        threads: number("Threads:"),
        descriptors: std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .count(),
        resident_kib: number("VmRSS:"),
    }
}

fn connections(address: SocketAddr, count: usize) {
    let clients: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                for _ in 0..count / 8 {
                    assert!(exchange(address, vec![7; 100]) == [7; 100]);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn nothing_is_left_of_ten_thousand_connections() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-L", &to(echo())]);
    let address = adit.listening(0);
    // The pool has its sessions, and the allocator its arenas.
    connections(address, 2_000);
    let before = settled(adit.id());
    connections(address, 8_000);
    let end = std::time::Instant::now() + LIMIT;
    loop {
        let now = use_of(adit.id());
        let grown = now.resident_kib.saturating_sub(before.resident_kib);
        if now.threads <= before.threads + 1 && now.descriptors <= before.descriptors + 2 {
            assert!(grown < 8 * 1024, "{before:?} -> {now:?}");
            return;
        }
        assert!(std::time::Instant::now() < end, "{before:?} -> {now:?}");
        std::thread::yield_now();
    }
}

/// The use once the last connections have been let go of: when it is the same twice.
fn settled(pid: u32) -> Use {
    let end = std::time::Instant::now() + LIMIT;
    let mut last = use_of(pid);
    loop {
        std::thread::park_timeout(Duration::from_millis(300));
        let now = use_of(pid);
        if now.descriptors == last.descriptors && now.threads == last.threads {
            return now;
        }
        assert!(std::time::Instant::now() < end, "{last:?} -> {now:?}");
        last = now;
    }
}

/// Unix sockets on either side, and on both.
#[test]
fn sockets_are_forwarded_from_and_to() {
    use std::os::unix::net::{UnixListener, UnixStream};

    let sshd = Sshd::start(&[]);
    let (far, near, both) = (sshd.path("far"), sshd.path("near"), sshd.path("both"));
    let listener = UnixListener::bind(&far).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut back = stream.try_clone().unwrap();
                let _until_the_end = std::io::copy(&mut stream, &mut back);
                let _gone = back.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    let far = far.display();
    let forwards = [
        format!("{}:127.0.0.1:{}", near.display(), echo().port()),
        format!("127.0.0.1:0:{far}"),
        format!("{}:{far}", both.display()),
    ];
    let words: Vec<&str> = forwards.iter().flat_map(|text| ["-L", text]).collect();
    let adit = Running::forward(&sshd, &words);
    for forward in [0, 2] {
        adit.event_or_passed(|event| event["event"] == "listening" && event["forward"] == forward);
    }
    let data = noise(1 << 20);
    assert!(exchange(adit.listening(1), data.clone()) == data);
    for path in [&near, &both] {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let (mut sender, sent) = (stream.try_clone().unwrap(), data.clone());
        let sending = std::thread::spawn(move || {
            sender.write_all(&sent).unwrap();
            sender.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        sending.join().unwrap();
        assert!(back == data, "{}", path.display());
    }
    assert!(adit.interrupt().success());
    assert!(!near.exists() && !both.exists(), "the sockets go with it");
}

/// Brackets on either side.
#[test]
fn ipv6_is_forwarded_from_and_to() {
    let Ok(target) = std::net::TcpListener::bind("[::1]:0") else {
        panic!("the tests need an IPv6 loopback");
    };
    let port = target.local_addr().unwrap().port();
    drop(target);
    let (address, _) = crate::support::servers::page(&format!("[::1]:{port}"), b"six".to_vec());
    let sshd = Sshd::start(&[]);
    let forward = format!("[::1]:0:[::1]:{}", address.port());
    let adit = Running::forward(&sshd, &["-L", &forward]);
    let local = adit.listening(0);
    assert!(local.is_ipv6());
    let answer = exchange(local, b"GET / HTTP/1.0\r\n\r\n".to_vec());
    assert!(answer.ends_with(b"six"));
}
