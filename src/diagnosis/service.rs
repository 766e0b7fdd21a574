//! Everything that is found out about one service.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::model::{
    Announcement, Finding, PodEndpoint, Protocol, ServiceEvent, ServiceKey, ServicePhase,
};

use super::allocation::Asking;
use super::facts::{Presence, Scene, ServiceFacts, World};
use super::words::{info, warning};
use super::{pending, reach};
use crate::model::words;

/// What is known of a pod that takes no traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unready {
    /// The word `kubectl get pods` shows for it, if pods can be seen.
    pub doing: Option<Arc<str>>,
}

/// The service that is looked at, and what belongs to it alone.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Namespace and name.
    pub key: &'a ServiceKey,
    /// The Service.
    pub service: &'a ServiceFacts,
    /// Its endpoints; none where they cannot be seen.
    pub pods: Option<&'a [PodEndpoint]>,
    /// Why a pod is not ready.
    pub unready: &'a dyn Fn(&Arc<str>) -> Unready,
    /// What MetalLB wrote about it; empty also where events cannot be seen.
    pub events: &'a [ServiceEvent],
    /// Who announces it, as [`super::announcers`] says.
    pub announced_by: Option<&'a [Announcement]>,
}

/// Everything found out about the service, the worst first.
#[must_use]
pub fn findings(subject: &Subject<'_>, scene: Scene<'_>) -> Vec<Finding> {
    let service = subject.service;
    if !service.is_load_balancer() {
        return reach::without_pods(subject).into_iter().collect();
    }
    let phase = service.phase();
    let mut found = match phase {
        ServicePhase::Pending => {
            let (key, events) = (subject.key, subject.events);
            pending::reasons(
                &Asking {
                    key,
                    service,
                    scene,
                },
                events,
            )
        }
        ServicePhase::Assigned => reach::problems(subject, scene.world),
        ServicePhase::Terminating => Vec::new(),
    };
    found.extend(service_lb(subject.key, scene.world));
    found.extend(deprecated(service));
    found.extend(reach::local_policy(service, phase, subject.pods));
    found.extend(udp(service));
    found.sort_by_key(|finding| Reverse(finding.severity));
    found
}

fn service_lb(key: &ServiceKey, world: &World) -> Option<Finding> {
    let fights =
        world.metallb == Presence::Served && world.components.as_ref()?.service_lb.contains(key);
    fights.then(|| {
        warning(
            "servicelb-fights",
            words!(
                "k3s's ServiceLB (pods svclb-…) serves it besides MetalLB: both write its address, and it changes to and fro."
            ),
            words!("Start k3s with --disable=servicelb, so that MetalLB is alone."),
        )
    })
}

fn deprecated(service: &ServiceFacts) -> Option<Finding> {
    service.uses_deprecated_annotation.then(|| {
        info(
            "deprecated-annotation",
            words!("It asks by an annotation of the prefix metallb.universe.tf, which MetalLB will stop to read."),
            words!("Write metallb.io in place of metallb.universe.tf."),
        )
    })
}

fn udp(service: &ServiceFacts) -> Option<Finding> {
    let ports: Vec<String> = service
        .ports
        .iter()
        .filter(|port| port.protocol != Protocol::Tcp)
        .map(|port| format!("{}/{}", port.number, port.protocol.as_str()))
        .collect();
    (!ports.is_empty()).then(|| {
        info(
            "udp-not-tunnellable",
            words!(
                "{ports} cannot be tunnelled: SSH carries TCP only.",
                ports = ports.join(", ")
            ),
            words!("Reach it from inside the cluster's network."),
        )
    })
}
