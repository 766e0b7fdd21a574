//! A tiny API server for tests: it plays recorded lists, watches that the test feeds, and errors, on loopback.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

type Body = BoxBody<Bytes, Infallible>;

/// What the server has, by the last part of its path.
const RECORDED: [(&str, &str); 16] = [
    ("services", "lists/services.json"),
    ("endpointslices", "lists/endpointslices.json"),
    ("pods", "lists/pods.json"),
    ("nodes", "lists/nodes.json"),
    ("namespaces", "lists/namespaces.json"),
    ("events", "lists/events-services.json"),
    ("ipaddresspools", "lists/ipaddresspools.json"),
    ("l2advertisements", "lists/l2advertisements.json"),
    ("bgpadvertisements", "lists/bgpadvertisements.json"),
    ("bgppeers", "lists/bgppeers-v1beta2.json"),
    ("servicel2statuses", "lists/servicel2statuses.json"),
    ("servicebgpstatuses", "lists/servicebgpstatuses.json"),
    ("configurationstates", "lists/configurationstates.json"),
    ("metallb.io", "discovery/apis-metallb.io.json"),
    ("v1beta1", "discovery/apis-metallb.io-v1beta1.json"),
    ("v1beta2", "discovery/apis-metallb.io-v1beta2.json"),
];

/// An error answer.
#[derive(Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: String,
    /// The header `Retry-After`.
    pub(super) retry_after: Option<u32>,
}

#[derive(Default)]
struct State {
    /// The list of a resource, by its plural.
    lists: HashMap<String, String>,
    /// Answers in place of lists and watches, by the start of the path and query.
    refusals: Vec<(String, Refusal)>,
    /// Answers in place of streaming lists.
    unstreamed: Vec<(String, u16)>,
    /// The token without which nothing is answered.
    token: Option<String>,
    /// Open watches, by plural.
    watches: HashMap<String, Vec<mpsc::UnboundedSender<String>>>,
    /// Every request, as path and query.
    log: Vec<String>,
    silent: bool,
    /// The protocol of the newest request.
    version: Option<Version>,
}

/// The server. Dropping it closes everything.
pub(super) struct FakeApi {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    requests: watch::Sender<usize>,
    serving: JoinSet<()>,
    tls: Option<TlsAcceptor>,
}

impl FakeApi {
    pub(super) async fn start() -> Self {
        Self::start_over(None).await
    }

    /// Starts it with TLS.
    pub(super) async fn start_tls(config: ServerConfig) -> Self {
        Self::start_over(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_over(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut api = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            requests: watch::Sender::new(0),
            serving: JoinSet::new(),
            tls,
        };
        for (plural, file) in RECORDED {
            api.set_list(plural, super::recorded_tests::fixture(file));
        }
        api.serve(listener);
        api
    }

    fn serve(&mut self, listener: TcpListener) {
        let (state, requests) = (self.state.clone(), self.requests.clone());
        let tls = self.tls.clone();
        self.serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, requests, tls) = (state.clone(), requests.clone(), tls.clone());
                connections.spawn(async move {
                    let service =
                        service_fn(|request| answer(state.clone(), requests.clone(), request));
                    let server = auto::Builder::new(TokioExecutor::new());
                    // How a connection ends is the client's matter, and the test's.
                    match tls {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(server.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                });
            }
        });
    }

    /// Goes away: every connection is cut and new ones are refused.
    pub(super) async fn stop(&mut self) {
        self.serving.shutdown().await;
        self.state().watches.clear();
    }

    /// Comes back at the same address.
    pub(super) fn resume(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        self.serve(socket.listen(64).unwrap());
    }

    /// Takes requests from now on and answers none.
    pub(super) fn fall_silent(&self, silent: bool) {
        self.state().silent = silent;
    }

    pub(super) fn set_list(&self, plural: &str, body: String) {
        self.state().lists.insert(plural.to_owned(), body);
    }

    /// From now on the server is of this minor version.
    pub(super) fn set_minor(&self, minor: &str) {
        self.set_list(
            "version",
            format!("{{\"major\":\"1\",\"minor\":\"{minor}\"}}"),
        );
    }

    /// The resource is there no more.
    pub(super) fn remove_list(&self, plural: &str) {
        self.state().lists.remove(plural);
    }

    pub(super) fn require_token(&self, token: &str) {
        self.state().token = Some(token.to_owned());
    }

    /// Answers what starts so with an error.
    pub(super) fn refuse(&self, start: &str, status: u16, body: &str) {
        self.refuse_for(start, status, body, None);
    }

    /// The same, with the header `Retry-After`.
    pub(super) fn refuse_for(&self, start: &str, status: u16, body: &str, after: Option<u32>) {
        let refusal = Refusal {
            status,
            body: body.to_owned(),
            retry_after: after,
        };
        self.state().refusals.push((start.to_owned(), refusal));
    }

    pub(super) fn allow_all(&self) {
        self.state().refusals.clear();
    }

    /// Sends a line to every watch of this resource; panics where there is none.
    pub(super) fn push(&self, plural: &str, line: &str) {
        let mut state = self.state();
        let watches = state.watches.get_mut(plural).unwrap();
        watches.retain(|watch| watch.send(format!("{}\n", line.trim())).is_ok());
        assert!(!watches.is_empty(), "nobody watches {plural}");
    }

    /// Sends a part of a line to every watch of this resource that is open.
    pub(super) fn push_part(&self, plural: &str, part: &str) {
        for watch in self.state().watches.get(plural).into_iter().flatten() {
            // One that has ended takes no more.
            let _ = watch.send(part.to_owned());
        }
    }

    /// Refuses to stream the lists of what starts so.
    pub(super) fn refuse_streams(&self, start: &str, status: u16) {
        self.state().unstreamed.push((start.to_owned(), status));
    }

    /// Ends every watch of this resource, as a server does at the agreed time.
    pub(super) fn end_watches(&self, plural: &str) {
        self.state().watches.remove(plural);
    }

    /// The protocol of the newest request.
    pub(super) fn version(&self) -> Option<Version> {
        self.state().version
    }

    /// How many requests so far started like this.
    pub(super) fn count(&self, start: &str) -> usize {
        self.state()
            .log
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }

    /// The newest request that started like this.
    pub(super) fn last(&self, start: &str) -> Option<String> {
        let state = self.state();
        let found = state.log.iter().rfind(|line| line.starts_with(start));
        found.cloned()
    }

    /// Waits until `count` requests have started like this.
    pub(super) async fn asked(&self, start: &str, count: usize) {
        let mut requests = self.requests.subscribe();
        requests
            .wait_for(|_| self.count(start) >= count)
            .await
            .unwrap();
    }

    /// Waits until no watch is open any more.
    pub(super) async fn unwatched(&self) {
        let open: Vec<_> = self.state().watches.values().flatten().cloned().collect();
        for watch in open {
            watch.closed().await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    requests: watch::Sender<usize>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let target = request.uri().path_and_query().unwrap().to_string();
    let is_silent = state.lock().unwrap().silent;
    let response = reply(&mut state.lock().unwrap(), &request, &target);
    state.lock().unwrap().log.push(target);
    requests.send_modify(|count| *count += 1);
    if is_silent {
        std::future::pending::<()>().await;
    }
    Ok(response)
}

fn reply(state: &mut State, request: &Request<Incoming>, target: &str) -> Response<Body> {
    state.version = Some(request.version());
    let given = request
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    if let Some(token) = &state.token
        && given != Some(&format!("Bearer {token}"))
    {
        return full(
            401,
            super::recorded_tests::fixture("errors/401-bad-token.json"),
        );
    }
    if let Some((_, refusal)) = state
        .refusals
        .iter()
        .find(|(start, _)| target.starts_with(start))
    {
        let mut response = full(refusal.status, refusal.body.clone());
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        return response;
    }
    let mut unstreamed = state.unstreamed.iter();
    if target.contains("sendInitialEvents")
        && let Some((_, status)) = unstreamed.find(|(start, _)| target.starts_with(start))
    {
        return full(*status, String::new());
    }
    let plural = request.uri().path().rsplit('/').next().unwrap().to_owned();
    let Some(list) = state.lists.get(&plural) else {
        return full(404, "404 page not found".to_owned());
    };
    if !target.contains("watch=true") {
        return full(200, list.clone());
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    if target.contains("sendInitialEvents=true") {
        for line in initial_events(list) {
            // The receiver is right here.
            let _ = sender.send(format!("{line}\n"));
        }
    }
    state.watches.entry(plural).or_default().push(sender);
    let lines = stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((Ok(Frame::data(Bytes::from(line))), receiver))
    });
    Response::new(BodyExt::boxed(StreamBody::new(lines)))
}

/// A list as the first events of a watch, and the mark of their end.
fn initial_events(list: &str) -> Vec<String> {
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let added = items.map(|item| serde_json::json!({"type": "ADDED", "object": item}).to_string());
    let mark = serde_json::json!({"type": "BOOKMARK", "object": {
        "apiVersion": "v1", "kind": "Any",
        "metadata": {
            "resourceVersion": list["metadata"]["resourceVersion"],
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }});
    added.chain([mark.to_string()]).collect()
}

fn full(status: u16, body: String) -> Response<Body> {
    let mut response = Response::new(Full::from(body).boxed());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
