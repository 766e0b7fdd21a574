//! `adit list`: the services, once or as they change.

use std::cell;
use std::fmt::Display;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::args::{ListArgs, ListFormat};
use super::console::Console;
use super::failure::{Failure, Usage};
use super::list_json::ServiceJson;
use super::list_table::table;
use super::session::{Dialog, End};
use crate::model::{
    ClusterFault, ClusterState, Finding, LbService, Protocol, ServicePort, Severity, Snapshot,
};

/// How long the first complete view may take to arrive.
const LIST_LIMIT: Duration = Duration::from_secs(15);

/// Waits for the first complete view and prints it; goes on with what changes, if that is asked for.
///
/// # Errors
/// A failure where there is no view, or none in time.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &ListArgs,
    console: &mut Console,
) -> anyhow::Result<()> {
    if args.watch && args.output == ListFormat::Json {
        return Err(Usage("--watch prints a table, no JSON".to_owned()).into());
    }
    let snapshot = first_view(dialog, console).await?;
    let mut shown = wanted(&snapshot, args);
    print(&shown, args, console)?;
    if !args.watch {
        return Ok(());
    }
    dialog
        .follow(|snapshot| {
            let now = wanted(snapshot, args);
            let changes = table(changed(&shown, &now), args, colours_wanted());
            let rows: String = changes.split_inclusive('\n').skip(1).collect();
            console.text(&rows)?;
            for gone in shown
                .iter()
                .filter(|old| !now.iter().any(|new| new.key == old.key))
            {
                console.say(&format!("{} is gone", gone.key));
            }
            shown = now;
            Ok(ControlFlow::Continue(()))
        })
        .await
        .map(|_ended| ())
}

/// The services that are asked for.
fn wanted(snapshot: &Snapshot, args: &ListArgs) -> Vec<Arc<LbService>> {
    let is_wanted = |service: &&Arc<LbService>| {
        let of_type = if args.types.is_empty() {
            args.all_types || service.is_load_balancer()
        } else {
            args.types.contains(&service.service_type)
        };
        let namespace = args.namespace.as_ref();
        of_type && namespace.is_none_or(|wanted| service.key.namespace.as_str() == wanted)
    };
    let services = snapshot.cluster.services.values();
    services.filter(is_wanted).cloned().collect()
}

/// The services that are new or have changed. Both lists are in order, and what has not changed is the very same.
fn changed<'a>(
    before: &'a [Arc<LbService>],
    now: &'a [Arc<LbService>],
) -> impl Iterator<Item = &'a LbService> {
    let was_there = |service: &Arc<LbService>| {
        let place = before.binary_search_by(|old| old.key.cmp(&service.key));
        place.is_ok_and(|index| Arc::ptr_eq(&before[index], service))
    };
    now.iter()
        .filter(move |service| !was_there(service))
        .map(AsRef::as_ref)
}

fn print(
    services: &[Arc<LbService>],
    args: &ListArgs,
    console: &mut Console,
) -> anyhow::Result<()> {
    match args.output {
        ListFormat::Json => {
            let rows: Vec<ServiceJson> = services
                .iter()
                .map(|service| ServiceJson::from(service.as_ref()))
                .collect();
            console.json(&serde_json::to_string_pretty(&rows)?)
        }
        ListFormat::Table | ListFormat::Wide if services.is_empty() => {
            let place = args
                .namespace
                .as_ref()
                .map_or("the cluster".to_owned(), |name| format!("namespace {name}"));
            let kind = if args.all_types || !args.types.is_empty() {
                "such service"
            } else {
                "LoadBalancer service"
            };
            console.say(&format!("there is no {kind} in {place}"));
            Ok(())
        }
        ListFormat::Table | ListFormat::Wide => {
            let services = services.iter().map(AsRef::as_ref);
            console.text(&table(services, args, colours_wanted()))
        }
    }
}

/// The first snapshot with a complete view of the cluster.
///
/// # Errors
/// The cluster's fault where there is none, or none in time.
pub(super) async fn first_view(
    dialog: &mut Dialog,
    console: &mut Console,
) -> anyhow::Result<Arc<Snapshot>> {
    let mut trouble: Option<ClusterFault> = None;
    let mut view = None;
    let patience = Patience::default();
    let look = |snapshot: &Arc<Snapshot>| match &snapshot.cluster.state {
        _ if patience.is_person_asked(snapshot) => Ok(ControlFlow::Continue(())),
        ClusterState::Live => {
            view = Some(Arc::clone(snapshot));
            Ok(ControlFlow::Break(()))
        }
        ClusterState::Failed(fault) => Err(Failure::from(fault).into()),
        ClusterState::Stale(fault) => {
            if trouble.as_ref() != Some(fault) {
                console.say(&format!(
                    "{} (trying again)",
                    fault.message.to_string().trim_end_matches('.')
                ));
                trouble = Some(fault.clone());
            }
            Ok(ControlFlow::Continue(()))
        }
        ClusterState::Off | ClusterState::Stopped | ClusterState::Loading => {
            Ok(ControlFlow::Continue(()))
        }
    };
    let followed = tokio::select! {
        followed = dialog.follow(look) => Some(followed),
        () = patience.end() => None,
    };
    if let Some(view) = view {
        return Ok(view);
    }
    Err(match (followed, trouble) {
        (Some(Err(failure)), _) => return Err(failure),
        (Some(Ok(End::Interrupted)), _) => Failure::new(
            "interrupted",
            "interrupted before the list was complete",
            "Start it again.",
        ),
        (_, Some(fault)) => Failure::from(&fault),
        (None, None) => Failure::new(
            "timed-out",
            format!(
                "the cluster sent no complete list within {} s",
                LIST_LIMIT.as_secs()
            ),
            "Check that the API server of the context answers: kubectl get --raw /readyz.",
        ),
        (Some(Ok(_)), None) => Failure::new(
            "engine-ended",
            "the engine ended before the list was complete",
            "Start it again with ADIT_LOG=debug and report what it says.",
        ),
    }
    .into())
}

/// How long the view is waited for. The time that the person takes to answer questions does not count.
struct Patience {
    ends: cell::Cell<Instant>,
    is_asked: cell::Cell<bool>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            ends: cell::Cell::new(Instant::now() + LIST_LIMIT),
            is_asked: cell::Cell::new(false),
        }
    }
}

impl Patience {
    fn is_person_asked(&self, snapshot: &Snapshot) -> bool {
        let is_asked = !snapshot.prompts.is_empty();
        if is_asked || self.is_asked.replace(is_asked) {
            self.ends.set(Instant::now() + LIST_LIMIT);
        }
        self.is_asked.set(is_asked);
        is_asked
    }

    async fn end(&self) {
        loop {
            sleep_until(self.ends.get()).await;
            if self.is_asked.get() {
                self.ends.set(Instant::now() + LIST_LIMIT);
            } else if Instant::now() >= self.ends.get() {
                return;
            }
        }
    }
}

/// Whether stdout is a terminal whose person has not asked for no colours (`NO_COLOR`, no-color.org).
pub(super) fn colours_wanted() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The codes of what does not work, or not everywhere; what is only good to know is told by `adit explain`.
pub(super) fn problems(findings: &[Finding]) -> String {
    let worth_a_column = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info);
    let codes: Vec<&str> = worth_a_column.map(|finding| finding.code).collect();
    codes.join(",")
}

/// `80`, `53/UDP`: SSH carries TCP, so only others are marked.
pub(super) fn port(port: &ServicePort) -> String {
    match port.protocol {
        Protocol::Tcp => port.number.to_string(),
        other => format!("{}/{}", port.number, other.as_str()),
    }
}

pub(super) fn words(items: &[impl Display]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

pub(super) fn or_dash(words: &[String]) -> String {
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::put_services;
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{ServiceKey, ServiceType};
    use clap::Parser;

    async fn list(
        words: &[&str],
        play: impl FnOnce(&FakeEngine),
    ) -> (anyhow::Result<()>, Written, Written) {
        let Some(Cmd::List(args)) = Cli::parse_from(words).command else {
            panic!("{words:?} is no list")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        play(&engine);
        let (mut console, out, err) = console();
        let result = run(&mut dialog, &args, &mut console).await;
        (result, out, err)
    }

    fn live(engine: &FakeEngine) {
        engine.publish(put_services);
    }

    #[tokio::test]
    async fn the_table_is_aligned_and_neutralised() {
        let (result, out, _) = list(&["adit", "list"], live).await;
        result.unwrap();
        assert_eq!(
            out.text(),
            "NAMESPACE  NAME  PORTS      METALLB-IP  POOL        CLUSTER-IP      PODS  STATE     FINDINGS\n\
             default    ui    80         10.0.0.241  first-pool  10.108.202.210  1/2   assigned\n\
             shop       dns   53,53/UDP  -           -           10.108.202.210  0/0   pending   no-pool\n"
        );
    }

    #[tokio::test]
    async fn the_wide_table_has_all_columns() {
        let (result, out, _) = list(&["adit", "list", "-o", "wide", "-n", "shop"], live).await;
        result.unwrap();
        let text = out.text();
        for part in [
            "NODE-PORTS",
            "53:31126",
            "ANNOUNCED-BY",
            "not known",
            "Local/Cluster",
            "example.com/other\u{fffd}[2J",
            "shop/dns-tcp",
            "LoadBalancer",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[tokio::test]
    async fn other_types_are_shown_when_asked_for() {
        let with_other = |engine: &FakeEngine| {
            live(engine);
            engine.publish(|snapshot| {
                let mut other = LbService::new(ServiceKey::new("shop", "cache"));
                other.service_type = ServiceType::ClusterIp;
                let services = &mut snapshot.cluster.services;
                services.insert(other.key.clone(), Arc::new(other));
            });
        };
        for (words, names) in [
            (&["adit", "list"][..], &["default", "shop"][..]),
            (
                &["adit", "list", "--all-types"],
                &["default", "shop", "shop"],
            ),
            (&["adit", "list", "--type", "clusterip"], &["shop"]),
            (
                &["adit", "list", "--type", "LoadBalancer,ClusterIP"],
                &["default", "shop", "shop"],
            ),
        ] {
            let (result, out, _) = list(words, with_other).await;
            result.unwrap();
            let text = out.text();
            let rows = text.lines().skip(1);
            let found: Vec<&str> = rows.filter_map(|row| row.split(' ').next()).collect();
            assert_eq!(found, names, "{words:?}: {text}");
        }
        assert!(Cli::try_parse_from(["adit", "list", "--type", "tram"]).is_err());
    }

    #[tokio::test]
    async fn a_watch_prints_what_changes() {
        let Some(Cmd::List(args)) = Cli::parse_from(["adit", "list", "-w"]).command else {
            panic!("no list")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        live(&engine);
        let (mut console, out, err) = console();
        let play = async {
            while !out.text().contains("dns") {
                tokio::task::yield_now().await;
            }
            engine.publish(|snapshot| {
                let services = &mut snapshot.cluster.services;
                let mut ui = LbService::clone(&services[&ServiceKey::new("default", "ui")]);
                ui.load_balancer_ips = vec!["10.0.0.99".parse().unwrap()];
                services.insert(ui.key.clone(), Arc::new(ui));
                services.remove(&ServiceKey::new("shop", "dns"));
                snapshot.ended = true;
            });
        };
        let (result, ()) = tokio::join!(run(&mut dialog, &args, &mut console), play);
        result.unwrap();
        let text = out.text();
        let last: Vec<&str> = text.lines().skip(3).collect();
        assert_eq!(last.len(), 1, "{text}");
        assert!(
            last[0].contains("ui") && last[0].contains("10.0.0.99"),
            "{text}"
        );
        assert_eq!(err.text(), "adit: shop/dns is gone\n");
    }

    #[tokio::test]
    async fn a_namespace_narrows_the_list() {
        let (result, out, _) = list(&["adit", "list", "-n", "shop", "-o", "json"], live).await;
        result.unwrap();
        let rows: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 1);
        assert_eq!(rows[0]["name"], "dns");

        let (result, out, _) = list(&["adit", "list", "-n", "no", "-o", "json"], live).await;
        result.unwrap();
        assert_eq!(out.text(), "[]\n");

        let (result, out, err) = list(&["adit", "list", "-n", "no"], live).await;
        result.unwrap();
        assert_eq!(out.text(), "");
        assert_eq!(
            err.text(),
            "adit: there is no LoadBalancer service in namespace no\n"
        );
    }

    #[tokio::test]
    async fn a_cluster_that_cannot_be_watched_is_a_failure() {
        let failed = |engine: &FakeEngine| {
            engine.publish(|snapshot| {
                snapshot.cluster.state = ClusterState::Failed(ClusterFault {
                    code: "context",
                    message: "/k has no context 'x'.".to_owned().into(),
                    hint: "It has: y.".to_owned().into(),
                });
            });
        };
        let (result, out, _) = list(&["adit", "list"], failed).await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "/k has no context 'x'. It has: y."
        );
        assert_eq!(out.text(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_cluster_is_a_failure_after_a_while() {
        let (result, _, _) = list(&["adit", "list"], |_| {}).await;
        assert!(result.unwrap_err().to_string().contains("within 15 s"));

        let stale = |engine: &FakeEngine| {
            engine.publish(|snapshot| {
                snapshot.cluster.state = ClusterState::Stale(ClusterFault {
                    code: "unreachable",
                    message: "10.0.0.100:6443 refused the connection".to_owned().into(),
                    hint: "Is it up?".to_owned().into(),
                });
            });
        };
        let (result, _, err) = list(&["adit", "list"], stale).await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "10.0.0.100:6443 refused the connection. Is it up?"
        );
        assert!(err.text().contains("(trying again)"), "{}", err.text());
    }
}
