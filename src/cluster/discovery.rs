//! Which of MetalLB's kinds the server has, and at which version. Found out at the start, now and then, and when a list says
//! that there is no such thing: MetalLB may be installed, updated or removed at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Request;
use serde::Deserialize;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Lease};
use super::feed_error::{FeedError, Remedy};
use super::report::Message;
use super::resource::{FRR_K8S, Kind, METALLB};
use super::timing::{Backoff, Timing, about};
use super::wire::{self, WireError};

/// The custom kinds that are served, with the version of each.
pub(super) type Served = BTreeMap<Kind, String>;

/// More versions of one group are not looked at.
const VERSIONS: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    versions: Vec<Version>,
    #[serde(default)]
    preferred_version: Version,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<ResourceName>,
}

#[derive(Deserialize)]
struct ResourceName {
    name: String,
}

/// Finds out what is served, again and again, until nobody listens any more.
pub(super) async fn run(
    connection: Arc<Connection>,
    timing: Timing,
    again: Arc<Notify>,
    reports: mpsc::Sender<Message>,
) {
    let mut backoff = Backoff::new(&timing);
    loop {
        let found = look(&connection, &timing).await;
        let pause = match &found {
            Ok(_) => {
                backoff.reset();
                about(timing.discover_every)
            }
            Err(error) => match error.remedy() {
                Remedy::Denied => about(timing.denied_retry),
                Remedy::Retry { after } => backoff.next().max(after.unwrap_or_default()),
                Remedy::Credentials | Remedy::ListAnew => backoff.next(),
            },
        };
        if reports.send(Message::Found(found)).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = again.notified() => sleep(backoff.next()).await,
        }
    }
}

async fn look(connection: &Connection, timing: &Timing) -> Result<Served, FeedError> {
    let lease = connection.lease().await?;
    let failed = |error| match error {
        WireError::Client(error) => FeedError::List(error),
        WireError::TooLong { limit_bytes } => FeedError::TooLong { limit_bytes },
    };
    let after = timing.watch_limit;
    let served = timeout(after, served(&lease))
        .await
        .map_err(|_elapsed| FeedError::TimedOut { after })?
        .map_err(failed);
    if let Err(error) = &served
        && error.remedy() == Remedy::Credentials
    {
        connection.renew(&lease).await?;
    }
    served
}

async fn served(lease: &Lease) -> Result<Served, WireError> {
    let mut found = Served::new();
    for name in [METALLB, FRR_K8S] {
        let Some(group) = ask::<Group>(lease, &format!("/apis/{name}")).await? else {
            continue;
        };
        let others = group.versions.iter().filter(|version| {
            version.version != group.preferred_version.version && is_plain(&version.version)
        });
        for Version { version } in std::iter::once(&group.preferred_version)
            .chain(others)
            .take(VERSIONS)
        {
            let Some(list) = ask::<Resources>(lease, &format!("/apis/{name}/{version}")).await?
            else {
                continue;
            };
            for kind in Kind::ALL {
                let resource = kind.resource();
                let has = |own: &ResourceName| own.name == resource.plural;
                if resource.group == name && list.resources.iter().any(has) {
                    found.entry(kind).or_insert_with(|| version.clone());
                }
            }
        }
    }
    Ok(found)
}

/// A document of discovery; none where there is no such group or version.
async fn ask<T: serde::de::DeserializeOwned>(
    lease: &Lease,
    path: &str,
) -> Result<Option<T>, WireError> {
    let request = Request::get(path)
        .body(Vec::new())
        .map_err(kube::Error::HttpError)?;
    match wire::get(&lease.client, request).await {
        Ok(document) => Ok(Some(document)),
        Err(WireError::Client(error)) => match *error {
            kube::Error::Api(status) if status.code == 404 => Ok(None),
            error => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}

/// A version becomes a part of a path.
fn is_plain(version: &str) -> bool {
    version.chars().all(|c| c.is_ascii_alphanumeric()) && (1..=63).contains(&version.len())
}
