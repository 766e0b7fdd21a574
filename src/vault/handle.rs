//! The way to the vault: questions to its thread, answers when they come.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::book::{self, Contents};
use super::error::VaultError;
use super::lock::lock;
use super::platform::Keyring;
use super::secret_name::SecretName;
use crate::model::{HostId, SavedHost, Secret};

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
        self.call(|keyring| {
            let names = keyring.names()?;
            let hosts = names.iter().filter_map(|name| name.strip_prefix("host:"));
            let found = hosts
                .filter(|name| !name.contains('~'))
                .map(str::to_owned)
                .collect();
            book::load(keyring, &found)
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
    pub async fn save_host(&self, host: SavedHost) -> Result<(), VaultError> {
        self.change(move |keyring| book::save_host(keyring, host.clone()))
            .await
    }

    /// Removes a host and its secrets.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn remove_host(&self, id: HostId) -> Result<(), VaultError> {
        self.change(move |keyring| book::remove_host(keyring, &id))
            .await
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
    pub async fn set_secret(
        &self,
        id: HostId,
        name: SecretName,
        value: Option<Secret>,
    ) -> Result<(), VaultError> {
        self.change(move |keyring| book::set_secret(keyring, &id, name.clone(), value.clone()))
            .await
    }

    /// Removes all secrets of a host.
    ///
    /// # Errors
    /// [`VaultError`]
    pub async fn forget_secrets(&self, id: HostId) -> Result<(), VaultError> {
        self.change(move |keyring| book::forget_secrets(keyring, &id))
            .await
    }

    /// A call that changes what is kept: no other process does so at the same time.
    async fn change<T: Send + 'static>(
        &self,
        work: impl Fn(&Keyring) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.run(move |worker| {
            let _locked = lock(&worker.service);
            worker.with_keyring(&work)
        })
        .await
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&Keyring) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.run(move |worker| worker.with_keyring(&work)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            if !reply.is_closed() {
                let result = work(worker);
                // Whoever asked may have gone while a prompt stood on the screen.
                let _nobody_waits = reply.send(result);
            }
        });
        let timed_out = VaultError::TimedOut {
            after: self.call_limit,
        };
        if self.jobs.try_send(job).is_err() {
            return Err(timed_out);
        }
        match timeout(self.call_limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_thread_ended)) => Err(VaultError::Failed("its thread ended".to_owned())),
            Err(_elapsed) => Err(timed_out),
        }
    }
}

fn work(mut worker: Worker, queue: &Receiver<Job>) {
    for job in queue {
        job(&mut worker);
    }
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
        let keyring = Keyring::connect(&self.service)?;
        let result = work(&keyring);
        if !keyring.is_broken.get() {
            self.keyring = Some(keyring);
        }
        result
    }
}
