//! Many channels opened at once, which libssh2 cannot do by itself.
//!
//! libssh2 keeps the state of one open in its session: until the server has answered, a second one cannot begin. So each open is
//! ended for libssh2 as soon as it is sent, by an answer of our own making; that gives the channel, under the number by which
//! the server's own answer names it. When that arrives it is taken out of libssh2's queue here, and what it says is written
//! into the channel in place of what was made up. Until then nothing is sent on the channel: the type
//! [`PendingChannel`] has no way to.
//!
//! This rests on the first fields of libssh2's `LIBSSH2_CHANNEL`. `Cargo.lock` pins the version they are of, and the made-up
//! values, which no server would choose, are looked for in each new channel before anything is written: another shape breaks
//! the session at its first channel, with a reason, rather than being written into.

#![expect(
    unsafe_code,
    reason = "libssh2 is a C library, and offers no way to open two channels at once"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use libssh2_sys as sys;

use super::raw::{Broken, RawChannel, RawSession, Refusal, WAITING, c_uint_len, packet_ask};
use crate::model::{printable, words};

const OPEN_CONFIRMATION: u8 = 91;
const OPEN_FAILURE: u8 = 92;

/// The largest packet we offer to take, RFC 4253's minimum of the maximum.
const PACKET_BYTES: u32 = 32 * 1024;

/// The state of a packet that has passed its integrity check (`SSH2_MAC_CONFIRMED`).
const MAC_CONFIRMED: c_int = 0;

/// Made up until the server says: its number of the channel, its window and its largest packet.
const MADE_UP: ServersEnd = ServersEnd {
    id: 0xAD17_0B5E,
    window_bytes: 7919,
    packet_bytes: 31_337,
};

/// How much of a server's own words about a refusal is kept.
const WORDS_BYTES: usize = 200;

unsafe extern "C" {
    fn ssh2_packet_add(
        session: *mut sys::LIBSSH2_SESSION,
        data: *mut u8,
        data_len: usize,
        mac_state: c_int,
        sequence: u32,
    ) -> c_int;
}

/// The beginning of `LIBSSH2_CHANNEL` in libssh2's `libssh2_priv.h`.
#[repr(C)]
struct ChannelHead {
    node: [*mut c_void; 3],
    channel_type: *mut u8,
    channel_type_len: usize,
    exit_status: c_int,
    exit_status_received: c_int,
    exit_signal: *mut c_char,
    local: ChannelEnd,
    remote: ChannelEnd,
}

/// `struct channel_data` in the same file. Its windows are those that its own side may still use up.
#[repr(C)]
struct ChannelEnd {
    id: u32,
    window_size_initial: u32,
    window_size: u32,
    packet_size: u32,
    close: c_char,
    eof: c_char,
    extended_data_ignore_mode: c_char,
}

/// What a server says when it opens a channel (RFC 4254, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServersEnd {
    id: u32,
    window_bytes: u32,
    packet_bytes: u32,
}

/// Whether an open could be sent.
pub(super) enum Begun {
    /// It is on its way.
    Sent(PendingChannel),
    /// Keys are being exchanged: the same call is to be made again before any other open.
    Later,
}

/// A server's answer to one of the opens.
pub(super) struct OpenAnswer {
    /// Which channel it is about: [`PendingChannel::id`].
    pub(super) id: u32,
    /// What it says.
    pub(super) verdict: Verdict,
}

pub(super) enum Verdict {
    /// The channel is open.
    Open(ServersEnd),
    /// It is not; with the server's own words.
    Refused(Refusal, String),
}

/// A channel that the server has been asked for and has not answered. Nothing can be sent on it. One that is dropped is freed by
/// libssh2 with the session.
pub(super) struct PendingChannel {
    raw: NonNull<sys::LIBSSH2_CHANNEL>,
    session: NonNull<sys::LIBSSH2_SESSION>,
    id: u32,
}

impl RawSession {
    /// Asks the server for a channel.
    pub(super) fn begin_open(
        &self,
        kind: &CStr,
        window_bytes: usize,
        message: &[u8],
    ) -> Result<Begun, Broken> {
        let window = c_uint_len(window_bytes);
        if self.send_open(kind, window, message).is_some() {
            return Err(wrong("a channel was open before it was asked for"));
        }
        match self.last_error() {
            (sys::LIBSSH2_ERROR_EAGAIN, WAITING) => {}
            (sys::LIBSSH2_ERROR_EAGAIN, _unsent) => return Ok(Begun::Later),
            (code, _) => return Err(self.broken(code)),
        }
        let id = self.number_channel();
        self.answer_for_the_server(id)?;
        let Some(raw) = self.send_open(kind, window, message) else {
            return Err(wrong("a channel does not come into being"));
        };
        let pending = PendingChannel {
            raw,
            session: self.raw(),
            id,
        };
        if pending.has_expected_shape(window) {
            Ok(Begun::Sent(pending))
        } else {
            Err(wrong("a channel has another shape"))
        }
    }

    fn send_open(
        &self,
        kind: &CStr,
        window: u32,
        message: &[u8],
    ) -> Option<NonNull<sys::LIBSSH2_CHANNEL>> {
        let kind = kind.to_bytes();
        // SAFETY: the session is live; the pointers are valid for the lengths given, for the duration of the call.
        let channel = unsafe {
            sys::libssh2_channel_open_ex(
                self.raw().as_ptr(),
                kind.as_ptr().cast(),
                c_uint_len(kind.len()),
                window,
                PACKET_BYTES,
                message.as_ptr().cast(),
                c_uint_len(message.len()),
            )
        };
        NonNull::new(channel)
    }

    /// Puts a confirmation of channel `id` into libssh2's queue, where the next call finds it.
    fn answer_for_the_server(&self, id: u32) -> Result<(), Broken> {
        let mut packet = [0; 17];
        packet[0] = OPEN_CONFIRMATION;
        let fields = [id, MADE_UP.id, MADE_UP.window_bytes, MADE_UP.packet_bytes];
        for (place, field) in packet[1..].chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        // SAFETY: the session was made with libssh2's own allocator, which is malloc, and takes the copy over. It is between
        // packets: it has just sent one, which it does not while keys are exchanged, and had none left to read.
        let result = unsafe {
            let copy = libc::malloc(packet.len()).cast::<u8>();
            if copy.is_null() {
                return Err(wrong("there is no memory"));
            }
            ptr::copy_nonoverlapping(packet.as_ptr(), copy, packet.len());
            ssh2_packet_add(self.raw().as_ptr(), copy, packet.len(), MAC_CONFIRMED, 0)
        };
        if result == 0 {
            Ok(())
        } else {
            Err(self.broken(result))
        }
    }

    /// The next of the server's answers that have arrived.
    pub(super) fn next_answer(&self) -> Result<Option<OpenAnswer>, Broken> {
        if let Some(packet) = packet_ask(self.raw(), OPEN_CONFIRMATION) {
            let field = |index: usize| number_at(&packet, 1 + 4 * index);
            return match (field(0), field(1), field(2), field(3)) {
                (Some(id), Some(remote), Some(window_bytes), Some(packet_bytes @ 1..)) => {
                    let end = ServersEnd {
                        id: remote,
                        window_bytes,
                        packet_bytes,
                    };
                    Ok(Some(OpenAnswer {
                        id,
                        verdict: Verdict::Open(end),
                    }))
                }
                _ => Err(wrong("the server confirms a channel without saying which")),
            };
        }
        let Some(packet) = packet_ask(self.raw(), OPEN_FAILURE) else {
            return Ok(None);
        };
        match (number_at(&packet, 1), number_at(&packet, 5)) {
            (Some(id), Some(reason)) => Ok(Some(OpenAnswer {
                id,
                verdict: Verdict::Refused(Refusal::of(reason), words_of(&packet)),
            })),
            _ => Err(wrong("the server refuses a channel without saying which")),
        }
    }
}

impl PendingChannel {
    /// By which number the server's answer will name it.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    fn has_expected_shape(&self, window: u32) -> bool {
        // SAFETY: libssh2 has made the channel; in every version it is longer than its head, which has no invalid values.
        let head = unsafe { self.raw.cast::<ChannelHead>().as_ref() };
        let ours = &head.remote;
        let theirs = &head.local;
        (head.local.id, head.remote.id) == (self.id, MADE_UP.id)
            && (ours.window_size, ours.window_size_initial) == (window, window)
            && ours.packet_size == PACKET_BYTES
            && theirs.window_size == MADE_UP.window_bytes
            && theirs.window_size_initial == MADE_UP.window_bytes
            && theirs.packet_size == MADE_UP.packet_bytes
    }

    /// The server has opened it. Its window may have been widened already, before the answer was looked at.
    pub(super) fn confirm(self, end: ServersEnd) -> RawChannel {
        // SAFETY: the channel is live and of the expected shape, and nothing else refers to it during this call.
        let head = unsafe { self.raw.cast::<ChannelHead>().as_mut() };
        let widened = head.local.window_size.wrapping_sub(MADE_UP.window_bytes);
        head.remote.id = end.id;
        head.local.window_size = end.window_bytes.saturating_add(widened);
        head.local.window_size_initial = end.window_bytes;
        head.local.packet_size = end.packet_bytes;
        RawChannel::new(self.raw, self.session)
    }

    /// The server has refused it: it is freed, and the server, which knows no such channel, is told nothing.
    pub(super) fn discard(self) {
        // SAFETY: the channel is live and of the expected shape, nothing else refers to it, and it is not used after this.
        // Marked as closed, it is freed without a packet, so that the call always succeeds.
        unsafe {
            self.raw.cast::<ChannelHead>().as_mut().local.close = 1;
            let _freed = sys::libssh2_channel_free(self.raw.as_ptr());
        }
    }
}

fn number_at(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The server's own words in an `OPEN_FAILURE`, fit to be shown.
fn words_of(packet: &[u8]) -> String {
    let length = number_at(packet, 9).map_or(0, |length| usize::try_from(length).unwrap_or(0));
    let words = packet.get(13..).unwrap_or_default();
    let words = &words[..words.len().min(length).min(WORDS_BYTES)];
    printable(&String::from_utf8_lossy(words)).into_owned()
}

fn wrong(what: &str) -> Broken {
    Broken(words!("libssh2 is not as expected: {what}", what = what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_within_its_bounds() {
        let mut packet = vec![OPEN_FAILURE, 0, 0, 0, 7, 0, 0, 0, 2];
        assert_eq!(words_of(&packet), "");
        packet.extend([0, 0, 0, 18]);
        packet.extend(b"Connection refused");
        packet.extend([0, 0, 0, 0]);
        assert_eq!(words_of(&packet), "Connection refused");
        // Without the language's tag, whose zeros would be shown as longer characters.
        packet.truncate(31);
        packet[9..13].copy_from_slice(&u32::MAX.to_be_bytes());
        packet.extend([b'x'; 1000]);
        // In characters: what is made harmless takes more bytes than it took.
        assert_eq!(words_of(&packet).chars().count(), WORDS_BYTES);
        packet.truncate(11);
        assert_eq!(
            (number_at(&packet, 9), words_of(&packet)),
            (None, String::new())
        );
    }
}
