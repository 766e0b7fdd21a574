//! The watcher in a process of its own, and the changes that it follows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adit::cluster;
use adit::model::{ClusterSource, ClusterState};

use crate::process::Usage;
use crate::server::Server;

/// What the child is started with, by this program itself: the kubeconfig, and how many services there are.
pub(crate) const CHILD: &str = "--watch-as-a-child";
pub(crate) const SERVICES: &str = "--services";

const CHANGES_PER_SECOND: u32 = 1000;
const SECONDS: u32 = 5;

/// What following one cluster took.
pub(crate) struct Followed {
    pub(crate) services: usize,
    /// From the watcher's start until its view was whole.
    pub(crate) live: Duration,
    /// What it had used by then.
    pub(crate) whole: Usage,
    /// Processor time for each change.
    pub(crate) cpu_a_change: Duration,
    /// Changes in each second, as they were made and followed.
    pub(crate) changes_per_second: f64,
    /// What it had used at the end.
    pub(crate) end: Usage,
}

/// Has a child watch, and changes one pod after the other.
pub(crate) async fn follow(server: &Server, kubeconfig: &Path, services: usize) -> Followed {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(CHILD)
        .arg(kubeconfig)
        .arg(SERVICES)
        .arg(services.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    told.next().unwrap().unwrap();
    let live = started.elapsed();
    let whole = Usage::of(child.id()).unwrap();
    let changing = Instant::now();
    let total = CHANGES_PER_SECOND * SECONDS;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let each = CHANGES_PER_SECOND / 100;
    for tick in 0..total / each {
        ticks.tick().await;
        for change in 0..each {
            server.change_pod((tick * each + change) as usize);
        }
    }
    // The last change is of a kind of its own, so that the watcher can tell that everything has arrived.
    server.end_changes();
    told.next().unwrap().unwrap();
    let took = changing.elapsed();
    let end = Usage::of(child.id()).unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    Followed {
        services,
        live,
        whole,
        cpu_a_change: end.cpu.saturating_sub(whole.cpu) / total,
        changes_per_second: f64::from(total) / took.as_secs_f64(),
        end,
    }
}

/// The child: watches, writes a line when the view is whole and one when the last change has arrived, and ends with its stdin.
pub(crate) async fn watch(kubeconfig: &Path, services: usize) {
    let source = ClusterSource::local(Some(kubeconfig.to_owned()), None);
    let watcher = cluster::watch(source, None);
    let mut status = watcher.status();
    let say = |line: &str| {
        println!("{line}");
        std::io::stdout().flush().unwrap();
    };
    let whole = status
        .wait_for(|status| status.state == ClusterState::Live)
        .await
        .unwrap();
    assert_eq!(whole.services.len(), services);
    drop(whole);
    say("whole");
    let ended = status
        .wait_for(|status| status.services.len() == services + 1)
        .await
        .unwrap();
    drop(ended);
    say("ended");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
}
