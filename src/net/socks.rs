//! SOCKS 4, 4a and 5, as far as a proxy without passwords needs them: where a client wants to go, and how it is told what became
//! of that.
//!
//! Never reads past the request, since what follows belongs to the connection; never more than a few hundred bytes either.

use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::model::Destination;

const VERSION_4: u8 = 4;
const VERSION_5: u8 = 5;
const CONNECT: u8 = 1;

/// The longest name of a user or a host. SOCKS 5 cannot say more; SOCKS 4 is held to it.
const NAME_BYTES: usize = 255;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocksRequest {
    /// Where it wants to go. A name is for the SSH host to resolve.
    pub destination: Destination,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Four,
    Five,
}

/// Why a client is not connected, by SOCKS 5's reply codes (RFC 1928, 6). SOCKS 4 has one code for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksDenial {
    /// Something else.
    General = 1,
    /// The rules forbid it.
    NotAllowed = 2,
    /// Its network cannot be reached.
    NetworkUnreachable = 3,
    /// The host cannot be reached, or does not answer.
    HostUnreachable = 4,
    /// The host refuses it.
    Refused = 5,
    /// Only CONNECT can be done.
    CommandUnsupported = 7,
    /// An address is IPv4, IPv6 or a name.
    AddressUnsupported = 8,
}

/// Why a client's request could not be taken. It has been answered as far as its protocol has an answer.
#[derive(Debug, thiserror::Error)]
pub enum SocksError {
    /// The client left, or the system reported an error.
    #[error("the client is gone")]
    Io(#[from] std::io::Error),
    /// It speaks something else; browsers are told so often enough that the first byte is named.
    #[error("it does not speak SOCKS: its first byte is {0:#04x}")]
    NotSocks(u8),
    /// It insists on a password, or another way to log in.
    #[error("it does not offer to go on without a password")]
    NoMethod,
    /// It asks for what cannot be done.
    #[error("its request cannot be taken: {0:?}")]
    Denied(SocksDenial),
}

/// Hears what a client wants. The caller limits the time.
///
/// # Errors
/// [`SocksError`]; the connection is to be closed then.
pub async fn negotiate<S>(client: &mut S) -> Result<SocksRequest, SocksError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (version, asked) = match client.read_u8().await? {
        VERSION_4 => (Version::Four, ask_four(client).await),
        VERSION_5 => (Version::Five, ask_five(client).await),
        other => return Err(SocksError::NotSocks(other)),
    };
    match asked {
        Ok(destination) => Ok(SocksRequest {
            destination,
            version,
        }),
        Err(error) => {
            if let SocksError::Denied(denial) = &error {
                client.write_all(&reply(version, Some(*denial))).await?;
            }
            Err(error)
        }
    }
}

impl SocksRequest {
    /// What the client is told once it is connected.
    #[must_use]
    pub fn granted(&self) -> Vec<u8> {
        reply(self.version, None)
    }

    /// What the client is told before its connection is closed.
    #[must_use]
    pub fn denied(&self, denial: SocksDenial) -> Vec<u8> {
        reply(self.version, Some(denial))
    }
}

/// The rest of a SOCKS 4 request: a command, a port, an address, a user that nobody asks about and, for 4a, a name.
async fn ask_four<S: AsyncRead + Unpin>(client: &mut S) -> Result<Destination, SocksError> {
    let command = client.read_u8().await?;
    let port = client.read_u16().await?;
    let address = Ipv4Addr::from(client.read_u32().await?);
    let _user = until_nul(client).await?;
    let host = match address.octets() {
        // 4a: an address that cannot be stands for a name.
        [0, 0, 0, last] if last > 0 => text(until_nul(client).await?)?,
        _ => address.to_string(),
    };
    connect(command, host, port)
}

/// The rest of a SOCKS 5 dialogue (RFC 1928): methods are agreed on, then there is a request.
async fn ask_five<S>(client: &mut S) -> Result<Destination, SocksError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    const NO_PASSWORD: u8 = 0;
    const NONE_OF_THEM: u8 = 0xff;
    let count = client.read_u8().await?;
    let methods = exactly(client, count).await?;
    if !methods.contains(&NO_PASSWORD) {
        client.write_all(&[VERSION_5, NONE_OF_THEM]).await?;
        return Err(SocksError::NoMethod);
    }
    client.write_all(&[VERSION_5, NO_PASSWORD]).await?;
    let version = client.read_u8().await?;
    if version != VERSION_5 {
        return Err(SocksError::Denied(SocksDenial::General));
    }
    let command = client.read_u8().await?;
    let _reserved = client.read_u8().await?;
    let host = match client.read_u8().await? {
        1 => Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => {
            let count = client.read_u8().await?;
            text(exactly(client, count).await?)?
        }
        4 => Ipv6Addr::from(client.read_u128().await?).to_string(),
        _ => return Err(SocksError::Denied(SocksDenial::AddressUnsupported)),
    };
    let port = client.read_u16().await?;
    connect(command, host, port)
}

fn connect(command: u8, host: String, port: u16) -> Result<Destination, SocksError> {
    if command != CONNECT {
        return Err(SocksError::Denied(SocksDenial::CommandUnsupported));
    }
    if port == 0 {
        return Err(SocksError::Denied(SocksDenial::General));
    }
    Ok(Destination::tcp(host, port))
}

async fn exactly<S: AsyncRead + Unpin>(client: &mut S, count: u8) -> Result<Vec<u8>, SocksError> {
    let mut bytes = vec![0; usize::from(count)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn until_nul<S: AsyncRead + Unpin>(client: &mut S) -> Result<Vec<u8>, SocksError> {
    let mut bytes = Vec::new();
    loop {
        match client.read_u8().await? {
            0 => return Ok(bytes),
            _ if bytes.len() == NAME_BYTES => return Err(SocksError::Denied(SocksDenial::General)),
            byte => bytes.push(byte),
        }
    }
}

/// A host's name: something that can be shown, without spaces.
fn text(bytes: Vec<u8>) -> Result<String, SocksError> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace();
    match String::from_utf8(bytes) {
        Ok(name) if !name.is_empty() && !name.contains(is_odd) => Ok(name),
        _ => Err(SocksError::Denied(SocksDenial::General)),
    }
}

/// The last word before the connection, or before its end. The address that it is made from is the SSH host's, and not told.
fn reply(version: Version, denial: Option<SocksDenial>) -> Vec<u8> {
    const GRANTED_4: u8 = 90;
    const DENIED_4: u8 = 91;
    match (version, denial) {
        (Version::Four, None) => vec![0, GRANTED_4, 0, 0, 0, 0, 0, 0],
        (Version::Four, Some(_)) => vec![0, DENIED_4, 0, 0, 0, 0, 0, 0],
        (Version::Five, denial) => {
            let code = denial.map_or(0, |denial| denial as u8);
            vec![VERSION_5, code, 0, 1, 0, 0, 0, 0, 0, 0]
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    /// What became of `said`, what was answered, and what was left unread.
    fn hear(said: &[u8]) -> (Result<SocksRequest, SocksError>, Vec<u8>, usize) {
        let (mut rest, mut answered) = (said, Vec::new());
        let result = block_on(async {
            let mut client = tokio::io::join(&mut rest, &mut answered);
            negotiate(&mut client).await
        });
        (result, answered, rest.len())
    }

    fn wanted(said: &[u8]) -> (String, Vec<u8>) {
        let (result, answered, left) = hear(said);
        assert_eq!(left, 0);
        (result.unwrap().destination.to_string(), answered)
    }

    fn five(request: &[u8]) -> Vec<u8> {
        [&[5, 2, 0, 2, 5][..], request].concat()
    }

    #[test]
    fn every_version_says_where_it_wants_to_go() {
        let four = [4, 1, 0, 80, 10, 0, 0, 241, b'm', b'e', 0];
        assert_eq!(wanted(&four), ("10.0.0.241:80".to_owned(), vec![]));
        let named = b"\x04\x01\x01\xbb\0\0\0\x01me\0ui.default\0";
        assert_eq!(wanted(named), ("ui.default:443".to_owned(), vec![]));

        let agreed = vec![5, 0];
        let v4 = five(&[1, 0, 1, 10, 0, 0, 241, 0, 80]);
        assert_eq!(wanted(&v4), ("10.0.0.241:80".to_owned(), agreed.clone()));
        let name = five(b"\x01\0\x03\x02ui\0\x50");
        assert_eq!(wanted(&name), ("ui:80".to_owned(), agreed.clone()));
        let mut v6 = vec![1, 0, 4, 0xfd];
        v6.extend([0; 14]);
        v6.extend([5, 0, 80]);
        assert_eq!(wanted(&five(&v6)), ("[fd00::5]:80".to_owned(), agreed));
    }

    #[test]
    fn what_follows_the_request_is_left_for_the_connection() {
        let said = [&five(b"\x01\0\x03\x02ui\0\x50")[..], b"GET /"].concat();
        let (result, _, left) = hear(&said);
        assert_eq!((result.is_ok(), left), (true, 5));
    }

    #[test]
    fn replies_have_each_versions_own_form() {
        let request = |said: &[u8]| hear(said).0.unwrap();
        let four = request(&[4, 1, 0, 80, 10, 0, 0, 241, 0]);
        assert_eq!(four.granted(), [0, 90, 0, 0, 0, 0, 0, 0]);
        assert_eq!(four.denied(SocksDenial::Refused)[1], 91);
        let five = request(&five(b"\x01\0\x03\x02ui\0\x50"));
        assert_eq!(five.granted(), [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(five.denied(SocksDenial::Refused)[1], 5);
    }

    #[test]
    fn what_cannot_be_done_is_answered_in_the_protocols_own_terms() {
        let last = |said: &[u8]| {
            let (result, answered, _) = hear(said);
            assert!(result.is_err(), "{said:?}");
            answered
        };
        let bind = five(&[2, 0, 1, 10, 0, 0, 241, 0, 80]);
        assert_eq!(last(&bind)[3], SocksDenial::CommandUnsupported as u8);
        let address = five(&[1, 0, 9]);
        assert_eq!(last(&address)[3], SocksDenial::AddressUnsupported as u8);
        assert_eq!(last(&five(&[1, 0, 3, 0, 0, 80]))[3], 1, "a name is empty");
        assert_eq!(last(&[5, 1, 2]), [5, 0xff], "it insists on a password");
        assert_eq!(last(&[4, 2, 0, 80, 10, 0, 0, 241, 0])[1], 91);
        assert_eq!(last(b"GET / HTTP/1.1\r\n\r\n"), b"");
        let endless = [&[4, 1, 0, 80, 10, 0, 0, 241][..], &[b'a'; 4096]].concat();
        let (result, _, left) = hear(&endless);
        assert!(result.is_err() && left > 3000, "it is not read for ever");
    }

    const SOCKS_WORDS: &[&str] = &["\u{4}\u{1}", "\u{5}\u{1}\0", "\0", "\u{3}", "ui", "\u{7f}"];

    proptest! {
        #[test]
        fn whatever_is_said_has_an_end(said in prop::collection::vec(any::<u8>(), 0..2000)) {
            let (result, answered, left) = hear(&said);
            prop_assert!(said.len() - left <= 1 + 8 + 2 * (NAME_BYTES + 1) + 255);
            prop_assert!(answered.len() <= 12);
            if let Ok(SocksRequest { destination: Destination::Tcp { host, port }, .. }) = result {
                prop_assert!(port > 0 && !host.is_empty() && host.len() <= NAME_BYTES);
            }
        }

        /// A client that means well but for a few bytes.
        #[test]
        fn fuzz_socks(said in crate::testing::spoiled(&["corpus/socks"], "", &[SOCKS_WORDS])) {
            let (result, answered, left) = hear(&said);
            prop_assert!(said.len() - left <= 1 + 8 + 2 * (NAME_BYTES + 1) + 255);
            prop_assert!(answered.len() <= 12);
            match result {
                Ok(request) => {
                    let Destination::Tcp { host, port } = &request.destination else {
                        return Err(TestCaseError::fail("no address"));
                    };
                    prop_assert!(*port > 0 && !host.is_empty() && host.len() <= NAME_BYTES);
                    prop_assert!(!host.contains(|c: char| c.is_control() || c.is_whitespace()));
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }

        #[test]
        fn every_name_arrives(name in "[a-z0-9.-]{1,255}", port in 1..=u16::MAX) {
            let mut request = vec![1, 0, 3, u8::try_from(name.len()).unwrap()];
            request.extend(name.as_bytes());
            request.extend(port.to_be_bytes());
            let (result, _, _) = hear(&five(&request));
            prop_assert_eq!(result.unwrap().destination, Destination::tcp(name, port));
        }
    }
}
