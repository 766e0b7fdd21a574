//! Names of things: hosts, services, tunnels. Each has a type of its own so that one is never taken for another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a host profile: what the person calls the host, or its address when it was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(Arc<str>);

impl HostId {
    /// A host id with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a Kubernetes namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// A namespace with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Service's namespace and name: what identifies it within one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// The namespace the Service lives in.
    pub namespace: Namespace,
    /// The Service's `metadata.name`.
    pub name: Arc<str>,
}

impl ServiceKey {
    /// The key of service `name` in `namespace`.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: Namespace::new(namespace),
            name: name.into(),
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Why a text is not `NAMESPACE/SERVICE` or `NAMESPACE/SERVICE:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not NAMESPACE/SERVICE[:PORT]: {problem}")]
pub struct ParseServiceError {
    /// What was given.
    pub text: String,
    /// Which part is wrong.
    pub problem: &'static str,
}

impl FromStr for ServiceKey {
    type Err = ParseServiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem| ParseServiceError {
            text: text.to_owned(),
            problem,
        };
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| fail("there is no '/' after the namespace"))?;
        if !is_dns_label(namespace) {
            return Err(fail(
                "the namespace is not a DNS label (lower-case letters, digits and '-')",
            ));
        }
        if !is_dns_label(name) {
            return Err(fail(
                "the service is not a DNS label (lower-case letters, digits and '-')",
            ));
        }
        Ok(Self::new(namespace, name))
    }
}

/// RFC 1123 labels, as Kubernetes asks of namespaces and services: at most 63 of `[a-z0-9-]`, no '-' at either end.
fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What identifies a tunnel: the port of a service, or the place of a hand-made forward among those given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelId {
    /// The tunnel of one TCP port of a Service.
    Service {
        /// The Service.
        service: ServiceKey,
        /// The Service's port number (`spec.ports[].port`).
        port: u16,
    },
    /// A forward as `ssh -L` has them, by its index among the forwards of this run.
    Forward(u16),
}

impl TunnelId {
    /// The tunnel of `port` of `service`.
    #[must_use]
    pub const fn service(service: ServiceKey, port: u16) -> Self {
        Self::Service { service, port }
    }
}

impl fmt::Display for TunnelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { service, port } => write!(f, "{service}:{port}"),
            Self::Forward(index) => write!(f, "forward {}", index + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_keys_parse_and_print() {
        let key: ServiceKey = "shop/store-front".parse().unwrap();
        assert_eq!(key, ServiceKey::new("shop", "store-front"));
        assert_eq!(key.to_string(), "shop/store-front");
    }

    #[test]
    fn bad_service_keys_say_what_is_wrong() {
        for (text, part) in [
            ("ui", "no '/'"),
            ("Shop/ui", "namespace"),
            ("shop/", "service"),
            ("shop/a/b", "service"),
            ("-a/b", "namespace"),
        ] {
            let error = ServiceKey::from_str(text).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}
