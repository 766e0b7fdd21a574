//! The API through kube's client and the world's own kubeconfig.

use std::collections::BTreeSet;

use adit::demo::DemoWorld;
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, ListParams};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt as _};
use serde_json::{Value, json};

use crate::{in_time, still_world};

/// What a client shows of itself.
pub(super) enum Badge {
    /// The token of the kubeconfig.
    Own,
    /// A token that nobody knows.
    Wrong,
    /// Nothing.
    None,
}

pub(super) async fn client(world: &DemoWorld, badge: Badge) -> Client {
    let mut kubeconfig = Kubeconfig::read_from(&world.access().kubeconfig).unwrap();
    let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
    match badge {
        Badge::Own => {}
        Badge::Wrong => user.token = Some("wrong".to_owned().into()),
        Badge::None => user.token = None,
    }
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    // What the server says is looked at here, not what a client makes of it.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Status, content type and body of a GET; of a stream, its first line.
pub(super) async fn get(client: &Client, path: &str) -> (u16, String, String) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response = in_time(path, client.send(request)).await.unwrap();
    let code = response.status().as_u16();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut text = String::new();
    let mut body = response.into_body();
    while let Some(frame) = in_time(path, body.frame()).await {
        text += std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap();
        if path.contains("watch=1") && text.ends_with('\n') {
            break;
        }
    }
    (code, kind, text)
}

pub(super) fn recorded(name: &str) -> String {
    let path = format!(
        "{}/tests/fixtures/demo_world/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

/// A recording's JSON, with what differs from server to server replaced.
fn failure(text: &str, changes: &[(&str, &str)]) -> Value {
    let mut text = text.replace("system:serviceaccount:shop:shop-reader", "demo");
    for (from, to) in changes {
        text = text.replace(from, to);
    }
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn refusals_are_those_of_a_real_server() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let nobody = client(&world, Badge::None).await;
    let stranger = client(&world, Badge::Wrong).await;
    world.forbid("events");
    world.forbid("ipaddresspools");
    let pools = "/apis/metallb.io/v1beta1/ipaddresspools";
    for (client, path, code, name) in [
        (&stranger, "/api/v1/services", 401, "401-bad-token"),
        (&stranger, "/version", 401, "401-bad-token"),
        (&nobody, "/api/v1/services", 403, "403-anonymous"),
        (
            &demo,
            "/api/v1/namespaces/shop/events",
            403,
            "403-serviceaccount.events",
        ),
        (&demo, pools, 403, "403-serviceaccount.ipaddresspools"),
        (
            &demo,
            "/api/v1/namespaces/shop/services/no-such-service",
            404,
            "404-object",
        ),
        (
            &demo,
            "/api/v1/services?limit=5&continue=nonsense",
            400,
            "400-bad-continue",
        ),
        (
            &demo,
            "/api/v1/services?fieldSelector=spec.nope%3D1",
            400,
            "400-bad-field-selector",
        ),
        (
            &demo,
            "/api/v1/services?limit=5&resourceVersion=2&resourceVersionMatch=Exact",
            410,
            "410-expired-exact-resource-version",
        ),
    ] {
        let (got, kind, body) = get(client, path).await;
        assert_eq!((got, kind.as_str()), (code, "application/json"), "{path}");
        assert_eq!(failure(&body, &[]), failure(&recorded(name), &[]), "{path}");
    }
    assert_eq!(get(&nobody, "/version").await.0, 200);

    world.permit("events");
    assert_eq!(get(&demo, "/api/v1/namespaces/shop/events").await.0, 200);
    world.revoke_token();
    assert_eq!(get(&demo, "/api/v1/services").await.0, 401);
    world.restore_token();
    assert_eq!(get(&demo, "/api/v1/services").await.0, 200);
}

#[tokio::test]
async fn a_user_of_one_namespace_sees_that_one() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    world.confine_to(Some("shop"));
    for (path, name) in [
        ("/api/v1/nodes", "403-serviceaccount.nodes"),
        (
            "/api/v1/namespaces/default/services",
            "403-serviceaccount.other-namespace",
        ),
        (
            "/api/v1/services?watch=1",
            "403-serviceaccount.watch-services",
        ),
    ] {
        let (code, _, body) = get(&demo, path).await;
        assert_eq!(code, 403, "{path}");
        assert_eq!(failure(&body, &[]), failure(&recorded(name), &[]), "{path}");
    }
    assert_eq!(get(&demo, "/api/v1/namespaces/shop/services").await.0, 200);
}

#[tokio::test]
async fn unknown_paths_are_plain_text() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let expected: Value = serde_json::from_str(&recorded("404-path")).unwrap();
    for path in [
        "/apis/nope.example.com/v1/things",
        "/apis/metallb.io/v1beta1/nosuchthings",
        "/apis/nope.example.com",
        "/apis/nope.example.com/v1/",
    ] {
        let (code, kind, body) = get(&demo, path).await;
        assert_eq!(code, 404, "{path}");
        assert_eq!(
            json!({"content-type": kind, "body": body}),
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn versions_of_past_and_future_are_refused_as_recorded() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let (_, _, first) = get(&demo, "/api/v1/services?limit=5").await;
    let first: Value = serde_json::from_str(&first).unwrap();
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let token = first["metadata"]["continue"].as_str().unwrap();

    let future = "/api/v1/services?resourceVersion=999999999&resourceVersionMatch=NotOlderThan";
    let (code, _, body) = get(&demo, future).await;
    assert_eq!(code, 504);
    let expected = failure(
        &recorded("504-future-resource-version"),
        &[("2140", version)],
    );
    assert_eq!(failure(&body, &[]), expected);

    world.expire_history();
    let (code, _, body) = get(&demo, &format!("/api/v1/services?limit=5&continue={token}")).await;
    let body = failure(&body, &[]);
    let mut expected = failure(&recorded("410-expired-continue"), &[]);
    // The token to go on with is this server's own, and works.
    let retry = body["metadata"]["continue"].as_str().unwrap().to_owned();
    expected["metadata"]["continue"] = json!(retry);
    assert_eq!((code, &body), (410, &expected));
    let (code, _, rest) = get(&demo, &format!("/api/v1/services?continue={retry}")).await;
    let rest: Value = serde_json::from_str(&rest).unwrap();
    assert_eq!(code, 200);
    assert_eq!(
        names(&rest).len() + 5,
        names(&whole(&demo, "/api/v1/services").await).len()
    );

    let oldest = (version.parse::<u64>().unwrap() + 1).to_string();
    for (resource, old) in [("services", version), ("events", version)] {
        let path =
            format!("/api/v1/{resource}?watch=1&allowWatchBookmarks=true&resourceVersion={old}");
        let (code, _, line) = get(&demo, &path).await;
        let name = format!("410-watch-expired.{resource}");
        let expected = failure(
            &recorded(&name),
            &[("1000 (2226)", &format!("{old} ({oldest})"))],
        );
        assert_eq!((code, failure(&line, &[])), (200, expected));
    }
}

pub(super) async fn whole(client: &Client, path: &str) -> Value {
    serde_json::from_str(&get(client, path).await.2).unwrap()
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            format!(
                "{}/{}",
                item["metadata"]["namespace"], item["metadata"]["name"]
            )
        })
        .collect()
}

#[tokio::test]
async fn pages_are_of_one_moment() {
    let world = still_world().await;
    let services = Api::<Service>::all(client(&world, Badge::Own).await);
    let key = |service: &Service| (service.namespace(), service.name_any());
    let all: Vec<_> = services
        .list(&ListParams::default())
        .await
        .unwrap()
        .iter()
        .map(key)
        .collect();
    let mut paged = Vec::new();
    let mut params = ListParams::default().limit(7);
    loop {
        let page = services.list(&params).await.unwrap();
        paged.extend(page.iter().map(key));
        // What happens between two pages is not seen in the later one.
        world.advance();
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = ListParams::default().limit(7).continue_token(&token),
            None => break,
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn selectors_select() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    for (path, expected) in [
        ("/api/v1/services?fieldSelector=metadata.name%3Dui", 1),
        ("/api/v1/services?labelSelector=app%3Dsale", 2),
        (
            "/api/v1/events?fieldSelector=involvedObject.kind%3DService%2CinvolvedObject.name%3Dui",
            2,
        ),
        (
            "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io/service-name%3Ddual-stack",
            2,
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools",
            6,
        ),
        ("/apis/networking.k8s.io/v1/ingresses", 0),
    ] {
        assert_eq!(names(&whole(&demo, path).await).len(), expected, "{path}");
    }
    let types = whole(
        &demo,
        "/api/v1/services?fieldSelector=spec.type%3DLoadBalancer",
    )
    .await;
    let list = types["items"].as_array().unwrap();
    assert!(list.len() >= 20);
    assert!(
        list.iter()
            .all(|item| item["spec"]["type"] == "LoadBalancer")
    );
}

/// Every path of fields in `value`; lists count as their first element, maps of texts as themselves.
fn fields(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !at.ends_with("annotations") && !at.ends_with("labels") => {
            for (name, value) in map {
                fields(value, &format!("{at}.{name}"), out);
            }
        }
        Value::Array(list) if !list.is_empty() => fields(&list[0], &format!("{at}[]"), out),
        _ => drop(out.insert(at.to_owned())),
    }
}

fn shape(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    fields(value, "", &mut out);
    out
}

#[tokio::test]
async fn objects_have_the_fields_of_recorded_ones() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let events = "/api/v1/namespaces/default/events";
    for (path, name, only_there) in [
        (
            "/api/v1/namespaces/default/services/ui",
            "service.ui",
            vec![],
        ),
        (
            "/api/v1/namespaces/shop/services/dual-stack",
            "service.dual-stack",
            vec![],
        ),
        (
            "/api/v1/namespaces/shop/services/summer-sale",
            "service.pending",
            vec![],
        ),
        (
            &format!("{slices}?labelSelector=kubernetes.io/service-name%3Dui"),
            "endpointslices.ui",
            vec![
                ".items[].metadata.annotations",
                ".items[].metadata.generation",
            ],
        ),
        (
            &format!("{events}?fieldSelector=involvedObject.name%3Dui"),
            "events.ui",
            vec![".items[].involvedObject.resourceVersion"],
        ),
    ] {
        let ours = shape(&whole(&demo, path).await);
        let theirs = shape(&serde_json::from_str(&recorded(name)).unwrap());
        let missing: Vec<&str> = theirs.difference(&ours).map(String::as_str).collect();
        assert_eq!(missing, only_there, "{name}: missing");
        let extra: Vec<_> = ours
            .difference(&theirs)
            .filter(|field| !field.ends_with("labels") && !field.contains(".ports[].name"))
            .collect();
        assert!(extra.is_empty(), "{name}: {extra:?}");
    }
}

#[tokio::test]
async fn metadata_and_discovery_come_in_their_shapes() {
    let world = still_world().await;
    let demo = client(&world, Badge::Own).await;
    let services = Api::<Service>::all(demo.clone());
    let partial = services
        .list_metadata(&ListParams::default())
        .await
        .unwrap();
    assert_eq!(
        partial.items.len(),
        services
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .len()
    );
    let groups = demo.list_api_groups().await.unwrap();
    let metallb = groups
        .groups
        .iter()
        .find(|group| group.name == "metallb.io")
        .unwrap();
    assert_eq!(
        metallb.preferred_version.as_ref().unwrap().version,
        "v1beta2"
    );
    let kinds = demo
        .list_api_group_resources("metallb.io/v1beta1")
        .await
        .unwrap();
    assert!(
        kinds
            .resources
            .iter()
            .any(|kind| kind.kind == "ServiceL2Status")
    );
    assert!(demo.list_core_api_resources("v1").await.is_ok());
    assert_eq!(demo.apiserver_version().await.unwrap().minor, "36");
}
