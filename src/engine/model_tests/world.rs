//! Two tunnels and their link with everything around them, driven as the supervisor drives them.

use std::collections::VecDeque;

use super::super::super::link::{Link, LinkEffect, LinkEvent, LinkPhase};
use super::super::*;
use crate::model::{FaultCause, Hop, Light, ServiceKey, SessionFacts};

/// A failed try is followed by another after this.
const PAUSE: Duration = Duration::from_secs(1);
/// Longer than any link takes to count as steady.
const LONG: Duration = Duration::from_mins(1);

/// What the cluster says about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Service {
    /// Nothing yet.
    Unread,
    At(u8),
    Missing,
    /// Its port is none that SSH can carry.
    Udp,
}

/// What is on its way for a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Bind(Generation),
    Prove(Generation, Outlet),
}

/// A tunnel and what its effects have brought into being.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) tunnel: Tunnel,
    service: Service,
    task: Option<Task>,
    pub(super) listening: bool,
    carrying: Option<Outlet>,
    /// The destination to which a channel was opened through the session that stands.
    proved: Option<Outlet>,
}

/// Two tunnels of two services through one host.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) sides: [Side; 2],
    link: Link,
    /// The dial that is on its way.
    dial: Option<u64>,
    session: bool,
}

/// Everything that can happen; of the tunnel with this number, where it is about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Of(usize, TunnelMove),
    DialSucceeds,
    DialFails(Trouble),
    SessionLost { steady: bool },
    LinkIsDue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TunnelMove {
    Want(Intent),
    Retry,
    ListenElsewhere,
    PortBound,
    PortTaken,
    ServiceIs(Service),
    Proved,
    ProofFails(Trouble),
    ClientsRefused,
    IsDue,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Passing,
    Lasting,
}

impl Move {
    /// Whether it takes a person.
    pub(super) const fn is_a_persons(self) -> bool {
        matches!(
            self,
            Self::Of(
                _,
                TunnelMove::Want(_) | TunnelMove::Retry | TunnelMove::ListenElsewhere
            )
        )
    }
}

fn address(number: u8) -> Outlet {
    crate::model::Destination::tcp(format!("10.0.0.{number}"), 80).into()
}

fn fault(cause: FaultCause) -> Fault {
    Fault {
        hop: Hop::Ssh("ubuntu@host".to_owned()),
        cause,
    }
}

fn trouble(kind: Trouble) -> Fault {
    fault(match kind {
        Trouble::Passing => FaultCause::ConnectRefused,
        Trouble::Lasting => FaultCause::ForwardingProhibited,
    })
}

fn at(time: Duration) -> Moment {
    Moment::after_start(time)
}

impl Side {
    fn new() -> Self {
        Self {
            tunnel: Tunnel::default(),
            service: Service::Unread,
            task: None,
            listening: false,
            carrying: None,
            proved: None,
        }
    }

    fn moves(&self, session: bool) -> Vec<TunnelMove> {
        let mut moves = vec![
            TunnelMove::Want(Intent::Up),
            TunnelMove::Want(Intent::Down),
            TunnelMove::Retry,
            TunnelMove::ListenElsewhere,
        ];
        let services = [
            Service::At(1),
            Service::At(2),
            Service::Missing,
            Service::Udp,
        ];
        let others = services.into_iter().filter(|other| *other != self.service);
        moves.extend(others.map(TunnelMove::ServiceIs));
        match &self.task {
            Some(Task::Bind(_)) => moves.extend([TunnelMove::PortBound, TunnelMove::PortTaken]),
            Some(Task::Prove(..)) => {
                moves.extend(session.then_some(TunnelMove::Proved));
                moves.extend([Trouble::Passing, Trouble::Lasting].map(TunnelMove::ProofFails));
            }
            None => {}
        }
        if self.tunnel.is_open() {
            moves.push(TunnelMove::ClientsRefused);
        }
        if self.tunnel.deadline().is_some() {
            moves.push(TunnelMove::IsDue);
        }
        moves
    }

    fn take_bind(&mut self) -> Generation {
        match self.task.take() {
            Some(Task::Bind(generation)) => generation,
            other => panic!("no port is being bound but {other:?}"),
        }
    }

    fn take_proof(&mut self) -> (Generation, Outlet) {
        match self.task.take() {
            Some(Task::Prove(generation, destination)) => (generation, destination),
            other => panic!("no target is being proved but {other:?}"),
        }
    }

    fn target(&self) -> Option<Result<Outlet, Fault>> {
        match self.service {
            Service::Unread => None,
            Service::At(number) => Some(Ok(address(number))),
            Service::Missing => Some(Err(Fault::cluster(FaultCause::ServiceMissing {
                service: ServiceKey::new("default", "ui"),
            }))),
            Service::Udp => Some(Err(Fault::cluster(FaultCause::NotTcp { port: 80 }))),
        }
    }

    /// Forgets what makes no difference: how many tries there were, and when.
    fn simplify(&mut self) {
        let current = self.tunnel.generation;
        if let Some(Task::Bind(generation) | Task::Prove(generation, _)) = &mut self.task {
            assert!(*generation <= current, "an answer to no question yet");
            let is_current = *generation == current;
            *generation = Generation(u64::from(is_current));
        }
        self.tunnel.generation = Generation(1);
        match &mut self.tunnel.phase {
            Phase::Proving { attempt, .. } => *attempt = 0,
            Phase::Open { since, .. } => *since = at(Duration::ZERO),
            Phase::Backoff {
                attempt, retry_at, ..
            } => (*attempt, *retry_at) = (1, at(PAUSE)),
            _ => {}
        }
    }

    fn light(&self, link: &LinkStatus) -> Light {
        self.tunnel.state(link).light()
    }

    fn check(&self, world: &World) {
        let light = self.light(&world.link_status());
        let destination = self.tunnel.outlet();
        assert_eq!(light == Light::Green, self.tunnel.is_open(), "{world:#?}");
        if light == Light::Green {
            assert!(world.session && self.listening, "for nothing: {world:#?}");
            assert_eq!(self.proved.as_ref(), destination, "unproved: {world:#?}");
            assert_eq!(
                self.carrying.as_ref(),
                destination,
                "not carried: {world:#?}"
            );
        }
        if let Some(carrying) = &self.carrying {
            assert!(world.session, "clients go nowhere: {world:#?}");
            assert_eq!(Some(carrying), destination, "carried astray: {world:#?}");
        }
        if self.tunnel.intent == Intent::Down {
            assert_eq!(light, Light::Grey, "not off: {world:#?}");
            assert!(!self.listening, "the port is not free: {world:#?}");
            assert!(self.task.is_none(), "something goes on: {world:#?}");
        } else {
            assert_ne!(light, Light::Grey, "wanted, and off: {world:#?}");
        }
        assert!(self.will_be_woken(world), "nothing will come: {world:#?}");
    }

    /// A tunnel that is amber waits for something that will come.
    fn will_be_woken(&self, world: &World) -> bool {
        let current = self.tunnel.generation;
        match &self.tunnel.phase {
            Phase::Binding => self.task == Some(Task::Bind(current)),
            Phase::Resolving => self.service == Service::Unread,
            Phase::Lacking(_) => self.service == Service::Missing,
            Phase::Linking { .. } => !world.session && world.link.phase != LinkPhase::Idle,
            Phase::Proving {
                outlet: destination,
                ..
            } => self.task == Some(Task::Prove(current, destination.clone())),
            Phase::Backoff { .. } => self.tunnel.deadline().is_some(),
            Phase::Off
            | Phase::Open { .. }
            | Phase::Unbound(_)
            | Phase::Impossible(_)
            | Phase::Refused { .. } => true,
        }
    }

    /// Answers to questions that were asked before change nothing.
    pub(super) fn check_that_the_past_is_over(&self) {
        let old = Generation(0);
        for event in [
            Event::Bound(old),
            Event::BindFailed(old, trouble(Trouble::Lasting)),
            Event::Proved(old),
            Event::ProofFailed(old, trouble(Trouble::Passing)),
        ] {
            let mut tunnel = self.tunnel.clone();
            let effects = tunnel.step(event, at(PAUSE), |_| PAUSE);
            assert_eq!((effects, tunnel), (Vec::new(), self.tunnel.clone()));
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            sides: [Side::new(), Side::new()],
            link: Link::default(),
            dial: None,
            session: false,
        }
    }

    /// What can happen now.
    pub(super) fn moves(&self) -> Vec<Move> {
        let of_tunnels = self.sides.iter().enumerate();
        let mut moves: Vec<Move> = of_tunnels
            .flat_map(|(id, side)| {
                let moves = side.moves(self.session).into_iter();
                moves.map(move |what| Move::Of(id, what))
            })
            .collect();
        if self.dial.is_some() {
            moves.push(Move::DialSucceeds);
            moves.extend([Trouble::Passing, Trouble::Lasting].map(Move::DialFails));
        }
        if self.session {
            moves.extend([true, false].map(|steady| Move::SessionLost { steady }));
        }
        if self.link.deadline().is_some() {
            moves.push(Move::LinkIsDue);
        }
        moves
    }

    /// The world after `what` has happened.
    pub(super) fn after(&self, what: Move) -> Self {
        let mut next = self.clone();
        match what {
            Move::Of(id, what) => next.happen(id, what),
            Move::DialSucceeds => {
                let dial = next.dial.take().unwrap();
                next.session = true;
                next.step_link(LinkEvent::Connected(dial), Duration::ZERO);
            }
            Move::DialFails(kind) => {
                let dial = next.dial.take().unwrap();
                next.step_link(LinkEvent::DialFailed(dial, trouble(kind)), Duration::ZERO);
            }
            Move::SessionLost { steady } => {
                let lost = LinkEvent::Lost(next.link.dial, trouble(Trouble::Passing));
                next.step_link(lost, if steady { LONG } else { Duration::ZERO });
            }
            Move::LinkIsDue => next.step_link(LinkEvent::Tick, PAUSE),
        }
        next.settle();
        next.simplify();
        next
    }

    fn happen(&mut self, id: usize, what: TunnelMove) {
        match what {
            TunnelMove::Want(intent) => {
                self.step(id, Event::Intent(intent));
                if intent == Intent::Up {
                    self.retry_link(id);
                }
            }
            TunnelMove::Retry => {
                self.step(id, Event::Retry);
                self.retry_link(id);
            }
            TunnelMove::ListenElsewhere => self.step(id, Event::Moved),
            TunnelMove::PortBound => {
                let generation = self.sides[id].take_bind();
                self.sides[id].listening = true;
                self.step(id, Event::Bound(generation));
            }
            TunnelMove::PortTaken => {
                let generation = self.sides[id].take_bind();
                let cause = FaultCause::PortInUse {
                    address: "127.0.0.1:8080".parse().unwrap(),
                    holder: None,
                    free_port: None,
                };
                self.step(id, Event::BindFailed(generation, Fault::local(cause)));
            }
            TunnelMove::ServiceIs(service) => {
                self.sides[id].service = service;
                if self.sides[id].tunnel.is_bound()
                    && let Some(target) = self.sides[id].target()
                {
                    self.step(id, Event::Target(target));
                }
            }
            TunnelMove::Proved => {
                let (generation, destination) = self.sides[id].take_proof();
                self.sides[id].proved = Some(destination);
                self.step(id, Event::Proved(generation));
            }
            TunnelMove::ProofFails(kind) => {
                let (generation, _) = self.sides[id].take_proof();
                self.step(id, Event::ProofFailed(generation, trouble(kind)));
            }
            TunnelMove::ClientsRefused => self.step(id, Event::Doubt),
            TunnelMove::IsDue => self.step(id, Event::Tick),
        }
    }

    /// As `Supervisor::step_tunnel`, `run_effect` and what they call.
    fn step(&mut self, id: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let effects = self.sides[id].tunnel.step(event, at(PAUSE), |_| PAUSE);
            for effect in effects {
                events.extend(self.run(id, effect));
            }
        }
    }

    fn run(&mut self, id: usize, effect: Effect) -> Option<Event> {
        let (session, side) = (self.session, &mut self.sides[id]);
        match effect {
            Effect::Bind(generation) => {
                assert!(!side.listening, "a port is bound while one is held");
                side.task = Some(Task::Bind(generation));
            }
            Effect::Release => (side.task, side.listening) = (None, false),
            Effect::Resolve => return side.target().map(Event::Target),
            Effect::WantLink if self.link.is_up() => return Some(Event::LinkUp),
            Effect::WantLink => self.step_link(LinkEvent::Needed, Duration::ZERO),
            Effect::Prove(generation, destination) => {
                assert!(session, "a target is proved without a session");
                side.task = Some(Task::Prove(generation, destination));
            }
            Effect::Carry(destination) => side.carrying = Some(destination),
            Effect::StopCarrying => side.carrying = None,
        }
        None
    }

    /// As `Supervisor::step_link`; `later` is how long after its last change.
    fn step_link(&mut self, event: LinkEvent, later: Duration) {
        for effect in self.link.step(event, at(later), |_| PAUSE) {
            match effect {
                LinkEffect::Dial(dial) => {
                    assert!(!self.session, "a host is dialled while a session stands");
                    self.dial = Some(dial);
                }
                LinkEffect::HangUp => {
                    (self.dial, self.session) = (None, false);
                    self.sides.iter_mut().for_each(|side| side.proved = None);
                }
                LinkEffect::TellUp => self.tell(&Event::LinkUp),
                LinkEffect::TellDown => self.tell(&Event::LinkDown),
            }
        }
    }

    fn tell(&mut self, event: &Event) {
        for id in 0..self.sides.len() {
            self.step(id, event.clone());
        }
    }

    /// As `Supervisor::retry_failed_link`.
    fn retry_link(&mut self, id: usize) {
        if self.sides[id].tunnel.needs_link() {
            self.step_link(LinkEvent::Retry, Duration::ZERO);
        }
    }

    fn link_is_needed(&self) -> bool {
        self.sides.iter().any(|side| side.tunnel.needs_link())
    }

    /// As `Supervisor::settle_links`.
    fn settle(&mut self) {
        let event = if self.link_is_needed() {
            LinkEvent::Needed
        } else {
            LinkEvent::Unwanted
        };
        self.step_link(event, Duration::ZERO);
    }

    fn simplify(&mut self) {
        self.sides.iter_mut().for_each(Side::simplify);
        if let Some(dial) = &mut self.dial {
            assert_eq!(*dial, self.link.dial, "a dial was forgotten");
            *dial = 1;
        }
        self.link.dial = 1;
        match &mut self.link.phase {
            LinkPhase::Dialing { attempt } => *attempt = 0,
            LinkPhase::Up { since, attempt } => (*since, *attempt) = (at(Duration::ZERO), 0),
            LinkPhase::Waiting {
                attempt, retry_at, ..
            } => (*attempt, *retry_at) = (1, at(PAUSE)),
            LinkPhase::Idle | LinkPhase::Failed(_) => {}
        }
    }

    fn link_status(&self) -> LinkStatus {
        match &self.link.phase {
            LinkPhase::Idle => LinkStatus::Idle,
            LinkPhase::Dialing { .. } => LinkStatus::Dialing { hop: String::new() },
            LinkPhase::Up { since, .. } => LinkStatus::Up {
                since: *since,
                session: SessionFacts::default(),
            },
            LinkPhase::Waiting {
                attempt,
                retry_at,
                fault,
            } => LinkStatus::Waiting {
                attempt: *attempt,
                retry_at: *retry_at,
                fault: fault.clone(),
            },
            LinkPhase::Failed(fault) => LinkStatus::Failed(fault.clone()),
        }
    }

    pub(super) fn lights(&self) -> [Light; 2] {
        let link = self.link_status();
        [0, 1].map(|id| self.sides[id].light(&link))
    }

    /// What holds always.
    pub(super) fn check(&self) {
        self.sides.iter().for_each(|side| side.check(self));
        assert_eq!(self.session, self.link.is_up(), "{self:#?}");
        let given_up = matches!(
            self.link.phase,
            LinkPhase::Waiting { .. } | LinkPhase::Failed(_)
        );
        assert_eq!(
            self.session || self.dial.is_some(),
            self.link_is_needed() && !given_up,
            "a link that nobody needs, or none where one is needed: {self:#?}"
        );
    }
}
