//! The list, the palette and the settings, driven by name and role.

use std::sync::Arc;

use egui::{Event, Key, Modifiers, PointerButton, vec2};
use egui_kittest::kittest::Queryable as _;

use super::{OPEN, Window, busy, intent_of, key, tunnel, world};
use crate::model::{
    ClusterFault, ClusterState, Command, Intent, Language, Light, ServiceKey, Settings,
    SettingsChange, Snapshot, Theme,
};

/// The world with these settings.
fn with_settings(change: impl FnOnce(&mut Settings)) -> Snapshot {
    let mut world = world();
    let mut settings = Settings::clone(&world.settings);
    change(&mut settings);
    world.settings = Arc::new(settings);
    world
}

fn commands(window: &mut Window) -> Vec<Command> {
    std::iter::from_fn(|| window.commands.try_recv().ok()).collect()
}

fn window_settings(command: &Command) -> &crate::model::WindowSettings {
    match command {
        Command::ChangeSettings(SettingsChange::Window(window)) => window,
        other => panic!("{other:?} is no change of the window"),
    }
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run();
}

#[test]
fn the_palette_finds_a_service_by_a_few_letters_and_opens_it() {
    let mut window = Window::new(world());
    press(&mut window, Modifiers::COMMAND, Key::K);
    let field = window
        .harness
        .get_by_label("Type a service, a host or what to do");
    assert!(field.is_focused());
    field.type_text("opdfui");
    window.harness.run();
    window.press(Key::Enter);
    let command = window.command();
    assert_eq!(
        intent_of(&command),
        ("default/ui:80".to_owned(), Intent::Up)
    );
    assert!(!window.shows("Type a service, a host or what to do"));
}

#[test]
fn the_palette_changes_settings_and_escape_closes_it() {
    let mut window = Window::new(world());
    press(&mut window, Modifiers::COMMAND, Key::K);
    window.press(Key::Escape);
    assert!(!window.shows("Type a service, a host or what to do"));
    press(&mut window, Modifiers::COMMAND, Key::K);
    window
        .harness
        .get_by_label("Type a service, a host or what to do")
        .type_text("theme light");
    window.harness.run();
    window.press(Key::Enter);
    assert_eq!(window_settings(&window.command()).theme, Theme::Light);
}

#[test]
fn a_question_mark_shows_the_keys() {
    let mut window = Window::new(world());
    window.harness.event(egui::Event::Text("?".to_owned()));
    window.harness.run();
    assert!(window.shows("Open or close the tunnel"));
    window.press(Key::Escape);
    assert!(!window.shows("Open or close the tunnel"));
}

#[test]
fn marked_rows_are_opened_together() {
    let mut window = Window::new(world());
    press(&mut window, Modifiers::COMMAND, Key::A);
    assert!(window.shows("3 marked"));
    window.press(Key::Space);
    let opened: Vec<_> = commands(&mut window).iter().map(intent_of).collect();
    let up = |id: &str| (id.to_owned(), Intent::Up);
    assert_eq!(opened.len(), 2, "UDP has no tunnel: {opened:?}");
    assert!(opened.contains(&up("default/ui:80")) && opened.contains(&up("shop/dns:9153")));
    window.press(Key::Escape);
    assert!(!window.shows("3 marked"));
    window.press(Key::Home);
    press(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    assert!(window.shows("2 marked"));
}

#[test]
fn marked_rows_of_several_states_are_each_told_what_they_lack() {
    let mut mixed = world();
    let (ui, dns) = (key(), ServiceKey::new("shop", "dns"));
    tunnel(&mut mixed, &ui, 80, OPEN);
    tunnel(&mut mixed, &dns, 9153, busy());
    let mut window = Window::new(mixed.clone());
    press(&mut window, Modifiers::COMMAND, Key::A);
    // Of the three UDP has none, and one is open already.
    window.click("Open 1");
    let command = window.command();
    assert!(
        matches!(&command, Command::RetryNow(id) if id.to_string() == "shop/dns:9153"),
        "{command:?}"
    );
    window.click("Close 2");
    let closed = commands(&mut window);
    assert!(
        closed
            .iter()
            .all(|command| intent_of(command).1 == Intent::Down)
    );
    assert_eq!(closed.len(), 2);

    tunnel(&mut mixed, &dns, 9153, OPEN);
    window.snapshots.send(Arc::new(mixed)).unwrap();
    window.harness.run();
    window.click("Open 0");
    assert!(commands(&mut window).is_empty(), "there is nothing to open");
}

#[test]
fn a_star_makes_a_favourite() {
    let mut window = Window::new(world());
    window.click("Favourite default/ui");
    match window.command() {
        Command::ChangeSettings(SettingsChange::Favourite { service, on }) => {
            assert_eq!((service, on), (ServiceKey::new("default", "ui"), true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_sorts_and_the_order_is_remembered() {
    let mut window = Window::new(world());
    window.click("Sort by Port");
    let sorting = window_settings(&window.command()).sorting.clone();
    assert_eq!(sorting, Some(("port".to_owned(), false)));
}

#[test]
fn hidden_columns_are_not_shown_and_groups_can_be_folded() {
    let mut window = Window::new(with_settings(|settings| {
        settings.window.hidden_columns.insert("pods".to_owned());
        settings.window.grouped = true;
    }));
    window.harness.run();
    assert!(!window.shows("Sort by Pods"));
    assert!(window.shows("Sort by Port"));
    assert!(window.shows("shop/dns port 9153"));
    let head = window.harness.get_by_label("Group shop");
    head.click();
    window.harness.run();
    assert!(!window.shows("shop/dns port 9153"));
    assert!(
        window_settings(&window.command())
            .filter
            .folded
            .contains("shop")
    );
    window.click("Group default");
    window.command();
    assert!(window.shows("Group shop"), "heads stay where all is folded");
    window.click("Open all of shop");
    assert_eq!(intent_of(&window.command()).0, "shop/dns:9153");
}

#[test]
fn a_light_filters_the_list() {
    let mut world = world();
    tunnel(&mut world, &key(), 80, OPEN);
    let mut window = Window::new(world);
    window.click("Show: Open");
    assert!(window.shows("default/ui port 80"));
    assert!(!window.shows("shop/dns port 9153"));
    window.press(Key::Escape);
    assert!(window.shows("shop/dns port 9153"));
}

#[test]
fn settings_are_changed_on_their_page() {
    let mut window = Window::new(world());
    press(&mut window, Modifiers::COMMAND, Key::Num4);
    window.click("한국어");
    assert_eq!(
        window_settings(&window.command()).language,
        Language::Korean
    );
    assert!(
        window.shows("어둡게"),
        "the page speaks the language at once"
    );
    window.click("로그인할 때 시작");
    match window.command() {
        Command::ChangeSettings(SettingsChange::Behaviour(behaviour)) => {
            assert!(behaviour.start_at_login);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_whole_window_speaks_korean() {
    let mut window = Window::new(with_settings(|settings| {
        settings.window.language = Language::Korean;
    }));
    window.harness.run();
    for text in ["서비스 검색", "주소 지도", "포트 기준 정렬"] {
        assert!(window.shows(text), "{text}");
    }
    window.press(Key::ArrowDown);
    assert!(window.shows("상세 정보 닫기"));
}

#[test]
fn a_zoom_by_keys_is_remembered() {
    let mut window = Window::new(world());
    window.harness.run();
    window.harness.ctx.set_zoom_factor(1.5);
    window.harness.run();
    assert_eq!(window_settings(&window.command()).zoom_percent, 150);
}

#[test]
fn filters_groups_and_folds_are_remembered() {
    let mut open = world();
    tunnel(&mut open, &key(), 80, OPEN);
    let mut window = Window::new(open);
    window.click("Show: Open");
    assert_eq!(
        window_settings(&window.command()).filter.light,
        Some(Light::Green)
    );
    window.click("Group by namespace");
    assert!(window_settings(&window.command()).grouped);
    window.click("Group default");
    let folded = window_settings(&window.command()).filter.folded.clone();
    assert_eq!(folded.iter().collect::<Vec<_>>(), ["default"]);

    // The next run begins with what the engine has kept.
    let mut window = Window::new(with_settings(|settings| {
        settings.window.filter.namespace = Some("shop".to_owned());
    }));
    window.harness.run();
    assert!(window.shows("shop/dns port 9153"));
    assert!(!window.shows("default/ui port 80"));
    window.press(Key::Escape);
    assert_eq!(window_settings(&window.command()).filter.namespace, None);
}

#[test]
fn a_menu_has_the_keys_for_itself_and_escape_closes_it() {
    let mut window = Window::new(world());
    window.press(Key::ArrowDown);
    window.click("Columns");
    assert!(window.shows("Reset the columns"));
    window.press(Key::F);
    assert!(window.commands.try_recv().is_err(), "no favourite is made");
    window.press(Key::Escape);
    assert!(!window.shows("Reset the columns"));
    assert!(window.shows("Close the details"), "the row stays selected");
    window.press(Key::Escape);
    assert!(!window.shows("Close the details"));

    window.click("Columns");
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, Key::K);
    window.harness.run();
    assert!(
        !window.shows("Reset the columns"),
        "nothing lies beside the palette"
    );
}

#[test]
fn a_column_that_is_drawn_wider_is_told_once_and_stays_so() {
    let mut window = Window::new(world());
    let edge = |window: &Window| {
        let edge = window.harness.get_by_label("Width of ClusterIP");
        edge.rect().center()
    };
    let from = edge(&window);
    let step = |window: &mut Window, event| {
        window.harness.event(event);
        window.harness.step();
    };
    let press = |at, pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    step(&mut window, Event::PointerMoved(from));
    step(&mut window, press(from, true));
    for x in [10.0, 25.0, 40.0] {
        step(&mut window, Event::PointerMoved(from + vec2(x, 0.0)));
        assert!(window.commands.try_recv().is_err(), "it is still drawn");
    }
    step(&mut window, press(from + vec2(40.0, 0.0), false));
    window.harness.run();
    let widths = window_settings(&window.command()).column_widths.clone();
    let kept: Vec<_> = widths.keys().map(String::as_str).collect();
    assert_eq!(kept, ["cluster-ip"]);
    let moved = edge(&window).x - from.x;
    // Widths are whole points.
    assert!((moved - 40.0).abs() <= 4.0, "{moved}");

    let mut again = Window::new(with_settings(|settings| {
        settings.window.column_widths = widths;
    }));
    again.harness.run();
    assert!((edge(&again).x - edge(&window).x).abs() < 2.0);
}

#[test]
fn a_cluster_out_of_reach_is_one_click_from_the_way_through_a_host() {
    let mut world = world();
    world.cluster.services.clear();
    world.cluster.state = ClusterState::Stale(ClusterFault {
        code: "unreachable",
        message: "The API server does not answer.".to_owned().into(),
        hint: "Check the network.".to_owned().into(),
    });
    let host = world.hosts[0].profile.id.clone();
    let mut window = Window::new(world.clone());
    window.click(&format!("Reach it through {host}"));
    match window.command() {
        Command::UseCluster(source) => assert_eq!(source.through, Some(host)),
        other => panic!("{other:?}"),
    }
    world.hosts.clear();
    world.selected_host = None;
    let mut window = Window::new(world);
    window.click("Add a host");
    assert!(window.shows("Paste your ssh command"));
}

#[test]
fn a_right_click_on_a_row_copies_its_problem() {
    let mut world = world();
    tunnel(&mut world, &key(), 80, super::busy());
    let mut window = Window::new(world);
    window.harness.get_by_label("ui").click_secondary();
    window.harness.run();
    window.harness.get_by_label("Copy the problem").click();
    window.harness.step();
    let output = window.harness.output();
    let copied = output.platform_output.commands.iter();
    let copied: Vec<_> = copied
        .filter_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(copied.len(), 1);
    assert!(
        copied[0].contains("127.0.0.1:8080 is already in use by nginx"),
        "{copied:?}"
    );
    window.harness.run();
    assert!(window.commands.try_recv().is_err());
}
