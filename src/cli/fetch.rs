//! A first request through a tunnel: enough of HTTP/1.1 to read one page, and one line to an echo service.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a request may take from the connection to the last byte.
const FETCH_LIMIT: Duration = Duration::from_secs(5);
/// More than any page of the demo has.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body, as text.
    pub(super) body: String,
}

/// Gets `/` from `address`.
///
/// # Errors
/// Says what went wrong: no connection, no answer in time, no HTTP.
pub(super) async fn get(address: SocketAddr) -> anyhow::Result<Page> {
    let exchange = async {
        let mut stream = connect(address).await?;
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream
            .take(MAX_ANSWER_BYTES)
            .read_to_end(&mut answer)
            .await
            .context("the answer was cut off")?;
        parse(&answer)
    };
    in_time(address, exchange).await
}

/// Sends `line` to an echo service and expects it back.
///
/// # Errors
/// Says what went wrong: no connection, no answer in time, another answer.
pub(super) async fn echo(address: SocketAddr, line: &str) -> anyhow::Result<()> {
    let exchange = async {
        let mut stream = connect(address).await?;
        stream.write_all(line.as_bytes()).await?;
        let mut answer = vec![0; line.len()];
        stream
            .read_exact(&mut answer)
            .await
            .context("the answer was cut off")?;
        ensure!(answer == line.as_bytes(), "something else came back");
        Ok(())
    };
    in_time(address, exchange).await
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    TcpStream::connect(address).await.context("cannot connect")
}

async fn in_time<T>(
    address: SocketAddr,
    exchange: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    match tokio::time::timeout(FETCH_LIMIT, exchange).await {
        Ok(done) => done.with_context(|| format!("no page from {address}")),
        Err(_elapsed) => bail!(
            "{address} did not answer within {} s",
            FETCH_LIMIT.as_secs()
        ),
    }
}

fn parse(answer: &[u8]) -> anyhow::Result<Page> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .context("the connection ended without an HTTP answer")?;
    let mut words = head.split(' ');
    ensure!(
        words
            .next()
            .is_some_and(|version| version.starts_with("HTTP/1.")),
        "the answer is not HTTP"
    );
    let status = words.next().and_then(|status| status.parse().ok());
    Ok(Page {
        status: status.context("the answer has no HTTP status")?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn answers_are_parsed() {
        let page = parse(b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nbody").unwrap();
        assert_eq!((page.status, page.body.as_str()), (404, "body"));
        for answer in [&b""[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"] {
            assert!(parse(answer).is_err());
        }
    }

    #[tokio::test]
    async fn an_echo_must_be_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            for answer in [&b"hello"[..], b"HELLO"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 5];
                stream.read_exact(&mut asked).await.unwrap();
                stream.write_all(answer).await.unwrap();
            }
        };
        let ask = async {
            echo(address, "hello").await.unwrap();
            echo(address, "hello").await.unwrap_err()
        };
        let ((), error) = tokio::join!(serve, ask);
        assert!(format!("{error:#}").contains("something else"), "{error:#}");
    }
}
