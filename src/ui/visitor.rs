//! The window as a visitor of the running instance: it comes when it is asked for, goes when it is closed, and the tunnels
//! know nothing of it.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use egui::{Context, Ui, UserAttentionType, ViewportCommand};

use super::app::App;
use crate::control::{Faces, Seat, WindowWish};
use crate::engine::Handle;

/// Where a panic of the window is kept until its event loop has come to an end.
pub(super) type Broken = Rc<RefCell<Option<Box<dyn Any + Send>>>>;

/// The window's face in its place among the faces.
#[derive(Debug)]
pub(super) struct Visitor {
    app: App,
    handle: Handle,
    faces: Faces,
    seat: Seat,
    broken: Broken,
}

impl Visitor {
    /// Takes the place. Wishes wake the window of `ctx`; should it break, the reason is left in `broken`.
    pub(super) fn new(
        app: App,
        handle: Handle,
        faces: Faces,
        ctx: &Context,
        broken: Broken,
    ) -> Self {
        let ctx = ctx.clone();
        let seat = faces.window_opened(move || ctx.request_repaint());
        Self {
            app,
            handle,
            faces,
            seat,
            broken,
        }
    }

    /// Does a part of the window's work. A panic in it ends the event loop as closing does: one that went through the loop would
    /// leave it in the middle of its work, and no window could be opened any more.
    fn guard(&mut self, ctx: &Context, part: impl FnOnce(&mut Self)) {
        if self.is_broken() {
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| part(self))) {
            *self.broken.borrow_mut() = Some(panic);
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.borrow().is_some()
    }

    /// Does what others wish.
    fn oblige(&self, ctx: &Context) {
        match self.seat.take_wish() {
            Some(WindowWish::Raise) => {
                for command in [
                    ViewportCommand::Visible(true),
                    ViewportCommand::Minimized(false),
                    ViewportCommand::Focus,
                    ViewportCommand::RequestUserAttention(UserAttentionType::Informational),
                ] {
                    ctx.send_viewport_cmd(command);
                }
            }
            Some(WindowWish::Close) => ctx.send_viewport_cmd(ViewportCommand::Close),
            None => {}
        }
    }

    /// Where the tray needs the event loop to go on, a window that is closed is only hidden.
    fn hide_on_close(&self, ctx: &Context) {
        let closing = ctx.input(|input| input.viewport().close_requested());
        if closing && !self.faces.is_ending() && self.faces.stays(&self.handle.snapshot()) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::Visible(false));
        }
    }
}

impl eframe::App for Visitor {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.guard(ctx, |visitor| {
            visitor.oblige(ctx);
            if cfg!(not(target_os = "linux")) {
                visitor.hide_on_close(ctx);
            }
            visitor.app.logic(ctx, frame);
        });
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.guard(&ctx, |visitor| {
            break_on_purpose();
            visitor.app.ui(ui, frame);
        });
    }
}

/// Panics where a test asks for it by a file: a real window must be seen to break without harm. Not in a release.
fn break_on_purpose() {
    #[cfg(debug_assertions)]
    if let Some(file) = std::env::var_os("ADIT_TEST_PANIC_FILE")
        && std::fs::remove_file(file).is_ok()
    {
        panic!("a test asked for this");
    }
}
