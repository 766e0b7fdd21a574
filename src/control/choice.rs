//! Which tunnels are meant where a person names none, and what a program on this computer calls them. Pure.

use std::sync::Arc;

use crate::model::{
    Intent, LbService, ListenAddress, Protocol, ServiceKey, ServicePort, Snapshot, Target,
    TunnelId, TunnelStatus,
};

/// Every tunnel that "open all" means, in the order in which they are opened: the favourites, then what was opened before.
/// Never the whole cluster, which may have thousands of services.
#[must_use]
pub fn everything(snapshot: &Snapshot) -> Vec<TunnelId> {
    let mut all: Vec<TunnelId> = Vec::new();
    let favourites = snapshot.settings.favourites.iter();
    let ports = favourites.flat_map(|service| tunnels_of(snapshot, service));
    for id in ports.chain(snapshot.tunnels.keys().cloned()) {
        if !all.contains(&id) {
            all.push(id);
        }
    }
    all
}

/// The tunnels of a service: one for each of its TCP ports, or those that are known where the cluster is not.
#[must_use]
pub fn tunnels_of(snapshot: &Snapshot, service: &ServiceKey) -> Vec<TunnelId> {
    let known =
        |id: &&TunnelId| matches!(id, TunnelId::Service { service: of, .. } if of == service);
    match snapshot.cluster.services.get(service) {
        Some(found) => tcp_ports(found)
            .map(|port| TunnelId::service(service.clone(), port))
            .collect(),
        None => snapshot.tunnels.keys().filter(known).cloned().collect(),
    }
}

fn tcp_ports(service: &Arc<LbService>) -> impl Iterator<Item = u16> + '_ {
    service
        .ports
        .iter()
        .filter(|port| port.protocol == Protocol::Tcp)
        .map(|port| port.number)
}

/// The tunnels that are wanted open.
pub fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<TunnelStatus>> {
    snapshot
        .tunnels
        .values()
        .filter(|status| status.intent == Intent::Up)
}

/// The URL of a tunnel, where it listens and is known to speak HTTP.
#[must_use]
pub fn url(snapshot: &Snapshot, status: &TunnelStatus) -> Option<String> {
    let Target::Service { service, port, .. } = &status.spec.target else {
        return None;
    };
    let local = status.listening.iter().find_map(|listen| match listen {
        ListenAddress::Tcp(address) => Some(address.to_string()),
        ListenAddress::Socket(_) => None,
    })?;
    let found = snapshot.cluster.services.get(service);
    let name = found
        .and_then(|service| service.tcp_port(*port))
        .map_or("", |port| port.name.as_str());
    Some(local_url(&local, *port, name)).filter(|url| *url != local)
}

/// The only TCP port among `ports`.
///
/// # Errors
/// A sentence with the ports to choose from, where there are none or several.
pub fn only_tcp_port(service: &ServiceKey, ports: &[ServicePort]) -> Result<u16, String> {
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
#[must_use]
pub fn local_url(local: &str, port: u16, port_name: &str) -> String {
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
