//! `adit status`: what the running instance says, as a table, as JSON, or as lines about what changes.

use std::collections::BTreeMap;

use super::console::Console;
use super::list::colours_wanted;
use super::table::{Cell, render};
use crate::control::{Report, TunnelReport};

/// Prints how things are.
///
/// # Errors
/// Where nobody reads the output.
pub(super) fn print(report: &Report, json: bool, console: &mut Console) -> anyhow::Result<()> {
    if json {
        return console.json(&serde_json::to_string_pretty(report)?);
    }
    console.say(&head(report));
    if report.tunnels.is_empty() {
        console.say("no tunnel was opened yet: `adit up NS/SVC` opens one");
        return Ok(());
    }
    console.text(&table(&report.tunnels, colours_wanted()))?;
    for tunnel in &report.tunnels {
        if let Some(fault) = tunnel.fault.as_ref().filter(|_| tunnel.wanted) {
            console.say(&format!(
                "{}: {}. {}",
                tunnel.id, fault.message, fault.next_step
            ));
        }
    }
    Ok(())
}

/// `Adit 0.1.0, process 4242; cluster demo (live); new tunnels go through ubuntu@host`.
fn head(report: &Report) -> String {
    let cluster = &report.cluster;
    let parts = [
        Some(format!("Adit {}, process {}", report.version, report.pid)),
        cluster
            .context
            .as_ref()
            .map(|context| format!("cluster {context} ({})", cluster.state)),
        report
            .host
            .as_ref()
            .map(|host| format!("new tunnels go through {host}")),
        match report.keyring.as_str() {
            "locked" => Some("the keyring is locked".to_owned()),
            "absent" => Some("there is no keyring".to_owned()),
            _ => None,
        },
        (!report.questions.is_empty()).then(|| "a question waits in the window".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn table(tunnels: &[TunnelReport], coloured: bool) -> String {
    let head = ["TUNNEL", "STATE", "LOCAL", "TARGET", "VIA"];
    let mut rows = vec![head.map(Cell::plain).to_vec()];
    rows.extend(tunnels.iter().map(row));
    render(&rows, coloured)
}

fn row(tunnel: &TunnelReport) -> Vec<Cell> {
    let colour = match tunnel.light.as_str() {
        "green" => Some(32),
        "amber" => Some(33),
        "red" => Some(31),
        _ => None,
    };
    let state = colour.map_or_else(
        || Cell::plain(&tunnel.state),
        |colour| Cell::coloured(&tunnel.state, colour),
    );
    let local = tunnel.url.iter().chain(tunnel.local.first()).next();
    let or_dash = |text: Option<&String>| Cell::plain(text.map_or("-", String::as_str));
    vec![
        Cell::plain(&tunnel.id),
        state,
        or_dash(local),
        or_dash(tunnel.destination.as_ref()),
        Cell::plain(tunnel.via.as_ref().unwrap_or(&tunnel.host)),
    ]
}

/// What `adit status --watch` has printed.
#[derive(Default)]
pub(super) struct Changes {
    last: Option<Report>,
    states: BTreeMap<String, (String, Option<String>)>,
}

impl Changes {
    /// Prints what is new in `report`: as JSON all of it in a line, else a line for each tunnel that has changed.
    pub(super) fn print(
        &mut self,
        report: &Report,
        json: bool,
        console: &mut Console,
    ) -> anyhow::Result<()> {
        if self.last.as_ref() == Some(report) {
            return Ok(());
        }
        let first = self.last.is_none();
        self.last = Some(report.clone());
        if json {
            return console.json(&serde_json::to_string(report)?);
        }
        if first {
            console.say(&head(report));
        }
        for tunnel in &report.tunnels {
            let fault = tunnel.fault.as_ref().map(|fault| fault.message.clone());
            let now = (tunnel.state.clone(), fault);
            if self.states.get(&tunnel.id) != Some(&now) {
                console.data(&line(tunnel))?;
                self.states.insert(tunnel.id.clone(), now);
            }
        }
        Ok(())
    }
}

fn line(tunnel: &TunnelReport) -> String {
    let local = tunnel.url.iter().chain(tunnel.local.first()).next();
    let more = match (&tunnel.fault, local) {
        (Some(fault), _) => format!(": {}", fault.message),
        (None, Some(local)) if tunnel.state == "open" => format!(" at {local}"),
        (None, _) => String::new(),
    };
    format!("{} {}{more}", tunnel.id, tunnel.state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::console::testing::console;
    use crate::cli::fixtures::{put, put_host, put_services, session_lost, status};
    use crate::model::{
        HostId, Moment, Route, ServiceKey, Snapshot, Target, TunnelId, TunnelState, TunnelStatus,
    };

    fn tunnel(name: &str, port: u16, state: TunnelState) -> TunnelStatus {
        let service = ServiceKey::new("default", name);
        let target = Target::Service {
            service: service.clone(),
            port,
            route: None,
        };
        TunnelStatus {
            route: Some(Route::MetalLb),
            ..status(TunnelId::service(service, port), target, state)
        }
    }

    fn report() -> Report {
        let mut snapshot = Snapshot {
            now: Moment::after_start(std::time::Duration::from_secs(90)),
            selected_host: Some(HostId::new("h")),
            ..Snapshot::default()
        };
        put_services(&mut snapshot);
        put_host(&mut snapshot);
        put(
            &mut snapshot,
            tunnel(
                "ui",
                80,
                TunnelState::Open {
                    since: Moment::START,
                },
            ),
        );
        put(
            &mut snapshot,
            tunnel(
                "db",
                5432,
                TunnelState::Waiting {
                    attempt: 2,
                    retry_at: Some(Moment::after_start(std::time::Duration::from_millis(
                        91_500,
                    ))),
                    fault: session_lost(),
                },
            ),
        );
        Report {
            version: "0.1.0".to_owned(),
            ..Report::of(&snapshot, 4242)
        }
    }

    #[test]
    fn the_json_is_the_golden_file() {
        let (mut console, out, _) = console();
        print(&report(), true, &mut console).unwrap();
        assert_eq!(out.text(), include_str!("../../tests/golden/status.json"));
    }

    #[test]
    fn the_table_says_where_each_tunnel_is_and_what_is_wrong() {
        let (mut console, out, said) = console();
        print(&report(), false, &mut console).unwrap();
        let lines: Vec<String> = out.text().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[2].contains("default/ui:80") && lines[2].contains("http://127.0.0.1:8080"));
        assert!(said.text().contains("process 4242"), "{}", said.text());
        assert!(said.text().contains("was lost"), "{}", said.text());
    }

    #[test]
    fn watching_prints_each_change_once() {
        let (mut console, out, _) = console();
        let mut changes = Changes::default();
        let mut report = report();
        changes.print(&report, false, &mut console).unwrap();
        report.tunnels[0].traffic.down_bytes = 7;
        changes.print(&report, false, &mut console).unwrap();
        assert_eq!(
            out.text().lines().count(),
            2,
            "bytes are no change of state"
        );
        "off".clone_into(&mut report.tunnels[1].state);
        changes.print(&report, false, &mut console).unwrap();
        assert!(
            out.text().ends_with("default/ui:80 off\n"),
            "{}",
            out.text()
        );
    }
}
