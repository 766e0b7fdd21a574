//! A panel that people use, xfce4-panel, with its tray: a real host of status notifier items, clicked with the mouse.
//!
//! Screen readers do not see into its tray, so its style makes every line of a menu equally high: where a line is follows from
//! its place in the menu, which the panel itself has from the program over D-Bus.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use zbus::Connection;
use zbus::zvariant::{Structure, Value};

use super::LIMIT;
use super::desktop::{Desktop, Service};
use super::x11::{self, Place};

/// A panel along the screen's upper edge, with a tray and nothing else.
const CONFIG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"#;
/// Lines of the same height, separators among them.
const STYLE: &str = "\
    menu, .menu { padding: 0; margin: 0; border: 0; }\n\
    menu > menuitem, menu > separator { min-height: 30px; padding: 0 6px; margin: 0; border: 0; }\n\
    menu > arrow { min-height: 0; }\n";
/// How high they are.
const LINE: u16 = 30;
/// The class of the windows of the panel's tray.
const CLASS: &str = "wrapper-2.0";
/// Where the tray shows its first icon.
const ICON: Place = Place {
    x: 0,
    y: 0,
    width: 23,
    height: 31,
};
/// What a call over the bus may take: the program can end between a click and the next look.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// A panel that runs. It goes when this is dropped.
pub(crate) struct Panel<'a> {
    desktop: &'a Desktop,
    runtime: Runtime,
    bus: Connection,
    _process: Service,
}

/// What the tray shows in its first place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No icon.
    Nothing,
    /// An icon without a colour.
    Grey,
    /// An icon that is green.
    Green,
    /// An icon that is amber.
    Amber,
}

/// A line of a menu, as the program describes it.
#[derive(Clone, Debug)]
struct Line {
    label: String,
    lines: Vec<Line>,
}

impl<'a> Panel<'a> {
    /// Starts it.
    pub(crate) fn start(desktop: &'a Desktop) -> Self {
        let settings = desktop.home().join(".config");
        for (folder, name, text) in [
            (
                "xfce4/xfconf/xfce-perchannel-xml",
                "xfce4-panel.xml",
                CONFIG,
            ),
            ("gtk-3.0", "gtk.css", STYLE),
        ] {
            fs::create_dir_all(settings.join(folder)).unwrap();
            fs::write(settings.join(folder).join(name), text).unwrap();
        }
        let mut command = Command::new("xfce4-panel");
        desktop.host(&mut command);
        command
            .args(["--disable-wm-check", "--sm-client-disable"])
            .env("HOME", desktop.home())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CURRENT_DESKTOP");
        let process = Service::start(&mut command);
        let runtime = Runtime::new().unwrap();
        let bus = zbus::connection::Builder::address(desktop.bus()).unwrap();
        let bus = runtime.block_on(bus.build()).unwrap();
        Self {
            desktop,
            runtime,
            bus,
            _process: process,
        }
    }

    /// Waits until it shows this.
    pub(crate) fn wait_for(&self, wanted: Shown) {
        let display = self.desktop.display();
        wait(&format!("{wanted:?} in the tray"), || {
            (shown(&x11::picture(display, ICON)) == wanted).then_some(())
        });
    }

    /// Clicks the icon with the mouse's first button.
    pub(crate) fn click(&self) {
        self.desktop.press_button(ICON.middle(), 1);
    }

    /// Opens the icon's menu, that of the process `pid`, and clicks the line with the last of these labels, in the menu behind the
    /// line with the one before it. Each is the beginning of a label, and is waited for.
    pub(crate) fn choose(&self, pid: u32, labels: &[&str]) {
        wait(&format!("a menu with {labels:?}"), || {
            find(&self.menu(pid)?, labels)
        });
        self.desktop.press_button(ICON.middle(), 3);
        for depth in 0..labels.len() {
            // The menu may be changing: the panel shows what the program describes in the end.
            let line = wait(&format!("an open menu with {labels:?}"), || {
                let (index, count) = find(&self.menu(pid)?, labels)?[depth];
                let menu = *x11::menus(self.desktop.display(), CLASS).get(depth)?;
                let line = Place {
                    y: menu.y + i16::try_from(LINE).unwrap() * i16::try_from(index).unwrap(),
                    height: LINE,
                    ..menu
                };
                (menu.height == LINE * u16::try_from(count).unwrap()).then_some(line)
            });
            self.desktop.press_button(line.middle(), 1);
        }
        wait("a closed menu", || {
            x11::menus(self.desktop.display(), CLASS)
                .is_empty()
                .then_some(())
        });
    }

    /// The menu as the panel gets it (com.canonical.dbusmenu); none where the program is not there.
    fn menu(&self, pid: u32) -> Option<Vec<Line>> {
        let item = format!("org.kde.StatusNotifierItem-{pid}-1");
        let names: [&str; 0] = [];
        let arguments = (0_i32, -1_i32, &names[..]);
        let interface = Some("com.canonical.dbusmenu");
        let call = self.bus.call_method(
            Some(item.as_str()),
            "/MenuBar",
            interface,
            "GetLayout",
            &arguments,
        );
        let in_time = async { tokio::time::timeout(CALL_LIMIT, call).await };
        let reply = self.runtime.block_on(in_time).ok()?.ok()?;
        let body = reply.body();
        let answer: Structure<'_> = body.deserialize().unwrap();
        let [_revision, layout] = answer.fields() else {
            panic!("no layout: {answer:?}")
        };
        Some(line(layout).lines)
    }
}

/// Looks until there is what is looked for.
fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "there is not {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a picture of the tray's first place shows: where there is no icon it is all of one colour. The bytes of a pixel are blue,
/// green, red and one more.
fn shown(picture: &[u8]) -> Shown {
    let pixels = || picture.chunks_exact(4).map(|pixel| &pixel[..3]);
    let background = pixels().next();
    if pixels().all(|pixel| Some(pixel) == background) {
        return Shown::Nothing;
    }
    let (mut green, mut amber) = (0, 0);
    for pixel in pixels() {
        let [blue, green_part, red] = [0, 1, 2].map(|part| i32::from(pixel[part]));
        green += usize::from(green_part - red.max(blue) > 40);
        amber += usize::from(red.min(green_part) - blue > 60 && red > green_part);
    }
    match (green, amber) {
        (..10, ..10) => Shown::Grey,
        (green, amber) if green > amber => Shown::Green,
        _ => Shown::Amber,
    }
}

/// The way to a line: its index in each menu, and how many lines that one has.
fn find(menu: &[Line], labels: &[&str]) -> Option<Vec<(usize, usize)>> {
    let (label, rest) = labels.split_first()?;
    let index = menu.iter().position(|line| line.label.starts_with(label))?;
    let mut path = vec![(index, menu.len())];
    if !rest.is_empty() {
        path.extend(find(&menu[index].lines, rest)?);
    }
    Some(path)
}

fn line(value: &Value<'_>) -> Line {
    let value = match value {
        Value::Value(inner) => inner,
        other => other,
    };
    let Value::Structure(item) = value else {
        panic!("no line of a menu: {value:?}")
    };
    let [
        Value::I32(_id),
        Value::Dict(properties),
        Value::Array(lines),
    ] = item.fields()
    else {
        panic!("no line of a menu: {item:?}")
    };
    let label: Option<String> = properties.get(&"label").ok().flatten();
    Line {
        label: label.unwrap_or_default(),
        lines: lines.iter().map(line).collect(),
    }
}
