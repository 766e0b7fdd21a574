//! `adit forward`: what `ssh -N -L` does.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::background::Detaching;
use super::console::Console;
use super::events::{Event, FaultJson};
use super::failure::Failure;
use super::forward_args::Forwards;
use super::session::{Dialog, End};
use super::up::{engine_ended, login};
use super::words::Words;
use crate::model::{
    BindAddress, Command, Fault, Hop, HostId, Intent, ListenAddress, LocalBind, Notice, Snapshot,
    Target, TunnelId, TunnelSpec, TunnelState, TunnelStatus,
};

/// Opens `forwards` through `host`, which the engine knows already, and keeps them open.
///
/// # Errors
/// A failure where it takes the person to go on.
pub(super) async fn run(
    dialog: &mut Dialog,
    forwards: &Forwards,
    host: &HostId,
    output: Output<'_>,
) -> anyhow::Result<()> {
    for (index, forward) in (0..).zip(&forwards.list) {
        let id = TunnelId::Forward(index);
        dialog.send(Command::AddTunnel(TunnelSpec {
            id: id.clone(),
            host: host.clone(),
            local: forward.local.clone(),
            target: forward.target.clone(),
        }));
        dialog.send(Command::SetIntent {
            id,
            intent: Intent::Up,
        });
    }
    let mut watch = Watch {
        output,
        keep_going: forwards.keep_going,
        count: forwards.list.len(),
        words: Words::default(),
        last_notice: None,
        seen: BTreeMap::new(),
    };
    watch.warn_of_open_doors(forwards);
    let end = dialog.follow(|snapshot| watch.look(snapshot)).await?;
    watch.ended(end)
}

/// Where a forward's news go, and when the process goes to the background.
pub(super) struct Output<'a> {
    /// The outputs.
    pub(super) console: &'a mut Console,
    /// Whether stdout takes JSON lines.
    pub(super) json: bool,
    /// The process's way to the background, until it has been taken.
    pub(super) detaching: Option<Detaching>,
}

struct Watch<'a> {
    output: Output<'a>,
    keep_going: bool,
    count: usize,
    words: Words,
    /// The last notice that was written as JSON.
    last_notice: Option<Notice>,
    seen: BTreeMap<u16, Seen>,
}

/// What was said of a forward.
#[derive(Default)]
struct Seen {
    /// Its state's code and fault.
    state: Option<(&'static str, Option<Fault>)>,
    announced: Vec<ListenAddress>,
    settled: bool,
    failed: bool,
}

impl Watch<'_> {
    fn warn_of_open_doors(&mut self, forwards: &Forwards) {
        for forward in &forwards.list {
            if let LocalBind::Port { address, port } = &forward.local
                && !address.is_loopback()
            {
                let place = match address {
                    BindAddress::All => "every interface".to_owned(),
                    other => other.to_string(),
                };
                let reached = match &forward.target {
                    Target::Fixed(destination) => destination.to_string(),
                    Target::Dynamic | Target::Service { .. } => {
                        "everything that the SSH host can".to_owned()
                    }
                };
                self.output.console.say(&format!(
                    "port {port} listens on {place}: other computers can reach {reached} through this one"
                ));
            }
        }
    }

    fn look(&mut self, snapshot: &Snapshot) -> anyhow::Result<ControlFlow<()>> {
        for line in self.words.lines(snapshot, name) {
            self.output.console.say(&line);
        }
        if self.output.json {
            self.write_notices(snapshot)?;
        }
        for (id, status) in &snapshot.tunnels {
            if let TunnelId::Forward(index) = id {
                self.look_at(*index, status, snapshot)?;
            }
        }
        if self.seen.values().filter(|seen| seen.settled).count() == self.count {
            self.detach()?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn write_notices(&mut self, snapshot: &Snapshot) -> anyhow::Result<()> {
        for notice in snapshot.notices_after(self.last_notice.as_ref()) {
            let event = Event::from(notice);
            self.output.console.json(&event.line()?)?;
            self.last_notice = Some(notice.clone());
        }
        Ok(())
    }

    fn look_at(
        &mut self,
        index: u16,
        status: &TunnelStatus,
        snapshot: &Snapshot,
    ) -> anyhow::Result<()> {
        let seen = self.seen.entry(index).or_default();
        let state = (status.state.code(), status.state.fault().cloned());
        if seen.state.as_ref() == Some(&state) && seen.announced == status.listening {
            return Ok(());
        }
        let news = seen.state.as_ref() != Some(&state);
        seen.state = Some(state);
        seen.settled |= is_settled(status);
        if news && self.output.json {
            let event = Event::state(index, &status.state, snapshot.now);
            self.output.console.json(&event.line()?)?;
        }
        match &status.state {
            TunnelState::Open { .. } => self.announce(index, status, snapshot),
            TunnelState::Failed(fault) if news => self.fail(index, status, fault),
            _ => Ok(()),
        }
    }

    /// One line for each listener that leads somewhere.
    fn announce(
        &mut self,
        index: u16,
        status: &TunnelStatus,
        snapshot: &Snapshot,
    ) -> anyhow::Result<()> {
        let seen = self.seen.entry(index).or_default();
        if seen.announced == status.listening {
            return Ok(());
        }
        seen.announced.clone_from(&status.listening);
        for address in &status.listening {
            let (address, target) = (address.to_string(), target(status));
            let via = login(snapshot, &status.spec.host);
            if self.output.json {
                let event = Event::Listening {
                    forward: index,
                    address,
                    target,
                    via,
                };
                self.output.console.json(&event.line()?)?;
            } else {
                let line = format!("{address} -> {target} via {via}");
                self.output.console.data(&line)?;
            }
        }
        Ok(())
    }

    /// One forward that fails ends the command, unless the others were to go on without it.
    fn fail(&mut self, index: u16, status: &TunnelStatus, fault: &Fault) -> anyhow::Result<()> {
        let seen = self.seen.entry(index).or_default();
        (seen.failed, seen.settled) = (true, true);
        if self.output.json {
            let event = Event::Failed {
                forward: Some(index),
                fault: FaultJson::from(fault),
            };
            self.output.console.json(&event.line()?)?;
        }
        let all_failed = self.seen.values().filter(|seen| seen.failed).count() == self.count;
        if !self.keep_going || all_failed {
            return Err(
                anyhow::Error::from(Failure::from(fault)).context(ToldInJson(self.output.json))
            );
        }
        self.output.console.say(&format!(
            "{}: {fault}. {} The other forwards go on.",
            name(status),
            fault.next_step()
        ));
        Ok(())
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        let Some(detaching) = self.output.detaching.take() else {
            return Ok(());
        };
        let pid = std::process::id();
        if self.output.json {
            self.output
                .console
                .json(&Event::Background { pid }.line()?)?;
        }
        self.output.console.say(&format!(
            "in the background as process {pid}; end it with: kill {pid}"
        ));
        detaching.complete()
    }

    fn ended(&mut self, end: End) -> anyhow::Result<()> {
        let was_up = self.seen.values().any(|seen| seen.settled);
        match end {
            End::Interrupted if !was_up => Err(Failure::new(
                "interrupted",
                "interrupted before a forward was up",
                "Nothing is left behind.",
            )
            .into()),
            End::Interrupted | End::Enough if self.output.json => {
                self.output.console.json(&Event::Ended.line()?)
            }
            End::Interrupted | End::Enough => Ok(()),
            End::EngineEnded => Err(engine_ended().into()),
        }
    }
}

/// What a forward leads to whose clients say themselves where they want to go.
const SOCKS: &str = "SOCKS";

/// Marks a failure whose JSON line, where JSON was asked for, has been written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a forward failed")]
pub(super) struct ToldInJson(pub(super) bool);

/// Whether all that this command could do for a forward is done: it works, or the SSH host was reached and only the target
/// behind it does not answer (yet), which ssh would not even notice.
fn is_settled(status: &TunnelStatus) -> bool {
    match &status.state {
        TunnelState::Open { .. } => true,
        TunnelState::Waiting { fault, .. } => matches!(fault.hop, Hop::Target(_)),
        _ => false,
    }
}

fn name(status: &TunnelStatus) -> String {
    format!("{} -> {}", status.spec.local, target(status))
}

fn target(status: &TunnelStatus) -> String {
    match &status.spec.target {
        Target::Fixed(destination) => destination.to_string(),
        Target::Dynamic => SOCKS.to_owned(),
        Target::Service { .. } => status.spec.id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use futures::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::{auth_rejected, forward_status, put, put_host, session_lost};
    use crate::cli::forward_args::Forward;
    use crate::cli::host_query::HostOption;
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{ForwardSpec, Moment};

    struct Run {
        result: anyhow::Result<()>,
        out: Written,
        err: Written,
    }

    const OPEN: TunnelState = TunnelState::Open {
        since: Moment::START,
    };

    /// Runs `adit forward WORDS`; each of `states` is published in turn, and then the person presses Ctrl-C.
    async fn forward(words: &str, states: Vec<(u16, TunnelState)>) -> Run {
        let words = ["adit", "forward"].into_iter().chain(words.split(' '));
        let Some(Cmd::Forward(args)) = Cli::parse_from(words).command else {
            panic!("no forward")
        };
        let plan = args.plan().unwrap();
        let given = plan.host.options.iter();
        let forwards = Forwards {
            list: given
                .clone()
                .filter_map(|option| match option {
                    HostOption::LocalForward(text) => {
                        Some(Forward::from(text.parse::<ForwardSpec>().unwrap()))
                    }
                    _ => None,
                })
                .collect(),
            keep_going: given
                .clone()
                .any(|option| *option == HostOption::Option("ExitOnForwardFailure=no".to_owned())),
        };
        let (interrupt, interrupted) = oneshot::channel::<()>();
        let (mut dialog, engine) = FakeEngine::dialog_until(interrupted.map(|_| ()));
        let (mut console, out, err) = console();
        let engine_side = async move {
            engine.publish(put_host);
            for (index, state) in states {
                engine.publish(|snapshot| put(snapshot, forward_status(index, state)));
                tokio::task::yield_now().await;
            }
            interrupt.send(()).ok();
            engine
        };
        let output = Output {
            console: &mut console,
            json: args.json,
            detaching: None,
        };
        let host = HostId::new("h");
        let run = run(&mut dialog, &forwards, &host, output);
        let (result, _engine) = tokio::join!(biased; run, engine_side);
        Run { result, out, err }
    }

    #[tokio::test]
    async fn a_listener_that_is_up_is_one_line() {
        let run = forward(
            "-L 8080:10.0.0.241:80 u@h",
            vec![(0, TunnelState::Proving), (0, OPEN), (0, OPEN)],
        )
        .await;
        run.result.unwrap();
        assert_eq!(run.out.text(), "127.0.0.1:8080 -> 10.0.0.241:80 via u@h\n");
    }

    #[tokio::test]
    async fn json_tells_states_listeners_and_the_end() {
        let waiting = TunnelState::Waiting {
            attempt: 1,
            retry_at: None,
            fault: session_lost(),
        };
        let run = forward(
            "--json -L 8080:10.0.0.241:80 u@h",
            vec![(0, OPEN), (0, waiting), (0, OPEN)],
        )
        .await;
        run.result.unwrap();
        let text = run.out.text();
        let events: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let kinds: Vec<String> = events
            .iter()
            .map(|event| {
                let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                word("event") + " " + &word("state")
            })
            .collect();
        assert_eq!(
            kinds,
            [
                "state open",
                "listening ",
                "state waiting",
                "state open",
                "ended "
            ]
        );
        assert_eq!(events[2]["fault"]["code"], "session-lost");
    }

    #[tokio::test]
    async fn one_failure_ends_the_command_unless_told_otherwise() {
        let failed = || (0, TunnelState::Failed(auth_rejected()));
        let run = forward("-L 8080:a:80 -L 8081:b:80 u@h", vec![failed()]).await;
        let error = run.result.unwrap_err();
        assert!(
            error.root_cause().to_string().contains("refused the login"),
            "{error:?}"
        );

        let words = "-o ExitOnForwardFailure=no -L 8080:a:80 -L 8081:b:80 u@h";
        let run = forward(words, vec![failed(), (1, OPEN)]).await;
        run.result.unwrap();
        assert!(
            run.err.text().contains("The other forwards go on."),
            "{}",
            run.err.text()
        );
        assert_eq!(run.out.text().lines().count(), 1);

        let both = vec![failed(), (1, TunnelState::Failed(auth_rejected()))];
        assert!(forward(words, both).await.result.is_err());
    }

    #[tokio::test]
    async fn doors_open_to_others_are_pointed_out() {
        let run = forward("-L *:8080:10.0.0.241:80 u@h", vec![(0, OPEN)]).await;
        assert!(
            run.err.text().contains("every interface"),
            "{}",
            run.err.text()
        );
    }
}
