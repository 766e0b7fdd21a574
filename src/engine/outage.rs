//! When a person is told of a loss. Pure: no I/O, and time comes in as an argument.
//!
//! One notification for a loss that has lasted, one for its end, and never a storm: whatever else is lost meanwhile belongs
//! to the loss that was told, and after one has been told the next waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{
    Intent, Moment, Snapshot, TunnelId, TunnelState, TunnelStatus, Words, printable, words,
};

/// How long a loss lasts before it is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after a loss was told no other one is.
const REST: Duration = Duration::from_mins(1);

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tidings {
    /// In a few words.
    pub title: Words,
    /// What it is about; may be empty.
    pub body: Words,
}

/// What was lost, and what of it was told.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    /// Tunnels that have worked since they were wanted.
    proved: BTreeSet<TunnelId>,
    /// Since when those of them that do not work have not.
    lost: BTreeMap<TunnelId, Moment>,
    /// The tunnels of the loss that was told and has not ended.
    told: BTreeSet<TunnelId>,
    told_at: Option<Moment>,
}

impl Outages {
    /// Looks at how things are `now`, and says what is to be told.
    pub fn look(&mut self, snapshot: &Snapshot, now: Moment) -> Option<Tidings> {
        for (id, status) in &snapshot.tunnels {
            self.see(id, status, now);
        }
        self.forget_removed(snapshot);
        if self.told.is_empty() {
            return self.loss(snapshot, now);
        }
        self.told.extend(self.lasting(now));
        let ended = self.told.iter().all(|id| !self.lost.contains_key(id));
        ended.then(|| self.end())
    }

    /// When there may be something to tell although nothing changes.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        if !self.told.is_empty() {
            return None;
        }
        let first = self.lost.values().min().map(|since| *since + PATIENCE)?;
        Some(self.told_at.map_or(first, |told| first.max(told + REST)))
    }

    fn see(&mut self, id: &TunnelId, status: &TunnelStatus, now: Moment) {
        match (&status.state, status.intent) {
            (_, Intent::Down) => {
                // What the person closes themselves is no loss.
                self.proved.remove(id);
                self.lost.remove(id);
                self.told.remove(id);
            }
            (TunnelState::Open { .. }, Intent::Up) => {
                self.proved.insert(id.clone());
                self.lost.remove(id);
            }
            (_, Intent::Up) if self.proved.contains(id) => {
                self.lost.entry(id.clone()).or_insert(now);
            }
            (_, Intent::Up) => {}
        }
    }

    fn forget_removed(&mut self, snapshot: &Snapshot) {
        self.proved.retain(|id| snapshot.tunnels.contains_key(id));
        self.lost.retain(|id, _| snapshot.tunnels.contains_key(id));
        self.told.retain(|id| snapshot.tunnels.contains_key(id));
    }

    fn lasting(&self, now: Moment) -> BTreeSet<TunnelId> {
        self.lost
            .iter()
            .filter(|(_, since)| now.since(**since) >= PATIENCE)
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn loss(&mut self, snapshot: &Snapshot, now: Moment) -> Option<Tidings> {
        if self.told_at.is_some_and(|told| now.since(told) < REST) {
            return None;
        }
        let lasting = self.lasting(now);
        let first = lasting.first()?;
        let fault = snapshot
            .tunnels
            .get(first)
            .and_then(|status| status.state.fault());
        let tidings = Tidings {
            title: match only(&lasting) {
                Some(name) => words!("{tunnel} cannot be reached", tunnel = name),
                None => words!("{count} tunnels cannot be reached", count = lasting.len()),
            },
            body: match fault {
                Some(fault) => words!("{fault}. Adit goes on trying.", fault = fault),
                None => words!("Connecting again… Adit goes on trying."),
            },
        };
        self.told = lasting;
        self.told_at = Some(now);
        Some(tidings)
    }

    fn end(&mut self) -> Tidings {
        let told = std::mem::take(&mut self.told);
        Tidings {
            title: match only(&told) {
                Some(name) => words!("{tunnel} can be reached again", tunnel = name),
                None => words!("{count} tunnels can be reached again", count = told.len()),
            },
            body: Words::default(),
        }
    }
}

/// `shop/web:80`, where it is the only one.
fn only(tunnels: &BTreeSet<TunnelId>) -> Option<String> {
    let only = tunnels.first().filter(|_| tunnels.len() == 1)?;
    Some(printable(&only.to_string()).into_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Fault, FaultCause, HostId, LocalBind, ServiceKey, Target, TunnelSpec};

    #[derive(Default)]
    struct World {
        outages: Outages,
        snapshot: Snapshot,
    }

    impl World {
        fn set(&mut self, name: &str, state: TunnelState) {
            let service = ServiceKey::new("shop", name);
            let id = TunnelId::service(service.clone(), 80);
            let intent = if state == TunnelState::Off {
                Intent::Down
            } else {
                Intent::Up
            };
            let status = TunnelStatus {
                intent,
                state,
                ..TunnelStatus::new(TunnelSpec {
                    id: id.clone(),
                    host: HostId::new("h"),
                    local: LocalBind::loopback(80),
                    target: Target::Service {
                        service,
                        port: 80,
                        route: None,
                    },
                })
            };
            self.snapshot.tunnels.insert(id, Arc::new(status));
        }

        fn title(&mut self, second: u64) -> Option<String> {
            let now = at(second);
            self.outages
                .look(&self.snapshot, now)
                .map(|tidings| tidings.title.to_string())
        }
    }

    fn at(second: u64) -> Moment {
        Moment::after_start(Duration::from_secs(second))
    }

    fn open() -> TunnelState {
        TunnelState::Open {
            since: Moment::START,
        }
    }

    fn waiting() -> TunnelState {
        TunnelState::Waiting {
            attempt: 1,
            retry_at: None,
            fault: Fault::local(FaultCause::Config {
                reason: "x".to_owned().into(),
            }),
        }
    }

    #[test]
    fn a_short_loss_is_not_told() {
        let mut world = World::default();
        world.set("web", open());
        assert_eq!(world.title(0), None);
        world.set("web", waiting());
        assert_eq!(world.title(1), None);
        assert_eq!(world.outages.due(), Some(at(11)));
        world.set("web", open());
        assert_eq!(world.title(9), None);
        assert_eq!(world.outages.due(), None);
        assert_eq!(world.title(60), None);
    }

    #[test]
    fn a_loss_that_lasts_is_told_once_and_so_is_its_end() {
        let mut world = World::default();
        world.set("web", open());
        world.title(0);
        world.set("web", waiting());
        assert_eq!(world.title(1), None);
        assert_eq!(world.title(10), None);
        let told = world.title(11);
        assert_eq!(told.as_deref(), Some("shop/web:80 cannot be reached"));
        assert_eq!(world.outages.due(), None);
        for second in 12..100 {
            world.set(
                "web",
                if second % 2 == 0 {
                    waiting()
                } else {
                    TunnelState::Proving
                },
            );
            assert_eq!(world.title(second), None);
        }
        world.set("web", open());
        let end = world.title(100);
        assert_eq!(end.as_deref(), Some("shop/web:80 can be reached again"));
        assert_eq!(world.title(101), None);
    }

    #[test]
    fn what_is_lost_together_is_told_together() {
        let mut world = World::default();
        let all = ["a", "b", "c"];
        for name in all {
            world.set(name, open());
        }
        world.title(0);
        for name in all {
            world.set(name, waiting());
        }
        world.title(1);
        assert_eq!(
            world.title(11).as_deref(),
            Some("3 tunnels cannot be reached")
        );
        world.set("a", open());
        world.set("b", open());
        assert_eq!(world.title(12), None, "not all are back");
        world.set("c", TunnelState::Off);
        let end = world.title(13);
        assert_eq!(end.as_deref(), Some("2 tunnels can be reached again"));
    }

    #[test]
    fn one_that_flaps_is_no_storm() {
        let mut world = World::default();
        let mut told = 0;
        world.set("web", open());
        world.title(0);
        for second in 1..=600 {
            // Twelve seconds away, one second back, for ten minutes.
            let state = if second % 13 == 0 { open() } else { waiting() };
            world.set("web", state);
            told += usize::from(world.title(second).is_some());
        }
        assert!((2..=20).contains(&told), "{told}");
    }

    #[test]
    fn what_never_worked_or_was_closed_is_no_loss() {
        let mut world = World::default();
        world.set("new", waiting());
        world.set("old", open());
        world.title(0);
        world.set("old", TunnelState::Off);
        assert_eq!(world.title(1), None);
        assert_eq!(world.outages.due(), None);
        assert_eq!(world.title(100), None);
    }

    #[test]
    fn closing_what_was_lost_ends_the_loss_without_a_word() {
        let mut world = World::default();
        world.set("web", open());
        world.title(0);
        world.set("web", waiting());
        world.title(1);
        assert!(world.title(11).is_some());
        world.set("web", TunnelState::Off);
        assert_eq!(world.title(12), None);
        assert_eq!(world.title(13), None);
    }
}
