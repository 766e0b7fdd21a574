//! `NS/SVC[:PORT]`: what `adit up` opens.

use std::str::FromStr;

use crate::model::{ParseServiceError, Protocol, ServiceKey, ServicePort};

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

/// The only TCP port among `ports`.
///
/// # Errors
/// A sentence with the ports to choose from, where there are none or several.
pub(super) fn only_tcp_port(service: &ServiceKey, ports: &[ServicePort]) -> Result<u16, String> {
    let tcp: Vec<&ServicePort> = ports
        .iter()
        .filter(|port| port.protocol == Protocol::Tcp)
        .collect();
    match tcp.as_slice() {
        [only] => Ok(only.number),
        [] => Err(format!(
            "{service} has no TCP port, and SSH carries TCP only; its ports: {}",
            list(&ports.iter().collect::<Vec<_>>())
        )),
        several => Err(format!(
            "{service} has several TCP ports: {}. Name one, as in {service}:{}",
            list(several),
            several[0].number
        )),
    }
}

fn list(ports: &[&ServicePort]) -> String {
    let words: Vec<String> = ports.iter().map(|port| in_words(port)).collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

/// `80 (http)`, `53/UDP (dns)`.
fn in_words(port: &ServicePort) -> String {
    let number = match port.protocol {
        Protocol::Tcp => port.number.to_string(),
        other => format!("{}/{}", port.number, other.as_str()),
    };
    if port.name.is_empty() {
        number
    } else {
        format!("{number} ({})", port.name)
    }
}

/// How a program on this computer names a port of a service at `local`: a URL where the port is known to speak HTTP, else
/// the address alone.
pub(super) fn local_url(local: &str, port: u16, port_name: &str) -> String {
    let named = |word| port_name.split('-').any(|part| part == word);
    if named("https") || matches!(port, 443 | 8443 | 6443) {
        format!("https://{local}")
    } else if named("http") || named("web") || matches!(port, 80 | 3000 | 8000 | 8080 | 9090) {
        format!("http://{local}")
    } else {
        local.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16, protocol: Protocol, name: &str) -> ServicePort {
        ServicePort {
            name: name.to_owned(),
            number,
            protocol,
            target_port: number.to_string(),
            node_port: None,
            app_protocol: None,
        }
    }

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

    #[test]
    fn the_only_tcp_port_is_taken_and_several_are_listed() {
        let key = ServiceKey::new("shop", "dns");
        let udp = port(53, Protocol::Udp, "dns");
        let tcp = port(53, Protocol::Tcp, "dns-tcp");
        let metrics = port(9153, Protocol::Tcp, "");
        assert_eq!(only_tcp_port(&key, &[udp.clone(), tcp.clone()]), Ok(53));
        assert_eq!(
            only_tcp_port(&key, &[udp.clone(), tcp, metrics]),
            Err(
                "shop/dns has several TCP ports: 53 (dns-tcp), 9153. Name one, as in shop/dns:53"
                    .to_owned()
            )
        );
        assert_eq!(
            only_tcp_port(&key, &[udp]),
            Err(
                "shop/dns has no TCP port, and SSH carries TCP only; its ports: 53/UDP (dns)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn urls_have_a_scheme_only_where_it_is_known() {
        for (port, name, expected) in [
            (80, "", "http://a:1"),
            (443, "", "https://a:1"),
            (8100, "http-metrics", "http://a:1"),
            (9443, "https", "https://a:1"),
            (5432, "postgres", "a:1"),
        ] {
            assert_eq!(local_url("a:1", port, name), expected, "{port} {name}");
        }
    }
}
