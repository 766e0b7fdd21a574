//! `adit pools`: MetalLB's address pools, once.

use serde::Serialize;

use super::args::{Format, PoolsArgs};
use super::console::Console;
use super::failure::Failure;
use super::list::{colours_wanted, first_view, problems};
use super::list_json::FindingJson;
use super::session::Dialog;
use super::table::{Cell, render};
use crate::model::{AddressCount, AddressPool, ClusterStatus};

/// Waits for the first complete view and prints its pools.
///
/// # Errors
/// A failure where there is no view, none in time, or the pools cannot be seen.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &PoolsArgs,
    console: &mut Console,
) -> anyhow::Result<()> {
    let snapshot = first_view(dialog, console).await?;
    let pools = snapshot
        .cluster
        .pools
        .as_ref()
        .ok_or_else(|| unseen(&snapshot.cluster))?;
    match args.output {
        Format::Json => {
            let rows: Vec<PoolJson> = pools.iter().map(PoolJson::from).collect();
            console.json(&serde_json::to_string_pretty(&rows)?)
        }
        Format::Table if pools.is_empty() => {
            console.say("MetalLB has no IPAddressPool in the cluster");
            Ok(())
        }
        Format::Table => {
            console.text(&table(pools, colours_wanted()))?;
            for pool in pools.iter() {
                for finding in &pool.findings {
                    console.say(&format!("{}: {}", pool.name, finding.message));
                }
            }
            Ok(())
        }
    }
}

/// Why the pools cannot be seen.
fn unseen(cluster: &ClusterStatus) -> Failure {
    let gap = cluster
        .gaps
        .iter()
        .find(|gap| gap.resource == "ipaddresspools.metallb.io");
    match gap {
        Some(gap) => Failure::from(&gap.fault),
        None => Failure::new(
            "server",
            "MetalLB's pools have not arrived",
            "Start it again, with ADIT_LOG=debug to see what is asked and answered.",
        ),
    }
}

fn table(pools: &[AddressPool], coloured: bool) -> String {
    let head = [
        "NAME",
        "ADDRESSES",
        "ASSIGNED",
        "FREE",
        "AUTO-ASSIGN",
        "PROTOCOLS",
        "FINDINGS",
    ];
    let mut rows = vec![head.map(Cell::plain).to_vec()];
    rows.extend(pools.iter().map(row));
    render(&rows, coloured)
}

fn row(pool: &AddressPool) -> Vec<Cell> {
    let count = |count: Option<AddressCount>| count.map_or("?".to_owned(), shown);
    let protocols = pool.protocols.as_ref().map(|protocols| {
        if protocols.is_empty() {
            "-".to_owned()
        } else {
            protocols.join(",")
        }
    });
    vec![
        Cell::plain(&pool.name),
        Cell::plain(&pool.addresses.join(",")),
        Cell::plain(&count(pool.usage.map(|usage| usage.assigned))),
        Cell::plain(&count(pool.usage.map(|usage| usage.free))),
        Cell::plain(if pool.auto_assign { "yes" } else { "no" }),
        Cell::plain(protocols.as_deref().unwrap_or("?")),
        Cell::plain(&problems(&pool.findings)),
    ]
}

/// `11`, or `11+16` where there are IPv6 addresses, too.
fn shown(count: AddressCount) -> String {
    if count.v6 == 0 {
        count.v4.to_string()
    } else {
        format!("{}+{}", count.v4, count.v6)
    }
}

#[derive(Debug, Serialize)]
struct PoolJson<'a> {
    name: &'a str,
    namespace: &'a str,
    addresses: &'a [String],
    auto_assign: bool,
    protocols: Option<&'a [&'static str]>,
    assigned: Option<CountJson>,
    free: Option<CountJson>,
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize)]
struct CountJson {
    ipv4: u64,
    ipv6: u64,
}

impl From<AddressCount> for CountJson {
    fn from(count: AddressCount) -> Self {
        Self {
            ipv4: count.v4,
            ipv6: count.v6,
        }
    }
}

impl<'a> From<&'a AddressPool> for PoolJson<'a> {
    fn from(pool: &'a AddressPool) -> Self {
        Self {
            name: &pool.name,
            namespace: &pool.namespace,
            addresses: &pool.addresses,
            auto_assign: pool.auto_assign,
            protocols: pool.protocols.as_deref(),
            assigned: pool.usage.map(|usage| usage.assigned.into()),
            free: pool.usage.map(|usage| usage.free.into()),
            findings: pool.findings.iter().map(FindingJson::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::{pools, put_services};
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{ClusterFault, ClusterGap, Snapshot};

    async fn list(
        words: &[&str],
        put: impl FnOnce(&mut Snapshot),
    ) -> (anyhow::Result<()>, Written, Written) {
        let Some(Cmd::Pools(args)) = Cli::parse_from(words).command else {
            panic!("{words:?} asks for no pools")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        engine.publish(|snapshot| {
            put_services(snapshot);
            put(snapshot);
        });
        let (mut console, out, err) = console();
        let result = run(&mut dialog, &args, &mut console).await;
        (result, out, err)
    }

    #[tokio::test]
    async fn the_json_is_the_golden_file() {
        let put = |snapshot: &mut Snapshot| snapshot.cluster.pools = Some(pools().into());
        let (result, out, _) = list(&["adit", "pools", "-o", "json"], put).await;
        result.unwrap();
        assert_eq!(out.text(), include_str!("../../tests/golden/pools.json"));
    }

    #[tokio::test]
    async fn the_table_is_aligned_and_says_what_is_wrong() {
        let put = |snapshot: &mut Snapshot| snapshot.cluster.pools = Some(pools().into());
        let (result, out, err) = list(&["adit", "pools"], put).await;
        result.unwrap();
        assert_eq!(
            out.text(),
            "NAME        ADDRESSES                         ASSIGNED  FREE  AUTO-ASSIGN  PROTOCOLS  FINDINGS\n\
             first-pool  10.0.0.240-10.0.0.250,fd00::/124  10        1+16  yes          layer2\n\
             odd\u{fffd}[2J     10.0.0.1-10.0.0.9                 ?         ?     no           ?          pool-has-node-ip\n"
        );
        assert!(err.text().contains("10.0.0.1 of n1"), "{}", err.text());
    }

    #[tokio::test]
    async fn pools_that_may_not_be_seen_are_a_failure_and_none_are_none() {
        let put = |snapshot: &mut Snapshot| {
            snapshot.cluster.gaps = vec![ClusterGap {
                resource: "ipaddresspools.metallb.io",
                verb: "list",
                fault: ClusterFault {
                    code: "forbidden",
                    message: "You may not list them.".to_owned().into(),
                    hint: "Ask.".to_owned().into(),
                },
            }];
        };
        let (result, out, _) = list(&["adit", "pools", "-o", "json"], put).await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "You may not list them. Ask."
        );
        assert_eq!(out.text(), "");

        let put = |snapshot: &mut Snapshot| snapshot.cluster.pools = Some([].into());
        let (result, out, err) = list(&["adit", "pools"], put).await;
        result.unwrap();
        assert_eq!(out.text(), "");
        assert!(err.text().contains("no IPAddressPool"), "{}", err.text());
    }
}
