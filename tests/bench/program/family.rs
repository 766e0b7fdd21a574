//! Every process that the bench has started and that has not ended: none outlives it.

use std::collections::HashSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};

/// The leaders of process groups; none once the bench is ending, and nothing is started any more.
#[derive(Clone)]
pub(crate) struct Family(Arc<Mutex<Option<HashSet<Pid>>>>);

impl Family {
    /// A family without members.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(HashSet::new()))))
    }

    /// Starts a program as the leader of a process group of its own.
    ///
    /// # Errors
    /// Where it cannot be started, and once the family has been closed.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.with(|members| {
            let Some(members) = members else {
                return Err(io::Error::other("the bench is ending"));
            };
            let child = command.process_group(0).spawn()?;
            members.insert(Pid::from_child(&child));
            Ok(child)
        })
    }

    /// Its leader has ended and was waited for.
    pub(crate) fn forget(&self, child: &Child) {
        self.with(|members| {
            members
                .as_mut()
                .is_some_and(|members| members.remove(&Pid::from_child(child)))
        });
    }

    /// Ends them all, and starts nothing any more.
    pub(crate) fn close(&self) {
        let members = self.with(Option::take).unwrap_or_default();
        for leader in &members {
            // One that has just ended by itself is no group any more.
            let _ended = kill_process_group(*leader, Signal::KILL);
        }
        for leader in members {
            // Another thread may have waited for it before.
            let _waited = waitpid(Some(leader), WaitOptions::empty());
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<HashSet<Pid>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
