//! The table of `adit list`, and of its changes.

use super::args::{ListArgs, ListFormat};
use super::explain::announced_by;
use super::list::{or_dash, port, problems, words};
use super::list_json::policy;
use super::table::{Cell, render};
use crate::model::{LbService, ServicePhase};

/// A column, and when it is shown.
struct Column {
    head: &'static str,
    cell: fn(&LbService) -> Cell,
    when: When,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Where services of several types are shown, and in the wide table.
    Types,
    Wide,
}

const COLUMNS: [Column; 15] = [
    column("NAMESPACE", When::Always, |service| {
        Cell::plain(service.key.namespace.as_str())
    }),
    column("NAME", When::Always, |service| {
        Cell::plain(&service.key.name)
    }),
    column("TYPE", When::Types, |service| {
        Cell::plain(service.service_type.as_str())
    }),
    column("PORTS", When::Always, ports),
    column("METALLB-IP", When::Always, addresses),
    column("POOL", When::Always, |service| {
        Cell::plain(service.pool.as_deref().unwrap_or("-"))
    }),
    column("CLUSTER-IP", When::Always, |service| {
        Cell::plain(&or_dash(&words(&service.cluster_ips)))
    }),
    column("PODS", When::Always, pods),
    column("NODE-PORTS", When::Wide, node_ports),
    column("ANNOUNCED-BY", When::Wide, |service| {
        Cell::plain(&announced_by(service.announced_by.as_deref()))
    }),
    column("POLICIES", When::Wide, policies),
    column("CLASS", When::Wide, |service| {
        Cell::plain(service.load_balancer_class.as_deref().unwrap_or("-"))
    }),
    column("SHARED-WITH", When::Wide, |service| {
        Cell::plain(&or_dash(&words(&service.shared_with)))
    }),
    column("STATE", When::Always, |service| phase(service.phase)),
    column("FINDINGS", When::Always, |service| {
        Cell::plain(&problems(&service.findings))
    }),
];

const fn column(head: &'static str, when: When, cell: fn(&LbService) -> Cell) -> Column {
    Column { head, cell, when }
}

/// The table of these services, with its head.
pub(super) fn table<'a>(
    services: impl IntoIterator<Item = &'a LbService>,
    args: &ListArgs,
    coloured: bool,
) -> String {
    let wide = args.output == ListFormat::Wide;
    let types = wide || args.all_types || !args.types.is_empty();
    let is_shown = |column: &&Column| match column.when {
        When::Always => true,
        When::Types => types,
        When::Wide => wide,
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(is_shown).collect();
    let head = columns.iter().map(|column| Cell::plain(column.head));
    let mut rows = vec![head.collect()];
    rows.extend(services.into_iter().map(|service| {
        columns
            .iter()
            .map(|column| (column.cell)(service))
            .collect()
    }));
    render(&rows, coloured)
}

fn ports(service: &LbService) -> Cell {
    let ports: Vec<String> = service.ports.iter().map(port).collect();
    Cell::plain(&or_dash(&ports))
}

/// What leads to it from outside: MetalLB's addresses, or the name that it stands for.
fn addresses(service: &LbService) -> Cell {
    let mut addresses = words(&service.load_balancer_ips);
    addresses.extend(service.hostnames.iter().cloned());
    Cell::plain(&or_dash(&addresses))
}

fn pods(service: &LbService) -> Cell {
    let ready = service.pods.iter().filter(|pod| pod.ready).count();
    Cell::plain(&format!("{ready}/{}", service.pods.len()))
}

/// As `80:31126`.
fn node_ports(service: &LbService) -> Cell {
    let pair =
        |port: &crate::model::ServicePort| Some(format!("{}:{}", port.number, port.node_port?));
    let pairs: Vec<String> = service.ports.iter().filter_map(pair).collect();
    Cell::plain(&or_dash(&pairs))
}

/// External, then internal.
fn policies(service: &LbService) -> Cell {
    let (external, internal) = (service.local_traffic_only, service.internal_local_only);
    Cell::plain(&format!("{}/{}", policy(external), policy(internal)))
}

fn phase(phase: ServicePhase) -> Cell {
    let colour = match phase {
        ServicePhase::Assigned => 32,
        ServicePhase::Pending => 33,
        ServicePhase::Terminating => 31,
    };
    Cell::coloured(phase.as_str(), colour)
}
