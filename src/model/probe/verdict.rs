//! What the steps of a probe mean together.

use super::{
    LikelyCause, ProbeFacts, ProbeOutcome, ProbeReport, ProbeStep, ProbeVerdict, SkipReason, Talk,
};
use crate::model::{FaultCause, Route};

/// Ends a report: says what each failure of an address likely comes from, in the light of all the others, and which hop is the
/// first that is broken. What has not been tried is left out.
pub fn judge(report: &mut ProbeReport, facts: ProbeFacts, cancelled: bool) {
    leave_out(&mut report.steps, cancelled);
    let causes: Vec<Option<LikelyCause>> = report
        .steps
        .iter()
        .map(|step| likely(step, &report.steps, facts))
        .collect();
    for (step, cause) in report.steps.iter_mut().zip(causes) {
        if let ProbeOutcome::Failed { likely, .. } = &mut step.outcome {
            *likely = cause;
        }
    }
    report.verdict = verdict(&report.steps, cancelled);
}

fn leave_out(steps: &mut [ProbeStep], cancelled: bool) {
    let reason = if cancelled {
        SkipReason::Cancelled
    } else {
        SkipReason::BrokenBefore
    };
    for step in steps {
        if matches!(step.outcome, ProbeOutcome::Pending | ProbeOutcome::Running) {
            step.outcome = ProbeOutcome::Skipped(reason);
        }
    }
}

fn verdict(steps: &[ProbeStep], cancelled: bool) -> ProbeVerdict {
    let Some(first) = steps.iter().position(ProbeStep::has_failed) else {
        return if cancelled {
            ProbeVerdict::Cancelled
        } else {
            ProbeVerdict::Works
        };
    };
    let works_by: Vec<Route> = Route::ALL
        .into_iter()
        .filter(|route| passed(steps, *route))
        .collect();
    if works_by.is_empty() {
        ProbeVerdict::Broken { first }
    } else {
        ProbeVerdict::Partly { first, works_by }
    }
}

/// Whether any address of this kind works.
fn passed(steps: &[ProbeStep], route: Route) -> bool {
    steps
        .iter()
        .any(|step| step.route() == Some(route) && step.has_passed())
}

/// What a failed address likely comes from; none for other steps, whose fault says it all.
fn likely(step: &ProbeStep, steps: &[ProbeStep], facts: ProbeFacts) -> Option<LikelyCause> {
    let ProbeOutcome::Failed { fault, .. } = &step.outcome else {
        return None;
    };
    if fault.cause == FaultCause::ForwardingProhibited {
        return Some(LikelyCause::ForwardingForbidden);
    }
    let route = step.route()?;
    match &fault.cause {
        FaultCause::RouteUnavailable { .. } => Some(match route {
            Route::MetalLb => LikelyCause::NoAddress,
            Route::ClusterIp | Route::NodePort | Route::Pod => LikelyCause::NoReadyEndpoint,
        }),
        FaultCause::TargetRefused => Some(refused(route, steps, facts)),
        FaultCause::TargetTimedOut { .. } => Some(silent(route, steps, facts)),
        FaultCause::TargetHungUp => Some(match facts.talk {
            Some(Talk::Http) => LikelyCause::TlsExpected,
            _ => LikelyCause::WrongTargetPort,
        }),
        _ => None,
    }
}

/// It was refused at once.
fn refused(route: Route, steps: &[ProbeStep], facts: ProbeFacts) -> LikelyCause {
    if route == Route::Pod {
        LikelyCause::WrongTargetPort
    } else if facts.ready_pods == 0 {
        LikelyCause::NoReadyEndpoint
    } else if passed(steps, Route::Pod) && facts.is_node != Some(false) {
        if facts.local_only {
            LikelyCause::NoLocalEndpoint
        } else {
            LikelyCause::KubeProxy
        }
    } else if pods_refuse(steps) {
        LikelyCause::WrongTargetPort
    } else if facts.is_node == Some(true) {
        LikelyCause::KubeProxy
    } else {
        LikelyCause::NotANode
    }
}

fn pods_refuse(steps: &[ProbeStep]) -> bool {
    steps.iter().any(|step| {
        step.route() == Some(Route::Pod)
            && matches!(
                &step.outcome,
                ProbeOutcome::Failed { fault, .. } if fault.cause == FaultCause::TargetRefused
            )
    })
}

/// Nothing came back.
fn silent(route: Route, steps: &[ProbeStep], facts: ProbeFacts) -> LikelyCause {
    // What answers on the ClusterIP is kube-proxy on the SSH host.
    let is_node = facts.is_node == Some(true) || passed(steps, Route::ClusterIp);
    match route {
        Route::MetalLb if facts.has_source_ranges => LikelyCause::SourceRanges,
        Route::MetalLb | Route::NodePort if is_node && facts.local_only => {
            LikelyCause::NoLocalEndpoint
        }
        Route::MetalLb | Route::ClusterIp | Route::Pod if !is_node => LikelyCause::NotANode,
        Route::MetalLb | Route::ClusterIp if passed(steps, Route::Pod) => LikelyCause::KubeProxy,
        Route::MetalLb | Route::ClusterIp | Route::NodePort | Route::Pod => LikelyCause::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{
        Destination, Fault, Hop, Moment, ProbeCheck, ProbeId, ProbeTarget, ServiceKey,
    };

    const NO: FaultCause = FaultCause::TargetRefused;
    const HANGS: FaultCause = FaultCause::TargetTimedOut {
        after: Duration::from_secs(4),
    };

    fn step(route: Route, cause: Option<FaultCause>) -> ProbeStep {
        let destination = Destination::tcp("10.0.0.241", 80);
        ProbeStep {
            check: ProbeCheck::Target {
                route,
                destination: Some(destination.clone()),
                name: None,
            },
            outcome: match cause {
                None => ProbeOutcome::Passed {
                    micros: Some(1),
                    note: None,
                },
                Some(cause) => ProbeOutcome::Failed {
                    fault: Fault {
                        hop: Hop::Target(destination),
                        cause,
                    },
                    likely: None,
                },
            },
        }
    }

    fn report(steps: Vec<ProbeStep>) -> ProbeReport {
        ProbeReport {
            id: ProbeId(1),
            target: ProbeTarget::Service {
                service: ServiceKey::new("default", "ui"),
                port: 80,
            },
            host: None,
            started: Moment::START,
            steps,
            pods_left_out: 0,
            verdict: ProbeVerdict::Running,
        }
    }

    /// MetalLB IP, ClusterIP, NodePort and one pod, each working (none) or failing.
    type Way = [Option<FaultCause>; 4];

    fn judged(way: Way, facts: ProbeFacts) -> ProbeReport {
        let steps = Route::ALL.into_iter().zip(way);
        let mut report = report(steps.map(|(route, cause)| step(route, cause)).collect());
        judge(&mut report, facts, false);
        report
    }

    fn causes(report: &ProbeReport) -> Vec<Option<&'static str>> {
        let cause = |step: &ProbeStep| match &step.outcome {
            ProbeOutcome::Failed { likely, .. } => likely.map(LikelyCause::code),
            _ => None,
        };
        report.steps.iter().map(cause).collect()
    }

    fn facts(change: impl FnOnce(&mut ProbeFacts)) -> ProbeFacts {
        let mut facts = ProbeFacts {
            ready_pods: 1,
            ..ProbeFacts::default()
        };
        change(&mut facts);
        facts
    }

    /// Ways, what is known, and the cause of the first failure.
    fn cases() -> Vec<(Way, ProbeFacts, &'static str)> {
        let (usual, local) = (facts(|_| {}), facts(|facts| facts.local_only = true));
        let node = facts(|facts| facts.is_node = Some(true));
        let stranger = facts(|facts| facts.is_node = Some(false));
        let ranges = facts(|facts| facts.has_source_ranges = true);
        let unready = facts(|facts| facts.ready_pods = 0);
        let http = facts(|facts| facts.talk = Some(Talk::Http));
        let (no, hangs) = (Some(NO), Some(HANGS));
        let (hung_up, prohibited) = (
            Some(FaultCause::TargetHungUp),
            Some(FaultCause::ForwardingProhibited),
        );
        [
            (
                [&prohibited, &None, &None, &None],
                usual,
                "forwarding-forbidden",
            ),
            ([&no, &no, &no, &no], usual, "wrong-target-port"),
            ([&no, &no, &no, &None], usual, "kube-proxy"),
            ([&no, &no, &no, &None], stranger, "not-a-node"),
            ([&no, &None, &None, &None], local, "no-local-endpoint"),
            ([&no, &no, &no, &hangs], usual, "not-a-node"),
            ([&no, &no, &no, &hangs], node, "kube-proxy"),
            ([&no, &no, &no, &None], unready, "no-ready-endpoint"),
            ([&hangs, &None, &None, &None], ranges, "source-ranges"),
            ([&hangs, &hangs, &None, &hangs], usual, "not-a-node"),
            ([&hangs, &None, &None, &None], local, "no-local-endpoint"),
            ([&hangs, &None, &None, &None], usual, "kube-proxy"),
            ([&hangs, &None, &None, &hangs], usual, "dropped"),
            ([&None, &hangs, &None, &None], node, "kube-proxy"),
            ([&None, &None, &hangs, &None], usual, "dropped"),
            ([&None, &None, &None, &hangs], usual, "dropped"),
            ([&None, &None, &None, &no], usual, "wrong-target-port"),
            ([&hung_up, &None, &None, &None], usual, "wrong-target-port"),
            ([&hung_up, &None, &None, &None], http, "tls-expected"),
        ]
        .map(|(way, facts, cause)| (way.map(Clone::clone), facts, cause))
        .into()
    }

    #[test]
    fn the_first_broken_hop_is_named_with_its_likely_cause() {
        for (way, facts, cause) in cases() {
            let told = format!("{way:?} {facts:?}");
            let report = judged(way, facts);
            let first = causes(&report).into_iter().flatten().next();
            assert_eq!(first, Some(cause), "{told}");
        }
    }

    #[test]
    fn a_service_without_what_it_needs_says_so() {
        let lacks = |route| {
            Some(FaultCause::RouteUnavailable {
                route: Some(route),
                reason: "none".to_owned().into(),
            })
        };
        let way = [lacks(Route::MetalLb), Some(NO), Some(NO), lacks(Route::Pod)];
        let report = judged(way, facts(|facts| facts.ready_pods = 0));
        let none = Some("no-ready-endpoint");
        assert_eq!(causes(&report), [Some("no-address"), none, none, none]);
        assert_eq!(report.verdict, ProbeVerdict::Broken { first: 0 });
    }

    #[test]
    fn the_routes_that_work_are_told() {
        let report = judged([Some(HANGS), None, None, None], facts(|_| {}));
        let works_by = vec![Route::ClusterIp, Route::NodePort, Route::Pod];
        assert_eq!(report.verdict, ProbeVerdict::Partly { first: 0, works_by });
        let broken = report.first_broken().unwrap();
        assert_eq!(broken.route(), Some(Route::MetalLb));
        assert_eq!(
            judged([None, None, None, None], facts(|_| {})).verdict,
            ProbeVerdict::Works
        );
    }

    #[test]
    fn what_was_not_tried_is_left_out() {
        let login = || ProbeCheck::Login {
            hop: "ubuntu@node".to_owned(),
        };
        let failed = || ProbeStep {
            check: login(),
            outcome: ProbeOutcome::Failed {
                fault: Fault {
                    hop: Hop::Ssh("ubuntu@node".to_owned()),
                    cause: FaultCause::ConnectRefused,
                },
                likely: None,
            },
        };
        let waiting = || ProbeStep::pending(ProbeCheck::Forwarding);
        let mut broken = report(vec![failed(), waiting()]);
        judge(&mut broken, ProbeFacts::default(), false);
        assert_eq!(broken.verdict, ProbeVerdict::Broken { first: 0 });
        assert_eq!(
            broken.steps[1].outcome,
            ProbeOutcome::Skipped(SkipReason::BrokenBefore)
        );
        assert_eq!(causes(&broken), [None, None]);
        let mut cancelled = report(vec![waiting()]);
        judge(&mut cancelled, ProbeFacts::default(), true);
        assert_eq!(cancelled.verdict, ProbeVerdict::Cancelled);
        assert_eq!(
            cancelled.steps[0].outcome,
            ProbeOutcome::Skipped(SkipReason::Cancelled)
        );
    }
}
