//! Who is connected, what cannot be seen, and the log.

use std::net::SocketAddr;

use super::*;
use crate::model::{Client, ClusterGap, Connection, HostId, LogEntry, LogLevel, LogSubject};

/// The window with the details of the first row.
fn selected(snapshot: Snapshot) -> Window {
    let mut window = Window::sized(snapshot, [1280.0, 1400.0], Theme::Dark);
    window.press(Key::ArrowDown);
    window
}

fn connection(port: u16, client: Client) -> Connection {
    Connection {
        peer: Some(SocketAddr::from(([127, 0, 0, 1], port))),
        client,
        since: Moment::START,
        down_bytes: 10,
        up_bytes: 20,
    }
}

#[test]
fn clients_without_a_name_are_asked_for_and_the_rest_is_a_number() {
    let id = TunnelId::service(key(), 80);
    let mut open = world();
    tunnel(&mut open, &key(), 80, OPEN);
    Arc::make_mut(open.tunnels.get_mut(&id).unwrap())
        .traffic
        .connections = 40;
    let unnamed: Vec<_> = (50_000..50_020)
        .map(|port| connection(port, Client::Unasked))
        .collect();
    open.connections.insert(id.clone(), unnamed.into());
    let mut window = selected(open);
    assert!(window.shows("127.0.0.1:50000"));
    assert!(!window.shows("127.0.0.1:50012"), "a dozen is listed");
    assert!(window.shows("and 28 more"));
    let command = window.commands.try_recv().unwrap();
    assert!(
        matches!(&command, Command::NameClients(of) if *of == id),
        "{command:?}"
    );
}

#[test]
fn what_cannot_be_seen_is_in_the_details_with_a_role_to_copy() {
    let mut refused = world();
    refused.cluster.gaps = vec![ClusterGap {
        resource: "nodes",
        verb: "list",
        fault: ClusterFault {
            code: "forbidden",
            message: "You may not list nodes.".to_owned().into(),
            hint: "Ask for a role.".to_owned().into(),
        },
    }];
    refused.cluster.missing_role = Some("kind: ClusterRole".into());
    let mut window = selected(refused);
    assert!(window.shows("What you may not see"));
    assert!(window.shows("You may not list nodes."));
    // Those above the list are put away, and the ones of the details stay.
    window.click("Put this away");
    let role = window
        .harness
        .get_by_label("Copy a role that would allow it");
    role.click();
    window.harness.step();
    let commands = &window.harness.output().platform_output.commands;
    assert!(
        commands.iter().any(|command| {
            matches!(command, egui::OutputCommand::CopyText(text) if text == "kind: ClusterRole")
        }),
        "{commands:?}"
    );
}

#[test]
fn the_log_is_that_of_the_row_from_the_level_on_that_is_chosen() {
    let mut told = world();
    let host = told.hosts[0].profile.id.clone();
    let entry = |level, about, text: &str| LogEntry {
        at: Moment::START,
        level,
        about,
        text: text.to_owned().into(),
    };
    let of_row = || LogSubject::Tunnel(TunnelId::service(key(), 80));
    let of_another = LogSubject::Tunnel(TunnelId::service(ServiceKey::new("shop", "dns"), 9153));
    told.log = [
        entry(LogLevel::Detail, of_row(), "a step"),
        entry(LogLevel::Info, LogSubject::Cluster, "was read"),
        entry(LogLevel::Warning, LogSubject::Host(host), "was lost"),
        entry(LogLevel::Error, of_row(), "needs you"),
        entry(LogLevel::Error, of_another, "of another row"),
        entry(
            LogLevel::Error,
            LogSubject::Host(HostId::new("elsewhere")),
            "of another host",
        ),
    ]
    .into_iter()
    .map(Arc::new)
    .collect();
    let mut window = selected(told);
    let all = ["a step", "cluster: was read", ": was lost", "needs you"];
    for (level, least) in [
        ("Everything", 0),
        ("Info", 1),
        ("Warnings", 2),
        ("Errors", 3),
    ] {
        window.click(level);
        for (index, words) in all.iter().enumerate() {
            let shown = window.harness.query_by_label_contains(words).is_some();
            assert_eq!(shown, index >= least, "{level}: {words}");
        }
        let others = window.harness.query_by_label_contains("of another");
        assert!(others.is_none(), "{level}");
    }
}
