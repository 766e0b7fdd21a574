//! Why an address that was given does not answer, or not everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Announcement, Finding, PodEndpoint, ServiceEvent, ServicePhase, ServiceType, printable,
};

use super::announce::{Way, has_speaker, is_usable, pool_of, runs_on};
use super::facts::{Node, Presence, ServiceFacts, World};
use super::service::{Subject, Unready};
use super::words::{error, info, quote, warning};
use crate::model::{AddressRange, Joint, Part, Words, words};

fn see_pods() -> Words {
    words!("See why the pods are not ready: kubectl describe pod, kubectl logs.")
}

/// Everything that was found about a service that has its address.
pub(super) fn problems(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let service = subject.service;
    let is_ours = world.metallb != Presence::Missing
        && world.looks_after(service.load_balancer_class.as_deref())
        && !service.load_balancer_ips.is_empty();
    let mut found: Vec<Finding> = Vec::new();
    found.extend(
        subject
            .pods
            .and_then(|pods| no_ready_endpoints(pods, subject.unready)),
    );
    if is_ours {
        found.extend(pool_gone(service, world));
        found.extend(unannounced(service, world, subject.pods));
        found.extend(announce_failed(subject.events, subject.announced_by));
        found.extend(sessions_down(world, subject.announced_by));
    }
    found.extend(source_ranges(service, world));
    found
}

/// What may be wrong with a service that has no address outside the cluster.
pub(super) fn without_pods(subject: &Subject<'_>) -> Option<Finding> {
    let pods = subject.pods?;
    let is_name = subject.service.service_type == ServiceType::ExternalName;
    if is_name || subject.service.terminating || pods.iter().any(|pod| pod.ready) {
        return None;
    }
    let message = if pods.is_empty() {
        words!("No pod stands behind it: connections are refused.")
    } else {
        words!(
            "None of its endpoints is ready ({unready}): connections are refused.",
            unready = count_unready(pods, subject.unready)
        )
    };
    Some(error("no-ready-endpoints", message, see_pods()))
}

fn no_ready_endpoints(
    pods: &[PodEndpoint],
    unready: &dyn Fn(&Arc<str>) -> Unready,
) -> Option<Finding> {
    if pods.iter().any(|pod| pod.ready) {
        return None;
    }
    Some(if pods.is_empty() {
        error(
            "no-ready-endpoints",
            words!(
                "It has an address, but no pod stands behind it: connections are refused, and MetalLB announces it nowhere."
            ),
            words!(
                "Check that the Service's selector matches the labels of running pods (kubectl describe service), and that \
                 the workload is scaled above zero."
            ),
        )
    } else {
        error(
            "no-ready-endpoints",
            words!(
                "It has an address, but none of its endpoints is ready ({unready}): connections are refused, and MetalLB \
                 announces it nowhere.",
                unready = count_unready(pods, unready)
            ),
            see_pods(),
        )
    })
}

/// As `3 unready: 2 CrashLoopBackOff, 1 Pending`. A dual-stack pod has two endpoints and counts once.
fn count_unready(pods: &[PodEndpoint], unready: &dyn Fn(&Arc<str>) -> Unready) -> Words {
    let names: BTreeSet<&Arc<str>> = pods.iter().map(|pod| &pod.name).collect();
    let mut by_state: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for name in &names {
        if let Some(doing) = unready(name).doing {
            *by_state.entry(doing).or_default() += 1;
        }
    }
    let states: Vec<Part> = by_state
        .iter()
        .map(|(state, count)| Part::Text(format!("{count} {}", printable(state))))
        .collect();
    if states.is_empty() {
        words!("{count} unready", count = names.len())
    } else {
        words!(
            "{count} unready: {states}",
            count = names.len(),
            states = Part::strung(states, Joint::Comma, usize::MAX)
        )
    }
}

fn pool_gone(service: &ServiceFacts, world: &World) -> Option<Finding> {
    let name = service.pool.as_ref()?;
    if world.pools.is_none() || pool_of(service, world).is_some() {
        return None;
    }
    Some(warning(
        "pool-gone",
        words!(
            "Its address is from the pool '{pool}', which is not there any more: MetalLB takes the address back when it looks at \
             the service next.",
            pool = quote(name)
        ),
        words!("Make the IPAddressPool again, or let the service take an address of another pool."),
    ))
}

/// MetalLB has given the address, and by its own rules no speaker announces it.
fn unannounced(
    service: &ServiceFacts,
    world: &World,
    pods: Option<&[PodEndpoint]>,
) -> Option<Finding> {
    let way = Way::of(service, world)?;
    if way.is_shared_with_selectors(service) && way.bgp.is_empty() {
        return Some(error(
            "shared-with-selectors",
            words!(
                "It shares its address (metallb.io/allow-shared-ip), and its L2Advertisement has serviceSelectors: MetalLB does \
                 not announce such a service."
            ),
            words!("Remove the annotation, or the serviceSelectors of the L2Advertisement."),
        ));
    }
    let all: Vec<_> = way.l2.iter().chain(&way.bgp).copied().collect();
    if all.is_empty() {
        return Some(error(
            "no-advertisement",
            words!(
                "It has an address of the pool '{pool}', but no L2Advertisement or BGPAdvertisement is for it: nobody announces \
                 the address, and only the cluster's own nodes reach it.",
                pool = quote(way.pool_name)
            ),
            words!(
                "Make an L2Advertisement (or BGPAdvertisement) that names the pool in ipAddressPools; mind its serviceSelectors."
            ),
        ));
    }
    let selected = way.nodes(&all);
    if selected.is_empty() {
        return Some(error(
            "no-node-selected",
            words!(
                "The nodeSelectors of the advertisements of its pool '{pool}' select no node: nobody announces the address.",
                pool = quote(way.pool_name)
            ),
            words!("Correct the nodeSelectors, or label the nodes that should announce."),
        ));
    }
    let usable: Vec<&(&Arc<str>, &Node)> = selected
        .iter()
        .filter(|(name, node)| is_usable(world, name, node))
        .collect();
    if usable.is_empty() {
        return Some(unusable(world, &selected));
    }
    let pods = pods.filter(|_| service.local_traffic_only)?;
    no_local_pod(pods, &usable)
}

/// None of the nodes that were selected announces; why, by what they have in common.
fn unusable(world: &World, selected: &[(&Arc<str>, &Node)]) -> Finding {
    let names = Part::list(selected.iter().map(|(name, _)| name));
    if selected.iter().all(|(_, node)| node.is_excluded()) {
        return error(
            "nodes-excluded",
            words!(
                "The nodes that may announce it ({nodes}) are all labelled \
                 node.kubernetes.io/exclude-from-external-load-balancers, so most likely nobody does.",
                nodes = names
            ),
            words!(
                "Remove the label from a node that should announce (control planes have it by default), or run MetalLB's \
                 speakers with --ignore-exclude-lb."
            ),
        );
    }
    if selected
        .iter()
        .all(|(name, _)| has_speaker(world, name) == Some(false))
    {
        return error(
            "speaker-down",
            words!(
                "No speaker of MetalLB is ready on the nodes that may announce it ({nodes}).",
                nodes = names
            ),
            words!(
                "See what became of the speakers: kubectl get pods -A -o wide -l component=speaker, kubectl describe pod."
            ),
        );
    }
    error(
        "nodes-unavailable",
        words!(
            "Of the nodes that may announce it ({nodes}) each is labelled to take no load balancer traffic, has no network, or \
             runs no speaker that is ready.",
            nodes = names
        ),
        words!("Look at the nodes: kubectl describe node; and at MetalLB's speakers."),
    )
}

fn no_local_pod(pods: &[PodEndpoint], usable: &[&(&Arc<str>, &Node)]) -> Option<Finding> {
    let nodes = ready_nodes(pods);
    if nodes.is_empty() || usable.iter().any(|(name, _)| runs_on(pods, name)) {
        return None;
    }
    Some(error(
        "no-local-pod",
        words!(
            "externalTrafficPolicy is Local and its ready pods run on {pods}, which may not announce it; {nodes} may, and have \
             none. So nobody announces the address.",
            pods = Part::list(nodes),
            nodes = Part::list(usable.iter().map(|(name, _)| name))
        ),
        words!(
            "Let a pod run on one of those nodes, let the advertisement select the pods' nodes, or set externalTrafficPolicy to \
             Cluster."
        ),
    ))
}

fn announce_failed(
    events: &[ServiceEvent],
    announced_by: Option<&[Announcement]>,
) -> Option<Finding> {
    if announced_by.is_some_and(|nodes| !nodes.is_empty()) {
        return None;
    }
    let newest = events.iter().max_by(|left, right| left.at.cmp(&right.at))?;
    (newest.reason == "announceFailed").then(|| {
        warning(
            "announce-failed",
            words!("MetalLB says: {said}", said = quote(&newest.message)),
            words!(
                "Correct the interfaces of the L2Advertisement: they must exist on every node that may announce."
            ),
        )
    })
}

/// It goes over BGP, and no session of the nodes that announce it stands.
fn sessions_down(world: &World, announced_by: Option<&[Announcement]>) -> Option<Finding> {
    let sessions = world.sessions.as_ref()?;
    let nodes: BTreeSet<&str> = announced_by?
        .iter()
        .filter(|announcement| announcement.protocol == "bgp")
        .map(|announcement| announcement.node.as_str())
        .collect();
    let mut own = sessions
        .values()
        .filter(|session| nodes.contains(session.node.as_str()))
        .peekable();
    own.peek()?;
    let states: Vec<String> = own
        .map(|session| format!("{} to {}: {}", session.node, session.peer, session.state))
        .collect();
    if states.iter().any(|state| state.ends_with(": Established")) {
        return None;
    }
    Some(error(
        "bgp-down",
        words!(
            "No BGP session of the nodes that announce it stands ({sessions}): routers outside do not learn its address.",
            sessions = Part::list(states)
        ),
        words!(
            "Check the BGPPeers (address, AS numbers, password) and that TCP port 179 is open between nodes and router."
        ),
    ))
}

/// kube-proxy drops what comes from elsewhere, also what a node itself sends to the address.
fn source_ranges(service: &ServiceFacts, world: &World) -> Option<Finding> {
    if service.source_ranges.is_empty() || service.load_balancer_ips.is_empty() {
        return None;
    }
    let ranges: Vec<AddressRange> = service
        .source_ranges
        .iter()
        .filter_map(|range| range.trim().parse().ok())
        .collect();
    let nodes = world.nodes.as_ref()?;
    let left_out: Vec<&Arc<str>> = nodes
        .iter()
        .filter(|(_, node)| {
            !node
                .internal_ips
                .iter()
                .any(|ip| ranges.iter().any(|range| range.contains(*ip)))
        })
        .map(|(name, _)| name)
        .collect();
    if left_out.is_empty() {
        return None;
    }
    Some(info(
        "source-ranges",
        words!(
            "loadBalancerSourceRanges admits {ranges} alone. Connections to its MetalLB IP from the nodes {nodes} most likely \
             hang.",
            ranges = Part::list(&service.source_ranges),
            nodes = Part::list(left_out)
        ),
        words!(
            "Take the ClusterIP as the route, or add the nodes' addresses to loadBalancerSourceRanges."
        ),
    ))
}

/// With policy Local only some nodes take traffic; worth knowing although nothing is wrong.
pub(super) fn local_policy(
    service: &ServiceFacts,
    phase: ServicePhase,
    pods: Option<&[PodEndpoint]>,
) -> Option<Finding> {
    if !service.local_traffic_only || phase == ServicePhase::Terminating {
        return None;
    }
    let nodes = ready_nodes(pods?);
    if nodes.is_empty() {
        return None;
    }
    Some(info(
        "local-policy",
        words!(
            "externalTrafficPolicy is Local: traffic from outside the cluster is taken only by nodes that run a ready pod of it \
             ({nodes}).",
            nodes = Part::list(nodes)
        ),
        words!(
            "If its address does not answer through a node, take another of these nodes as the SSH host, or the ClusterIP as \
             the route."
        ),
    ))
}

fn ready_nodes(pods: &[PodEndpoint]) -> BTreeSet<&str> {
    pods.iter()
        .filter(|pod| pod.ready)
        .filter_map(|pod| pod.node.as_deref())
        .collect()
}
