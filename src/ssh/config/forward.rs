//! `LocalForward` and `DynamicForward`, and `-L` and `-D`, read as OpenSSH reads them.

use std::fmt;

use super::query::System;
use super::value;
use crate::model::{BindAddress, Destination, ForwardSpec, LocalBind, Words, words};

/// A forward of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where to listen.
    pub listen: Listen,
    /// Where to; none leaves it to each client by SOCKS (`DynamicForward`).
    pub connect: Option<Connect>,
}

/// Where a forward listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket.
    Path(String),
    /// A TCP port.
    Port {
        /// The address or name to bind, as it was given: none is loopback, or everything with `GatewayPorts`; empty and
        /// `*` are everything.
        host: Option<String>,
        /// The port; 0 is any.
        port: u16,
    },
}

/// Where a forward leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connect {
    /// A Unix socket on the server.
    Path(String),
    /// A TCP port on the server's side.
    Tcp {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// The forwards of a configuration in Adit's own terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwards {
    /// Of `LocalForward`.
    pub local: Vec<ForwardSpec>,
    /// Of `DynamicForward`.
    pub dynamic: Vec<LocalBind>,
    /// Those whose bind address is a name: Adit binds addresses only.
    pub unsupported: Vec<Forward>,
}

impl Listen {
    /// The listener in Adit's terms; none where it is to bind a name other than `localhost`.
    fn bind(&self, gateway_ports: bool) -> Option<LocalBind> {
        match self {
            Self::Path(path) => Some(LocalBind::Socket(path.into())),
            Self::Port { host, port } => {
                let address = match host {
                    None if gateway_ports => BindAddress::All,
                    None => BindAddress::Localhost,
                    Some(host) => host.parse().ok()?,
                };
                Some(LocalBind::Port {
                    address,
                    port: *port,
                })
            }
        }
    }
}

impl Forwards {
    /// Sorts `forwards`, whose paths have had their tokens replaced.
    pub(super) fn sort(forwards: &[Forward], gateway_ports: bool) -> Self {
        let mut sorted = Self::default();
        for forward in forwards {
            let Some(local) = forward.listen.bind(gateway_ports) else {
                sorted.unsupported.push(forward.clone());
                continue;
            };
            match &forward.connect {
                None => sorted.dynamic.push(local),
                Some(connect) => sorted.local.push(ForwardSpec {
                    local,
                    destination: match connect {
                        Connect::Path(path) => Destination::Socket(path.clone()),
                        Connect::Tcp { host, port } => Destination::tcp(host, *port),
                    },
                }),
            }
        }
        sorted
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Port { host: None, port } => write!(f, "{port}"),
            Self::Port {
                host: Some(host),
                port,
            } => write!(f, "[{host}]:{port}"),
        }
    }
}

impl fmt::Display for Forward {
    /// As `ssh -G` prints it, after the keyword.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listen.fmt(f)?;
        match &self.connect {
            None => Ok(()),
            Some(Connect::Path(path)) => write!(f, " {path}"),
            Some(Connect::Tcp { host, port }) => write!(f, " [{host}]:{port}"),
        }
    }
}

struct Field {
    text: String,
    /// Whatever has a '/' in it is a path.
    is_path: bool,
}

/// Reads a forward whose parts are joined by colons; its environment variables have been replaced.
pub(super) fn parse(text: &str, dynamic: bool, system: &mut dyn System) -> Result<Forward, Words> {
    let fields = fields(text.trim_start())
        .ok_or_else(|| words!("a bracket or a backslash has nothing after it"))?;
    let texts: Vec<(&str, bool)> = fields
        .iter()
        .map(|f| (f.text.as_str(), f.is_path))
        .collect();
    let mut port = |text: &str| {
        value::port(text, system)
            .ok_or_else(|| words!("'{text}' is not a port from 0 to 65535", text = text))
    };
    let mut tcp = |host: &str, port_text: &str| match port(port_text)? {
        0 => Err(words!("port 0 cannot be forwarded to")),
        _ if host.is_empty() => Err(words!("the host to forward to is empty")),
        port => Ok(Connect::Tcp {
            host: host.to_owned(),
            port,
        }),
    };
    let (listen, connect): (&[(&str, bool)], Option<Connect>) = match (dynamic, &texts[..]) {
        (true, listen @ ([_] | [_, _])) => (listen, None),
        (false, [listen @ .., (path, true)]) if matches!(listen.len(), 1 | 2) => {
            (listen, Some(Connect::Path((*path).to_owned())))
        }
        (false, [listen @ .., (host, false), (to, false)]) if matches!(listen.len(), 1 | 2) => {
            (listen, Some(tcp(host, to)?))
        }
        _ => return Err(words!("it has too few or too many parts")),
    };
    let listen = match listen {
        [(path, true)] => Listen::Path((*path).to_owned()),
        [(text, false)] => Listen::Port {
            host: None,
            port: port(text)?,
        },
        [(host, _), (text, _)] => Listen::Port {
            host: Some((*host).to_owned()),
            port: port(text)?,
        },
        _ => return Err(words!("there is nowhere to listen")),
    };
    Ok(Forward { listen, connect })
}

/// At most four parts between colons; brackets keep the colons of an address, a backslash keeps any character.
fn fields(text: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let mut field = String::new();
        let mut literal_slash = false;
        if chars.next_if_eq(&'[').is_some() {
            loop {
                match chars.next()? {
                    ']' => break,
                    c => field.push(c),
                }
            }
            if chars.next().is_some_and(|c| c != ':') {
                return None;
            }
        } else {
            while let Some(c) = chars.next() {
                match c {
                    ':' => break,
                    '\\' => {
                        let kept = chars.next()?;
                        literal_slash |= kept == '/';
                        field.push(kept);
                    }
                    c => field.push(c),
                }
            }
        }
        // A slash after a backslash is no sign of a path.
        let slashes = field.matches('/').count();
        fields.push(Field {
            is_path: slashes > usize::from(literal_slash),
            text: field,
        });
    }
    Some(fields)
}
