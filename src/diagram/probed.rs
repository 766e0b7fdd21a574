//! What a probe has found, told on the stations of the way.

use super::build::leg_status;
use super::graph::{EdgeKind, Graph, NodeKind, Status};
use crate::l10n::Lang;
use crate::model::{
    Destination, ProbeCheck, ProbeOutcome, ProbeReport, ProbeStep, Route, capitalised,
};

impl Graph {
    /// The same way as `report` has found it so far: stations that it has not come to are unknown, and the first that broke is
    /// marked.
    #[must_use]
    pub fn probed(mut self, report: &ProbeReport, lang: Lang) -> Self {
        for index in 0..self.nodes.len() {
            let own = |step: &&ProbeStep| self.station_of(&step.check) == Some(index);
            let steps: Vec<&ProbeStep> = report.steps.iter().filter(own).collect();
            if let Some(status) = found(&steps, lang) {
                self.nodes[index].status = status;
            }
        }
        let failed = report.steps.iter().find(|step| step.has_failed());
        let broken = failed.and_then(|step| self.station_of(&step.check));
        self.first_broken = broken.filter(|index| self.nodes[*index].status.is_broken());
        for edge in &mut self.edges {
            let (from, to) = (&self.nodes[edge.from].status, &self.nodes[edge.to].status);
            if edge.kind == EdgeKind::Data {
                edge.status = leg_status(from, to);
            }
        }
        self
    }

    /// The station that a step is about.
    fn station_of(&self, check: &ProbeCheck) -> Option<usize> {
        match check {
            ProbeCheck::LocalPort(_) => self.find(NodeKind::Computer),
            ProbeCheck::Name { .. } => self.find(NodeKind::Jump).or(self.find(NodeKind::Host)),
            ProbeCheck::Connect { hop }
            | ProbeCheck::HostKey { hop }
            | ProbeCheck::Login { hop } => self.server(hop).or(self.find(NodeKind::Host)),
            ProbeCheck::Forwarding => self.find(NodeKind::Host),
            ProbeCheck::Service { .. } => self.find(NodeKind::Service),
            ProbeCheck::Target {
                route, destination, ..
            } => match route {
                Route::MetalLb => self.find(NodeKind::MetalLb),
                Route::ClusterIp | Route::NodePort => self.find(NodeKind::Service),
                Route::Pod => match destination {
                    Some(destination) => self.pod_at(destination),
                    None => self.find(NodeKind::MorePods),
                },
            },
        }
    }

    /// The server of this login, with or without its port.
    fn server(&self, hop: &str) -> Option<usize> {
        let is_it = |title: &str| {
            let rest = title.strip_prefix(hop);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        self.nodes.iter().position(|node| {
            matches!(node.kind, NodeKind::Jump | NodeKind::Host) && is_it(&node.title)
        })
    }

    fn pod_at(&self, destination: &Destination) -> Option<usize> {
        let Destination::Tcp { host, .. } = destination else {
            return None;
        };
        let is_it = |kind, title: &str| kind == NodeKind::Pod && title == *host;
        let drawn = self
            .nodes
            .iter()
            .position(|node| is_it(node.kind, &node.title));
        drawn.or(self.find(NodeKind::MorePods))
    }
}

/// What the steps of one station say about it; none where there are none. Of several addresses one that works is enough.
fn found(steps: &[&ProbeStep], lang: Lang) -> Option<Status> {
    let last = steps.last()?;
    let is_address = matches!(last.check, ProbeCheck::Target { .. });
    let has_passed = steps.iter().any(|step| {
        matches!(step.check, ProbeCheck::Target { .. }) == is_address && step.has_passed()
    });
    let is_running = |step: &&&ProbeStep| step.outcome == ProbeOutcome::Running;
    let failed = steps.iter().find_map(|step| broken(step, lang));
    Some(match failed {
        Some(broken) if !(is_address && has_passed) => broken,
        _ if steps.iter().any(|step| is_running(&step)) => Status::InProgress,
        _ if is_address && has_passed => Status::Working,
        _ if steps.iter().all(|step| step.has_passed()) => Status::Working,
        _ => Status::Unknown,
    })
}

/// The failure of a step, with what it likely comes from.
fn broken(step: &ProbeStep, lang: Lang) -> Option<Status> {
    let ProbeOutcome::Failed { fault, likely } = &step.outcome else {
        return None;
    };
    let what = lang.fault(fault);
    Some(match likely {
        Some(cause) => Status::Broken {
            reason: format!("{what}. {}.", capitalised(&lang.say(&cause.words()))),
            remedy: lang.say(&cause.remedy()),
        },
        None => Status::Broken {
            reason: what,
            remedy: lang.next_step(fault),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::testing::{fault, host, key, snapshot, ui, up};
    use crate::diagram::{Graph, of_service};
    use crate::model::{
        FaultCause, Hop, LikelyCause, LocalBind, Moment, ProbeId, ProbeTarget, ProbeVerdict,
    };

    fn step(check: ProbeCheck, outcome: ProbeOutcome) -> ProbeStep {
        ProbeStep { check, outcome }
    }

    fn passed() -> ProbeOutcome {
        ProbeOutcome::Passed {
            micros: Some(1200),
            note: None,
        }
    }

    fn target(route: Route, host: &str) -> ProbeCheck {
        ProbeCheck::Target {
            route,
            destination: Some(Destination::tcp(host, 80)),
            name: None,
        }
    }

    fn graph(steps: Vec<ProbeStep>) -> Graph {
        let report = ProbeReport {
            id: ProbeId(1),
            target: ProbeTarget::Service {
                service: key(),
                port: 80,
            },
            host: None,
            started: Moment::START,
            steps,
            pods_left_out: 0,
            verdict: ProbeVerdict::Running,
        };
        let drawn = of_service(&snapshot(vec![ui()], host(up())), &key(), 80);
        drawn.probed(&report, Lang::English)
    }

    fn of(graph: &Graph, kind: NodeKind) -> &Status {
        &graph.nodes[graph.find(kind).unwrap()].status
    }

    #[test]
    fn stations_light_up_as_the_probe_comes_to_them() {
        let hop = "ubuntu@10.0.0.100".to_owned();
        let found = graph(vec![
            step(ProbeCheck::LocalPort(LocalBind::loopback(8080)), passed()),
            step(ProbeCheck::Connect { hop: hop.clone() }, passed()),
            step(ProbeCheck::Login { hop }, ProbeOutcome::Running),
            step(target(Route::MetalLb, "10.0.0.241"), ProbeOutcome::Pending),
        ]);
        assert_eq!(*of(&found, NodeKind::Computer), Status::Working);
        assert_eq!(*of(&found, NodeKind::Host), Status::InProgress);
        assert_eq!(*of(&found, NodeKind::MetalLb), Status::Unknown);
        assert_eq!(found.first_broken, None);
    }

    #[test]
    fn the_first_broken_station_has_its_likely_cause_and_the_remedy() {
        let refused = ProbeOutcome::Failed {
            fault: fault(
                Hop::Target(Destination::tcp("10.0.0.241", 80)),
                FaultCause::TargetRefused,
            ),
            likely: Some(LikelyCause::KubeProxy),
        };
        let found = graph(vec![
            step(target(Route::MetalLb, "10.0.0.241"), refused.clone()),
            step(target(Route::ClusterIp, "10.108.202.210"), passed()),
            step(target(Route::NodePort, "10.0.0.100"), refused),
        ]);
        assert_eq!(found.first_broken, found.find(NodeKind::MetalLb));
        let Status::Broken { reason, remedy } = of(&found, NodeKind::MetalLb) else {
            panic!("{found:?}");
        };
        assert!(reason.contains("Likely kube-proxy"), "{reason}");
        assert!(remedy.contains("kube-proxy"), "{remedy}");
        // One of its addresses works.
        assert_eq!(*of(&found, NodeKind::Service), Status::Working);
    }
}
