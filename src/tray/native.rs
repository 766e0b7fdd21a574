//! The icon on macOS and Windows, by `tray-icon`. It belongs to the one thread whose event loop the system has it live on:
//! the main thread on macOS, a thread of its own on Windows.

#[cfg(target_os = "macos")]
#[path = "native/macos.rs"]
mod thread;
#[cfg(windows)]
#[path = "native/windows.rs"]
mod thread;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tray_icon::menu::{
    CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu,
};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::act::Hands;
use super::icon::pictures;
use super::menu::{Action, Item, Mood, items, summary};
use crate::control::Faces;
use crate::engine::Handle;
use crate::l10n::Lang;
use thread::Thread;

/// The task that keeps the icon up to date. The icon goes when this is dropped.
#[derive(Debug)]
pub(super) struct Tray(JoinHandle<()>);

impl Drop for Tray {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the tray shows now.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    mood: Mood,
    summary: String,
    items: Vec<Item>,
}

/// What the lines of the menu that is shown do, by their place in the whole of it.
type Actions = Arc<Mutex<Vec<Action>>>;

/// The icon's own place in its thread.
#[derive(Default)]
struct Place {
    icon: Option<TrayIcon>,
    /// Where it could not be shown, that is said once.
    has_failed: bool,
}

/// Shows the icon, as soon as its thread has an event loop.
pub(super) fn start(handle: Handle, faces: Faces, system: Lang) -> Tray {
    let hands = Hands::new(handle.clone(), faces.clone());
    let actions = Actions::default();
    listen(hands, Arc::clone(&actions));
    let thread = Thread::start(actions, faces);
    Tray(tokio::spawn(run(handle, system, thread)))
}

async fn run(mut handle: Handle, system: Lang, thread: Thread) {
    let mut snapshot = handle.newest();
    let mut mood = Mood::default();
    let mut shown = None;
    loop {
        let lang = Lang::chosen(snapshot.settings.window.language, system);
        mood = mood.then(&snapshot);
        let next = Shown {
            mood,
            summary: summary(&snapshot, lang),
            items: items(&snapshot, lang),
        };
        // A menu that is set anew closes under the person's hand.
        if shown.as_ref() != Some(&next) {
            thread.show(next.clone());
            shown = Some(next);
        }
        match handle.changed().await {
            Ok(next) => snapshot = next,
            Err(_ended) => return,
        }
    }
}

/// Has clicks do what they say.
fn listen(hands: Hands, actions: Actions) {
    let clicked = hands.clone();
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        } = event
        {
            clicked.act(&Action::Window);
        }
    }));
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let actions = actions.lock().unwrap_or_else(PoisonError::into_inner);
        let index = event.id().0.parse::<usize>().ok();
        if let Some(action) = index.and_then(|index| actions.get(index)) {
            hands.act(action);
        }
    }));
}

impl Place {
    /// Shows this. Only ever called on the icon's thread.
    fn show(&mut self, shown: &Shown, actions: &Actions, faces: &Faces) {
        let done = self.try_show(shown, actions);
        faces.set_tray(done.is_ok());
        if let Err(error) = done
            && !std::mem::replace(&mut self.has_failed, true)
        {
            tracing::warn!("there is no tray: {error}");
        }
    }

    fn try_show(
        &mut self,
        shown: &Shown,
        actions: &Actions,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut own = Vec::new();
        let menu = Menu::new();
        for item in &shown.items {
            menu.append(&*menu_item(item, &mut own)?)?;
        }
        *actions.lock().unwrap_or_else(PoisonError::into_inner) = own;
        let tip = format!("Adit: {}", shown.summary);
        match &self.icon {
            Some(icon) => {
                icon.set_icon(picture(shown.mood))?;
                icon.set_tooltip(Some(tip))?;
                icon.set_menu(Some(Box::new(menu)));
            }
            None => {
                let mut builder = TrayIconBuilder::new()
                    .with_menu(Box::new(menu))
                    .with_tooltip(tip)
                    .with_menu_on_left_click(cfg!(target_os = "macos"));
                if let Some(picture) = picture(shown.mood) {
                    builder = builder.with_icon(picture);
                }
                self.icon = Some(builder.build()?);
            }
        }
        Ok(())
    }
}

/// The picture that both systems make smaller where they need to.
fn picture(mood: Mood) -> Option<Icon> {
    let picture = pictures(mood).pop()?;
    Icon::from_rgba(picture.rgba, picture.size, picture.size).ok()
}

fn menu_item(
    item: &Item,
    actions: &mut Vec<Action>,
) -> Result<Box<dyn IsMenuItem>, tray_icon::menu::Error> {
    let mut id = |action: &Action| {
        actions.push(action.clone());
        (actions.len() - 1).to_string()
    };
    Ok(match item {
        Item::Separator => Box::new(PredefinedMenuItem::separator()),
        Item::Text(text) => Box::new(MenuItem::new(literal(text), false, None)),
        Item::Button { label, action } => match action {
            Some(action) => Box::new(MenuItem::with_id(id(action), literal(label), true, None)),
            None => Box::new(MenuItem::new(literal(label), false, None)),
        },
        Item::Switch { label, on, action } => {
            let label = literal(label);
            Box::new(CheckMenuItem::with_id(id(action), label, true, *on, None))
        }
        Item::Menu { label, items } => {
            let menu = Submenu::new(literal(label), true);
            for item in items {
                menu.append(&*menu_item(item, actions)?)?;
            }
            Box::new(menu)
        }
    })
}

/// In a label one ampersand marks an access key, and two are one.
fn literal(text: &str) -> String {
    text.replace('&', "&&")
}
