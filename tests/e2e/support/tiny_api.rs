//! An API server with one LoadBalancer service, whose address is one of this computer: what an sshd of the tests can reach.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use serde_json::{Value, json};

/// Starts it, and writes a kubeconfig that names it. It serves until the test's process ends.
pub(crate) fn start(service: SocketAddr, kubeconfig: &Path) {
    start_for(service, kubeconfig, "t");
}

/// The same, for whoever shows this token alone.
pub(crate) fn start_for(service: SocketAddr, kubeconfig: &Path, token: &str) {
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
            std::thread::spawn(move || serve(stream, service, &shown));
        }
    });
}

/// One connection, of HTTP/1.1.
fn serve(mut stream: TcpStream, service: SocketAddr, token: &str) {
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
            answer(path, service)
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

fn answer(path: &str, service: SocketAddr) -> (u16, Value) {
    let failure = |code: u16| json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "Invalid", "code": code});
    let list = |items: Value| json!({"metadata": {"resourceVersion": "1"}, "items": items});
    let plain = path.split('?').next().unwrap_or_default();
    match plain.rsplit('/').next().unwrap_or_default() {
        _ if path.contains("sendInitialEvents") => (422, failure(422)),
        "services" => (200, list(json!([one(service)]))),
        "endpointslices" | "pods" | "nodes" | "namespaces" | "events" => (200, list(json!([]))),
        "version" => (200, json!({"major": "1", "minor": "33"})),
        _ => (404, failure(404)),
    }
}

fn one(address: SocketAddr) -> Value {
    json!({
        "metadata": {"name": "echo", "namespace": "default", "uid": "1", "resourceVersion": "1"},
        "spec": {
            "type": "LoadBalancer",
            "clusterIPs": ["10.96.0.9"],
            "ports": [{"port": address.port(), "protocol": "TCP", "targetPort": address.port()}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address.ip().to_string()}]}},
    })
}
