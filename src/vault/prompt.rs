//! The desktop's question for the keyring's password, waited for as long as that makes sense.
//!
//! The crates that speak with the Secret Service wait for the answer alone: for ever, where the keyring ends while its question
//! is on the screen, or is unlocked by another program. So nothing is handed to them that would ask.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;
use zbus::fdo::DBusProxy;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, Message, MessageStream};

use super::error::VaultError;
use super::platform::absent;
use super::watch::{NAME, collections_changed, presence_changed};

const SERVICE: &str = "org.freedesktop.Secret.Service";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// What the Secret Service says where no question is needed, or nothing has come of it.
const NOTHING: &str = "/";

/// Asks, one question at a time.
pub(super) struct Prompts {
    limit: Duration,
    /// Whoever asked a question that was not answered in time. It stands for as long as this does, and its answer counts.
    standing: RefCell<Option<Connection>>,
}

/// What is needed of the person.
enum Wish<'a> {
    /// These items and collections unlocked.
    Unlocked(&'a [OwnedObjectPath]),
    /// A default collection, where there is none.
    DefaultCollection,
}

/// What has become of a question.
enum Turn {
    Answered { dismissed: bool },
    MayBeUnlocked,
    Gone,
}

impl Prompts {
    pub(super) const fn new(limit: Duration) -> Self {
        Self {
            limit,
            standing: RefCell::new(None),
        }
    }

    /// Has these unlocked; blocks until the person has answered.
    pub(super) fn unlock(&self, objects: &[OwnedObjectPath]) -> Result<(), VaultError> {
        if objects.is_empty() {
            return Ok(());
        }
        self.wish(&Wish::Unlocked(objects))
    }

    /// Makes the default collection, as every program does that is the first to keep something; the person is asked for its
    /// password.
    pub(super) fn make_default_collection(&self) -> Result<(), VaultError> {
        self.wish(&Wish::DefaultCollection)
    }

    fn wish(&self, wish: &Wish<'_>) -> Result<(), VaultError> {
        // A question that still stands would be asked twice.
        self.standing.replace(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| VaultError::Failed(error.to_string().into()))?;
        runtime.block_on(async {
            let bus = Connection::session().await.map_err(failed)?;
            match timeout(self.limit, ask(&bus, wish)).await {
                Ok(result) => result,
                Err(_elapsed) => {
                    self.standing.replace(Some(bus));
                    Err(VaultError::TimedOut { after: self.limit })
                }
            }
        })
    }
}

async fn ask(bus: &Connection, wish: &Wish<'_>) -> Result<(), VaultError> {
    let mut messages = MessageStream::from(bus);
    let names = DBusProxy::new(bus).await.map_err(failed)?;
    let answers = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(NAME)
        .and_then(|rule| rule.interface(PROMPT))
        .map(zbus::match_rule::Builder::build);
    for rule in [answers, presence_changed(), collections_changed()] {
        let rule = rule.map_err(failed)?;
        names
            .add_match_rule(rule)
            .await
            .map_err(zbus::Error::from)
            .map_err(failed)?;
    }
    let Some(prompt) = question(bus, wish).await? else {
        return Ok(());
    };
    let shown = bus.call_method(Some(NAME), &prompt, Some(PROMPT), "Prompt", &"");
    shown.await.map_err(failed)?;
    while let Some(message) = messages.next().await {
        match turn(&message.map_err(failed)?, &prompt) {
            Some(Turn::Answered { dismissed: false }) => return Ok(()),
            Some(Turn::Answered { dismissed: true }) => return Err(VaultError::Locked),
            Some(Turn::MayBeUnlocked) if question(bus, wish).await?.is_none() => return Ok(()),
            Some(Turn::Gone) => return Err(absent("it has ended".to_owned())),
            Some(Turn::MayBeUnlocked) | None => {}
        }
    }
    Err(absent("the bus is gone".to_owned()))
}

/// The question that has to be put to the person first, if any.
async fn question(
    bus: &Connection,
    wish: &Wish<'_>,
) -> Result<Option<OwnedObjectPath>, VaultError> {
    let path = "/org/freedesktop/secrets";
    let prompt: OwnedObjectPath = match wish {
        Wish::Unlocked(objects) => {
            let reply = bus.call_method(Some(NAME), path, Some(SERVICE), "Unlock", objects);
            let reply = reply.await.map_err(failed)?;
            let (_unlocked, prompt): (Vec<OwnedObjectPath>, _) =
                reply.body().deserialize().map_err(failed)?;
            prompt
        }
        Wish::DefaultCollection => {
            let label = ("org.freedesktop.Secret.Collection.Label", "Default keyring");
            let properties = HashMap::from([(label.0, Value::from(label.1))]);
            let call = (properties, "default");
            let reply = bus.call_method(Some(NAME), path, Some(SERVICE), "CreateCollection", &call);
            let reply = reply.await.map_err(failed)?;
            let (_collection, prompt): (OwnedObjectPath, _) =
                reply.body().deserialize().map_err(failed)?;
            prompt
        }
    };
    Ok((prompt.as_str() != NOTHING).then_some(prompt))
}

fn turn(message: &Message, prompt: &OwnedObjectPath) -> Option<Turn> {
    let header = message.header();
    match header.member()?.as_str() {
        "Completed" if header.path()?.as_str() == prompt.as_str() => {
            let (dismissed, _result): (bool, OwnedValue) = message.body().deserialize().ok()?;
            Some(Turn::Answered { dismissed })
        }
        "NameOwnerChanged" => {
            let (name, _old, new): (String, String, String) = message.body().deserialize().ok()?;
            (name == NAME && new.is_empty()).then_some(Turn::Gone)
        }
        "PropertiesChanged" => Some(Turn::MayBeUnlocked),
        _ => None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn failed(error: zbus::Error) -> VaultError {
    VaultError::Failed(error.to_string().into())
}
