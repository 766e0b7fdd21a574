//! A tray and a notification service on a desktop's session bus, as a panel has them.

#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "an interface's methods have the arguments that its specification gives them"
)]

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Runtime;
use zbus::Connection;
use zbus::zvariant::{OwnedValue, Structure, Value};

use super::LIMIT;

const MENU: &str = "/MenuBar";
const MENU_INTERFACE: &str = "com.canonical.dbusmenu";

/// A `StatusNotifierWatcher` with a host, and org.freedesktop.Notifications.
pub(crate) struct TrayHost {
    runtime: Runtime,
    bus: Connection,
    items: mpsc::Receiver<String>,
    notes: mpsc::Receiver<Note>,
}

/// A notification that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) replaces: u32,
}

/// A line of the menu.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
}

struct Watcher(mpsc::Sender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str) {
        self.0.send(service.to_owned()).unwrap();
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

struct Notifications(mpsc::Sender<Note>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's own")]
    fn notify(
        &self,
        _app: &str,
        replaces: u32,
        _icon: &str,
        title: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout_ms: i32,
    ) -> u32 {
        let note = Note {
            title: title.to_owned(),
            body: body.to_owned(),
            replaces,
        };
        self.0.send(note).unwrap();
        7
    }
}

impl TrayHost {
    /// Takes both places on the bus at `address`.
    pub(crate) fn start(address: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (item, items) = mpsc::channel();
        let (note, notes) = mpsc::channel();
        let bus = runtime.block_on(async {
            zbus::connection::Builder::address(address)
                .unwrap()
                .serve_at("/StatusNotifierWatcher", Watcher(item))
                .unwrap()
                .serve_at("/org/freedesktop/Notifications", Notifications(note))
                .unwrap()
                .name("org.kde.StatusNotifierWatcher")
                .unwrap()
                .name("org.freedesktop.Notifications")
                .unwrap()
                .build()
                .await
                .unwrap()
        });
        Self {
            runtime,
            bus,
            items,
            notes,
        }
    }

    /// The next icon that comes.
    pub(crate) fn icon(&self) -> Icon<'_> {
        let service = self.items.recv_timeout(LIMIT).expect("no icon came");
        Icon {
            host: self,
            service,
        }
    }

    /// The next notification.
    pub(crate) fn note(&self, limit: Duration) -> Option<Note> {
        self.notes.recv_timeout(limit).ok()
    }

    fn call<B>(
        &self,
        service: &str,
        (path, interface): (&str, &str),
        method: &str,
        body: &B,
    ) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let call = self
            .bus
            .call_method(Some(service), path, Some(interface), method, body);
        let in_time = async { tokio::time::timeout(LIMIT, call).await };
        self.runtime.block_on(in_time).unwrap().unwrap()
    }
}

/// An icon in the tray.
pub(crate) struct Icon<'a> {
    host: &'a TrayHost,
    service: String,
}

impl Icon<'_> {
    /// Every line of the menu, those of its menus too.
    pub(crate) fn menu(&self) -> Vec<Line> {
        let names: [&str; 0] = [];
        let call = (0_i32, -1_i32, &names[..]);
        let reply = self
            .host
            .call(&self.service, (MENU, MENU_INTERFACE), "GetLayout", &call);
        let body = reply.body();
        let answer: Structure<'_> = body.deserialize().unwrap();
        let [_revision, layout] = answer.fields() else {
            panic!("no layout: {answer:?}")
        };
        let mut lines = Vec::new();
        flatten(layout, &mut lines);
        lines
    }

    /// The line whose label begins so, once there is one that can be clicked.
    pub(crate) fn line(&self, label: &str) -> Line {
        let end = std::time::Instant::now() + LIMIT;
        loop {
            let menu = self.menu();
            let found = menu
                .iter()
                .find(|line| line.label.starts_with(label) && line.enabled);
            if let Some(line) = found {
                return line.clone();
            }
            assert!(std::time::Instant::now() < end, "no '{label}' in {menu:#?}");
        }
    }

    /// Clicks a line.
    pub(crate) fn click(&self, label: &str) {
        let line = self.line(label);
        let call = (line.id, "clicked", Value::from(""), 0_u32);
        self.host
            .call(&self.service, (MENU, MENU_INTERFACE), "Event", &call);
    }

    /// The widths of the icon's pictures, and the first one's pixels.
    pub(crate) fn pictures(&self) -> (Vec<i32>, Vec<u8>) {
        let asked = ("org.kde.StatusNotifierItem", "IconPixmap");
        let reply = self.host.call(
            &self.service,
            ("/StatusNotifierItem", "org.freedesktop.DBus.Properties"),
            "Get",
            &asked,
        );
        let value: OwnedValue = reply.body().deserialize().unwrap();
        let pictures: Vec<(i32, i32, Vec<u8>)> = value.try_into().unwrap();
        let widths = pictures.iter().map(|picture| picture.0).collect();
        (widths, pictures[0].2.clone())
    }
}

fn flatten(value: &Value<'_>, lines: &mut Vec<Line>) {
    let value = match value {
        Value::Value(inner) => inner,
        other => other,
    };
    let Value::Structure(item) = value else {
        panic!("no line of a menu: {value:?}")
    };
    let [
        Value::I32(id),
        Value::Dict(properties),
        Value::Array(children),
    ] = item.fields()
    else {
        panic!("no line of a menu: {item:?}")
    };
    let label: Option<String> = properties.get(&"label").ok().flatten();
    let enabled: Option<bool> = properties.get(&"enabled").ok().flatten();
    if let Some(label) = label {
        lines.push(Line {
            id: *id,
            label,
            enabled: enabled.unwrap_or(true),
        });
    }
    for child in children.iter() {
        flatten(child, lines);
    }
}
