//! `adit demo` without a window: opens services of the demo's cluster, fetches through the tunnels and says what it did.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;

use super::console::Console;
use super::failure::Failure;
use super::fetch;
use super::list::first_view;
use super::session::{Dialog, End};
use super::up::login;
use crate::engine::Handle;
use crate::model::{
    ClusterSource, Command, HostProfile, Intent, ServiceKey, ServicePhase, Snapshot, TunnelId,
    TunnelState,
};

/// How to reach the demo's cluster and its SSH host: plain facts, as a person would be given them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccess {
    /// The kubeconfig file.
    pub kubeconfig: PathBuf,
    /// The context in it.
    pub context: String,
    /// The SSH host's address.
    pub ssh_host: String,
    /// Its SSH port.
    pub ssh_port: u16,
    /// The user to log in as.
    pub ssh_user: String,
    /// The private key to log in with.
    pub identity: PathBuf,
    /// The known_hosts file that holds the host's key.
    pub known_hosts: PathBuf,
}

impl DemoAccess {
    /// The cluster, for the engine.
    #[must_use]
    pub fn source(&self) -> ClusterSource {
        ClusterSource::local(Some(self.kubeconfig.clone()), Some(self.context.clone()))
    }

    /// The SSH host, for the engine.
    #[must_use]
    pub fn profile(&self) -> HostProfile {
        HostProfile {
            identities: vec![self.identity.clone()],
            use_agent: false,
            known_hosts: vec![self.known_hosts.clone()],
            ..HostProfile::new(&self.ssh_user, &self.ssh_host, self.ssh_port)
        }
    }

    /// Tells the engine of both.
    pub(super) fn introduce(&self, handle: &Handle) {
        handle.send(Command::UseCluster(self.source()));
        handle.send(Command::AddHost(Box::new(self.profile())));
    }

    /// One JSON line, as docs/json.md describes it.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        #[derive(Serialize)]
        struct AccessJson<'a> {
            kubeconfig: &'a PathBuf,
            context: &'a str,
            ssh: SshJson<'a>,
        }
        #[derive(Serialize)]
        struct SshJson<'a> {
            host: &'a str,
            port: u16,
            user: &'a str,
            identity: &'a PathBuf,
            known_hosts: &'a PathBuf,
        }
        Ok(serde_json::to_string(&AccessJson {
            kubeconfig: &self.kubeconfig,
            context: &self.context,
            ssh: SshJson {
                host: &self.ssh_host,
                port: self.ssh_port,
                user: &self.ssh_user,
                identity: &self.identity,
                known_hosts: &self.known_hosts,
            },
        })?)
    }

    /// The same in words, with commands to try.
    pub(super) fn words(&self) -> String {
        let Self {
            context,
            ssh_host,
            ssh_port,
            ssh_user,
            ..
        } = self;
        let kubeconfig = self.kubeconfig.display();
        let identity = self.identity.display();
        let known_hosts = self.known_hosts.display();
        format!(
            "The demo's cluster and SSH host are up until Ctrl-C.\n\
             \x20 kubeconfig   {kubeconfig} (context {context})\n\
             \x20 SSH host     {ssh_user}@{ssh_host} port {ssh_port}\n\
             \x20 private key  {identity}\n\
             \x20 known_hosts  {known_hosts}\n\
             Try in another terminal:\n\
             \x20 adit list --kubeconfig {kubeconfig}\n\
             \x20 adit forward -o UserKnownHostsFile={known_hosts} -i {identity} -p {ssh_port} -L 8080:10.0.0.241:80 {ssh_user}@{ssh_host}\n\
             \x20 adit up default/ui --kubeconfig {kubeconfig} --host {ssh_user}@{ssh_host}:{ssh_port} --identity {identity}\n\
             \x20 adit kubeconfig --host {ssh_user}@{ssh_host}:{ssh_port} --identity {identity} --kubeconfig-on-host -- kubectl get svc -A\n\
             \x20 ssh -N -o UserKnownHostsFile={known_hosts} -i {identity} -p {ssh_port} -L 8080:10.0.0.241:80 {ssh_user}@{ssh_host}\n"
        )
    }
}

/// One port of a service of the demo's cluster, and what answers there.
struct Stop {
    namespace: &'static str,
    name: &'static str,
    port: u16,
    answers: Answers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// An HTML page that names the service.
    Page,
    /// Every byte, sent back.
    Echo,
}

/// One service as people know them, one with several ports, one that speaks no HTTP.
const TOUR: [Stop; 4] = [
    stop("default", "ui", 80, Answers::Page),
    stop("shop", "storefront", 80, Answers::Page),
    stop("shop", "storefront", 9000, Answers::Page),
    stop("lab", "echo", 7, Answers::Echo),
];

/// How long all tunnels of the tour may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(20);

const fn stop(namespace: &'static str, name: &'static str, port: u16, answers: Answers) -> Stop {
    Stop {
        namespace,
        name,
        port,
        answers,
    }
}

impl Stop {
    fn id(&self) -> TunnelId {
        TunnelId::service(ServiceKey::new(self.namespace, self.name), self.port)
    }
}

/// Prints the steps of the tour: on stdout, or on stderr where stdout is kept for JSON.
pub(super) struct Narrator<'a> {
    /// The outputs.
    pub(super) console: &'a mut Console,
    /// Whether stdout is kept for JSON.
    pub(super) on_stderr: bool,
}

impl Narrator<'_> {
    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        if self.on_stderr {
            self.console.say(line);
            Ok(())
        } else {
            self.console.data(line)
        }
    }
}

/// Walks the tour, with an engine that has been told of the demo, and closes everything again.
///
/// # Errors
/// A failure at the first thing that did not work; the engine is left to the caller to close.
pub(super) async fn tour(
    dialog: &mut Dialog,
    diagram: fn(&Snapshot, &TunnelId) -> String,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let view = first_view(dialog, narrator.console).await?;
    narrator.tell(&format!("{} ({})", summary(&view), took(started)))?;

    let started = Instant::now();
    for stop in &TOUR {
        dialog.send(Command::SetIntent {
            id: stop.id(),
            intent: Intent::Up,
        });
    }
    let open = all_open(dialog).await?;
    narrator.tell(&format!(
        "{} tunnels are open ({})",
        TOUR.len(),
        took(started)
    ))?;
    for stop in &TOUR {
        visit(stop, &open, narrator).await?;
    }
    let drawing = diagram(&dialog.snapshot(), &TOUR[0].id());
    for line in drawing.lines() {
        narrator.tell(line)?;
    }
    let started = Instant::now();
    dialog.close().await;
    for stop in &TOUR {
        let address = local_address(&open, &stop.id())?;
        let still_there = tokio::net::TcpStream::connect(address).await.is_ok();
        ensure!(
            !still_there,
            "{address} still listens after everything was closed"
        );
    }
    narrator.tell(&format!(
        "everything is closed, the ports are free ({})",
        took(started)
    ))
}

fn summary(view: &Snapshot) -> String {
    let services = view.cluster.services.values();
    let balanced: Vec<_> = services
        .filter(|service| service.is_load_balancer())
        .collect();
    let assigned = balanced
        .iter()
        .filter(|service| service.phase == ServicePhase::Assigned)
        .count();
    format!(
        "the cluster has {} LoadBalancer services, {assigned} of them with an address",
        balanced.len()
    )
}

/// The snapshot in which every tunnel of the tour is open.
async fn all_open(dialog: &mut Dialog) -> anyhow::Result<Snapshot> {
    let mut open = None;
    let look = |snapshot: &std::sync::Arc<Snapshot>| {
        let mut count = 0;
        for stop in &TOUR {
            match snapshot.tunnels.get(&stop.id()).map(|status| &status.state) {
                Some(TunnelState::Open { .. }) => count += 1,
                Some(TunnelState::Failed(fault)) => return Err(Failure::from(fault).into()),
                _ => {}
            }
        }
        if count < TOUR.len() {
            return Ok(ControlFlow::Continue(()));
        }
        open = Some(snapshot.as_ref().clone());
        Ok(ControlFlow::Break(()))
    };
    let followed = tokio::time::timeout(OPEN_LIMIT, dialog.follow(look)).await;
    if let Some(open) = open {
        return Ok(open);
    }
    Err(match followed {
        Ok(Err(failure)) => failure,
        Ok(Ok(End::Interrupted)) => Failure::new(
            "interrupted",
            "interrupted before the tunnels were open",
            "Nothing is left behind.",
        )
        .into(),
        Ok(Ok(_)) => super::up::engine_ended().into(),
        Err(_elapsed) => stuck(&dialog.snapshot()).into(),
    })
}

fn stuck(snapshot: &Snapshot) -> Failure {
    let stuck = TOUR.iter().find_map(|stop| {
        let state = snapshot.tunnels.get(&stop.id()).map(|status| &status.state);
        match state {
            Some(TunnelState::Open { .. }) => None,
            Some(state) => Some((stop, state.fault().map(ToString::to_string), state.code())),
            None => Some((stop, None, "unknown")),
        }
    });
    let what = match stuck {
        Some((stop, fault, code)) => format!(
            "{} did not open within {} s: {}",
            stop.id(),
            OPEN_LIMIT.as_secs(),
            fault.unwrap_or_else(|| format!("its state is '{code}'"))
        ),
        None => "the tunnels did not open in time".to_owned(),
    };
    Failure::new(
        "timed-out",
        what,
        "ADIT_LOG=debug shows what happens on the way.",
    )
}

async fn visit(stop: &Stop, open: &Snapshot, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    let id = stop.id();
    let status = open.tunnels.get(&id).context("the tunnel is gone")?;
    let local = local_address(open, &id)?;
    let way = match (&status.destination, status.route) {
        (Some(destination), Some(route)) => format!("{destination} by {route}"),
        (Some(destination), None) => destination.to_string(),
        (None, _) => "an unknown address".to_owned(),
    };
    let started = Instant::now();
    let answer = match stop.answers {
        Answers::Page => page(stop, local).await?,
        Answers::Echo => {
            let line = "Adit was here\n";
            fetch::echo(local, line)
                .await
                .with_context(|| id.to_string())?;
            format!("sent back {} bytes", line.len())
        }
    };
    let via = login(open, &status.spec.host);
    narrator.tell(&format!(
        "{local} -> {id} ({way}) via {via}: {answer} ({})",
        took(started)
    ))
}

async fn page(stop: &Stop, local: SocketAddr) -> anyhow::Result<String> {
    let id = stop.id();
    let page = fetch::get(local).await.with_context(|| id.to_string())?;
    ensure!(
        page.status == 200,
        "{id} answered with HTTP status {}",
        page.status
    );
    ensure!(
        page.body.contains(stop.name),
        "the page from {id} does not name the service"
    );
    Ok(format!(
        "HTTP 200, a page of {} bytes that names {}",
        page.body.len(),
        stop.name
    ))
}

fn local_address(open: &Snapshot, id: &TunnelId) -> anyhow::Result<SocketAddr> {
    open.tunnels
        .get(id)
        .and_then(|status| status.local_address())
        .with_context(|| format!("{id} is open but listens nowhere"))
}

fn took(since: Instant) -> String {
    let elapsed = since.elapsed();
    if elapsed < Duration::from_secs(1) {
        format!("{:.1} ms", elapsed.as_secs_f64() * 1000.0)
    } else {
        format!("{:.2} s", elapsed.as_secs_f64())
    }
}

/// Whether this computer can show a window to whoever started the program.
pub(super) fn has_display() -> bool {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::{put, put_host, put_services, status};
    use crate::cli::session::testing::FakeEngine;
    use crate::model::{ListenAddress, Moment, Target};

    fn access() -> DemoAccess {
        DemoAccess {
            kubeconfig: "/tmp/d/config".into(),
            context: "demo".to_owned(),
            ssh_host: "127.0.0.1".to_owned(),
            ssh_port: 2222,
            ssh_user: "ubuntu".to_owned(),
            identity: "/tmp/d/key".into(),
            known_hosts: "/tmp/d/known_hosts".into(),
        }
    }

    #[test]
    fn the_access_line_is_the_golden_file() {
        let golden = include_str!("../../tests/golden/demo.json").trim_end();
        assert_eq!(access().json().unwrap(), golden);
        let words = access().words();
        for part in [
            "/tmp/d/config",
            "-p 2222",
            "-i /tmp/d/key",
            "ubuntu@127.0.0.1:2222",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    /// Answers one connection as a service would that sees `page` in place of its own name, then listens no more.
    async fn serve(listener: TcpListener, answers: Answers, page: &str) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 1024];
        let count = stream.read(&mut asked).await.unwrap();
        let answer = match answers {
            Answers::Page => format!("HTTP/1.1 200 OK\r\n\r\n{page}").into_bytes(),
            Answers::Echo => asked[..count].to_vec(),
        };
        stream.write_all(&answer).await.unwrap();
    }

    async fn walk(pages: [&str; 4]) -> (anyhow::Result<()>, Written) {
        let (mut dialog, engine) = FakeEngine::dialog();
        let (mut console, out, _) = console();
        let mut listeners = Vec::new();
        for _ in &TOUR {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        engine.publish(|snapshot| {
            put_services(snapshot);
            put_host(snapshot);
            for (stop, listener) in TOUR.iter().zip(&listeners) {
                let service = ServiceKey::new(stop.namespace, stop.name);
                let target = Target::Service {
                    service,
                    port: stop.port,
                    route: None,
                };
                let mut open = status(
                    stop.id(),
                    target,
                    TunnelState::Open {
                        since: Moment::START,
                    },
                );
                open.listening = vec![ListenAddress::Tcp(listener.local_addr().unwrap())];
                put(snapshot, open);
            }
        });
        let serve_all = async {
            for ((stop, listener), page) in TOUR.iter().zip(listeners).zip(pages) {
                serve(listener, stop.answers, page).await;
            }
            std::future::pending::<()>().await;
        };
        let mut narrator = Narrator {
            console: &mut console,
            on_stderr: false,
        };
        let diagram = |_: &Snapshot, id: &TunnelId| format!("[diagram of {id}]");
        let run = async {
            let tour = tour(&mut dialog, diagram, &mut narrator);
            tokio::select! {
                result = tour => result,
                () = serve_all => unreachable!("it serves for ever"),
            }
        };
        let end = tokio::spawn(engine.end());
        let result = run.await;
        drop(dialog);
        end.abort();
        (result, out)
    }

    #[tokio::test]
    async fn the_tour_succeeds_only_if_every_page_names_its_service() {
        let (result, out) = walk(["ui", "storefront", "storefront", ""]).await;
        result.unwrap();
        let text = out.text();
        for part in [
            "2 LoadBalancer services, 1 of them",
            "default/ui:80",
            "HTTP 200",
            "sent back 14 bytes",
            "[diagram of default/ui:80]",
            "ports are free",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }

        let (result, _) = walk(["ui", "another", "storefront", ""]).await;
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains("shop/storefront:80 does not name"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_that_does_not_open_is_named() {
        let (mut dialog, engine) = FakeEngine::dialog();
        engine.publish(put_services);
        let (mut console, _, _) = console();
        let mut narrator = Narrator {
            console: &mut console,
            on_stderr: true,
        };
        let tour = tour(&mut dialog, |_, _| String::new(), &mut narrator);
        let error = tour.await.unwrap_err().to_string();
        assert!(
            error.contains("default/ui:80 did not open within 20 s"),
            "{error}"
        );
        drop(Arc::new(engine));
    }
}
