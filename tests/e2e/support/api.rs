//! As much of a Kubernetes API as lists need, with one service in it whose addresses are on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use serde_json::{Value, json};

/// A service `default/ui` with one ready pod, at these addresses; its port is the same on each.
pub(crate) struct Addresses {
    pub(crate) metallb: SocketAddr,
    pub(crate) cluster: SocketAddr,
    pub(crate) pod: SocketAddr,
}

/// Serves the API for as long as the test's process lives, and writes a kubeconfig that leads to it.
pub(crate) fn serve(addresses: &Addresses, kubeconfig: &Path) {
    let lists = [
        (
            "/api/v1/services",
            list("v1", "ServiceList", &service(addresses)),
        ),
        (
            "/apis/discovery.k8s.io/v1/endpointslices",
            list(
                "discovery.k8s.io/v1",
                "EndpointSliceList",
                &slice(addresses),
            ),
        ),
        ("/api/v1/pods", list("v1", "PodList", &pod(addresses))),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    std::fs::write(
        kubeconfig,
        format!(
            "current-context: c\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
        ),
    )
    .unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let lists = lists.clone();
            std::thread::spawn(move || answer_all(stream, &lists));
        }
    });
}

fn answer_all(stream: TcpStream, lists: &[(&str, Value)]) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let head_ended = lines.by_ref().any(|line| line.is_empty());
        let target = request.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = lists.iter().find(|(known, _)| *known == path);
        let answer = match found {
            // A watch in which nothing ever happens.
            Some(_) if query.contains("watch=true") => {
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()
            }
            Some((_, list)) => respond("200 OK", list),
            None => respond("404 Not Found", &json!({"kind": "Status", "code": 404})),
        };
        if !head_ended || writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn respond(status: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn list(version: &str, kind: &str, item: &Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"resourceVersion": "1"}, "items": [item]})
}

fn metadata(name: &str) -> Value {
    json!({"namespace": "default", "name": name, "uid": name, "resourceVersion": "1"})
}

fn service(addresses: &Addresses) -> Value {
    let (metallb, cluster) = (addresses.metallb, addresses.cluster.ip().to_string());
    json!({
        "metadata": metadata("ui"),
        "spec": {
            "type": "LoadBalancer", "clusterIP": cluster, "clusterIPs": [cluster],
            "ports": [{"port": metallb.port(), "protocol": "TCP", "name": "http", "targetPort": addresses.pod.port()}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": metallb.ip().to_string()}]}},
    })
}

fn slice(addresses: &Addresses) -> Value {
    let mut metadata = metadata("ui-1");
    metadata["labels"] = json!({"kubernetes.io/service-name": "ui"});
    json!({
        "metadata": metadata,
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": addresses.pod.port(), "protocol": "TCP"}],
        "endpoints": [{
            "addresses": [addresses.pod.ip().to_string()],
            "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "name": "ui-a", "namespace": "default"},
        }],
    })
}

fn pod(addresses: &Addresses) -> Value {
    json!({
        "metadata": metadata("ui-a"),
        "spec": {"nodeName": "worker-1", "containers": []},
        "status": {"phase": "Running", "podIP": addresses.pod.ip().to_string()},
    })
}
