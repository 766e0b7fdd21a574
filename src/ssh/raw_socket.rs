//! The socket under a libssh2 session, which libssh2 itself never touches: it sends and receives by callbacks.

#![expect(
    unsafe_code,
    reason = "libssh2 is a C library, and the ssh2 crate does not bind its callbacks"
)]

use std::ffi::{c_int, c_void};
use std::io;
use std::ptr::{self, NonNull};

use libssh2_sys as sys;

const CALLBACK_SEND: c_int = 5;
const CALLBACK_RECV: c_int = 6;

/// A function as libssh2 takes it, whatever its kind.
pub(super) type AnyCallback = unsafe extern "C" fn();

type SendCallback = unsafe extern "C" fn(
    sys::libssh2_socket_t,
    *const c_void,
    usize,
    c_int,
    *mut *mut c_void,
) -> isize;
type ReceiveCallback = unsafe extern "C" fn(
    sys::libssh2_socket_t,
    *mut c_void,
    usize,
    c_int,
    *mut *mut c_void,
) -> isize;

unsafe extern "C" {
    pub(super) fn libssh2_session_callback_set2(
        session: *mut sys::LIBSSH2_SESSION,
        kind: c_int,
        callback: Option<AnyCallback>,
    ) -> Option<AnyCallback>;
}

/// What a session sends and receives by.
pub(super) trait RawSocket {
    /// libssh2 hands over bytes; how many were taken. `WouldBlock` where none can be now.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// libssh2 wants bytes; zero where there are none ever again, `WouldBlock` where there are none now.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Has `session` send and receive by `socket`, to which the session's abstract pointer leads from now on.
///
/// # Safety
/// The session must be live, and used by this thread alone. The socket must stay where it is until the session is freed or has been
/// given another one.
pub(super) unsafe fn attach<S: RawSocket>(session: NonNull<sys::LIBSSH2_SESSION>, socket: &S) {
    // SAFETY: the session is live. The callbacks have the very signatures that libssh2 documents for these two kinds, which it takes
    // as a generic function pointer and casts back before the call.
    unsafe {
        *sys::libssh2_session_abstract(session.as_ptr()) = ptr::from_ref(socket).cast_mut().cast();
        let send = std::mem::transmute::<SendCallback, AnyCallback>(send_callback::<S>);
        let receive = std::mem::transmute::<ReceiveCallback, AnyCallback>(receive_callback::<S>);
        libssh2_session_callback_set2(session.as_ptr(), CALLBACK_SEND, Some(send));
        libssh2_session_callback_set2(session.as_ptr(), CALLBACK_RECV, Some(receive));
    }
}

/// What `attach` was given.
///
/// # Safety
/// `owner` must be what libssh2 passes to a callback of a session that a socket of this very type was attached to last.
pub(super) unsafe fn attached<'a, S: RawSocket>(owner: *mut *mut c_void) -> &'a S {
    // SAFETY: libssh2 passes the address of the abstract pointer, whose target outlives the session; only shared references to it
    // are ever made.
    unsafe { &*(*owner).cast_const().cast::<S>() }
}

/// The bytes at `start`, none where it is null.
///
/// # Safety
/// Unless it is null, `start` must be valid for `len` bytes for as long as the result is used.
pub(super) unsafe fn bytes_at<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: that is the caller's to keep.
    unsafe { std::slice::from_raw_parts(start, len) }
}

unsafe extern "C" fn send_callback<S: RawSocket>(
    _socket: sys::libssh2_socket_t,
    bytes: *const c_void,
    len: usize,
    _flags: c_int,
    owner: *mut *mut c_void,
) -> isize {
    // SAFETY: this is a callback of a session that an `S` is attached to; the bytes are libssh2's own, and nobody else touches them
    // during the call.
    let (socket, bytes) = unsafe { (attached::<S>(owner), bytes_at(bytes.cast(), len)) };
    outcome(socket.send(bytes))
}

unsafe extern "C" fn receive_callback<S: RawSocket>(
    _socket: sys::libssh2_socket_t,
    buffer: *mut c_void,
    len: usize,
    _flags: c_int,
    owner: *mut *mut c_void,
) -> isize {
    // SAFETY: as in `send_callback`; the buffer is libssh2's own, initialised and `len` bytes long.
    let (socket, buffer) = unsafe {
        (
            attached::<S>(owner),
            std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len),
        )
    };
    outcome(socket.receive(buffer))
}

/// As libssh2 wants it: a count, or a negative errno.
fn outcome(result: io::Result<usize>) -> isize {
    match result {
        Ok(count) => isize::try_from(count).unwrap_or(isize::MAX),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => -(libc::EAGAIN as isize),
            _ => -(libc::ECONNRESET as isize),
        },
    }
}
