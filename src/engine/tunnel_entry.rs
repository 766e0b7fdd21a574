//! A tunnel as the supervisor holds it: the machine, and what its effects have brought into being.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::carrier::Accepting;
use super::connections::Clients;
use super::home::Home;
use super::host::AbortOnDrop;
use super::tunnel::Tunnel;
use crate::model::{
    Intent, LinkStatus, ListenAddress, LocalBind, Moment, Outlet, Route, Traffic, TunnelSpec,
    TunnelStatus, Words,
};
use crate::ssh::Meter;

/// A tunnel and everything that belongs to it.
pub(super) struct TunnelEntry {
    pub(super) spec: TunnelSpec,
    pub(super) machine: Tunnel,
    /// What the sessions know it by.
    pub(super) tag: u64,
    pub(super) meter: Arc<Meter>,
    pub(super) accepting: Option<Accepting>,
    pub(super) listening: Vec<ListenAddress>,
    /// The route its destination takes, with the reason.
    pub(super) route: Option<(Route, Words)>,
    /// The cluster that its service is of, once it was found.
    pub(super) home: Option<Home>,
    /// Where it led when its service was found last.
    pub(super) led_to: Option<Outlet>,
    /// Whether that is in another cluster than the one that is watched.
    pub(super) is_elsewhere: bool,
    traffic: Traffic,
    /// Who is connected.
    pub(super) clients: Clients,
    /// Binding or proving: at most one is on its way.
    task: Option<AbortOnDrop>,
}

/// What reading the counters showed.
pub(super) struct Reading {
    /// They have changed.
    pub(super) moved: bool,
    /// Clients were refused.
    pub(super) refused: bool,
}

impl TunnelEntry {
    pub(super) fn new(spec: TunnelSpec, tag: u64, stirred: Arc<Notify>) -> Self {
        Self {
            spec,
            machine: Tunnel::default(),
            tag,
            meter: Arc::new(Meter::new(stirred)),
            accepting: None,
            listening: Vec::new(),
            route: None,
            home: None,
            led_to: None,
            is_elsewhere: false,
            traffic: Traffic::default(),
            clients: Clients::default(),
            task: None,
        }
    }

    /// Reads the counters; `now` is the engine's time.
    pub(super) fn read_meter(&mut self, now: Moment) -> Reading {
        let traffic = self.meter.read();
        let reading = Reading {
            moved: traffic != self.traffic,
            refused: traffic.refused_total > self.traffic.refused_total,
        };
        self.traffic = traffic;
        if reading.moved {
            self.clients.read(&self.meter, now);
        }
        reading
    }

    /// Notes the task that works for the machine; the one before it is ended.
    pub(super) fn set_task(&mut self, task: JoinHandle<()>) {
        self.task = Some(AbortOnDrop(task));
    }

    /// Ends whatever is on its way.
    pub(super) fn forget_task(&mut self) {
        self.task = None;
    }

    /// A port that Adit chose stays the tunnel's own, so that it is the same after a reconnect or another opening.
    pub(super) fn keep_automatic_port(&mut self) {
        if let (LocalBind::Automatic { preferred }, Some(ListenAddress::Tcp(address))) =
            (&mut self.spec.local, self.listening.first())
        {
            *preferred = address.port();
        }
    }

    pub(super) fn status(&self, link: &LinkStatus) -> TunnelStatus {
        let (route, route_reason) = self.route.clone().unzip();
        TunnelStatus {
            spec: self.spec.clone(),
            intent: self.machine.intent,
            state: self.machine.state(link),
            listening: self.listening.clone(),
            destination: self.machine.outlet().and_then(Outlet::destination).cloned(),
            route,
            route_reason,
            is_elsewhere: self.is_elsewhere && self.machine.intent == Intent::Up,
            traffic: self.traffic,
        }
    }
}
