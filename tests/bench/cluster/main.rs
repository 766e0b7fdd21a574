//! How long until 5,000 services and 20,000 pods are listed, and what a change costs afterwards.
//!
//! `adit list -o json` and `kubectl get svc,endpointslices,pods -A -o json` read the same small API server, one after the
//! other; then Adit's watcher, in a process of its own, follows 1,000 changes a second. Run it with
//! `cargo bench --bench cluster`. It fails where kubectl is missing or a list is not whole.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where it finds what it does not expect"
)]

mod objects;
mod process;
mod server;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adit::cluster;
use adit::model::{ClusterSource, ClusterState};

use objects::{PODS, SERVICES};
use process::{Cost, Usage, run};
use server::Server;

/// What the watcher is started with, by this program itself.
const WATCHER: &str = "--watch-as-a-child";
const CHANGES_PER_SECOND: u32 = 1000;
const SECONDS: u32 = 5;
/// Each program is run so often; the fastest counts.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == WATCHER) {
        return watch(Path::new(&arguments[place + 1])).await;
    }
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
    println!("{SERVICES} LoadBalancer services, {PODS} pods, all lists on loopback");
    lists(&kubeconfig).await;
    changes(&server, &kubeconfig).await;
}

/// Both programs' lists, from start to end.
async fn lists(kubeconfig: &Path) {
    let adit = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.args(["list", "-o", "json"]);
        command
    };
    let kubectl = || {
        let mut command = Command::new("kubectl");
        command.args(["get", "svc,endpointslices,pods", "-A", "-o", "json"]);
        command
    };
    let measured = tokio::task::spawn_blocking({
        let kubeconfig = kubeconfig.to_owned();
        move || {
            let best = |make: &dyn Fn() -> Command, marks: usize, mark: &str| {
                let rounds = (0..ROUNDS).map(|_| {
                    let mut command = make();
                    command
                        .env("KUBECONFIG", &kubeconfig)
                        .env("HOME", kubeconfig.parent().unwrap());
                    let (cost, output) = run(command);
                    let seen = output.matches(mark).count();
                    assert!(seen >= marks, "{seen} of {marks} objects were listed");
                    cost
                });
                rounds.min_by_key(|cost| cost.wall).unwrap()
            };
            let adit = best(&adit, SERVICES, "\"type\": \"LoadBalancer\"");
            let kubectl = best(&kubectl, PODS, "\"nodeName\"");
            (adit, kubectl)
        }
    });
    let (adit, kubectl) = measured.await.unwrap();
    let line = |name: &str, cost: &Cost| {
        println!(
            "  {name:<44} {:>7.2} s  {:>6} MiB  {:>6.2} s CPU",
            cost.wall.as_secs_f64(),
            cost.usage.peak_kib / 1024,
            cost.usage.cpu.as_secs_f64()
        );
    };
    line("adit list -o json", &adit);
    line("kubectl get svc,endpointslices,pods -A -o json", &kubectl);
}

/// What a change costs the watcher.
async fn changes(server: &Server, kubeconfig: &Path) {
    let mut watcher = Command::new(std::env::current_exe().unwrap())
        .arg(WATCHER)
        .arg(kubeconfig)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let live = told.next().unwrap().unwrap();
    println!("  watcher: {live}");
    let before = Usage::of(watcher.id()).unwrap();
    let started = Instant::now();
    let total = CHANGES_PER_SECOND * SECONDS;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let each = CHANGES_PER_SECOND / 100;
    for tick in 0..total / each {
        ticks.tick().await;
        for change in 0..each {
            server.change_pod((tick * each + change) as usize);
        }
    }
    let took = started.elapsed();
    // The last change is of a kind of its own, so that the watcher can tell that everything has arrived.
    server.end_changes();
    let end = told.next().unwrap().unwrap();
    let after = Usage::of(watcher.id()).unwrap();
    println!("  watcher: {end}");
    let cpu = after.cpu.saturating_sub(before.cpu);
    println!(
        "  {total} changes in {:.1} s: {:.1} µs CPU a change, {:.1} % of one core, peak {} MiB",
        took.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / f64::from(total),
        cpu.as_secs_f64() * 100.0 / took.as_secs_f64(),
        after.peak_kib / 1024
    );
    drop(watcher.stdin.take());
    watcher.wait().unwrap();
}

/// The child: watches, says when the view is whole and when the last change has arrived, and ends with its stdin.
async fn watch(kubeconfig: &Path) {
    let started = Instant::now();
    let watcher = cluster::watch(
        ClusterSource::local(Some(kubeconfig.to_owned()), None),
        None,
    );
    let mut status = watcher.status();
    let whole = status
        .wait_for(|status| status.state == ClusterState::Live)
        .await
        .unwrap();
    assert_eq!(whole.services.len(), SERVICES);
    drop(whole);
    let say = |line: String| {
        println!("{line}");
        std::io::stdout().flush().unwrap();
    };
    let usage = Usage::of(std::process::id()).unwrap();
    say(format!(
        "live after {:.2} s, {} MiB resident",
        started.elapsed().as_secs_f64(),
        usage.now_kib / 1024
    ));
    let ended = status
        .wait_for(|status| status.services.len() == SERVICES + 1)
        .await
        .unwrap();
    drop(ended);
    let usage = Usage::of(std::process::id()).unwrap();
    say(format!(
        "the last change is seen, {} MiB resident",
        usage.now_kib / 1024
    ));
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
}
