//! The way to the vault: questions to its thread, answers when they come.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use zeroize::Zeroize as _;

use super::book::{self, Contents};
use super::error::VaultError;
use super::lock::lock;
use super::platform::Keyring;
use super::secret_name::SecretName;
use crate::model::{HostId, SavedHost, Secret, words};

/// How long a call may take. The desktop may ask the person for the keyring's password meanwhile.
const CALL_LIMIT: Duration = Duration::from_mins(2);

/// More calls than this do not wait for a keyring that does not answer.
const QUEUE: usize = 32;

/// The environment variable that names another service than `adit`, so that tests do not meet the person's own entries.
const SERVICE_VARIABLE: &str = "ADIT_VAULT_SERVICE";

/// Where in the keyring the vault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultOptions {
    /// The name under which all entries stand.
    pub service: String,
    /// How long a call may take.
    pub call_limit: Duration,
}

impl VaultOptions {
    /// The person's own vault, or the one that `ADIT_VAULT_SERVICE` names.
    #[must_use]
    pub fn of_environment() -> Self {
        let named = std::env::var(SERVICE_VARIABLE).ok();
        Self {
            service: named
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "adit".to_owned()),
            call_limit: CALL_LIMIT,
        }
    }
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// A handle to the vault. Cheap to clone; the thread ends with the last of them. Dropping a call's future cancels it: what has not
/// begun is not begun, and what a prompt of the desktop holds up is not waited for.
#[derive(Clone, Debug)]
pub struct Vault {
    jobs: SyncSender<Job>,
    call_limit: Duration,
}

/// What the thread owns.
struct Worker {
    service: String,
    call_limit: Duration,
    keyring: Option<Keyring>,
}

impl Vault {
    /// Starts the vault's thread. The keyring is first touched by the first call.
    #[must_use]
    pub fn start(options: VaultOptions) -> Self {
        let VaultOptions {
            service,
            call_limit,
        } = options;
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let worker = Worker {
            service,
            call_limit,
            keyring: None,
        };
        let spawned = std::thread::Builder::new()
            .name("vault".to_owned())
            .spawn(move || work(worker, &queue));
        if let Err(error) = spawned {
            // The queue's other end is gone, and every call says so.
            tracing::error!(%error, "the vault's thread cannot be started");
        }
        Self { jobs, call_limit }
    }

    /// Reads every host.
    ///
    /// # Errors
    /// [`VaultError`]; records that cannot be read are notes of the contents.
    pub async fn load(&self) -> Result<Contents, VaultError> {
        self.call(load).await
    }

    /// Reads every host, unless something would have to be unlocked first: none then, and nobody is asked.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn load_if_unlocked(&self) -> Result<Option<Contents>, VaultError> {
        self.call(|keyring| {
            if keyring.would_ask()? {
                return Ok(None);
            }
            load(keyring).map(Some)
        })
        .await
    }

    /// Whether the keyring is there and locked. Nothing is unlocked and nobody is asked.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn is_locked(&self) -> Result<bool, VaultError> {
        self.call(Keyring::is_locked).await
    }

    /// Reads one host. Nothing is unlocked for one that is not there.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn host(&self, id: HostId) -> Result<Option<SavedHost>, VaultError> {
        self.call(move |keyring| book::host(keyring, id.as_str()))
            .await
    }

    /// Keeps a host.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn save_host(
        &self,
        host: SavedHost,
    ) -> impl Future<Output = Result<(), VaultError>> + Send + use<> {
        self.change(move |keyring| book::save_host(keyring, host.clone()))
    }

    /// Removes a host and its secrets.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn remove_host(
        &self,
        id: HostId,
    ) -> impl Future<Output = Result<(), VaultError>> + Send + use<> {
        self.change(move |keyring| book::remove_host(keyring, &id))
    }

    /// Reads a secret. Nothing is unlocked for a host of which nothing is remembered.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn secret(&self, id: HostId, name: SecretName) -> Result<Option<Secret>, VaultError> {
        self.call(move |keyring| book::secret(keyring, &id, &name))
            .await
    }

    /// Keeps a secret in place of the one of the same name; none removes that.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn set_secret(
        &self,
        id: HostId,
        name: SecretName,
        value: Option<Secret>,
    ) -> impl Future<Output = Result<(), VaultError>> + Send + use<> {
        self.change(move |keyring| book::set_secret(keyring, &id, name.clone(), value.clone()))
    }

    /// Removes all secrets of a host.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn forget_secrets(
        &self,
        id: HostId,
    ) -> impl Future<Output = Result<(), VaultError>> + Send + use<> {
        self.change(move |keyring| book::forget_secrets(keyring, &id))
    }

    /// A call that changes what is kept: no other process does so at the same time.
    fn change<T, W>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, VaultError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Fn(&Keyring) -> Result<T, VaultError> + Send + 'static,
    {
        self.run(move |worker| {
            let _locked = lock(&worker.service);
            worker.with_keyring(&work)
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&Keyring) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.run(move |worker| worker.with_keyring(&work)).await
    }

    /// Queues the work now, and not when it is first waited for: it is done in the order of the calls.
    fn run<T, W>(&self, work: W) -> impl Future<Output = Result<T, VaultError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&mut Worker) -> Result<T, VaultError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            if !reply.is_closed() {
                let result = work(worker);
                // Whoever asked may have gone while a prompt stood on the screen.
                let _nobody_waits = reply.send(result);
            }
        });
        let (after, is_queued) = (self.call_limit, self.jobs.try_send(job).is_ok());
        async move {
            if !is_queued {
                return Err(VaultError::TimedOut { after });
            }
            match timeout(after, answer).await {
                Ok(Ok(result)) => result,
                Ok(Err(_thread_ended)) => Err(VaultError::Failed(words!("its thread ended"))),
                Err(_elapsed) => Err(VaultError::TimedOut { after }),
            }
        }
    }
}

fn load(keyring: &Keyring) -> Result<Contents, VaultError> {
    let names = keyring.names()?;
    let hosts = names.iter().filter_map(|name| name.strip_prefix("host:"));
    let found = hosts
        .filter(|name| !name.contains('~'))
        .map(str::to_owned)
        .collect();
    book::load(keyring, &found)
}

fn work(mut worker: Worker, queue: &Receiver<Job>) {
    for job in queue {
        job(&mut worker);
        wipe_stack();
    }
}

/// More than what the calls of a job need of the stack.
const STACK_BYTES: usize = 128 << 10;

/// Wipes what a job's calls have left on this thread's stack: whoever decrypts an entry works on copies there.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "it is the stack that is wiped")]
fn wipe_stack() {
    let mut below = [0_u8; STACK_BYTES];
    below.zeroize();
    std::hint::black_box(&below);
}

impl Worker {
    /// Does something with the keyring: a connection that broke since the last time is made anew.
    fn with_keyring<T>(
        &mut self,
        work: impl Fn(&Keyring) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        if let Some(keyring) = self.keyring.take() {
            let result = work(&keyring);
            if !keyring.is_broken.get() {
                self.keyring = Some(keyring);
                return result;
            }
        }
        let keyring = Keyring::connect(&self.service, self.call_limit)?;
        let result = work(&keyring);
        if !keyring.is_broken.get() {
            self.keyring = Some(keyring);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn work_is_done_in_the_order_of_the_calls_whoever_is_waited_for_first() {
        let vault = Vault::start(VaultOptions::of_environment());
        let done = Arc::<Mutex<Vec<u8>>>::default();
        let note = |number| {
            let done = Arc::clone(&done);
            vault.run(move |_| {
                done.lock().unwrap().push(number);
                Ok(())
            })
        };
        let (first, second) = (note(1), note(2));
        second.await.unwrap();
        first.await.unwrap();
        assert_eq!(*done.lock().unwrap(), [1, 2]);
    }
}
