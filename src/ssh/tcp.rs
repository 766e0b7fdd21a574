//! The TCP connection to the first host on the way.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, TcpKeepalive, Type};

use crate::model::{Family, FaultCause, HostProfile, Words, printable, words};

/// Tries the host's addresses one after the other, all within the profile's limit, until `is_cancelled`.
pub(super) fn connect(
    profile: &HostProfile,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<TcpStream, FaultCause> {
    let limit = profile.connect_timeout;
    let addresses = addresses(&profile.address, profile.port, profile.address_family)?;
    let local = local_addresses(profile)?;
    let deadline = Instant::now() + limit;
    let mut failure = not_found(&profile.address, words!("it has no address"));
    for (index, candidate) in addresses.iter().enumerate() {
        // Those that are still to be tried keep their share of the time.
        let left = deadline.saturating_duration_since(Instant::now());
        let shares = u32::try_from(addresses.len() - index).unwrap_or(1);
        if is_cancelled() || left.is_zero() {
            break;
        }
        match connect_to(*candidate, local.as_deref(), left / shares) {
            Ok(stream) => {
                prepare(&stream, limit);
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                failure = FaultCause::ConnectTimedOut { after: limit };
            }
            Err(error) => failure = io_cause(&error),
        }
    }
    Err(failure)
}

fn addresses(host: &str, port: u16, family: Option<Family>) -> Result<Vec<SocketAddr>, FaultCause> {
    let all = (host, port)
        .to_socket_addrs()
        .map_err(|error| not_found(host, resolver_words(&error).into()))?;
    let fits = |address: &SocketAddr| match family {
        None => true,
        Some(Family::V4) => address.is_ipv4(),
        Some(Family::V6) => address.is_ipv6(),
    };
    let fitting: Vec<SocketAddr> = all.filter(fits).collect();
    match (fitting.is_empty(), family) {
        (false, _) => Ok(fitting),
        (true, None) => Err(not_found(host, words!("it has no address"))),
        (true, Some(Family::V4)) => Err(not_found(
            host,
            words!("it has no IPv4 address, and AddressFamily asks for one"),
        )),
        (true, Some(Family::V6)) => Err(not_found(
            host,
            words!("it has no IPv6 address, and AddressFamily asks for one"),
        )),
    }
}

fn not_found(host: &str, reason: Words) -> FaultCause {
    FaultCause::NameNotFound {
        host: host.to_owned(),
        reason,
    }
}

/// What the resolver says, without what the standard library says before it.
#[must_use]
pub fn resolver_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.strip_prefix("failed to lookup address information: ") {
        Some(reason) => reason.to_owned(),
        None => words,
    }
}

/// The addresses of `BindAddress`, which may be a name; none where it is not set.
fn local_addresses(profile: &HostProfile) -> Result<Option<Vec<SocketAddr>>, FaultCause> {
    let Some(text) = &profile.bind_address else {
        return Ok(None);
    };
    match (text.as_str(), 0).to_socket_addrs() {
        Ok(addresses) => Ok(Some(addresses.collect())),
        Err(error) => Err(FaultCause::Config {
            reason: words!(
                "BindAddress {address} cannot be used: {reason}",
                address = printable(text),
                reason = resolver_words(&error)
            ),
        }),
    }
}

fn connect_to(
    address: SocketAddr,
    local: Option<&[SocketAddr]>,
    limit: Duration,
) -> io::Result<TcpStream> {
    let Some(local) = local else {
        return TcpStream::connect_timeout(&address, limit);
    };
    let fitting = local.iter().find(|own| own.is_ipv4() == address.is_ipv4());
    let own = fitting.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "BindAddress is of another address family",
        )
    })?;
    let socket = socket2::Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.bind(&(*own).into()).map_err(|error| {
        io::Error::new(error.kind(), format!("BindAddress {}: {error}", own.ip()))
    })?;
    socket.connect_timeout(&address.into(), limit)?;
    Ok(socket.into())
}

/// Options that make a forwarded connection as quick as a direct one, and a dead network noticed. None of them is vital.
fn prepare(stream: &TcpStream, limit: Duration) {
    let socket = SockRef::from(stream);
    let note = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            tracing::debug!(%error, "{what} could not be set");
        }
    };
    note("TCP_NODELAY", socket.set_tcp_nodelay(true));
    note(
        "SO_KEEPALIVE",
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(15))),
    );
    #[cfg(any(target_os = "linux", target_os = "android"))]
    note(
        "TCP_USER_TIMEOUT",
        socket.set_tcp_user_timeout(Some(limit.max(Duration::from_secs(15)))),
    );
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _only_on_linux = limit;
}

/// What an error of the system's means for a connection that is being made.
pub(super) fn io_cause(error: &io::Error) -> FaultCause {
    if Errno::from_io_error(error) == Some(Errno::MFILE) {
        return FaultCause::TooManyFiles;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FaultCause::ConnectRefused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            FaultCause::ConnectFailed {
                reason: words!(
                    "there is no route to it ({reason})",
                    reason = error.to_string()
                ),
            }
        }
        io::ErrorKind::ConnectionReset => FaultCause::ConnectReset,
        _ => FaultCause::ConnectFailed {
            reason: error.to_string().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listener() -> (TcpListener, HostProfile) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, HostProfile::new("u", "127.0.0.1", port))
    }

    #[test]
    fn the_bind_address_is_where_the_connection_comes_from() {
        let (listener, mut profile) = listener();
        profile.bind_address = Some("127.0.0.7".to_owned());
        let _stream = connect(&profile, &|| false).unwrap();
        let (_accepted, peer) = listener.accept().unwrap();
        assert_eq!(peer.ip().to_string(), "127.0.0.7");
    }

    #[test]
    fn what_cannot_be_bound_is_named() {
        let (_listener, mut profile) = listener();
        profile.bind_address = Some("192.0.2.1".to_owned());
        let cause = connect(&profile, &|| false).unwrap_err();
        assert!(
            matches!(&cause, FaultCause::ConnectFailed { reason } if reason.contains("BindAddress 192.0.2.1")),
            "{cause:?}"
        );
    }

    #[test]
    fn the_address_family_is_kept_to() {
        let (_listener, mut profile) = listener();
        profile.address_family = Some(Family::V4);
        connect(&profile, &|| false).unwrap();
        profile.address_family = Some(Family::V6);
        let cause = connect(&profile, &|| false).unwrap_err();
        assert!(
            matches!(&cause, FaultCause::NameNotFound { reason, .. } if reason.contains("IPv6")),
            "{cause:?}"
        );
    }

    #[test]
    fn ways_that_do_not_exist_are_said_to_be_none() {
        for (kind, part) in [
            (io::ErrorKind::HostUnreachable, "no route"),
            (io::ErrorKind::NetworkUnreachable, "no route"),
        ] {
            let cause = io_cause(&kind.into());
            assert!(
                matches!(&cause, FaultCause::ConnectFailed { reason } if reason.contains(part)),
                "{cause:?}"
            );
        }
    }

    #[test]
    fn a_closed_port_refuses() {
        let (listener, profile) = listener();
        drop(listener);
        assert_eq!(
            connect(&profile, &|| false).unwrap_err(),
            FaultCause::ConnectRefused
        );
    }
}
