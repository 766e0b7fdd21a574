//! The keyboard: arrows move, space switches, enter opens, a slash searches.

use egui::{Context, Event, Key, Modifiers, OpenUrl};

use super::rows::Row;
use super::scene::Scene;
use super::{top_bar, words};

/// How far a page is.
const PAGE: usize = 10;

/// Acts on the keys pressed since the last frame, where no field or control wants them.
pub(super) fn handle(ctx: &Context, scene: &mut Scene<'_>) {
    if !scene.snapshot.prompts.is_empty() {
        return;
    }
    if ctx.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
        scene.view.focus_search = true;
    }
    let focused = ctx.memory(egui::Memory::focused);
    if focused == Some(top_bar::search_id()) {
        in_search(ctx, scene);
    } else if focused.is_none() {
        in_list(ctx, scene);
    }
}

/// Escape empties the field and then leaves it; down and enter go on to the list.
fn in_search(ctx: &Context, scene: &mut Scene<'_>) {
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let leave = || ctx.memory_mut(|memory| memory.surrender_focus(top_bar::search_id()));
    if pressed(Key::Escape) {
        scene.view.query.clear();
        leave();
    } else if pressed(Key::ArrowDown) || pressed(Key::Enter) {
        leave();
        go_to(scene, 0);
    }
}

fn in_list(ctx: &Context, scene: &mut Scene<'_>) {
    let typed_slash = |event: &Event| matches!(event, Event::Text(text) if text == "/");
    if ctx.input(|input| input.events.iter().any(typed_slash)) {
        scene.view.focus_search = true;
        // The slash itself is a command here, and must not land in the field.
        ctx.input_mut(|input| input.events.retain(|event| !typed_slash(event)));
        return;
    }
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let last = scene.rows.len().saturating_sub(1);
    let here = scene
        .view
        .selected
        .as_ref()
        .and_then(|id| scene.rows.position(id));
    let by = |step: &dyn Fn(usize) -> usize| here.map_or(0, step);
    if pressed(Key::ArrowDown) {
        go_to(scene, by(&|here| here + 1));
    } else if pressed(Key::ArrowUp) {
        go_to(scene, by(&|here| here.saturating_sub(1)));
    } else if pressed(Key::PageDown) {
        go_to(scene, by(&|here| here + PAGE));
    } else if pressed(Key::PageUp) {
        go_to(scene, by(&|here| here.saturating_sub(PAGE)));
    } else if pressed(Key::Home) {
        go_to(scene, 0);
    } else if pressed(Key::End) {
        go_to(scene, last);
    } else if pressed(Key::Escape) {
        if scene.view.query.is_empty() {
            scene.view.selected = None;
        }
        scene.view.query.clear();
    } else if pressed(Key::Space) {
        with_selected(scene, Scene::toggle);
    } else if pressed(Key::Enter) {
        with_selected(scene, |scene, row| {
            let port = row.port().map_or(0, |port| port.number);
            let url = row
                .tunnel(scene.snapshot)
                .and_then(|tunnel| words::url(tunnel, port));
            if let Some(url) = url {
                ctx.open_url(OpenUrl::new_tab(url));
            }
        });
    }
}

/// Selects the row at `index`, or the last one.
fn go_to(scene: &mut Scene<'_>, index: usize) {
    let index = index.min(scene.rows.len().saturating_sub(1));
    if let Some(row) = scene.rows.get(index) {
        scene.view.select(row.id.clone());
    }
}

fn with_selected<'a>(scene: &mut Scene<'a>, act: impl FnOnce(&mut Scene<'a>, &Row)) {
    let rows = scene.rows;
    let selected = scene.view.selected.as_ref().and_then(|id| rows.find(id));
    if let Some(row) = selected {
        act(scene, row);
    }
}
