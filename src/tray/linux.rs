//! The icon as a status notifier item over D-Bus, its menu as com.canonical.dbusmenu.

use std::sync::Arc;

use ksni::blocking::TrayMethods as _;
use ksni::menu::{CheckmarkItem, StandardItem, SubMenu};
use ksni::{Icon, MenuItem, OfflineReason, ToolTip};
use tokio::task::JoinHandle;

use super::act::Hands;
use super::icon::pictures;
use super::menu::{Action, Item, Mood, items, summary};
use crate::control::Faces;
use crate::engine::Handle;
use crate::l10n::Lang;
use crate::model::Snapshot;

/// The task that keeps the icon up to date. The icon goes when this is dropped.
#[derive(Debug)]
pub(super) struct Tray(JoinHandle<()>);

impl Drop for Tray {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the tray shows now.
struct Shown {
    mood: Mood,
    summary: String,
    items: Vec<Item>,
    hands: Hands,
    faces: Faces,
}

/// Shows the icon, or waits for a tray to show it in.
pub(super) fn start(handle: Handle, faces: Faces, system: Lang) -> Tray {
    Tray(tokio::spawn(run(handle, faces, system)))
}

async fn run(mut handle: Handle, faces: Faces, system: Lang) {
    let snapshot = handle.newest();
    let lang = Lang::chosen(snapshot.settings.window.language, system);
    let shown = Shown {
        mood: Mood::of(&snapshot),
        summary: summary(&snapshot, lang),
        items: items(&snapshot, lang),
        hands: Hands::new(handle.clone(), faces.clone()),
        faces,
    };
    // Unless it turns out otherwise.
    shown.faces.set_tray(true);
    let seen = shown.faces.clone();
    // Connecting blocks, and the tray's own tasks run on its own thread.
    let spawned = tokio::task::spawn_blocking(|| shown.assume_sni_available(true).spawn()).await;
    let tray = match spawned {
        Ok(Ok(tray)) => tray,
        Ok(Err(error)) => {
            tracing::info!("there is no tray: {error}");
            seen.set_tray(false);
            return;
        }
        Err(error) => {
            tracing::warn!("the tray could not be started: {error}");
            seen.set_tray(false);
            return;
        }
    };
    let tray = ShutDown(tray);
    let mut snapshot: Arc<Snapshot> = handle.newest();
    let mut mood = Mood::default();
    loop {
        let lang = Lang::chosen(snapshot.settings.window.language, system);
        mood = mood.then(&snapshot);
        let words = summary(&snapshot, lang);
        let menu = items(&snapshot, lang);
        let handle_of_tray = tray.0.clone();
        let update = move || {
            handle_of_tray.update(|shown| {
                (shown.mood, shown.summary, shown.items) = (mood, words, menu);
            })
        };
        if tokio::task::spawn_blocking(update).await.is_err() {
            return;
        }
        match handle.changed().await {
            Ok(next) => snapshot = next,
            Err(_ended) => return,
        }
    }
}

/// Takes the icon away when the task ends.
struct ShutDown(ksni::blocking::Handle<Shown>);

impl Drop for ShutDown {
    fn drop(&mut self) {
        drop(self.0.shutdown());
    }
}

impl ksni::Tray for Shown {
    fn id(&self) -> String {
        "adit".to_owned()
    }

    fn title(&self) -> String {
        "Adit".to_owned()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        pictures(self.mood).into_iter().filter_map(argb).collect()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: "Adit".to_owned(),
            description: self.summary.clone(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.hands.act(&Action::Window);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.items.iter().map(menu_item).collect()
    }

    fn watcher_online(&self) {
        self.faces.set_tray(true);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!("no tray shows the icon: {reason:?}");
        self.faces.set_tray(false);
        // Go on: one may come.
        true
    }
}

/// Red, green, blue, opacity as the specification has them: opacity first.
fn argb(picture: super::icon::Picture) -> Option<Icon> {
    let size = i32::try_from(picture.size).ok()?;
    let mut data = picture.rgba;
    for pixel in data.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    Some(Icon {
        width: size,
        height: size,
        data,
    })
}

fn menu_item(item: &Item) -> MenuItem<Shown> {
    match item {
        Item::Separator => MenuItem::Separator,
        Item::Text(text) => StandardItem {
            label: literal(text),
            enabled: false,
            ..StandardItem::default()
        }
        .into(),
        Item::Button { label, action } => StandardItem {
            label: literal(label),
            enabled: action.is_some(),
            activate: click(action.clone()),
            ..StandardItem::default()
        }
        .into(),
        Item::Switch { label, on, action } => CheckmarkItem {
            label: literal(label),
            checked: *on,
            activate: click(Some(action.clone())),
            ..CheckmarkItem::default()
        }
        .into(),
        Item::Menu { label, items } => SubMenu {
            label: literal(label),
            submenu: items.iter().map(menu_item).collect(),
            ..SubMenu::default()
        }
        .into(),
    }
}

fn click(action: Option<Action>) -> Box<dyn Fn(&mut Shown) + Send> {
    Box::new(move |shown| {
        if let Some(action) = &action {
            shown.hands.act(action);
        }
    })
}

/// In a label one underscore marks an access key, and two are one.
fn literal(text: &str) -> String {
    text.replace('_', "__")
}
