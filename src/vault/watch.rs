//! Notices that a keyring comes, goes, or is locked or unlocked: the bus tells, and nobody has to look again and again.
//!
//! Keychain and Credential Manager are always there; nothing is told of them.

use tokio::task::JoinHandle;

/// What has changed about the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringChange {
    /// There is one now where there was none, or the other way round.
    Presence,
    /// It may have been locked or unlocked.
    Lock,
}

/// Tells of changes until it is dropped.
#[derive(Debug)]
pub struct KeyringWatch(JoinHandle<()>);

impl Drop for KeyringWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl KeyringWatch {
    /// Calls `tell` for every change, on the current tokio runtime. Once it returns false nothing more is told.
    pub fn start<F>(tell: impl Fn(KeyringChange) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(tokio::spawn(os::watch(tell)))
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
pub(super) use os::{NAME, collections_changed, presence_changed};

#[cfg(all(unix, not(target_os = "macos")))]
mod os {
    use std::time::Duration;

    use futures::StreamExt as _;
    use tokio::time::{sleep, timeout};
    use zbus::fdo::DBusProxy;
    use zbus::{Connection, MatchRule, Message, MessageStream};

    use super::KeyringChange;

    /// The name that every keyring of the Secret Service has on the bus.
    pub(in crate::vault) const NAME: &str = "org.freedesktop.secrets";

    /// The pause before a bus that is not there, or is gone, is looked for again, and what it grows to.
    const AGAIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_mins(1)];

    /// How long the bus may take to answer.
    const LIMIT: Duration = Duration::from_secs(10);

    /// Follows the bus, for as long as somebody wants to hear.
    pub(super) async fn watch<F: Future<Output = bool> + Send + 'static>(
        tell: impl Fn(KeyringChange) -> F + Send + Sync + 'static,
    ) {
        let mut pause = AGAIN[0];
        loop {
            let error = match timeout(LIMIT, subscribe()).await {
                Ok(Ok(messages)) => {
                    pause = AGAIN[0];
                    if !follow(messages, &tell).await {
                        return;
                    }
                    "the bus is gone".to_owned()
                }
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => "the bus does not answer".to_owned(),
            };
            tracing::debug!(%error, "nothing is heard of the keyring for {pause:?}");
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN[1]);
        }
    }

    async fn subscribe() -> zbus::Result<(Connection, MessageStream)> {
        let bus = Connection::session().await?;
        let messages = MessageStream::from(&bus);
        let names = DBusProxy::new(&bus).await?;
        let service = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(NAME)?
            .interface("org.freedesktop.Secret.Service")?
            .build();
        for rule in [presence_changed()?, collections_changed()?, service] {
            names.add_match_rule(rule).await?;
        }
        Ok((bus, messages))
    }

    /// What tells that a keyring comes or goes.
    pub(in crate::vault) fn presence_changed() -> zbus::Result<MatchRule<'static>> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .add_arg(NAME)?;
        Ok(rule.build())
    }

    /// What tells that a collection is locked or unlocked, among other things.
    pub(in crate::vault) fn collections_changed() -> zbus::Result<MatchRule<'static>> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(NAME)?
            .interface("org.freedesktop.DBus.Properties")?
            .add_arg("org.freedesktop.Secret.Collection")?;
        Ok(rule.build())
    }

    /// Whether the bus is gone, and not whoever listened.
    async fn follow<F: Future<Output = bool> + Send + 'static>(
        (_bus, mut messages): (Connection, MessageStream),
        tell: &(impl Fn(KeyringChange) -> F + Send + Sync),
    ) -> bool {
        // It may have changed before it was listened for.
        if !tell(KeyringChange::Lock).await {
            return false;
        }
        while let Some(Ok(message)) = messages.next().await {
            if let Some(change) = change(&message)
                && !tell(change).await
            {
                return false;
            }
        }
        true
    }

    /// What a message of the bus tells of. Those to this connection itself tell of nothing.
    fn change(message: &Message) -> Option<KeyringChange> {
        let header = message.header();
        match header.member()?.as_str() {
            "NameOwnerChanged" => {
                let (name, ..): (String, String, String) = message.body().deserialize().ok()?;
                (name == NAME).then_some(KeyringChange::Presence)
            }
            "CollectionCreated" | "CollectionChanged" | "CollectionDeleted"
            | "PropertiesChanged" => Some(KeyringChange::Lock),
            _ => None,
        }
    }
}

#[cfg(any(windows, target_os = "macos"))]
mod os {
    use super::KeyringChange;

    pub(super) async fn watch<F: Future<Output = bool> + Send + 'static>(
        _tell: impl Fn(KeyringChange) -> F + Send + Sync + 'static,
    ) {
    }
}
