//! What was measured, as it stands in docs/PERFORMANCE.md.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use super::frames::Measured;
use super::life::Life;
use super::rest::Rest;

/// What a frame may cost.
const FRAME: Duration = Duration::from_millis(4);
/// The share of a core that a window at rest may use.
const SHARE: f64 = 0.005;
/// How long it may take until a window that was asked for is there.
const SHOWN: Duration = Duration::from_secs(1);

/// When, and on what.
pub(crate) fn facts() -> String {
    let said = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let cpu = cpu.lines().find_map(|line| {
        Some(
            line.strip_prefix("model name")?
                .trim_start_matches(['\t', ' ', ':']),
        )
    });
    let build = if cfg!(debug_assertions) {
        "development"
    } else {
        "release"
    };
    format!(
        "date: {}; adit: {}; build: {build}; machine: {} CPUs, {}.\n\n",
        said("date", &["-u", "+%Y-%m-%d"]),
        said("git", &["describe", "--always", "--dirty"]),
        std::thread::available_parallelism().unwrap(),
        cpu.unwrap_or("unknown"),
    )
}

pub(crate) fn of_frames(measured: &[Measured]) -> String {
    let mut text = "| CPU time of a frame, 10,000 services | median | 99 of 100 | longest | of it tessellating | must (99 of 100) | |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for scenario in measured {
        let frames = &scenario.frames;
        let (median, most) = (frames[frames.len() / 2], frames[frames.len() * 99 / 100]);
        let all: Duration = frames.iter().sum();
        let part = scenario.tessellated.as_secs_f64() / all.as_secs_f64() * 100.0;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {part:.0} % | {} | {} |",
            scenario.name,
            ms(median),
            ms(most),
            ms(frames[frames.len() - 1]),
            ms(FRAME),
            verdict(most < FRAME)
        );
    }
    text.push('\n');
    text
}

pub(crate) fn of_rest(measured: &[Rest]) -> String {
    let mut text =
        "| the window at rest, over 20 s | share of a core | must | |\n|---|---|---|---|\n"
            .to_owned();
    for rest in measured {
        let _ = writeln!(
            text,
            "| {} | {:.2} % | {:.1} % | {} |",
            rest.name,
            rest.share * 100.0,
            SHARE * 100.0,
            verdict(rest.share < SHARE)
        );
    }
    text.push('\n');
    text
}

pub(crate) fn of_life(life: &Life) -> String {
    let mut text = "| the process, the window coming and going | resident memory | of it its own | threads | share of a core |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for stage in &life.stages {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} % |",
            stage.name,
            mib(stage.resident_kib),
            mib(stage.own_kib),
            stage.threads,
            stage.share * 100.0,
        );
    }
    text.push_str("\n| until the window is there again | median | longest | must (longest) | |\n|---|---|---|---|---|\n");
    for showing in &life.showings {
        let mut times = showing.times.clone();
        times.sort();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            showing.name,
            ms(median),
            ms(longest),
            ms(SHOWN),
            verdict(longest < SHOWN)
        );
    }
    text
}

fn mib(kib: u64) -> String {
    format!("{} MiB", (kib + 512) / 1024)
}

fn verdict(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "**missed**" }
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
