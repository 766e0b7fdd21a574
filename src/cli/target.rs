//! `NS/SVC[:PORT]`: what `adit up` opens.

use std::str::FromStr;

pub(super) use crate::control::{local_url, only_tcp_port};
use crate::model::{ParseServiceError, ServiceKey};

/// A service, with the port where one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceTarget {
    /// The service.
    pub(super) service: ServiceKey,
    /// Its port number.
    pub(super) port: Option<u16>,
}

impl FromStr for ServiceTarget {
    type Err = ParseServiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((service, port)) = text.split_once(':') else {
            return Ok(Self {
                service: text.parse()?,
                port: None,
            });
        };
        let service = service.parse()?;
        match port.parse() {
            Ok(port @ 1..) => Ok(Self {
                service,
                port: Some(port),
            }),
            _ => Err(ParseServiceError {
                text: text.to_owned(),
                problem: "the port is not a number from 1 to 65535",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_parse() {
        let ui = ServiceKey::new("default", "ui");
        for (text, port) in [("default/ui", None), ("default/ui:80", Some(80))] {
            let expected = ServiceTarget {
                service: ui.clone(),
                port,
            };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for (text, part) in [
            ("ui", "no '/'"),
            ("default/ui:", "port is not a number"),
            ("default/ui:0", "port is not a number"),
            ("default/ui:http", "port is not a number"),
            ("default/ui:80:81", "port is not a number"),
        ] {
            let error = text.parse::<ServiceTarget>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
