//! `adit hosts test`: every hop of the way to a host, as each is tried.

use std::ops::ControlFlow;

use super::console::Console;
use super::failure::Failure;
use super::session::{Dialog, End};
use super::up::engine_ended;
use crate::model::{
    Command, HostProfile, ProbeCheck, ProbeOutcome, ProbeReport, ProbeStep, ProbeVerdict, Snapshot,
};

/// Tries the way and prints each step when it is done.
///
/// # Errors
/// A failure that names the first broken hop.
pub(super) async fn run(
    dialog: &mut Dialog,
    profile: HostProfile,
    console: &mut Console,
) -> anyhow::Result<()> {
    dialog.send(Command::ProbeHost(Box::new(profile)));
    let mut printed = 0;
    let mut verdict = Ok(());
    let look = |snapshot: &std::sync::Arc<Snapshot>| {
        let Some(report) = snapshot.probes.last() else {
            return Ok(ControlFlow::Continue(()));
        };
        while let Some(line) = report.steps.get(printed).and_then(line) {
            console.data(&line)?;
            printed += 1;
        }
        if !report.is_over() {
            return Ok(ControlFlow::Continue(()));
        }
        verdict = outcome(report);
        Ok(ControlFlow::Break(()))
    };
    match dialog.follow(look).await? {
        End::Enough => Ok(verdict?),
        End::Interrupted => Err(Failure::new("interrupted", "interrupted", "").into()),
        End::EngineEnded => Err(engine_ended().into()),
    }
}

fn outcome(report: &ProbeReport) -> Result<(), Failure> {
    if report.verdict == ProbeVerdict::Works {
        return Ok(());
    }
    match report.first_broken().map(|step| &step.outcome) {
        Some(ProbeOutcome::Failed { fault, .. }) => Err(Failure::from(fault)),
        _ => Err(Failure::new(
            "probe-cancelled",
            "the test was cancelled",
            "",
        )),
    }
}

/// A step that is done, in a line; none while it is not.
fn line(step: &ProbeStep) -> Option<String> {
    let (mark, words) = match &step.outcome {
        ProbeOutcome::Pending | ProbeOutcome::Running => return None,
        ProbeOutcome::Passed { micros, note } => {
            let took = micros.map(|micros| format!("{}.{} ms", micros / 1000, micros % 1000 / 100));
            let note = note.as_ref().map(ToString::to_string);
            let words: Vec<String> = took.into_iter().chain(note).collect();
            ("ok", words.join(", "))
        }
        ProbeOutcome::Failed { fault, .. } => ("FAILED", fault.to_string()),
        ProbeOutcome::Skipped(reason) => ("-", reason.to_string()),
    };
    let what = match &step.check {
        ProbeCheck::LocalPort(_) => "local port",
        ProbeCheck::Name { .. } => "name",
        ProbeCheck::Connect { .. } => "connection",
        ProbeCheck::HostKey { .. } => "host key",
        ProbeCheck::Login { .. } => "login",
        ProbeCheck::Forwarding => "forwarding",
        ProbeCheck::Service { .. } => "service",
        ProbeCheck::Target { .. } => "target",
    };
    let subject = step.check.subject();
    let line = format!("{mark:<7}{what:<12}{subject}  {words}");
    Some(line.trim_end().to_owned())
}
