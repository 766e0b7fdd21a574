//! `adit up` where an instance runs: asks it to open the service, answers its questions here, and returns when it is open.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::console::Console;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::control::{
    Client, HOSTS_LOADING, LOADING, Reply, Report, Request, SWITCHED, TunnelReport,
};
use crate::model::{Answer, Prompt, PromptId, VaultStatus};

/// After this time what the instance says of a tunnel is what became of the request, not what was before it.
const SETTLING: Duration = Duration::from_millis(700);

/// How long the keyring may take before the person is told what is waited for.
const SILENT: Duration = Duration::from_secs(1);

/// One request, until every tunnel of it is open or cannot be.
struct Up<'a> {
    client: Client,
    request: Request,
    console: &'a mut Console,
    /// What was asked for is under way; none while the cluster is still being read.
    ids: Option<Vec<String>>,
    /// It waits for the saved hosts, not for the cluster.
    needs_hosts: bool,
    /// The instance watches another cluster for its sake.
    has_switched: bool,
    settled_at: Option<Instant>,
    asked: BTreeSet<u64>,
    questions: mpsc::UnboundedSender<Question>,
    open: BTreeSet<String>,
    troubles: BTreeSet<(String, String)>,
    failures: Vec<Failure>,
}

/// Hands `request` over to the instance behind `client`.
///
/// # Errors
/// A failure where a tunnel cannot be opened, or the person does not want to wait any longer.
pub(super) async fn run(
    client: Client,
    request: Request,
    console: &mut Console,
    terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::pin!(interrupt);
    let (questions, mut answers) = asking(terminal);
    let mut up = Up {
        client,
        request,
        console,
        ids: None,
        needs_hosts: false,
        has_switched: false,
        settled_at: None,
        asked: BTreeSet::new(),
        questions,
        open: BTreeSet::new(),
        troubles: BTreeSet::new(),
        failures: Vec::new(),
    };
    up.client.send(&Request::Watch).await?;
    up.client.send(&up.request).await?;
    let impatience = sleep(SILENT);
    tokio::pin!(impatience);
    loop {
        let settled_at = up.settled_at;
        let settled = async {
            match settled_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut interrupt => return Err(interrupted().into()),
            Some((prompt, answer)) = answers.recv() => up.client.answer(prompt, &answer).await?,
            () = &mut impatience, if up.needs_hosts && !impatience.is_elapsed() => {
                up.console.say("waiting for the keyring; your desktop may be asking for its password");
            }
            () = settled => {
                up.settled_at = None;
                up.client.send(&Request::Status).await?;
            }
            reply = up.client.reply() => if up.hear(reply?).await? {
                return up.end();
            },
        }
    }
}

/// A question, and whether the keyring can keep the answer.
type Question = (Prompt, bool);

/// A thread that asks the person, one question after the other.
fn asking(
    terminal: Terminal,
) -> (
    mpsc::UnboundedSender<Question>,
    mpsc::UnboundedReceiver<(PromptId, Answer)>,
) {
    let (questions, mut prompts) = mpsc::unbounded_channel::<Question>();
    let (said, answers) = mpsc::unbounded_channel();
    // It ends with the command, or with the process where it sits in the middle of a question.
    std::thread::spawn(move || {
        while let Some((prompt, keyring)) = prompts.blocking_recv() {
            let answer = terminal.ask(&prompt, keyring);
            if said.send((prompt.id, answer)).is_err() {
                return;
            }
        }
    });
    (questions, answers)
}

impl Up<'_> {
    /// Takes a reply; whether all has become what it can become.
    async fn hear(&mut self, reply: Reply) -> anyhow::Result<bool> {
        match reply {
            Reply::Tunnels(ids) => {
                self.needs_hosts = false;
                self.ids = Some(ids);
                self.settled_at = Some(Instant::now() + SETTLING);
            }
            Reply::Refused(refusal) if refusal.code == LOADING => self.needs_hosts = false,
            Reply::Refused(refusal) if refusal.code == HOSTS_LOADING => self.needs_hosts = true,
            Reply::Refused(refusal) if refusal.code == SWITCHED => {
                self.needs_hosts = false;
                // It may be asked once more before the other cluster is in its reports.
                if !std::mem::replace(&mut self.has_switched, true) {
                    self.console.say(&refusal.message);
                }
            }
            Reply::Refused(refusal) => return Err(Failure::from(&refusal).into()),
            Reply::Status(report) => return self.see(&report).await,
            _ => {}
        }
        Ok(false)
    }

    async fn see(&mut self, report: &Report) -> anyhow::Result<bool> {
        let Some(ids) = self.ids.clone() else {
            self.ask(report, None);
            let cluster = report.cluster.state.as_str();
            if self.needs_hosts || !matches!(cluster, "loading" | "off") {
                let request = self.request.clone();
                self.client.send(&request).await?;
            }
            return Ok(false);
        };
        for id in &ids {
            if let Some(tunnel) = report.tunnel(id) {
                self.ask(report, Some(&tunnel.host));
                self.look(tunnel)?;
            }
        }
        Ok(self.open.len() + self.failures.len() >= ids.len())
    }

    /// Asks what has not been asked yet: the questions of the tunnels' own hosts.
    fn ask(&mut self, report: &Report, host: Option<&str>) {
        for prompt in &report.questions {
            if host.is_none_or(|host| prompt.host.as_str() == host)
                && self.asked.insert(prompt.id.0)
            {
                let is_this = |usable: &VaultStatus| usable.code() == report.keyring;
                let keyring = VaultStatus::USABLE.iter().any(is_this);
                let _thread_has_ended = self.questions.send((prompt.clone(), keyring));
            }
        }
    }

    fn look(&mut self, tunnel: &TunnelReport) -> anyhow::Result<()> {
        if self.open.contains(&tunnel.id) {
            return Ok(());
        }
        if tunnel.state == "open" {
            self.open.insert(tunnel.id.clone());
            for line in open_lines(tunnel) {
                self.console.data(&line)?;
            }
            return Ok(());
        }
        let Some(fault) = &tunnel.fault else {
            return Ok(());
        };
        let is_new = self
            .troubles
            .insert((tunnel.id.clone(), fault.message.clone()));
        if tunnel.state == "failed" {
            if self.settled_at.is_none() {
                let words = format!("{}: {}", tunnel.id, fault.message);
                self.open.insert(tunnel.id.clone());
                self.failures
                    .push(Failure::new("failed", words, fault.next_step.as_str()));
            } else {
                self.troubles.clear();
            }
        } else if is_new {
            let words = format!("{}: {}. {}", tunnel.id, fault.message, fault.next_step);
            self.console.say(&words);
        }
        Ok(())
    }

    /// All is open, or cannot be: the last failure is the command's, the others are said.
    fn end(mut self) -> anyhow::Result<()> {
        let last = self.failures.pop();
        for failure in &self.failures {
            self.console.say(&failure.to_string());
        }
        last.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

fn interrupted() -> Failure {
    Failure::new(
        "interrupted",
        "interrupted before everything was open",
        "Adit goes on trying; `adit status` shows how far it is, `adit down` ends it.",
    )
}

/// The same line as that of `adit up` in the foreground, for each listener.
fn open_lines(tunnel: &TunnelReport) -> Vec<String> {
    let way = match (&tunnel.destination, &tunnel.route) {
        (Some(destination), Some(route)) => format!(" ({destination} by {route})"),
        (Some(destination), None) => format!(" ({destination})"),
        (None, _) => String::new(),
    };
    let via = tunnel.via.as_ref().unwrap_or(&tunnel.host);
    let first = tunnel.url.iter().chain(tunnel.local.first()).next();
    let rest = tunnel.local.iter().skip(1);
    first
        .into_iter()
        .chain(rest)
        .map(|local| format!("{local} -> {}{way} via {via}", tunnel.id))
        .collect()
}
