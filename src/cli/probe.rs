//! `adit probe`: every hop of the way to a service, or to an SSH host alone, tried once.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::args::{Format, ProbeArgs};
use super::console::Console;
use super::failure::Failure;
use super::list::first_view;
use super::probe_json::ReportJson;
use super::session::{Dialog, End};
use super::up::choose_port;
use crate::model::{
    Command, HostProfile, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget, ProbeVerdict, Route,
    printable,
};

/// Probes what was asked for through the host of `profile`, which the engine knows already, and prints each step as it ends.
/// Whether every hop works.
///
/// # Errors
/// A failure where the probe cannot be made at all.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &ProbeArgs,
    profile: HostProfile,
    console: &mut Console,
) -> anyhow::Result<bool> {
    let Some(asked) = &args.service else {
        return run_host(dialog, profile, args.output, console).await;
    };
    let service = asked.service.clone();
    let port = if let Some(port) = asked.port {
        port
    } else {
        let snapshot = first_view(dialog, console).await?;
        choose_port(&service, &snapshot)?
    };
    dialog.send(Command::Probe {
        service: service.clone(),
        port,
    });
    follow(
        dialog,
        &ProbeTarget::Service { service, port },
        args.output,
        console,
    )
    .await
}

/// The same of the way to the host of `profile` alone.
///
/// # Errors
/// A failure where the probe cannot be made at all.
pub(super) async fn run_host(
    dialog: &mut Dialog,
    profile: HostProfile,
    format: Format,
    console: &mut Console,
) -> anyhow::Result<bool> {
    let target = ProbeTarget::Host(profile.id.clone());
    dialog.send(Command::ProbeHost(Box::new(profile)));
    follow(dialog, &target, format, console).await
}

/// Prints what comes of the probe that was begun.
async fn follow(
    dialog: &mut Dialog,
    target: &ProbeTarget,
    format: Format,
    console: &mut Console,
) -> anyhow::Result<bool> {
    let mut printer = Printer {
        console,
        format,
        printed: 0,
    };
    let mut last: Option<Arc<ProbeReport>> = None;
    let end = dialog
        .follow(|snapshot| {
            let Some(report) = snapshot.probe_of(target) else {
                return Ok(ControlFlow::Continue(()));
            };
            printer.steps(report)?;
            last = Some(Arc::clone(report));
            Ok(if report.is_over() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })
        .await?;
    match (end, last) {
        (End::Enough, Some(report)) => {
            printer.end(&report)?;
            Ok(report.verdict == ProbeVerdict::Works)
        }
        (End::Interrupted, _) => Err(Failure::new(
            "interrupted",
            "interrupted before every hop was tried",
            "Start it again.",
        )
        .into()),
        (End::Enough | End::EngineEnded, _) => Err(Failure::new(
            "engine-ended",
            "the engine ended before every hop was tried",
            "Start it again with ADIT_LOG=debug and report what it says.",
        )
        .into()),
    }
}

struct Printer<'a> {
    console: &'a mut Console,
    format: Format,
    /// How many steps were printed.
    printed: usize,
}

impl Printer<'_> {
    /// Prints the steps that have ended since the last time. They end in their order.
    fn steps(&mut self, report: &ProbeReport) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        while let Some(step) = report.steps.get(self.printed) {
            if matches!(step.outcome, ProbeOutcome::Pending | ProbeOutcome::Running) {
                break;
            }
            self.printed += 1;
            self.console.text(&line(step))?;
        }
        Ok(())
    }

    fn end(&mut self, report: &ProbeReport) -> anyhow::Result<()> {
        match self.format {
            Format::Json => {
                let json = serde_json::to_string_pretty(&ReportJson::from(report))?;
                self.console.json(&json)
            }
            Format::Table => self.console.text(&verdict(report)),
        }
    }
}

/// As `ok      connect to ubuntu@node  1.2 ms`.
fn line(step: &ProbeStep) -> String {
    let what = printable(&step.check.to_string()).into_owned();
    match &step.outcome {
        ProbeOutcome::Pending | ProbeOutcome::Running => String::new(),
        ProbeOutcome::Passed { micros, note } => {
            let took = micros.map(|micros| format!(", {}", milliseconds(micros)));
            let note = note.as_ref().map(|note| format!(": {note}"));
            let (took, note) = (took.unwrap_or_default(), note.unwrap_or_default());
            format!("ok      {what}{took}{}\n", printable(&note))
        }
        ProbeOutcome::Failed { fault, .. } => {
            format!("broken  {what}: {}\n", printable(&fault.to_string()))
        }
        ProbeOutcome::Skipped(reason) => format!("-       {what}: {reason}\n"),
    }
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

fn verdict(report: &ProbeReport) -> String {
    let mut lines = Vec::new();
    if report.pods_left_out > 0 {
        lines.push(format!(
            "{} more ready pods were not tried.",
            report.pods_left_out
        ));
    }
    match report.first_broken() {
        Some(broken) => lines.extend(broken_lines(broken)),
        None if report.verdict == ProbeVerdict::Works => lines.push("Every hop works.".to_owned()),
        None => lines.push("Cancelled.".to_owned()),
    }
    if let ProbeVerdict::Partly { works_by, .. } = &report.verdict {
        let routes: Vec<&str> = works_by.iter().copied().map(Route::as_str).collect();
        lines.push(format!("What works: --route {}", routes.join(" or ")));
    }
    let lines: Vec<_> = lines.iter().map(|line| printable(line)).collect();
    lines.join("\n") + "\n"
}

/// The hop with its likely cause, and what to do.
fn broken_lines(step: &ProbeStep) -> Vec<String> {
    let hop = format!("The first broken hop: {}", step.check);
    match &step.outcome {
        ProbeOutcome::Failed {
            likely: Some(cause),
            ..
        } => vec![format!("{hop} - {cause}."), format!("  {}", cause.remedy())],
        ProbeOutcome::Failed { fault, .. } => {
            vec![format!("{hop}."), format!("  {}", fault.next_step())]
        }
        _ => vec![hop],
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{
        Destination, Fault, FaultCause, Hop, Moment, ProbeCheck, ProbeFacts, ProbeId, ProbeNote,
        ServiceKey, judge,
    };

    fn target(route: Route, host: &str, name: Option<&str>, outcome: ProbeOutcome) -> ProbeStep {
        ProbeStep {
            check: ProbeCheck::Target {
                route,
                destination: Some(Destination::tcp(host, 80)),
                name: name.map(Into::into),
            },
            outcome,
        }
    }

    fn passed(micros: u64, note: ProbeNote) -> ProbeOutcome {
        ProbeOutcome::Passed {
            micros: Some(micros),
            note: Some(note),
        }
    }

    /// A MetalLB IP that drops what comes from the host, though all else works.
    fn report() -> ProbeReport {
        let after = std::time::Duration::from_secs(4);
        let hangs = ProbeOutcome::Failed {
            fault: Fault {
                hop: Hop::Target(Destination::tcp("10.0.0.241", 80)),
                cause: FaultCause::TargetTimedOut { after },
            },
            likely: None,
        };
        let hop = || "u@h".to_owned();
        let key = ProbeNote::Fingerprint("SHA256:x".to_owned());
        let answer = ProbeNote::Http("HTTP/1.1 200 \u{1b}[2J".to_owned());
        let step = |check, outcome| ProbeStep { check, outcome };
        let mut report = ProbeReport {
            id: ProbeId(1),
            target: ProbeTarget::Service {
                service: ServiceKey::new("default", "ui"),
                port: 80,
            },
            host: Some(hop()),
            started: Moment::START,
            steps: vec![
                step(
                    ProbeCheck::Connect { hop: hop() },
                    passed(1234, ProbeNote::Quiet),
                ),
                step(ProbeCheck::HostKey { hop: hop() }, passed(0, key)),
                target(Route::MetalLb, "10.0.0.241", None, hangs),
                target(Route::ClusterIp, "10.96.0.7", None, passed(900, answer)),
                target(
                    Route::Pod,
                    "10.244.1.7",
                    Some("ui-1"),
                    ProbeOutcome::Pending,
                ),
            ],
            pods_left_out: 2,
            verdict: ProbeVerdict::Running,
        };
        let facts = ProbeFacts {
            has_source_ranges: true,
            ready_pods: 3,
            ..ProbeFacts::default()
        };
        judge(&mut report, facts, false);
        report
    }

    async fn probe(words: &[&str]) -> (anyhow::Result<bool>, Written) {
        let Some(Cmd::Probe(args)) = Cli::parse_from(words).command else {
            panic!("{words:?} probes nothing")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        engine.publish(|snapshot| snapshot.probes = vec![Arc::new(report())]);
        let (mut console, out, _) = console();
        let profile = HostProfile::new("u", "h", 22);
        let result = run(&mut dialog, &args, profile, &mut console).await;
        (result, out)
    }

    #[tokio::test]
    async fn the_json_is_the_golden_file() {
        let (result, out) = probe(&["adit", "probe", "default/ui:80", "-o", "json"]).await;
        assert!(!result.unwrap());
        assert_eq!(out.text(), include_str!("../../tests/golden/probe.json"));
    }

    #[tokio::test]
    async fn the_words_name_the_first_broken_hop_and_what_to_do() {
        let (result, out) = probe(&["adit", "probe", "default/ui:80"]).await;
        assert!(!result.unwrap());
        assert_eq!(
            out.text(),
            "ok      connect to u@h, 1.2 ms: takes the connection\n\
             ok      host key of u@h, 0.0 ms: SHA256:x\n\
             broken  MetalLB IP 10.0.0.241:80: the SSH host got no answer from 10.0.0.241:80 within 4 s\n\
             ok      ClusterIP 10.96.0.7:80, 0.9 ms: answers: HTTP/1.1 200 \u{fffd}[2J\n\
             -       Pod IP 10.244.1.7:80 (ui-1): not tried: an earlier hop is broken\n\
             2 more ready pods were not tried.\n\
             The first broken hop: MetalLB IP 10.0.0.241:80 - likely loadBalancerSourceRanges leave the SSH host out.\n\
             \x20 Add the SSH host's address to spec.loadBalancerSourceRanges, or take the ClusterIP: --route clusterip.\n\
             What works: --route clusterip\n"
        );
    }
}
