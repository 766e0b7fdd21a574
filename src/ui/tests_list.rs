//! The list, the palette and the settings, driven by name and role.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use super::{OPEN, Window, intent_of, key, tunnel, world};
use crate::model::{
    Command, Intent, Language, ServiceKey, Settings, SettingsChange, Snapshot, Theme,
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
