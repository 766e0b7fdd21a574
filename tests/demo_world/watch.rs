//! Watches, plain and streaming, and what they live through.

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

use super::api::{Badge, client, get, recorded, whole};
use crate::{in_time, still_world};

#[tokio::test]
async fn streaming_lists_end_in_the_recorded_bookmark() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let marks: Vec<Value> = serde_json::from_str(&recorded("bookmarks")).unwrap();
    for (path, mark) in [
        ("/api/v1/services", &marks[0]),
        ("/api/v1/pods", &marks[1]),
        ("/apis/discovery.k8s.io/v1/endpointslices", &marks[2]),
    ] {
        let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
        let (code, _, text) = get(&demo, &format!("{path}?watch=true&{query}")).await;
        assert_eq!(code, 200);
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let (last, before) = lines.split_last().unwrap();
        assert!(before.iter().all(|line| line["type"] == "ADDED"));
        let listed = whole(&demo, path).await;
        assert_eq!(before.len(), listed["items"].as_array().unwrap().len());
        let mut expected = mark.clone();
        expected["object"]["metadata"] = json!({
            "resourceVersion": listed["metadata"]["resourceVersion"],
            "annotations": {"k8s.io/initial-events-end": "true"},
        });
        assert_eq!(*last, expected);
    }
    let (code, _, _) = get(&demo, "/api/v1/pods?watch=true&sendInitialEvents=true").await;
    assert_eq!(code, 422);
}

/// The next event for which `wanted` holds.
async fn until<K>(
    events: &mut (impl Stream<Item = watcher::Result<watcher::Event<K>>> + Unpin),
    wanted: impl Fn(&watcher::Event<K>) -> bool,
) -> watcher::Event<K> {
    in_time("an event of a watch", async {
        loop {
            match events.next().await.unwrap() {
                Ok(event) if wanted(&event) => return event,
                // What a watcher could not read it reads again.
                Ok(_) | Err(_) => {}
            }
        }
    })
    .await
}

#[tokio::test]
async fn watches_tell_what_happens_and_survive_what_does() {
    let world = still_world().await;
    let pods = Api::<Pod>::namespaced(client(&world, Badge::Own).await, "shop");
    for config in [
        watcher::Config::default(),
        watcher::Config::default().streaming_lists(),
    ] {
        let mut events = Box::pin(watcher::watcher(pods.clone(), config));
        until(&mut events, |event| {
            matches!(event, watcher::Event::InitDone)
        })
        .await;
        // The second thing that happens in a round is that a new pod becomes ready.
        world.advance();
        world.advance();
        let up =
            |pod: &Pod| pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Running");
        let is_up = |event: &_| matches!(event, watcher::Event::Apply(pod) if up(pod));
        until(&mut events, is_up).await;
        world.expire_history();
        until(&mut events, |event| {
            matches!(event, watcher::Event::InitDone)
        })
        .await;
        for _ in 0..6 {
            world.advance();
        }
        let gone = |event: &_| matches!(event, watcher::Event::Delete(_));
        until(&mut events, gone).await;
    }
}

#[tokio::test]
async fn a_watch_outlives_the_server() {
    let world = still_world().await;
    let slices = Api::<EndpointSlice>::all(client(&world, Badge::Own).await);
    let mut events =
        Box::pin(watcher::watcher(slices, watcher::Config::default()).default_backoff());
    until(&mut events, |event| {
        matches!(event, watcher::Event::InitDone)
    })
    .await;
    world.stop_api().await;
    let failed = in_time("the loss", async {
        loop {
            if let Some(Err(error)) = events.next().await {
                return error;
            }
        }
    });
    failed.await;
    world.advance();
    world.advance();
    world.start_api().await.unwrap();
    until(&mut events, |event| {
        matches!(event, watcher::Event::Apply(_) | watcher::Event::InitDone)
    })
    .await;
}
