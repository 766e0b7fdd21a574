//! Why a service waits for its address.

use crate::model::Finding;

use super::allocation::{Asking, Outcome};
use super::facts::Presence;
use super::words::{error, info, quote, warning};
use crate::model::{Joint, Part, ServiceEvent, Words, words};

/// Everything that keeps a pending service from its address, the cause first.
pub(super) fn reasons(asking: &Asking<'_>, events: &[ServiceEvent]) -> Vec<Finding> {
    if let Some(finding) = not_metallbs(asking) {
        return vec![finding];
    }
    let mut found: Vec<Finding> = [controller_down(asking), invalid_configuration(asking)]
        .into_iter()
        .flatten()
        .collect();
    match asking.allocate() {
        Outcome::Blocked(finding) => found.push(finding),
        Outcome::Free if found.is_empty() => found.push(waiting(events)),
        Outcome::Unknown if found.is_empty() => found.push(unclear(asking, events)),
        Outcome::Free | Outcome::Unknown => {}
    }
    found
}

/// MetalLB does not look at this service at all.
fn not_metallbs(asking: &Asking<'_>) -> Option<Finding> {
    let world = asking.scene.world;
    let class = asking.service.load_balancer_class.as_deref();
    if !world.looks_after(class) {
        return Some(match (class, world.own_class()) {
            (Some(class), _) => warning(
                "other-class",
                words!(
                    "Its loadBalancerClass is '{class}', so MetalLB leaves it to another controller, which has given it no \
                     address.",
                    class = quote(class)
                ),
                words!(
                    "If MetalLB should serve it, create the Service anew without spec.loadBalancerClass (it cannot be changed); \
                     else see that the controller of that class runs."
                ),
            ),
            (None, Some(own)) => warning(
                "other-class",
                words!(
                    "MetalLB looks after services of the loadBalancerClass '{class}' alone; this one has none.",
                    class = quote(own)
                ),
                words!(
                    "Create the Service anew with spec.loadBalancerClass: {class} (it cannot be changed), or start MetalLB \
                     without --lb-class.",
                    class = quote(own)
                ),
            ),
            (None, None) => warning(
                "other-class",
                words!(
                    "MetalLB looks after services of certain loadBalancerClasses alone; this one has none."
                ),
                words!("Create the Service anew with one of them in spec.loadBalancerClass."),
            ),
        });
    }
    if world.metallb == Presence::Missing {
        return Some(error(
            "metallb-missing",
            words!(
                "MetalLB is not installed: the API server knows no metallb.io. Nobody else has given the service an address \
                 either."
            ),
            words!(
                "Install MetalLB (metallb.io/installation) and give it an IPAddressPool, or the load balancer of your provider."
            ),
        ));
    }
    if asking.service.cluster_ips.is_empty() {
        return Some(error(
            "no-cluster-ip",
            words!("It has no ClusterIP, so MetalLB gives it no address."),
            words!("Create the Service anew without clusterIP: None."),
        ));
    }
    None
}

fn controller_down(asking: &Asking<'_>) -> Option<Finding> {
    let world = asking.scene.world;
    let components = world.components.as_ref()?;
    if world.metallb != Presence::Served {
        return None;
    }
    if components.controllers.iter().any(|(_, ready)| *ready) {
        return None;
    }
    let hint = words!(
        "See what became of it: kubectl get pods -A -l component=controller (or app.kubernetes.io/component=controller), \
         kubectl describe pod, kubectl logs."
    );
    if !components.controllers.is_empty() {
        let message = words!("MetalLB's controller is not ready. It is what gives out addresses.");
        return Some(error("controller-down", message, hint));
    }
    // Its pod may bear other labels than usual. Its ConfigurationState is the pod's own, and goes when the pod does.
    let is_alive = world
        .configuration
        .as_ref()
        .is_some_and(|states| states.contains_key("controller"));
    (!is_alive).then(|| {
        warning(
            "controller-down",
            words!(
                "MetalLB's controller is most likely not running: no pod with its labels is to be seen. It is what gives out \
                 addresses."
            ),
            hint,
        )
    })
}

fn invalid_configuration(asking: &Asking<'_>) -> Option<Finding> {
    let states = asking.scene.world.configuration.as_ref()?;
    let state = states.get("controller")?;
    (state.result == "Invalid").then(|| {
        error(
            "invalid-config",
            words!(
                "MetalLB's configuration is invalid, so its controller works with the last one that was valid, or none: {error}",
                error = quote(&state.error)
            ),
            words!(
                "Correct the object that it names; what MetalLB makes of it then is in its ConfigurationStates."
            ),
        )
    })
}

/// What MetalLB said last about why it gave no address.
fn newest<'a>(events: &'a [ServiceEvent], reasons: &[&str]) -> Option<&'a ServiceEvent> {
    events
        .iter()
        .filter(|event| reasons.contains(&event.reason.as_str()))
        .max_by(|left, right| left.at.cmp(&right.at))
}

const REFUSALS: [&str; 2] = ["AllocationFailed", "LoadBalancerFailed"];

fn waiting(events: &[ServiceEvent]) -> Finding {
    match newest(events, &REFUSALS) {
        Some(event) => warning(
            "allocation-failed",
            words!(
                "It has no address yet. Nothing that is seen stands in the way now; MetalLB said last: {said}",
                said = quote(&event.message)
            ),
            words!(
                "MetalLB tries again when a service or a pool changes. If it does not, see the log of its controller."
            ),
        ),
        None => info(
            "waiting",
            words!("It has no address yet, and nothing that is seen stands in the way."),
            words!(
                "MetalLB should give it one in a moment. If it does not, see the log of its controller."
            ),
        ),
    }
}

/// The pools, or who holds their addresses, cannot be seen.
fn unclear(asking: &Asking<'_>, events: &[ServiceEvent]) -> Finding {
    let service = asking.service;
    let ips = service
        .requested_ips
        .as_ref()
        .or(service.requested_ip_field.as_ref());
    let ips = ips.map(|ips| quote(ips));
    let pool = service.requested_pool.as_ref().map(|pool| quote(pool));
    let wish = match (ips, pool) {
        (Some(ips), Some(pool)) => Some(words!(
            "It asks for the address {ips} of the pool '{pool}'.",
            ips = ips,
            pool = pool
        )),
        (Some(ips), None) => Some(words!("It asks for the address {ips}.", ips = ips)),
        (None, Some(pool)) => Some(words!("It asks for the pool '{pool}'.", pool = pool)),
        (None, None) => None,
    };
    let said = newest(events, &REFUSALS)
        .map(|event| words!("MetalLB says: {said}", said = quote(&event.message)));
    error(
        "pending",
        sentences([Some(words!("It has no address yet.")), wish, said]),
        words!(
            "Why is not to be told from what can be seen here. The events of the Service say what MetalLB makes of it (kubectl \
             describe service); no event at all means that no controller looks after it."
        ),
    )
}

/// Sentences one after the other.
fn sentences(all: [Option<Words>; 3]) -> Words {
    let parts = all.into_iter().flatten().map(Part::from).collect();
    let all = Part::strung(parts, Joint::Space, usize::MAX);
    words!("{all}", all = all)
}
