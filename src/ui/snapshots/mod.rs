//! The states of the window as committed pictures, in both themes. `UPDATE_SNAPSHOTS=1 cargo test ui::snapshots` makes them anew.

mod hosts;
mod raster;
mod states;
mod ways;

use std::sync::Arc;

use egui::{Key, Theme};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{SnapshotOptions, SnapshotResults};

use super::hosts::Tools;
use super::nav;
use super::tests::Window;
use super::view::Page;
use crate::l10n::Lang;
use crate::model::{self, Snapshot};
use raster::Raster;

/// What is shown of a state.
struct Shot {
    name: &'static str,
    size: [f32; 2],
    page: Page,
    /// How often the selection is moved down.
    selected: usize,
    /// What is clicked then, by its label.
    clicks: &'static [&'static str],
    snapshot: Snapshot,
}

fn all() -> impl Iterator<Item = Shot> {
    let all = [states::all(), ways::all(), hosts::all()];
    all.into_iter().flatten()
}

#[test]
fn every_state_looks_as_it_was_last_approved() {
    let mut results = SnapshotResults::new();
    for shot in all() {
        for (theme, suffix) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
            let mut snapshot = shot.snapshot.clone();
            Arc::make_mut(&mut snapshot.settings).window.theme = match theme {
                Theme::Dark => model::Theme::Dark,
                Theme::Light => model::Theme::Light,
            };
            let mut window = Window::rendered(snapshot, shot.size, theme, Raster::default());
            window.harness.set_render_cursor(false);
            if shot.page != Page::Services {
                let lang = Lang::chosen(shot.snapshot.settings.window.language, Lang::English);
                window.click(lang.text(nav::name(shot.page)));
            }
            for _ in 0..shot.selected {
                window.press(Key::ArrowDown);
            }
            for label in shot.clicks {
                window.click(label);
            }
            // Hover and fades have come to rest.
            window.harness.run_steps(4);
            let options = SnapshotOptions::new().max_failed_pixels(0_usize);
            let name = format!("{}-{suffix}", shot.name);
            results.add(window.harness.try_snapshot_options(name, &options));
        }
    }
}

/// A step of the clock in the test below: longer than anything is shown moving.
const LONG_S: f32 = 25.0;

#[test]
fn no_state_paints_itself_anew_once_it_stands_still() {
    for shot in states::all() {
        let builder = egui_kittest::Harness::builder().with_step_dt(LONG_S);
        let mut window = Window::built(
            shot.snapshot.clone(),
            shot.size,
            Theme::Dark,
            builder,
            Tools::default(),
        );
        window.harness.run_steps(3);
        if shot.page != Page::Services {
            let name = Lang::English.text(nav::name(shot.page));
            window.harness.get_by_label(name).click();
        }
        for _ in 0..shot.selected {
            window.harness.key_press(Key::ArrowDown);
            window.harness.run_steps(1);
        }
        window.harness.run_steps(4);
        let viewports = &window.harness.output().viewport_output;
        let delay = viewports[&egui::ViewportId::ROOT].repaint_delay;
        assert!(
            // How long a tunnel has been open is told in minutes.
            delay >= std::time::Duration::from_secs(50),
            "{}: {delay:?}, because of {:?}",
            shot.name,
            window.harness.ctx.repaint_causes()
        );
    }
}
