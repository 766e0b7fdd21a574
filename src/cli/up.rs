//! `adit up`: one port of one service, open until Ctrl-C.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::args::UpArgs;
use super::console::Console;
use super::failure::Failure;
use super::list::first_view;
use super::session::{Dialog, End};
use super::target::{ServiceTarget, local_url, only_tcp_port};
use super::words::Words;
use crate::model::{
    ClusterState, Command, HostId, Intent, ListenAddress, LocalBind, ServiceKey, Snapshot, Target,
    TunnelId, TunnelSpec, TunnelState, TunnelStatus,
};

/// What is to be opened.
pub(super) struct Wanted<'a> {
    pub(super) args: &'a UpArgs,
    pub(super) target: &'a ServiceTarget,
    /// The host that carries it, which the engine knows already.
    pub(super) host: HostId,
}

/// Opens the service, and keeps it open.
///
/// # Errors
/// A failure where it takes the person to go on.
pub(super) async fn run(
    dialog: &mut Dialog,
    wanted: Wanted<'_>,
    console: &mut Console,
) -> anyhow::Result<()> {
    let Wanted { args, target, host } = wanted;
    let service = &target.service;
    let port = if let Some(port) = target.port {
        port
    } else {
        let snapshot = first_view(dialog, console).await?;
        choose_port(service, &snapshot)?
    };
    let id = TunnelId::service(service.clone(), port);
    dialog.send(Command::AddTunnel(TunnelSpec {
        id: id.clone(),
        host,
        local: args
            .local
            .clone()
            .unwrap_or_else(|| LocalBind::preferred_for(port)),
        target: Target::Service {
            service: service.clone(),
            port,
            route: args.route,
        },
    }));
    dialog.send(Command::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    });
    let mut up = Up {
        id,
        port,
        console,
        words: Words::default(),
        announced: Vec::new(),
    };
    let end = dialog.follow(|snapshot| up.look(snapshot)).await?;
    up.ended(end)
}

/// The port to open where none was named.
pub(super) fn choose_port(service: &ServiceKey, snapshot: &Snapshot) -> Result<u16, Failure> {
    let Some(found) = snapshot.cluster.services.get(service) else {
        return Err(Failure::new(
            "service-missing",
            format!("the cluster has no service {service}"),
            "`adit list` shows those that it has.",
        ));
    };
    only_tcp_port(service, &found.ports).map_err(|choice| Failure::new("port-needed", choice, ""))
}

struct Up<'a> {
    id: TunnelId,
    port: u16,
    console: &'a mut Console,
    words: Words,
    /// The addresses that were printed last.
    announced: Vec<ListenAddress>,
}

impl Up<'_> {
    fn look(&mut self, snapshot: &Arc<Snapshot>) -> anyhow::Result<ControlFlow<()>> {
        if let ClusterState::Failed(fault) = &snapshot.cluster.state {
            return Err(Failure::from(fault).into());
        }
        for line in self
            .words
            .lines(snapshot, |status| status.spec.id.to_string())
        {
            self.console.say(&line);
        }
        let Some(status) = snapshot.tunnels.get(&self.id) else {
            return Ok(ControlFlow::Continue(()));
        };
        match &status.state {
            TunnelState::Failed(fault) => return Err(Failure::from(fault).into()),
            TunnelState::Open { .. } if self.announced != status.listening => {
                self.announced.clone_from(&status.listening);
                for line in self.open_lines(snapshot, status) {
                    self.console.data(&line)?;
                }
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    /// `http://127.0.0.1:8080 -> default/ui:80 (10.0.0.241:80 by MetalLB IP) via ubuntu@host`, for each listener.
    fn open_lines(&self, snapshot: &Snapshot, status: &TunnelStatus) -> Vec<String> {
        let port_name = match &status.spec.target {
            Target::Service { service, port, .. } => snapshot
                .cluster
                .services
                .get(service)
                .and_then(|service| service.tcp_port(*port))
                .map_or("", |port| &port.name),
            Target::Fixed(_) | Target::Dynamic => "",
        };
        let way = match (&status.destination, status.route) {
            (Some(destination), Some(route)) => format!(" ({destination} by {route})"),
            (Some(destination), None) => format!(" ({destination})"),
            (None, _) => String::new(),
        };
        let via = login(snapshot, &status.spec.host);
        let local = status.listening.iter().map(ToString::to_string);
        local
            .map(|local| {
                let local = local_url(&local, self.port, port_name);
                format!("{local} -> {}{way} via {via}", self.id)
            })
            .collect()
    }

    fn ended(&self, end: End) -> anyhow::Result<()> {
        match end {
            End::Interrupted if self.announced.is_empty() => Err(Failure::new(
                "interrupted",
                format!("interrupted before {} was open", self.id),
                "Nothing is left behind.",
            )
            .into()),
            End::Interrupted | End::Enough => Ok(()),
            End::EngineEnded => Err(engine_ended().into()),
        }
    }
}

pub(super) fn engine_ended() -> Failure {
    Failure::new(
        "engine-ended",
        "the engine ended by itself",
        "Start it again with ADIT_LOG=debug and report what it says.",
    )
}

/// The host as `user@address`.
pub(super) fn login(snapshot: &Snapshot, host: &HostId) -> String {
    snapshot
        .host(host)
        .map_or_else(|| host.to_string(), |status| status.profile.login())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::{auth_rejected, put, put_host, put_services, status};
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{Moment, Route};
    use futures::FutureExt as _;
    use tokio::sync::oneshot;

    struct Run {
        result: anyhow::Result<()>,
        out: Written,
    }

    /// Runs `adit up WORDS` against an engine that `play` plays; play's end is the person's Ctrl-C.
    async fn up<F: Future<Output = FakeEngine>>(
        words: &str,
        play: impl FnOnce(FakeEngine) -> F,
    ) -> Run {
        let words = ["adit", "up"].into_iter().chain(words.split(' '));
        let Some(Cmd::Up(args)) = Cli::parse_from(words).command else {
            panic!("no up")
        };
        let (interrupt, interrupted) = oneshot::channel::<()>();
        let (mut dialog, engine) = FakeEngine::dialog_until(interrupted.map(|_| ()));
        let (mut console, out, _) = console();
        let play = async {
            let engine = play(engine).await;
            interrupt.send(()).ok();
            engine
        };
        let host = HostId::new("h");
        let run = run(
            &mut dialog,
            Wanted {
                args: &args,
                target: args.service.as_ref().unwrap(),
                host,
            },
            &mut console,
        );
        let (result, _engine) = tokio::join!(biased; run, play);
        Run { result, out }
    }

    fn ui_status(state: TunnelState) -> TunnelStatus {
        let service = ServiceKey::new("default", "ui");
        let target = Target::Service {
            service: service.clone(),
            port: 80,
            route: None,
        };
        TunnelStatus {
            route: Some(Route::MetalLb),
            ..status(TunnelId::service(service, 80), target, state)
        }
    }

    #[tokio::test]
    async fn an_open_service_is_one_line_and_ctrl_c_is_success() {
        let run = up(
            "default/ui --local 127.0.0.1:9 --route metallb",
            |mut engine| async {
                engine.publish(put_services);
                let Command::AddTunnel(spec) = engine.command().await else {
                    panic!("no tunnel")
                };
                assert_eq!(spec.local, LocalBind::loopback(9));
                assert!(matches!(
                    spec.target,
                    Target::Service {
                        port: 80,
                        route: Some(Route::MetalLb),
                        ..
                    }
                ));
                let Command::SetIntent {
                    intent: Intent::Up, ..
                } = engine.command().await
                else {
                    panic!("no intent")
                };
                engine.publish(|snapshot| {
                    put_host(snapshot);
                    put(
                        snapshot,
                        ui_status(TunnelState::Open {
                            since: Moment::START,
                        }),
                    );
                });
                tokio::task::yield_now().await;
                engine
            },
        )
        .await;
        run.result.unwrap();
        assert_eq!(
            run.out.text(),
            "http://127.0.0.1:8080 -> default/ui:80 (10.0.0.241:80 by MetalLB IP) via u@h\n"
        );
    }

    #[tokio::test]
    async fn a_failure_says_what_to_do() {
        let run = up("default/ui:80", |engine| async {
            engine
                .publish(|snapshot| put(snapshot, ui_status(TunnelState::Failed(auth_rejected()))));
            tokio::task::yield_now().await;
            engine
        })
        .await;
        let error = run.result.unwrap_err().to_string();
        assert!(
            error.contains("u@h refused the login") && error.contains("authorized_keys"),
            "{error}"
        );
        assert_eq!(run.out.text(), "");
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_needs_another_name() {
        let run = up("shop/nothing", |engine| async {
            engine.publish(put_services);
            tokio::task::yield_now().await;
            engine
        })
        .await;
        let error = run.result.unwrap_err().to_string();
        assert_eq!(
            error,
            "the cluster has no service shop/nothing. `adit list` shows those that it has."
        );
    }

    #[tokio::test]
    async fn an_interrupt_before_it_is_open_is_a_failure() {
        let run = up("default/ui:80", |engine| async { engine }).await;
        let error = run.result.unwrap_err().to_string();
        assert!(
            error.contains("interrupted before default/ui:80 was open"),
            "{error}"
        );
    }
}
