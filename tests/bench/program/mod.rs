//! The bench: what is compared, how it is started, loaded and read.

mod bulk;
mod family;
mod figures;
mod forwarder;
mod http;
mod line;
mod options;
mod report;
mod scenarios;
mod site;
mod sshd;
mod stats;
mod sys;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::marks::between_marks;
use family::Family;
use forwarder::Peer;
use line::Line;
use options::{HELP, Options};
use report::Report;
use scenarios::{Place, SCENARIOS, Scenario, Scene};
use site::Site;

/// The program.
pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(words.into_iter()).and_then(|options| run(&options)) {
        Ok(all_well) if all_well => ExitCode::SUCCESS,
        Ok(_some_failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether nothing failed.
fn run(options: &Options) -> anyhow::Result<bool> {
    if options.list {
        for scenario in SCENARIOS {
            println!("{}", scenario.name);
        }
        return Ok(true);
    }
    let folder = tempfile::Builder::new().prefix("adit-bench").tempdir()?;
    let family = Family::new();
    end_on_interrupt(&family, folder.path())?;
    let result = measure_and_write(options, folder.path(), &family);
    family.close();
    result
}

fn measure_and_write(options: &Options, folder: &Path, family: &Family) -> anyhow::Result<bool> {
    sys::raise_open_files();
    let mut bench = Bench::start(options, folder, family)?;
    bench.report.facts = facts(options);
    for scenario in SCENARIOS {
        if options.wants(scenario.name) {
            bench.measure(scenario);
        }
    }
    if let Ok(line) = &bench.line
        && line.dropped() > 0
    {
        let note = format!(
            "the delay line had no room for {} packets and dropped them",
            line.dropped()
        );
        bench.report.errors.push(note);
    }
    eprintln!("bench: {:3} s: done", bench.began.elapsed().as_secs());
    write(options, &bench.report)?;
    Ok(bench.report.errors.is_empty())
}

/// Ctrl-C and its kin end everything that was started, remove the folder and end the bench.
fn end_on_interrupt(family: &Family, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let came = Arc::new(Notify::new());
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let _inside = runtime.enter();
        let (mut signals, came) = (signal(kind)?, Arc::clone(&came));
        runtime.spawn(async move {
            signals.recv().await;
            came.notify_one();
        });
    }
    let (family, folder) = (family.clone(), folder.to_owned());
    std::thread::spawn(move || {
        runtime.block_on(came.notified());
        family.close();
        if let Err(error) = fs::remove_dir_all(&folder) {
            eprintln!("bench: {} stays: {error}", folder.display());
        }
        std::process::exit(130);
    });
    Ok(())
}

fn write(options: &Options, report: &Report) -> anyhow::Result<()> {
    let table = report.markdown();
    println!("{table}");
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(path, text + "\n").with_context(|| format!("{}", path.display()))?;
        eprintln!("bench: every sample is in {}", path.display());
    }
    if let Some(path) = &options.document {
        let document = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let document = between_marks(&document, "bench", &table)
            .with_context(|| format!("{} has no marks for the table", path.display()))?;
        fs::write(path, document)?;
    }
    Ok(())
}

/// A run.
struct Bench<'a> {
    options: &'a Options,
    family: &'a Family,
    began: Instant,
    loopback: Site,
    /// The line, or why there is none.
    line: Result<Line, String>,
    report: Report,
}

impl<'a> Bench<'a> {
    fn start(options: &'a Options, folder: &Path, family: &'a Family) -> anyhow::Result<Self> {
        let at = |name: &str| -> PathBuf { folder.join(name) };
        Ok(Self {
            options,
            family,
            began: Instant::now(),
            loopback: Site::start(&at("loopback"), Ipv4Addr::LOCALHOST, family)?,
            line: Line::start(&at("line"), family).map_err(|error| format!("{error:#}")),
            report: Report {
                peers: options.peers.iter().map(|peer| peer.name.clone()).collect(),
                ..Report::default()
            },
        })
    }

    /// All rounds of a scenario; in each round every program has its turn, and every other round goes backwards.
    fn measure(&mut self, scenario: &Scenario) {
        if let (Place::Line { .. }, Err(why)) = (scenario.place, &self.line) {
            let note = format!("{}: there is no delay line: {why}", scenario.name);
            self.report.skipped.push(note);
            return;
        }
        let peers: Vec<&Peer> = self.options.peers.iter().collect();
        for round in 0..self.options.rounds(scenario.name, scenario.place) {
            let mut turns: Vec<usize> = (0..peers.len()).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            let mut numbers = vec![vec![None; peers.len()]; scenario.figures.len()];
            for index in turns {
                let name = &peers[index].name;
                let seconds = self.began.elapsed().as_secs();
                eprintln!(
                    "bench: {seconds:3} s: {} {} {name}",
                    scenario.name,
                    round + 1
                );
                match self.turn(scenario, peers[index]) {
                    Ok(outcome) => {
                        for (row, number) in numbers.iter_mut().zip(outcome) {
                            row[index] = Some(number);
                        }
                    }
                    Err(error) => {
                        let note =
                            format!("{}, round {}, {name}: {error:#}", scenario.name, round + 1);
                        eprintln!("bench: {note}");
                        self.report.errors.push(note);
                    }
                }
            }
            for (figure, row) in scenario.figures.iter().zip(numbers) {
                self.report.add(figure, row);
            }
        }
    }

    /// One program's turn: it is started, measured and ended, and so are the sessions that it had.
    fn turn(&self, scenario: &Scenario, peer: &Peer) -> anyhow::Result<Vec<f64>> {
        let (warm, window) = self.options.pace(scenario.place);
        let scene = |site| Scene {
            site,
            peer,
            warm,
            window,
            nearby: scenario.place == Place::Loopback,
            family: self.family,
        };
        let outcome;
        if let Place::Line {
            round_trip_ms,
            tuned,
        } = scenario.place
            && let Ok(line) = &self.line
        {
            line.set(Duration::from_millis(round_trip_ms), tuned)?;
            outcome = line.near(|| scene(&line.site).run(scenario.work));
            line.site.sshd.settle();
        } else {
            outcome = scene(&self.loopback).run(scenario.work);
            self.loopback.sshd.settle();
        }
        outcome
    }
}

/// When, on what machine, of what versions. What cannot be found out is left out.
fn facts(options: &Options) -> Vec<(&'static str, String)> {
    let said = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output().ok()?;
        // ssh tells its version on stderr.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).ok()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    let cpus = std::thread::available_parallelism().ok();
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let mut machine: Vec<String> = cpus.iter().map(|cpus| format!("{cpus} CPUs")).collect();
    machine.extend(model);
    let adit = &options.peers[0].command[0];
    let commit = said("git", &["describe", "--always", "--dirty", "--exclude=*"]);
    let adit = said(adit, &["--version"]).map(|version| match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    });
    [
        ("date", said("date", &["-u", "+%Y-%m-%d"])),
        ("run", Some(options.kind().to_owned())),
        ("machine", Some(machine.join(", "))),
        ("kernel", said("uname", &["-sr"])),
        ("congestion control", line::congestion_control().ok()),
        ("adit", adit),
        ("ssh", said("ssh", &["-V"])),
        ("sshd", sshd::version()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
