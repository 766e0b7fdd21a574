//! What was measured, as tables.

use std::fmt::Write as _;

use crate::objects::PODS_PER_SERVICE;
use crate::process::Cost;
use crate::watcher::Followed;

/// What the two programs' lists cost, round by round.
#[derive(Default)]
pub(crate) struct Lists {
    pub(crate) adit: Vec<Cost>,
    pub(crate) kubectl: Vec<Cost>,
}

/// Both tables, with when and on what they were taken.
pub(crate) fn markdown(lists: &Lists, followed: &[Followed]) -> String {
    let mut text = head(lists.adit.len());
    let largest = followed.iter().map(|one| one.services).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "| {} services, {} pods: from start to the end of a complete list | kubectl | adit | adit/kubectl | aim |\n|---|---|---|---|---|",
        grouped(largest),
        grouped(largest * PODS_PER_SERVICE)
    );
    lists_rows(&mut text, lists);
    text.push('\n');
    followed_rows(&mut text, followed);
    text
}

fn head(rounds: usize) -> String {
    let date = said_by("date", &["-u", "+%F"]);
    let kubectl = said_by("kubectl", &["version", "--client"]);
    let kubectl = kubectl.lines().next().unwrap_or_default();
    let build = if cfg!(debug_assertions) {
        "unoptimised (the profile dev)"
    } else {
        "optimised"
    };
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "date: {date}; adit: {build}; kubectl: {kubectl}; {cpus} CPUs; medians of {rounds} rounds.\n\n"
    )
}

fn lists_rows(text: &mut String, lists: &Lists) {
    let mut row = |name: &str, unit: &str, aim: &str, of: fn(&Cost) -> f64| {
        let (adit, kubectl) = (median(&lists.adit, of), median(&lists.kubectl, of));
        let _ = writeln!(
            text,
            "| {name} | {kubectl:.2} {unit} | {adit:.2} {unit} | {:.2} | {aim} |",
            adit / kubectl
        );
    };
    row("time", "s", "1.00", |cost| cost.wall.as_secs_f64());
    row("CPU time", "s", "", |cost| cost.usage.cpu.as_secs_f64());
    row("peak resident memory", "MiB", "150 MiB (own)", |cost| {
        mib(cost.usage.peak_kib)
    });
}

fn followed_rows(text: &mut String, followed: &[Followed]) {
    text.push_str("| adit's watcher, 1,000 changes a second |");
    for one in followed {
        let pods = one.services * PODS_PER_SERVICE;
        let _ = write!(
            text,
            " {} services, {} pods |",
            grouped(one.services),
            grouped(pods)
        );
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(followed.len()));
    text.push('\n');
    let mut row = |name: &str, of: fn(&Followed) -> String| {
        let cells: Vec<String> = followed.iter().map(of).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    row("live after", |one| {
        format!("{:.2} s", one.live.as_secs_f64())
    });
    row("changes followed", |one| {
        format!("{:.0} /s", one.changes_per_second)
    });
    row("CPU a change", |one| {
        format!("{} µs", one.cpu_a_change.as_micros())
    });
    row("resident once live", |one| {
        format!("{:.0} MiB", mib(one.whole.now_kib))
    });
    row("peak resident", |one| {
        format!("{:.0} MiB", mib(one.end.peak_kib))
    });
}

fn median(costs: &[Cost], of: fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no memory is so large that a megabyte is lost"
)]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// As `20,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a program says of itself.
fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be run, install it first: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
