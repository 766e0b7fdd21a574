//! The rail at the left edge: which page is shown.

use egui::{
    Align2, CornerRadius, CursorIcon, Frame, Margin, Panel, Rect, Response, Role, Sense, Ui,
    WidgetInfo, vec2,
};

use super::icons::{self, Icon};
use super::scene::Scene;
use super::view::Page;
use super::{theme, widgets};
use crate::l10n::{Id, id};

/// The width of the rail.
const WIDTH: f32 = 68.0;
/// The height of an entry.
const ENTRY: f32 = 50.0;
/// What all of them need.
const HEIGHT: f32 = 4.0 * (ENTRY + 4.0) + 8.0;
/// The width of a rail without words, and the height of its entries.
const BARE: f32 = 42.0;

pub(super) fn nav_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let frame = Frame::new()
        .fill(theme::palette(ui).window)
        .inner_margin(Margin::symmetric(4, 6));
    let is_bare = ui.available_width() < theme::NARROW || ui.available_height() < HEIGHT;
    Panel::left("pages")
        .frame(frame)
        .resizable(false)
        .exact_size(if is_bare { BARE } else { WIDTH })
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for page in Page::ALL {
                let is_shown = scene.view.page == page;
                if entry_ui(ui, page, scene.lang.text(name(page)), is_shown).clicked() {
                    scene.view.page = page;
                    scene.view.hosts.leave_way();
                }
            }
        });
}

/// What a page is called.
pub(super) const fn name(page: Page) -> Id {
    match page {
        Page::Services => id!("nav-services"),
        Page::Map => id!("nav-map"),
        Page::Hosts => id!("nav-hosts"),
        Page::Settings => id!("nav-settings"),
    }
}

const fn icon(page: Page) -> Icon {
    match page {
        Page::Services => Icon::List,
        Page::Map => Icon::Map,
        Page::Hosts => Icon::Host,
        Page::Settings => Icon::Sliders,
    }
}

fn entry_ui(ui: &mut Ui, page: Page, name: &str, is_shown: bool) -> Response {
    let is_bare = ui.available_width() < BARE;
    let height = if is_bare { BARE } else { ENTRY };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), is_shown, name));
    let palette = theme::palette(ui);
    let is_lit = response.hovered() || response.has_focus();
    if is_shown || is_lit {
        let fill = if is_shown {
            palette.selected
        } else {
            palette.hover
        };
        ui.painter()
            .rect_filled(rect, CornerRadius::same(theme::RADIUS), fill);
    }
    let color = if is_shown {
        palette.accent
    } else if is_lit {
        palette.text
    } else {
        palette.weak
    };
    if response.has_focus() {
        widgets::ring(ui, rect.shrink(1.0), palette);
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if is_bare {
        icons::paint_sized(ui.painter(), icon(page), rect.center(), 17.0, color);
        return response.on_hover_text(name);
    }
    let above = rect.center_top() + vec2(0.0, 17.0);
    icons::paint_sized(ui.painter(), icon(page), above, 17.0, color);
    let below = Rect::from_min_max(
        rect.left_top() + vec2(1.0, 29.0),
        rect.right_bottom() - vec2(1.0, 4.0),
    );
    let words = if is_shown || is_lit {
        palette.text
    } else {
        palette.weak
    };
    widgets::paint_text_in(
        ui,
        below,
        Align2::CENTER_CENTER,
        name,
        theme::body_font(11.0),
        words,
    );
    response
}
