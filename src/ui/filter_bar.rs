//! The bar above the list: filters, groups and columns; or what can be done with the rows that are marked.

use egui::{Button, ComboBox, Frame, Layout, Margin, RichText, Ui};

use super::icons::Icon;
use super::scene::Scene;
use super::{list, theme, widgets};
use crate::l10n::{Id, id, tr};
use crate::model::{Command, Intent, Light, ServiceType, SettingsChange, printable};

/// Below this width a chip shows its number alone.
const ROOMY: f32 = 760.0;

pub(super) fn filter_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let frame = Frame::new().inner_margin(Margin {
        left: 4,
        right: 8,
        top: 6,
        bottom: 2,
    });
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(28.0);
            ui.spacing_mut().item_spacing.x = 6.0;
            if scene.view.marked.len() > 1 {
                marked_ui(ui, scene);
            } else {
                filters_ui(ui, scene);
            }
        });
    });
}

fn filters_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let is_roomy = ui.available_width() >= ROOMY;
    for light in [
        None,
        Some(Light::Green),
        Some(Light::Amber),
        Some(Light::Red),
    ] {
        chip_ui(ui, scene, light, is_roomy);
    }
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

/// What can be done with several rows at once.
fn marked_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let marked: Vec<_> = scene.view.marked.iter().cloned().collect();
    let text = tr!(ui, "marked-count", count = marked.len());
    ui.label(RichText::new(text).font(theme::strong_font(13.0)));
    ui.add_space(6.0);
    if widgets::primary_button_ui(ui, tr!(ui, "marked-open")).clicked() {
        scene.set_all(marked.iter(), Intent::Up);
    }
    if ui.button(tr!(ui, "marked-close")).clicked() {
        scene.set_all(marked.iter(), Intent::Down);
    }
    let services: Vec<_> = marked
        .iter()
        .filter_map(|id| scene.rows.find(id)?.key().cloned())
        .collect();
    let favourites = &scene.snapshot.settings.favourites;
    let on = !services.iter().all(|service| favourites.contains(service));
    let name = if on {
        tr!(ui, "marked-favourite")
    } else {
        tr!(ui, "marked-no-favourite")
    };
    if !services.is_empty() && ui.button(name).clicked() {
        for service in services {
            let change = SettingsChange::Favourite { service, on };
            scene.commands.push(Command::ChangeSettings(change));
        }
    }
    if ui
        .add(Button::new(tr!(ui, "marked-clear")).frame(false))
        .clicked()
    {
        scene.view.marked.clear();
    }
}
