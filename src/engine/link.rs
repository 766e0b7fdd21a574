//! The state machine of the SSH connection to one host, which all tunnels through that host share. Pure, as [`super::tunnel`].

use std::time::Duration;

use crate::model::{Fault, Moment, Recovery};

/// How long a link must have stood for its loss to be no sign of trouble with the link itself.
const STEADY: Duration = Duration::from_secs(10);

/// The link's state. Dials are numbered so that the outcome of one that was given up is not taken for that of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) dial: u64,
    pub(super) phase: LinkPhase,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum LinkPhase {
    /// Nobody needs it.
    #[default]
    Idle,
    /// It is being made; so many tries have failed in a row.
    Dialing { attempt: u32 },
    /// It stands.
    Up { since: Moment, attempt: u32 },
    /// It is tried again later.
    Waiting {
        attempt: u32,
        retry_at: Moment,
        fault: Fault,
    },
    /// It takes the person.
    Failed(Fault),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkEvent {
    /// A tunnel needs it.
    Needed,
    /// No tunnel needs it any more.
    Unwanted,
    /// The dial of this number has succeeded.
    Connected(u64),
    /// The dial of this number has failed.
    DialFailed(u64, Fault),
    /// The session made by the dial of this number is lost.
    Lost(u64, Fault),
    /// Try again now: the person says so, or the network has changed.
    Retry,
    /// Time has passed.
    Tick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkEffect {
    /// Dial, and answer with this number.
    Dial(u64),
    /// End the session, or the dial.
    HangUp,
    /// Tell the tunnels that it stands.
    TellUp,
    /// Tell the tunnels that it does not.
    TellDown,
}

impl Link {
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, LinkPhase::Up { .. })
    }

    /// When it wants a [`LinkEvent::Tick`].
    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.phase {
            LinkPhase::Waiting { retry_at, .. } => Some(*retry_at),
            _ => None,
        }
    }

    /// Takes one step; `pause` as in [`super::tunnel::Tunnel::step`].
    pub(super) fn step(
        &mut self,
        event: LinkEvent,
        now: Moment,
        pause: impl Fn(u32) -> Duration,
    ) -> Vec<LinkEffect> {
        match (event, &self.phase) {
            (LinkEvent::Unwanted, LinkPhase::Dialing { .. } | LinkPhase::Up { .. }) => {
                self.phase = LinkPhase::Idle;
                vec![LinkEffect::HangUp]
            }
            (LinkEvent::Unwanted, _) => {
                self.phase = LinkPhase::Idle;
                Vec::new()
            }
            (LinkEvent::Connected(dial), LinkPhase::Dialing { attempt }) if dial == self.dial => {
                self.phase = LinkPhase::Up {
                    since: now,
                    attempt: *attempt,
                };
                vec![LinkEffect::TellUp]
            }
            (LinkEvent::DialFailed(dial, fault), LinkPhase::Dialing { attempt })
                if dial == self.dial =>
            {
                self.fail(attempt + 1, fault, now, pause)
            }
            (LinkEvent::Lost(dial, fault), LinkPhase::Up { since, attempt })
                if dial == self.dial =>
            {
                let (steady, attempt) = (now.since(*since) >= STEADY, *attempt);
                let mut effects = vec![LinkEffect::HangUp, LinkEffect::TellDown];
                effects.extend(if steady {
                    self.dial(0)
                } else {
                    self.fail(attempt + 1, fault, now, pause)
                });
                effects
            }
            (LinkEvent::Needed, LinkPhase::Idle)
            | (LinkEvent::Retry, LinkPhase::Waiting { .. } | LinkPhase::Failed(_)) => self.dial(0),
            (
                LinkEvent::Tick,
                LinkPhase::Waiting {
                    attempt, retry_at, ..
                },
            ) if *retry_at <= now => {
                let attempt = *attempt;
                self.dial(attempt)
            }
            _ => Vec::new(),
        }
    }

    fn dial(&mut self, attempt: u32) -> Vec<LinkEffect> {
        self.dial += 1;
        self.phase = LinkPhase::Dialing { attempt };
        vec![LinkEffect::Dial(self.dial)]
    }

    fn fail(
        &mut self,
        attempt: u32,
        fault: Fault,
        now: Moment,
        pause: impl Fn(u32) -> Duration,
    ) -> Vec<LinkEffect> {
        self.phase = match fault.cause.recovery() {
            Recovery::Retry | Recovery::WaitForCluster => LinkPhase::Waiting {
                attempt,
                retry_at: now + pause(attempt),
                fault,
            },
            Recovery::NeedsPerson => LinkPhase::Failed(fault),
        };
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FaultCause, Hop};

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn fault(cause: FaultCause) -> Fault {
        Fault {
            hop: Hop::Ssh("ubuntu@host".to_owned()),
            cause,
        }
    }

    fn lost() -> Fault {
        fault(FaultCause::SessionLost {
            reason: "reset".to_owned().into(),
        })
    }

    fn step(link: &mut Link, event: LinkEvent, seconds: u64) -> Vec<LinkEffect> {
        link.step(event, at(seconds), |attempt| {
            Duration::from_secs(u64::from(attempt))
        })
    }

    fn up() -> Link {
        let mut link = Link::default();
        step(&mut link, LinkEvent::Needed, 0);
        step(&mut link, LinkEvent::Connected(1), 1);
        link
    }

    #[test]
    fn a_link_that_is_needed_is_dialled_once_and_tells_when_it_stands() {
        let mut link = Link::default();
        assert_eq!(step(&mut link, LinkEvent::Needed, 0), [LinkEffect::Dial(1)]);
        assert_eq!(step(&mut link, LinkEvent::Needed, 0), []);
        assert_eq!(
            step(&mut link, LinkEvent::Connected(1), 1),
            [LinkEffect::TellUp]
        );
        assert!(link.is_up());
        assert_eq!(
            step(&mut link, LinkEvent::Unwanted, 2),
            [LinkEffect::HangUp]
        );
        assert_eq!(link.phase, LinkPhase::Idle);
    }

    #[test]
    fn a_failed_dial_is_tried_again_for_ever_with_growing_pauses() {
        let mut link = Link::default();
        step(&mut link, LinkEvent::Needed, 0);
        let mut now = 0;
        for attempt in 1..=100_u64 {
            let dial = link.dial;
            assert_eq!(
                step(
                    &mut link,
                    LinkEvent::DialFailed(dial, fault(FaultCause::ConnectRefused)),
                    now
                ),
                []
            );
            let due = now + attempt;
            assert_eq!(link.deadline(), Some(at(due)));
            assert_eq!(
                step(&mut link, LinkEvent::Tick, due - 1),
                [],
                "not before it is due"
            );
            assert_eq!(
                step(&mut link, LinkEvent::Tick, due),
                [LinkEffect::Dial(dial + 1)]
            );
            now = due;
        }
    }

    #[test]
    fn a_fault_that_needs_the_person_waits_for_the_person() {
        let mut link = Link::default();
        step(&mut link, LinkEvent::Needed, 0);
        let changed = fault(FaultCause::HostKeyUnknown {
            key_type: String::new(),
            fingerprint: String::new(),
            known_as: Vec::new(),
        });
        step(&mut link, LinkEvent::DialFailed(1, changed.clone()), 1);
        assert_eq!(link.phase, LinkPhase::Failed(changed));
        assert_eq!(link.deadline(), None);
        assert_eq!(step(&mut link, LinkEvent::Tick, 1000), []);
        assert_eq!(step(&mut link, LinkEvent::Needed, 1000), []);
        assert_eq!(
            step(&mut link, LinkEvent::Retry, 1000),
            [LinkEffect::Dial(2)]
        );
    }

    #[test]
    fn a_steady_link_that_is_lost_is_dialled_at_once_and_a_shaky_one_after_a_pause() {
        let mut steady = up();
        let effects = step(&mut steady, LinkEvent::Lost(1, lost()), 60);
        assert_eq!(
            effects,
            [
                LinkEffect::HangUp,
                LinkEffect::TellDown,
                LinkEffect::Dial(2)
            ]
        );
        let mut shaky = up();
        assert_eq!(
            step(&mut shaky, LinkEvent::Lost(1, lost()), 2),
            [LinkEffect::HangUp, LinkEffect::TellDown]
        );
        assert_eq!(shaky.deadline(), Some(at(3)));
    }

    #[test]
    fn what_belongs_to_another_dial_changes_nothing() {
        let mut link = up();
        for stale in [
            LinkEvent::Connected(0),
            LinkEvent::DialFailed(0, lost()),
            LinkEvent::Lost(0, lost()),
        ] {
            let before = link.clone();
            assert_eq!(step(&mut link, stale, 5), []);
            assert_eq!(link, before);
        }
    }
}
