//! The frames of the control socket: a kind, a length, and that many bytes. Pure: no I/O, and no length is believed before
//! it was compared with a limit.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The bytes before each frame's content: its kind, and its length as a big-endian number.
pub(super) const HEADER_BYTES: usize = 5;
/// How long a message to the instance may be.
pub(super) const REQUEST_LIMIT: usize = 64 * 1024;
/// How long a message of the instance may be: a status with some ten thousand tunnels.
pub(super) const REPLY_LIMIT: usize = 16 * 1024 * 1024;
/// How long a typed secret may be.
pub(super) const SECRET_LIMIT: usize = 4 * 1024;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message, as JSON.
    Message,
    /// The bytes of a secret, as they were typed. They are in no JSON, so that no parser keeps a copy of them.
    Secret,
}

/// The first bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// What follows.
    pub(super) kind: Kind,
    /// How many bytes of it.
    pub(super) length: usize,
}

/// Why bytes are no frame, or a frame no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A kind that this version does not know.
    #[error("a frame of the unknown kind {0}")]
    Kind(u8),
    /// A frame that is longer than it may be.
    #[error("a frame of {length} bytes, where {limit} are allowed")]
    TooLong {
        /// Its length.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The content is not the JSON of a message.
    #[error("not a message")]
    Message(#[source] serde_json::Error),
    /// A secret where a message belongs, or the other way round.
    #[error("a frame out of its turn")]
    Turn,
    /// A secret that is not UTF-8.
    #[error("a secret that is not UTF-8")]
    NotText,
}

impl Header {
    /// Reads a header; messages may be as long as `message_limit`.
    pub(super) fn parse(
        bytes: [u8; HEADER_BYTES],
        message_limit: usize,
    ) -> Result<Self, FrameError> {
        let [kind, length @ ..] = bytes;
        let (kind, limit) = match kind {
            1 => (Kind::Message, message_limit),
            2 => (Kind::Secret, SECRET_LIMIT),
            other => return Err(FrameError::Kind(other)),
        };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        Ok(Self { kind, length })
    }

    /// A header for `length` bytes, none if that is more than the limit.
    fn bytes(kind: Kind, length: usize, limit: usize) -> Result<[u8; HEADER_BYTES], FrameError> {
        let too_long = FrameError::TooLong { length, limit };
        let Some(number) = u32::try_from(length).ok().filter(|_| length <= limit) else {
            return Err(too_long);
        };
        let [a, b, c, d] = number.to_be_bytes();
        let kind = match kind {
            Kind::Message => 1,
            Kind::Secret => 2,
        };
        Ok([kind, a, b, c, d])
    }
}

/// A message as a frame.
///
/// # Errors
/// [`FrameError::TooLong`].
pub(super) fn encode<T: Serialize>(message: &T, limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut frame, message).map_err(FrameError::Message)?;
    let header = Header::bytes(Kind::Message, frame.len() - HEADER_BYTES, limit)?;
    frame[..HEADER_BYTES].copy_from_slice(&header);
    Ok(frame)
}

/// The message in the content of a frame.
///
/// # Errors
/// [`FrameError::Message`].
pub(super) fn decode<T: DeserializeOwned>(content: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(content).map_err(FrameError::Message)
}

/// A secret as a frame, in memory that is wiped and was never moved.
///
/// # Errors
/// [`FrameError::TooLong`].
pub(super) fn encode_secret(secret: &str) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let header = Header::bytes(Kind::Secret, secret.len(), SECRET_LIMIT)?;
    let mut frame = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + secret.len()));
    frame.extend_from_slice(&header);
    frame.extend_from_slice(secret.as_bytes());
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::control::message::{Request, testing};

    fn split(frame: &[u8]) -> (Header, &[u8]) {
        let (header, content) = frame.split_first_chunk().unwrap();
        (Header::parse(*header, REQUEST_LIMIT).unwrap(), content)
    }

    #[test]
    fn a_length_is_compared_before_it_is_believed() {
        let error = Header::parse([1, 0xff, 0xff, 0xff, 0xff], REQUEST_LIMIT).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { .. }), "{error}");
        let error = Header::parse([2, 0, 0, 0x10, 1], REPLY_LIMIT).unwrap_err();
        assert!(
            matches!(
                error,
                FrameError::TooLong {
                    limit: SECRET_LIMIT,
                    ..
                }
            ),
            "{error}"
        );
        let long = "a".repeat(SECRET_LIMIT + 1);
        assert!(encode_secret(&long).is_err());
        assert!(encode(&long, SECRET_LIMIT).is_err());
    }

    #[test]
    fn a_secret_is_a_frame_of_its_own() {
        let frame = encode_secret("hunter2").unwrap();
        let (header, content) = split(&frame);
        assert_eq!(header.kind, Kind::Secret);
        assert_eq!((header.length, content), (7, &b"hunter2"[..]));
        assert_eq!(
            frame.capacity(),
            frame.len(),
            "nothing was moved while it grew"
        );
    }

    proptest! {
        #[test]
        fn any_header_is_within_its_limits_or_refused(bytes: [u8; HEADER_BYTES], limit in 0_usize..1 << 20) {
            if let Ok(header) = Header::parse(bytes, limit) {
                prop_assert!(header.length <= limit.max(SECRET_LIMIT));
            }
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _either = decode::<Request>(&bytes);
        }

        #[test]
        fn any_json_like_text_is_a_message_or_an_error(text in r#"[\[\]{}":,a-z0-9\\-]{0,200}"#) {
            let _either = decode::<Request>(text.as_bytes());
        }

        #[test]
        fn a_request_survives_the_way(request in testing::any_request()) {
            let frame = encode(&request, REQUEST_LIMIT).unwrap();
            let (header, content) = split(&frame);
            prop_assert_eq!(header.length, content.len());
            prop_assert_eq!(decode::<Request>(content).unwrap(), request);
        }

        #[test]
        fn a_request_with_a_flipped_byte_does_no_harm(
            request in testing::any_request(),
            at: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let mut frame = encode(&request, REQUEST_LIMIT).unwrap();
            let at = at.index(frame.len());
            frame[at] ^= 1 << bit;
            let (header, content) = frame.split_first_chunk().unwrap();
            if Header::parse(*header, REQUEST_LIMIT).is_ok() {
                let _either = decode::<Request>(content);
            }
        }
    }
}
