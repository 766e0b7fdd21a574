//! The state machine of one tunnel. Pure: no I/O, no clock, no randomness; what happens comes in as an [`Event`], what is to
//! be done goes out as [`Effect`]s.
//!
//! The phases follow the way of a tunnel, and each owns what is known there and nothing else:
//!
//! ```text
//! Off -> Binding -> Resolving -> Linking -> Proving -> Open
//!                       ^           ^          |  ^      |
//!                       |           |          v  |      |
//!                    Lacking     (link down)  Backoff <--+      Failed: the person is needed
//! ```

use std::time::Duration;

use crate::model::{Fault, Intent, LinkStatus, Moment, Outlet, Recovery, TunnelState};

/// Tells the answer to a newer question from that to an older one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u64);

impl Generation {
    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One tunnel: what is wanted, and how far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tunnel {
    pub(super) intent: Intent,
    pub(super) generation: Generation,
    phase: Phase,
}

/// How far a tunnel has come. From `Resolving` on its port is bound; from `Linking` on it needs the host's link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Off,
    Binding,
    /// The port could not be bound.
    Unbound(Fault),
    Resolving,
    /// The cluster lacks something: the next change of it is waited for.
    Lacking(Fault),
    /// The target can never be reached as it is asked for.
    Impossible(Fault),
    Linking {
        outlet: Outlet,
    },
    Proving {
        outlet: Outlet,
        attempt: u32,
    },
    Open {
        outlet: Outlet,
        since: Moment,
    },
    Backoff {
        outlet: Outlet,
        attempt: u32,
        retry_at: Moment,
        fault: Fault,
    },
    /// The target cannot be reached through this link, and trying again will not help.
    Refused {
        outlet: Outlet,
        fault: Fault,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The person wants it so.
    Intent(Intent),
    /// The person wants another try now.
    Retry,
    /// The place to listen has changed.
    Moved,
    /// The port is bound.
    Bound(Generation),
    /// The port cannot be bound.
    BindFailed(Generation, Fault),
    /// What the cluster now says about the target.
    Target(Result<Outlet, Fault>),
    /// The host's link stands.
    LinkUp,
    /// It does not stand (any more).
    LinkDown,
    /// A channel to the target was opened.
    Proved(Generation),
    /// It was not.
    ProofFailed(Generation, Fault),
    /// Clients have been refused by the target since it was proved.
    Doubt,
    /// Time has passed.
    Tick,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Bind the local port and answer with this generation.
    Bind(Generation),
    /// Free the local port and cut the connections.
    Release,
    /// Look the target up: the answer is [`Event::Target`], when there is one.
    Resolve,
    /// Have the host's link up, and say how it stands.
    WantLink,
    /// Show that clients would come out there, and answer with this generation.
    Prove(Generation, Outlet),
    /// Carry clients there.
    Carry(Outlet),
    /// Carry clients no more: they are reset until it is [`Effect::Carry`] again.
    StopCarrying,
}

impl Tunnel {
    /// What the faces are shown. Whether a tunnel that waits for its link dials, asks or waits is the link's to say.
    pub(super) fn state(&self, link: &LinkStatus) -> TunnelState {
        match &self.phase {
            Phase::Off => TunnelState::Off,
            Phase::Binding => TunnelState::Binding,
            Phase::Unbound(fault) | Phase::Impossible(fault) | Phase::Refused { fault, .. } => {
                TunnelState::Failed(fault.clone())
            }
            Phase::Resolving => TunnelState::Resolving,
            Phase::Lacking(fault) => TunnelState::Waiting {
                attempt: 1,
                retry_at: None,
                fault: fault.clone(),
            },
            Phase::Linking { .. } => linking_state(link),
            Phase::Proving { .. } => TunnelState::Proving,
            Phase::Open { since, .. } => TunnelState::Open { since: *since },
            Phase::Backoff {
                attempt,
                retry_at,
                fault,
                ..
            } => TunnelState::Waiting {
                attempt: *attempt,
                retry_at: Some(*retry_at),
                fault: fault.clone(),
            },
        }
    }

    /// Where its clients are, or would be, carried.
    pub(super) fn outlet(&self) -> Option<&Outlet> {
        match &self.phase {
            Phase::Linking { outlet }
            | Phase::Proving { outlet, .. }
            | Phase::Open { outlet, .. }
            | Phase::Backoff { outlet, .. }
            | Phase::Refused { outlet, .. } => Some(outlet),
            Phase::Off
            | Phase::Binding
            | Phase::Unbound(_)
            | Phase::Resolving
            | Phase::Lacking(_)
            | Phase::Impossible(_) => None,
        }
    }

    /// When it wants a [`Event::Tick`].
    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.phase {
            Phase::Backoff { retry_at, .. } => Some(*retry_at),
            _ => None,
        }
    }

    /// Whether it needs its host's link.
    pub(super) fn needs_link(&self) -> bool {
        self.outlet().is_some()
    }

    /// Whether it takes part in what happens to its target and its link.
    pub(super) fn is_bound(&self) -> bool {
        !matches!(self.phase, Phase::Off | Phase::Binding | Phase::Unbound(_))
    }

    /// Whether clients are being carried.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Takes one step. `pause` is how long to wait if a proof fails: it depends on the number of failures in a row and on
    /// chance, neither of which is this machine's business.
    pub(super) fn step(
        &mut self,
        event: Event,
        now: Moment,
        pause: impl Fn(u32) -> Duration,
    ) -> Vec<Effect> {
        match event {
            Event::Intent(intent) => self.want(intent),
            Event::Retry => self.retry(),
            Event::Moved => self.moved(),
            Event::Bound(generation) => self.bound(generation),
            Event::BindFailed(generation, fault) => self.bind_failed(generation, fault),
            Event::Target(target) => self.target(target),
            Event::LinkUp => self.link_up(),
            Event::LinkDown => self.link_down(),
            Event::Proved(generation) => self.proved(generation, now),
            Event::ProofFailed(generation, fault) => {
                self.proof_failed(generation, fault, now, pause)
            }
            Event::Doubt => self.doubt(),
            Event::Tick => self.tick(now),
        }
    }

    fn want(&mut self, intent: Intent) -> Vec<Effect> {
        self.intent = intent;
        match (intent, &self.phase) {
            (Intent::Up, Phase::Off) => self.bind(),
            (Intent::Up, Phase::Unbound(_) | Phase::Impossible(_) | Phase::Refused { .. }) => {
                self.retry()
            }
            (Intent::Up, _) | (Intent::Down, Phase::Off) => Vec::new(),
            (Intent::Down, _) => self.close(),
        }
    }

    fn close(&mut self) -> Vec<Effect> {
        // Whatever is still on its way belongs to the past.
        self.generation = self.generation.next();
        self.phase = Phase::Off;
        vec![Effect::StopCarrying, Effect::Release]
    }

    fn bind(&mut self) -> Vec<Effect> {
        self.generation = self.generation.next();
        self.phase = Phase::Binding;
        vec![Effect::Bind(self.generation)]
    }

    fn retry(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.phase) {
            Phase::Unbound(_) => self.bind(),
            Phase::Lacking(_) | Phase::Impossible(_) => self.resolve(),
            Phase::Linking { outlet }
            | Phase::Backoff { outlet, .. }
            | Phase::Refused { outlet, .. } => self.link(outlet),
            unchanged => {
                self.phase = unchanged;
                Vec::new()
            }
        }
    }

    fn moved(&mut self) -> Vec<Effect> {
        if self.phase == Phase::Off {
            return Vec::new();
        }
        let mut effects = self.close();
        effects.extend(self.bind());
        effects
    }

    fn bound(&mut self, generation: Generation) -> Vec<Effect> {
        if generation != self.generation || self.phase != Phase::Binding {
            return Vec::new();
        }
        self.resolve()
    }

    fn bind_failed(&mut self, generation: Generation, fault: Fault) -> Vec<Effect> {
        if generation == self.generation && self.phase == Phase::Binding {
            self.phase = Phase::Unbound(fault);
        }
        Vec::new()
    }

    fn resolve(&mut self) -> Vec<Effect> {
        self.phase = Phase::Resolving;
        vec![Effect::Resolve]
    }

    fn link(&mut self, outlet: Outlet) -> Vec<Effect> {
        self.phase = Phase::Linking { outlet };
        vec![Effect::WantLink]
    }

    fn target(&mut self, target: Result<Outlet, Fault>) -> Vec<Effect> {
        if !self.is_bound() {
            return Vec::new();
        }
        match target {
            Ok(outlet) if self.outlet() == Some(&outlet) => Vec::new(),
            Ok(outlet) => {
                // Clients are not carried to an address that has moved away, nor to one that was not proved.
                let mut effects = vec![Effect::StopCarrying];
                effects.extend(self.link(outlet));
                effects
            }
            Err(fault) => {
                self.phase = match fault.cause.recovery() {
                    Recovery::Retry | Recovery::WaitForCluster => Phase::Lacking(fault),
                    Recovery::NeedsPerson => Phase::Impossible(fault),
                };
                vec![Effect::StopCarrying]
            }
        }
    }

    fn link_up(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.phase) {
            Phase::Linking { outlet } => self.prove(outlet, 0),
            unchanged => {
                self.phase = unchanged;
                Vec::new()
            }
        }
    }

    fn link_down(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.phase) {
            Phase::Proving { outlet, .. }
            | Phase::Open { outlet, .. }
            | Phase::Backoff { outlet, .. } => {
                self.phase = Phase::Linking { outlet };
                vec![Effect::StopCarrying]
            }
            unchanged => {
                self.phase = unchanged;
                Vec::new()
            }
        }
    }

    fn prove(&mut self, outlet: Outlet, attempt: u32) -> Vec<Effect> {
        self.generation = self.generation.next();
        self.phase = Phase::Proving {
            outlet: outlet.clone(),
            attempt,
        };
        vec![Effect::Prove(self.generation, outlet)]
    }

    fn proved(&mut self, generation: Generation, now: Moment) -> Vec<Effect> {
        match &self.phase {
            Phase::Proving { outlet, .. } if generation == self.generation => {
                let outlet = outlet.clone();
                self.phase = Phase::Open {
                    outlet: outlet.clone(),
                    since: now,
                };
                vec![Effect::Carry(outlet)]
            }
            _ => Vec::new(),
        }
    }

    fn proof_failed(
        &mut self,
        generation: Generation,
        fault: Fault,
        now: Moment,
        pause: impl Fn(u32) -> Duration,
    ) -> Vec<Effect> {
        let Phase::Proving { outlet, attempt } = &self.phase else {
            return Vec::new();
        };
        if generation != self.generation {
            return Vec::new();
        }
        let (outlet, attempt) = (outlet.clone(), attempt + 1);
        self.phase = match fault.cause.recovery() {
            Recovery::Retry | Recovery::WaitForCluster => Phase::Backoff {
                outlet,
                attempt,
                retry_at: now + pause(attempt),
                fault,
            },
            Recovery::NeedsPerson => Phase::Refused { outlet, fault },
        };
        vec![Effect::StopCarrying]
    }

    fn doubt(&mut self) -> Vec<Effect> {
        match &self.phase {
            // That one client of many was refused where it alone wanted to go says nothing.
            Phase::Open {
                outlet: Outlet::Socks,
                ..
            } => Vec::new(),
            Phase::Open { outlet, .. } => {
                let outlet = outlet.clone();
                self.prove(outlet, 0)
            }
            _ => Vec::new(),
        }
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        match &self.phase {
            Phase::Backoff {
                outlet,
                attempt,
                retry_at,
                ..
            } if *retry_at <= now => {
                let (outlet, attempt) = (outlet.clone(), *attempt);
                self.prove(outlet, attempt)
            }
            _ => Vec::new(),
        }
    }
}

fn linking_state(link: &LinkStatus) -> TunnelState {
    match link {
        LinkStatus::Idle => TunnelState::Dialing { hop: String::new() },
        LinkStatus::Dialing { hop } => TunnelState::Dialing { hop: hop.clone() },
        LinkStatus::Asking(prompt) => TunnelState::Asking(*prompt),
        // The proof is about to begin.
        LinkStatus::Up { .. } => TunnelState::Proving,
        LinkStatus::Waiting {
            attempt,
            retry_at,
            fault,
        } => TunnelState::Waiting {
            attempt: *attempt,
            retry_at: Some(*retry_at),
            fault: fault.clone(),
        },
        LinkStatus::Failed(fault) => TunnelState::Failed(fault.clone()),
    }
}

#[cfg(test)]
#[path = "model_tests/mod.rs"]
mod model_tests;
#[cfg(test)]
#[path = "tunnel_tests.rs"]
mod tests;
