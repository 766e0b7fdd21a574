//! A small API server: lists in pages, streaming lists, watches that are fed, and as much of discovery as kubectl asks for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::objects;

type Body = BoxBody<Bytes, Infallible>;

/// Above any version in the lists.
const FIRST_CHANGE: usize = 1_000_000;
const METALLB: &str = "/apis/metallb.io/v1beta1";

struct Collection {
    kind: &'static str,
    api_version: &'static str,
    items: Vec<String>,
    changes: broadcast::Sender<Bytes>,
}

/// The server; it serves for as long as the process lives.
pub(crate) struct Server {
    services: usize,
    address: SocketAddr,
    collections: Arc<HashMap<String, Collection>>,
    version: AtomicUsize,
}

impl Server {
    /// A cluster of so many services, each with its pods.
    pub(crate) async fn start(services: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collections = Arc::new(collections(services));
        let served = collections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let collections = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| {
                        let response = answer(&collections, &request);
                        async move { Ok::<_, Infallible>(response) }
                    });
                    let http = auto::Builder::new(TokioExecutor::new());
                    // How a connection ends is the client's matter.
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self {
            services,
            address,
            collections,
            version: AtomicUsize::new(FIRST_CHANGE),
        }
    }

    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: bench\n\
             clusters: [{{name: bench, cluster: {{server: 'http://{}'}}}}]\n\
             contexts: [{{name: bench, context: {{cluster: bench, user: bench}}}}]\n\
             users: [{{name: bench, user: {{token: bench}}}}]\n",
            self.address
        )
    }

    /// Changes one pod to and fro, of a service that changes with it.
    pub(crate) fn change_pod(&self, number: usize) {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        let pods = self.services * objects::PODS_PER_SERVICE;
        let waiting = (number / pods)
            .is_multiple_of(2)
            .then_some("CrashLoopBackOff");
        let pod = objects::pod(number * 7919 % pods, version, waiting);
        self.tell("/api/v1/pods", "MODIFIED", &pod);
    }

    /// One service more.
    pub(crate) fn end_changes(&self) {
        let mut service = objects::service(self.services);
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        service["metadata"]["resourceVersion"] = version.to_string().into();
        self.tell("/api/v1/services", "ADDED", &service);
    }

    fn tell(&self, path: &str, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        // Nobody may be watching.
        let _ = self.collections[path].changes.send(Bytes::from(line));
    }
}

fn collections(services: usize) -> HashMap<String, Collection> {
    let all = |count: usize, make: fn(usize) -> Value| (0..count).map(make).collect();
    let pods = |index| objects::pod(index, index + 1, None);
    let pods = all(services * objects::PODS_PER_SERVICE, pods);
    let collection = |kind, api_version, items: Vec<Value>| Collection {
        kind,
        api_version,
        items: items.iter().map(ToString::to_string).collect(),
        changes: broadcast::channel(1 << 16).0,
    };
    let metallb = |plural: &str| format!("{METALLB}/{plural}");
    HashMap::from([
        (
            "/api/v1/services".to_owned(),
            collection("Service", "v1", all(services, objects::service)),
        ),
        (
            "/apis/discovery.k8s.io/v1/endpointslices".to_owned(),
            collection(
                "EndpointSlice",
                "discovery.k8s.io/v1",
                all(services, objects::slice),
            ),
        ),
        ("/api/v1/pods".to_owned(), collection("Pod", "v1", pods)),
        (
            "/api/v1/nodes".to_owned(),
            collection("Node", "v1", objects::nodes()),
        ),
        (
            "/api/v1/namespaces".to_owned(),
            collection("Namespace", "v1", objects::namespaces()),
        ),
        (
            "/api/v1/events".to_owned(),
            collection("Event", "v1", Vec::new()),
        ),
        (
            metallb("ipaddresspools"),
            collection(
                "IPAddressPool",
                "metallb.io/v1beta1",
                objects::pools(services),
            ),
        ),
        (
            metallb("l2advertisements"),
            collection(
                "L2Advertisement",
                "metallb.io/v1beta1",
                objects::advertisements(),
            ),
        ),
        (
            metallb("bgpadvertisements"),
            collection("BGPAdvertisement", "metallb.io/v1beta1", Vec::new()),
        ),
        (
            metallb("servicel2statuses"),
            collection(
                "ServiceL2Status",
                "metallb.io/v1beta1",
                all(services, objects::status),
            ),
        ),
        (
            metallb("servicebgpstatuses"),
            collection("ServiceBGPStatus", "metallb.io/v1beta1", Vec::new()),
        ),
    ])
}

fn answer(
    collections: &HashMap<String, Collection>,
    request: &Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or_default();
    if let Some(collection) = collections.get(path) {
        return if query.contains("watch=true") || query.contains("watch=1") {
            watch(collection, query.contains("sendInitialEvents=true"))
        } else {
            list(collection, query)
        };
    }
    if let Some(document) = discovery(path) {
        return full(document.to_string());
    }
    let mut missing = full("404 page not found".to_owned());
    *missing.status_mut() = hyper::StatusCode::NOT_FOUND;
    missing
}

fn list(collection: &Collection, query: &str) -> Response<Body> {
    let number = |name: &str| -> Option<usize> {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name))?;
        value.parse().ok()
    };
    let from = number("continue=").unwrap_or(0);
    let to = match number("limit=") {
        Some(limit) if limit > 0 => collection.items.len().min(from + limit),
        _ => collection.items.len(),
    };
    let next = if to < collection.items.len() {
        format!(",\"continue\":\"{to}\"")
    } else {
        String::new()
    };
    let Collection {
        kind, api_version, ..
    } = collection;
    full(format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{{\"resourceVersion\":\"{FIRST_CHANGE}\"{next}}},\
         \"items\":[{}]}}",
        collection.items[from..to].join(",")
    ))
}

fn watch(collection: &Collection, with_initial_events: bool) -> Response<Body> {
    let changes = collection.changes.subscribe();
    let mut first = Vec::new();
    if with_initial_events {
        let added = |item: &String| format!("{{\"type\":\"ADDED\",\"object\":{item}}}\n");
        first.extend(collection.items.iter().map(added));
        first.push(format!(
            "{}\n",
            json!({"type": "BOOKMARK", "object": {
                "apiVersion": collection.api_version, "kind": collection.kind,
                "metadata": {
                    "resourceVersion": FIRST_CHANGE.to_string(),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                },
            }})
        ));
    }
    let state = (first.into_iter(), changes);
    let lines = stream::unfold(state, |(mut first, mut changes)| async move {
        let line = match first.next() {
            Some(line) => Bytes::from(line),
            None => changes.recv().await.ok()?,
        };
        Some((Ok(Frame::data(line)), (first, changes)))
    });
    Response::new(BodyExt::boxed(StreamBody::new(lines)))
}

fn discovery(path: &str) -> Option<Value> {
    let group = |name: &str, version: &str| {
        let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    let resource = |name: &str, kind: &str, short: &str| {
        json!({
            "name": name, "singularName": "", "namespaced": true, "kind": kind, "shortNames": [short],
            "verbs": ["get", "list", "watch"],
        })
    };
    let resources = |version: &str, resources: Vec<Value>| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources});
    Some(match path {
        "/version" => json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2"}),
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
        "/apis" => {
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group("discovery.k8s.io", "v1")]})
        }
        "/api/v1" => resources(
            "v1",
            vec![
                resource("services", "Service", "svc"),
                resource("pods", "Pod", "po"),
            ],
        ),
        "/apis/discovery.k8s.io/v1" => resources(
            "discovery.k8s.io/v1",
            vec![resource("endpointslices", "EndpointSlice", "eps")],
        ),
        "/apis/metallb.io" => group("metallb.io", "v1beta1"),
        METALLB => resources(
            "metallb.io/v1beta1",
            [
                "ipaddresspools",
                "l2advertisements",
                "bgpadvertisements",
                "servicel2statuses",
                "servicebgpstatuses",
            ]
            .map(|name| resource(name, "Any", "any"))
            .to_vec(),
        ),
        _ => return None,
    })
}

fn full(body: String) -> Response<Body> {
    let mut response = Response::new(Full::from(body).boxed());
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}
