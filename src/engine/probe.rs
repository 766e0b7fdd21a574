//! Probes, as the supervisor holds them: it starts them, keeps their reports, and ends them. The work is done by a task of
//! each probe's own, on sessions of its own, so that nothing it waits for keeps a tunnel waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::AbortOnDrop;
use super::probe_run::ProbeRun;
use super::publish::no_host;
use super::supervisor::Supervisor;
use crate::model::{
    HostId, HostProfile, LocalBind, ProbeCheck, ProbeFacts, ProbeId, ProbeOutcome, ProbeReport,
    ProbeStep, ProbeTarget, ProbeVerdict, ServiceKey, TunnelId, host_steps, judge,
};

/// How many reports are kept.
const REPORTS_KEPT: usize = 16;

/// How many probes run side by side at most; the oldest gives way.
const RUNNING_MAX: usize = 4;

/// A probe's dials are numbered from here on, far from those of the links.
const FIRST_DIAL: u64 = 1 << 63;

/// Every probe.
#[derive(Default)]
pub(super) struct Probes {
    last: u64,
    running: BTreeMap<ProbeId, Running>,
    reports: Vec<Arc<ProbeReport>>,
}

/// A probe that goes on.
struct Running {
    _task: AbortOnDrop,
    host: HostId,
    facts: ProbeFacts,
}

/// What a probe's task tells.
pub(super) struct ProbeNews {
    /// The report as it is now.
    pub(super) report: ProbeReport,
    /// What is known for its verdict.
    pub(super) facts: ProbeFacts,
    /// Whether that was all.
    pub(super) over: bool,
}

/// The number by which a probe's dials ask their questions.
pub(super) const fn dial_of(id: ProbeId) -> u64 {
    FIRST_DIAL + id.0
}

impl Probes {
    pub(super) fn reports(&self) -> Vec<Arc<ProbeReport>> {
        self.reports.clone()
    }

    /// Whether this is the dial of a probe that goes on.
    pub(super) fn is_dialing(&self, dial: u64) -> bool {
        dial.checked_sub(FIRST_DIAL)
            .is_some_and(|id| self.running.contains_key(&ProbeId(id)))
    }

    fn put(&mut self, report: ProbeReport) {
        match self.reports.iter_mut().find(|old| old.id == report.id) {
            Some(old) => *old = Arc::new(report),
            None => self.reports.push(Arc::new(report)),
        }
        while self.reports.len() > REPORTS_KEPT {
            let oldest = self.reports.iter().position(|report| report.is_over());
            self.reports.remove(oldest.unwrap_or(0));
        }
    }

    fn get(&self, id: ProbeId) -> Option<&Arc<ProbeReport>> {
        self.reports.iter().find(|report| report.id == id)
    }
}

impl Supervisor {
    pub(super) fn probe_service(&mut self, service: ServiceKey, port: u16) {
        let id = TunnelId::service(service.clone(), port);
        let entry = self.tunnels.get(&id);
        let local = entry.map_or_else(
            || LocalBind::preferred_for(port),
            |entry| entry.spec.local.clone(),
        );
        let is_bound = entry.is_some_and(|entry| !entry.listening.is_empty());
        let host = entry
            .map(|entry| entry.spec.host.clone())
            .or_else(|| self.selected_host.clone())
            .unwrap_or_else(|| HostId::new(""));
        let target = ProbeTarget::Service { service, port };
        let Some(profile) = self.host(&host).map(|host| host.profile.clone()) else {
            self.probe_without_host(target, local, &host);
            return;
        };
        let taken = self.ports_of_others(&id);
        self.begin_probe(target, profile, Some((local, is_bound, taken)));
    }

    pub(super) fn probe_host(&mut self, profile: HostProfile) {
        self.begin_probe(ProbeTarget::Host(profile.id.clone()), profile, None);
    }

    fn begin_probe(
        &mut self,
        target: ProbeTarget,
        profile: HostProfile,
        local: Option<(LocalBind, bool, Vec<u16>)>,
    ) {
        let bind = local.as_ref().map(|(bind, ..)| bind.clone());
        let steps = host_steps(&target, bind, &profile);
        let report = self.new_report(target, Some(profile.login()), steps);
        let (id, host) = (report.id, profile.id.clone());
        self.probes.put(report.clone());
        let run = ProbeRun {
            report,
            facts: ProbeFacts::default(),
            profile,
            local,
            snapshots: self.snapshots.subscribe(),
            happenings: self.happenings.clone(),
        };
        let running = Running {
            _task: AbortOnDrop(tokio::spawn(run.run())),
            host,
            facts: ProbeFacts::default(),
        };
        self.probes.running.insert(id, running);
        if self.probes.running.len() > RUNNING_MAX
            && let Some(oldest) = self.probes.running.keys().next().copied()
        {
            self.cancel_probe(oldest);
        }
    }

    /// A new report takes the place of those of the same target.
    fn new_report(
        &mut self,
        target: ProbeTarget,
        host: Option<String>,
        steps: Vec<ProbeStep>,
    ) -> ProbeReport {
        let of_same = |report: &&Arc<ProbeReport>| report.target == target;
        if let Some(before) = self.probes.reports.iter().find(of_same) {
            let id = before.id;
            self.cancel_probe(id);
            self.probes.reports.retain(|report| report.id != id);
        }
        self.probes.last += 1;
        ProbeReport {
            id: ProbeId(self.probes.last),
            target,
            host,
            started: self.now(),
            steps,
            pods_left_out: 0,
            verdict: ProbeVerdict::Running,
        }
    }

    /// There is nobody to go through: that is the broken hop.
    fn probe_without_host(&mut self, target: ProbeTarget, local: LocalBind, host: &HostId) {
        let name = ProbeCheck::Name {
            host: host.to_string(),
        };
        let broken = ProbeStep {
            check: name,
            outcome: ProbeOutcome::Failed {
                fault: no_host(host),
                likely: None,
            },
        };
        let steps = vec![ProbeStep::pending(ProbeCheck::LocalPort(local)), broken];
        let mut report = self.new_report(target, None, steps);
        judge(&mut report, ProbeFacts::default(), false);
        self.probes.put(report);
    }

    pub(super) fn probe_goes_on(&mut self, id: ProbeId, news: ProbeNews) {
        // What a cancelled probe had still on its way is not heard any more.
        let Some(running) = self.probes.running.get_mut(&id) else {
            return;
        };
        running.facts = news.facts;
        self.probes.put(news.report);
        if news.over {
            self.end_probe(id, false);
        }
    }

    pub(super) fn cancel_probe(&mut self, id: ProbeId) {
        self.end_probe(id, true);
    }

    fn end_probe(&mut self, id: ProbeId, cancelled: bool) {
        let Some(running) = self.probes.running.remove(&id) else {
            return;
        };
        self.forget_prompts(&running.host, dial_of(id));
        if let Some(report) = self.probes.get(id) {
            let mut report = ProbeReport::clone(report);
            judge(&mut report, running.facts, cancelled);
            self.probes.put(report);
        }
    }

    pub(super) fn end_probes(&mut self) {
        for id in self.probes.running.keys().copied().collect::<Vec<_>>() {
            self.cancel_probe(id);
        }
    }
}
