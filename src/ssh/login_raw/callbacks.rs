//! What libssh2 calls back for in the course of a login, and what it finds then.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::io;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use libssh2_sys as sys;

use super::{Asked, Signed, length};
use crate::model::Secret;
use crate::ssh::raw_socket::{
    AnyCallback, RawSocket, attached, bytes_at, libssh2_session_callback_set2,
};
use crate::ssh::wire::Wire;

const CALLBACK_DISCONNECT: c_int = 2;

/// A code of libssh2.h that libssh2-sys does not bind.
const ALGO_UNSUPPORTED: c_int = -51;

type DisconnectCallback = unsafe extern "C" fn(
    *mut sys::LIBSSH2_SESSION,
    c_int,
    *const c_char,
    c_int,
    *const c_char,
    c_int,
    *mut *mut c_void,
);

/// What libssh2's callbacks find by the session's abstract pointer.
pub(super) struct Context {
    pub(super) session: NonNull<sys::LIBSSH2_SESSION>,
    pub(super) wire: Wire,
    pub(super) patience: Patience,
    /// Null but for the duration of a keyboard-interactive exchange.
    pub(super) answerer: Cell<*mut c_void>,
}

/// How long the server may take to answer. The time begins anew with whatever is sent to it: while a person types, an agent
/// waits for a touch or a passphrase is stretched into a key, the server owes nothing.
pub(super) struct Patience {
    pub(super) limit: Cell<Duration>,
    /// When libssh2 was called: it counts from there.
    pub(super) called: Cell<Instant>,
}

impl Patience {
    /// From now on it is the server's turn.
    ///
    /// # Safety
    /// `session` must be live, and used by no other thread.
    pub(super) unsafe fn begin(&self, session: *mut sys::LIBSSH2_SESSION) {
        let limit = self.called.get().elapsed().saturating_add(self.limit.get());
        let limit_ms = c_long::try_from(limit.as_millis()).unwrap_or(c_long::MAX);
        // SAFETY: that is the caller's to keep. The call only sets a number.
        unsafe { sys::libssh2_session_set_timeout(session, limit_ms) };
    }
}

/// Who signs, for the duration of one call.
pub(super) struct Signer<'a> {
    pub(super) sign: &'a mut dyn FnMut(&[u8]) -> Signed,
    pub(super) has_signed: bool,
}

/// Who answers, for the duration of one call.
pub(super) struct Answerer<'a> {
    pub(super) answer: &'a mut dyn FnMut(&str, &[Asked]) -> Vec<Secret>,
}

impl RawSocket for Context {
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        // The key exchange has one limit for the whole of it.
        if !self.wire.is_clear() {
            // SAFETY: libssh2 calls this for the session that the context belongs to, on its only thread.
            unsafe { self.patience.begin(self.session.as_ptr()) };
        }
        self.wire.send(bytes)
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.receive(buffer)
    }
}

/// Has the server's goodbye told to the context, or to nobody any more.
///
/// # Safety
/// The session must be live and used by this thread alone, and a [`Context`] attached to it while that is told.
pub(super) unsafe fn tell_goodbyes(session: NonNull<sys::LIBSSH2_SESSION>, is_told: bool) {
    // SAFETY: the callback has the very signature that libssh2 documents for this kind. The rest is the caller's to keep.
    unsafe {
        let callback = std::mem::transmute::<DisconnectCallback, AnyCallback>(disconnect_callback);
        libssh2_session_callback_set2(
            session.as_ptr(),
            CALLBACK_DISCONNECT,
            is_told.then_some(callback),
        );
    }
}

/// A copy in memory that libssh2's allocator may free: it is made with C's own.
fn malloc_copy(bytes: &[u8]) -> *mut u8 {
    // SAFETY: the memory is at least one byte, checked for null, and as long as what is copied into it.
    unsafe {
        let memory: *mut u8 = libc::malloc(bytes.len().max(1)).cast();
        if !memory.is_null() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
        }
        memory
    }
}

unsafe extern "C" fn disconnect_callback(
    _session: *mut sys::LIBSSH2_SESSION,
    _reason: c_int,
    message: *const c_char,
    message_len: c_int,
    _language: *const c_char,
    _language_len: c_int,
    owner: *mut *mut c_void,
) {
    // SAFETY: a context is attached to the session; the message is libssh2's own and valid for the length given.
    let (context, message) = unsafe {
        (
            attached::<Context>(owner),
            bytes_at(message.cast(), usize::try_from(message_len).unwrap_or(0)),
        )
    };
    context.wire.said_goodbye(message);
}

pub(super) unsafe extern "C" fn sign_callback(
    _session: *mut sys::LIBSSH2_SESSION,
    signature: *mut *mut u8,
    signature_len: *mut usize,
    data: *const u8,
    data_len: usize,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: the context is the one that `with_signer` passed, which waits for this call to end; the data is libssh2's own.
    let (signer, data) = unsafe {
        (
            &mut *(*context).cast::<Signer<'_>>(),
            bytes_at(data, data_len),
        )
    };
    match (signer.sign)(data) {
        Signed::Signature(bytes) => {
            let memory = malloc_copy(&bytes);
            if memory.is_null() {
                return sys::LIBSSH2_ERROR_ALLOC;
            }
            signer.has_signed = true;
            // SAFETY: both are libssh2's own variables, waiting to be written. It frees the memory.
            unsafe {
                *signature = memory;
                *signature_len = bytes.len();
            }
            0
        }
        Signed::OtherAlgorithm => ALGO_UNSUPPORTED,
        Signed::Failed => sys::LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED,
    }
}

pub(super) extern "C" fn answer_callback(
    _name: *const c_char,
    _name_len: c_int,
    instruction: *const c_char,
    instruction_len: c_int,
    count: c_int,
    prompts: *const sys::LIBSSH2_USERAUTH_KBDINT_PROMPT,
    responses: *mut sys::LIBSSH2_USERAUTH_KBDINT_RESPONSE,
    owner: *mut *mut c_void,
) {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: a context is attached to the session; the answerer is set for as long as the exchange lasts. There are `count` prompts and
    // as many responses, which are zeroed, and all texts are valid for the lengths beside them.
    let (answerer, instruction, prompts, responses) = unsafe {
        let context = attached::<Context>(owner);
        let Some(answerer) = context.answerer.get().cast::<Answerer<'_>>().as_mut() else {
            return;
        };
        if count > 0 && (prompts.is_null() || responses.is_null()) {
            return;
        }
        let prompts: Vec<Asked> = (0..count)
            .map(|index| {
                let prompt = &*prompts.add(index);
                let text = bytes_at(prompt.text, prompt.length);
                Asked {
                    text: String::from_utf8_lossy(text).into_owned(),
                    echo: prompt.echo != 0,
                }
            })
            .collect();
        let instruction = bytes_at(
            instruction.cast(),
            usize::try_from(instruction_len).unwrap_or(0),
        );
        (answerer, instruction, prompts, responses)
    };
    let answers = (answerer.answer)(&String::from_utf8_lossy(instruction), &prompts);
    for (index, answer) in answers.iter().take(count).enumerate() {
        let text = answer.expose().as_bytes();
        let memory = malloc_copy(text);
        if memory.is_null() {
            continue;
        }
        // SAFETY: there are `count` responses. libssh2 frees the text.
        unsafe {
            let response = &mut *responses.add(index);
            response.text = memory.cast();
            response.length = length(text.len());
        }
    }
}
