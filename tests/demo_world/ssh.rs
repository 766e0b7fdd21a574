//! The SSH host through OpenSSH's own client, which must be installed.

use std::path::Path;
use std::process::{Output, Stdio};

use adit::demo::{DemoAccess, DemoWorld};
use adit::model::{HostFacts, find_kubeconfig};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::{in_time, still_world};

/// `ssh` with strict checking of the world's host key and nothing but the world's key to log in with.
fn ssh(access: &DemoAccess) -> Command {
    ssh_as(access, &access.identity, &access.ssh_user)
}

fn ssh_as(access: &DemoAccess, identity: &Path, user: &str) -> Command {
    let mut command = Command::new("ssh");
    let known_hosts = format!("UserKnownHostsFile={}", access.known_hosts.display());
    command
        .args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .args([
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            &known_hosts,
        ])
        .args([
            "-o",
            "GlobalKnownHostsFile=/dev/null",
            "-o",
            "ExitOnForwardFailure=yes",
        ])
        .arg("-i")
        .arg(identity)
        .args(["-l", user, "-p", &access.ssh_port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> Output {
    in_time("ssh", command.output())
        .await
        .expect("ssh must be installed")
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sends `input` through `ssh -W` and returns all that comes back. The end of the input is a half-close.
async fn through(access: &DemoAccess, target: &str, input: Vec<u8>) -> Vec<u8> {
    let mut child = ssh(access)
        .args(["-W", target, &access.ssh_host])
        .stdin(Stdio::piped())
        .spawn()
        .expect("ssh must be installed");
    let mut stdin = child.stdin.take().unwrap();
    let writer = tokio::spawn(async move {
        stdin.write_all(&input).await.unwrap();
    });
    let output = in_time(target, child.wait_with_output()).await.unwrap();
    writer.await.unwrap();
    output.stdout
}

async fn page(access: &DemoAccess, target: &str) -> String {
    let request = b"GET /a?b HTTP/1.1\r\nHost: ui\r\nConnection: close\r\n\r\n".to_vec();
    words(&through(access, target, request).await)
}

/// Waits for a line of `child`'s stderr with `part` in it, and keeps reading so that the child never blocks.
async fn line_with(child: &mut Child, part: &'static str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    in_time(part, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(part) {
                return;
            }
            seen += &line;
            seen.push('\n');
        }
        panic!("ssh ended without saying '{part}':\n{seen}");
    })
    .await;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

#[tokio::test]
async fn a_forwarded_port_shows_the_page_of_a_pod() {
    let world = still_world().await;
    let access = world.access();
    let socket = access.folder.join("forward");
    let forward = format!("{}:10.0.0.241:80", socket.display());
    let mut child = ssh(access)
        .args(["-v", "-N", "-L", &forward, &access.ssh_host])
        .spawn()
        .expect("ssh must be installed");
    line_with(&mut child, "Entering interactive session").await;
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    // Keep-alive: two requests on one connection are answered by one pod.
    let mut pods = Vec::new();
    for _ in 0..2 {
        stream
            .write_all(b"GET /where HTTP/1.1\r\nHost: ui\r\n\r\n")
            .await
            .unwrap();
        let mut text = String::new();
        while !text.ends_with("</html>\n") {
            let mut buffer = [0; 4096];
            let n = in_time("the page", stream.read(&mut buffer)).await.unwrap();
            assert_ne!(n, 0, "the page ended early: {text}");
            text += std::str::from_utf8(&buffer[..n]).unwrap();
        }
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
        assert!(text.contains("<h1>default/ui</h1>") && text.contains("<dd>/where</dd>"));
        pods.push(text.split("<dd>ui-7db9cd898d-").nth(1).unwrap()[..5].to_owned());
    }
    assert_eq!(pods[0], pods[1]);
    let counts = world.ssh_counts();
    assert_eq!(
        (counts.logins, counts.channels, counts.channels_open),
        (1, 1, 1)
    );
    child.kill().await.unwrap();
}

#[tokio::test]
async fn services_answer_at_all_their_addresses() {
    let world = still_world().await;
    let access = world.access();
    for (target, service) in [
        ("10.101.165.62:80", "default/ui"),
        ("k8s-worker-2:31126", "default/ui"),
        ("10.0.0.245:80", "shop/api"),
        ("[fd00:10:6::]:80", "shop/dual-stack"),
    ] {
        let page = page(access, target).await;
        assert!(
            page.contains(&format!("<h1>{service}</h1>")),
            "{target}: {page}"
        );
    }
}

#[tokio::test]
async fn bytes_are_exact_both_ways_and_each_way_closes_on_its_own() {
    let world = still_world().await;
    let access = world.access();
    let data: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(6_000_000)
        .collect();
    // The echo ends when the input does, and all of it comes back after that.
    let back = through(access, "10.0.0.247:7", data.clone()).await;
    assert_eq!(Sha256::digest(&back), Sha256::digest(&data));

    let mut request = format!(
        "POST /echo HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
        data.len()
    )
    .into_bytes();
    request.extend_from_slice(&data);
    let answer = through(access, "10.0.0.241:80", request).await;
    let body = &answer[answer.len() - data.len()..];
    assert_eq!(Sha256::digest(body), Sha256::digest(&data));

    let answer = through(
        access,
        "10.0.0.241:80",
        b"GET /bytes?n=5000003 HTTP/1.0\r\n\r\n".to_vec(),
    )
    .await;
    let expected: Vec<u8> = (0..5_000_003_u64.div_ceil(8))
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(5_000_003)
        .collect();
    assert_eq!(
        Sha256::digest(&answer[answer.len() - expected.len()..]),
        Sha256::digest(&expected)
    );
}

#[tokio::test]
async fn what_does_not_listen_is_refused_at_once() {
    let world = still_world().await;
    let access = world.access();
    for target in [
        "10.0.0.244:80",
        "10.0.0.246:80",
        "10.0.0.101:22",
        "no.such.host:80",
    ] {
        let output = output(ssh(access).args(["-W", target, &access.ssh_host])).await;
        assert!(
            words(&output.stderr).contains("connect failed"),
            "{}",
            words(&output.stderr)
        );
    }
    assert_eq!(world.ssh_counts().refused, 4);
}

#[tokio::test]
async fn what_does_not_answer_holds_nobody_else_up() {
    let world = still_world().await;
    let access = world.access();
    let [silent, good] = ["silent", "good"].map(|name| access.folder.join(name));
    let mut child = ssh(access)
        .args([
            "-v",
            "-N",
            "-L",
            &format!("{}:203.0.113.64:80", silent.display()),
        ])
        .args([
            "-L",
            &format!("{}:10.0.0.241:80", good.display()),
            &access.ssh_host,
        ])
        .spawn()
        .expect("ssh must be installed");
    line_with(&mut child, "Entering interactive session").await;
    let silent = UnixStream::connect(&silent).await.unwrap();
    let mut good = UnixStream::connect(&good).await.unwrap();
    good.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut page = String::new();
    in_time("the page", good.read_to_string(&mut page))
        .await
        .unwrap();
    assert!(page.contains("<h1>default/ui</h1>"));
    // The other one was dialled first, and still there is neither data nor an end.
    let error = silent.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(world.ssh_counts().refused, 0);
    child.kill().await.unwrap();
}

#[tokio::test]
async fn only_the_demo_user_with_the_demo_key_gets_in() {
    let world = still_world().await;
    let access = world.access();
    let other = access.folder.join("other");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other)
        .status();
    assert!(made.await.expect("ssh-keygen must be installed").success());
    for (identity, user) in [(&other, "demo"), (&access.identity, "root")] {
        let output =
            output(ssh_as(access, identity, user).args([&access.ssh_host, "hostname"])).await;
        assert_eq!(output.status.code(), Some(255));
        let told = words(&output.stderr);
        assert!(told.contains("Permission denied (publickey)"), "{told}");
    }
    assert_eq!(world.ssh_counts().logins, 0);
}

#[tokio::test]
async fn the_host_says_who_it_is_and_runs_nothing_else() {
    let world = still_world().await;
    let access = world.access();
    for (command, out, code) in [
        ("hostname -I", "10.0.0.101 10.244.1.1 fd00:10::101 \n", 0),
        ("true", "", 0),
        ("rm -rf /", "", 127),
    ] {
        let output = output(ssh(access).args([&access.ssh_host, command])).await;
        assert_eq!(
            (words(&output.stdout).as_str(), output.status.code()),
            (out, Some(code))
        );
    }
    let facts = output(ssh(access).args([&access.ssh_host, HostFacts::COMMAND])).await;
    let facts = HostFacts::parse(&words(&facts.stdout));
    assert_eq!(facts.name.as_deref(), Some("k8s-worker-1"));
    assert_eq!(facts.addresses.len(), 3);
    let found = output(ssh(access).args([&access.ssh_host, &find_kubeconfig(None)])).await;
    assert!(words(&found.stdout).contains("https://10.0.0.100:6443"));
}

#[tokio::test]
async fn the_api_is_reached_through_the_host_too() {
    let world = still_world().await;
    let access = world.access();
    // A TLS server says nothing before it is greeted, and an alert (21) or a handshake (22) to what is no greeting.
    let answer = through(
        access,
        "10.0.0.100:6443",
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
    )
    .await;
    assert!(matches!(answer.first(), Some(21 | 22)), "{answer:?}");
}

#[tokio::test]
async fn stopping_cuts_sessions_off_and_starting_keeps_port_and_key() {
    let world: DemoWorld = still_world().await;
    let access = world.access();
    let mut child = ssh(access)
        .args(["-v", "-N", &access.ssh_host])
        .spawn()
        .expect("ssh must be installed");
    line_with(&mut child, "Entering interactive session").await;
    assert_eq!(world.ssh_counts().sessions_open, 1);
    in_time("stopping", world.stop_ssh()).await;
    let status = in_time("the end of ssh", child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(255));
    assert_eq!(world.ssh_counts().sessions_open, 0);
    let address = (access.ssh_host.as_str(), access.ssh_port);
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);

    world.start_ssh().await.unwrap();
    world.start_ssh().await.unwrap();
    let page = page(access, "10.0.0.241:80").await;
    assert!(page.contains("<h1>default/ui</h1>"));
}

#[tokio::test]
async fn the_network_follows_the_cluster() {
    let world = still_world().await;
    let access = world.access();
    assert!(
        page(access, "10.0.5.11:80")
            .await
            .contains("<h1>shop/spring-sale</h1>")
    );
    // The third thing that happens in a round: the address goes to the service that waits for it.
    for _ in 0..3 {
        world.advance();
    }
    assert!(
        page(access, "10.0.5.11:80")
            .await
            .contains("<h1>shop/summer-sale</h1>")
    );
}
