//! The way to the API server: by a proxy of the kubeconfig's, and with credentials that are not there yet.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::model::ClusterState;

use super::bench_tests::*;
use super::fake_api::FakeApi;

/// A name that only a proxy knows.
const SERVER: &str = "http://cluster.invalid:6443";

/// What a proxy was asked for, by each connection.
type Asked = Arc<Mutex<Vec<Vec<u8>>>>;

/// How a proxy hears where a client wants to go, and tells it that it is there.
#[derive(Clone, Copy)]
enum Speech {
    Http,
    Socks,
}

impl Speech {
    async fn hear(self, client: &mut TcpStream) -> Vec<u8> {
        let mut asked = Vec::new();
        match self {
            Self::Http => {
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(client.read_u8().await.unwrap());
                }
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            }
            Self::Socks => {
                let mut greeting = [0; 2];
                client.read_exact(&mut greeting).await.unwrap();
                let mut methods = vec![0; usize::from(greeting[1])];
                client.read_exact(&mut methods).await.unwrap();
                client.write_all(&[5, 0]).await.unwrap();
                let mut head = [0; 5];
                client.read_exact(&mut head).await.unwrap();
                assert_eq!(head[..4], [5, 1, 0, 3], "it is a name, to be connected to");
                asked = vec![0; usize::from(head[4]) + 2];
                client.read_exact(&mut asked).await.unwrap();
                let there = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
                client.write_all(&there).await.unwrap();
            }
        }
        asked
    }
}

/// A proxy that leads to `to`, whatever it is asked for.
async fn proxy(speech: Speech, to: SocketAddr) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let all = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let asked = speech.hear(&mut near).await;
                all.lock().unwrap().push(asked);
                let mut far = TcpStream::connect(to).await.unwrap();
                // Either side may leave at any time.
                let _gone = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, asked)
}

async fn bench_by(proxy: &str) -> Bench {
    let bench = Bench::over(FakeApi::start().await);
    let server = format!("{SERVER}', proxy-url: '{proxy}");
    write_kubeconfig(&bench.path(), &server, "token: good");
    bench
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfigs_is_asked_for_the_servers_name() {
    let bench = Bench::over(FakeApi::start().await);
    let (address, asked) = proxy(Speech::Http, bench.api.address).await;
    let server = format!("{SERVER}', proxy-url: 'http://me:canary@{address}");
    write_kubeconfig(&bench.path(), &server, "token: good");
    bench.watch().live().await;
    for asked in &*asked.lock().unwrap() {
        let asked = String::from_utf8(asked.clone()).unwrap();
        assert!(
            asked.starts_with("CONNECT cluster.invalid:6443 "),
            "{asked}"
        );
        // RFC 7617: the name and the password in base64.
        assert!(asked.contains(" Basic bWU6Y2FuYXJ5\r\n"), "{asked}");
    }

    let (address, asked) = proxy(Speech::Socks, bench.api.address).await;
    let server = format!("{SERVER}', proxy-url: 'socks5://{address}");
    write_kubeconfig(&bench.path(), &server, "token: good");
    bench.watch().live().await;
    let port = 6443_u16.to_be_bytes();
    let name = [&b"cluster.invalid"[..], &port].concat();
    assert!(asked.lock().unwrap().iter().all(|asked| *asked == name));
    assert!(!asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_said_and_not_gone_around() {
    for scheme in ["https", "socks4", "ftp"] {
        let bench = bench_by(&format!("{scheme}://me:canary@127.0.0.1:1")).await;
        let mut seen = bench.watch();
        let failed = seen.until("failed", |status| {
            matches!(status.state, ClusterState::Failed(_))
        });
        let ClusterState::Failed(fault) = failed.await.state.clone() else {
            unreachable!("it was waited for");
        };
        let said = fault.message.to_string();
        assert_eq!(fault.code, "kubeconfig", "{said}");
        assert!(said.contains("127.0.0.1:1' cannot be used"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn credentials_that_are_not_there_are_named_and_waited_for() {
    let bench = Bench::new().await;
    let token = bench.folder.path().join("token");
    bench.write_kubeconfig(&format!("tokenFile: '{}'", token.display()));
    let mut seen = bench.watch();
    let (_, fault) = seen.stale().await;
    let said = fault.message.to_string();
    assert_eq!(fault.code, "kubeconfig", "{said}");
    for part in [token.to_str().unwrap(), "context 'lab' cannot be used"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    fs::write(&token, "good").unwrap();
    seen.live().await;
}
