//! An agent that holds a security key, in software: what OpenSSH's PROTOCOL.u2f has it sign, and how it answers.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{authorize, bare, works};
use crate::support::servers::{echo, to};
use crate::support::sshd::Sshd;

const KIND: &[u8] = b"sk-ssh-ed25519@openssh.com";
const APPLICATION: &[u8] = b"ssh:";
/// User presence, and a counter of 1.
const FLAGS_AND_COUNTER: [u8; 5] = [1, 0, 0, 0, 1];

fn put(message: &mut Vec<u8>, field: &[u8]) {
    message.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
    message.extend(field);
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is needed: tests/run installs it");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Listens at `socket`, and is touched so long after it was asked to sign; returns the line for authorized_keys.
fn start(folder: &Path, socket: &Path, touched_after: Duration) -> String {
    let private = folder.join("sk.pem").to_str().unwrap().to_owned();
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &private], b"");
    let der = openssl(
        &["pkey", "-in", &private, "-pubout", "-outform", "DER"],
        b"",
    );
    let mut blob = Vec::new();
    for field in [KIND, &der[der.len() - 32..], APPLICATION] {
        put(&mut blob, field);
    }
    let line = format!(
        "{} {}\n",
        String::from_utf8(KIND.to_vec()).unwrap(),
        STANDARD.encode(&blob)
    );
    let listener = UnixListener::bind(socket).unwrap();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, &blob, &private, &folder, touched_after);
        }
    });
    line
}

fn serve(
    mut stream: UnixStream,
    blob: &[u8],
    private: &str,
    folder: &Path,
    touched_after: Duration,
) {
    loop {
        let mut length = [0; 4];
        if stream.read_exact(&mut length).is_err() {
            return;
        }
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        let mut answer = Vec::new();
        if request[0] == 11 {
            answer.extend([12, 0, 0, 0, 1]);
            put(&mut answer, blob);
            put(&mut answer, b"a security key");
        } else {
            std::thread::park_timeout(touched_after);
            let data = &request[1 + 4 + blob.len() + 4..request.len() - 4];
            let mut signed = Sha256::digest(APPLICATION).to_vec();
            signed.extend(FLAGS_AND_COUNTER);
            signed.extend(Sha256::digest(data));
            let file = folder.join("signed");
            std::fs::write(&file, signed).unwrap();
            let file = file.to_str().unwrap();
            let words = ["pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", file];
            let mut signature = Vec::new();
            put(&mut signature, KIND);
            put(&mut signature, &openssl(&words, b""));
            signature.extend(FLAGS_AND_COUNTER);
            answer.push(14);
            put(&mut answer, &signature);
        }
        let mut message = Vec::new();
        put(&mut message, &answer);
        stream.write_all(&message).unwrap();
    }
}

fn by_security_key(touched_after: Duration, options: &[&str]) {
    let sshd = Sshd::start(&[]);
    let socket = sshd.path("agent");
    let line = start(&sshd.path(""), &socket, touched_after);
    authorize(&sshd, &[line]);
    let agent = format!("IdentityAgent={}", socket.display());
    let target = to(echo());
    let words = [options, &["-o", &agent, "-L", &target]].concat();
    works(&bare(&sshd, &words));
}

#[test]
fn a_security_key_in_the_agent_logs_in() {
    by_security_key(Duration::ZERO, &[]);
}

#[test]
fn a_person_may_take_longer_to_touch_it_than_a_server_to_answer() {
    let impatient = [
        "-oConnectTimeout=1",
        "-oServerAliveInterval=1",
        "-oServerAliveCountMax=0",
    ];
    by_security_key(Duration::from_millis(2500), &impatient);
}
