//! The bar above the list: filters, groups and columns; or what can be done with the rows that are marked.

use std::collections::BTreeSet;

use egui::{Button, ComboBox, Frame, Layout, Margin, RichText, Ui, vec2};

use super::icons::Icon;
use super::rows::RowId;
use super::scene::Scene;
use super::{list, theme, widgets};
use crate::l10n::{Id, id, tr};
use crate::model::{Command, Intent, Light, ServiceType, SettingsChange, printable};

/// Below this width a chip shows its number alone.
const ROOMY: f32 = 760.0;
/// Below this width the filters take two lines.
const TWO_LINES: f32 = 480.0;

pub(super) fn filter_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let frame = Frame::new().inner_margin(Margin {
        left: 4,
        right: 8,
        top: 6,
        bottom: 2,
    });
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
        let width = ui.available_width();
        let add_line = |ui: &mut Ui, scene: &mut Scene<'_>, add: fn(&mut Ui, &mut Scene<'_>)| {
            ui.horizontal(|ui| {
                ui.set_min_height(28.0);
                add(ui, scene);
            });
        };
        if scene.view.marked.len() > 1 {
            ui.horizontal_wrapped(|ui| {
                ui.set_min_height(28.0);
                marked_ui(ui, scene);
            });
        } else if width < TWO_LINES {
            add_line(ui, scene, |ui, scene| lights_ui(ui, scene, false));
            add_line(ui, scene, more_ui);
        } else {
            add_line(ui, scene, |ui, scene| {
                lights_ui(ui, scene, ui.available_width() >= ROOMY);
                more_ui(ui, scene);
            });
        }
    });
}

/// A chip for each light.
fn lights_ui(ui: &mut Ui, scene: &mut Scene<'_>, is_roomy: bool) {
    for light in [
        None,
        Some(Light::Green),
        Some(Light::Amber),
        Some(Light::Red),
    ] {
        chip_ui(ui, scene, light, is_roomy);
    }
}

/// The other filters, and how the list looks.
fn more_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    namespace_ui(ui, scene);
    types_ui(ui, scene);
    ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let columns = tr!(ui, "list-columns");
        let button = widgets::icon_button_ui(ui, Icon::Columns, columns);
        egui::Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| list::columns_menu_ui(ui, scene));
        let is_grouped = scene.window.grouped;
        let name = if is_grouped {
            tr!(ui, "list-ungroup")
        } else {
            tr!(ui, "list-group")
        };
        if widgets::icon_toggle_ui(ui, Icon::Groups, name, is_grouped).clicked() {
            scene.window.grouped = !is_grouped;
        }
    });
}

/// What a light is called as a filter.
pub(super) const fn filter_name(light: Option<Light>) -> Id {
    match light {
        None => id!("filter-all"),
        Some(Light::Green) => id!("filter-open"),
        Some(Light::Amber) => id!("filter-on-the-way"),
        Some(Light::Red) => id!("filter-need-you"),
        Some(Light::Grey) => id!("filter-off"),
    }
}

fn chip_ui(ui: &mut Ui, scene: &mut Scene<'_>, light: Option<Light>, is_roomy: bool) {
    let tunnels = scene.snapshot.tunnels.values();
    let count = match light {
        None => scene.rows.total(),
        Some(light) => tunnels
            .filter(|tunnel| tunnel.state.light() == light)
            .count(),
    };
    let is_chosen = scene.window.filter.light == light;
    if light.is_some() && count == 0 && !is_chosen {
        return;
    }
    let name = scene.lang.text(filter_name(light));
    let words = if is_roomy || light.is_none() {
        format!("{name} {count}")
    } else {
        count.to_string()
    };
    let response = widgets::chip_ui(ui, light, &words, is_chosen);
    let response = response.accessible_name(tr!(scene, "filter-show", filter = name));
    if response.on_hover_text(name).clicked() {
        // A second click on the chosen one shows all again.
        scene.window.filter.light = if is_chosen { None } else { light };
    }
}

fn namespace_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rows = scene.rows;
    if rows.namespaces().len() < 2 && scene.window.filter.namespace.is_none() {
        return;
    }
    let all = tr!(ui, "filter-every-namespace");
    let chosen = scene.window.filter.namespace.clone();
    let shown = chosen.as_deref().unwrap_or(all);
    let combo = ComboBox::from_id_salt("namespace filter")
        .width(150.0)
        .truncate()
        .selected_text(printable(shown).into_owned())
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut scene.window.filter.namespace, None, all);
            for name in rows.namespaces() {
                let text = printable(name).into_owned();
                ui.selectable_value(&mut scene.window.filter.namespace, Some(name.clone()), text);
            }
        });
    combo.response.widget_info(|| {
        let name = tr!(scene, "column-namespace");
        let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name);
        info.current_text_value = Some(shown.to_owned());
        info
    });
}

/// Which types of services are listed besides LoadBalancer.
fn types_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let more = scene.window.filter.more_types.len();
    let mut name = tr!(ui, "filter-types").to_owned();
    if more > 0 {
        name = format!("{name} +{more}");
    }
    let button = ui.button(name).on_hover_text(tr!(ui, "filter-types-hint"));
    egui::Popup::menu(&button)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            for kind in ServiceType::ALL {
                if kind == ServiceType::LoadBalancer {
                    continue;
                }
                let types = &mut scene.window.filter.more_types;
                let mut is_listed = types.contains(&kind);
                if ui.checkbox(&mut is_listed, kind.as_str()).changed() {
                    if is_listed {
                        types.insert(kind);
                    } else {
                        types.remove(&kind);
                    }
                }
            }
        });
}

/// Makes the services of the marked rows favourites, or none where all of them are.
fn favourites_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let favourites = &scene.snapshot.settings.favourites;
    let services = || scene.view.marked.iter().filter_map(RowId::service);
    if services().next().is_none() {
        return;
    }
    let on = services().any(|service| !favourites.contains(service));
    let name = if on {
        tr!(ui, "marked-favourite")
    } else {
        tr!(ui, "marked-no-favourite")
    };
    if ui.button(name).clicked() {
        let services: BTreeSet<_> = services().cloned().collect();
        scene.commands.extend(
            services
                .into_iter()
                .map(|service| Command::ChangeSettings(SettingsChange::Favourite { service, on })),
        );
    }
}

/// What can be done with several rows at once.
fn marked_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let text = tr!(ui, "marked-count", count = scene.view.marked.len());
    ui.label(RichText::new(text).font(theme::strong_font(13.0)));
    ui.add_space(6.0);
    let (closed, open) = scene.marked_to_change();
    let name = tr!(ui, "marked-open", count = closed);
    let button = ui.add_enabled_ui(closed > 0, |ui| widgets::primary_button_ui(ui, &name));
    if button.inner.clicked() {
        let marked = scene.view.marked.clone();
        scene.set_all(marked.iter(), Intent::Up);
    }
    let close = Button::new(tr!(ui, "marked-close", count = open));
    if ui.add_enabled(open > 0, close).clicked() {
        let marked = scene.view.marked.clone();
        scene.set_all(marked.iter(), Intent::Down);
    }
    favourites_ui(ui, scene);
    if ui
        .add(Button::new(tr!(ui, "marked-clear")).frame(false))
        .clicked()
    {
        scene.view.marked.clear();
    }
}
