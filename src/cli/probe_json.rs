//! The JSON of `adit probe -o json`, as docs/json.md describes it. Fields are only ever added.

use serde::Serialize;

use super::events::FaultJson;
use super::failure::Failure;
use crate::model::{
    LikelyCause, ProbeCheck, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget, ProbeVerdict,
};

#[derive(Debug, Serialize)]
pub(super) struct ReportJson<'a> {
    service: Option<String>,
    port: Option<u16>,
    host: Option<&'a str>,
    verdict: &'static str,
    first_broken: Option<usize>,
    works_by: Vec<&'static str>,
    pods_left_out: usize,
    steps: Vec<StepJson<'a>>,
}

#[derive(Debug, Serialize)]
struct StepJson<'a> {
    check: &'static str,
    subject: String,
    route: Option<&'static str>,
    name: Option<&'a str>,
    outcome: &'static str,
    micros: Option<u64>,
    note: Option<String>,
    fault: Option<FaultJson>,
    likely: Option<LikelyJson>,
}

#[derive(Debug, Serialize)]
struct LikelyJson {
    code: &'static str,
    message: String,
    remedy: String,
}

impl<'a> From<&'a ProbeReport> for ReportJson<'a> {
    fn from(report: &'a ProbeReport) -> Self {
        let (service, port) = match &report.target {
            ProbeTarget::Service { service, port } => (Some(service.to_string()), Some(*port)),
            ProbeTarget::Host(_) => (None, None),
        };
        let (first_broken, works_by) = match &report.verdict {
            ProbeVerdict::Partly { first, works_by } => (Some(*first), works_by.as_slice()),
            ProbeVerdict::Broken { first } => (Some(*first), [].as_slice()),
            ProbeVerdict::Running | ProbeVerdict::Works | ProbeVerdict::Cancelled => {
                (None, [].as_slice())
            }
        };
        Self {
            service,
            port,
            host: report.host.as_deref(),
            verdict: report.verdict.code(),
            first_broken,
            works_by: works_by.iter().map(|route| route.as_str()).collect(),
            pods_left_out: report.pods_left_out,
            steps: report.steps.iter().map(StepJson::from).collect(),
        }
    }
}

impl<'a> From<&'a ProbeStep> for StepJson<'a> {
    fn from(step: &'a ProbeStep) -> Self {
        let name = match &step.check {
            ProbeCheck::Target { name, .. } => name.as_deref(),
            _ => None,
        };
        let mut json = Self {
            check: step.check.code(),
            subject: step.check.subject(),
            route: step.route().map(crate::model::Route::as_str),
            name,
            outcome: step.outcome.code(),
            micros: None,
            note: None,
            fault: None,
            likely: None,
        };
        match &step.outcome {
            ProbeOutcome::Pending | ProbeOutcome::Running => {}
            ProbeOutcome::Passed { micros, note } => {
                json.micros = *micros;
                json.note = note.as_ref().map(ToString::to_string);
            }
            ProbeOutcome::Failed { fault, likely } => {
                json.fault = Some(FaultJson::from(&Failure::from(fault)));
                json.likely = likely.map(LikelyJson::from);
            }
            ProbeOutcome::Skipped(reason) => json.note = Some(reason.to_string()),
        }
        json
    }
}

impl From<LikelyCause> for LikelyJson {
    fn from(cause: LikelyCause) -> Self {
        Self {
            code: cause.code(),
            message: cause.to_string(),
            remedy: cause.remedy().to_string(),
        }
    }
}
