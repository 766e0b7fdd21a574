//! Whether an SSH host is a node of the cluster: what decides which of a service's addresses it can reach.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::cluster::ClusterNode;

/// What an SSH host is to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostRole {
    /// Not known: no cluster is watched, its nodes may not be seen, or the host does not tell its addresses.
    #[default]
    Unknown,
    /// It is the node of this name: kube-proxy there takes up the services' addresses.
    Node(Arc<str>),
    /// Its own addresses are known, and no node has one of them.
    NotANode,
}

impl HostRole {
    /// The node's name, where it is one.
    #[must_use]
    pub fn node(&self) -> Option<&Arc<str>> {
        match self {
            Self::Node(name) => Some(name),
            Self::Unknown | Self::NotANode => None,
        }
    }
}

/// What a host says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Its own addresses, without those that mean something to itself alone.
    pub addresses: BTreeSet<IpAddr>,
    /// What it calls itself.
    pub name: Option<String>,
}

impl HostFacts {
    /// What has to be run on a host for it to tell: by `hostname` where that knows `-I`, else by `ip`.
    pub const COMMAND: &str = "uname -n; hostname -I 2>/dev/null || ip -o addr show 2>/dev/null || /sbin/ifconfig 2>/dev/null";

    /// Reads what [`Self::COMMAND`] printed: the name in the first line, and everything behind it that is an address.
    #[must_use]
    pub fn parse(output: &str) -> Self {
        let (name, rest) = output.split_once('\n').unwrap_or((output, ""));
        let words = rest.split(|c: char| c.is_whitespace());
        let addresses = words.filter_map(address).collect();
        let name = Some(name.trim())
            .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
            .map(str::to_owned);
        Self { addresses, name }
    }
}

/// The address in a word: `10.0.0.5`, `10.0.0.5/24`, `addr:10.0.0.5`, `fe80::1%eth0`.
fn address(word: &str) -> Option<IpAddr> {
    let word = word.strip_prefix("addr:").unwrap_or(word);
    let word = word.split(['/', '%']).next()?;
    let ip: IpAddr = word.parse().ok()?;
    is_telling(ip).then_some(ip)
}

/// Loopback and link-local addresses are the same on every host, and so tell none apart.
fn is_telling(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
    }
}

/// What the host that is dialled at `dialled` is to a cluster of these nodes; `facts` is what the host said of itself, where
/// it was asked and answered.
///
/// An address decides where there is one: names may be the same in two places.
#[must_use]
pub fn host_role(
    dialled: &str,
    facts: Option<&HostFacts>,
    nodes: Option<&[ClusterNode]>,
) -> HostRole {
    let Some(nodes) = nodes.filter(|nodes| !nodes.is_empty()) else {
        return HostRole::Unknown;
    };
    let own = |ip: &IpAddr| facts.is_some_and(|facts| facts.addresses.contains(ip));
    let dialled_ip = dialled.parse().ok().filter(|ip| is_telling(*ip));
    let by_address = |node: &&ClusterNode| {
        let internal = node.internal_ips.iter();
        internal
            .chain(&node.external_ips)
            .any(|ip| own(ip) || dialled_ip == Some(*ip))
    };
    if let Some(node) = nodes.iter().find(by_address) {
        return HostRole::Node(Arc::clone(&node.name));
    }
    let knows_addresses = facts.is_some_and(|facts| !facts.addresses.is_empty());
    if knows_addresses {
        return HostRole::NotANode;
    }
    let said = facts.and_then(|facts| facts.name.as_deref());
    let by_name = |node: &&ClusterNode| {
        let names = node.host_names.iter().map(String::as_str);
        names
            .chain([&*node.name])
            .any(|name| name == dialled || said == Some(name))
    };
    let named = nodes.iter().find(by_name);
    named.map_or(HostRole::Unknown, |node| {
        HostRole::Node(Arc::clone(&node.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<ClusterNode> {
        let node = |name: &str, internal: &str, external: &str| ClusterNode {
            name: name.into(),
            internal_ips: vec![internal.parse().unwrap()],
            external_ips: vec![external.parse().unwrap()],
            host_names: vec![format!("{name}.example")],
            ..ClusterNode::default()
        };
        vec![
            node("node-1", "10.0.0.5", "203.0.113.7"),
            node("node-2", "10.0.0.6", "203.0.113.8"),
        ]
    }

    fn role(dialled: &str, said: Option<&str>) -> HostRole {
        let facts = said.map(HostFacts::parse);
        host_role(dialled, facts.as_ref(), Some(&nodes()))
    }

    #[test]
    fn a_host_is_told_by_its_own_addresses_then_by_the_one_dialled_then_by_name() {
        let node = |name: &str| HostRole::Node(name.into());
        for (dialled, said, expected) in [
            // EC2: the public address is no interface's.
            (
                "198.51.100.1",
                Some("ip-10-0-0-5\n10.0.0.5 10.244.0.1 \n"),
                node("node-1"),
            ),
            ("203.0.113.8", None, node("node-2")),
            ("node-2.example", None, node("node-2")),
            ("k8s", Some("node-1\n"), node("node-1")),
            (
                "bastion",
                Some("bastion\n10.0.0.99 172.17.0.1\n"),
                HostRole::NotANode,
            ),
            // A name alone says nothing against an address.
            ("bastion", Some("node-1\n10.0.0.99\n"), HostRole::NotANode),
            ("bastion", None, HostRole::Unknown),
            ("bastion", Some(""), HostRole::Unknown),
            ("127.0.0.1", Some("me\n127.0.0.1\n"), HostRole::Unknown),
        ] {
            assert_eq!(role(dialled, said), expected, "{dialled} {said:?}");
        }
    }

    #[test]
    fn without_nodes_nothing_is_known() {
        let facts = HostFacts::parse("node-1\n10.0.0.5\n");
        assert_eq!(host_role("10.0.0.5", Some(&facts), None), HostRole::Unknown);
        assert_eq!(
            host_role("10.0.0.5", Some(&facts), Some(&[])),
            HostRole::Unknown
        );
    }

    #[test]
    fn addresses_are_read_from_whichever_command_the_host_has() {
        let expected: BTreeSet<IpAddr> = ["10.0.0.5", "fd00::5"]
            .into_iter()
            .map(|ip| ip.parse().unwrap())
            .collect();
        for output in [
            "n\n10.0.0.5 fd00::5 \n",
            "n\n1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.0.0.5/24 brd x\n2: eth0 inet6 fd00::5/64\n\
             2: eth0 inet6 fe80::1/64 scope link\n",
            "n\neth0 Link encap:Ethernet\n inet addr:10.0.0.5\n inet6 addr: fd00::5/64 Scope:Global\n",
        ] {
            let facts = HostFacts::parse(output);
            assert_eq!(facts.addresses, expected, "{output}");
            assert_eq!(facts.name.as_deref(), Some("n"));
        }
    }
}
