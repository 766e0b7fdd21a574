//! How long until 5,000 services and 20,000 pods are listed, and what a change costs afterwards.
//!
//! `adit list -o json` and `kubectl get svc,endpointslices,pods -A -o json` read the same small API server, turn by turn; then
//! Adit's watcher, in a process of its own, follows 1,000 changes a second of clusters of several sizes. Run it with
//! `cargo bench --bench cluster`; with `-- --document FILE` the tables go into that file. It fails where kubectl is missing or a
//! list is not whole.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where it finds what it does not expect"
)]

#[path = "../marks.rs"]
mod marks;
mod objects;
mod process;
mod server;
mod table;
mod watcher;

use std::path::{Path, PathBuf};
use std::process::Command;

use objects::PODS_PER_SERVICE;
use process::{Cost, run};
use server::Server;
use table::Lists;

/// The services of the clusters that are followed. The last one is listed, too.
const SERVICES: [usize; 3] = [500, 1500, 5000];
/// Each program is run so often; the medians count.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(place + 1)?.as_str())
    };
    if let (Some(kubeconfig), Some(services)) = (after(watcher::CHILD), after(watcher::SERVICES)) {
        return watcher::watch(Path::new(kubeconfig), services.parse().unwrap()).await;
    }
    let document = after("--document").map(PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let mut followed = Vec::new();
    let mut lists = None;
    for services in SERVICES {
        let server = Server::start(services).await;
        let kubeconfig = folder.path().join(services.to_string());
        std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
        if services == SERVICES[SERVICES.len() - 1] {
            lists = Some(listed(&kubeconfig, services).await);
        }
        eprintln!("bench: {services} services are followed");
        followed.push(watcher::follow(&server, &kubeconfig, services).await);
    }
    let table = table::markdown(&lists.unwrap(), &followed);
    println!("{table}");
    if let Some(document) = document {
        let before = std::fs::read_to_string(&document).unwrap();
        let after =
            marks::between_marks(&before, "cluster", &table).expect("the marks are missing");
        std::fs::write(document, after).unwrap();
    }
}

/// Both programs' lists, from start to end, turn by turn.
async fn listed(kubeconfig: &Path, services: usize) -> Lists {
    let kubeconfig = kubeconfig.to_owned();
    let work = move || {
        let measure = |mut command: Command, marks: usize, mark: &str| -> Cost {
            command
                .env("KUBECONFIG", &kubeconfig)
                .env("HOME", kubeconfig.parent().unwrap());
            let (cost, output) = run(command);
            let seen = output.matches(mark).count();
            assert!(seen >= marks, "{seen} of {marks} objects were listed");
            cost
        };
        let mut lists = Lists::default();
        for round in 0..ROUNDS {
            eprintln!("bench: round {} of the lists", round + 1);
            let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"));
            adit.args(["list", "-o", "json"]);
            lists
                .adit
                .push(measure(adit, services, "\"type\": \"LoadBalancer\""));
            let mut kubectl = Command::new("kubectl");
            kubectl.args(["get", "svc,endpointslices,pods", "-A", "-o", "json"]);
            let pods = services * PODS_PER_SERVICE;
            lists.kubectl.push(measure(kubectl, pods, "\"nodeName\""));
        }
        lists
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}
