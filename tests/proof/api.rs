//! An API server that is gone, slow or lying: `adit list` says so in its own time, and neither hangs nor falls.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::client::listens_nowhere;
use crate::faults::wait_for;
use crate::support::adit::{Running, command};
use crate::support::servers::closed_port;
use crate::table::{Table, seconds};

/// Much longer than `adit list` waits for a cluster.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is done with a request.
pub(crate) type Answer = fn(&mut TcpStream);

/// A server of HTTP/1.1 that does this with each request. It ends with the test's process.
pub(crate) fn server(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut request = [0; 8192];
                while stream.read(&mut request).is_ok_and(|count| count > 0) {
                    answer(&mut stream);
                }
            });
        }
    });
    address
}

/// The client may have gone; what it makes of the answer is what is tested.
fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

fn json(stream: &mut TcpStream, body: &str) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
    send(
        stream,
        format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes(),
    );
}

fn endless(stream: &mut TcpStream) {
    send(
        stream,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    // Bounded all the same: 512 MiB.
    for _ in 0..8192 {
        if !send(stream, chunk.as_bytes()) {
            return;
        }
    }
}

pub(crate) const SERVERS: [(&str, Answer); 8] = [
    ("broken JSON", |stream| {
        json(stream, "{\"kind\":\"List\",\"items\":[{]");
    }),
    ("wrong types", |stream| {
        json(
            stream,
            "{\"kind\":7,\"metadata\":[],\"items\":{\"a\":null}}",
        );
    }),
    ("not Kubernetes", |stream| {
        send(
            stream,
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>router</h1>",
        );
    }),
    ("an endless body", endless),
    ("never answers", |_stream| {}),
    ("closes in mid-answer", |stream| {
        send(
            stream,
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"kind\":",
        );
        let _gone = stream.shutdown(std::net::Shutdown::Both);
    }),
    ("500 for everything", |stream| {
        send(
            stream,
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\netcd",
        );
    }),
    ("terminal escapes in an error", |stream| {
        let body = "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"\\u001b[2J\\u001b]0;owned\\u0007\",\"code\":403}";
        let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length:";
        send(
            stream,
            format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes(),
        );
    }),
];

fn list(address: SocketAddr) -> (String, Duration) {
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"http://{address}\"}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    fs::write(&kubeconfig, text).unwrap();
    let started = Instant::now();
    let mut command = command(home.path());
    command.args(["list", "--kubeconfig"]).arg(kubeconfig);
    let adit = Running::spawn(command);
    // Every server has had its say by then, and none is given up.
    wait_for(|| started.elapsed() > Duration::from_secs(1));
    listens_nowhere(adit.pid());
    let output = adit.output();
    let took = started.elapsed();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    assert!(!words.contains('\u{1b}'), "{words:?}");
    assert!(!words.contains("panicked"), "{words}");
    assert!(took < PATIENCE, "{took:?}");
    (words.trim().to_owned(), took)
}

#[test]
fn an_api_server_that_is_gone_slow_or_lying() {
    let mut table = Table::new("api", &["API server", "`adit list` says", "after"]);
    let gone = SocketAddr::from(([127, 0, 0, 1], closed_port()));
    let cells: Vec<_> = [("gone", gone)]
        .into_iter()
        .chain(SERVERS.map(|(name, answer)| (name, server(answer))))
        .map(|(name, address)| (name, address, std::thread::spawn(move || list(address))))
        .collect();
    for (name, address, cell) in cells {
        let (words, took) = cell.join().unwrap();
        let words = words.replace(&address.to_string(), "127.0.0.1");
        table.line(&[name, &words, &seconds(took)]);
    }
    table.finish();
}
