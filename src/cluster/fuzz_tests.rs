//! What comes from the network and from kubeconfig files, spoiled.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use kube::core::WatchEvent;
use proptest::prelude::*;

use crate::model::{HostRole, Vantage, choose_route, printable};
use crate::testing::{JSON, spoiled, spoiled_of};

use super::connect_fault::of_connect;
use super::connection::ConnectError;
use super::kubeconfig;
use super::recorded_tests::{fixture, list};
use super::records::{
    AdvertisementObject, ConfigurationObject, EndpointSlice, Event, Interner, NamespaceObject,
    Node, Object, Peer, Pod, Pool, Service, ServiceStatus, Session,
};
use super::resource::Kind;
use super::update::{Seen, Update};
use super::view::View;

const YAML: &[&str] = &[
    "\n",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!binary ",
    "|",
    ">",
    "null",
    "~",
    "server: ",
    "https://",
    "http://[::1]:6443",
    "current-context: ",
    "exec: ",
    "token: ",
    "name: ",
    "---\n",
];

const OBJECTS: &[&str] = &[
    "\"10.0.0.0/0\"",
    "\"10.0.0.9-10.0.0.1\"",
    "\"fd00::/8\"",
    "\"spec\":",
    "\"status\":",
    "\"ports\":[]",
    "\"addresses\":[\"::/0\"]",
    "\"metadata\":{}",
    "\"\\u001b[2J\"",
];

proptest! {
    /// A spoiled kubeconfig leads to a cluster or to a fault in words.
    #[test]
    fn fuzz_kubeconfig(text in spoiled(&["corpus/kubeconfig"], "", &[YAML])) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, &text).unwrap();
        for context in [None, Some("a")] {
            match kubeconfig::read(std::slice::from_ref(&path), context) {
                Ok(chosen) => prop_assert!(!kubeconfig::server_of(&chosen.config.cluster_url).is_empty()),
                Err(error) => {
                    let fault = of_connect(&ConnectError::Kubeconfig(error));
                    prop_assert!(!fault.message.is_empty() && !fault.hint.is_empty());
                    // A token that stands in the file is not repeated.
                    prop_assert!(!fault.message.contains("not-a-secret"), "{}", fault.message);
                }
            }
        }
    }

    /// Whatever a server says of its objects, the view is made of it, and every sentence and route in it.
    #[test]
    fn fuzz_api_objects(lines in prop::collection::vec((0..KINDS.len(), spoiled_of(recorded(), &[JSON, OBJECTS])), 1..6)) {
        let mut view = recorded_view();
        for (kind, line) in &lines {
            if let Some(seen) = KINDS[*kind](line) {
                view.take(seen);
            }
        }
        view.refresh();
        let (_pools, nodes) = (view.pools(), view.nodes());
        let from = Vantage { role: &HostRole::NotANode, nodes: nodes.as_deref() };
        for service in view.services().values() {
            // Faces show a service's texts as they are.
            let text = format!("{service:?}");
            prop_assert!(is_safe(&text), "{}", text);
            for finding in &service.findings {
                prop_assert!(!finding.message.is_empty());
                // Whoever shows it makes it harmless; that must not take for ever or panic either.
                let _text = printable(&finding.message.to_string());
            }
            for port in &service.ports {
                let _route = choose_route(service, port.number, None, from);
            }
        }
    }
}

/// Whether a text that `Debug` has written has only characters in its strings that may be shown.
fn is_safe(written: &str) -> bool {
    let mut rest = written.chars();
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next() } else { None };
        let character = match escaped {
            Some('u') => {
                let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32)
            }
            Some('n' | 'r' | 't' | '0') => Some('\n'),
            _ => None,
        };
        if character.is_some_and(|c| printable(c.encode_utf8(&mut [0; 4])) == "\u{fffd}") {
            return false;
        }
    }
    true
}

#[test]
fn what_is_not_safe_is_found() {
    assert!(is_safe(&format!(
        "{:?}",
        ["a\\n\\u{1b}", "한\u{fffd}\u{301}\"'"]
    )));
    for text in ["a\n", "\u{1b}[2J", "\u{202e}x", "\u{9b}"] {
        assert!(!is_safe(&format!("{text:?}")), "{text:?}");
    }
}

/// One line of a watch to what the view is told; none if it is not of this kind.
type Reader = fn(&[u8]) -> Option<Seen>;

const KINDS: &[Reader] = &[
    |line| read::<Service>(line).map(Seen::Services),
    |line| read::<EndpointSlice>(line).map(Seen::Slices),
    |line| read::<Pod>(line).map(Seen::Pods),
    |line| read::<Node>(line).map(Seen::Nodes),
    |line| read::<NamespaceObject>(line).map(Seen::Namespaces),
    |line| read::<Event>(line).map(Seen::Events),
    |line| read::<Pool>(line).map(Seen::Pools),
    |line| read::<AdvertisementObject>(line).map(Seen::L2Advertisements),
    |line| read::<AdvertisementObject>(line).map(Seen::BgpAdvertisements),
    |line| read::<Peer>(line).map(Seen::BgpPeers),
    |line| read::<ServiceStatus>(line).map(Seen::L2Statuses),
    |line| read::<ConfigurationObject>(line).map(Seen::Configurations),
    |line| read::<Session>(line).map(Seen::BgpSessions),
];

fn read<T: Object>(line: &[u8]) -> Option<Update<T::Kept>> {
    let mut names = Interner::default();
    match serde_json::from_slice::<WatchEvent<T>>(line).ok()? {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            let key = object.key();
            Some(match object.keep(&mut names) {
                Some(kept) => Update::Applied(key, kept),
                None => Update::Deleted(key),
            })
        }
        WatchEvent::Deleted(object) => Some(Update::Deleted(object.key())),
        WatchEvent::Bookmark(_) | WatchEvent::Error(_) => None,
    }
}

/// A few lines of every recorded watch.
fn recorded() -> Vec<Vec<u8>> {
    let names = [
        "services",
        "endpointslices",
        "pods",
        "namespaces",
        "events-services",
        "ipaddresspools",
        "l2advertisements",
        "servicel2statuses",
        "servicebgpstatuses",
        "configurationstates",
    ];
    let lines = names.iter().flat_map(|name| {
        let text = fixture(&format!("watch/{name}.ndjson"));
        let lines: Vec<Vec<u8>> = text
            .lines()
            .take(12)
            .map(|line| line.as_bytes().to_vec())
            .collect();
        lines
    });
    lines.collect()
}

/// A view in which everything is seen, so that every rule has something to work on.
fn recorded_view() -> View {
    let mut view = View::default();
    view.found(Kind::ALL.into_iter().collect::<BTreeSet<_>>());
    LISTS.iter().for_each(|seen| view.take(seen.clone()));
    view
}

/// The recorded lists, read once: that takes longer than all that is tried on them.
static LISTS: LazyLock<[Seen; 7]> = LazyLock::new(|| {
    [
        Seen::Pods(list::<Pod>("lists/pods.json")),
        Seen::Slices(list::<EndpointSlice>("lists/endpointslices.json")),
        Seen::Nodes(list::<Node>("lists/nodes.json")),
        Seen::Namespaces(list::<NamespaceObject>("lists/namespaces.json")),
        Seen::Pools(list::<Pool>("lists/ipaddresspools.json")),
        Seen::L2Advertisements(list::<AdvertisementObject>("lists/l2advertisements.json")),
        Seen::Services(list::<Service>("lists/services.json")),
    ]
});
