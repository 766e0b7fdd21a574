//! The cluster's API through the real sshd: found there, verified, healed, handed on to other programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use adit::demo::{DemoOptions, DemoWorld, Pace};
use adit::model::{
    ClusterSource, ClusterState, Command as Wish, HostId, Intent, Kubeconfig, ServiceKey, Snapshot,
    TunnelId, TunnelState,
};
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::adit::{Running, command};
use crate::support::engine::{is_live, profile, until};
use crate::support::person::Person;
use crate::support::servers::{echo, exchange, noise};
use crate::support::sshd::Sshd;
use crate::support::tiny_api;

async fn still_world() -> DemoWorld {
    let options = DemoOptions {
        pace: Pace::Off,
        ..DemoOptions::default()
    };
    DemoWorld::start(options).await.unwrap()
}

/// `adit` with these words, going through `sshd`, with a home folder in which there is no kubeconfig.
fn through(sshd: &Sshd, words: &[&str]) -> Command {
    let config = trusting(&sshd.home(), &sshd.known_hosts());
    let mut command = command(&sshd.home());
    let (before, after) = match words.iter().position(|word| *word == "--") {
        Some(place) => words.split_at(place),
        None => (words, [].as_slice()),
    };
    command
        .args(before)
        .args(["--host", &format!("{}:{}", Sshd::login(), sshd.port())])
        .arg("--identity")
        .arg(sshd.key())
        .arg("--ssh-config")
        .arg(config)
        .args(after);
    command
}

/// An ssh_config that knows these hosts.
fn trusting(folder: &Path, known_hosts: &Path) -> PathBuf {
    let path = folder.join("ssh_config");
    let text = format!(
        "UserKnownHostsFile {}\nGlobalKnownHostsFile none\nIdentityAgent none\n",
        known_hosts.display()
    );
    // Several commands of a test share it: one must not find it empty while another is about to write the same.
    if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
        fs::write(&path, text).unwrap();
    }
    path
}

/// Runs them to their end, beside the servers of this process.
async fn output(command: Command) -> Output {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true).stdin(Stdio::null());
    tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap()
        .unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn has_ui(output: &Output) -> bool {
    let list: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", words(output)));
    let rows = list.as_array().unwrap();
    rows.iter()
        .any(|row| row["namespace"] == "default" && row["name"] == "ui")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_all_it_takes() {
    let world = still_world().await;
    let kubeconfig = world.access().kubeconfig.display().to_string();
    let sshd = Sshd::start(&[&format!("SetEnv KUBECONFIG={kubeconfig}")]);
    let listed = output(through(&sshd, &["list", "-o", "json"])).await;
    assert!(has_ui(&listed), "{}", words(&listed));
    assert!(
        words(&listed).contains("it is looked for on 127.0.0.1"),
        "{}",
        words(&listed)
    );

    // That it really went through the host shows where the host does not let it.
    let shut = Sshd::start(&[
        &format!("SetEnv KUBECONFIG={kubeconfig}"),
        "AllowTcpForwarding no",
    ]);
    let refused = output(through(&shut, &["list"])).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        words(&refused).contains("forbids forwarding"),
        "{}",
        words(&refused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_host_is_all_it_takes_too() {
    let world = still_world().await;
    let access = world.access();
    let home = tempfile::tempdir().unwrap();
    let mut list = command(home.path());
    let host = format!(
        "{}@{}:{}",
        access.ssh_user, access.ssh_host, access.ssh_port
    );
    list.args(["list", "-o", "json", "--host", &host, "--identity"]);
    list.arg(&access.identity).arg("--ssh-config");
    list.arg(trusting(home.path(), &access.known_hosts));
    let listed = output(list).await;
    assert!(has_ui(&listed), "{}", words(&listed));
}

/// The world's kubeconfig with one thing changed.
fn spoiled(world: &DemoWorld, folder: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
    let text = fs::read_to_string(&world.access().kubeconfig).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    change(&mut document["clusters"][0]["cluster"]);
    let path = folder.join(format!("kubeconfig-{}", fastrand::u64(..)));
    fs::write(&path, document.to_string()).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_name_and_authority_are_verified_through_the_host() {
    let (world, other) = (still_world().await, still_world().await);
    let sshd = Sshd::start(&[]);
    let folder = sshd.path("");
    let named = |name: &str| {
        let name = Value::from(name);
        spoiled(&world, &folder, |cluster| cluster["tls-server-name"] = name)
    };
    let authority = fs::read_to_string(&other.access().kubeconfig).unwrap();
    let authority: Value = serde_json::from_str(&authority).unwrap();
    let authority = &authority["clusters"][0]["cluster"]["certificate-authority-data"];
    let stranger = spoiled(&world, &folder, |cluster| {
        cluster["certificate-authority-data"] = authority.clone();
    });
    let list = async |kubeconfig: &Path| {
        let option = format!("--kubeconfig-on-host={}", kubeconfig.display());
        output(through(&sshd, &["list", "-o", "json", &option])).await
    };
    let (good, elsewhere) = (named("kubernetes"), named("elsewhere.example"));
    trusting(&sshd.home(), &sshd.known_hosts());
    let (good, elsewhere, stranger) = tokio::join!(list(&good), list(&elsewhere), list(&stranger));
    assert!(has_ui(&good), "{}", words(&good));
    for (refused, reason) in [
        (elsewhere, "is not for that name"),
        (stranger, "is not signed by the authority"),
    ] {
        assert_eq!(refused.status.code(), Some(1));
        assert!(words(&refused).contains(reason), "{}", words(&refused));
        assert!(refused.stdout.is_empty());
    }
}

/// A host whose account may not read the kubeconfig, and a `sudo` there that notes that it was run.
struct Guarded {
    sshd: Sshd,
    kubeconfig: PathBuf,
    log: PathBuf,
    _world: tempfile::TempDir,
}

fn guarded(world: &DemoWorld) -> Guarded {
    let sshd = Sshd::start(&[]);
    let kubeconfig = sshd.path("admin.conf");
    fs::copy(&world.access().kubeconfig, &kubeconfig).unwrap();
    fs::set_permissions(&kubeconfig, Permissions::from_mode(0o000)).unwrap();
    let open = tempfile::tempdir().unwrap();
    let at = |name: &str| open.path().join(name);
    let write = |name: &str, text: &str, mode| {
        fs::write(at(name), text).unwrap();
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    };
    fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    write("log", "", 0o666);
    let text = fs::read_to_string(&world.access().kubeconfig).unwrap();
    write("of-root", &text, 0o644);
    let here = open.path().display().to_string();
    write(
        "sudo",
        &format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> {here}/log\ncat {here}/of-root\n"),
        0o755,
    );
    // Root reads everything: its sessions are given to nobody.
    let as_nobody = if rustix::process::geteuid().is_root() {
        "su -s /bin/sh nobody -c"
    } else {
        "sh -c"
    };
    let wrapper = format!(
        "#!/bin/sh\nPATH={here}:$PATH; export PATH\nexec {as_nobody} \"PATH={here}:$PATH; $SSH_ORIGINAL_COMMAND\"\n"
    );
    write("wrapper", &wrapper, 0o755);
    let keys = fs::read_to_string(sshd.path("authorized_keys")).unwrap();
    fs::write(
        sshd.path("authorized_keys"),
        format!("command=\"{here}/wrapper\" {keys}"),
    )
    .unwrap();
    Guarded {
        sshd,
        kubeconfig,
        log: at("log"),
        _world: open,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_root_may_read_is_asked_about_and_no_is_safe() {
    let world = still_world().await;
    let host = guarded(&world);
    let option = format!("--kubeconfig-on-host={}", host.kubeconfig.display());
    let arguments = ["list", "-o", "json", &option];
    let ran = || fs::read_to_string(&host.log).unwrap();

    let refused = output(through(&host.sshd, &arguments)).await;
    assert_eq!(refused.status.code(), Some(1), "{}", words(&refused));
    assert!(
        words(&refused).contains("may not be read by this account"),
        "{}",
        words(&refused)
    );
    assert_eq!(ran(), "", "nobody was there to ask, and sudo was run");

    let inner = through(&host.sshd, &arguments);
    let mut at_terminal = Command::new("setsid");
    at_terminal.arg("--ctty").arg(inner.get_program());
    at_terminal
        .args(inner.get_args())
        .env("HOME", host.sshd.home());
    at_terminal
        .env_remove("KUBECONFIG")
        .env_remove("SSH_AUTH_SOCK");
    let person = Person::sit_at(&mut at_terminal, &[("May it? (yes/no)", "yes")]);
    let listed = tokio::task::spawn_blocking(move || {
        let mut running = Running::spawn(at_terminal);
        let status = running.wait();
        (status, running.words())
    });
    let (status, said) = listed.await.unwrap();
    assert!(status.success(), "{said}");
    assert!(person.seen().contains("sudo -n cat"), "{}", person.seen());
    assert_eq!(ran().lines().count(), 1, "{}", ran());
    assert!(ran().starts_with("-n cat -- "), "{}", ran());
}

fn is_stale(snapshot: &Snapshot) -> bool {
    matches!(snapshot.cluster.state, ClusterState::Stale(_))
}

fn on_host(path: &Path, host: &str) -> ClusterSource {
    ClusterSource {
        kubeconfig: Kubeconfig::OnHost {
            path: Some(path.display().to_string()),
        },
        context: None,
        through: Some(HostId::new(host)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_heals_when_the_host_is_back() {
    let world = still_world().await;
    let mut sshd = Sshd::start(&[]);
    let mut handle = adit::engine::start();
    handle.send(Wish::AddHost(Box::new(profile(&sshd, "node"))));
    handle.send(Wish::UseCluster(on_host(
        &world.access().kubeconfig,
        "node",
    )));
    until(&mut handle, "live", is_live).await;
    sshd.kill();
    let stale = until(&mut handle, "stale", is_stale).await;
    assert!(!stale.cluster.services.is_empty(), "the last view stays");
    sshd.resume();
    until(&mut handle, "live again", is_live).await;
    handle.send(Wish::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_host_is_gone_the_next_carries_its_tunnels_and_the_api() {
    let (mut first, second) = (Sshd::start(&[]), Sshd::start(&[]));
    let address = echo();
    let kubeconfig = second.path("kubeconfig");
    tiny_api::start(address, &kubeconfig);
    let mut handle = adit::engine::start();
    let hosts = ["first", "second"].map(HostId::new);
    handle.send(Wish::AddHost(Box::new(profile(&first, "first"))));
    handle.send(Wish::AddHost(Box::new(profile(&second, "second"))));
    handle.send(Wish::SetCandidates(hosts.to_vec()));
    handle.send(Wish::UseCluster(on_host(&kubeconfig, "first")));
    until(&mut handle, "live", is_live).await;
    let id = TunnelId::service(ServiceKey::new("default", "echo"), address.port());
    handle.send(Wish::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    });
    let open_by = |host: &'static str| {
        let id = id.clone();
        move |snapshot: &Snapshot| {
            snapshot.tunnels.get(&id).is_some_and(|tunnel| {
                tunnel.spec.host.as_str() == host
                    && matches!(tunnel.state, TunnelState::Open { .. })
            })
        }
    };
    let snapshot = until(&mut handle, "open by the first", open_by("first")).await;
    let local = snapshot.tunnels[&id].local_address().unwrap();
    let data = noise(1 << 16);
    let talk = |data: Vec<u8>| tokio::task::spawn_blocking(move || exchange(local, data));
    assert_eq!(talk(data.clone()).await.unwrap(), data);

    first.kill();
    let moved = until(&mut handle, "open by the second", open_by("second")).await;
    assert_eq!(
        moved.tunnels[&id].local_address(),
        Some(local),
        "the port stays"
    );
    assert_eq!(talk(data.clone()).await.unwrap(), data);
    let told = moved
        .notices
        .iter()
        .any(|notice| notice.text.to_string().contains("through second now"));
    assert!(told, "{:?}", moved.notices);
    until(&mut handle, "live by the second", is_live).await;

    // A host that is back is not turned back to, since that would cut connections.
    first.resume();
    handle.send(Wish::Quit);
    until(&mut handle, "the end", |snapshot| snapshot.ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_and_curl_work_by_the_printed_kubeconfig() {
    let world = still_world().await;
    let sshd = Sshd::start(&[]);
    let option = format!(
        "--kubeconfig-on-host={}",
        world.access().kubeconfig.display()
    );
    let script = "stat -c %a \"$KUBECONFIG\"; echo \"$KUBECONFIG\"; exit 7";
    let ran = output(through(
        &sshd,
        &["kubeconfig", &option, "--", "sh", "-c", script],
    ))
    .await;
    assert_eq!(
        ran.status.code(),
        Some(7),
        "the command's own: {}",
        words(&ran)
    );
    let printed = String::from_utf8(ran.stdout).unwrap();
    let (mode, path) = printed.trim().split_once('\n').unwrap();
    assert_eq!(mode, "600");
    assert!(!Path::new(path).exists(), "{path} was left behind");

    let mut printing = through(&sshd, &["kubeconfig", &option]);
    printing.stdin(Stdio::null());
    let talk = move || {
        let running = Running::spawn(printing);
        let mut text = String::new();
        let document = loop {
            text.push_str(&running.line(LIMIT).unwrap());
            if let Ok(document) = serde_json::from_str::<Value>(&text) {
                break document;
            }
        };
        by_curl(&document, &sshd.path("ca.pem"));
        by_kubectl(&text, &sshd.path("kubeconfig"));
        assert!(running.interrupt().success());
    };
    tokio::task::spawn_blocking(talk).await.unwrap();
}

/// curl, which knows nothing of kubeconfigs, verifies the server by the name that is in it.
fn by_curl(document: &Value, ca: &Path) {
    use base64::Engine as _;
    let cluster = &document["clusters"][0]["cluster"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (server, name) = (text(&cluster["server"]), text(&cluster["tls-server-name"]));
    let pem = base64::engine::general_purpose::STANDARD
        .decode(text(&cluster["certificate-authority-data"]))
        .unwrap();
    fs::write(ca, pem).unwrap();
    let port = server.rsplit(':').next().unwrap().to_owned();
    let token = text(&document["users"][0]["user"]["token"]);
    let get = |host: &str| {
        Command::new("curl")
            .args(["-sS", "--cacert"])
            .arg(ca)
            .args(["--connect-to", &format!("{host}:443:127.0.0.1:{port}")])
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .arg(format!(
                "https://{host}/api/v1/namespaces/default/services/ui"
            ))
            .output()
            .expect("curl is needed: tests/run installs curl")
    };
    let answer = get(&name);
    let service: Value = serde_json::from_slice(&answer.stdout)
        .unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert_eq!(service["metadata"]["name"], "ui");
    assert!(
        !get("elsewhere.example").status.success(),
        "another name is refused"
    );
}

fn by_kubectl(text: &str, path: &Path) {
    fs::write(path, text).unwrap();
    let output = Command::new("kubectl")
        .args(["get", "svc", "ui", "-n", "default", "-o", "name"])
        .env("KUBECONFIG", path)
        .output()
        .expect("kubectl is needed: tests/run installs kubernetes-client");
    let name = String::from_utf8_lossy(&output.stdout);
    assert_eq!(name.trim(), "service/ui", "{}", words(&output));
}
