//! Tables over [`Tunnel::step`]; time is an argument.

use super::*;
use crate::model::{Destination, FaultCause, Hop, Light, ServiceKey, SessionFacts};

const NOBODY: LinkStatus = LinkStatus::Idle;

fn at(seconds: u64) -> Moment {
    Moment::after_start(Duration::from_secs(seconds))
}

fn ui() -> Outlet {
    ui_address().into()
}

fn ui_address() -> Destination {
    Destination::tcp("10.0.0.241", 80)
}

fn moved_ui() -> Outlet {
    Destination::tcp("10.0.0.250", 80).into()
}

fn busy() -> Fault {
    let address = "127.0.0.1:8080".parse().unwrap();
    Fault::local(FaultCause::PortInUse {
        address,
        holder: None,
        free_port: Some(8081),
    })
}

fn refused() -> Fault {
    Fault {
        hop: Hop::Target(ui_address()),
        cause: FaultCause::TargetRefused,
    }
}

fn prohibited() -> Fault {
    Fault {
        hop: Hop::Target(ui_address()),
        cause: FaultCause::ForwardingProhibited,
    }
}

fn missing() -> Fault {
    Fault::cluster(FaultCause::ServiceMissing {
        service: ServiceKey::new("default", "ui"),
    })
}

fn not_tcp() -> Fault {
    Fault::cluster(FaultCause::NotTcp { port: 53 })
}

/// A tunnel that takes steps a second apart; a failed proof waits as many seconds as there were failures.
#[derive(Clone)]
struct Walk {
    tunnel: Tunnel,
    now: u64,
}

impl Walk {
    fn new() -> Self {
        Self {
            tunnel: Tunnel::default(),
            now: 0,
        }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        self.now += 1;
        self.tunnel.step(event, at(self.now), |attempt| {
            Duration::from_secs(u64::from(attempt))
        })
    }

    fn after(events: &[Event]) -> Self {
        let mut walk = Self::new();
        for event in events {
            // Answers are given in the generation that is asked for at the moment.
            let generation = walk.tunnel.generation;
            walk.step(match event.clone() {
                Event::Bound(_) => Event::Bound(generation),
                Event::BindFailed(_, fault) => Event::BindFailed(generation, fault),
                Event::Proved(_) => Event::Proved(generation),
                Event::ProofFailed(_, fault) => Event::ProofFailed(generation, fault),
                other => other,
            });
        }
        walk
    }

    fn state(&self) -> TunnelState {
        self.tunnel.state(&NOBODY)
    }
}

const ANY: Generation = Generation(0);

fn up() -> Event {
    Event::Intent(Intent::Up)
}

fn down() -> Event {
    Event::Intent(Intent::Down)
}

fn to_linking() -> Vec<Event> {
    vec![up(), Event::Bound(ANY), Event::Target(Ok(ui()))]
}

fn to_open() -> Vec<Event> {
    [to_linking(), vec![Event::LinkUp, Event::Proved(ANY)]].concat()
}

fn then(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    events.extend(more);
    events
}

#[test]
fn one_click_goes_all_the_way_and_each_step_asks_for_the_next() {
    let mut walk = Walk::new();
    assert_eq!(walk.step(up()), [Effect::Bind(Generation(1))]);
    assert_eq!(walk.state(), TunnelState::Binding);
    assert_eq!(walk.step(Event::Bound(Generation(1))), [Effect::Resolve]);
    assert_eq!(walk.state(), TunnelState::Resolving);
    assert_eq!(
        walk.step(Event::Target(Ok(ui()))),
        [Effect::StopCarrying, Effect::WantLink]
    );
    assert_eq!(
        walk.step(Event::LinkUp),
        [Effect::Prove(Generation(2), ui())]
    );
    assert_eq!(walk.state(), TunnelState::Proving);
    assert_eq!(
        walk.step(Event::Proved(Generation(2))),
        [Effect::Carry(ui())]
    );
    assert_eq!(walk.state(), TunnelState::Open { since: at(5) });
    assert_eq!(walk.step(down()), [Effect::StopCarrying, Effect::Release]);
    assert_eq!(walk.state(), TunnelState::Off);
}

/// Name, what happens, the light and the fault that are then shown.
type Failure = (&'static str, Vec<Event>, Light, Option<Fault>);

fn failures() -> Vec<Failure> {
    vec![
        ("nothing wanted", vec![], Light::Grey, None),
        (
            "port taken",
            vec![up(), Event::BindFailed(ANY, busy())],
            Light::Red,
            Some(busy()),
        ),
        (
            "service gone",
            vec![up(), Event::Bound(ANY), Event::Target(Err(missing()))],
            Light::Amber,
            Some(missing()),
        ),
        (
            "udp",
            vec![up(), Event::Bound(ANY), Event::Target(Err(not_tcp()))],
            Light::Red,
            Some(not_tcp()),
        ),
        ("link not there", to_linking(), Light::Amber, None),
        (
            "target refuses",
            then(
                to_linking(),
                [Event::LinkUp, Event::ProofFailed(ANY, refused())],
            ),
            Light::Amber,
            Some(refused()),
        ),
        (
            "forwarding forbidden",
            then(
                to_linking(),
                [Event::LinkUp, Event::ProofFailed(ANY, prohibited())],
            ),
            Light::Red,
            Some(prohibited()),
        ),
        ("open", to_open(), Light::Green, None),
        (
            "link lost",
            then(to_open(), [Event::LinkDown]),
            Light::Amber,
            None,
        ),
        (
            "target moved",
            then(to_open(), [Event::Target(Ok(moved_ui()))]),
            Light::Amber,
            None,
        ),
        (
            "service deleted",
            then(to_open(), [Event::Target(Err(missing()))]),
            Light::Amber,
            Some(missing()),
        ),
        (
            "doubted",
            then(to_open(), [Event::Doubt]),
            Light::Amber,
            None,
        ),
        ("closed", then(to_open(), [down()]), Light::Grey, None),
    ]
}

#[test]
fn every_failure_has_its_state_and_its_light() {
    for (name, events, light, fault) in failures() {
        let state = Walk::after(&events).state();
        assert_eq!(state.light(), light, "{name}: {state:?}");
        assert_eq!(state.fault().cloned(), fault, "{name}: {state:?}");
    }
}

#[test]
fn answers_of_an_old_generation_are_dropped() {
    for events in [
        vec![up()],
        to_linking(),
        then(to_linking(), [Event::LinkUp]),
        to_open(),
    ] {
        for stale in [
            Event::Bound(ANY),
            Event::BindFailed(ANY, busy()),
            Event::Proved(ANY),
            Event::ProofFailed(ANY, refused()),
        ] {
            let mut walk = Walk::after(&events);
            let before = walk.tunnel.clone();
            assert_eq!(walk.step(stale.clone()), [], "{stale:?} after {events:?}");
            assert_eq!(walk.tunnel, before, "{stale:?} after {events:?}");
        }
    }
}

#[test]
fn closing_while_something_is_on_its_way_leaves_it_behind() {
    let mut walk = Walk::after(&[up()]);
    let binding = walk.tunnel.generation;
    walk.step(down());
    walk.step(up());
    assert_eq!(
        walk.step(Event::Bound(binding)),
        [],
        "the port of the first opening"
    );
    assert_eq!(walk.state(), TunnelState::Binding);
}

#[test]
fn a_proof_that_fails_is_tried_again_when_it_is_due_and_not_before() {
    let mut walk = Walk::after(&then(to_linking(), [Event::LinkUp]));
    for failures in 1..=5 {
        let generation = walk.tunnel.generation;
        assert_eq!(
            walk.step(Event::ProofFailed(generation, refused())),
            [Effect::StopCarrying]
        );
        let due = walk.now + failures;
        assert_eq!(walk.tunnel.deadline(), Some(at(due)));
        walk.now = due - 2;
        assert_eq!(walk.step(Event::Tick), [], "a second early");
        assert_eq!(
            walk.step(Event::Tick),
            [Effect::Prove(walk.tunnel.generation, ui())]
        );
    }
    walk.step(Event::Proved(walk.tunnel.generation));
    assert_eq!(walk.state().light(), Light::Green);
}

#[test]
fn a_target_that_moves_is_proved_again_before_it_is_green() {
    let mut walk = Walk::after(&to_open());
    assert_eq!(
        walk.step(Event::Target(Ok(ui()))),
        [],
        "the same address is no change"
    );
    assert_eq!(
        walk.step(Event::Target(Ok(moved_ui()))),
        [Effect::StopCarrying, Effect::WantLink]
    );
    let effects = walk.step(Event::LinkUp);
    let generation = walk.tunnel.generation;
    assert_eq!(effects, [Effect::Prove(generation, moved_ui())]);
    assert_eq!(
        walk.step(Event::Proved(generation)),
        [Effect::Carry(moved_ui())]
    );
}

#[test]
fn a_service_that_comes_back_brings_its_tunnel_back() {
    let mut walk = Walk::after(&then(to_open(), [Event::Target(Err(missing()))]));
    assert_eq!(walk.step(Event::LinkUp), [], "there is nothing to prove");
    assert_eq!(
        walk.step(Event::Target(Ok(ui()))),
        [Effect::StopCarrying, Effect::WantLink]
    );
}

#[test]
fn a_lost_link_is_waited_for_in_every_state_that_needs_it() {
    let backoff = then(
        to_linking(),
        [Event::LinkUp, Event::ProofFailed(ANY, refused())],
    );
    for events in [then(to_linking(), [Event::LinkUp]), to_open(), backoff] {
        let mut walk = Walk::after(&events);
        assert_eq!(
            walk.step(Event::LinkDown),
            [Effect::StopCarrying],
            "{events:?}"
        );
        assert!(
            matches!(walk.step(Event::LinkUp)[..], [Effect::Prove(_, _)]),
            "{events:?}"
        );
    }
}

#[test]
fn moving_the_listener_frees_the_old_port_first() {
    let mut walk = Walk::after(&to_open());
    let effects = walk.step(Event::Moved);
    assert_eq!(
        effects,
        [
            Effect::StopCarrying,
            Effect::Release,
            Effect::Bind(walk.tunnel.generation)
        ]
    );
    assert_eq!(
        Walk::new().step(Event::Moved),
        [],
        "a closed tunnel stays closed"
    );
}

type IsExpected = fn(&Effect) -> bool;

#[test]
fn whoever_asks_again_gets_another_try() {
    let rows: [(Vec<Event>, IsExpected); 4] = [
        (vec![up(), Event::BindFailed(ANY, busy())], |effect| {
            matches!(effect, Effect::Bind(_))
        }),
        (
            vec![up(), Event::Bound(ANY), Event::Target(Err(missing()))],
            |effect| *effect == Effect::Resolve,
        ),
        (
            then(
                to_linking(),
                [Event::LinkUp, Event::ProofFailed(ANY, refused())],
            ),
            |effect| *effect == Effect::WantLink,
        ),
        (
            then(
                to_linking(),
                [Event::LinkUp, Event::ProofFailed(ANY, prohibited())],
            ),
            |effect| *effect == Effect::WantLink,
        ),
    ];
    for (events, expected) in rows {
        let effects = Walk::after(&events).step(Event::Retry);
        assert!(
            effects.len() == 1 && expected(&effects[0]),
            "{events:?}: {effects:?}"
        );
    }
    assert_eq!(
        Walk::after(&to_open()).step(Event::Retry),
        [],
        "an open tunnel needs no other try"
    );
}

#[test]
fn a_tunnel_that_waits_for_its_link_shows_what_the_link_does() {
    let walk = Walk::after(&to_linking());
    let fault = Fault {
        hop: Hop::Ssh("ubuntu@host".to_owned()),
        cause: FaultCause::ConnectRefused,
    };
    let waiting = LinkStatus::Waiting {
        attempt: 3,
        retry_at: at(9),
        fault: fault.clone(),
    };
    let up = LinkStatus::Up {
        since: at(1),
        session: SessionFacts::default(),
    };
    for (link, light) in [
        (
            LinkStatus::Dialing {
                hop: "ubuntu@host".to_owned(),
            },
            Light::Amber,
        ),
        (waiting, Light::Amber),
        (LinkStatus::Failed(fault), Light::Red),
        (up, Light::Amber),
    ] {
        assert_eq!(walk.tunnel.state(&link).light(), light, "{link:?}");
    }
}
