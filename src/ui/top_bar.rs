//! The bar on top: which cluster, which host, the search, the theme.

use egui::{ComboBox, Frame, Layout, Margin, TextEdit, Ui};

use super::icons::Icon;
use super::scene::Scene;
use super::{theme, widgets};
use crate::l10n::{Lang, Speaks as _, id, tr};
use crate::model::{
    ClusterState, Command, HostId, HostStatus, Light, LinkStatus, Snapshot, Theme, printable,
};

/// What the search and the choice of a theme need at least.
const RIGHT_SIDE: f32 = 210.0;

/// The id of the search field.
pub(super) fn search_id() -> egui::Id {
    egui::Id::unique("search")
}

pub(super) fn top_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.window)
        .inner_margin(Margin::symmetric(theme::PANEL_MARGIN, 9));
    egui::Panel::top("top bar").frame(frame).show(ui, |ui| {
        let is_narrow = ui.available_width() < theme::NARROW;
        ui.horizontal(|ui| {
            ui.set_min_height(28.0);
            logo_ui(ui, is_narrow);
            cluster_ui(ui, scene.snapshot);
            stop_ui(ui, scene);
            ui.separator();
            host_ui(ui, scene, is_narrow);
            if !is_narrow {
                tools_ui(ui, scene, is_narrow);
            }
        });
        if is_narrow {
            ui.horizontal(|ui| tools_ui(ui, scene, is_narrow));
        }
    });
}

/// The mark of the program: the mouth of an adit in a hill, and its name.
fn logo_ui(ui: &mut Ui, is_narrow: bool) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(24.0, 24.0), egui::Sense::hover());
    super::logo::paint(ui.painter(), rect, theme::palette(ui));
    if !is_narrow {
        ui.label(theme::title(tr!(ui, "app-name")));
        ui.add_space(4.0);
    }
}

/// The search and the theme, at the right end.
fn tools_ui(ui: &mut Ui, scene: &mut Scene<'_>, is_narrow: bool) {
    ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
        theme_ui(ui, scene);
        search_ui(ui, scene, is_narrow);
    });
}

fn cluster_ui(ui: &mut Ui, snapshot: &Snapshot) {
    let cluster = &snapshot.cluster;
    let name = cluster
        .context
        .as_deref()
        .or(cluster.source.context.as_deref());
    let (light, word, hint) = match &cluster.state {
        ClusterState::Off => (Light::Grey, id!("cluster-off"), None),
        ClusterState::Loading => (Light::Amber, id!("cluster-loading"), None),
        ClusterState::Stopped => (Light::Grey, id!("cluster-stopped"), None),
        ClusterState::Live => (Light::Green, id!("cluster-live"), None),
        ClusterState::Stale(fault) => (Light::Amber, id!("cluster-stale"), Some(fault)),
        ClusterState::Failed(fault) => (Light::Red, id!("cluster-failed"), Some(fault)),
    };
    let word = ui.lang().text(word);
    if let Some(name) = name {
        let name = printable(name);
        let width = (ui.available_width() * 0.17).clamp(60.0, 220.0);
        label_at_most_ui(ui, &name, width).on_hover_text(cluster.server.as_deref().map_or_else(
            || name.to_string(),
            |server| format!("{name}\n{}", printable(server)),
        ));
    }
    let pill = widgets::pill_ui(ui, light, word);
    if let Some(fault) = hint {
        pill.on_hover_text(format!(
            "{}\n{}",
            printable(&ui.lang().say(&fault.message)),
            printable(&ui.lang().say(&fault.hint))
        ));
    } else {
        pill.on_hover_text(tr!(ui, "cluster-state", state = word));
    }
}

/// Ends reading a cluster that does not answer, whatever page is shown.
fn stop_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if scene.snapshot.cluster.state != ClusterState::Loading {
        return;
    }
    let name = tr!(scene, "cluster-stop");
    if widgets::icon_button_sized_ui(ui, Icon::Close, name, 20.0).clicked() {
        scene.commands.push(Command::StopReading);
    }
}

/// A name that takes no more than `width`.
fn label_at_most_ui(ui: &mut Ui, text: &str, width: f32) -> egui::Response {
    let font = theme::strong_font(13.5);
    let color = theme::palette(ui).text;
    let galley = ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font.clone(), color));
    let size = egui::vec2(galley.size().x.min(width), 20.0);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    widgets::paint_text(ui, rect, text, font, color);
    response
}

fn host_ui(ui: &mut Ui, scene: &mut Scene<'_>, is_narrow: bool) {
    let snapshot = scene.snapshot;
    let selected = snapshot
        .selected_host
        .as_ref()
        .and_then(|id| snapshot.host(id));
    let Some(selected) = selected else {
        let add = ui.button(tr!(ui, "bar-no-host"));
        if add.on_hover_text(tr!(ui, "bar-no-host-hint")).clicked() {
            scene.view.page = super::view::Page::Hosts;
        }
        return;
    };
    let (light, word) = link(scene.lang, &selected.link);
    let beside = if is_narrow { 24.0 } else { RIGHT_SIDE + 120.0 };
    let width = (ui.available_width() - beside).clamp(90.0, 280.0);
    let combo = ui.allocate_ui(egui::vec2(width, 28.0), |ui| {
        host_combo_ui(ui, scene, selected, width)
    });
    let facts = link_hover(scene.lang, selected);
    combo.inner.on_hover_text(&facts);
    if is_narrow {
        widgets::mark_ui(ui, light);
    } else {
        widgets::pill_ui(ui, light, word).on_hover_text(facts);
    }
}

fn host_combo_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    selected: &HostStatus,
    width: f32,
) -> egui::Response {
    let snapshot = scene.snapshot;
    let mut chosen: Option<HostId> = None;
    ui.set_max_width(width);
    let combo = ComboBox::from_id_salt("host")
        .width(width)
        .truncate()
        .selected_text(name_of(snapshot, selected))
        .show_ui(ui, |ui| {
            for host in &snapshot.hosts {
                let is_selected = host.profile.id == selected.profile.id;
                if ui
                    .selectable_label(is_selected, host_text(scene, host))
                    .clicked()
                    && !is_selected
                {
                    chosen = Some(host.profile.id.clone());
                }
            }
        });
    combo.response.widget_info(|| {
        let mut info =
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, tr!(scene, "bar-host"));
        info.current_text_value = Some(name_of(snapshot, selected));
        info
    });
    if let Some(host) = chosen {
        scene.commands.push(Command::SelectHost(host));
    }
    combo.response
}

fn host_text(scene: &Scene<'_>, host: &HostStatus) -> String {
    let (_, word) = link(scene.lang, &host.link);
    format!("{} · {word}", name_of(scene.snapshot, host))
}

/// What a host is called: several may have one login.
fn name_of(snapshot: &Snapshot, host: &HostStatus) -> String {
    let (id, profile) = (&host.profile.id, &host.profile);
    let login = profile.login();
    let is_named = snapshot.saved_hosts.contains_key(id) && id.as_str() != profile.address;
    let name = if is_named {
        format!("{id} · {login}")
    } else {
        login
    };
    printable(&name).into_owned()
}

/// A connection in a word.
pub(super) fn link(lang: Lang, link: &LinkStatus) -> (Light, &'static str) {
    let (light, id) = match link {
        LinkStatus::Idle => (Light::Grey, id!("link-idle")),
        LinkStatus::Dialing { .. } => (Light::Amber, id!("link-connecting")),
        LinkStatus::Asking(_) => (Light::Amber, id!("link-asks")),
        LinkStatus::Up { .. } => (Light::Green, id!("link-up")),
        LinkStatus::Waiting { .. } => (Light::Amber, id!("link-waiting")),
        LinkStatus::Failed(_) => (Light::Red, id!("link-failed")),
    };
    (light, lang.text(id))
}

fn link_hover(lang: Lang, host: &HostStatus) -> String {
    let login = host.profile.login();
    let text = match &host.link {
        LinkStatus::Up { session, .. } => format!(
            "{login}\n{} · {}\n{}",
            session.server,
            session.cipher,
            tr!(lang, "link-logged-in", way = &session.authenticated_by)
        ),
        LinkStatus::Waiting { fault, .. } | LinkStatus::Failed(fault) => {
            format!("{}.\n{}", lang.fault(fault), lang.next_step(fault))
        }
        LinkStatus::Idle => format!("{login}\n{}", tr!(lang, "link-when-needed")),
        LinkStatus::Dialing { hop } => tr!(lang, "link-connecting-to", hop = hop),
        LinkStatus::Asking(_) => format!("{login}\n{}", tr!(lang, "link-question")),
    };
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn search_ui(ui: &mut Ui, scene: &mut Scene<'_>, is_narrow: bool) {
    let palette = theme::palette(ui);
    let most = if is_narrow { f32::INFINITY } else { 280.0 };
    let width = (ui.available_width() - 12.0).clamp(110.0, most);
    let field = TextEdit::singleline(&mut scene.view.query)
        .id(search_id())
        .hint_text(tr!(ui, "bar-search"))
        .desired_width(width - 52.0)
        .margin(Margin {
            left: 26,
            right: 26,
            top: 5,
            bottom: 5,
        });
    // Before the field is drawn, so that it has what was typed in the same frame.
    if std::mem::take(&mut scene.view.focus_search) {
        ui.memory_mut(|memory| memory.request_focus(search_id()));
    }
    let response = ui.add(field).accessible_name(tr!(ui, "bar-search-name"));
    let rect = response.rect;
    let glass = egui::pos2(rect.left() + 14.0, rect.center().y);
    super::icons::paint(ui.painter(), Icon::Search, glass, palette.weak);
    if scene.view.query.is_empty() {
        if !response.has_focus() {
            let key = egui::pos2(rect.right() - 14.0, rect.center().y);
            let font = theme::mono_font(12.0);
            ui.painter()
                .text(key, egui::Align2::CENTER_CENTER, "/", font, palette.weak);
        }
    } else {
        let place = egui::Rect::from_center_size(
            egui::pos2(rect.right() - 14.0, rect.center().y),
            egui::Vec2::splat(20.0),
        );
        let clear = ui.scope_builder(egui::UiBuilder::new().max_rect(place), |ui| {
            widgets::icon_button_sized_ui(ui, Icon::Close, tr!(ui, "bar-clear-search"), 20.0)
        });
        if clear.inner.clicked() {
            scene.view.query.clear();
        }
    }
}

/// Follows the system, or one of the two themes.
fn theme_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (icon, name, next) = match scene.window.theme {
        Theme::System => (Icon::Half, tr!(ui, "bar-theme-system"), Theme::Light),
        Theme::Light => (Icon::Sun, tr!(ui, "bar-theme-light"), Theme::Dark),
        Theme::Dark => (Icon::Moon, tr!(ui, "bar-theme-dark"), Theme::System),
    };
    if widgets::icon_button_ui(ui, icon, name).clicked() {
        scene.window.theme = next;
    }
}
