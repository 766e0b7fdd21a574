//! From an address to what answers there: kube-proxy's rules as a pure function of the cluster's objects.
//!
//! The rules are those of iptables mode, seen from a node of the cluster itself.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::Value;

use crate::demo::cluster::{App, NODES, workload_of};
use crate::demo::store::{Key, Object, Objects};

/// The SSH host: the second of the nodes.
const HOST: usize = 1;

/// What `hostname -I` says on the SSH host.
pub(in crate::demo) const HOST_ADDRESSES: &str = "10.0.0.101 10.244.1.1 fd00:10::101 ";

/// Where a connection has got to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// `NAMESPACE/NAME` of the Service it went through, if it did.
    pub service: Option<String>,
    /// The pod.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The node the pod is on.
    pub node: String,
    /// The pod's address.
    pub ip: String,
    /// The container's port.
    pub port: u16,
    /// What was dialled.
    pub dialled: String,
}

/// What answers.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// The API server.
    Api,
    /// An application in a pod.
    App(App, Box<Place>),
    /// A refusal at once, and why.
    Refused(String),
    /// Nothing at all, and why.
    Silence(&'static str),
}

/// What answers at `host`:`port`.
pub(super) fn resolve(objects: &Objects, host: &str, port: u16) -> Verdict {
    let Some(address) = address_of(host) else {
        // The node's resolver does not ask the cluster's DNS, so that names of services are unknown to it.
        return Verdict::Refused(format!("{host}: Name or service not known"));
    };
    let view = View {
        objects,
        address,
        port,
        dialled: format!("{host}:{port}"),
    };
    view.by_service()
        .or_else(|| view.by_node())
        .or_else(|| view.by_pod())
        .unwrap_or(Verdict::Silence("no machine has this address"))
}

fn address_of(host: &str) -> Option<IpAddr> {
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Some(ip);
    }
    if host == "localhost" {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let node = NODES.iter().find(|node| node.name == host)?;
    Some(node_addresses(usize::from(node.index))[0])
}

fn node_addresses(index: usize) -> [IpAddr; 3] {
    let last = 100 + u8::try_from(index).unwrap_or(0);
    let external = NODES[index].external_ip.parse();
    [
        [10, 0, 0, last].into(),
        // Written as decimal digits, as the addresses of the nodes are: 10N in hexadecimal is not 100 + N.
        [0xfd00, 0x10, 0, 0, 0, 0, 0, 0x100 + u16::from(last - 100)].into(),
        external.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    ]
}

struct View<'a> {
    objects: &'a Objects,
    address: IpAddr,
    port: u16,
    dialled: String,
}

impl<'a> View<'a> {
    fn all(&self, resource: &'static str) -> impl Iterator<Item = (&'a Key, &'a Value)> + use<'a> {
        self.objects
            .range(Key::new(resource, "", "")..)
            .take_while(move |(key, _)| key.resource == resource)
            .map(|(key, object): (&Key, &Arc<Object>)| (key, &object.body))
    }

    /// A ClusterIP or a load balancer's address.
    fn by_service(&self) -> Option<Verdict> {
        let text = self.address.to_string();
        let mut known = false;
        for (key, service) in self.all("services") {
            let is_cluster_ip = contains(&service["spec"]["clusterIPs"], &text);
            let ingress = service["status"]["loadBalancer"]["ingress"].as_array();
            let is_vip = ingress.is_some_and(|list| list.iter().any(|entry| entry["ip"] == text));
            if !is_cluster_ip && !is_vip {
                continue;
            }
            known = true;
            let Some(port) = tcp_port(service, "port", self.port) else {
                continue;
            };
            if is_vip && !source_allowed(service) {
                return Some(Verdict::Silence(
                    "loadBalancerSourceRanges leaves this node out",
                ));
            }
            // Traffic that begins on a node counts as the cluster's own: externalTrafficPolicy Local does not bind it.
            return Some(self.to_endpoint(key, port, None));
        }
        // The address is nobody's: it only means something together with the ports of its services.
        known.then_some(Verdict::Silence("the service has no such TCP port"))
    }

    /// An address of a node: a NodePort, the API server, or a pod on the node's own network.
    fn by_node(&self) -> Option<Verdict> {
        let here = self.address.is_loopback();
        let node = (0..NODES.len())
            .find(|index| node_addresses(*index).contains(&self.address))
            .or(here.then_some(HOST))?;
        if node == 0 && self.port == 6443 {
            return Some(Verdict::Api);
        }
        for (key, service) in self.all("services") {
            if let Some(port) = tcp_port(service, "nodePort", self.port) {
                let local = service["spec"]["externalTrafficPolicy"] == "Local";
                // Another node sees a stranger, to whom the policy applies.
                let only = (local && node != HOST).then_some(NODES[node].name);
                return Some(self.to_endpoint(key, port, only));
            }
        }
        Some(
            self.by_pod().unwrap_or_else(|| {
                Verdict::Refused(format!("{}: Connection refused", self.dialled))
            }),
        )
    }

    /// A pod's own address.
    fn by_pod(&self) -> Option<Verdict> {
        let text = self.address.to_string();
        let mut refused = None;
        for (key, pod) in self.all("pods") {
            let ips = pod["status"]["podIPs"].as_array();
            if !ips.is_some_and(|list| list.iter().any(|entry| entry["ip"] == text)) {
                continue;
            }
            match self.to_pod(key, pod, self.port, None) {
                Verdict::Refused(why) => refused = Some(Verdict::Refused(why)),
                other => return Some(other),
            }
        }
        refused
    }

    /// A ready endpoint of a service, by lot; one that still serves while it ends if none is ready.
    fn to_endpoint(&self, key: &Key, port: &Value, only_node: Option<&str>) -> Verdict {
        let mut ready = Vec::new();
        let mut ending = Vec::new();
        let slices: Vec<&Value> = self.slices_of(key).collect();
        for slice in slices {
            let Some(number) = slice_port(slice, port) else {
                continue;
            };
            for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                if only_node.is_some_and(|node| endpoint["nodeName"] != node) {
                    continue;
                }
                let conditions = &endpoint["conditions"];
                if conditions["ready"] == true {
                    ready.push((endpoint, number));
                } else if conditions["serving"] == true && conditions["terminating"] == true {
                    ending.push((endpoint, number));
                }
            }
        }
        let usable = if ready.is_empty() { ending } else { ready };
        if usable.is_empty() && only_node.is_some() {
            return Verdict::Silence("externalTrafficPolicy is Local and the node has no endpoint");
        }
        let Some((endpoint, number)) = fastrand::choice(&usable) else {
            return Verdict::Refused(format!("{}: Connection refused", self.dialled));
        };
        let Some(name) = endpoint["targetRef"]["name"].as_str() else {
            return Verdict::Api;
        };
        let pod_key = Key::new("pods", &key.namespace, name);
        match self.objects.get(&pod_key) {
            Some(pod) => self.to_pod(&pod_key, &pod.body, *number, Some(key)),
            None => Verdict::Silence("the pod is gone and its endpoint is not yet"),
        }
    }

    fn slices_of(&self, key: &Key) -> impl Iterator<Item = &'a Value> + use<'a> {
        let (namespace, name) = (key.namespace.clone(), key.name.clone());
        let v6 = self.address.is_ipv6();
        self.all("endpointslices").filter_map(move |(key, slice)| {
            let family = if v6 { "IPv6" } else { "IPv4" };
            let labels = &slice["metadata"]["labels"];
            let ours = key.namespace == namespace
                && labels["kubernetes.io/service-name"] == name.as_str()
                && slice["addressType"] == family;
            ours.then_some(slice)
        })
    }

    fn to_pod(&self, key: &Key, pod: &Value, port: u16, through: Option<&Key>) -> Verdict {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let app = pod["metadata"]["labels"]["app"]
            .as_str()
            .unwrap_or_default();
        let listening = workload_of(&key.namespace, app)
            .and_then(|workload| {
                workload
                    .ports
                    .iter()
                    .find(|p| p.number == port && p.protocol == "TCP")
            })
            .map_or(App::Closed, |port| port.app);
        // A container that has crashed or ended listens no more, whatever its spec says.
        let runs = pod["status"]["containerStatuses"][0]["state"]
            .get("running")
            .is_some();
        if !runs || listening == App::Closed {
            return Verdict::Refused(format!("{}: Connection refused", self.dialled));
        }
        let place = Place {
            service: through.map(|key| format!("{}/{}", key.namespace, key.name)),
            pod: key.name.clone(),
            namespace: key.namespace.clone(),
            node: text(&pod["spec"]["nodeName"]),
            ip: text(&pod["status"]["podIP"]),
            port,
            dialled: self.dialled.clone(),
        };
        Verdict::App(listening, Box::new(place))
    }
}

fn contains(list: &Value, text: &str) -> bool {
    list.as_array()
        .is_some_and(|list| list.iter().any(|entry| entry == text))
}

/// The TCP port of a service whose `field` is `number`.
fn tcp_port<'a>(service: &'a Value, field: &str, number: u16) -> Option<&'a Value> {
    let ports = service["spec"]["ports"].as_array()?;
    ports
        .iter()
        .find(|port| port["protocol"] == "TCP" && port[field] == number)
}

/// The number behind a service's port in this slice: ports are matched by name.
fn slice_port(slice: &Value, port: &Value) -> Option<u16> {
    let name = port["name"].as_str().unwrap_or("");
    let ports = slice["ports"].as_array()?;
    let found = ports
        .iter()
        .find(|p| p["name"] == name && p["protocol"] == "TCP")?;
    u16::try_from(found["port"].as_u64()?).ok()
}

/// Whether `loadBalancerSourceRanges`, where there are any, hold the SSH host.
fn source_allowed(service: &Value) -> bool {
    let Some(ranges) = service["spec"]["loadBalancerSourceRanges"].as_array() else {
        return true;
    };
    let host = node_addresses(HOST)[0];
    ranges
        .iter()
        .any(|range| range.as_str().is_some_and(|range| in_range(range, host)))
}

/// Whether `ADDRESS/BITS` holds `ip`.
fn in_range(range: &str, ip: IpAddr) -> bool {
    let Some((base, bits)) = range.split_once('/') else {
        return false;
    };
    let (Ok(base), Ok(bits)) = (base.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let wide = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let ((base, size), (ip, own_size)) = (wide(base), wide(ip));
    let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
    size == own_size && bits <= size && base & mask == ip & mask
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
