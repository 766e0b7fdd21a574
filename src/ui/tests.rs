//! The window, driven by name and role as a screen reader would.

mod activity;
mod giving_up;
mod hosts;
mod questions;
mod way;

use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Theme};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, HarnessBuilder, TestRenderer};
use tokio::sync::{mpsc, watch};

#[path = "tests_list.rs"]
mod list;

use super::app::App;
use super::hosts::Tools;
use super::theme;
use crate::diagram::testing::{host, key, pods, port, snapshot, tunnel, ui, up};
use crate::engine::Handle;
use crate::l10n::Lang;
use crate::model::{
    Answer, ClusterFault, ClusterSource, ClusterState, Command, Fault, FaultCause, Finding, Hop,
    Intent, LbService, LinkStatus, LocalBind, Moment, Notice, PortHolder, Prompt, PromptId,
    Protocol, Question, Route, ServiceKey, ServicePhase, Severity, Snapshot, TunnelId, TunnelState,
};

const OPEN: TunnelState = TunnelState::Open {
    since: Moment::START,
};

/// The window of an engine that the test plays.
pub(super) struct Window {
    pub(super) harness: Harness<'static, App>,
    commands: mpsc::UnboundedReceiver<Command>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Window {
    fn new(snapshot: Snapshot) -> Self {
        Self::sized(snapshot, [1280.0, 800.0], Theme::Dark)
    }

    fn sized(snapshot: Snapshot, size: [f32; 2], theme: Theme) -> Self {
        Self::built(snapshot, size, theme, Harness::builder(), Tools::default())
    }

    /// One with these tools.
    fn with_tools(snapshot: Snapshot, tools: Tools) -> Self {
        let size = [1280.0, 1100.0];
        Self::built(snapshot, size, Theme::Dark, Harness::builder(), tools)
    }

    /// One whose pictures this renderer makes.
    pub(super) fn rendered(
        snapshot: Snapshot,
        size: [f32; 2],
        theme: Theme,
        renderer: impl TestRenderer + 'static,
    ) -> Self {
        let builder = Harness::builder().renderer(renderer);
        Self::built(snapshot, size, theme, builder, Tools::default())
    }

    pub(super) fn built(
        snapshot: Snapshot,
        size: [f32; 2],
        theme: Theme,
        builder: HarnessBuilder<App>,
        tools: Tools,
    ) -> Self {
        let (sender, commands) = mpsc::unbounded_channel();
        let (snapshots, watched) = watch::channel(Arc::new(snapshot));
        let app = App::new(Handle::new(sender, watched), None, Lang::English).with_tools(tools);
        let harness = builder
            .with_size(size)
            .with_theme(theme)
            .with_max_steps(120)
            .allow_missing_glyphs()
            .with_context_setup(|ctx| theme::install(ctx, Vec::new()))
            .build_ui_state(
                |ui, app: &mut App| {
                    app.think(ui.ctx());
                    app.draw_ui(ui);
                },
                app,
            );
        Self {
            harness,
            commands,
            snapshots,
        }
    }

    pub(super) fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    pub(super) fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run();
    }

    /// The one command that was sent.
    fn command(&mut self) -> Command {
        let command = self.commands.try_recv().expect("no command was sent");
        assert!(
            self.commands.try_recv().is_err(),
            "more than {command:?} was sent"
        );
        command
    }

    fn shows(&self, label: &str) -> bool {
        self.harness.query_by_label(label).is_some()
    }
}

fn intent_of(command: &Command) -> (String, Intent) {
    match command {
        Command::SetIntent { id, intent } => (id.to_string(), *intent),
        other => panic!("{other:?} is no SetIntent"),
    }
}

fn world() -> Snapshot {
    let mut dns = ui();
    dns.key = ServiceKey::new("shop", "dns");
    dns.ports = vec![port(53), port(9153)];
    dns.ports[0].protocol = Protocol::Udp;
    snapshot(vec![ui(), dns], host(up()))
}

fn busy() -> TunnelState {
    TunnelState::Failed(Fault::local(FaultCause::PortInUse {
        address: "127.0.0.1:8080".parse().unwrap(),
        holder: Some(PortHolder {
            pid: 42,
            name: "nginx".to_owned(),
        }),
        free_port: Some(8081),
    }))
}

fn asking(question: Question) -> Snapshot {
    let mut world = world();
    world.prompts.push(Prompt {
        id: PromptId(5),
        host: world.hosts[0].profile.id.clone(),
        hop: "ubuntu@10.0.0.100:22".to_owned(),
        question,
        was_refused: false,
    });
    world
}

fn unknown_host() -> Question {
    Question::UnknownHostKey {
        host: "10.0.0.100".to_owned(),
        key_type: "ssh-ed25519".to_owned(),
        fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrXw9VpU7Jd1yJ1pJm6e1XQY".to_owned(),
        known_as: vec!["old-name".to_owned()],
    }
}

#[test]
fn a_click_on_a_switch_opens_and_another_closes() {
    let mut window = Window::new(world());
    let switch = window
        .harness
        .get_by_role_and_label(Role::Switch, "default/ui port 80");
    switch.click();
    window.harness.run();
    assert_eq!(
        intent_of(&window.command()),
        ("default/ui:80".to_owned(), Intent::Up)
    );

    let mut open = world();
    tunnel(&mut open, &key(), 80, OPEN);
    window.snapshots.send(Arc::new(open)).unwrap();
    window.harness.run();
    window.click("default/ui port 80");
    assert_eq!(
        intent_of(&window.command()),
        ("default/ui:80".to_owned(), Intent::Down)
    );
}

#[test]
fn what_ssh_cannot_carry_is_shown_and_has_no_switch_to_click() {
    let mut window = Window::new(world());
    window.click("shop/dns port 53 UDP");
    window.press(Key::Space);
    assert!(window.commands.try_recv().is_err());
    assert!(window.shows("Not tunnellable"));
}

#[test]
fn a_search_narrows_the_list_and_escape_widens_it() {
    let mut window = Window::new(world());
    window.harness.event(egui::Event::Text("/".to_owned()));
    window.harness.run();
    let field = window.harness.get_by_label("Search services");
    assert!(field.is_focused());
    field.type_text("9153");
    window.harness.run();
    assert!(window.shows("shop/dns port 9153"));
    assert!(!window.shows("default/ui port 80"));
    window.press(Key::Escape);
    assert!(window.shows("default/ui port 80"));
}

#[test]
fn what_is_typed_right_after_the_slash_is_searched() {
    let mut window = Window::new(world());
    for text in ["/", "91", "53"] {
        let typed = egui::Event::Text(text.to_owned());
        window.harness.input_mut().events.push(typed);
    }
    window.harness.run();
    assert!(window.shows("shop/dns port 9153"));
    assert!(!window.shows("default/ui port 80"));
}

#[test]
fn the_keyboard_alone_is_enough() {
    let mut window = Window::new(world());
    window.press(Key::ArrowDown);
    assert!(window.shows("Close the details"));
    window.press(Key::ArrowDown);
    window.press(Key::End);
    window.press(Key::Space);
    assert_eq!(
        intent_of(&window.command()),
        ("shop/dns:9153".to_owned(), Intent::Up)
    );
    // A switch that was clicked does not keep the keys to itself.
    window.click("default/ui port 80");
    window.command();
    window.press(Key::Home);
    window.press(Key::Space);
    assert_eq!(intent_of(&window.command()).0, "default/ui:80");
    window.press(Key::Escape);
    assert!(!window.shows("Close the details"));
}

/// Presses keys so fast that one frame has them all.
fn press_at_once(window: &mut Window, keys: &[Key]) {
    for key in keys {
        for pressed in [true, false] {
            window.harness.input_mut().events.push(egui::Event::Key {
                key: *key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: egui::Modifiers::NONE,
            });
        }
    }
    window.harness.run();
}

#[test]
fn keys_that_come_in_one_frame_are_acted_on_in_their_order() {
    let mut window = Window::new(world());
    press_at_once(&mut window, &[Key::ArrowDown, Key::End, Key::Space]);
    let last = intent_of(&window.command());
    assert_eq!(last, ("shop/dns:9153".to_owned(), Intent::Up));
    press_at_once(&mut window, &[Key::ArrowUp, Key::ArrowUp, Key::Space]);
    assert_eq!(intent_of(&window.command()).0, "default/ui:80");
}

#[test]
fn enter_opens_the_address_in_the_browser() {
    let mut open = world();
    tunnel(&mut open, &key(), 80, OPEN);
    let mut window = Window::new(open);
    window.press(Key::ArrowDown);
    window.harness.key_down(Key::Enter);
    window.harness.step();
    let opened: Vec<_> = window
        .harness
        .output()
        .platform_output
        .commands
        .iter()
        .filter_map(|command| match command {
            egui::OutputCommand::OpenUrl(open) => Some(open.url.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(opened, ["http://127.0.0.1:8080"]);
}

#[test]
fn a_busy_port_offers_a_free_one() {
    let mut world = world();
    tunnel(&mut world, &key(), 80, busy());
    let mut window = Window::new(world);
    window.press(Key::ArrowDown);
    assert!(window.shows("127.0.0.1:8080 is already in use by nginx (process 42)"));
    window.click("Use port 8081");
    match window.command() {
        Command::SetLocal { id, local } => {
            assert_eq!(id, TunnelId::service(key(), 80));
            assert_eq!(local, LocalBind::loopback(8081));
        }
        other => panic!("{other:?}"),
    }
    window.click("Try again");
    assert!(matches!(window.command(), Command::RetryNow(_)));
}

#[test]
fn a_route_can_be_chosen() {
    let mut window = Window::new(world());
    window.press(Key::ArrowDown);
    window.click("Route ClusterIP");
    match window.command() {
        Command::SetRoute { route, .. } => assert_eq!(route, Some(Route::ClusterIp)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn trusting_a_host_takes_a_click_and_enter_alone_does_not() {
    for (by_click, expected) in [(true, "Yes"), (false, "No")] {
        let mut window = Window::new(asking(unknown_host()));
        window.harness.run();
        if by_click {
            window.click("Trust this host");
        } else {
            window.press(Key::Enter);
        }
        match window.command() {
            Command::Answer { prompt, answer } => {
                assert_eq!(prompt, PromptId(5));
                assert_eq!(format!("{answer:?}"), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_passphrase_is_sent_and_never_shown() {
    let mut window = Window::new(asking(Question::Passphrase {
        path: "/home/me/key.pem".into(),
        again: true,
    }));
    window.harness.run();
    window
        .harness
        .get_by_label("Passphrase")
        .type_text("geheim");
    window.harness.run();
    let shown = format!("{:?}", window.harness.root());
    assert!(shown.contains("••••••"), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
    window.press(Key::Enter);
    match window.command() {
        Command::Answer {
            answer: Answer::Secret { secret, .. },
            ..
        } => assert_eq!(secret.expose(), "geheim"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn escape_cancels_a_question() {
    let mut window = Window::new(asking(Question::Password { again: false }));
    window.harness.run();
    window.press(Key::Escape);
    assert!(matches!(
        window.command(),
        Command::Answer {
            answer: Answer::No,
            ..
        }
    ));
}

#[test]
fn a_failed_cluster_says_why_and_can_be_tried_again() {
    let mut failed = snapshot(Vec::new(), host(LinkStatus::Idle));
    failed.cluster.state = ClusterState::Failed(ClusterFault {
        code: "context",
        message: "There is no context 'hme'.".to_owned().into(),
        hint: "Choose one with --context.".to_owned().into(),
    });
    let mut window = Window::new(failed);
    for text in [
        "There is no context 'hme'.",
        "Choose one with --context.",
        "context",
    ] {
        assert!(window.shows(text), "{text}");
    }
    window.click("Try again");
    assert!(matches!(window.command(), Command::UseCluster(_)));
}

#[test]
fn when_nothing_moves_nothing_is_painted() {
    let mut open = world();
    tunnel(&mut open, &key(), 80, OPEN);
    let mut window = Window::new(open);
    window.press(Key::ArrowDown);
    window.harness.run_steps(3);
    let viewports = &window.harness.output().viewport_output;
    let delay = viewports[&egui::ViewportId::ROOT].repaint_delay;
    assert!(delay >= Duration::from_secs(50), "{delay:?}");
}

#[test]
fn what_is_on_its_way_is_painted_again_soon_but_not_for_ever() {
    let mut window = Window::new(world());
    let mut proving = world();
    tunnel(&mut proving, &key(), 80, TunnelState::Proving);
    window.snapshots.send(Arc::new(proving)).unwrap();
    let delay = |window: &Window| {
        let viewports = &window.harness.output().viewport_output;
        viewports[&egui::ViewportId::ROOT].repaint_delay
    };
    window.harness.run_steps(4);
    assert!(delay(&window) <= Duration::from_millis(50));
    // A step is a quarter of a second.
    window.harness.run_steps(4 * 25);
    assert!(delay(&window) > Duration::from_secs(1));
}

/// One of everything that is hard to draw.
fn zoo() -> Snapshot {
    let named = |namespace: &str, name: &str| LbService {
        key: ServiceKey::new(namespace, name),
        ..ui()
    };
    let mut pending = named("shop", "pending");
    pending.phase = ServicePhase::Pending;
    pending.load_balancer_ips.clear();
    pending.findings = vec![Finding {
        code: "pool-exhausted",
        severity: Severity::Error,
        message: "No address is left.".to_owned().into(),
        hint: "Widen the pool.".to_owned().into(),
    }];
    let mut many = named("shop", "many");
    many.pods = pods(40, |index| index % 3 > 0);
    let mut v6 = named("shop", "v6");
    v6.load_balancer_ips = vec!["fd00:10:0:ffff:1234:5678:9abc:247".parse().unwrap()];
    let mut bare = named("shop", "bare");
    bare.ports.clear();
    bare.pods = pods(0, |_| true);
    bare.cluster_ips.clear();
    let long = named(&"n".repeat(63), &"s".repeat(63));
    let korean = named("플랫폼", "결제-서비스");
    let mut zoo = snapshot(
        vec![ui(), pending, many, v6, bare, long, korean],
        host(LinkStatus::Idle),
    );
    tunnel(&mut zoo, &ServiceKey::new("shop", "many"), 80, busy());
    let waiting = TunnelState::Waiting {
        attempt: 2,
        retry_at: Some(Moment::after_start(Duration::from_secs(5))),
        fault: Fault {
            hop: Hop::Ssh("ubuntu@10.0.0.100".to_owned()),
            cause: FaultCause::ConnectRefused,
        },
    };
    tunnel(&mut zoo, &ServiceKey::new("shop", "v6"), 80, waiting);
    tunnel(
        &mut zoo,
        &ServiceKey::new("gone", "svc"),
        1,
        TunnelState::Proving,
    );
    zoo.notices.push(Notice {
        at: Moment::START,
        tunnel: None,
        text: "word ".repeat(80).into(),
    });
    zoo
}

#[test]
fn everything_can_be_drawn_at_every_size_in_both_themes() {
    for theme in [Theme::Dark, Theme::Light] {
        for size in [
            [380.0, 320.0],
            [720.0, 420.0],
            [900.0, 600.0],
            [1280.0, 800.0],
            [3840.0, 2160.0],
        ] {
            let mut window = Window::sized(zoo(), size, theme);
            for _ in 0..8 {
                window.press(Key::ArrowDown);
                assert!(window.shows("Close the details"), "{size:?}");
            }
            for question in [unknown_host(), Question::Password { again: true }] {
                let sent = window.snapshots.send(Arc::new(asking(question)));
                assert!(sent.is_ok());
                window.harness.run();
                assert!(window.shows("Cancel"), "{size:?}");
            }
        }
    }
}

#[test]
fn a_tooltip_goes_when_a_question_comes() {
    let mut window = Window::new(world());
    let cell = window.harness.query_all_by_label("3 of 3 ready").next();
    cell.unwrap().hover();
    window.harness.run_steps(40);
    assert!(window.shows("ui-7d9f6c5b8-00001"), "the pods are listed");
    let sent = window.snapshots.send(Arc::new(asking(unknown_host())));
    assert!(sent.is_ok());
    window.harness.run_steps(4);
    assert!(window.shows("Cancel"));
    assert!(
        !window.shows("ui-7d9f6c5b8-00001"),
        "nothing lies over the question"
    );
}

#[test]
fn ten_thousand_rows_are_not_drawn_one_by_one() {
    let services = (0..10_000).map(|index| LbService {
        key: ServiceKey::new("ns", &format!("service-{index:05}")),
        ..ui()
    });
    let window = Window::new(snapshot(services.collect(), host(up())));
    let switches = window.harness.query_all_by_role(Role::Switch).count();
    assert!((10..60).contains(&switches), "{switches} switches");
}
