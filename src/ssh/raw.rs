//! libssh2 after the login, called without the `ssh2` crate (before it, `login_raw` does): channels with windows of our choice, and
//! the receive pump.
//!
//! Everything here belongs to one thread. A [`RawSession`] owns the session, its channels borrow nothing but live no longer
//! than it does: the loop drops every [`RawChannel`] before the session. Two internal functions of libssh2 are called,
//! because its public API cannot receive while no channel is open (an idle session would leave the server's probes
//! unanswered) and never takes the replies to keepalives out of its queue. `Cargo.lock` pins the version they belong to, and
//! another one fails to link rather than to work.

#![expect(
    unsafe_code,
    reason = "libssh2 is a C library, and the ssh2 crate does not bind what is needed here"
)]

use std::cell::Cell;
use std::ffi::{c_int, c_long, c_uint, c_ulong};
use std::io;
use std::ptr::{self, NonNull};
use std::rc::Rc;

use libssh2_sys as sys;

use super::exec::ExecStatus;
use super::raw_socket::{RawSocket, attach};
use super::transport::Transport;
use crate::model::{Words, printable, words};

const REQUEST_SUCCESS: u8 = 81;

/// What libssh2 says of an error that is none: everything was sent, and the answer is not there yet.
pub(super) const WAITING: &str = "Would block";

/// How long libssh2 waits for an answer before it counts the session as broken: as long as a server is alive, which is for the
/// loop to judge. The default of a minute is shorter than a server's own connect to a host that is gone.
const PATIENCE_SECONDS: c_long = 7 * 24 * 60 * 60;

const REQUEST_FAILURE: u8 = 82;

unsafe extern "C" {
    fn libssh2_session_set_read_timeout(session: *mut sys::LIBSSH2_SESSION, seconds: c_long);
    fn ssh2_transport_read(session: *mut sys::LIBSSH2_SESSION) -> c_int;
    fn ssh2_packet_ask(
        session: *mut sys::LIBSSH2_SESSION,
        packet_type: u8,
        data: *mut *mut u8,
        data_len: *mut usize,
        match_ofs: c_int,
        match_buf: *const u8,
        match_len: usize,
    ) -> c_int;
}

/// The session is broken: nothing more will come of it. The transport may know more about why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) Words);

/// The reason codes of RFC 4254, 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `SSH_OPEN_ADMINISTRATIVELY_PROHIBITED` (1).
    Prohibited,
    /// `SSH_OPEN_CONNECT_FAILED` (2).
    ConnectFailed,
    /// `SSH_OPEN_UNKNOWN_CHANNEL_TYPE` (3).
    UnknownType,
    /// `SSH_OPEN_RESOURCE_SHORTAGE` (4).
    ResourceShortage,
}

impl Refusal {
    /// By its code; one of a server's own is taken for the commonest.
    pub(super) fn of(code: u32) -> Self {
        match code {
            1 => Self::Prohibited,
            3 => Self::UnknownType,
            4 => Self::ResourceShortage,
            _ => Self::ConnectFailed,
        }
    }
}

/// Whether a command was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// The server has not answered.
    Pending,
    /// It runs.
    Yes,
    /// The server does not run commands.
    No,
}

/// What a command prints on, by libssh2's numbers (RFC 4254, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Its standard output, and the only stream of a forwarded connection.
    Standard = 0,
    /// Its standard error.
    Error = 1,
}

/// What reading from a channel gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// This many bytes.
    Bytes(usize),
    /// None now.
    Nothing,
    /// None ever again: the server has sent its EOF.
    End,
}

/// A session after its login, in non-blocking mode, with the socket behind [`Transport`].
pub(super) struct RawSession {
    // Declared before the transport, so that freeing the session can still call back into it.
    session: ssh2::Session,
    raw: NonNull<sys::LIBSSH2_SESSION>,
    transport: Rc<Transport>,
    channels_numbered: Cell<u32>,
}

impl RawSession {
    /// Takes over a session that has logged in.
    pub(super) fn adopt(session: ssh2::Session, transport: Rc<Transport>) -> Self {
        session.set_blocking(false);
        let raw = NonNull::from(&mut *session.raw());
        // SAFETY: `raw` is the live session that `session` owns; the guard is released again, and this struct is the only
        // user from now on. `transport` stays where it is for as long as this struct, which holds on to it for longer than the
        // session.
        unsafe {
            attach(raw, &*transport);
            libssh2_session_set_read_timeout(raw.as_ptr(), PATIENCE_SECONDS);
        }
        Self {
            session,
            raw,
            transport,
            channels_numbered: Cell::new(0),
        }
    }

    /// Receives what has arrived, as far as the turn's budget allows, into libssh2's queue. Returns the number of packets.
    pub(super) fn pump(&self) -> Result<usize, Broken> {
        let mut packets = 0;
        loop {
            // SAFETY: the session is live and this is its only thread.
            let result = unsafe { ssh2_transport_read(self.raw.as_ptr()) };
            match result {
                sys::LIBSSH2_ERROR_EAGAIN => {
                    // libssh2 also says EAGAIN with less than a block in its buffer, while the socket still has bytes.
                    if !self.transport.may_receive_now() {
                        return Ok(packets);
                    }
                }
                error if error < 0 => return Err(self.broken(error)),
                _ => packets += 1,
            }
        }
    }

    pub(super) fn raw(&self) -> NonNull<sys::LIBSSH2_SESSION> {
        self.raw
    }

    /// The number that libssh2 gave to the channel it has just asked for: it counts them.
    pub(super) fn number_channel(&self) -> u32 {
        let number = self.channels_numbered.get();
        self.channels_numbered.set(number.wrapping_add(1));
        number
    }

    /// libssh2's last error and its text, which is one of its own constants.
    pub(super) fn last_error(&self) -> (c_int, &'static str) {
        // SAFETY: the session is live.
        let code = unsafe { sys::libssh2_session_last_errno(self.raw.as_ptr()) };
        let text = self.last_message();
        (code, if text == WAITING { WAITING } else { "" })
    }

    /// Asks the server for a sign of life (`keepalive@libssh2.org`, answered by every server with a failure).
    pub(super) fn probe(&self) -> Result<(), Broken> {
        match self.session.keepalive_send() {
            Ok(_next_seconds) => Ok(()),
            Err(error) if error.code() == ssh2::ErrorCode::Session(sys::LIBSSH2_ERROR_EAGAIN) => {
                Ok(())
            }
            Err(error) => Err(Broken(match error.code() {
                ssh2::ErrorCode::Session(code) | ssh2::ErrorCode::SFTP(code) => in_words(code),
            })),
        }
    }

    /// Has [`Self::probe`] send something whenever it is called at least two seconds after the last time.
    pub(super) fn arm_probes(&self) {
        self.session.set_keepalive(true, 2);
    }

    /// Takes the replies to probes out of libssh2's queue, where nothing else would.
    pub(super) fn discard_probe_replies(&self) {
        for kind in [REQUEST_FAILURE, REQUEST_SUCCESS] {
            while packet_ask(self.raw, kind).is_some() {}
        }
    }

    /// Tells the server goodbye; the packet is only queued.
    pub(super) fn say_goodbye(&self) {
        if let Err(error) = self.session.disconnect(None, "closed by the user", None) {
            tracing::debug!(%error, "no goodbye could be said");
        }
    }

    fn last_message(&self) -> String {
        ssh2::Error::last_session_error(&self.session)
            .map(|error| error.message().to_owned())
            .unwrap_or_default()
    }

    /// What broke the session, as far as libssh2 or the socket says.
    pub(super) fn broken(&self, code: c_int) -> Broken {
        if let Some(ended) = self.transport.ended() {
            return Broken(ended.reason());
        }
        Broken(in_words(code))
    }
}

impl Drop for RawSession {
    fn drop(&mut self) {
        // libssh2 frees the session's channels too, and would wait for the server to confirm.
        self.transport.give_up();
    }
}

/// A channel. Lives no longer than its session: the loop sees to that.
pub(super) struct RawChannel {
    raw: NonNull<sys::LIBSSH2_CHANNEL>,
    session: NonNull<sys::LIBSSH2_SESSION>,
    /// A grant that libssh2 has begun to send: none other may be made before it is done.
    granting: Option<usize>,
}

impl RawChannel {
    /// Takes over a channel that the server has opened.
    pub(super) fn new(
        raw: NonNull<sys::LIBSSH2_CHANNEL>,
        session: NonNull<sys::LIBSSH2_SESSION>,
    ) -> Self {
        Self {
            raw,
            session,
            granting: None,
        }
    }

    /// Reads what libssh2 has queued for this channel. libssh2 may grant the server more window on the way: see
    /// [`Self::window_bytes`].
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Received, Broken> {
        self.read_from(Output::Standard, buffer)
    }

    /// The same of one of the outputs of a command.
    pub(super) fn read_from(
        &mut self,
        output: Output,
        buffer: &mut [u8],
    ) -> Result<Received, Broken> {
        // SAFETY: the channel is live, the buffer is valid for its length.
        let count = unsafe {
            sys::libssh2_channel_read_ex(
                self.raw.as_ptr(),
                output as c_int,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
            )
        };
        match usize::try_from(count) {
            Ok(0) if self.has_ended() => Ok(Received::End),
            Ok(0) => Ok(Received::Nothing),
            Ok(count) => Ok(Received::Bytes(count)),
            Err(_negative) if count == EAGAIN => Ok(Received::Nothing),
            Err(_negative) => Err(self.broken()),
        }
    }

    /// The server has sent EOF and everything before it has been read.
    pub(super) fn has_ended(&self) -> bool {
        // SAFETY: the channel is live.
        unsafe { sys::libssh2_channel_eof(self.raw.as_ptr()) == 1 }
    }

    /// The server has closed the channel. Only to be asked after its EOF.
    pub(super) fn is_closed_by_server(&self) -> bool {
        // SAFETY: the channel is live. In non-blocking mode this is EAGAIN until the CLOSE has arrived.
        unsafe { sys::libssh2_channel_wait_closed(self.raw.as_ptr()) == 0 }
    }

    /// Bytes the server may still be sent before it grants more.
    pub(super) fn room_bytes(&self) -> usize {
        // SAFETY: the channel is live; a null pointer means that the initial window is not asked for.
        let room: c_ulong =
            unsafe { sys::libssh2_channel_window_write_ex(self.raw.as_ptr(), ptr::null_mut()) };
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Bytes the server may still send, counting those that were received but not read.
    pub(super) fn window_bytes(&self) -> usize {
        // SAFETY: the channel is live; null pointers mean that nothing else is asked for.
        let window: c_ulong = unsafe {
            sys::libssh2_channel_window_read_ex(self.raw.as_ptr(), ptr::null_mut(), ptr::null_mut())
        };
        usize::try_from(window).unwrap_or(usize::MAX)
    }

    /// Allows the server this much more. While keys are exchanged nothing is sent, and the grant goes on at the next call:
    /// with its own number of bytes, since libssh2 counts those of the call that succeeds and sends those of the first.
    pub(super) fn grant(&mut self, bytes: usize) -> Result<(), Broken> {
        let bytes = self.granting.unwrap_or(bytes);
        let mut window: c_uint = 0;
        // SAFETY: the channel is live and `window` outlives the call.
        let result = unsafe {
            sys::libssh2_channel_receive_window_adjust2(
                self.raw.as_ptr(),
                c_ulong::try_from(bytes).unwrap_or(c_ulong::MAX),
                1,
                &raw mut window,
            )
        };
        self.granting = (result == sys::LIBSSH2_ERROR_EAGAIN).then_some(bytes);
        match result {
            0 | sys::LIBSSH2_ERROR_EAGAIN => Ok(()),
            _ => Err(self.broken()),
        }
    }

    /// Sends bytes; returns how many were taken, none where the server's window is used up or keys are being exchanged. In
    /// that case the next call must begin with the same bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        // SAFETY: the channel is live, the bytes are valid for their length.
        let count = unsafe {
            sys::libssh2_channel_write_ex(self.raw.as_ptr(), 0, bytes.as_ptr().cast(), bytes.len())
        };
        match usize::try_from(count) {
            Ok(count) => Ok(count),
            Err(_negative) if count == EAGAIN => Ok(0),
            Err(_negative) => Err(self.broken()),
        }
    }

    /// Tells the server that nothing more will be sent. False if that must be tried again.
    pub(super) fn send_eof(&mut self) -> Result<bool, Broken> {
        // SAFETY: the channel is live.
        match unsafe { sys::libssh2_channel_send_eof(self.raw.as_ptr()) } {
            0 => Ok(true),
            sys::LIBSSH2_ERROR_EAGAIN => Ok(false),
            _ => Err(self.broken()),
        }
    }

    /// Asks for a command to be run, or goes on asking. Until the answer is there the next call must be for the same command.
    pub(super) fn start_command(&mut self, command: &str) -> Result<Started, Broken> {
        const EXEC: &[u8] = b"exec";
        // SAFETY: the channel is live; the pointers are valid for the lengths given, for the duration of the call.
        let result = unsafe {
            sys::libssh2_channel_process_startup(
                self.raw.as_ptr(),
                EXEC.as_ptr().cast(),
                c_uint_len(EXEC.len()),
                command.as_ptr().cast(),
                c_uint_len(command.len()),
            )
        };
        match result {
            0 => Ok(Started::Yes),
            sys::LIBSSH2_ERROR_EAGAIN => Ok(Started::Pending),
            sys::LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED => Ok(Started::No),
            _ => Err(self.broken()),
        }
    }

    /// How the command ended. Only to be asked after the server has closed the channel.
    pub(super) fn exit_status(&self) -> ExecStatus {
        let (mut signal, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the channel is live; null pointers mean that nothing else is asked for. What libssh2 hands over is a copy of
        // its own allocator, which is read within its length and then freed by it.
        unsafe {
            let result = sys::libssh2_channel_get_exit_signal(
                self.raw.as_ptr(),
                &raw mut signal,
                &raw mut len,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            );
            if result == 0 && !signal.is_null() {
                let name = std::slice::from_raw_parts(signal.cast::<u8>(), len);
                let name = printable(&String::from_utf8_lossy(name)).into_owned();
                sys::libssh2_free(self.session.as_ptr(), signal.cast());
                return ExecStatus::Signal(name);
            }
            ExecStatus::Code(sys::libssh2_channel_get_exit_status(self.raw.as_ptr()))
        }
    }

    /// Goes on closing the channel; gives it back if the server has not confirmed yet.
    pub(super) fn close(self) -> Option<Self> {
        // SAFETY: the channel is live; unless libssh2 says EAGAIN it is freed by the call and `self` is gone with it.
        match unsafe { sys::libssh2_channel_free(self.raw.as_ptr()) } {
            sys::LIBSSH2_ERROR_EAGAIN => Some(self),
            _ => None,
        }
    }

    fn broken(&self) -> Broken {
        // SAFETY: the session outlives its channels.
        let error = ssh2::Error::last_session_error_raw(self.session.as_ptr());
        match error.map(|error| error.code()) {
            Some(ssh2::ErrorCode::Session(code)) => Broken(in_words(code)),
            _ => Broken(words!("the channel broke")),
        }
    }
}

/// What broke a session whose connection still stood, in place of libssh2's own words, which name its steps.
fn in_words(code: c_int) -> Words {
    match code {
        sys::LIBSSH2_ERROR_SOCKET_DISCONNECT => words!("the server ended the session"),
        sys::LIBSSH2_ERROR_SOCKET_RECV | sys::LIBSSH2_ERROR_SOCKET_SEND => {
            words!("the connection broke")
        }
        sys::LIBSSH2_ERROR_DECRYPT | sys::LIBSSH2_ERROR_INVALID_MAC => {
            words!("what the server sent was changed or damaged on its way")
        }
        sys::LIBSSH2_ERROR_KEX_FAILURE
        | sys::LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE
        | sys::LIBSSH2_ERROR_HOSTKEY_INIT
        | sys::LIBSSH2_ERROR_HOSTKEY_SIGN => words!("the exchange of new keys failed"),
        sys::LIBSSH2_ERROR_PROTO
        | sys::LIBSSH2_ERROR_CHANNEL_UNKNOWN
        | sys::LIBSSH2_ERROR_CHANNEL_PACKET_EXCEEDED
        | sys::LIBSSH2_ERROR_CHANNEL_WINDOW_EXCEEDED => {
            words!("the server does not keep to the protocol")
        }
        code => words!(
            "the session broke (libssh2's code {code})",
            code = code.to_string()
        ),
    }
}

/// Takes the next packet of this kind out of libssh2's queue.
pub(super) fn packet_ask(session: NonNull<sys::LIBSSH2_SESSION>, kind: u8) -> Option<Vec<u8>> {
    let (mut data, mut len) = (ptr::null_mut::<u8>(), 0);
    // SAFETY: the session is live; on success libssh2 hands over a buffer of its own allocator, which is read within its length
    // and then freed by it.
    unsafe {
        let result = ssh2_packet_ask(
            session.as_ptr(),
            kind,
            &raw mut data,
            &raw mut len,
            0,
            ptr::null(),
            0,
        );
        if result != 0 || data.is_null() {
            return None;
        }
        let packet = std::slice::from_raw_parts(data, len).to_vec();
        sys::libssh2_free(session.as_ptr(), data.cast());
        Some(packet)
    }
}

const EAGAIN: isize = sys::LIBSSH2_ERROR_EAGAIN as isize;

pub(super) fn c_uint_len(len: usize) -> c_uint {
    c_uint::try_from(len).unwrap_or(c_uint::MAX)
}

impl RawSocket for Transport {
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer)
    }
}
