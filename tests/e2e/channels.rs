//! What the library offers over a session besides tunnels: streams, commands and timed opens.

use std::sync::Arc;
use std::time::Duration;

use adit::demo::{DemoOptions, DemoWorld, Pace};
use adit::model::{Answer, Destination, HostKeyPolicy, HostProfile, Question};
use adit::ssh::{
    ExecError, ExecLimits, ExecOutput, ExecStatus, Observer, OpenError, Refusal, Session,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::LIMIT;
use crate::support::servers::{Silent, closed_port, digest, echo, noise, page, sink};
use crate::support::sshd::{Sshd, user};

/// Nobody who could be asked.
struct Nobody;

impl Observer for Nobody {
    fn dialing(&self, _hop: &str) {}

    fn ask(&self, _hop: &str, question: Question) -> Answer {
        panic!("it asks: {question:?}")
    }
}

async fn session(sshd: &Sshd) -> Session {
    let mut profile = HostProfile::new(&user(), "127.0.0.1", sshd.port());
    profile.identities = vec![sshd.key()];
    profile.known_hosts = vec![sshd.known_hosts()];
    connect(profile).await
}

async fn connect(mut profile: HostProfile) -> Session {
    profile.use_agent = false;
    profile.host_key_policy = HostKeyPolicy::Strict;
    let connecting = adit::ssh::connect(&profile, Arc::new(Nobody));
    tokio::time::timeout(LIMIT, connecting)
        .await
        .unwrap()
        .unwrap()
}

fn to(address: std::net::SocketAddr) -> Destination {
    Destination::tcp(address.ip().to_string(), address.port())
}

#[tokio::test]
async fn a_stream_carries_both_ways_and_each_way_ends_on_its_own() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let data = noise(8 << 20);
    let stream = session.open_stream(&to(echo()), LIMIT).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut back = Vec::new();
    reader.read_to_end(&mut back).await.unwrap();
    sending.await.unwrap();
    assert!(back == data);

    // What is answered after the end of the question still arrives.
    let mut stream = session.open_stream(&to(sink()), LIMIT).await.unwrap();
    stream.write_all(&data).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut sum = Vec::new();
    stream.read_to_end(&mut sum).await.unwrap();
    assert_eq!(sum, digest(&data));
}

#[tokio::test]
async fn a_stream_and_a_timed_open_say_what_the_target_does() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let took = session.time_open(&to(echo()), LIMIT).await.unwrap();
    assert!(took < LIMIT, "{took:?}");
    let closed = Destination::tcp("127.0.0.1", closed_port());
    let silent = Silent::start();
    let limit = Duration::from_millis(300);
    for (target, expected) in [
        (closed, None),
        (
            to(silent.address()),
            Some(OpenError::TimedOut { after: limit }),
        ),
    ] {
        let limit = if expected.is_some() { limit } else { LIMIT };
        let opened = session.open_stream(&target, limit).await.unwrap_err();
        let timed = session.time_open(&target, limit).await.unwrap_err();
        for error in [opened, timed] {
            match &expected {
                Some(expected) => assert_eq!(error, *expected),
                None => assert!(
                    matches!(
                        error,
                        OpenError::Refused {
                            refusal: Refusal::ConnectFailed,
                            ..
                        }
                    ),
                    "{error:?}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let mut stream = session.open_stream(&to(echo()), LIMIT).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    drop(session);
    let end = tokio::time::timeout(LIMIT, stream.read(&mut [0])).await;
    assert_eq!(end.unwrap().unwrap_or(0), 0);
}

async fn exec(session: &Session, command: &str) -> ExecOutput {
    session.exec(command, ExecLimits::default()).await.unwrap()
}

#[tokio::test]
async fn a_command_says_how_it_ended_and_what_it_printed() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let both = exec(&session, "printf out; printf err >&2; exit 3").await;
    let expected = ExecOutput {
        status: ExecStatus::Code(3),
        stdout: b"out".to_vec(),
        stderr: b"err".to_vec(),
    };
    assert_eq!(both, expected);

    let killed = exec(&session, "kill -TERM $$").await;
    assert_eq!(killed.status, ExecStatus::Signal("TERM".to_owned()));

    // It has no input to wait for, and more to say than one window holds.
    let long = exec(&session, "cat; head -c 1000000 /dev/zero").await;
    assert_eq!(
        (long.status, long.stdout.len()),
        (ExecStatus::Code(0), 1_000_000)
    );
}

#[tokio::test]
async fn a_command_is_bounded_and_leaves_the_session_usable() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let limits = ExecLimits {
        output_bytes: 100_000,
        time: LIMIT,
    };
    let error = session.exec("yes", limits).await.unwrap_err();
    assert_eq!(
        error,
        ExecError::TooMuch {
            limit_bytes: 100_000
        }
    );

    let limits = ExecLimits {
        time: Duration::from_millis(300),
        ..ExecLimits::default()
    };
    let error = session.exec("exec sleep 600", limits).await.unwrap_err();
    assert_eq!(error, ExecError::TimedOut { after: limits.time });
    assert_eq!(exec(&session, "echo on").await.stdout, b"on\n");
}

#[tokio::test]
async fn the_demo_answers_commands_and_streams_too() {
    let options = DemoOptions {
        pace: Pace::Off,
        ..DemoOptions::default()
    };
    let world = DemoWorld::start(options).await.unwrap();
    let access = world.access();
    let mut profile = HostProfile::new(&access.ssh_user, &access.ssh_host, access.ssh_port);
    profile.identities = vec![access.identity.clone()];
    profile.known_hosts = vec![access.known_hosts.clone()];
    let session = connect(profile).await;
    let output = exec(&session, "hostname -I").await;
    assert_eq!(output.stdout, b"10.0.0.101 10.244.1.1 fd00:10::101 \n");
    assert_eq!(
        exec(&session, "rm -rf /").await.status,
        ExecStatus::Code(127)
    );

    let ui = Destination::tcp("10.0.0.241", 80);
    let mut stream = session.open_stream(&ui, LIMIT).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.contains("<h1>default/ui</h1>"), "{page}");
}

/// Each channel leads where it was asked for, however many are asked for at once and in whatever order they are answered.
#[tokio::test]
async fn many_channels_are_opened_at_once_and_none_is_taken_for_another() {
    let sshd = Sshd::start(&["RekeyLimit 256K"]);
    let session = session(&sshd).await;
    let (silent, closed) = (Silent::start(), closed_port());
    let dead = session.open_stream(&to(silent.address()), LIMIT);
    let words: Vec<String> = (0..4).map(|number| format!("target {number}")).collect();
    let pages: Vec<_> = words
        .iter()
        .map(|word| page("127.0.0.1:0", word.repeat(4096).into_bytes()).0)
        .collect();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (target, word) = (to(pages[number % 4]), words[number % 4].clone());
        let opening = session.open_stream(&target, LIMIT);
        let refused = session.time_open(&Destination::tcp("127.0.0.1", closed), LIMIT);
        tasks.spawn(async move {
            let mut stream = opening.await.unwrap();
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.ends_with(word.repeat(4096).as_bytes()), "{number}");
            let error = refused.await.unwrap_err();
            let expected = OpenError::Refused {
                refusal: Refusal::ConnectFailed,
                words: "Connection refused".to_owned(),
            };
            assert_eq!(error, expected);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        session.load().pending_opens(),
        1,
        "the dead one still waits"
    );
    drop(dead);
    assert!(session.lost().borrow().is_none());
}

/// libssh2 by itself gives a session up whose server takes more than a minute to answer, with all that it carries.
#[tokio::test]
async fn a_target_that_does_not_answer_for_more_than_a_minute_costs_nobody_a_connection() {
    let sshd = Sshd::start(&[]);
    let session = session(&sshd).await;
    let silent = Silent::start();
    let mut stream = session.open_stream(&to(echo()), LIMIT).await.unwrap();
    let limit = Duration::from_secs(63);
    let dead = session.open_stream(&to(silent.address()), limit).await;
    assert_eq!(dead.unwrap_err(), OpenError::TimedOut { after: limit });
    stream.write_all(b"x").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
}
