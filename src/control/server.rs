//! The running instance's side: takes connections, and talks with each in a task of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::conversation::converse;
use super::faces::Faces;
use super::journal::{Journal, narrate};
use super::message::{Refusal, Via};
use super::place::Ownership;
use super::transport::Listener;
use crate::engine::Handle;
use crate::model::HostProfile;

/// How many programs may be connected at a time.
const CLIENTS: usize = 32;
/// The pause after a connection could not be taken: out of descriptors, most likely.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes a profile of a host as a command line names it.
pub type HostResolver = Box<dyn Fn(&Via) -> Result<HostProfile, Refusal> + Send + Sync>;

/// What the conversations work with.
pub struct Instance {
    /// The engine.
    pub handle: Handle,
    /// The window and the end.
    pub faces: Faces,
    /// The log.
    pub journal: Journal,
    /// Makes a profile of a host that was named on a command line.
    pub host_profile: HostResolver,
    /// Whether there is a display for a window.
    pub has_display: bool,
}

/// The listening instance. It stops listening when this is dropped.
#[derive(Debug)]
pub struct Server {
    stop: DropGuard,
    talks: TaskTracker,
}

/// Begins to listen, on the current tokio runtime.
///
/// # Errors
/// The system's, where the socket cannot be made.
pub fn serve(ownership: Ownership, instance: Instance) -> io::Result<Server> {
    let listener = Listener::bind(ownership)?;
    let stop = CancellationToken::new();
    let talks = TaskTracker::new();
    let narration = narrate(instance.handle.clone());
    let stopped = stop.clone();
    tokio::spawn(async move { stopped.run_until_cancelled(narration).await });
    let (stopped, tracker) = (stop.clone(), talks.clone());
    tokio::spawn(async move {
        let instance = Arc::new(instance);
        let accept = accept(&listener, &tracker, &instance, &stopped);
        stopped.run_until_cancelled(accept).await;
    });
    Ok(Server {
        stop: stop.drop_guard(),
        talks,
    })
}

impl Server {
    /// Stops listening, and waits until all clients have been let go.
    pub async fn close(self, limit: Duration) {
        let Self { stop, talks } = self;
        drop(stop);
        talks.close();
        if tokio::time::timeout(limit, talks.wait()).await.is_err() {
            tracing::debug!("a client of the control socket was not let go in time");
        }
    }
}

async fn accept(
    listener: &Listener,
    talks: &TaskTracker,
    instance: &Arc<Instance>,
    stop: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!("a connection to the control socket was not taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Closed at once; the client says that the instance hung up.
            tracing::warn!("more than {CLIENTS} programs want to talk at a time");
            continue;
        };
        let (instance, stop) = (Arc::clone(instance), stop.clone());
        talks.spawn(async move {
            let talk = converse(stream, &instance);
            if let Some(Err(error)) = stop.run_until_cancelled(talk).await {
                tracing::debug!("a conversation ended: {error}");
            }
            drop(place);
        });
    }
}
