//! `adit forward -D` with curl as the client, which speaks every version of SOCKS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::servers::{closed_port, connect, digest, noise, page};
use crate::support::sshd::{Sshd, user};

fn curl(proxy: &[&str], url: &str) -> Output {
    Command::new("curl")
        .args(["-q", "--silent", "--show-error", "--noproxy", ""])
        .args(["--max-time", &LIMIT.as_secs().to_string()])
        .args(proxy)
        .arg(url)
        .env_remove("http_proxy")
        .output()
        .expect("curl is needed: tests/run installs it")
}

fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn every_version_and_kind_of_address_gets_there() {
    let sshd = Sshd::start(&[]);
    let body = noise(3 << 20);
    let (v4, port) = page("127.0.0.1:0", body.clone());
    let adit = Running::forward(&sshd, &["-D", "127.0.0.1:0"]);
    let proxy = adit.listening(0).to_string();
    let mut ways = vec![
        ("--socks4", v4.to_string()),
        ("--socks4a", format!("localhost:{port}")),
        ("--socks5", v4.to_string()),
        ("--socks5-hostname", format!("localhost:{port}")),
    ];
    if has_ipv6() {
        let (v6, _) = page("[::1]:0", body.clone());
        ways.push(("--socks5", v6.to_string()));
        ways.push(("--socks5-hostname", v6.to_string()));
    }
    for (version, target) in ways {
        let got = curl(&[version, &proxy], &format!("http://{target}/"));
        let told = String::from_utf8_lossy(&got.stderr);
        assert!(got.status.success(), "{version} {target}: {told}");
        assert_eq!(digest(&got.stdout), digest(&body), "{version} {target}");
    }
    assert!(adit.interrupt().success());
}

#[test]
fn a_target_that_refuses_is_told_to_the_client_and_the_proxy_goes_on() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-D", "127.0.0.1:0"]);
    let proxy = adit.listening(0).to_string();
    let closed = format!("http://127.0.0.1:{}/", closed_port());
    let refused = curl(&["--socks5", &proxy], &closed);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(97), "{told}");
    assert!(told.contains("(5)"), "{told}");

    let (address, _) = page("127.0.0.1:0", b"here".to_vec());
    let got = curl(&["--socks5", &proxy], &format!("http://{address}/"));
    assert_eq!(got.stdout, b"here");
}

#[test]
fn what_is_no_socks_is_turned_away() {
    let sshd = Sshd::start(&[]);
    let adit = Running::forward(&sshd, &["-D", "127.0.0.1:0"]);
    let proxy = adit.listening(0);
    let mut browser = connect(proxy);
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(browser.read(&mut [0; 16]).unwrap_or(0), 0);
    // Somebody who says nothing is not waited for.
    let mut mute = connect(proxy);
    assert_eq!(mute.read(&mut [0; 16]).unwrap_or(0), 0);
}

#[test]
fn a_host_that_forbids_forwarding_is_said_before_anybody_connects() {
    let sshd = Sshd::start(&["AllowTcpForwarding no"]);
    let adit = Running::forward(&sshd, &["-D", "127.0.0.1:0"]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "forwarding-prohibited");
    let message = fault["message"].as_str().unwrap();
    let login = format!("{}@127.0.0.1:{}", user(), sshd.port());
    assert!(message.contains(&login), "{message}");
    assert_eq!(adit.exit_code(), 1);
}

#[test]
fn dynamic_forward_of_a_file_listens_as_it_says() {
    let sshd = Sshd::start(&[]);
    let config = sshd.path("ssh_config");
    let text = "Host *\n DynamicForward 127.0.0.1:0\n LocalForward 127.0.0.1:0 127.0.0.1:1\n";
    std::fs::write(&config, text).unwrap();
    let (address, _) = page("127.0.0.1:0", b"here".to_vec());
    let listen = if has_ipv6() { "[::1]:0" } else { "127.0.0.2:0" };
    let config = config.to_str().unwrap();
    let adit = Running::forward(&sshd, &["-F", config, "-D", listen]);
    // The forward that has one target comes first, then -D, then the file's.
    let proxies = [adit.listening(1), adit.listening(2)];
    assert_eq!(proxies[0].is_ipv6(), has_ipv6());
    assert_eq!(proxies[1].ip().to_string(), "127.0.0.1");
    for proxy in proxies {
        let proxy = proxy.to_string();
        let got = curl(&["--socks5", &proxy], &format!("http://{address}/"));
        assert_eq!(got.stdout, b"here");
    }
}
