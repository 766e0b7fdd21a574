//! The palette of commands (Ctrl+K): services, actions, pages and hosts, found by a few letters.

use std::rc::Rc;

use egui::{
    Context, Frame, Id, Key, Modal, Modifiers, OpenUrl, Rect, Role, ScrollArea, Sense, TextEdit,
    Ui, WidgetInfo, vec2,
};

use super::rows::RowId;
use super::scene::Scene;
use super::view::{Overlay, Page};
use super::{fuzzy, nav, probe_view, theme, widgets, words};
use crate::l10n::tr;
use crate::model::{Command, HostId, Intent, Language, Theme, printable};

/// How many finds are shown.
const MOST: usize = 60;
/// The height of one.
const LINE: f32 = 30.0;

/// Something that the palette does.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Toggle(RowId),
    Browse(String),
    Show(RowId),
    Probe(RowId),
    Go(Page),
    Host(HostId),
    Theme(Theme),
    Language(Language),
    Group(bool),
    Keys,
    All(Intent),
}

/// One find.
#[derive(Debug)]
struct Entry {
    name: String,
    kind: &'static str,
    action: Action,
}

/// What is being typed into the palette, and which find is chosen.
#[derive(Debug, Default)]
pub(super) struct Typed {
    query: String,
    chosen: usize,
    /// What was found, and for which words: of ten thousand services that is not done for each picture.
    found: Option<(String, Rc<[Entry]>)>,
}

pub(super) fn palette_ui(ui: &Ui, scene: &mut Scene<'_>) {
    if scene.view.overlay != Overlay::Palette {
        return;
    }
    let ctx = ui.ctx().clone();
    let moved = moved(&ctx);
    let entries = remembered(scene);
    let typed = &mut scene.view.typed;
    typed.chosen = typed
        .chosen
        .saturating_add_signed(moved)
        .min(entries.len().saturating_sub(1));
    let palette = theme::palette(ui);
    let frame = Frame::popup(ui.style())
        .fill(palette.surface)
        .inner_margin(10);
    let area = egui::Area::new(Id::unique("palette"))
        .anchor(egui::Align2::CENTER_TOP, vec2(0.0, 48.0))
        .order(egui::Order::Foreground)
        .constrain(true);
    let modal = Modal::new(Id::unique("palette"))
        .area(area)
        .backdrop_color(palette.veil)
        .frame(frame);
    let response = modal.show(&ctx, |ui| {
        let content = ui.ctx().content_rect();
        ui.set_width(540.0_f32.min(content.width() - 60.0));
        let hint = tr!(ui, "palette-hint");
        let field = TextEdit::singleline(&mut scene.view.typed.query)
            .hint_text(hint)
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(8, 7));
        let response = ui.add(field).accessible_name(hint);
        response.request_focus();
        if response.changed() {
            scene.view.typed.chosen = 0;
        }
        ui.add_space(6.0);
        let most = (content.height() - 140.0).clamp(LINE * 2.0, LINE * 10.0);
        entries_ui(ui, scene, &entries, most, moved != 0)
    });
    let entered = ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    let picked = response
        .inner
        .or_else(|| entered.then_some(scene.view.typed.chosen));
    if let Some(entry) = picked.and_then(|index| entries.get(index)) {
        scene.view.close_overlay();
        act(&ctx, scene, entry);
    } else if response.should_close() {
        scene.view.close_overlay();
    }
}

/// How far the arrows went; one frame may bring several.
fn moved(ctx: &Context) -> isize {
    let pressed = |key| {
        let count = ctx.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        isize::try_from(count).unwrap_or_default()
    };
    let page = 8;
    pressed(Key::ArrowDown) - pressed(Key::ArrowUp)
        + page * (pressed(Key::PageDown) - pressed(Key::PageUp))
}

/// The finds; which of them was clicked.
fn entries_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    entries: &[Entry],
    most: f32,
    is_moved: bool,
) -> Option<usize> {
    if entries.is_empty() {
        ui.label(theme::weak(ui, tr!(ui, "palette-nothing")));
    }
    let mut picked = None;
    ScrollArea::vertical()
        .max_height(most)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, entry) in entries.iter().enumerate() {
                let is_chosen = index == scene.view.typed.chosen;
                let response = entry_ui(ui, entry, is_chosen);
                if is_chosen && is_moved {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    picked = Some(index);
                }
            }
        });
    picked
}

fn entry_ui(ui: &mut Ui, entry: &Entry, is_chosen: bool) -> egui::Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_chosen, &entry.name));
    if is_chosen || response.hovered() {
        let fill = if is_chosen {
            palette.selected
        } else {
            palette.hover
        };
        ui.painter().rect_filled(rect, 6, fill);
    }
    let inner = rect.shrink2(vec2(10.0, 0.0));
    let kind = 120.0_f32.min(inner.width() * 0.3);
    let name = Rect::from_min_max(inner.min, inner.max - vec2(kind + 6.0, 0.0));
    widgets::paint_text(ui, name, &entry.name, theme::body_font(13.5), palette.text);
    let kind = Rect::from_min_max(egui::pos2(inner.right() - kind, inner.top()), inner.max);
    let font = theme::body_font(12.0);
    widgets::paint_text_in(
        ui,
        kind,
        egui::Align2::RIGHT_CENTER,
        entry.kind,
        font,
        palette.weak,
    );
    response
}

/// What fits what was typed, found once for each word.
fn remembered(scene: &mut Scene<'_>) -> Rc<[Entry]> {
    let typed = &scene.view.typed;
    if let Some((query, entries)) = &typed.found
        && *query == typed.query
    {
        return Rc::clone(entries);
    }
    let entries: Rc<[Entry]> = found(scene).into();
    scene.view.typed.found = Some((scene.view.typed.query.clone(), Rc::clone(&entries)));
    entries
}

/// What fits what was typed, the best first.
fn found(scene: &Scene<'_>) -> Vec<Entry> {
    let query = scene.view.typed.query.trim().to_lowercase();
    let mut scored: Vec<(i32, usize, Entry)> = Vec::new();
    let all = actions(scene).into_iter().chain(services(scene, &query));
    for (place, entry) in all.enumerate() {
        if let Some(score) = fuzzy::score(&query, &entry.name.to_lowercase()) {
            // With nothing typed everything fits, and stays in its order.
            let score = if query.is_empty() { 0 } else { score };
            scored.push((score, place, entry));
        }
    }
    scored.sort_by_key(|(score, place, _)| (std::cmp::Reverse(*score), *place));
    scored.truncate(MOST);
    scored.into_iter().map(|(_, _, entry)| entry).collect()
}

/// What can be done with each row. With nothing typed, of the first rows alone.
fn services(scene: &Scene<'_>, query: &str) -> Vec<Entry> {
    let most = if query.is_empty() { 20 } else { usize::MAX };
    let mut entries = Vec::new();
    for row in scene.rows.shown().take(most) {
        let label = row.id.label(scene.lang);
        let mut add = |name: String, action| {
            let kind = tr!(scene, "palette-service");
            entries.push(Entry { name, kind, action });
        };
        if let Some(id) = row.id.tunnel() {
            let name = match scene.intent(&id) {
                Intent::Up => tr!(scene, "palette-close", service = &label),
                Intent::Down => tr!(scene, "palette-open", service = &label),
            };
            add(name, Action::Toggle(row.id.clone()));
        }
        let port = row.port().map_or(0, |port| port.number);
        let tunnel = row.tunnel(scene.snapshot);
        if let Some(url) = tunnel.and_then(|tunnel| words::url(tunnel, port)) {
            add(
                tr!(scene, "palette-browse", service = &label),
                Action::Browse(url),
            );
        }
        add(
            tr!(scene, "palette-show", service = &label),
            Action::Show(row.id.clone()),
        );
        if probe_view::command(row, scene).is_some() {
            let name = if probe_view::running(row, scene).is_some() {
                tr!(scene, "palette-stop-probe", service = &label)
            } else {
                tr!(scene, "palette-probe", service = &label)
            };
            add(name, Action::Probe(row.id.clone()));
        }
    }
    entries
}

/// What can be done without a row.
fn actions(scene: &Scene<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |kind: &'static str, name: String, action| {
        entries.push(Entry { name, kind, action });
    };
    let pages = tr!(scene, "palette-page");
    for page in Page::ALL {
        let name = scene.lang.text(nav::name(page));
        add(
            pages,
            tr!(scene, "palette-go", page = name),
            Action::Go(page),
        );
    }
    let kind = tr!(scene, "palette-action");
    add(kind, tr!(scene, "keys-title").to_owned(), Action::Keys);
    let grouped = scene.window.grouped;
    let name = if grouped {
        tr!(scene, "list-ungroup")
    } else {
        tr!(scene, "list-group")
    };
    add(kind, name.to_owned(), Action::Group(!grouped));
    let shown = scene.rows.len();
    add(
        kind,
        tr!(scene, "palette-open-all", count = shown),
        Action::All(Intent::Up),
    );
    add(
        kind,
        tr!(scene, "palette-close-all", count = shown),
        Action::All(Intent::Down),
    );
    let kind = tr!(scene, "palette-setting");
    for (theme, name) in [
        (Theme::System, tr!(scene, "bar-theme-system")),
        (Theme::Light, tr!(scene, "bar-theme-light")),
        (Theme::Dark, tr!(scene, "bar-theme-dark")),
    ] {
        add(kind, name.to_owned(), Action::Theme(theme));
    }
    for (language, lang) in [
        (Language::English, crate::l10n::Lang::English),
        (Language::Korean, crate::l10n::Lang::Korean),
    ] {
        let name = tr!(scene, "palette-language", language = lang.own_name());
        add(kind, name, Action::Language(language));
    }
    let kind = tr!(scene, "bar-host");
    for host in &scene.snapshot.hosts {
        let login = printable(&host.profile.login()).into_owned();
        let name = tr!(scene, "palette-host", host = login);
        add(kind, name, Action::Host(host.profile.id.clone()));
    }
    entries
}

fn act(ctx: &Context, scene: &mut Scene<'_>, entry: &Entry) {
    match entry.action.clone() {
        Action::Toggle(id) => {
            if let Some(row) = scene.rows.find(&id) {
                scene.toggle(row);
            }
        }
        Action::Browse(url) => ctx.open_url(OpenUrl::new_tab(url)),
        Action::Show(id) => {
            scene.view.page = Page::Services;
            scene.view.select(id);
        }
        Action::Probe(id) => {
            let command = scene
                .rows
                .find(&id)
                .and_then(|row| probe_view::command(row, scene));
            scene.commands.extend(command);
            scene.view.page = Page::Services;
            scene.view.select(id);
        }
        Action::Go(page) => scene.view.page = page,
        Action::Host(host) => scene.commands.push(Command::SelectHost(host)),
        Action::Theme(theme) => scene.window.theme = theme,
        Action::Language(language) => scene.window.language = language,
        Action::Group(grouped) => scene.window.grouped = grouped,
        Action::Keys => scene.view.overlay = Overlay::Keys,
        Action::All(intent) => {
            let ids: Vec<_> = scene.rows.shown().map(|row| row.id.clone()).collect();
            scene.set_all(ids.iter(), intent);
        }
    }
}
