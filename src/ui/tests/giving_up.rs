//! A cluster that does not answer, and what of it is copied.

use super::*;

fn in_state(state: ClusterState) -> Snapshot {
    let mut snapshot = snapshot(Vec::new(), host(up()));
    snapshot.cluster.state = state;
    snapshot
}

fn unreachable() -> ClusterFault {
    ClusterFault {
        code: "unreachable",
        message: "the API server does not answer".to_owned().into(),
        hint: "Look whether it runs".to_owned().into(),
    }
}

#[test]
fn reading_a_cluster_is_ended_from_every_page_and_begun_anew() {
    let mut window = Window::new(in_state(ClusterState::Loading));
    for name in ["Stop reading", "Stop reading the cluster"] {
        window.click(name);
        assert!(matches!(window.command(), Command::StopReading), "{name}");
    }
    window.click("Hosts");
    window.click("Stop reading the cluster");
    assert!(matches!(window.command(), Command::StopReading));

    let mut window = Window::new(in_state(ClusterState::Stale(unreachable())));
    window.click("Stop reading");
    assert!(matches!(window.command(), Command::StopReading));

    let mut stopped = in_state(ClusterState::Stopped);
    let source = ClusterSource::local(None, Some("prod".to_owned()));
    stopped.cluster.source = source.clone();
    let mut window = Window::new(stopped);
    assert!(window.shows("Reading the cluster was ended"));
    window.click("Read it again");
    let command = window.command();
    assert!(
        matches!(&command, Command::UseCluster(wanted) if *wanted == source),
        "{command:?}"
    );
}

#[test]
fn a_cluster_that_is_read_no_more_is_told_above_the_tunnels_that_there_are() {
    let mut stopped = in_state(ClusterState::Stopped);
    tunnel(&mut stopped, &key(), 80, OPEN);
    let mut window = Window::new(stopped);
    assert!(window.shows("default/ui port 80"));
    window.click("Read it again");
    assert!(matches!(window.command(), Command::UseCluster(_)));
}

#[test]
fn a_first_run_that_was_given_up_can_be_begun_anew() {
    let mut nothing = Snapshot::default();
    nothing.cluster.state = ClusterState::Stopped;
    let window = Window::new(nothing);
    assert!(window.shows("Read it again"));
}
