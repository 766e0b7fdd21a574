//! The page of settings: how the window looks and how Adit behaves.

use egui::{Checkbox, Grid, Label, ScrollArea, Slider, Ui};

use super::columns::ListColumn;
use super::scene::Scene;
use super::theme;
use crate::l10n::{Id, Lang, id, tr};
use crate::model::{Behaviour, Command, Language, SettingsChange, Theme};

/// The width of a column that reads well.
const WIDTH: f32 = 560.0;
/// Narrower ones have no room for a name and a choice side by side.
const NARROW: f32 = 430.0;

pub(super) fn settings_page_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WIDTH.min(ui.available_width() - 16.0));
        ui.visuals_mut().indent_has_left_vline = false;
        ui.add_space(14.0);
        ui.indent("settings", |ui| {
            ui.label(theme::title(tr!(ui, "nav-settings")));
            ui.add_space(theme::GROUP_GAP);
            look_ui(ui, scene);
            ui.add_space(theme::GROUP_GAP * 1.5);
            list_ui(ui, scene);
            ui.add_space(theme::GROUP_GAP * 1.5);
            behaviour_ui(ui, scene);
            ui.add_space(24.0);
        });
    });
}

fn look_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.label(theme::caption(ui, tr!(ui, "settings-look")));
    ui.add_space(4.0);
    // Each choice below its name where there is no room beside it.
    let is_narrow = ui.available_width() < NARROW;
    Grid::new("look")
        .num_columns(2)
        .spacing([18.0, 10.0])
        .min_col_width(130.0)
        .show(ui, |ui| {
            name_ui(ui, tr!(ui, "settings-language"), is_narrow);
            let system = tr!(ui, "settings-as-system");
            choice_ui(
                ui,
                &mut scene.window.language,
                &[
                    (Language::System, system),
                    (Language::English, Lang::English.own_name()),
                    (Language::Korean, Lang::Korean.own_name()),
                ],
            );
            ui.end_row();
            name_ui(ui, tr!(ui, "settings-theme"), is_narrow);
            let names = [
                (Theme::System, system),
                (Theme::Light, tr!(ui, "settings-light")),
                (Theme::Dark, tr!(ui, "settings-dark")),
            ];
            choice_ui(ui, &mut scene.window.theme, &names);
            ui.end_row();
            name_ui(ui, tr!(ui, "settings-zoom"), is_narrow);
            let zoom = Slider::new(&mut scene.window.zoom_percent, 60..=250)
                .step_by(10.0)
                .suffix(" %")
                // In the middle of a drag the slider would run away from under the pointer.
                .update_while_editing(false);
            let response = ui.add(zoom);
            response.accessible_name(tr!(ui, "settings-zoom"));
            ui.end_row();
        });
    ui.add_space(4.0);
    check_ui(
        ui,
        &mut scene.window.reduced_motion,
        id!("settings-reduced-motion"),
        id!("settings-reduced-motion-hint"),
    );
}

fn name_ui(ui: &mut Ui, name: &str, is_narrow: bool) {
    ui.label(name);
    if is_narrow {
        ui.end_row();
    }
}

fn list_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.label(theme::caption(ui, tr!(ui, "settings-list")));
    ui.add_space(4.0);
    check_ui(
        ui,
        &mut scene.window.grouped,
        id!("list-group"),
        id!("settings-grouped-hint"),
    );
    ui.label(tr!(ui, "settings-columns"));
    ui.horizontal_wrapped(|ui| {
        for column in ListColumn::ALL
            .into_iter()
            .filter(|column| column.can_be_hidden())
        {
            let hidden = &mut scene.window.hidden_columns;
            let mut is_shown = !hidden.contains(column.name());
            let name = scene.lang.text(column.title());
            if ui.checkbox(&mut is_shown, name).changed() {
                if is_shown {
                    hidden.remove(column.name());
                } else {
                    hidden.insert(column.name().to_owned());
                }
            }
        }
    });
}

fn behaviour_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.label(theme::caption(ui, tr!(ui, "settings-behaviour")));
    ui.add_space(4.0);
    let before = scene.snapshot.settings.behaviour;
    let mut behaviour = before;
    let Behaviour {
        reopen_tunnels,
        start_at_login,
        close_to_tray,
        notify,
    } = &mut behaviour;
    for (on, name, hint) in [
        (
            reopen_tunnels,
            id!("settings-reopen"),
            id!("settings-reopen-hint"),
        ),
        (
            start_at_login,
            id!("settings-login"),
            id!("settings-login-hint"),
        ),
        (
            close_to_tray,
            id!("settings-tray"),
            id!("settings-tray-hint"),
        ),
        (notify, id!("settings-notify"), id!("settings-notify-hint")),
    ] {
        check_ui(ui, on, name, hint);
    }
    if behaviour != before {
        let change = SettingsChange::Behaviour(behaviour);
        scene.commands.push(Command::ChangeSettings(change));
    }
}

/// One of a few, side by side.
fn choice_ui<T: Copy + PartialEq>(ui: &mut Ui, chosen: &mut T, choices: &[(T, &str)]) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (value, name) in choices {
            let button = egui::Button::selectable(*chosen == *value, *name);
            if ui.add(button.frame_when_inactive(true)).clicked() {
                *chosen = *value;
            }
        }
    });
}

fn check_ui(ui: &mut Ui, on: &mut bool, name: Id, hint: Id) {
    use crate::l10n::Speaks as _;
    let lang = ui.lang();
    ui.add(Checkbox::new(on, lang.text(name)));
    ui.indent(hint.0, |ui| {
        let hint = theme::weak(ui, lang.text(hint)).size(12.0);
        ui.add(Label::new(hint).wrap());
    });
    ui.add_space(4.0);
}
