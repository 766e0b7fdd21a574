//! What comes over the control socket, spoiled: a conversation ends, and asks of the engine only what was asked of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use super::conversation::converse;
use super::frame::{HEADER_BYTES, Header, Kind, REPLY_LIMIT, REQUEST_LIMIT, decode};
use super::{Faces, Instance, Journal, Reply, Request};
use crate::engine::Handle;
use crate::model::{Command, HostProfile, Snapshot};
use crate::testing::{JSON, spoiled, spoiled_of};

const MESSAGES: &[&str] = &[
    "\"hello\":",
    "\"version\":1",
    "\"up\":",
    "\"quit\"",
    "\"watch\"",
    "\"window\"",
    "{\"logs\":{\"follow\":true}}",
    "\"service\":\"a/b\"",
    "\"answer\":",
    "\\u001b[2J",
];

/// What makes up frames: their beginnings, among others.
const FRAMES: &[&str] = &[
    "\u{1}\0\0\0\u{8}\"status\"",
    "\u{1}\0\0\0\u{6}\"quit\"",
    "\u{2}\0\0\0\u{3}abc",
    "\u{1}",
    "\u{2}",
    "\0\0",
    "\u{7f}",
];

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

/// Whole conversations of the kept messages: a greeting, one of each, and a secret; and all of them in one.
fn conversations() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/control");
    let message = |path: &Path| frame(1, &std::fs::read(path).unwrap());
    let hello = message(&folder.join("hello"));
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let messages: Vec<Vec<u8>> = files.iter().map(|path| message(path)).collect();
    let secret = frame(2, b"hunter2");
    let mut all: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| [&hello[..], message, &secret].concat())
        .collect();
    all.push([&hello[..], &messages.concat()].concat());
    all
}

/// An engine that does nothing, and has what is wanted written down at once: it is waited for. What it was told.
async fn obey(mut commands: mpsc::UnboundedReceiver<Command>) -> Vec<Command> {
    let mut told = Vec::new();
    while let Some(command) = commands.recv().await {
        if let Command::WriteSettings { reply } = &command {
            reply.send(()).unwrap();
        }
        told.push(command);
    }
    told
}

/// Says all of this to an instance; what it answered, and what it asked of the engine.
fn talk(said: &[u8]) -> (Vec<u8>, Vec<Command>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Whatever would wait for ever is found out at once.
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (sender, commands) = mpsc::unbounded_channel();
        let engine = tokio::spawn(obey(commands));
        let (_snapshots, receiver) = watch::channel(Arc::<Snapshot>::default());
        let instance = Instance {
            handle: Handle::new(sender, receiver),
            faces: Faces::default(),
            journal: Journal::default(),
            host_profile: Box::new(|via| Ok(HostProfile::new("u", &via.host, 22))),
            has_display: false,
        };
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(said).await.unwrap();
        client.shutdown().await.unwrap();
        let talking = tokio::time::timeout(Duration::from_hours(1), converse(server, &instance));
        let _well_or_not = talking.await.expect("it does not end");
        let mut answered = Vec::new();
        client.read_to_end(&mut answered).await.unwrap();
        drop(instance);
        (answered, engine.await.unwrap())
    })
}

proptest! {
    #[test]
    fn fuzz_control_requests(content in spoiled(&["corpus/control"], "", &[JSON, MESSAGES])) {
        if let Ok(request) = decode::<Request>(&content) {
            let again = serde_json::to_vec(&request).unwrap();
            prop_assert_eq!(decode::<Request>(&again).unwrap(), request);
        }
    }

    #[test]
    fn fuzz_control_replies(content in spoiled(&["corpus/replies"], "", &[JSON, MESSAGES])) {
        if let Ok(reply) = decode::<Reply>(&content) {
            let again = serde_json::to_vec(&reply).unwrap();
            prop_assert_eq!(decode::<Reply>(&again).unwrap(), reply);
        }
    }

    /// Frames that are cut, doubled and mixed up: the answers are whole frames, no secret comes back, and the engine is asked for
    /// no more than there were messages.
    #[test]
    fn fuzz_control_frames(said in spoiled_of(conversations(), &[FRAMES])) {
        let (answered, asked) = talk(&said);
        prop_assert!(asked.len() <= said.len() / HEADER_BYTES * 2);
        let mut rest = &answered[..];
        while let Some((header, after)) = rest.split_first_chunk() {
            let header = Header::parse(*header, REPLY_LIMIT).unwrap();
            prop_assert_eq!(header.kind, Kind::Message);
            prop_assert!(header.length <= after.len(), "an answer is cut");
            let (content, next) = after.split_at(header.length);
            decode::<Reply>(content).unwrap();
            rest = next;
        }
        prop_assert_eq!(rest, b"");
        prop_assert!(!String::from_utf8_lossy(&answered).contains("hunter2"));
    }
}

/// Should the corpus grow old, the tests above would try nothing.
#[test]
fn the_kept_messages_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for entry in std::fs::read_dir(folder.join("control")).unwrap() {
        decode::<Request>(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
    }
    for entry in std::fs::read_dir(folder.join("replies")).unwrap() {
        decode::<Reply>(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
    }
    assert!(
        conversations()
            .iter()
            .all(|said| said.len() < REQUEST_LIMIT)
    );
}
