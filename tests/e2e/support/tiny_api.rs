//! An API server with LoadBalancer services whose addresses are those of this computer: what an sshd of the tests can reach.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

/// Starts it with the service `default/echo`, and writes a kubeconfig that names it. It serves until the test's process ends.
pub(crate) fn start(service: SocketAddr, kubeconfig: &Path) {
    start_for(service, kubeconfig, "t");
}

/// The objects of a resource, none where the cluster has no such resource; what is no list is answered as it is.
type Objects = dyn Fn(&str) -> Option<Value> + Send + Sync;

/// The same, for whoever shows this token alone.
pub(crate) fn start_for(service: SocketAddr, kubeconfig: &Path, token: &str) {
    start_services(&[("echo", service)], kubeconfig, token);
}

/// The same with services of these names.
pub(crate) fn start_services(services: &[(&str, SocketAddr)], kubeconfig: &Path, token: &str) {
    start_cluster("tiny", services, kubeconfig, token);
}

/// The same for the cluster of this uid.
pub(crate) fn start_cluster(
    uid: &str,
    services: &[(&str, SocketAddr)],
    kubeconfig: &Path,
    token: &str,
) {
    let balanced = services.iter().map(|(name, at)| one(name, *at));
    let services: Vec<Value> = std::iter::once(of_the_api(uid)).chain(balanced).collect();
    start_with(kubeconfig, token, move |resource| match resource {
        "services" => Some(json!(services)),
        "endpointslices" | "pods" | "nodes" | "namespaces" | "events" => Some(json!([])),
        _ => None,
    });
}

/// The same with a cluster of these objects.
pub(crate) fn start_with(
    kubeconfig: &Path,
    token: &str,
    objects: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
) {
    let objects: Arc<Objects> = Arc::new(objects);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let text = json!({
        "current-context": "tiny",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "tiny", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": token}}],
    });
    fs::write(kubeconfig, text.to_string()).unwrap();
    let shown = format!("bearer {token}").to_ascii_lowercase();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let shown = shown.clone();
            let objects = Arc::clone(&objects);
            std::thread::spawn(move || serve(stream, &*objects, &shown));
        }
    });
}

/// One connection, of HTTP/1.1.
fn serve(mut stream: TcpStream, objects: &Objects, token: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut request = String::new();
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
            request.push_str(&line);
            line.clear();
        }
        let Some(path) = request.split(' ').nth(1) else {
            return;
        };
        if path.contains("watch=") && !path.contains("sendInitialEvents") {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            let _gone = stream.write_all(head.as_bytes());
            // Nothing ever happens: it ends with the connection.
            let _end = reader.read_to_end(&mut Vec::new());
            return;
        }
        let (status, body) = if request.to_ascii_lowercase().contains(token) {
            answer(path, objects)
        } else {
            (401, json!({"kind": "Status", "code": 401}))
        };
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(path: &str, objects: &Objects) -> (u16, Value) {
    let failure = |code: u16| json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "Invalid", "code": code});
    let plain = path.split('?').next().unwrap_or_default();
    let resource = plain.rsplit('/').next().unwrap_or_default();
    if path.contains("sendInitialEvents") {
        return (422, failure(422));
    }
    if resource == "version" {
        return (200, json!({"major": "1", "minor": "33"}));
    }
    match objects(resource) {
        Some(items @ Value::Array(_)) => (
            200,
            json!({"metadata": {"resourceVersion": "1"}, "items": items}),
        ),
        Some(whole) => (200, whole),
        None => (404, failure(404)),
    }
}

/// The API server's own service, by whose uid a cluster is told from others.
fn of_the_api(uid: &str) -> Value {
    json!({
        "metadata": {"name": "kubernetes", "namespace": "default", "uid": uid, "resourceVersion": "1"},
        "spec": {
            "type": "ClusterIP",
            "clusterIPs": ["10.96.0.1"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
        "status": {"loadBalancer": {}},
    })
}

fn one(name: &str, address: SocketAddr) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default", "uid": name, "resourceVersion": "1"},
        "spec": {
            "type": "LoadBalancer",
            "clusterIPs": ["10.96.0.9"],
            "ports": [{"port": address.port(), "protocol": "TCP", "targetPort": address.port()}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address.ip().to_string()}]}},
    })
}
