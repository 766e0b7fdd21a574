//! `adit explain NS/SVC`: everything that was found out about one service, once.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::args::{ExplainArgs, Format};
use super::console::Console;
use super::failure::Failure;
use super::list::{first_view, or_dash, port, words};
use super::list_json::{ServiceJson, policy};
use super::session::Dialog;
use crate::model::{
    Announcement, AnnouncementSource, ClusterGap, ClusterStatus, LbService, ServiceKey, printable,
};

/// Waits for the first complete view and prints what was found out about the service.
///
/// # Errors
/// A failure where there is no view, none in time, or no such service.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &ExplainArgs,
    console: &mut Console,
) -> anyhow::Result<()> {
    let snapshot = first_view(dialog, console).await?;
    let cluster = &snapshot.cluster;
    let service = cluster
        .services
        .get(&args.service)
        .ok_or_else(|| missing(&args.service, cluster))?;
    match args.output {
        Format::Json => {
            let explained = ExplainJson {
                service: ServiceJson::from(service.as_ref()),
                gaps: cluster.gaps.iter().map(GapJson::from).collect(),
                missing_role: cluster.missing_role.as_deref(),
            };
            console.json(&serde_json::to_string_pretty(&explained)?)
        }
        Format::Table => {
            console.text(&text(service))?;
            tell_gaps(cluster, console);
            Ok(())
        }
    }
}

/// There is no such service, as far as can be seen.
pub(super) fn missing(service: &ServiceKey, cluster: &ClusterStatus) -> Failure {
    let place = cluster
        .limited_to
        .as_ref()
        .map_or(String::new(), |namespace| {
            format!(" (only the namespace {namespace} can be seen)")
        });
    Failure::new(
        "service-missing",
        format!(
            "there is no service {}{place}",
            printable(&service.to_string())
        ),
        "`adit list --all-types` shows those that there are.",
    )
}

fn text(service: &Arc<LbService>) -> String {
    let mut text = format!("{}: {}\n", service.key, service.phase.as_str());
    for (name, value) in facts(service) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<16}{}", printable(&value));
    }
    if service.findings.is_empty() {
        text.push_str("Nothing was found that stands in its way.\n");
    }
    for finding in &service.findings {
        let _ = writeln!(
            text,
            "{} {}: {}\n  {}",
            finding.severity.as_str(),
            finding.code,
            printable(&finding.message.to_string()),
            printable(&finding.hint.to_string())
        );
    }
    text
}

fn facts(service: &LbService) -> Vec<(&'static str, String)> {
    let mut addresses = words(&service.load_balancer_ips);
    addresses.extend(service.hostnames.iter().cloned());
    let ports: Vec<String> = service.ports.iter().map(port).collect();
    let ready = service.pods.iter().filter(|pod| pod.ready).count();
    let kind = (!service.is_load_balancer()).then(|| service.service_type.as_str());
    let mut facts: Vec<(&'static str, String)> = kind
        .map(|kind| ("type", kind.to_owned()))
        .into_iter()
        .collect();
    facts.extend([
        ("address", or_dash(&addresses)),
        ("ports", or_dash(&ports)),
        ("pool", service.pool.clone().unwrap_or("-".to_owned())),
        (
            "announced by",
            announced_by(service.announced_by.as_deref()),
        ),
        ("cluster ip", or_dash(&words(&service.cluster_ips))),
        ("pods ready", format!("{ready} of {}", service.pods.len())),
        (
            "traffic policy",
            format!(
                "external {}, internal {}",
                policy(service.local_traffic_only),
                policy(service.internal_local_only)
            ),
        ),
    ]);
    let class = service.load_balancer_class.clone();
    facts.extend(class.map(|class| ("class", class)));
    if !service.source_ranges.is_empty() {
        facts.push(("source ranges", or_dash(&service.source_ranges)));
    }
    if !service.shared_with.is_empty() {
        facts.push(("shared with", or_dash(&words(&service.shared_with))));
    }
    facts
}

/// As `k8s-worker-2 (layer2)`, with what is known of it only by an event or by the rules marked as such.
pub(super) fn announced_by(nodes: Option<&[Announcement]>) -> String {
    let Some(nodes) = nodes else {
        return "not known".to_owned();
    };
    let shown: Vec<String> = nodes
        .iter()
        .map(|by| {
            let mark = match by.source {
                AnnouncementSource::Status => "",
                AnnouncementSource::Event => ", by an event",
                AnnouncementSource::Predicted => ", predicted",
            };
            format!("{} ({}{mark})", by.node, by.protocol)
        })
        .collect();
    if shown.is_empty() {
        "nobody".to_owned()
    } else {
        shown.join(", ")
    }
}

fn tell_gaps(cluster: &ClusterStatus, console: &mut Console) {
    if cluster.gaps.is_empty() {
        return;
    }
    let unseen: Vec<&str> = cluster.gaps.iter().map(|gap| gap.resource).collect();
    console.say(&format!(
        "not everything could be seen, so causes may be missing here: {}",
        unseen.join(", ")
    ));
    if let Some(role) = &cluster.missing_role {
        console.say("this would allow it:");
        for line in role.lines() {
            console.say(line);
        }
    }
}

#[derive(Debug, Serialize)]
struct ExplainJson<'a> {
    service: ServiceJson<'a>,
    gaps: Vec<GapJson<'a>>,
    missing_role: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct GapJson<'a> {
    resource: &'a str,
    verb: &'a str,
    code: &'a str,
    message: String,
    hint: String,
}

impl<'a> From<&'a ClusterGap> for GapJson<'a> {
    fn from(gap: &'a ClusterGap) -> Self {
        Self {
            resource: gap.resource,
            verb: gap.verb,
            code: gap.fault.code,
            message: gap.fault.message.to_string(),
            hint: gap.fault.hint.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::put_services;
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{ClusterFault, Snapshot};

    async fn explain(words: &[&str]) -> (anyhow::Result<()>, Written, Written) {
        let Some(Cmd::Explain(args)) = Cli::parse_from(words).command else {
            panic!("{words:?} asks for no explanation")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        engine.publish(|snapshot: &mut Snapshot| {
            put_services(snapshot);
            snapshot.cluster.gaps = vec![ClusterGap {
                resource: "nodes",
                verb: "list",
                fault: ClusterFault {
                    code: "forbidden",
                    message: "You may not list nodes.".to_owned().into(),
                    hint: "Ask.".to_owned().into(),
                },
            }];
            snapshot.cluster.missing_role = Some("kind: ClusterRole\nrules: []\n".into());
        });
        let (mut console, out, err) = console();
        let result = run(&mut dialog, &args, &mut console).await;
        (result, out, err)
    }

    #[tokio::test]
    async fn the_json_is_the_golden_file() {
        let (result, out, _) = explain(&["adit", "explain", "shop/dns", "-o", "json"]).await;
        result.unwrap();
        assert_eq!(out.text(), include_str!("../../tests/golden/explain.json"));
    }

    #[tokio::test]
    async fn the_words_are_complete_and_neutralised() {
        let (result, out, err) = explain(&["adit", "explain", "shop/dns"]).await;
        result.unwrap();
        assert_eq!(
            out.text(),
            "shop/dns: pending\n\
             \x20 address         -\n\
             \x20 ports           53,53/UDP\n\
             \x20 pool            -\n\
             \x20 announced by    not known\n\
             \x20 cluster ip      10.108.202.210\n\
             \x20 pods ready      0 of 0\n\
             \x20 traffic policy  external Local, internal Cluster\n\
             \x20 class           example.com/other\u{fffd}[2J\n\
             \x20 source ranges   198.51.100.0/24\n\
             \x20 shared with     shop/dns-tcp\n\
             error no-pool: 주소 풀이 없습니다.\n\
             \x20 Make an IPAddressPool.\n"
        );
        for part in ["could be seen", "nodes", "kind: ClusterRole"] {
            assert!(err.text().contains(part), "{part}: {}", err.text());
        }

        let (result, out, _) = explain(&["adit", "explain", "default/ui"]).await;
        result.unwrap();
        let text = out.text();
        assert!(
            text.contains("announced by    k8s-worker-2 (layer2)\n"),
            "{text}"
        );
        assert!(text.contains("Nothing was found"), "{text}");
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_a_failure() {
        let (result, out, _) = explain(&["adit", "explain", "shop/no"]).await;
        let said = result.unwrap_err().to_string();
        assert!(said.contains("no service shop/no"), "{said}");
        assert_eq!(out.text(), "");
        assert!(Cli::try_parse_from(["adit", "explain", "shop"]).is_err());
    }
}
