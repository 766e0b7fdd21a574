//! Clients of a tunnel that leads wherever each of them asks to go (`ssh -D`).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::carrier::Carrier;
use crate::model::Destination;
use crate::net::{SocksDenial, SocksError, SocksRequest, negotiate};
use crate::ssh::{OpenError, Preface, Refusal, Socket};

/// How long a client may take to say where it wants to go.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// What a host is asked for to show that it forwards at all: its own port 1, where nothing listens, so that nobody but the
/// host notices. That it refuses the connection, rather than the forwarding, is the proof.
pub(super) fn proof_of_forwarding() -> Destination {
    Destination::tcp("127.0.0.1", 1)
}

/// Whether an answer to [`proof_of_forwarding`] shows that the host forwards.
pub(super) fn forwards(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Refused {
            refusal: Refusal::ConnectFailed,
            ..
        }
    )
}

/// Hears where a client wants to go, and has it carried there.
pub(super) async fn receive(socket: Socket, origin: Option<SocketAddr>, carrier: Carrier) {
    match hear(socket).await {
        Ok((socket, request)) => carry(socket, origin, &request, &carrier).await,
        Err(error) => tracing::info!(%error, "a SOCKS client was turned away"),
    }
}

async fn hear(socket: Socket) -> Result<(Socket, SocksRequest), SocksError> {
    match socket {
        Socket::Tcp(stream) => {
            let mut stream = tokio::net::TcpStream::from_std(stream)?;
            let request = within_limit(&mut stream).await?;
            Ok((Socket::Tcp(stream.into_std()?), request))
        }
        #[cfg(unix)]
        Socket::Unix(stream) => {
            let mut stream = tokio::net::UnixStream::from_std(stream)?;
            let request = within_limit(&mut stream).await?;
            Ok((Socket::Unix(stream.into_std()?), request))
        }
    }
}

async fn within_limit<S>(client: &mut S) -> Result<SocksRequest, SocksError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match timeout(GREETING_LIMIT, negotiate(client)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

async fn carry(
    socket: Socket,
    origin: Option<SocketAddr>,
    request: &SocksRequest,
    carrier: &Carrier,
) {
    let refused = request.clone();
    let preface = Preface {
        opened: request.granted(),
        failed: Box::new(move |error| refused.denied(denial(error))),
    };
    carrier
        .hand_over(socket, origin, &request.destination, Some(preface))
        .await;
}

/// RFC 4254 has one code for all that can go wrong with a connect; sshd says in words, as strerror has them, which it was.
fn denial(error: &OpenError) -> SocksDenial {
    let OpenError::Refused { refusal, words } = error else {
        return SocksDenial::General;
    };
    match refusal {
        Refusal::Prohibited => SocksDenial::NotAllowed,
        Refusal::UnknownType | Refusal::ResourceShortage => SocksDenial::General,
        Refusal::ConnectFailed => match words.as_str() {
            "Network is unreachable" => SocksDenial::NetworkUnreachable,
            "No route to host" | "Connection timed out" => SocksDenial::HostUnreachable,
            _ => SocksDenial::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_says_becomes_a_reply_code() {
        let refused = |refusal, words: &str| OpenError::Refused {
            refusal,
            words: words.to_owned(),
        };
        for (error, expected) in [
            (refused(Refusal::Prohibited, ""), SocksDenial::NotAllowed),
            (refused(Refusal::ConnectFailed, ""), SocksDenial::Refused),
            (
                refused(Refusal::ConnectFailed, "No route to host"),
                SocksDenial::HostUnreachable,
            ),
            (
                refused(Refusal::ConnectFailed, "Network is unreachable"),
                SocksDenial::NetworkUnreachable,
            ),
            (OpenError::SessionEnded, SocksDenial::General),
        ] {
            assert_eq!(denial(&error), expected, "{error}");
        }
    }
}
