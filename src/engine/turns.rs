//! Hosts that are dialled without a person's hand, many at once, take turns: at the start, and when the computer wakes.
//!
//! A login costs both sides the more the more come together, and a dialogue for each of twenty passphrases helps nobody. So a
//! few are made at a time, in the order in which they were asked for. One that takes long, since its host is gone or since it
//! asks something, goes on without keeping the others waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::model::HostId;

/// How many logins are made at a time.
const AT_ONCE: usize = 4;
/// How long a login may keep the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose dials take turns, and the places that there are.
pub(super) struct Turns {
    /// The next dial of these does.
    takers: BTreeSet<HostId>,
    places: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            takers: BTreeSet::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Turns {
    /// The next dial of this host takes a turn.
    pub(super) fn take(&mut self, host: HostId) {
        self.takers.insert(host);
    }

    /// A person wants this host: its next dial goes at once.
    pub(super) fn skip(&mut self, host: &HostId) {
        self.takers.remove(host);
    }

    /// The turn of a dial that begins now. Its place in the queue is taken by this call, not by the first wait.
    pub(super) fn next(&mut self, host: &HostId) -> Turn {
        if !self.takers.remove(host) {
            return Turn::Free;
        }
        let mut place = Arc::clone(&self.places).acquire_owned().boxed();
        match (&mut place).now_or_never() {
            Some(Ok(permit)) => Turn::Now(permit),
            // Nobody closes it.
            Some(Err(_closed)) => Turn::Free,
            None => Turn::Later(place.map(Result::ok).boxed()),
        }
    }
}

/// When a dial may begin.
pub(super) enum Turn {
    /// It takes none.
    Free,
    /// Now.
    Now(OwnedSemaphorePermit),
    /// When there is a place.
    Later(BoxFuture<'static, Option<OwnedSemaphorePermit>>),
}

impl Turn {
    /// Does `work` when it may begin; the place is given up when it is done, or has taken long.
    pub(super) async fn run<T>(self, work: impl Future<Output = T>) -> T {
        let place = match self {
            Self::Free => None,
            Self::Now(permit) => Some(permit),
            Self::Later(waiting) => waiting.await,
        };
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = sleep(PATIENCE) => drop(place),
        }
        work.await
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn take(turns: &mut Turns, names: &[&str]) {
        for name in names {
            turns.take(HostId::new(name));
        }
    }

    /// Begins a login for each of these, one after the other, each of which lasts until it is told to end.
    fn begin(
        turns: &mut Turns,
        names: &[&str],
    ) -> (mpsc::UnboundedReceiver<String>, Arc<Semaphore>) {
        let (begun, log) = mpsc::unbounded_channel();
        let ends = Arc::new(Semaphore::new(0));
        for name in names {
            let turn = turns.next(&HostId::new(name));
            let (begun, ends, name) = (begun.clone(), Arc::clone(&ends), (*name).to_owned());
            tokio::spawn(turn.run(async move {
                begun.send(name).unwrap();
                ends.acquire().await.unwrap().forget();
            }));
        }
        (log, ends)
    }

    async fn names(log: &mut mpsc::UnboundedReceiver<String>, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(log.recv().await.unwrap());
        }
        names
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_made_at_a_time_in_the_order_of_asking() {
        let mut turns = Turns::default();
        let all = ["f", "b", "d", "a", "z", "c"];
        take(&mut turns, &all);
        let (mut log, ends) = begin(&mut turns, &all);
        assert_eq!(names(&mut log, 4).await, ["f", "b", "d", "a"]);
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(log.is_empty(), "the others wait");
        ends.add_permits(1);
        assert_eq!(names(&mut log, 1).await, ["z"]);
        ends.add_permits(1);
        assert_eq!(names(&mut log, 1).await, ["c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_hang_keep_nobody_waiting_for_long() {
        let mut turns = Turns::default();
        let all = ["a", "b", "c", "d", "e"];
        take(&mut turns, &all);
        let (mut log, _ends) = begin(&mut turns, &all);
        let start = tokio::time::Instant::now();
        names(&mut log, 5).await;
        assert_eq!(start.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_waits_for_nobody() {
        let mut turns = Turns::default();
        let all = ["a", "b", "c", "d", "e", "new"];
        take(&mut turns, &all[..5]);
        turns.skip(&HostId::new("e"));
        let (mut log, _ends) = begin(&mut turns, &all);
        let start = tokio::time::Instant::now();
        names(&mut log, 6).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        // And a turn is for one dial.
        assert!(matches!(turns.next(&HostId::new("a")), Turn::Free));
    }
}
