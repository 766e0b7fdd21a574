//! What a click in the menu does.

use std::sync::mpsc;

use super::menu::Action;
use crate::control::Faces;
use crate::engine::Handle;
use crate::model::{Behaviour, Command, SettingsChange};

/// Does what was clicked. Never blocks: the browser and the clipboard have a thread of their own.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    handle: Handle,
    faces: Faces,
    desktop: mpsc::Sender<Desk>,
}

/// What the desktop is asked for.
#[derive(Debug)]
enum Desk {
    Copy(String),
    Browse(String),
}

impl Hands {
    /// Starts the thread, which ends with the last of these.
    pub(super) fn new(handle: Handle, faces: Faces) -> Self {
        let (desktop, wishes) = mpsc::channel();
        let told = handle.clone();
        std::thread::spawn(move || serve(&wishes, &told));
        Self {
            handle,
            faces,
            desktop,
        }
    }

    pub(super) fn act(&self, action: &Action) {
        match action {
            Action::Want(ids, intent) => {
                for id in ids {
                    let (id, intent) = (id.clone(), *intent);
                    self.handle.send(Command::SetIntent { id, intent });
                }
            }
            Action::Copy(text) => self.ask(Desk::Copy(text.clone())),
            Action::Browse(url) => self.ask(Desk::Browse(url.clone())),
            Action::Window => self.faces.show_window(),
            Action::StartAtLogin(on) => {
                let behaviour = Behaviour {
                    start_at_login: *on,
                    ..self.handle.snapshot().settings.behaviour
                };
                let change = SettingsChange::Behaviour(behaviour);
                self.handle.send(Command::ChangeSettings(change));
            }
            Action::Quit => self.faces.end(),
        }
    }

    fn ask(&self, wish: Desk) {
        if self.desktop.send(wish).is_err() {
            tracing::warn!("the thread for the clipboard and the browser has ended");
        }
    }
}

fn serve(wishes: &mpsc::Receiver<Desk>, told: &Handle) {
    // On X11 and Wayland what was copied is served by whoever copied it, for as long as this lives.
    let mut clipboard = None;
    for wish in wishes {
        let done = match wish {
            Desk::Copy(text) => copy(&mut clipboard, text),
            Desk::Browse(url) => webbrowser::open(&url)
                .map_err(|error| format!("{url} could not be opened in the browser: {error}")),
        };
        if let Err(problem) = done {
            told.send(Command::Notice(problem));
        }
    }
}

fn copy(clipboard: &mut Option<arboard::Clipboard>, text: String) -> Result<(), String> {
    let failed = |error: arboard::Error| format!("{error}: nothing was copied");
    if clipboard.is_none() {
        *clipboard = Some(arboard::Clipboard::new().map_err(failed)?);
    }
    match clipboard {
        Some(clipboard) => clipboard.set_text(text).map_err(failed),
        None => Ok(()),
    }
}
