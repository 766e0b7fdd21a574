//! The instance and programs that talk to it, over the real socket, with an engine that the test plays.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::engine::Handle;
use crate::model::{
    Answer, ClusterState, Command, HostId, HostProfile, Intent, Kubeconfig, LocalBind, Prompt,
    PromptId, Question, Secret, ServiceKey, Snapshot, Target, TunnelId, TunnelSpec, TunnelState,
    TunnelStatus,
};

struct World {
    home: TempDir,
    faces: Faces,
    journal: Journal,
    commands: mpsc::UnboundedReceiver<Command>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    server: Option<Server>,
}

impl World {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (sender, commands) = mpsc::unbounded_channel();
        let (snapshots, receiver) = watch::channel(Arc::default());
        let mut world = Self {
            home,
            faces: Faces::default(),
            journal: Journal::default(),
            commands,
            snapshots,
            server: None,
        };
        let Claim::Ours(ownership) = world.place().claim().unwrap() else {
            panic!("nobody else is here")
        };
        let instance = Instance {
            handle: Handle::new(sender, receiver),
            faces: world.faces.clone(),
            journal: world.journal.clone(),
            host_profile: Box::new(|via| Ok(HostProfile::new("u", &via.host, 22))),
            has_display: true,
        };
        world.server = Some(serve(ownership, instance).unwrap());
        world
    }

    fn place(&self) -> Place {
        Place::at(self.home.path().join("adit"))
    }

    async fn client(&self) -> Client {
        Client::connect(&self.place()).await.unwrap().unwrap()
    }

    async fn ask(&self, request: &Request) -> Reply {
        let mut client = self.client().await;
        client.send(request).await.unwrap();
        client.reply().await.unwrap()
    }

    fn publish(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshots
            .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }
}

fn up(service: &str, port: Option<u16>) -> Request {
    Request::Up(Box::new(UpRequest {
        service: service.to_owned(),
        port,
        ..UpRequest::default()
    }))
}

#[tokio::test]
async fn nobody_answers_where_nobody_runs() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("adit"));
    assert!(Client::connect(&place).await.unwrap().is_none());
}

#[tokio::test]
async fn a_service_is_opened_and_closed() {
    let mut world = World::start();
    let reply = world.ask(&up("shop/web", Some(80))).await;
    assert_eq!(reply, Reply::Tunnels(vec!["shop/web:80".to_owned()]));
    let first = world.commands.recv().await.unwrap();
    assert!(
        matches!(first, Command::UseCluster(_)),
        "none was watched: {first:?}"
    );
    let second = world.commands.recv().await.unwrap();
    assert!(
        matches!(&second, Command::SetIntent { id, intent: Intent::Up } if id.to_string() == "shop/web:80"),
        "{second:?}"
    );
    let Reply::Refused(refusal) = world
        .ask(&Request::Down {
            service: "shop/web".to_owned(),
            port: None,
        })
        .await
    else {
        panic!("the engine has not opened it")
    };
    assert_eq!(refusal.code, "not-open");
}

/// `default/ui` as it is wanted, whatever has become of it.
fn wanted_tunnel(snapshot: &mut Snapshot) {
    let id = TunnelId::service(ServiceKey::new("default", "ui"), 80);
    let status = TunnelStatus {
        intent: Intent::Up,
        state: TunnelState::Resolving,
        ..TunnelStatus::new(TunnelSpec {
            id: id.clone(),
            host: HostId::new("h"),
            local: LocalBind::preferred_for(80),
            target: Target::Dynamic,
        })
    };
    snapshot.tunnels.insert(id, Arc::new(status));
}

#[tokio::test]
async fn another_cluster_is_taken_while_no_tunnel_would_lose_its_own() {
    let mut world = World::start();
    world.publish(|snapshot| {
        snapshot.cluster.state = ClusterState::Live;
        snapshot.cluster.context = Some("here".to_owned());
    });
    let Request::Up(mut other) = up("shop/web", Some(80)) else {
        panic!("it is Up")
    };
    other.cluster = Some(ClusterChoice {
        kubeconfig: Some("/other/config".into()),
        context: None,
    });
    let request = Request::Up(other);
    let Reply::Refused(refusal) = world.ask(&request).await else {
        panic!("its services are not known yet")
    };
    assert_eq!(refusal.code, SWITCHED);
    assert_eq!(
        refusal.message,
        "the running Adit watches the cluster of /other/config from now on, in its window too; until now it watched \
         the context here"
    );
    let command = world.commands.recv().await.unwrap();
    let Command::UseCluster(source) = command else {
        panic!("{command:?}")
    };
    assert_eq!(source.kubeconfig, Kubeconfig::File("/other/config".into()));

    world.publish(wanted_tunnel);
    let Reply::Refused(refusal) = world.ask(&request).await else {
        panic!("default/ui would lose its cluster")
    };
    assert_eq!(refusal.code, "other-cluster");
    assert!(world.commands.try_recv().is_err());
}

#[tokio::test]
async fn without_a_port_the_cluster_has_to_be_known() {
    let world = World::start();
    let Reply::Refused(refusal) = world.ask(&up("shop/web", None)).await else {
        panic!("which port?")
    };
    assert_eq!(refusal.code, LOADING);
    let Reply::Refused(refusal) = world.ask(&up("nonsense", None)).await else {
        panic!("no service")
    };
    assert_eq!(refusal.code, "usage");
    let Reply::Refused(refusal) = world.ask(&Request::UpAll).await else {
        panic!("nothing is known")
    };
    assert_eq!(refusal.code, "nothing-to-open");
}

#[tokio::test]
async fn a_host_that_is_named_is_introduced() {
    let mut world = World::start();
    let request = Request::Up(Box::new(UpRequest {
        service: "shop/web".to_owned(),
        port: Some(80),
        via: Some(Via {
            host: "node".to_owned(),
            identity: None,
        }),
        ..UpRequest::default()
    }));
    world.ask(&request).await;
    let first = world.commands.recv().await.unwrap();
    assert!(matches!(&first, Command::AddHost(profile) if profile.id == HostId::new("node")));
    world.commands.recv().await.unwrap();
    let third = world.commands.recv().await.unwrap();
    assert!(
        matches!(&third, Command::AddTunnel(spec) if spec.host == HostId::new("node")),
        "{third:?}"
    );
}

#[tokio::test]
async fn a_watcher_sees_changes_and_answers_questions() {
    let mut world = World::start();
    let mut client = world.client().await;
    client.send(&Request::Watch).await.unwrap();
    let Reply::Status(report) = client.reply().await.unwrap() else {
        panic!("no status")
    };
    assert_eq!(report.pid, std::process::id());
    assert!(report.questions.is_empty());
    let prompt = Prompt {
        id: PromptId(4),
        host: HostId::new("h"),
        hop: "u@h".to_owned(),
        question: Question::Password { again: false },
        was_refused: false,
    };
    world.publish(|snapshot| snapshot.prompts.push(prompt.clone()));
    let Reply::Status(report) = client.reply().await.unwrap() else {
        panic!("no status")
    };
    assert_eq!(report.questions, [prompt]);
    let answer = Answer::once(Secret::new("s3cret".to_owned()));
    client.answer(PromptId(4), &answer).await.unwrap();
    let Command::Answer {
        prompt: PromptId(4),
        answer: Answer::Secret { secret, .. },
    } = world.commands.recv().await.unwrap()
    else {
        panic!("no answer")
    };
    assert_eq!(secret.expose(), "s3cret");
    assert!(!format!("{report:?}").contains("s3cret"));
}

#[tokio::test]
async fn the_window_is_asked_for_and_waited_for() {
    let world = World::start();
    let faces = world.faces.clone();
    let main = std::thread::spawn(move || {
        assert_eq!(faces.next_task(), MainTask::OpenWindow);
        let seat = faces.window_opened(|| {});
        assert_eq!(seat.take_wish(), None);
        assert_eq!(faces.wait_for_window(Duration::ZERO), WindowState::Open);
        seat
    });
    assert_eq!(world.ask(&Request::Window).await, Reply::Done);
    drop(main.join().unwrap());
}

#[tokio::test]
async fn quitting_says_how_many_tunnels_end() {
    let world = World::start();
    assert_eq!(world.ask(&Request::Quit).await, Reply::Quitting { open: 0 });
    let faces = world.faces.clone();
    let task = tokio::task::spawn_blocking(move || faces.next_task());
    assert_eq!(task.await.unwrap(), MainTask::End);
}

#[tokio::test]
async fn the_log_is_read_and_followed() {
    use std::io::Write as _;
    use tracing_subscriber::fmt::MakeWriter as _;
    let world = World::start();
    let write = |text: &[u8]| world.journal.make_writer().write_all(text).unwrap();
    write(b"before\n");
    let mut client = world.client().await;
    client.send(&Request::Logs { follow: true }).await.unwrap();
    assert_eq!(
        client.reply().await.unwrap(),
        Reply::Log("before".to_owned())
    );
    assert_eq!(client.reply().await.unwrap(), Reply::Done);
    write(b"after\n");
    assert_eq!(
        client.reply().await.unwrap(),
        Reply::Log("after".to_owned())
    );
}

#[tokio::test]
async fn nonsense_ends_its_own_conversation_alone() {
    let world = World::start();
    let socket = world.place().socket();
    for nonsense in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[1, 0xff, 0xff, 0xff, 0xff],
        &[1, 0, 0, 0, 2, b'{', b'}'],
        &[2, 0, 0, 0, 1, b'x'],
    ] {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        let mut answer = Vec::new();
        // Where bytes were left unread the system says so by a reset.
        let _end = stream.read_to_end(&mut answer).await;
    }
    let reply = world.ask(&Request::Status).await;
    assert!(matches!(reply, Reply::Status(_)));
}

#[tokio::test]
async fn a_crowd_is_kept_out_and_finds_room_again() {
    let world = World::start();
    let mut crowd = Vec::new();
    for _ in 0..32 {
        crowd.push(world.client().await);
    }
    let one_more = Client::connect(&world.place()).await;
    assert!(matches!(
        one_more,
        Err(ClientError::Ended | ClientError::Wire(_))
    ));
    crowd.clear();
    // The places are free when the instance has seen that they hung up.
    let found_room = async {
        while Client::connect(&world.place()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found_room)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_socket_is_the_persons_and_goes_with_the_instance() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::start();
    let socket = world.place().socket();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let server = world.server.take().unwrap();
    server.close(Duration::from_secs(30)).await;
    let place = world.place();
    let gone = async {
        while socket.exists() || !matches!(place.claim().unwrap(), Claim::Ours(_)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_killed_instance_left_is_taken_over() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("adit"));
    let Claim::Ours(ownership) = place.claim().unwrap() else {
        panic!("it was free")
    };
    // A socket that nobody listens on any more, and no lock.
    drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
    assert!(place.socket().exists());
    drop(ownership);
    assert!(Client::connect(&place).await.unwrap().is_none());
    let Claim::Ours(ownership) = place.claim().unwrap() else {
        panic!("nobody holds it")
    };
    let listener = transport::Listener::bind(ownership).unwrap();
    assert!(transport::connect(&place).await.is_ok());
    drop(listener);
}
