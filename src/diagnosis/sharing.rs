//! Services that share an address: MetalLB lets them if they say so, in the same words, and do not get in each other's way.

use std::net::IpAddr;

use crate::model::{Finding, ServiceKey};

use super::facts::ServiceFacts;
use super::words::error;
use crate::model::{Part, words};

/// Why an address that is in use cannot be shared.
pub(super) enum Clash {
    /// One of the two does not share at all.
    NotShared,
    /// The sharing keys differ.
    Keys,
    /// With externalTrafficPolicy Local both must select the same pods.
    Backends,
    /// Both have this port.
    Port(String),
}

/// Why `service` cannot have an address together with `holder`; none where it can.
pub(super) fn clash(service: &ServiceFacts, holder: &ServiceFacts) -> Option<Clash> {
    let key = |facts: &ServiceFacts| facts.sharing_key.clone().unwrap_or_default();
    let (own, other) = (key(service), key(holder));
    if own.is_empty() && other.is_empty() {
        return Some(Clash::NotShared);
    }
    if own != other {
        return Some(Clash::Keys);
    }
    let backends = |facts: &ServiceFacts| facts.local_traffic_only.then(|| facts.selector.clone());
    if backends(service).unwrap_or_default() != backends(holder).unwrap_or_default() {
        return Some(Clash::Backends);
    }
    let same = service.ports.iter().find(|port| {
        holder
            .ports
            .iter()
            .any(|taken| (taken.protocol, taken.number) == (port.protocol, port.number))
    })?;
    Some(Clash::Port(format!(
        "{}/{}",
        same.protocol.as_str(),
        same.number
    )))
}

/// An address was asked for that cannot be shared with whoever has it.
pub(super) fn in_use(
    ip: IpAddr,
    holders: &[(&ServiceKey, &ServiceFacts)],
    clash: &Clash,
) -> Finding {
    let by = Part::list(holders.iter().map(|(key, _)| key));
    match clash {
        Clash::NotShared => error(
            "ip-in-use",
            words!("It asks for {ip}, which {by} has.", ip = ip, by = by),
            words!(
                "Ask for another address, or give both services the same value in the annotation metallb.io/allow-shared-ip."
            ),
        ),
        Clash::Keys => error(
            "sharing-key-clash",
            words!(
                "It asks for {ip}, which {by} has, and their annotations metallb.io/allow-shared-ip are not the same.",
                ip = ip,
                by = by
            ),
            words!("Give all services that share an address the same value in that annotation."),
        ),
        Clash::Backends => error(
            "sharing-key-clash",
            words!(
                "It asks for {ip}, which {by} has. With externalTrafficPolicy Local an address can be shared only by services \
                 that select the same pods.",
                ip = ip,
                by = by
            ),
            words!(
                "Set externalTrafficPolicy to Cluster on all services that share the address, or give them the same selector."
            ),
        ),
        Clash::Port(port) => error(
            "port-clash",
            words!(
                "It asks for {ip}, which it would share with {by}, but {port} is already in use there.",
                ip = ip,
                by = by,
                port = port
            ),
            words!("Services that share an address need different ports."),
        ),
    }
}
