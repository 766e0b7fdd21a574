//! What the window costs: the CPU time of a frame with 10,000 services in the list, that of a window at rest, and what a window
//! takes that comes and goes.
//!
//! Run it with `cargo bench --bench window`; with `-- --document FILE` the tables go into that document as well,
//! and `-- --frames`, `-- --rest` or `-- --life` measures one of them. All but the frames show the real program on an X server of its own, painted in software:
//! it needs Xvfb, xdotool and dbus-daemon, which `tests/run --prepare` installs.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where it finds what it does not expect"
)]

mod clock;
mod desktop;
mod frames;
mod life;
#[path = "../marks.rs"]
mod marks;
mod rest;
mod table;
mod world;
#[allow(dead_code, reason = "shared with tests that ask for more of it")]
#[path = "../../e2e/support/x11.rs"]
mod x11;

use std::process::ExitCode;
use std::time::Duration;

/// How long anything may take before it is given up.
const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let (mut frames, mut rest, mut life, mut document) = (false, false, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // cargo adds it.
            "--bench" => {}
            "--frames" => frames = true,
            "--rest" => rest = true,
            "--life" => life = true,
            "--document" => document = Some(words.next().expect("--document wants a file")),
            other => {
                eprintln!("'{other}' is not known: --frames, --rest, --life, --document FILE");
                return ExitCode::from(2);
            }
        }
    }
    let all = !frames && !rest && !life;
    let mut text = table::facts();
    if all || frames {
        text.push_str(&table::of_frames(&frames::measure()));
    }
    if all || rest {
        text.push_str(&table::of_rest(&rest::measure()));
    }
    if all || life {
        text.push_str(&table::of_life(&life::measure()));
    }
    println!("{text}");
    if let Some(document) = document {
        let before = std::fs::read_to_string(&document).unwrap();
        let after = marks::between_marks(&before, "window", &text).expect("the marks are missing");
        std::fs::write(document, after).unwrap();
    }
    ExitCode::SUCCESS
}
