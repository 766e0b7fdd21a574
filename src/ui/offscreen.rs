//! The window without a screen, for whoever measures what a picture costs: each frame is asked for, and nothing paints it.

use std::time::Duration;

use egui::{ClippedPrimitive, Context, Event, FullOutput, Pos2, RawInput, Rect, Vec2};

use super::app::App;
use super::theme;
use crate::engine::Handle;
use crate::l10n::Lang;

/// The window's face, drawn to nowhere.
#[derive(Debug)]
pub struct Offscreen {
    ctx: Context,
    app: App,
    size: Vec2,
    time: Duration,
}

impl Offscreen {
    /// The window of the engine behind `handle`, in points wide and high.
    #[must_use]
    pub fn new(handle: Handle, size: Vec2) -> Self {
        let ctx = Context::default();
        theme::install(&ctx, Vec::new());
        Self {
            ctx,
            app: App::new(handle, None, Lang::English),
            size,
            time: Duration::ZERO,
        }
    }

    /// Does all that the window does for one frame, which comes `later` than the one before: takes the newest snapshot, acts on
    /// `events`, and lays out and draws what is in view, as shapes.
    pub fn frame(&mut self, later: Duration, events: Vec<Event>) -> FullOutput {
        self.time += later;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time.as_secs_f64()),
            events,
            ..RawInput::default()
        };
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| {
            app.think(ui.ctx());
            app.draw_ui(ui);
        });
        // Nobody paints, so nobody needs new letters.
        output.textures_delta.clear();
        output
    }

    /// The triangles of these shapes: what a graphics card, or the program that stands in for one, is given.
    #[must_use]
    pub fn tessellate(&self, output: FullOutput) -> Vec<ClippedPrimitive> {
        self.ctx.tessellate(output.shapes, output.pixels_per_point)
    }

    /// Has every frame say what a screen reader would be told, for [`Offscreen::place_of`].
    pub fn tell(&self) {
        self.ctx.enable_accesskit();
    }

    /// Where the thing of this name stands.
    #[must_use]
    pub fn place_of(output: &FullOutput, name: &str) -> Option<Rect> {
        let told = output.platform_output.accesskit_update.as_ref()?;
        let mut nodes = told.nodes.iter();
        let (_, node) = nodes.find(|(_, node)| node.label() == Some(name))?;
        let bounds = node.bounds()?;
        #[expect(clippy::cast_possible_truncation, reason = "it came from such numbers")]
        let point = |x: f64, y: f64| Pos2::new(x as f32, y as f32);
        Some(Rect::from_min_max(
            point(bounds.x0, bounds.y0),
            point(bounds.x1, bounds.y1),
        ))
    }
}
