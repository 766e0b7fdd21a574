//! Why a service waits for its address.

use crate::model::Finding;

use super::allocation::{Asking, Outcome};
use super::facts::Presence;
use super::words::{error, info, quote, warning};
use crate::model::ServiceEvent;

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
                format!(
                    "Its loadBalancerClass is '{}', so MetalLB leaves it to another controller, which has given it no address.",
                    quote(class)
                ),
                "If MetalLB should serve it, create the Service anew without spec.loadBalancerClass (it cannot be changed); \
                 else see that the controller of that class runs.",
            ),
            (None, Some(own)) => warning(
                "other-class",
                format!(
                    "MetalLB looks after services of the loadBalancerClass '{}' alone; this one has none.",
                    quote(own)
                ),
                format!(
                    "Create the Service anew with spec.loadBalancerClass: {} (it cannot be changed), or start MetalLB \
                     without --lb-class.",
                    quote(own)
                ),
            ),
            (None, None) => warning(
                "other-class",
                "MetalLB looks after services of certain loadBalancerClasses alone; this one has none.",
                "Create the Service anew with one of them in spec.loadBalancerClass.",
            ),
        });
    }
    if world.metallb == Presence::Missing {
        return Some(error(
            "metallb-missing",
            "MetalLB is not installed: the API server knows no metallb.io. Nobody else has given the service an address \
             either.",
            "Install MetalLB (metallb.io/installation) and give it an IPAddressPool, or the load balancer of your provider.",
        ));
    }
    if asking.service.cluster_ips.is_empty() {
        return Some(error(
            "no-cluster-ip",
            "It has no ClusterIP, so MetalLB gives it no address.",
            "Create the Service anew without clusterIP: None.",
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
    let hint = "See what became of it: kubectl get pods -A -l component=controller (or \
                app.kubernetes.io/component=controller), kubectl describe pod, kubectl logs.";
    if !components.controllers.is_empty() {
        let message = "MetalLB's controller is not ready. It is what gives out addresses.";
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
            "MetalLB's controller is most likely not running: no pod with its labels is to be seen. It is what gives out \
             addresses.",
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
            format!(
                "MetalLB's configuration is invalid, so its controller works with the last one that was valid, or none: {}",
                quote(&state.error)
            ),
            "Correct the object that it names; what MetalLB makes of it then is in its ConfigurationStates.",
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
            format!(
                "It has no address yet. Nothing that is seen stands in the way now; MetalLB said last: {}",
                quote(&event.message)
            ),
            "MetalLB tries again when a service or a pool changes. If it does not, see the log of its controller.",
        ),
        None => info(
            "waiting",
            "It has no address yet, and nothing that is seen stands in the way.",
            "MetalLB should give it one in a moment. If it does not, see the log of its controller.",
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
    let asked: Vec<String> = [
        ips.map(|ips| format!("the address {}", quote(ips))),
        service
            .requested_pool
            .as_ref()
            .map(|pool| format!("the pool '{}'", quote(pool))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let wish = if asked.is_empty() {
        String::new()
    } else {
        format!(" It asks for {}.", asked.join(" of "))
    };
    let said = newest(events, &REFUSALS).map_or(String::new(), |event| {
        format!(" MetalLB says: {}", quote(&event.message))
    });
    error(
        "pending",
        format!("It has no address yet.{wish}{said}"),
        "Why is not to be told from what can be seen here. The events of the Service say what MetalLB makes of it (kubectl \
         describe service); no event at all means that no controller looks after it.",
    )
}
