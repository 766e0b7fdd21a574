//! Forwards as `ssh -L` takes them.

use std::path::PathBuf;
use std::str::FromStr;

use super::address::{BindAddress, Destination, LocalBind};
use super::text::printable;
use super::words::{Words, words};

/// One `-L` of ssh(1): where to listen, and what the server dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardSpec {
    /// Where to listen.
    pub local: LocalBind,
    /// What the server dials.
    pub destination: Destination,
}

/// Why a text is no `-L` argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct ParseForwardError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: Words,
}

impl ParseForwardError {
    /// What is wrong and what would do, without a full stop.
    #[must_use]
    pub fn words(&self) -> Words {
        words!(
            "'{text}' is not a local forward: {problem}. Use [BIND_ADDRESS:]PORT:HOST:HOSTPORT, [BIND_ADDRESS:]PORT:/REMOTE/SOCKET, \
             /LOCAL/SOCKET:HOST:HOSTPORT or /LOCAL/SOCKET:/REMOTE/SOCKET, with IPv6 addresses in [brackets]",
            text = printable(&self.text),
            problem = &self.problem
        )
    }
}

impl FromStr for ForwardSpec {
    type Err = ParseForwardError;

    /// Reads all forms of ssh(1)'s `-L`, also with a space between the two halves as ssh_config's `LocalForward` has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| ParseForwardError {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<ForwardSpec, Words> {
    let mut fields = fields(text)?;
    let destination = match fields.pop() {
        Some(path) if is_path(&path) => Destination::Socket(path),
        Some(port) => {
            let host = fields
                .pop()
                .ok_or_else(|| words!("the host to forward to is missing"))?;
            if host.is_empty() {
                return Err(words!("the host to forward to is empty"));
            }
            Destination::Tcp {
                host,
                port: remote_port(&port)?,
            }
        }
        None => return Err(words!("it is empty")),
    };
    Ok(ForwardSpec {
        local: local(fields)?,
        destination,
    })
}

fn local(fields: Vec<String>) -> Result<LocalBind, Words> {
    match <[String; 1]>::try_from(fields) {
        Ok([path]) if is_path(&path) => Ok(LocalBind::Socket(PathBuf::from(path))),
        Ok([port]) => Ok(LocalBind::Port {
            address: BindAddress::Localhost,
            port: local_port(&port)?,
        }),
        Err(fields) => match <[String; 2]>::try_from(fields) {
            Ok([address, port]) => Ok(LocalBind::Port {
                address: address.parse().map_err(bad_address)?,
                port: local_port(&port)?,
            }),
            Err(fields) if fields.is_empty() => Err(words!("the local port or socket is missing")),
            Err(_) => Err(words!("there are too many ':'")),
        },
    }
}

/// The parts between colons (or the spaces of `LocalForward`), with brackets around IPv6 addresses removed.
fn fields(text: &str) -> Result<Vec<String>, Words> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    loop {
        let (field, after) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (address, after) = inner
                    .split_once(']')
                    .ok_or_else(|| words!("a '[' is not closed"))?;
                (address, after)
            }
            None => rest.split_at(rest.find([':', ' ', '\t']).unwrap_or(rest.len())),
        };
        fields.push(field.to_owned());
        let next = after.trim_start_matches([' ', '\t']);
        let spaced = next.len() < after.len();
        rest = match next.strip_prefix(':') {
            Some(next) => next,
            None if next.is_empty() => return Ok(fields),
            None if spaced => next,
            None => return Err(words!("a ']' is followed by something other than ':'")),
        };
    }
}

/// OpenSSH takes whatever holds a '/' for a socket's path.
fn is_path(field: &str) -> bool {
    field.contains('/')
}

fn local_port(text: &str) -> Result<u16, Words> {
    text.parse()
        .map_err(|_not_a_number: std::num::ParseIntError| {
            words!(
                "'{text}' is not a port from 0 to 65535",
                text = printable(text)
            )
        })
}

fn remote_port(text: &str) -> Result<u16, Words> {
    match text.parse() {
        Ok(0) | Err(_) => Err(words!(
            "'{text}' is not a port from 1 to 65535",
            text = printable(text)
        )),
        Ok(port) => Ok(port),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err hands its error over by value"
)]
fn bad_address(error: super::address::ParseAddressError) -> Words {
    words!(
        "'{text}' cannot be bound: {problem}",
        text = printable(&error.text),
        problem = error.problem.to_string()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: BindAddress, port: u16) -> LocalBind {
        LocalBind::Port { address, port }
    }

    #[test]
    fn every_form_of_ssh_is_read() {
        let ip = |text: &str| BindAddress::Ip(text.parse().unwrap());
        let ui = || Destination::tcp("10.0.0.241", 80);
        let socket = |path: &str| LocalBind::Socket(PathBuf::from(path));
        for (text, local, destination) in [
            (
                "8080:10.0.0.241:80",
                port(BindAddress::Localhost, 8080),
                ui(),
            ),
            (
                "localhost:8080:10.0.0.241:80",
                port(BindAddress::Localhost, 8080),
                ui(),
            ),
            ("0:10.0.0.241:80", port(BindAddress::Localhost, 0), ui()),
            (
                "127.0.0.1:8080:10.0.0.241:80",
                port(ip("127.0.0.1"), 8080),
                ui(),
            ),
            ("*:8080:10.0.0.241:80", port(BindAddress::All, 8080), ui()),
            (":8080:10.0.0.241:80", port(BindAddress::All, 8080), ui()),
            (
                "[::1]:8080:[fd00::241]:80",
                port(ip("::1"), 8080),
                Destination::tcp("fd00::241", 80),
            ),
            (
                "8080:ui.default.svc:80",
                port(BindAddress::Localhost, 8080),
                Destination::tcp("ui.default.svc", 80),
            ),
            (
                "8080 10.0.0.241:80",
                port(BindAddress::Localhost, 8080),
                ui(),
            ),
            (
                "8080:/run/docker.sock",
                port(BindAddress::Localhost, 8080),
                Destination::Socket("/run/docker.sock".into()),
            ),
            ("/tmp/ui.sock:10.0.0.241:80", socket("/tmp/ui.sock"), ui()),
            (
                "/tmp/d.sock:/run/docker.sock",
                socket("/tmp/d.sock"),
                Destination::Socket("/run/docker.sock".into()),
            ),
        ] {
            assert_eq!(
                text.parse::<ForwardSpec>().unwrap(),
                ForwardSpec { local, destination },
                "{text}"
            );
        }
    }

    #[test]
    fn bad_forwards_say_what_is_wrong() {
        for (text, part) in [
            ("", "host to forward to is missing"),
            ("8080", "host to forward to is missing"),
            ("8080:ui", "not a port"),
            ("ui:80", "local port or socket is missing"),
            ("8080::80", "empty"),
            ("http:ui:80", "'http' is not a port"),
            ("8080:ui:0", "'0' is not a port from 1"),
            ("8080:ui:70000", "70000"),
            ("a:b:c:d:e", "not a port"),
            ("1:2:3:ui:80", "too many"),
            ("[::1:8080:ui:80", "not closed"),
            ("[::1]8080:ui:80", "']' is followed"),
            ("myhost:8080:ui:80", "'myhost' cannot be bound"),
        ] {
            let error = text.parse::<ForwardSpec>().unwrap_err();
            assert!(error.problem.contains(part), "{text}: {error}");
        }
    }
}
