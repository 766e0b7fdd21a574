//! What the window costs: the CPU time of a frame with 10,000 services in the list, and of a window at rest.
//!
//! Run it with `cargo bench --bench window`; with `-- --document FILE` the tables go into that document as well,
//! and `-- --frames` or `-- --rest` measures one of them. The second half shows the real program on an X server of its own, painted in software:
//! it needs Xvfb, xdotool and dbus-daemon, which `tests/run --prepare` installs.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where it finds what it does not expect"
)]

mod clock;
mod frames;
#[path = "../marks.rs"]
mod marks;
mod rest;
mod table;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut frames, mut rest, mut document) = (false, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // cargo adds it.
            "--bench" => {}
            "--frames" => frames = true,
            "--rest" => rest = true,
            "--document" => document = Some(words.next().expect("--document wants a file")),
            other => {
                eprintln!("'{other}' is not known: --frames, --rest, --document FILE");
                return ExitCode::from(2);
            }
        }
    }
    let both = !frames && !rest;
    let mut text = table::facts();
    if both || frames {
        text.push_str(&table::of_frames(&frames::measure()));
    }
    if both || rest {
        text.push_str(&table::of_rest(&rest::measure()));
    }
    println!("{text}");
    if let Some(document) = document {
        let before = std::fs::read_to_string(&document).unwrap();
        let after = marks::between_marks(&before, "window", &text).expect("the marks are missing");
        std::fs::write(document, after).unwrap();
    }
    ExitCode::SUCCESS
}
