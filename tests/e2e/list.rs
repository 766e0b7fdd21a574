//! The list of the window: which cluster it begins with, and what it remembers.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use adit::engine::{EngineOptions, Handle, Memory, start_with};
use adit::model::{ClusterSource, ClusterState, Command};
use adit::ui::Offscreen;
use adit::vault::VaultOptions;
use egui::{Event, FullOutput, Modifiers, PointerButton, Pos2, Rect, Vec2};
use tokio::runtime::Runtime;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::desktop::Desktop;
use crate::support::instance::Home;
use crate::support::tiny_api;

/// A service that nobody dials.
const SERVICE: ([u8; 4], u16) = ([127, 0, 0, 1], 9);
const ROW: &str = "default/echo port 9";

#[test]
fn without_a_word_the_window_shows_the_cluster_of_the_local_kubeconfig() {
    let home = Home::new();
    let kube = home.path().join(".kube");
    fs::create_dir(&kube).unwrap();
    tiny_api::start(SocketAddr::from(SERVICE), &kube.join("config"));
    let desktop = Desktop::start();
    let mut tree = desktop.tree();
    let mut command = home.command(&[]);
    desktop.host(&mut command);
    let _adit = Running::spawn(command);
    tree.find(|name| name == ROW);
}

#[test]
fn a_kubeconfig_that_makes_no_sense_is_no_cluster() {
    let home = Home::new();
    let kube = home.path().join(".kube");
    fs::create_dir(&kube).unwrap();
    fs::write(kube.join("config"), "clusters: []").unwrap();
    let desktop = Desktop::start();
    let mut tree = desktop.tree();
    let mut command = home.command(&[]);
    desktop.host(&mut command);
    let _adit = Running::spawn(command);
    tree.find(|name| name == "Paste your ssh command");
    assert_eq!(home.status()["cluster"]["state"], "off");
}

/// An engine with the settings of a folder and a small cluster, and its window.
struct Run {
    runtime: Runtime,
    handle: Handle,
    window: Offscreen,
}

impl Run {
    /// Begins, and waits until the services are there.
    fn begin(settings: &Path, kubeconfig: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let within = runtime.enter();
        let mut handle = start_with(EngineOptions {
            memory: Memory::Everything,
            // Not where the keyring of this machine's person has anything.
            vault: Some(VaultOptions {
                service: "adit-tests-of-the-list".to_owned(),
                ..VaultOptions::of_environment()
            }),
            config_dir: Some(settings.to_owned()),
            usual_cluster: Some(ClusterSource::local(Some(kubeconfig.to_owned()), None)),
        });
        runtime.block_on(async {
            let live = async {
                while handle.newest().cluster.state != ClusterState::Live {
                    handle.changed().await.unwrap();
                }
            };
            tokio::time::timeout(LIMIT, live).await.unwrap();
        });
        drop(within);
        let window = Offscreen::new(handle.clone(), Vec2::new(1280.0, 800.0));
        window.tell();
        Self {
            runtime,
            handle,
            window,
        }
    }

    fn frame(&mut self, events: Vec<Event>) -> FullOutput {
        self.window.frame(Duration::from_millis(100), events)
    }

    /// The edge of a column, once the window stands still.
    fn edge(&mut self) -> Rect {
        for _ in 0..5 {
            self.frame(Vec::new());
        }
        let output = self.frame(Vec::new());
        Offscreen::place_of(&output, "Width of ClusterIP").unwrap()
    }

    /// Ends it as the person would; what was to be written is written then.
    fn end(mut self) {
        self.handle.send(Command::Quit);
        self.runtime.block_on(async {
            let ended = async { while self.handle.changed().await.is_ok_and(|now| !now.ended) {} };
            tokio::time::timeout(LIMIT, ended).await.unwrap();
        });
    }
}

#[test]
fn a_column_that_was_drawn_wider_is_as_wide_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, kubeconfig) = (folder.path().join("settings"), folder.path().join("config"));
    tiny_api::start(SocketAddr::from(SERVICE), &kubeconfig);
    let mut run = Run::begin(&settings, &kubeconfig);
    let before = run.edge().center();
    let button = |pos: Pos2, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let after = before + Vec2::new(40.0, 0.0);
    run.frame(vec![Event::PointerMoved(before)]);
    run.frame(vec![button(before, true)]);
    run.frame(vec![Event::PointerMoved(before + Vec2::new(20.0, 0.0))]);
    run.frame(vec![Event::PointerMoved(after)]);
    run.frame(vec![button(after, false)]);
    let drawn = run.edge().center();
    assert!((drawn.x - after.x).abs() <= 4.0, "{drawn} is not {after}");
    run.end();
    let kept = fs::read_to_string(settings.join("settings.toml")).unwrap();
    assert!(kept.contains("\ncluster-ip = "), "{kept}");

    let mut run = Run::begin(&settings, &kubeconfig);
    let again = run.edge().center();
    assert!((again.x - drawn.x).abs() < 2.0, "{again} is not {drawn}");
    run.end();
}
