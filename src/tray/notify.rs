//! Notifications of the desktop (org.freedesktop.Notifications), told by the engine's policy: few, and quiet.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use zbus::Connection;
use zbus::zvariant::Value;

use crate::engine::{Handle, Outages};
use crate::l10n::Lang;
use crate::model::printable;

/// How long the desktop may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The task that tells of losses. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Notifier(JoinHandle<()>);

impl Drop for Notifier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to tell of losses that last, and of their ends, where the person wants that.
pub(super) fn start(handle: Handle, system: Lang) -> Notifier {
    Notifier(tokio::spawn(run(handle, system)))
}

async fn run(mut handle: Handle, system: Lang) {
    let mut outages = Outages::default();
    let mut shown = 0;
    let mut snapshot = handle.newest();
    let started = Instant::now();
    // The engine's clock goes on between two snapshots.
    let mut read_at = Instant::now();
    loop {
        let now = snapshot.now + read_at.elapsed();
        let tidings = outages.look(&snapshot, now);
        if let Some(tidings) = tidings.filter(|_| snapshot.settings.behaviour.notify) {
            let lang = Lang::chosen(snapshot.settings.window.language, system);
            let (title, body) = (lang.say(&tidings.title), lang.say(&tidings.body));
            shown = send(&title, &body, shown).await;
        }
        let due = outages.due().map(|due| Instant::now() + due.since(now));
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = handle.changed() => match next {
                Ok(next) => (snapshot, read_at) = (next, Instant::now()),
                Err(_ended) => return,
            },
            () = timer => {}
        }
        tracing::trace!(after = ?started.elapsed(), "looked for losses");
    }
}

async fn send(title: &str, body: &str, replaces: u32) -> u32 {
    match timeout(LIMIT, show(title, body, replaces)).await {
        Ok(Ok(id)) => id,
        Ok(Err(error)) => {
            tracing::info!("the desktop shows no notification: {error}");
            0
        }
        Err(_elapsed) => {
            tracing::info!("the desktop did not answer a notification");
            0
        }
    }
}

/// Shows a notification on its own; returns at once.
pub(super) fn tell(title: String, body: String) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            send(&title, &body, 0).await;
        });
    }
}

/// Shows a notification in the place of the one before, without a sound, and returns its id.
async fn show(title: &str, body: &str, replaces: u32) -> zbus::Result<u32> {
    let bus = Connection::session().await?;
    let actions: [&str; 0] = [];
    let hints = HashMap::from([
        ("urgency", Value::from(1_u8)),
        ("suppress-sound", Value::from(true)),
        ("desktop-entry", Value::from("adit")),
    ]);
    let call = (
        "Adit",
        replaces,
        "adit",
        &*printable(title),
        escaped(body),
        &actions[..],
        hints,
        -1_i32,
    );
    let name = "org.freedesktop.Notifications";
    let reply = bus
        .call_method(
            Some(name),
            "/org/freedesktop/Notifications",
            Some(name),
            "Notify",
            &call,
        )
        .await?;
    reply.body().deserialize()
}

/// A notification's body may be read as markup, and the names in it are the cluster's.
fn escaped(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_no_markup_and_do_not_turn_the_text() {
        let body = "default/<b>ui</b> & \u{202e}co \u{1b}[2J";
        assert_eq!(
            escaped(body),
            "default/&lt;b&gt;ui&lt;/b&gt; &amp; \u{fffd}co \u{fffd}[2J"
        );
    }
}
