//! One frame of the window: take the newest snapshot, act on keys, draw, send what was asked for.

use std::sync::Arc;
use std::time::Duration;

use egui::{Context, Ui, ViewportCommand};

use super::hosts::{self, Tools};
use super::listing::Rows;
use super::look::Look;
use super::meter::Meter;
use super::scene::Scene;
use super::view::{Overlay, Page, View};
use super::{
    detail, empty, filter_bar, gaps, keys, keys_help, list, map, nav, notices, palette, prompt,
    settings_page, theme, top_bar, wake, words,
};
use crate::engine::Handle;
use crate::l10n::Lang;
use crate::model::{ClusterState, Command, Light, Moment, ProbeVerdict, Snapshot, TunnelState};

/// For how long something that is in progress is shown moving; after that it is drawn standing still.
const MOTION_S: f64 = 20.0;
/// The time between two pictures where only figures change.
const QUIET_STEP: Duration = Duration::from_millis(500);
/// The time between two pictures of something that moves.
const MOTION_STEP: Duration = Duration::from_millis(50);

/// The window's face.
#[derive(Debug)]
pub(super) struct App {
    handle: Handle,
    snapshot: Arc<Snapshot>,
    /// The window's clock when the snapshot came.
    taken_at: f64,
    /// The window's clock until which movement is shown.
    animate_until: f64,
    rows: Rows,
    meter: Meter,
    look: Look,
    view: View,
    commands: Vec<Command>,
    _waker: Option<wake::Waker>,
}

impl App {
    /// A face for the engine behind `handle`; `waker` has it painted anew when there is something new.
    pub(super) fn new(handle: Handle, waker: Option<wake::Waker>, system_language: Lang) -> Self {
        let mut app = Self {
            snapshot: handle.snapshot(),
            handle,
            taken_at: 0.0,
            animate_until: 0.0,
            rows: Rows::default(),
            meter: Meter::default(),
            look: Look::new(system_language),
            view: View::default(),
            commands: Vec::new(),
            _waker: waker,
        };
        if moving(&app.snapshot) > 0 {
            app.animate_until = MOTION_S;
        }
        app.meter.read(&app.snapshot);
        app.find_rows();
        app
    }

    /// The same with these tools.
    pub(super) fn with_tools(mut self, tools: Tools) -> Self {
        self.view.hosts.tools = tools;
        self
    }

    fn find_rows(&mut self) {
        let wish = self.view.wish(self.look.lang(), self.look.window());
        self.rows.update(&self.snapshot, &wish);
    }

    /// Everything that is not drawing.
    pub(super) fn think(&mut self, ctx: &Context) {
        let time = ctx.input(|input| input.time);
        let snapshot = self.handle.snapshot();
        if !Arc::ptr_eq(&snapshot, &self.snapshot) {
            if moving(&snapshot) != moving(&self.snapshot) {
                self.animate_until = time + MOTION_S;
            }
            self.meter.read(&snapshot);
            self.snapshot = snapshot;
            self.taken_at = time;
            self.find_rows();
            self.rows.retain_known(&mut self.view.marked);
        }
        if self.look.follow(ctx, &self.snapshot) {
            self.find_rows();
        }
        if self.snapshot.ended {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Draws everything.
    pub(super) fn draw_ui(&mut self, ui: &mut Ui) {
        let time = ui.input(|input| input.time);
        let before = self.view.wish(self.look.lang(), self.look.window());
        let mut window = self.look.window().clone();
        let now = self.now(time);
        let snapshot = Arc::clone(&self.snapshot);
        let mut scene = Scene {
            lang: self.look.lang(),
            snapshot: &snapshot,
            rows: &self.rows,
            meter: &self.meter,
            window: &mut window,
            view: &mut self.view,
            now,
            animate: self.look.moves() && time < self.animate_until,
            commands: &mut self.commands,
        };
        keys::handle(ui.ctx(), &mut scene);
        cover(ui.ctx(), &mut scene);
        frame_ui(ui, &mut scene);
        self.plan_repaint(ui.ctx(), time);
        self.commands.extend(self.look.take(ui.ctx(), window, time));
        if before != self.view.wish(self.look.lang(), self.look.window()) {
            self.find_rows();
            ui.ctx().request_repaint();
        }
        for command in self.commands.drain(..) {
            self.handle.send(command);
        }
    }

    /// The engine's time, going on from the snapshot's.
    fn now(&self, time: f64) -> Moment {
        let passed = (time - self.taken_at).max(0.0);
        self.snapshot.now + Duration::try_from_secs_f64(passed).unwrap_or_default()
    }

    /// Asks to be painted again when something will have moved by itself: never, if nothing does.
    fn plan_repaint(&self, ctx: &Context, time: f64) {
        let now = self.now(time);
        let flows = self
            .snapshot
            .tunnels
            .keys()
            .any(|id| self.meter.rate(id, now).is_some());
        let in_progress = time < self.animate_until && moving(&self.snapshot) > 0;
        if self.look.moves() && (flows || in_progress) {
            ctx.request_repaint_after(MOTION_STEP);
        } else if flows {
            // The figures of what flows still change.
            ctx.request_repaint_after(QUIET_STEP);
        }
        for tunnel in self.snapshot.tunnels.values() {
            match &tunnel.state {
                // A countdown changes with each second that is left.
                TunnelState::Waiting {
                    retry_at: Some(at), ..
                } if *at > now => {
                    let left = at.since(now);
                    let fraction = Duration::from_nanos(u64::from(left.subsec_nanos()));
                    ctx.request_repaint_after(fraction + Duration::from_millis(5));
                }
                TunnelState::Open { .. } if self.view.selected.is_some() => {
                    ctx.request_repaint_after(Duration::from_mins(1));
                }
                _ => {}
            }
        }
    }
}

/// How much is on its way right now: tunnels, the list of services, probes.
fn moving(snapshot: &Snapshot) -> usize {
    let is_moving = |state: &TunnelState| state.light() == Light::Amber && words::is_moving(state);
    let tunnels = snapshot
        .tunnels
        .values()
        .filter(|tunnel| is_moving(&tunnel.state));
    let probes = snapshot
        .probes
        .iter()
        .filter(|report| report.verdict == ProbeVerdict::Running);
    let is_loading = snapshot.cluster.state == ClusterState::Loading;
    tunnels.count() + probes.count() + usize::from(is_loading)
}

/// Notices that something has come to lie over the page. A tooltip would stay above it for as long as the pointer rests, so the
/// pointer counts as gone until it moves.
fn cover(ctx: &Context, scene: &mut Scene<'_>) {
    let is_covered = !scene.snapshot.prompts.is_empty() || scene.view.overlay != Overlay::None;
    if is_covered && !scene.view.was_covered {
        ctx.input_mut(|input| input.pointer = egui::PointerState::default());
    }
    scene.view.was_covered = is_covered;
}

fn frame_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    top_bar::top_bar_ui(ui, scene);
    notices::status_bar_ui(ui, scene);
    nav::nav_ui(ui, scene);
    match scene.view.page {
        Page::Services => services_ui(ui, scene),
        Page::Hosts => page_ui(ui, |ui| hosts::page_ui(ui, scene)),
        Page::Settings => page_ui(ui, |ui| settings_page::settings_page_ui(ui, scene)),
        Page::Map => page_ui(ui, |ui| map::map_ui(ui, scene)),
    }
    palette::palette_ui(ui, scene);
    keys_help::keys_help_ui(ui, scene);
    prompt::prompt_ui(ui, scene);
}

/// The list, and the details of the selected row.
fn services_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if hosts::is_first_run(scene.snapshot) {
        page_ui(ui, |ui| hosts::welcome_ui(ui, scene));
        return;
    }
    detail::detail_panel_ui(ui, scene);
    page_ui(ui, |ui| {
        gaps::gaps_ui(ui, scene);
        if scene.rows.total() > 0 {
            filter_bar::filter_bar_ui(ui, scene);
        }
        if !empty::empty_ui(ui, scene) {
            list::list_ui(ui, scene);
        }
    });
}

/// What is left of the window, for a page.
fn page_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let frame = egui::Frame::new()
        .fill(theme::palette(ui).surface)
        .inner_margin(egui::Margin {
            left: 8,
            right: 4,
            top: 2,
            bottom: 0,
        });
    egui::CentralPanel::no_frame().frame(frame).show(ui, add);
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.think(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw_ui(ui);
    }
}
