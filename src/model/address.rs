//! Addresses by what they mean: where a tunnel listens, what it leads to, what the SSH host is asked to dial.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use super::cluster::Route;
use super::ids::ServiceKey;

/// The interface of a listener. Everything but loopback is a choice the person made knowingly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BindAddress {
    /// `localhost`: 127.0.0.1 and, where the machine has IPv6, `::1`; what `ssh -L` binds when nothing is said.
    Localhost,
    /// Every interface (`*`): anyone who reaches this computer reaches the service.
    All,
    /// One address of this computer.
    Ip(IpAddr),
}

impl BindAddress {
    /// Whether only this computer can reach a listener bound here.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Localhost => true,
            Self::All => false,
            Self::Ip(ip) => ip.is_loopback(),
        }
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Localhost => f.write_str("localhost"),
            Self::All => f.write_str("*"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
        }
    }
}

impl FromStr for BindAddress {
    type Err = ParseAddressError;

    /// Reads an address as `ssh -L` does: empty and `*` mean every interface, `localhost` means loopback.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "*" => Ok(Self::All),
            "localhost" => Ok(Self::Localhost),
            _ => unbracketed(text).parse().map(Self::Ip).map_err(
                |_not_an_ip: std::net::AddrParseError| ParseAddressError {
                    text: text.to_owned(),
                    problem: "a bind address is an IP address, 'localhost' or '*'",
                },
            ),
        }
    }
}

/// Where a tunnel listens on this computer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LocalBind {
    /// A TCP port the person named: when it is taken that is a fault, and another is only offered.
    Port {
        /// The interface.
        address: BindAddress,
        /// The port; 0 asks the system for any free one.
        port: u16,
    },
    /// A TCP port on 127.0.0.1 that Adit picks, this one if it is free.
    Automatic {
        /// The port that is tried first.
        preferred: u16,
    },
    /// A Unix socket at this path.
    Socket(PathBuf),
}

impl LocalBind {
    /// A named port on 127.0.0.1.
    #[must_use]
    pub const fn loopback(port: u16) -> Self {
        Self::Port {
            address: BindAddress::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port,
        }
    }

    /// The port Adit tries first for a service port: itself where anyone may bind it, else 8000 above (80 becomes 8080,
    /// 443 becomes 8443).
    #[must_use]
    pub const fn preferred_for(service_port: u16) -> Self {
        let preferred = if service_port < 1024 {
            8000 + service_port
        } else {
            service_port
        };
        Self::Automatic { preferred }
    }
}

impl fmt::Display for LocalBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { address, port } => write!(f, "{address}:{port}"),
            Self::Automatic { preferred } => write!(f, "127.0.0.1:{preferred}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl FromStr for LocalBind {
    type Err = ParseAddressError;

    /// Reads `PORT`, `ADDR:PORT` or `[V6]:PORT`; a port alone is bound on 127.0.0.1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem| ParseAddressError {
            text: text.to_owned(),
            problem,
        };
        let Some((address, port)) = text.rsplit_once(':') else {
            return text
                .parse()
                .map(Self::loopback)
                .map_err(|_not_a_number: std::num::ParseIntError| fail(PORT));
        };
        let port = port
            .parse()
            .map_err(|_not_a_number: std::num::ParseIntError| fail(PORT))?;
        Ok(Self::Port {
            address: address.parse()?,
            port,
        })
    }
}

/// What a tunnel leads to, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A port of a Service: the address behind it is looked up in the cluster and followed when it moves.
    Service {
        /// The Service.
        service: ServiceKey,
        /// Its port number.
        port: u16,
        /// The route the person chose; none leaves the choice to Adit.
        route: Option<Route>,
    },
    /// A fixed destination, as in `ssh -L`.
    Fixed(Destination),
    /// Wherever each client asks to go by SOCKS, as in `ssh -D`.
    Dynamic,
}

/// Where a tunnel's clients come out at the other side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outlet {
    /// All at one place.
    To(Destination),
    /// Each where it asks to by SOCKS.
    Socks,
}

impl Outlet {
    /// The one place, if it is one.
    #[must_use]
    pub const fn destination(&self) -> Option<&Destination> {
        match self {
            Self::To(destination) => Some(destination),
            Self::Socks => None,
        }
    }
}

impl From<Destination> for Outlet {
    fn from(destination: Destination) -> Self {
        Self::To(destination)
    }
}

/// What the SSH server is asked to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// `direct-tcpip` (RFC 4254, 7.2): a host name or address and a TCP port, resolved and dialled by the server.
    Tcp {
        /// Host name or IP address, without brackets.
        host: String,
        /// TCP port, 1 to 65535.
        port: u16,
    },
    /// `direct-streamlocal@openssh.com`: a Unix socket on the server (OpenSSH's PROTOCOL, 2.4).
    Socket(String),
}

impl Destination {
    /// The destination `host:port`.
    #[must_use]
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => f.write_str(path),
        }
    }
}

impl FromStr for Destination {
    type Err = ParseAddressError;

    /// Reads what its `Display` writes: `HOST:PORT`, `[IPV6]:PORT`, or the absolute path of a socket.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |problem| ParseAddressError {
            text: text.to_owned(),
            problem,
        };
        if text.starts_with('/') {
            return Ok(Self::Socket(text.to_owned()));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| bad("the port is missing"))?;
        let port: u16 = port.parse().map_err(|_no_number| bad(PORT))?;
        let host = unbracketed(host);
        if host.is_empty() || port == 0 {
            return Err(bad("a host and a port other than 0 are needed"));
        }
        Ok(Self::tcp(host, port))
    }
}

/// Why a text is not an address of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a valid address: {problem}")]
pub struct ParseAddressError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

const PORT: &str = "a port is a number from 0 to 65535";

/// `text` without the brackets that set an IPv6 address apart from a port.
fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_binds_parse() {
        let all = |port| LocalBind::Port {
            address: BindAddress::All,
            port,
        };
        let ip = |ip: &str, port| LocalBind::Port {
            address: BindAddress::Ip(ip.parse().unwrap()),
            port,
        };
        for (text, expected) in [
            ("8080", LocalBind::loopback(8080)),
            ("127.0.0.1:0", ip("127.0.0.1", 0)),
            ("[::1]:80", ip("::1", 80)),
            ("*:9", all(9)),
            (
                "localhost:9",
                LocalBind::Port {
                    address: BindAddress::Localhost,
                    port: 9,
                },
            ),
        ] {
            assert_eq!(text.parse::<LocalBind>().unwrap(), expected, "{text}");
        }
        for text in ["", "http", "127.0.0.1:70000", "example.org:80", "1.2.3:4"] {
            assert!(text.parse::<LocalBind>().is_err(), "{text}");
        }
    }

    #[test]
    fn preferred_ports_can_be_bound_by_anyone() {
        for (service, local) in [
            (80, 8080),
            (443, 8443),
            (53, 8053),
            (1023, 9023),
            (3000, 3000),
            (65535, 65535),
        ] {
            assert_eq!(
                LocalBind::preferred_for(service),
                LocalBind::Automatic { preferred: local }
            );
        }
    }

    #[test]
    fn ipv6_destinations_are_bracketed() {
        assert_eq!(
            Destination::tcp("fd00::241", 80).to_string(),
            "[fd00::241]:80"
        );
        assert_eq!(
            Destination::tcp("10.0.0.241", 80).to_string(),
            "10.0.0.241:80"
        );
    }
}
