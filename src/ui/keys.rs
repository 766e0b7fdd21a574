//! The keyboard: arrows move, space switches, enter opens, a slash searches, a question mark tells the keys.

use egui::{Context, Event, Key, Modifiers, OpenUrl, Popup};

use super::rows::Row;
use super::scene::Scene;
use super::view::{Overlay, Page};
use super::{top_bar, words};

/// How far a page is.
const PAGE: isize = 10;
/// With Ctrl, the pages.
const PAGES: [Key; 4] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];

/// Acts on the keys pressed since the last frame, where no field or control wants them.
pub(super) fn handle(ctx: &Context, scene: &mut Scene<'_>) {
    if !scene.snapshot.prompts.is_empty() {
        return;
    }
    let command = |key| ctx.input_mut(|input| input.consume_key(Modifiers::COMMAND, key));
    if command(Key::K) {
        let is_open = scene.view.overlay == Overlay::Palette;
        scene.view.close_overlay();
        Popup::close_all(ctx);
        if !is_open {
            scene.view.overlay = Overlay::Palette;
        }
    }
    // A menu that is open has the keys for itself: escape closes it.
    if scene.view.overlay != Overlay::None || Popup::is_any_open(ctx) {
        return;
    }
    for (key, page) in PAGES.into_iter().zip(Page::ALL) {
        if command(key) {
            scene.view.page = page;
        }
    }
    if command(Key::F) {
        search(scene);
    }
    let focused = ctx.memory(egui::Memory::focused);
    if focused == Some(top_bar::search_id()) {
        in_search(ctx, scene);
    } else if focused.is_none() {
        if typed(ctx, "?") {
            scene.view.overlay = Overlay::Keys;
        } else if typed(ctx, "/") {
            search(scene);
        } else if scene.view.page == Page::Services {
            in_list(ctx, scene);
        }
    }
}

/// Puts the cursor into the search field, which searches services.
fn search(scene: &mut Scene<'_>) {
    scene.view.page = Page::Services;
    scene.view.focus_search = true;
}

/// Whether `wanted` was typed. It is a command here, and must not land in a field.
fn typed(ctx: &Context, wanted: &str) -> bool {
    let is_wanted = |event: &Event| matches!(event, Event::Text(text) if text == wanted);
    let found = ctx.input(|input| input.events.iter().any(is_wanted));
    if found {
        ctx.input_mut(|input| input.events.retain(|event| !is_wanted(event)));
    }
    found
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
        go_to(scene, 0, false);
    }
}

/// What a key does in the list.
#[derive(Clone, Copy)]
enum Deed {
    /// Goes so many rows on.
    Go(isize),
    First,
    Last,
    MarkAll,
    StepBack,
    Toggle,
    Favourite,
    Open,
}

impl Deed {
    fn of(event: &Event) -> Option<Self> {
        let Event::Key {
            key,
            pressed: true,
            repeat,
            modifiers,
            ..
        } = *event
        else {
            return None;
        };
        let is_plain = modifiers.matches_logically(Modifiers::NONE);
        let moves = is_plain || modifiers.matches_logically(Modifiers::SHIFT);
        match key {
            Key::ArrowDown if moves => Some(Self::Go(1)),
            Key::ArrowUp if moves => Some(Self::Go(-1)),
            Key::PageDown if moves => Some(Self::Go(PAGE)),
            Key::PageUp if moves => Some(Self::Go(-PAGE)),
            Key::Home if moves => Some(Self::First),
            Key::End if moves => Some(Self::Last),
            Key::A if modifiers.matches_logically(Modifiers::COMMAND) => Some(Self::MarkAll),
            // A key that is held down does these once.
            _ if repeat || !is_plain => None,
            Key::Escape => Some(Self::StepBack),
            Key::Space => Some(Self::Toggle),
            Key::F => Some(Self::Favourite),
            Key::Enter => Some(Self::Open),
            _ => None,
        }
    }

    fn act(self, ctx: &Context, scene: &mut Scene<'_>, marks: bool) {
        match self {
            Self::Go(rows) => {
                let selected = scene.view.selected.as_ref();
                let here = selected.and_then(|id| scene.rows.position(id));
                let there = here.map_or(0, |here| here.saturating_add_signed(rows));
                go_to(scene, there, marks);
            }
            Self::First => go_to(scene, 0, marks),
            Self::Last => go_to(scene, usize::MAX, marks),
            Self::MarkAll => {
                scene.view.marked = scene.rows.shown().map(|row| row.id.clone()).collect();
            }
            Self::StepBack => step_back(scene),
            Self::Toggle => scene.toggle_marked(),
            Self::Favourite => with_selected(scene, Scene::toggle_favourite),
            Self::Open => with_selected(scene, |scene, row| {
                let port = row.port().map_or(0, |port| port.number);
                let url = row
                    .tunnel(scene.snapshot)
                    .and_then(|tunnel| words::url(tunnel, port));
                if let Some(url) = url {
                    ctx.open_url(OpenUrl::new_tab(url));
                }
            }),
        }
    }
}

/// Acts on keys in the order in which they came: one frame may bring several.
fn in_list(ctx: &Context, scene: &mut Scene<'_>) {
    let mut deeds = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let deed = Deed::of(event);
            if let (Some(deed), Event::Key { modifiers, .. }) = (deed, event) {
                deeds.push((deed, modifiers.shift));
            }
            deed.is_none()
        });
    });
    for (deed, marks) in deeds {
        deed.act(ctx, scene, marks);
    }
}

/// Escape takes back one thing: the marks, then the search and the filters, then the details.
fn step_back(scene: &mut Scene<'_>) {
    if scene.view.marked.len() > 1 {
        scene.view.marked.clear();
    } else if scene.narrows() {
        scene.widen();
    } else {
        scene.view.selected = None;
    }
}

/// Selects the row at `index`, or the last one; where it `marks`, marks it and the one it came from as well.
fn go_to(scene: &mut Scene<'_>, index: usize, marks: bool) {
    let index = index.min(scene.rows.len().saturating_sub(1));
    let Some(row) = scene.rows.get(index) else {
        return;
    };
    if marks {
        let before = scene.view.selected.clone();
        scene.view.marked.extend(before);
        scene.view.marked.insert(row.id.clone());
    } else {
        scene.view.marked.clear();
    }
    scene.view.select(row.id.clone());
}

fn with_selected<'a>(scene: &mut Scene<'a>, act: impl FnOnce(&mut Scene<'a>, &Row)) {
    let rows = scene.rows;
    let selected = scene.view.selected.as_ref().and_then(|id| rows.find(id));
    if let Some(row) = selected {
        act(scene, row);
    }
}
