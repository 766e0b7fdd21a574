//! Names and messages of a hostile cluster, in everything that Adit prints and draws.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use adit::engine::{EngineOptions, Memory, start_with};
use adit::model::{ClusterSource, ClusterState};
use adit::ui::Offscreen;
use adit::vault::VaultOptions;
use egui::{Event, FullOutput, Key, Modifiers, PointerButton, Shape, Vec2};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::faults::PATIENCE;
use crate::support::adit::{command, run};
use crate::support::tiny_api;

/// What moves a terminal's cursor, in 7 bits and in 8, turns the direction of writing, is not to be seen, is markup, or ends a line;
/// and letters that are written from right to left.
const HOSTILE: &str = "x\u{200b}\u{feff}\u{e0061}שלום\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}<b onload='alert(1)'>&amp;\"]%%{init: {'theme': 'dark'}}%%\r\n\tend";

fn meta(name: &str, namespace: &str) -> Value {
    json!({"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1", "annotations": {HOSTILE: HOSTILE}, "labels": {"app": HOSTILE}})
}

fn service(name: &str, address: &str) -> Value {
    json!({
        "metadata": meta(name, "default"),
        "spec": {
            "type": "LoadBalancer", "clusterIPs": ["10.96.0.9"], "loadBalancerClass": HOSTILE, "selector": {"app": HOSTILE},
            "ports": [{"name": HOSTILE, "port": 80, "protocol": "TCP", "targetPort": HOSTILE, "nodePort": 30080}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address, "hostname": HOSTILE}]}},
    })
}

/// A cluster in which everything that can have a name has this one.
fn objects(resource: &str) -> Option<Value> {
    let pool = |name: &str, addresses: &[&str]| json!({"metadata": meta(name, "metallb-system"), "spec": {"addresses": addresses, "autoAssign": true}});
    let items = match resource {
        "services" => json!([
            service("ui", "10.0.0.241"),
            service(HOSTILE, ""),
            service("web", HOSTILE),
            service(&"long-".repeat(2000), "10.0.0.242")
        ]),
        "endpointslices" => json!([{
            "metadata": {"name": HOSTILE, "namespace": "default", "uid": "s", "resourceVersion": "1", "labels": {"kubernetes.io/service-name": "ui"}},
            "addressType": "IPv4",
            "ports": [{"name": HOSTILE, "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.244.1.7"], "conditions": {"ready": true}, "nodeName": HOSTILE,
                "targetRef": {"kind": "Pod", "name": HOSTILE, "namespace": "default"}}],
        }]),
        "pods" => json!([{
            "metadata": meta(HOSTILE, "default"),
            "spec": {"nodeName": HOSTILE, "containers": [{"name": HOSTILE, "ports": [{"name": HOSTILE, "containerPort": 8080}]}]},
            "status": {"phase": HOSTILE, "reason": HOSTILE, "podIP": "10.244.1.7", "conditions": [{"type": "Ready", "status": "True", "message": HOSTILE}]},
        }]),
        "nodes" => json!([{"metadata": meta(HOSTILE, ""), "spec": {"podCIDR": "10.244.1.0/24"},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.101"}, {"type": "Hostname", "address": HOSTILE}], "conditions": [{"type": "Ready", "status": "True"}]}}]),
        "namespaces" => json!([{"metadata": meta("default", "")}, {"metadata": meta(HOSTILE, "")}]),
        "events" => json!([{
            "metadata": meta("e", "default"), "type": "Warning", "reason": HOSTILE, "message": HOSTILE, "count": 1,
            "involvedObject": {"kind": "Service", "name": "ui", "namespace": "default", "uid": "ui"},
            "source": {"component": HOSTILE}, "lastTimestamp": "2026-11-22T19:18:00Z",
        }]),
        "ipaddresspools" => json!([
            pool(HOSTILE, &["10.0.0.240-10.0.0.250"]),
            pool("broken", &[HOSTILE])
        ]),
        "l2advertisements" => {
            json!([{"metadata": meta(HOSTILE, "metallb-system"), "spec": {"ipAddressPools": [HOSTILE], "interfaces": [HOSTILE]}}])
        }
        "bgpadvertisements" | "bgppeers" => json!([]),
        "servicel2statuses" => json!([{"metadata": meta("l2", "metallb-system"),
            "status": {"serviceName": "ui", "serviceNamespace": "default", "node": HOSTILE, "interfaces": [{"name": HOSTILE}]}}]),
        "metallb.io" => recorded("apis-metallb.io"),
        "v1beta1" => recorded("apis-metallb.io-v1beta1"),
        "v1beta2" => recorded("apis-metallb.io-v1beta2"),
        _ => return None,
    };
    Some(items)
}

/// What a real server says of the resources that it has.
fn recorded(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cluster/discovery");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Whether it can move a cursor, turn the direction of writing, or stand there unseen.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}' | '\u{feff}' | '\u{e0061}' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Cluster {
    home: tempfile::TempDir,
}

impl Cluster {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        tiny_api::start_with(&home.path().join("config"), "t", objects);
        Self { home }
    }

    fn run(&self, words: &str) -> Output {
        let config = self.home.path().join("config");
        let mut words: Vec<&str> = words.split(' ').collect();
        words.extend(["--kubeconfig", config.to_str().unwrap()]);
        run(self.home.path(), &words)
    }

    /// What it printed. It is safe to show, and so is what it said.
    fn printed(&self, words: &str) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}: {said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        for text in [&printed, &said] {
            let odd = text.chars().find(|c| is_unsafe(*c));
            assert_eq!(odd, None, "{words}: {text:?}");
        }
        printed
    }
}

#[test]
fn no_name_of_a_cluster_moves_a_terminal() {
    let cluster = Cluster::new();
    let mut met = 0;
    for words in [
        "list",
        "list -o wide",
        "list --all-types",
        "explain default/ui",
        "explain default/web",
        "pools",
        "diagram default/ui --format text",
        "diagram default/ui --format mermaid",
    ] {
        met += usize::from(cluster.printed(words).contains("owned"));
    }
    // Should the names not be shown at all, nothing was tried.
    assert!(met >= 5, "only {met} outputs have the name in them");
    for words in [
        "list -o json",
        "explain default/ui -o json",
        "pools -o json",
    ] {
        let text = cluster.printed(words);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value.to_string().contains("owned"), "{words}: {text}");
    }
}

#[test]
fn no_name_of_a_cluster_is_markup_in_a_picture() {
    let cluster = Cluster::new();
    let svg = cluster.printed("diagram default/ui --format svg");
    let document = roxmltree::Document::parse(&svg).unwrap();
    let mut shown = 0;
    for node in document.descendants() {
        let name = node.tag_name().name();
        assert!(
            !["b", "script", "foreignObject", "a", "image"].contains(&name),
            "{svg}"
        );
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{svg}");
        }
        shown += usize::from(node.text().is_some_and(|text| text.contains("<b onload")));
    }
    assert!(shown > 0, "the name is text: {svg}");
    let mermaid = cluster.printed("diagram default/ui --format mermaid");
    for markup in ["<b ", "%%{", "\"]%"] {
        assert!(!mermaid.contains(markup), "{markup} in {mermaid}");
    }
    // A picture is no text: it is read as it comes.
    let config = cluster.home.path().join("config");
    let output = command(cluster.home.path())
        .args(["diagram", "default/ui", "--format", "png", "--kubeconfig"])
        .arg(config)
        .output();
    assert!(output.unwrap().stdout.starts_with(b"\x89PNG"));
}

/// All that a frame paints, and all that it tells a screen reader.
fn texts(output: &FullOutput) -> Vec<String> {
    let mut texts = Vec::new();
    let mut shapes: Vec<&Shape> = output.shapes.iter().map(|clipped| &clipped.shape).collect();
    while let Some(shape) = shapes.pop() {
        match shape {
            Shape::Vec(parts) => shapes.extend(parts),
            Shape::Text(text) => texts.push(text.galley.text().to_owned()),
            _ => {}
        }
    }
    let told = output.platform_output.accesskit_update.as_ref().unwrap();
    for (_, node) in &told.nodes {
        let said = [
            node.label(),
            node.value(),
            node.description(),
            node.tooltip(),
        ];
        texts.extend(said.into_iter().flatten().map(str::to_owned));
    }
    texts
}

/// The window of an engine that watches the hostile cluster, for so many frames with these events first; how often the name is met.
fn shown(window: &mut Offscreen, events: Vec<Event>) -> usize {
    window.frame(Duration::from_millis(100), events);
    let mut met = 0;
    for _ in 0..5 {
        let output = window.frame(Duration::from_millis(100), Vec::new());
        for text in texts(&output) {
            let odd = text.chars().find(|c| is_unsafe(*c));
            assert_eq!(odd, None, "{text:?}");
            met += usize::from(text.contains("owned"));
        }
    }
    met
}

#[test]
fn no_name_of_a_cluster_disguises_anything_in_the_window() {
    let cluster = Cluster::new();
    let runtime = Runtime::new().unwrap();
    let within = runtime.enter();
    let config = cluster.home.path().join("config");
    let mut handle = start_with(EngineOptions {
        memory: Memory::Everything,
        // Not where the keyring of this machine's person has anything.
        vault: Some(VaultOptions {
            service: "adit-tests-of-names".to_owned(),
            ..VaultOptions::of_environment()
        }),
        config_dir: Some(cluster.home.path().join("settings")),
        usual_cluster: Some(ClusterSource::local(Some(config), None)),
    });
    runtime.block_on(async {
        let live = async {
            while handle.newest().cluster.state != ClusterState::Live {
                handle.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, live).await.unwrap();
    });
    drop(within);
    let mut window = Offscreen::new(handle, Vec2::new(1280.0, 1600.0));
    window.tell();
    assert!(shown(&mut window, Vec::new()) > 0, "the list");
    let key = |key| Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let mut details = 0;
    for _ in 0..4 {
        details += shown(&mut window, vec![key(Key::ArrowDown)]);
    }
    assert!(details > 0, "the details");
    let output = window.frame(Duration::from_millis(100), Vec::new());
    let place = Offscreen::place_of(&output, "Addresses").unwrap().center();
    let button = |pressed| Event::PointerButton {
        pos: place,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let click = vec![Event::PointerMoved(place), button(true), button(false)];
    assert!(shown(&mut window, click) > 0, "the map");
}

/// Files are named by people, not by clusters.
#[test]
fn no_name_of_a_cluster_names_a_file() {
    let cluster = Cluster::new();
    cluster.printed("list -o json");
    let entries: Vec<_> = fs::read_dir(cluster.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        entries
            .iter()
            .all(|name| !Path::new(name).to_string_lossy().contains("owned")),
        "{entries:?}"
    );
}
