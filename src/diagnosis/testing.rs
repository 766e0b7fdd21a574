//! A small healthy cluster for the tables: each case changes one thing of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    AddressPool, Finding, PodEndpoint, Protocol, ServiceEvent, ServiceKey, ServicePort,
};

use super::facts::{
    Advertisement, BgpSession, Components, ConfigurationState, InUse, Node, Pool, Presence, Scene,
    ServiceFacts, Speaking, World,
};
use super::selector::{Expression, Labels, Selector};
use super::service::{Subject, Unready, findings};
use super::{announcers, pool};

/// What is looked at: the service `shop/web`, others, and the world around them.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) web: ServiceFacts,
    pub(super) others: BTreeMap<ServiceKey, ServiceFacts>,
    pub(super) pods: Option<Vec<PodEndpoint>>,
    pub(super) events: Vec<ServiceEvent>,
    pub(super) speaking: Speaking,
    pub(super) world: World,
    pub(super) is_complete: bool,
}

/// A change of it.
pub(super) type Change = fn(&mut Case);

/// Name, change, the codes that are found, and a part of the first message.
pub(super) type Row = (&'static str, Change, &'static [&'static str], &'static str);

pub(super) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

/// A selector of one label.
pub(super) fn selector(key: &str, value: &str) -> Selector {
    Selector {
        match_labels: labels(&[(key, value)]),
        match_expressions: Vec::new(),
    }
}

/// A selector of everything without this label.
pub(super) fn without(key: &str) -> Selector {
    Selector {
        match_labels: Labels::new(),
        match_expressions: vec![Expression {
            key: key.to_owned(),
            operator: "DoesNotExist".to_owned(),
            values: Vec::new(),
        }],
    }
}

pub(super) fn pool(addresses: &[&str]) -> Pool {
    Pool {
        namespace: "metallb-system".into(),
        addresses: addresses.iter().map(|&text| text.to_owned()).collect(),
        ranges: addresses
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        auto_assign: true,
        ..Pool::default()
    }
}

pub(super) fn port(number: u16) -> ServicePort {
    ServicePort {
        name: String::new(),
        number,
        protocol: Protocol::Tcp,
        target_port: "8080".to_owned(),
        node_port: None,
        app_protocol: None,
    }
}

/// A service with this ClusterIP and these addresses.
pub(super) fn service(cluster_ip: &str, ips: &[&str]) -> ServiceFacts {
    ServiceFacts {
        cluster_ips: vec![cluster_ip.parse().unwrap()],
        load_balancer_ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
        ports: vec![port(80)],
        ..ServiceFacts::default()
    }
}

pub(super) fn pod(name: &str, node: &str, ready: bool) -> PodEndpoint {
    PodEndpoint {
        name: name.into(),
        ip: "10.244.1.7".parse().unwrap(),
        node: Some(node.into()),
        ready,
        ports: Arc::new([]),
    }
}

pub(super) fn event(reason: &str, message: &str, at: &str) -> ServiceEvent {
    ServiceEvent {
        reason: reason.to_owned(),
        message: message.to_owned(),
        at: at.to_owned(),
        is_warning: false,
    }
}

pub(super) fn session(node: &str, state: &str) -> BgpSession {
    BgpSession {
        node: node.to_owned(),
        peer: "10.0.0.1".to_owned(),
        state: state.to_owned(),
    }
}

fn node(ip: &str, pods: &str) -> Node {
    Node {
        internal_ips: vec![ip.parse().unwrap()],
        pod_cidrs: vec![pods.to_owned()],
        ready: Some(true),
        ..Node::default()
    }
}

fn by_name<K, const N: usize>(items: [(&str, K); N]) -> BTreeMap<Arc<str>, K> {
    let named = items.into_iter().map(|(name, kept)| (name.into(), kept));
    named.collect()
}

impl Case {
    /// Two nodes, one pool of ten addresses announced by layer 2, one other service, and everything is seen.
    pub(super) fn healthy(web: ServiceFacts) -> Self {
        let valid = ConfigurationState {
            result: "Valid".to_owned(),
            error: String::new(),
        };
        let world = World {
            metallb: Presence::Served,
            pools: Some(by_name([("main", pool(&["10.0.0.240-10.0.0.249"]))])),
            l2: Some(by_name([("l2", Advertisement::default())])),
            bgp: Some(by_name([])),
            peers: Some(by_name([])),
            sessions: None,
            configuration: Some(by_name([("controller", valid)])),
            nodes: Some(by_name([
                ("n1", node("10.0.0.1", "10.244.1.0/24")),
                ("n2", node("10.0.0.2", "10.244.2.0/24")),
            ])),
            namespaces: Some(by_name([("shop", labels(&[("team", "shop")]))])),
            components: Some(Components {
                controllers: vec![(None, true)],
                speakers: by_name([("n1", true), ("n2", true)]),
                service_lb: std::collections::BTreeSet::new(),
            }),
        };
        Self {
            web,
            others: BTreeMap::from([(
                ServiceKey::new("shop", "other"),
                service("10.96.0.9", &["10.0.0.240"]),
            )]),
            pods: Some(vec![pod("web-1", "n1", true)]),
            events: Vec::new(),
            speaking: Speaking::default(),
            world,
            is_complete: true,
        }
    }

    /// A service that waits for its address.
    pub(super) fn pending() -> Self {
        Self::healthy(service("10.96.0.1", &[]))
    }

    /// A service that has one.
    pub(super) fn assigned() -> Self {
        let mut web = service("10.96.0.1", &["10.0.0.241"]);
        web.pool = Some("main".to_owned());
        Self::healthy(web)
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn main_pool(&mut self) -> &mut Pool {
        self.world.pools.as_mut().unwrap().get_mut("main").unwrap()
    }

    pub(super) fn l2(&mut self) -> &mut Advertisement {
        self.world.l2.as_mut().unwrap().get_mut("l2").unwrap()
    }

    pub(super) fn node(&mut self, name: &str) -> &mut Node {
        self.world.nodes.as_mut().unwrap().get_mut(name).unwrap()
    }

    pub(super) fn add_pool(&mut self, name: &str, pool: Pool) {
        self.world.pools.as_mut().unwrap().insert(name.into(), pool);
    }

    /// Gives `ips` to other services, one each.
    pub(super) fn take(&mut self, ips: &[&str]) {
        for (index, ip) in ips.iter().enumerate() {
            let key = ServiceKey::new("taken", &format!("s{index}"));
            self.others.insert(key, service("10.96.1.1", &[ip]));
        }
    }

    fn key() -> ServiceKey {
        ServiceKey::new("shop", "web")
    }

    fn all(&self) -> BTreeMap<ServiceKey, ServiceFacts> {
        let mut all = self.others.clone();
        all.insert(Self::key(), self.web.clone());
        all
    }

    fn looked_at<R>(&self, look: impl FnOnce(Scene<'_>) -> R) -> R {
        let services = self.all();
        let (mut in_use, mut cluster_ips) = (InUse::new(), InUse::new());
        for (key, facts) in &services {
            for ip in &facts.load_balancer_ips {
                in_use.entry(*ip).or_default().insert(key.clone());
            }
            for ip in &facts.cluster_ips {
                cluster_ips.entry(*ip).or_default().insert(key.clone());
            }
        }
        look(Scene {
            world: &self.world,
            in_use: &in_use,
            cluster_ips: &cluster_ips,
            services: &services,
            is_complete: self.is_complete,
        })
    }

    pub(super) fn announced_by(&self) -> Option<Vec<crate::model::Announcement>> {
        announcers(
            &self.web,
            &self.world,
            self.pods.as_deref(),
            &self.speaking,
            &self.events,
        )
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let announced_by = self.announced_by();
        let subject = Subject {
            key: &Self::key(),
            service: &self.web,
            pods: self.pods.as_deref(),
            unready: &|_| Unready::default(),
            events: &self.events,
            announced_by: announced_by.as_deref(),
        };
        self.looked_at(|scene| findings(&subject, scene))
    }

    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.findings().iter().map(|finding| finding.code).collect()
    }

    /// The pool `main` as it is shown.
    pub(super) fn shown_pool(&self) -> AddressPool {
        let main = &self.world.pools.as_ref().unwrap()["main"];
        self.looked_at(|scene| AddressPool {
            usage: pool::usage(main, scene),
            findings: pool::lint("main", main, scene),
            ..AddressPool::default()
        })
    }
}

/// Each change, by itself, has these reasons found.
pub(super) fn check(start: &Case, rows: &[Row]) {
    for (name, change, codes, part) in rows {
        let found = start.clone().with(change).findings();
        let own: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(own, *codes, "{name}: {found:?}");
        let said = found
            .first()
            .map_or_else(String::new, |finding| finding.message.to_string());
        assert!(said.contains(part), "{name}: {said}");
        assert!(
            found.iter().all(|finding| !finding.hint.is_empty()),
            "{name}"
        );
    }
}

/// Gives out what is free of the ten addresses; `shop/other` has the first.
pub(super) fn take_all(case: &mut Case) {
    let rest: Vec<String> = (241..250).map(|last| format!("10.0.0.{last}")).collect();
    case.take(&rest.iter().map(String::as_str).collect::<Vec<_>>());
}
