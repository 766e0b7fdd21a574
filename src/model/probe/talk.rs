//! The first words to a target, by which it shows what it speaks, and what its answer means.

use std::time::Duration;

use super::ProbeNote;
use crate::model::text::printable;

/// How a target is spoken to once it has taken the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Talk {
    /// It is asked for `/` by HTTP.
    Http,
    /// It is greeted as TLS has it.
    Tls,
    /// It is listened to: it may speak first, and it may hang up.
    Listen,
}

/// What was heard of a target before the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Its first bytes.
    Bytes(&'a [u8]),
    /// Nothing yet.
    Nothing,
    /// The end of the connection, without a word.
    End,
}

impl Talk {
    /// How a port is best spoken to, by its `appProtocol`, its name and its number, in that order.
    #[must_use]
    pub fn for_port(app_protocol: Option<&str>, name: &str, number: u16) -> Self {
        app_protocol
            .and_then(by_app_protocol)
            .or_else(|| by_name(name))
            .unwrap_or_else(|| by_number(number))
    }

    /// What is sent first.
    #[must_use]
    pub fn opening(self, host: &str) -> Vec<u8> {
        match self {
            Self::Http => format!(
                "HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: adit-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
            )
            .into_bytes(),
            Self::Tls => client_hello(),
            Self::Listen => Vec::new(),
        }
    }

    /// What an answer shows, where `waited` was the time for it; none where it hung up without one.
    #[must_use]
    pub fn understand(self, heard: Heard<'_>, waited: Duration) -> Option<ProbeNote> {
        match (self, heard) {
            (_, Heard::End) => None,
            (Self::Listen, Heard::Nothing) => Some(ProbeNote::Quiet),
            (Self::Http | Self::Tls, Heard::Nothing) => Some(ProbeNote::NoAnswer(waited)),
            (_, Heard::Bytes(bytes)) if is_tls(bytes) => Some(ProbeNote::Tls),
            (_, Heard::Bytes(bytes)) if bytes.starts_with(b"HTTP/") => {
                Some(ProbeNote::Http(first_line(bytes)))
            }
            (_, Heard::Bytes(bytes)) => Some(ProbeNote::Greeting(first_line(bytes))),
        }
    }
}

/// The names of Kubernetes (KEP-3726) and of IANA that say what the first bytes are.
fn by_app_protocol(protocol: &str) -> Option<Talk> {
    match protocol {
        "http" | "kubernetes.io/ws" => Some(Talk::Http),
        "https" | "kubernetes.io/wss" | "tls" => Some(Talk::Tls),
        // HTTP/2 without TLS begins with another preface.
        "kubernetes.io/h2c" | "grpc" | "tcp" => Some(Talk::Listen),
        _ => None,
    }
}

/// `http`, `http-admin`, `web-https`: the convention of port names.
fn by_name(name: &str) -> Option<Talk> {
    const WORDS: [(Talk, &[&str]); 3] = [
        (Talk::Tls, &["https", "tls", "ssl"]),
        (Talk::Listen, &["grpc", "h2c", "tcp"]),
        (Talk::Http, &["http", "web"]),
    ];
    let talk = WORDS
        .iter()
        .find(|(_, words)| name.split('-').any(|word| words.contains(&word)));
    talk.map(|(talk, _)| *talk)
}

const fn by_number(number: u16) -> Talk {
    match number {
        80 | 3000 | 5000 | 8000 | 8008 | 8080 | 8081 | 8088 | 8888 | 9090 => Talk::Http,
        443 | 6443 | 8443 | 9443 => Talk::Tls,
        _ => Talk::Listen,
    }
}

/// A handshake or an alert, by the record's first two bytes (RFC 8446, 5.1).
const fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [21 | 22, 3, ..])
}

fn first_line(bytes: &[u8]) -> String {
    const SHOWN: usize = 80;
    let line = bytes
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let line = &line[..line.len().min(SHOWN)];
    printable(&String::from_utf8_lossy(line)).into_owned()
}

/// A `ClientHello` of TLS 1.2 with one extension and common ciphers (RFC 5246, 7.4.1.2). Whatever comes back, a `ServerHello`
/// or an alert, shows that the port speaks TLS; the handshake goes no further.
fn client_hello() -> Vec<u8> {
    const CIPHERS: [u16; 6] = [0xc02f, 0xc030, 0xc02b, 0xc02c, 0x009c, 0x002f];
    // supported_groups (10) and signature_algorithms (13): without them some servers will not choose an elliptic curve.
    const EXTENSIONS: &[u8] = &[
        0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 5, 3,
    ];
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x41; 32]);
    body.push(0);
    put_len(&mut body, CIPHERS.len() * 2);
    for cipher in CIPHERS {
        body.extend_from_slice(&cipher.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    put_len(&mut body, EXTENSIONS.len());
    body.extend_from_slice(EXTENSIONS);
    let mut record = vec![22, 3, 1];
    put_len(&mut record, body.len() + 4);
    record.extend_from_slice(&[1, 0]);
    put_len(&mut record, body.len());
    record.extend_from_slice(&body);
    record
}

fn put_len(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_spoken_to_by_what_it_says_of_itself() {
        for (app_protocol, name, number, talk) in [
            (Some("https"), "http", 80, Talk::Tls),
            (Some("kubernetes.io/h2c"), "http", 80, Talk::Listen),
            (Some("example.com/own"), "http", 4000, Talk::Http),
            (None, "http-admin", 4000, Talk::Http),
            (None, "web-https", 4000, Talk::Tls),
            (None, "grpc", 8080, Talk::Listen),
            (None, "", 80, Talk::Http),
            (None, "", 443, Talk::Tls),
            (None, "postgres", 5432, Talk::Listen),
            (None, "", 22, Talk::Listen),
        ] {
            assert_eq!(
                Talk::for_port(app_protocol, name, number),
                talk,
                "{app_protocol:?} {name} {number}"
            );
        }
    }

    #[test]
    fn answers_are_told_apart_and_cleaned() {
        for (talk, heard, note) in [
            (
                Talk::Http,
                Heard::Bytes(b"HTTP/1.1 200 OK\r\nServer: x\r\n"),
                Some(ProbeNote::Http("HTTP/1.1 200 OK".to_owned())),
            ),
            (
                Talk::Http,
                Heard::Bytes(&[21, 3, 1, 0, 2]),
                Some(ProbeNote::Tls),
            ),
            (
                Talk::Tls,
                Heard::Bytes(&[22, 3, 3, 0, 2]),
                Some(ProbeNote::Tls),
            ),
            (
                Talk::Listen,
                Heard::Bytes(b"SSH-2.0-\x1b[2Jx\r\n"),
                Some(ProbeNote::Greeting("SSH-2.0-\u{fffd}[2Jx".to_owned())),
            ),
            (Talk::Listen, Heard::Nothing, Some(ProbeNote::Quiet)),
            (
                Talk::Http,
                Heard::Nothing,
                Some(ProbeNote::NoAnswer(Duration::ZERO)),
            ),
            (Talk::Http, Heard::End, None),
            (Talk::Listen, Heard::End, None),
        ] {
            assert_eq!(
                talk.understand(heard, Duration::ZERO),
                note,
                "{talk:?} {heard:?}"
            );
        }
    }

    #[test]
    fn the_client_hello_says_its_own_length() {
        let hello = client_hello();
        let length = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!(length(3), hello.len() - 5, "the record");
        assert_eq!(length(7), hello.len() - 9, "the handshake message");
    }
}
