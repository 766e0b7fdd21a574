//! A cluster reached through a host: by a gateway that dials loopback, and plays what is on the host.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::bench_tests::*;
use super::fake_api::FakeApi;
use super::gateway::{ByteStream, Gateway, GatewayError, Ran};
use super::tls_tests::{Authority, TOKEN, authority, server};
use crate::model::{
    ClusterSource, ClusterState, Destination, Fault, FaultCause, Hop, Kubeconfig, find_kubeconfig,
    read_file,
};

/// The host: what is there, and what was asked of it.
#[derive(Debug)]
struct Host {
    api: SocketAddr,
    /// What each command prints; null where it fails.
    files: Mutex<HashMap<String, Option<String>>>,
    /// Whether the person agrees to sudo.
    agrees: bool,
    asked: Mutex<Vec<String>>,
    dialled: Mutex<Vec<Destination>>,
    fault: watch::Sender<Option<Fault>>,
    pipes: Mutex<JoinSet<()>>,
}

impl Host {
    fn new(api: SocketAddr, agrees: bool) -> Arc<Self> {
        Arc::new(Self {
            api,
            files: Mutex::default(),
            agrees,
            asked: Mutex::default(),
            dialled: Mutex::default(),
            fault: watch::Sender::new(None),
            pipes: Mutex::default(),
        })
    }

    fn answer(&self, command: String, printed: Option<&str>) {
        let printed = printed.map(str::to_owned);
        self.files.lock().unwrap().insert(command, printed);
    }

    fn keeps(&self, kubeconfig: &str) {
        let printed = format!("adit:found /home/ubuntu/.kube/config\n{kubeconfig}");
        self.answer(find_kubeconfig(None), Some(&printed));
    }

    fn lose(&self) {
        self.fault.send_replace(Some(lost()));
        self.pipes.lock().unwrap().abort_all();
    }

    fn dialled(&self) -> Vec<String> {
        let dialled = self.dialled.lock().unwrap();
        dialled.iter().map(ToString::to_string).collect()
    }

    fn ran(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn lost() -> Fault {
    Fault {
        hop: Hop::Ssh("me@node".to_owned()),
        cause: FaultCause::SessionLost {
            reason: "it was cut".to_owned().into(),
        },
    }
}

impl Gateway for Host {
    fn name(&self) -> String {
        "me@node".to_owned()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), Fault>> {
        let fault = self.fault.borrow().clone();
        Box::pin(async move { fault.map_or(Ok(()), Err) })
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut fault = self.fault.subscribe();
        Box::pin(async move { drop(fault.changed().await) })
    }

    fn open(&self, to: Destination) -> BoxFuture<'static, Result<Box<dyn ByteStream>, Fault>> {
        self.dialled.lock().unwrap().push(to);
        if let Some(fault) = self.fault.borrow().clone() {
            return Box::pin(async move { Err(fault) });
        }
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let api = self.api;
        self.pipes.lock().unwrap().spawn(async move {
            let mut stream = TcpStream::connect(api).await.unwrap();
            drop(tokio::io::copy_bidirectional(&mut far, &mut stream).await);
        });
        Box::pin(async move { Ok(Box::new(near) as Box<dyn ByteStream>) })
    }

    fn run(&self, command: String, _: Duration) -> BoxFuture<'static, Result<Ran, GatewayError>> {
        self.asked.lock().unwrap().push(command.clone());
        let printed = self.files.lock().unwrap().get(&command).cloned().flatten();
        Box::pin(async move {
            Ok(Ran {
                success: printed.is_some(),
                stdout: Zeroizing::new(printed.unwrap_or_default().into_bytes()),
                said: "no such thing".to_owned(),
            })
        })
    }

    fn may_read_as_root(&self, file: String) -> BoxFuture<'static, bool> {
        self.asked.lock().unwrap().push(format!("sudo {file}?"));
        let agrees = self.agrees;
        Box::pin(async move { agrees })
    }
}

fn kubeconfig(server: &str, ca: Option<&Authority>, more: &str, user: &str) -> String {
    let ca = ca.map_or(String::new(), |ca| {
        format!(
            ", certificate-authority-data: '{}'",
            BASE64.encode(ca.pem())
        )
    });
    format!(
        "current-context: lab\n\
         clusters: [{{name: c, cluster: {{server: '{server}'{ca}{more}}}}}]\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}, {{name: other, user: {{exec: {{command: rm}}}}}}]\n"
    )
}

fn on_host() -> ClusterSource {
    ClusterSource {
        kubeconfig: Kubeconfig::OnHost { path: None },
        ..ClusterSource::default()
    }
}

fn follow(source: ClusterSource, host: &Arc<Host>) -> Seen {
    let gateway: Arc<dyn Gateway> = host.clone();
    Seen::of(super::watch_with(source, Some(gateway), quick()))
}

impl Seen {
    async fn failed(&mut self) -> crate::model::ClusterFault {
        let is_failed =
            |status: &crate::model::ClusterStatus| matches!(status.state, ClusterState::Failed(_));
        match self.until("failed", is_failed).await.state.clone() {
            ClusterState::Failed(fault) => fault,
            _ => unreachable!("it was waited for"),
        }
    }
}

#[tokio::test]
async fn tls_is_verified_against_the_name_in_the_hosts_kubeconfig() {
    let ca = authority();
    for (name, url, more) in [
        ("10.9.9.9", "https://10.9.9.9:6443", ""),
        ("127.0.0.1", "https://127.0.0.1:6443", ""),
        (
            "kubernetes",
            "https://10.9.9.9:6443",
            ", tls-server-name: kubernetes",
        ),
    ] {
        let api = FakeApi::start_tls(server(&ca, name, 2099)).await;
        let host = Host::new(api.address, false);
        host.keeps(&kubeconfig(url, Some(&ca), more, TOKEN));
        let status = follow(on_host(), &host).live().await;
        assert_eq!(status.services.len(), ALL_SERVICES);
        assert_eq!(status.server.as_deref(), Some(url));
        let to = url.strip_prefix("https://").unwrap();
        assert!(
            host.dialled().iter().all(|dialled| dialled == to),
            "{:?}",
            host.dialled()
        );
    }
}

#[tokio::test]
async fn another_authority_or_name_is_refused_however_it_is_reached() {
    let (ca, other) = (authority(), authority());
    for (trusted, name, expected) in [
        (&other, "10.9.9.9", "is not signed by the authority"),
        (&ca, "127.0.0.1", "is not for that name"),
    ] {
        let api = FakeApi::start_tls(server(&ca, name, 2099)).await;
        let host = Host::new(api.address, false);
        host.keeps(&kubeconfig(
            "https://10.9.9.9:6443",
            Some(trusted),
            "",
            TOKEN,
        ));
        let (_, fault) = follow(on_host(), &host).stale().await;
        assert_eq!(fault.code, "tls", "{fault:?}");
        assert!(fault.message.contains(expected), "{fault:?}");
        assert_eq!(api.count("/"), 0, "nothing was asked over it");
    }
}

#[tokio::test]
async fn a_kubeconfig_of_this_computer_is_reached_through_the_host() {
    let bench = Bench::new().await;
    write_kubeconfig(&bench.path(), "http://10.9.9.9:8080", TOKEN);
    let host = Host::new(bench.api.address, false);
    let mut seen = follow(bench.source(), &host);
    seen.live().await;
    assert!(host.dialled().contains(&"10.9.9.9:8080".to_owned()));
    assert!(host.ran().is_empty(), "nothing was run there");
}

#[tokio::test]
async fn a_lost_way_shows_and_heals() {
    let bench = Bench::new().await;
    let host = Host::new(bench.api.address, false);
    host.keeps(&kubeconfig("http://10.9.9.9", None, "", TOKEN));
    let mut seen = follow(on_host(), &host);
    seen.live().await;
    host.lose();
    let (status, fault) = seen.stale().await;
    assert_eq!(fault.code, "ssh", "{fault:?}");
    assert!(fault.message.contains("it was cut"), "{fault:?}");
    assert_eq!(status.services.len(), ALL_SERVICES, "the last view stays");
    host.fault.send_replace(None);
    seen.live().await;
}

#[tokio::test]
async fn a_way_that_does_not_stand_yet_is_waited_for() {
    let bench = Bench::new().await;
    let host = Host::new(bench.api.address, false);
    host.keeps(&kubeconfig("http://10.9.9.9", None, "", TOKEN));
    host.fault.send_replace(Some(lost()));
    let mut seen = follow(on_host(), &host);
    assert_eq!(seen.stale().await.1.code, "ssh");
    host.fault.send_replace(None);
    seen.live().await;
}

#[tokio::test]
async fn a_file_that_only_root_may_read_is_asked_about_and_no_is_safe() {
    let bench = Bench::new().await;
    let denied = "adit:denied /etc/kubernetes/admin.conf\nadit:missing\n";
    let by_root = read_file("/etc/kubernetes/admin.conf", true);
    let text = kubeconfig("http://10.9.9.9", None, "", TOKEN);
    for agrees in [false, true] {
        let host = Host::new(bench.api.address, agrees);
        host.answer(find_kubeconfig(None), Some(denied));
        host.answer(by_root.clone(), Some(&format!("adit:found x\n{text}")));
        let mut seen = follow(on_host(), &host);
        if agrees {
            seen.live().await;
            // Fresh credentials are not asked about again.
            bench.api.require_token("other");
            host.lose();
            host.fault.send_replace(None);
            let is_refused = |status: &crate::model::ClusterStatus| matches!(&status.state, ClusterState::Stale(fault) if fault.code == "unauthorized");
            seen.until("refused", is_refused).await;
            let asked = host
                .ran()
                .iter()
                .filter(|ran| ran.starts_with("sudo "))
                .count();
            assert_eq!(asked, 1);
        } else {
            let fault = seen.failed().await;
            assert_eq!(fault.code, "forbidden", "{fault:?}");
            assert!(
                fault.hint.contains("sudo cp /etc/kubernetes/admin.conf"),
                "{fault:?}"
            );
            assert!(!host.ran().contains(&by_root), "sudo was run");
            assert!(host.dialled().is_empty());
        }
    }
}

#[tokio::test]
async fn what_the_hosts_kubeconfig_names_is_read_there_and_nothing_of_it_is_run() {
    let bench = Bench::new().await;
    bench.api.require_token("good");
    let host = Host::new(bench.api.address, false);
    let secret = bench.folder.path().join("secret");
    std::fs::write(&secret, "a secret of this computer").unwrap();
    let user = format!("tokenFile: '{}'", secret.display());
    host.keeps(&kubeconfig("http://10.9.9.9", None, "", &user));
    let mut seen = follow(on_host(), &host);
    let fault = seen.failed().await;
    assert!(
        fault.message.contains("cannot be read: no such thing"),
        "{fault:?}"
    );
    assert!(
        host.dialled().is_empty(),
        "nothing of this computer was sent"
    );

    host.answer(
        read_file("/home/ubuntu/.kube/token", false),
        Some("adit:found x\ngood\n"),
    );
    host.keeps(&kubeconfig("http://10.9.9.9", None, "", "tokenFile: token"));
    seen.live().await;

    let host = Host::new(bench.api.address, false);
    host.keeps(&kubeconfig(
        "http://10.9.9.9",
        None,
        "",
        "exec: {command: 'touch', args: ['/tmp/x']}",
    ));
    let fault = follow(on_host(), &host).failed().await;
    assert!(
        fault.message.contains("from a program on that host"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_host_without_a_kubeconfig_or_a_shell_says_so() {
    let bench = Bench::new().await;
    for (printed, expected) in [
        (Some("adit:missing\n"), "There is no kubeconfig on me@node"),
        (
            None,
            "No kubeconfig can be looked for on me@node: no such thing",
        ),
    ] {
        let host = Host::new(bench.api.address, true);
        host.answer(find_kubeconfig(None), printed);
        let fault = follow(on_host(), &host).failed().await;
        assert!(fault.message.contains(expected), "{fault:?}");
    }
}

#[tokio::test]
async fn other_programs_get_a_kubeconfig_with_the_credentials_and_the_original_name() {
    let bench = Bench::new().await;
    let host = Host::new(bench.api.address, false);
    host.keeps(&kubeconfig("https://10.9.9.9:6443", None, "", TOKEN));
    let gateway: Arc<dyn Gateway> = host.clone();
    let watcher = super::watch_with(on_host(), Some(gateway), quick());
    let text = watcher
        .kubeconfig_by("127.0.0.1:7".parse().unwrap())
        .await
        .unwrap();
    let document = super::kubeconfig::parse(text.expose(), "x".as_ref()).unwrap();
    let cluster = document.clusters[0].cluster.as_ref().unwrap();
    assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:7"));
    assert_eq!(cluster.tls_server_name.as_deref(), Some("10.9.9.9"));
    assert_eq!(
        document.auth_infos.len(),
        1,
        "others' credentials stay where they are"
    );
    assert!(text.expose().contains("\"token\": \"good\""));
}
