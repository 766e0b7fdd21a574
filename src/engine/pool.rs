//! The sessions to one host. New connections go where the fewest opens are pending, and more sessions are asked for when all
//! have something to do: one cipher keeps one core busy, and one TCP connection is one window.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::happening::Happening;
use crate::model::{Destination, Fault, HostId};
use crate::ssh::{OpenError, Refusal, Session, Siblings};

/// From this round trip on a path is long.
const LONG_PATH: Duration = Duration::from_millis(5);

/// How long a client may wait for a session of its own while the first ones are being made.
const WARMING_LIMIT: Duration = Duration::from_millis(1500);

/// How long no other session is asked for after one could not be made.
const REST: Duration = Duration::from_secs(5);

/// How much of what sessions were forbidden is remembered: SOCKS clients may ask for anything.
const FORBIDDEN_KEPT: usize = 256;

/// Where a session's end is told.
pub(super) type Lost = watch::Receiver<Option<Fault>>;

/// Why no channel was opened, and where the end of the session that was asked last is told.
pub(super) struct Unopened {
    pub(super) error: OpenError,
    /// None where there was no session.
    pub(super) lost: Option<Lost>,
}

/// The sessions of one link, shared between the supervisor, which changes them, and the tasks that accept clients.
pub(super) struct Pool {
    sessions: RwLock<Arc<[Arc<Session>]>>,
    host: HostId,
    /// The dial that began it: what belongs to an older pool of the same host is told apart by it.
    dial: u64,
    max_sessions: usize,
    /// The path is long: sessions are made before they are needed, since that takes many round trips.
    ahead: bool,
    /// Sessions that have been asked for and are not here yet.
    coming: AtomicUsize,
    /// One could not be made: others are not asked for.
    is_full: AtomicBool,
    /// One could not be made just now: others are not asked for until then.
    rests_until: Mutex<Option<Instant>>,
    /// Sessions that others have replaced, kept for the connections that they still carry.
    retired: Mutex<Vec<Arc<Session>>>,
    /// The sessions that were refused a destination for good. What a server allows is settled when a session is made.
    forbidden: Mutex<VecDeque<(u64, Destination)>>,
    /// Rung when a session has joined.
    changed: Notify,
    happenings: mpsc::Sender<Happening>,
}

impl Pool {
    pub(super) fn new(
        host: HostId,
        dial: u64,
        max_sessions: usize,
        first: Session,
        happenings: mpsc::Sender<Happening>,
    ) -> Arc<Self> {
        let is_long = Duration::from_micros(first.facts().connect_micros) >= LONG_PATH;
        let pool = Arc::new(Self {
            sessions: RwLock::new(Arc::from([Arc::new(first)])),
            host,
            dial,
            max_sessions,
            coming: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
            rests_until: Mutex::default(),
            retired: Mutex::default(),
            forbidden: Mutex::default(),
            changed: Notify::new(),
            ahead: is_long,
            happenings,
        });
        pool.grow_ahead();
        pool
    }

    fn grow_ahead(&self) {
        let missing = self.max_sessions.saturating_sub(1);
        if self.ahead && missing > 0 {
            self.coming.store(missing, Ordering::SeqCst);
            (0..missing).for_each(|_| self.request());
        }
    }

    pub(super) fn dial(&self) -> u64 {
        self.dial
    }

    /// The sessions as they are now.
    pub(super) fn sessions(&self) -> Arc<[Arc<Session>]> {
        Arc::clone(&self.sessions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session for the next channel, which leads to `destination` where it leads anywhere. None once the link is down.
    ///
    /// One whose server owes a sign of life, since this computer woke or its network changed, is taken only if there is no
    /// other; another is asked for, which replaces it without any connection being cut.
    pub(super) fn pick(&self, destination: Option<&Destination>) -> Option<Arc<Session>> {
        self.let_go();
        let sessions = self.sessions();
        let trusted = sessions.iter().filter(|it| !it.load().is_doubted()).count();
        let is_forbidden =
            |session: &Session| destination.is_some_and(|to| self.forbids(session, to));
        let best = sessions
            .iter()
            .min_by_key(|session| (is_forbidden(session), burden(session)))?;
        let (is_doubted, _, pending, connections) = burden(best);
        if (is_doubted || pending + connections > 0) && trusted < self.max_sessions {
            self.ask_for_another();
        }
        Some(Arc::clone(best))
    }

    /// Opens a channel to `destination` by `open`, on one session after the other for as long as that may help.
    pub(super) async fn open<T, F>(
        &self,
        destination: &Destination,
        open: impl Fn(&Session) -> F,
    ) -> Result<T, Unopened>
    where
        F: Future<Output = Result<T, OpenError>>,
    {
        let mut next = self.pick(Some(destination));
        let mut tried = Vec::new();
        let mut failure = Unopened {
            error: OpenError::SessionEnded,
            lost: None,
        };
        while let Some(session) = next {
            tried.push(session.id());
            let (opening, lost) = (open(&session), session.lost());
            // A session must not outlive its link because a channel is on its way.
            drop(session);
            let error = match opening.await {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            next = match &error {
                OpenError::Refused { refusal, .. } => self.instead(&tried, destination, *refusal),
                _ => None,
            };
            failure = Unopened {
                error,
                lost: Some(lost),
            };
        }
        Err(failure)
    }

    /// Opens a channel to `destination` on one of the sessions and closes it again. Where all of them are known to be forbidden it
    /// there may be a new one that is not: the server's settings have been mended, say.
    pub(super) async fn prove(
        &self,
        destination: &Destination,
        limit: Duration,
    ) -> Result<Duration, Unopened> {
        if self.all_forbid(destination) {
            self.renew(limit).await;
        }
        self.open(destination, |session| session.time_open(destination, limit))
            .await
    }

    /// Waits for a session that joins from now on, or until it is known that none will.
    async fn renew(&self, limit: Duration) {
        let ids = |sessions: &[Arc<Session>]| sessions.iter().map(|it| it.id()).collect();
        let known: Vec<u64> = ids(&self.sessions());
        let deadline = Instant::now() + limit;
        self.ask_for_another();
        loop {
            let changed = self.changed.notified();
            let has_come = self.sessions().iter().any(|it| !known.contains(&it.id()));
            if has_come || self.coming.load(Ordering::SeqCst) == 0 {
                return;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return;
            }
        }
    }

    /// The session for a client's connection. On a long path a client that would share a session waits for one that is being
    /// made, but not for long: it stays where it is put, and the sessions of a path carry it side by side. So does one that would
    /// have to go by a session in doubt.
    pub(super) async fn pick_for_client(&self, destination: &Destination) -> Option<Arc<Session>> {
        let deadline = Instant::now() + WARMING_LIMIT;
        loop {
            let changed = self.changed.notified();
            let session = self.pick(Some(destination))?;
            let is_taken = session.load().pending_opens() + session.load().connections() > 0;
            let is_warming = self.ahead && self.coming.load(Ordering::SeqCst) > 0;
            let is_doubted = session.load().is_doubted();
            if !(is_doubted || is_taken && is_warming) {
                return Some(session);
            }
            let better = async {
                tokio::select! {
                    () = changed => {}
                    () = session.load().settled(), if is_doubted => {}
                }
            };
            if timeout_at(deadline, better).await.is_err() {
                return Some(session);
            }
        }
    }

    /// One more is dialled at a time, but ahead of need.
    fn ask_for_another(&self) {
        let rests = lock(&self.rests_until).is_some_and(|until| Instant::now() < until);
        if rests || self.is_full.load(Ordering::SeqCst) {
            return;
        }
        let free = self
            .coming
            .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst);
        if free.is_ok() {
            self.request();
        }
    }

    /// Asks the supervisor for a session that is already counted as coming.
    fn request(&self) {
        let happening = Happening::Crowded(self.host.clone(), self.dial);
        if self.happenings.try_send(happening).is_err() {
            // The supervisor is busy: whoever comes next asks again.
            self.one_less_is_coming();
        }
    }

    fn one_less_is_coming(&self) {
        let less = |coming: usize| Some(coming.saturating_sub(1));
        // The closure always gives a number, so this cannot fail.
        let _before = self
            .coming
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    }

    /// Takes in a session that was asked for.
    pub(super) fn join(&self, session: &Arc<Session>) {
        self.change(|sessions| {
            sessions.push(Arc::clone(session));
            if sessions.len() > self.max_sessions {
                let is_doubted = |it: &Arc<Session>| it.load().is_doubted();
                let worst = sessions.iter().position(is_doubted);
                let worst = worst.or_else(|| sessions.iter().position(|it| self.is_restricted(it)));
                let replaced = sessions.remove(worst.unwrap_or(0));
                lock(&self.retired).push(replaced);
            }
        });
        self.let_go();
        self.one_less_is_coming();
        self.changed.notify_waiters();
    }

    /// There will be no other session: whoever waits for one goes on, and another is not asked for again.
    pub(super) fn stay_as_it_is(&self) {
        self.is_full.store(true, Ordering::SeqCst);
        self.coming.store(0, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// There is no other session now: whoever waits for one goes on, and another is asked for after a while.
    pub(super) fn rest(&self) {
        *lock(&self.rests_until) = Some(Instant::now() + REST);
        self.coming.store(0, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Ends retired sessions that carry nothing any more.
    fn let_go(&self) {
        lock(&self.retired)
            .retain(|session| session.load().connections() + session.load().pending_opens() > 0);
    }

    /// Forgets a session that was lost. Returns whether others are left; these are asked for a sign of life.
    pub(super) fn remove(&self, lost: u64) -> bool {
        self.change(|sessions| sessions.retain(|session| session.id() != lost));
        lock(&self.retired).retain(|session| session.id() != lost);
        lock(&self.forbidden).retain(|(session, _)| *session != lost);
        let left = self.sessions();
        left.iter().for_each(|session| session.check());
        !left.is_empty()
    }

    /// Ends every session, as far as nobody else holds on to it.
    pub(super) fn close(&self) {
        self.change(Vec::clear);
        lock(&self.retired).clear();
        self.stay_as_it_is();
    }

    /// Ends the connections of one tunnel.
    pub(super) fn cut(&self, tunnel: u64) {
        self.sessions()
            .iter()
            .for_each(|session| session.cut(tunnel));
        lock(&self.retired)
            .iter()
            .for_each(|session| session.cut(tunnel));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Session>>)) {
        let mut guard = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut sessions = guard.to_vec();
        change(&mut sessions);
        *guard = sessions.into();
    }

    /// Whether this session was refused that destination for good.
    fn forbids(&self, session: &Session, destination: &Destination) -> bool {
        let forbidden = lock(&self.forbidden);
        forbidden
            .iter()
            .any(|(id, to)| *id == session.id() && to == destination)
    }

    /// Whether every session that is left was.
    pub(super) fn all_forbid(&self, destination: &Destination) -> bool {
        let sessions = self.sessions();
        sessions.iter().all(|it| self.forbids(it, destination))
    }

    /// Whether this session was refused anything for good.
    fn is_restricted(&self, session: &Session) -> bool {
        lock(&self.forbidden)
            .iter()
            .any(|(id, _)| *id == session.id())
    }

    fn forbid(&self, session: u64, destination: &Destination) {
        let mut forbidden = lock(&self.forbidden);
        let note = (session, destination.clone());
        if forbidden.contains(&note) {
            return;
        }
        if forbidden.len() == FORBIDDEN_KEPT {
            forbidden.pop_front();
        }
        forbidden.push_back(note);
    }
}

impl Siblings for Pool {
    fn instead(
        &self,
        tried: &[u64],
        destination: &Destination,
        refusal: Refusal,
    ) -> Option<Arc<Session>> {
        match refusal {
            Refusal::ResourceShortage => {}
            Refusal::Prohibited => self.forbid(*tried.last()?, destination),
            // Every session would say the same.
            Refusal::ConnectFailed | Refusal::UnknownType => return None,
        }
        let sessions = self.sessions();
        let others = sessions
            .iter()
            .filter(|it| !tried.contains(&it.id()) && !self.forbids(it, destination));
        others.min_by_key(|session| burden(session)).cloned()
    }
}

/// What speaks against giving a session the next channel, the weightiest first.
fn burden(session: &Session) -> (bool, bool, u32, u32) {
    let load = session.load();
    // A channel that is open already beats one that has to be opened.
    let has_none_to_spare = load.spares() <= load.pending_opens();
    let (pending, connections) = (load.pending_opens(), load.connections());
    (load.is_doubted(), has_none_to_spare, pending, connections)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
