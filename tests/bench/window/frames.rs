//! The CPU time of a frame.
//!
//! Counted is what the window's thread does from the moment it wakes until there are triangles to paint: taking the newest snapshot,
//! finding, sorting and grouping rows, acting on keys, laying out and drawing what is in view (`Context::run`), and tessellating it.
//! Not counted is painting the triangles, which is the graphics card's work or that of the program that stands in for one.

use std::sync::Arc;
use std::time::Duration;

use adit::engine::Handle;
use adit::model::{Snapshot, WindowSettings};
use adit::ui::Offscreen;
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, TouchPhase, Vec2};
use tokio::sync::{mpsc, watch};

use super::{clock, world};

/// The window's width and height, in points.
const SIZE: Vec2 = Vec2::new(1600.0, 1000.0);
/// A screen shows so many pictures a second.
const STEP: Duration = Duration::from_micros(16_667);
/// Frames before those that count: fonts are drawn and caches filled.
const WARM_UP: usize = 30;
/// Frames that count.
const COUNTED: usize = 400;
/// Where the pointer is: over the list.
const OVER_THE_LIST: Pos2 = Pos2::new(600.0, 600.0);

/// What came of one scenario.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// The CPU time of each frame, the least first.
    pub(crate) frames: Vec<Duration>,
    /// How much of all that was tessellating.
    pub(crate) tessellated: Duration,
}

/// What is measured: the window, and what happens to it before frame number so many.
struct Scenario {
    name: &'static str,
    start: fn(&mut Snapshot),
    before: fn(&mut Bench, usize),
}

fn bytes_move(bench: &mut Bench, frame: usize) {
    bench.change(|snapshot| {
        snapshot.now = snapshot.now + STEP;
        world::open(snapshot, frame as u64 * 1000);
    });
}

const SCENARIOS: &[Scenario] = &[
    scenario("still", |_| {}, |_, _| {}),
    scenario(
        "the pointer moves over the rows",
        |_| {},
        |bench, frame| {
            let down = f32::from(u16::try_from(frame * 7 % 500).unwrap());
            bench.event(Event::PointerMoved(OVER_THE_LIST - Vec2::new(0.0, down)));
        },
    ),
    scenario("scrolling: other rows in every frame", |_| {}, scroll),
    scenario("grouped, still", grouped, |_, _| {}),
    scenario("grouped, scrolling", grouped, scroll),
    scenario("all in one group, scrolling", one_group, scroll),
    scenario(
        "filtering: a letter typed before every frame",
        |_| {},
        type_one,
    ),
    scenario(
        "sorting: by another column before every frame",
        |_| {},
        |bench, frame| {
            const BY: [&str; 6] = ["service", "port", "metallb", "cluster-ip", "pods", "state"];
            bench.window(|window| {
                window.sorting = Some((BY[frame % 6].to_owned(), (frame / 6).is_multiple_of(2)));
            });
        },
    ),
    scenario(
        "a row selected, its details and diagram beside",
        |_| {},
        |bench, frame| {
            if frame == 0 {
                bench.press(Key::ArrowDown);
            }
        },
    ),
    scenario(
        "arrow down before every frame, details beside",
        |_| {},
        |bench, _| {
            bench.press(Key::ArrowDown);
        },
    ),
    scenario(
        "300 open tunnels, bytes moving in all of them",
        |_| {},
        bytes_move,
    ),
    scenario(
        "the same, grouped and filtered by \"open\"",
        grouped_and_filtered,
        bytes_move,
    ),
    scenario(
        "a service changes before every frame",
        |_| {},
        |bench, frame| {
            bench.change(|snapshot| {
                let pool = format!("pool-{frame}");
                world::put(
                    snapshot,
                    world::service(frame * 31 % world::SERVICES, &pool),
                );
            });
        },
    ),
];

const fn scenario(
    name: &'static str,
    start: fn(&mut Snapshot),
    before: fn(&mut Bench, usize),
) -> Scenario {
    Scenario {
        name,
        start,
        before,
    }
}

fn grouped(snapshot: &mut Snapshot) {
    set(snapshot, |window| window.grouped = true);
}

fn one_group(snapshot: &mut Snapshot) {
    let keys: Vec<_> = snapshot.cluster.services.keys().cloned().collect();
    Arc::make_mut(&mut snapshot.settings)
        .favourites
        .extend(keys);
    world::open(snapshot, 1000);
    grouped(snapshot);
}

fn grouped_and_filtered(snapshot: &mut Snapshot) {
    set(snapshot, |window| {
        window.grouped = true;
        window.filter.light = Some(adit::model::Light::Green);
    });
}

fn set(snapshot: &mut Snapshot, change: impl FnOnce(&mut WindowSettings)) {
    change(&mut Arc::make_mut(&mut snapshot.settings).window);
}

fn scroll(bench: &mut Bench, frame: usize) {
    bench.event(Event::PointerMoved(OVER_THE_LIST));
    // Down and, before the end is reached, up again.
    let down = if (frame / 200).is_multiple_of(2) {
        -1.0
    } else {
        1.0
    };
    bench.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: Vec2::new(0.0, down * 900.0),
        source: egui::MouseWheelSource::Wheel,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
}

/// Types a word letter by letter and takes it back, over and over.
fn type_one(bench: &mut Bench, frame: usize) {
    const WORD: &str = "service-0123 node-4";
    if frame == 0 {
        bench.event(Event::Text("/".to_owned()));
        return;
    }
    let at = (frame - 1) % (2 * WORD.len());
    match WORD.get(at..=at) {
        Some(letter) => bench.event(Event::Text(letter.to_owned())),
        None => bench.press(Key::Backspace),
    }
}

/// The window, the engine that the bench plays, and what happens before the next frame.
struct Bench {
    window: Offscreen,
    snapshot: Snapshot,
    snapshots: watch::Sender<Arc<Snapshot>>,
    _commands: mpsc::UnboundedReceiver<adit::model::Command>,
    events: Vec<Event>,
}

impl Bench {
    fn new(snapshot: Snapshot) -> Self {
        let (sender, commands) = mpsc::unbounded_channel();
        let (snapshots, watched) = watch::channel(Arc::new(snapshot.clone()));
        Self {
            window: Offscreen::new(Handle::new(sender, watched), SIZE),
            snapshot,
            snapshots,
            _commands: commands,
            events: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn press(&mut self, key: Key) {
        for pressed in [true, false] {
            self.events.push(Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: Modifiers::NONE,
            });
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.snapshot);
        self.snapshots.send_replace(Arc::new(self.snapshot.clone()));
    }

    fn window(&mut self, change: impl FnOnce(&mut WindowSettings)) {
        self.change(|snapshot| set(snapshot, change));
    }

    /// One frame: its whole CPU time, and that of tessellating.
    fn frame(&mut self) -> (Duration, Duration) {
        let events = std::mem::take(&mut self.events);
        let began = clock::of_this_thread();
        let output = self.window.frame(STEP, events);
        let drawn = clock::of_this_thread();
        let triangles = self.window.tessellate(output);
        let ended = clock::of_this_thread();
        assert!(!triangles.is_empty());
        (ended.saturating_sub(began), ended.saturating_sub(drawn))
    }
}

/// All scenarios, one after the other, each in a window of its own.
pub(crate) fn measure() -> Vec<Measured> {
    let world = world::world();
    SCENARIOS
        .iter()
        .map(|scenario| {
            let mut snapshot = world.clone();
            (scenario.start)(&mut snapshot);
            let mut bench = Bench::new(snapshot);
            let mut measured = Measured {
                name: scenario.name,
                frames: Vec::with_capacity(COUNTED),
                tessellated: Duration::ZERO,
            };
            for frame in 0..WARM_UP + COUNTED {
                (scenario.before)(&mut bench, frame);
                let (whole, tessellated) = bench.frame();
                if frame >= WARM_UP {
                    measured.frames.push(whole);
                    measured.tessellated += tessellated;
                }
            }
            measured.frames.sort();
            measured
        })
        .collect()
}
