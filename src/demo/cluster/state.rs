//! The part of the demo cluster that moves: pods, who has which address, and events.

use std::collections::VecDeque;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::catalogue::{Health, NODES, Node, ServiceSpec, Type, Vip, WORKLOADS, Workload};
use super::clock::Seconds;
use super::metallb;
use super::services::SERVICES;

/// How many events are kept, as the real API keeps them for an hour only.
const EVENTS: usize = 200;

/// How long ago the cluster was made when the demo starts.
const AGE_SECONDS: Seconds = 9 * 86_400 + 5 * 3600;

/// What a pod is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum PodState {
    /// No node has room for it.
    Unschedulable,
    /// It has a node, and its container is being made.
    Creating,
    /// Its container runs, and is ready or not.
    Running {
        /// Whether its readiness probe succeeds.
        ready: bool,
    },
    /// Its container dies again and again.
    Crashing,
    /// It still serves while it is being ended.
    Terminating,
    /// It ran to its end.
    Completed,
}

/// A pod.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Pod {
    /// What it is one of.
    pub workload: &'static Workload,
    /// Its name.
    pub name: String,
    /// The node it runs on.
    pub node: &'static Node,
    /// The last part of its address.
    pub host: u8,
    /// What it is doing.
    pub state: PodState,
    /// When it was made.
    pub created: Seconds,
    /// When it last changed.
    pub changed: Seconds,
}

impl Pod {
    /// Its addresses, IPv4 first; none while it has no sandbox yet.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let node = self.node.index;
        match self.state {
            PodState::Unschedulable | PodState::Creating => Vec::new(),
            _ if self.on_host_network() => vec![[10, 0, 0, 100 + node].into()],
            _ => vec![
                [10, 244, node, self.host].into(),
                [
                    0xfd00,
                    0x10,
                    0x244,
                    u16::from(node),
                    0,
                    0,
                    0,
                    u16::from(self.host),
                ]
                .into(),
            ],
        }
    }

    /// Pods of a `DaemonSet` are on their node's own network here.
    pub(super) const fn on_host_network(&self) -> bool {
        self.workload.hash.is_empty()
    }

    /// Whether it takes new traffic.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.state, PodState::Running { ready: true })
    }
}

/// A Service and how it stands.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Service {
    /// What it is.
    pub spec: &'static ServiceSpec,
    /// How often it was made, so that each time has a uid of its own.
    pub incarnation: u32,
    /// When it was made.
    pub created: Seconds,
    /// The pool its addresses are from.
    pub pool: Option<&'static str>,
    /// `status.loadBalancer.ingress[].ip`.
    pub addresses: Vec<IpAddr>,
}

/// What a component of the cluster told.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Event {
    /// Namespace of the Service it is about.
    pub namespace: &'static str,
    /// The Service.
    pub service: &'static str,
    /// The Service's uid.
    pub service_uid: String,
    /// Why, in one word.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
    /// Whether it is a Warning.
    pub warning: bool,
    /// Who told it.
    pub component: &'static str,
    /// When.
    pub at: Seconds,
    /// Its number.
    pub serial: u32,
}

/// The cluster.
#[derive(Clone, Debug)]
pub(in crate::demo) struct State {
    /// When the cluster was made.
    pub born: Seconds,
    /// Its services.
    pub services: Vec<Service>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Its events, oldest first.
    pub events: VecDeque<Event>,
    serial: u32,
    hosts: [u8; 3],
}

impl State {
    /// The cluster as the tables have it, `now` being the present.
    pub(in crate::demo) fn new(now: Seconds) -> Self {
        let born = now - AGE_SECONDS;
        let mut state = Self {
            born,
            services: Vec::new(),
            pods: Vec::new(),
            events: VecDeque::new(),
            serial: 0,
            hosts: [1; 3],
        };
        for workload in WORKLOADS {
            for &node in workload.nodes {
                let index = state.add_pod(workload, node, born + 600);
                state.pods[index].state = first_state(workload.health);
            }
        }
        for spec in SERVICES {
            state.add_service(spec, born + 900);
        }
        state
    }

    /// Adds a pod of `workload` whose container is being made; its index is returned.
    pub(super) fn add_pod(&mut self, workload: &'static Workload, node: u8, now: Seconds) -> usize {
        self.serial += 1;
        let host = self.free_host(node);
        let suffix = suffix(&format!("{}/{}", workload.name, self.serial));
        let name = if workload.hash.is_empty() {
            format!("{}-{suffix}", workload.name)
        } else {
            format!("{}-{}-{suffix}", workload.name, workload.hash)
        };
        self.pods.push(Pod {
            workload,
            name,
            node: &NODES[usize::from(node)],
            host,
            state: PodState::Creating,
            created: now,
            changed: now,
        });
        self.pods.len() - 1
    }

    /// Adds a service; MetalLB gives it what the table says if that is still free, and tells of it.
    pub(super) fn add_service(&mut self, spec: &'static ServiceSpec, now: Seconds) {
        self.serial += 1;
        self.services.push(Service {
            spec,
            incarnation: self.serial,
            created: now,
            pool: None,
            addresses: Vec::new(),
        });
        let index = self.services.len() - 1;
        match spec.kind {
            Type::LoadBalancer(Vip::From(pool, addresses)) => {
                let addresses: Vec<IpAddr> =
                    addresses.iter().filter_map(|ip| ip.parse().ok()).collect();
                if self.is_free(spec, &addresses) {
                    self.assign(index, pool, addresses, now);
                } else {
                    self.refuse(index, &format!("no available IPs in pool {pool}"), now);
                }
            }
            Type::LoadBalancer(Vip::Refused(reason)) => self.refuse(index, reason, now),
            _ => {}
        }
    }

    /// Gives a service addresses from `pool`.
    pub(super) fn assign(
        &mut self,
        index: usize,
        pool: &'static str,
        addresses: Vec<IpAddr>,
        now: Seconds,
    ) {
        let told: Vec<String> = addresses.iter().map(|ip| format!("\"{ip}\"")).collect();
        let service = &mut self.services[index];
        service.pool = Some(pool);
        service.addresses = addresses;
        self.tell(
            index,
            "IPAllocated",
            format!("Assigned IP [{}]", told.join(" ")),
            now,
        );
        for (node, protocol) in metallb::announcers(self, &self.services[index]) {
            let message = format!("announcing from node \"{node}\" with protocol \"{protocol}\"");
            self.tell(index, "nodeAssigned", message, now);
        }
    }

    fn refuse(&mut self, index: usize, reason: &str, now: Seconds) {
        let spec = self.services[index].spec;
        let message = format!(
            "Failed to allocate IP for \"{}/{}\": {reason}",
            spec.namespace, spec.name
        );
        self.tell(index, "AllocationFailed", message, now);
    }

    /// Whether nobody but sharers has one of `addresses`.
    fn is_free(&self, spec: &ServiceSpec, addresses: &[IpAddr]) -> bool {
        !self.services.iter().any(|other| {
            other.spec.annotations != spec.annotations
                && other.addresses.iter().any(|ip| addresses.contains(ip))
        })
    }

    fn tell(&mut self, index: usize, reason: &'static str, message: String, now: Seconds) {
        self.serial += 1;
        let service = &self.services[index];
        self.events.push_back(Event {
            namespace: service.spec.namespace,
            service: service.spec.name,
            service_uid: service_uid(service),
            reason,
            message,
            warning: reason == "AllocationFailed",
            component: if reason == "nodeAssigned" {
                "metallb-speaker"
            } else {
                "metallb-controller"
            },
            at: now,
            serial: self.serial,
        });
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    /// The index of a service.
    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<usize> {
        self.services
            .iter()
            .position(|service| service.spec.namespace == namespace && service.spec.name == name)
    }

    /// The pods that `service` selects.
    pub(super) fn pods_of<'a>(
        &'a self,
        spec: &'static ServiceSpec,
    ) -> impl Iterator<Item = &'a Pod> {
        self.pods
            .iter()
            .filter(|pod| pod.workload.namespace == spec.namespace && pod.workload.name == spec.app)
    }

    /// The next address of a node that no pod has. It goes round, as the host-local plugin of a cluster does.
    fn free_host(&mut self, node: u8) -> u8 {
        let last = &mut self.hosts[usize::from(node)];
        loop {
            *last = if *last >= 250 { 2 } else { *last + 1 };
            let taken = self
                .pods
                .iter()
                .any(|pod| pod.node.index == node && pod.host == *last);
            if !taken {
                return *last;
            }
        }
    }
}

const fn first_state(health: Health) -> PodState {
    match health {
        Health::Ready => PodState::Running { ready: true },
        Health::Unready => PodState::Running { ready: false },
        Health::Crashing => PodState::Crashing,
        Health::Pulling => PodState::Creating,
        Health::Unschedulable => PodState::Unschedulable,
        Health::Completed => PodState::Completed,
    }
}

/// The uid of a service.
pub(super) fn service_uid(service: &Service) -> String {
    uid(&format!(
        "service/{}/{}/{}",
        service.spec.namespace, service.spec.name, service.incarnation
    ))
}

/// A uid that is the same for the same `seed`.
pub(super) fn uid(seed: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hex: String = Sha256::digest(seed.as_bytes())
        .iter()
        .take(16)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect();
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

/// Five letters as Kubernetes ends generated names: no vowels, so that no words come about.
pub(super) fn suffix(seed: &str) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    Sha256::digest(seed.as_bytes())
        .iter()
        .take(5)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}
