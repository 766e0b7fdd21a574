//! libssh2 from the first packet to the end of the login, called without the `ssh2` crate where that copies secrets, hides
//! what the server said, or cannot sign by way of an agent of ours.
//!
//! Everything here belongs to one thread, as in `raw`. Secrets are lent to libssh2 and not copied on the way; it encrypts
//! what it sends in place. What cannot be helped: libssh2 frees the answers to a keyboard-interactive exchange, and what it
//! decodes of a key file, without wiping all of them.

#![expect(
    unsafe_code,
    reason = "libssh2 is a C library, and the ssh2 crate does not bind what is needed here"
)]

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_void};
use std::io;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use libssh2_sys as sys;
use zeroize::Zeroizing;

use super::stream::Socket;
use super::wire::Wire;
use crate::model::Secret;

const CALLBACK_DISCONNECT: c_int = 2;
const CALLBACK_SEND: c_int = 5;
const CALLBACK_RECV: c_int = 6;

/// libssh2's own limit for an answer, whose end it does not tell from a refusal. Longer than any that is set here.
const READ_SECONDS: c_long = 24 * 60 * 60;

/// Codes of libssh2.h that libssh2-sys does not bind.
const KEYFILE_AUTH_FAILED: c_int = -48;
const ALGO_UNSUPPORTED: c_int = -51;

type AnyCallback = unsafe extern "C" fn();
type SignCallback = unsafe extern "C" fn(
    *mut sys::LIBSSH2_SESSION,
    *mut *mut u8,
    *mut usize,
    *const u8,
    usize,
    *mut *mut c_void,
) -> c_int;
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
type DisconnectCallback = unsafe extern "C" fn(
    *mut sys::LIBSSH2_SESSION,
    c_int,
    *const c_char,
    c_int,
    *const c_char,
    c_int,
    *mut *mut c_void,
);

unsafe extern "C" {
    fn libssh2_session_callback_set2(
        session: *mut sys::LIBSSH2_SESSION,
        kind: c_int,
        callback: Option<AnyCallback>,
    ) -> Option<AnyCallback>;
    fn libssh2_session_set_read_timeout(session: *mut sys::LIBSSH2_SESSION, seconds: c_long);
    fn libssh2_userauth_publickey(
        session: *mut sys::LIBSSH2_SESSION,
        user: *const c_char,
        public: *const u8,
        public_len: usize,
        sign: SignCallback,
        context: *mut *mut c_void,
    ) -> c_int;
    fn ssh2_pub_privkey(
        session: *mut sys::LIBSSH2_SESSION,
        method: *mut *mut c_char,
        public: *mut *mut u8,
        public_len: *mut usize,
        file: *const c_char,
        private: *const c_char,
        private_len: usize,
        passphrase: *const c_char,
    ) -> c_int;
}

/// What became of one attempt to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The login is done.
    Accepted,
    /// The server said no.
    Refused,
    /// The server wanted the proof of a key, got it, and is still not content: it asks for another method as well, or takes
    /// the signature for a wrong one.
    NotEnough,
    /// It was not put to the server: the key cannot be read or used; why.
    Unusable(String),
    /// The server did not answer in time.
    TimedOut,
    /// The session is over.
    Lost,
}

/// What a signer made of the data.
pub(super) enum Signed {
    /// The signature, without the name of its algorithm.
    Signature(Vec<u8>),
    /// The signature is made by another algorithm than was asked for.
    OtherAlgorithm,
    /// None.
    Failed,
}

/// A question of a keyboard-interactive exchange.
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) echo: bool,
}

/// A session that has not logged in yet, with its socket behind a [`Wire`].
pub(super) struct LoginSession {
    // Declared before the wire, so that freeing the session can still call back into it.
    session: ssh2::Session,
    raw: NonNull<sys::LIBSSH2_SESSION>,
    context: Box<Context>,
}

/// What libssh2's callbacks find by the session's abstract pointer.
struct Context {
    session: NonNull<sys::LIBSSH2_SESSION>,
    wire: Wire,
    patience: Patience,
    /// Null but for the duration of a keyboard-interactive exchange.
    answerer: Cell<*mut c_void>,
}

/// How long the server may take to answer. The time begins anew with whatever is sent to it: while a person types, an agent
/// waits for a touch or a passphrase is stretched into a key, the server owes nothing.
struct Patience {
    limit: Cell<Duration>,
    /// When libssh2 was called: it counts from there.
    called: Cell<Instant>,
}

impl Patience {
    /// From now on it is the server's turn.
    ///
    /// # Safety
    /// `session` must be live, and used by no other thread.
    unsafe fn begin(&self, session: *mut sys::LIBSSH2_SESSION) {
        let limit = self.called.get().elapsed().saturating_add(self.limit.get());
        let limit_ms = c_long::try_from(limit.as_millis()).unwrap_or(c_long::MAX);
        // SAFETY: that is the caller's to keep. The call only sets a number.
        unsafe { sys::libssh2_session_set_timeout(session, limit_ms) };
    }
}

/// Who signs, for the duration of one call.
struct Signer<'a> {
    sign: &'a mut dyn FnMut(&[u8]) -> Signed,
    has_signed: bool,
}

/// Who answers, for the duration of one call.
struct Answerer<'a> {
    answer: &'a mut dyn FnMut(&str, &[Asked]) -> Vec<Secret>,
}

impl LoginSession {
    /// A session over `socket`, before anything has been said.
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        let mut session = ssh2::Session::new()?;
        let raw = NonNull::from(&mut *session.raw());
        let context = Box::new(Context {
            session: raw,
            wire: Wire::new(socket.try_clone()?),
            patience: Patience {
                limit: Cell::new(Duration::ZERO),
                called: Cell::new(Instant::now()),
            },
            answerer: Cell::new(ptr::null_mut()),
        });
        socket.give_to(&mut session);
        // SAFETY: `raw` is the live session that `session` owns; the guard is released again, and nobody else uses the
        // session meanwhile. The abstract pointer stays valid until `finish`, or the drop, since the context is in a box of
        // its own and outlives the session. The callbacks have the very signatures that libssh2 documents for these kinds.
        unsafe {
            *sys::libssh2_session_abstract(raw.as_ptr()) =
                ptr::from_ref(&*context).cast_mut().cast();
            let receive = std::mem::transmute::<ReceiveCallback, AnyCallback>(receive_callback);
            let disconnect =
                std::mem::transmute::<DisconnectCallback, AnyCallback>(disconnect_callback);
            let send = std::mem::transmute::<SendCallback, AnyCallback>(send_callback);
            libssh2_session_set_read_timeout(raw.as_ptr(), READ_SECONDS);
            libssh2_session_callback_set2(raw.as_ptr(), CALLBACK_SEND, Some(send));
            libssh2_session_callback_set2(raw.as_ptr(), CALLBACK_RECV, Some(receive));
            libssh2_session_callback_set2(raw.as_ptr(), CALLBACK_DISCONNECT, Some(disconnect));
        }
        Ok(Self {
            session,
            raw,
            context,
        })
    }

    /// The session, for everything that neither waits for a person nor sees a secret.
    pub(super) fn ssh(&self) -> &ssh2::Session {
        &self.session
    }

    /// Exchanges keys.
    pub(super) fn handshake(&self) -> Result<(), ssh2::Error> {
        self.call();
        // A second handle, since the crate wants to change its own here; both are of the one session.
        self.session.clone().handshake()
    }

    /// What was noticed on the socket.
    pub(super) fn wire(&self) -> &Wire {
        &self.context.wire
    }

    /// Asks the server how it would let `user` in, without any proof.
    pub(super) fn methods(&self, user: &str) -> Result<String, ssh2::Error> {
        self.call();
        self.session.auth_methods(user).map(str::to_owned)
    }

    /// How long the server may take over each answer.
    pub(super) fn set_timeout(&self, limit: Duration) {
        self.context.patience.limit.set(limit);
    }

    /// The limit that is set.
    pub(super) fn timeout(&self) -> Duration {
        self.context.patience.limit.get()
    }

    /// libssh2 is called now.
    fn call(&self) {
        let patience = &self.context.patience;
        patience.called.set(Instant::now());
        // SAFETY: the session is live, and this is its only thread.
        unsafe { patience.begin(self.raw.as_ptr()) };
    }

    /// Gives the session to `adopt`, which puts its own callbacks in the place of these.
    pub(super) fn finish<T>(self, adopt: impl FnOnce(ssh2::Session) -> T) -> T {
        let Self {
            session,
            raw,
            context,
        } = self;
        // SAFETY: the session is live and this is its only user. Without this a later goodbye of the server would be told
        // to the wire, which ends here.
        unsafe { libssh2_session_callback_set2(raw.as_ptr(), CALLBACK_DISCONNECT, None) };
        let adopted = adopt(session);
        drop(context);
        adopted
    }

    /// Offers the public key `public`; if the server wants the proof, `sign` is given the data to sign.
    pub(super) fn with_signer(
        &self,
        user: &str,
        public: &[u8],
        sign: &mut dyn FnMut(&[u8]) -> Signed,
    ) -> Verdict {
        let Ok(user) = CString::new(user) else {
            return Verdict::Unusable("the user's name has a zero byte in it".to_owned());
        };
        let mut signer = Signer {
            sign,
            has_signed: false,
        };
        let mut context: *mut c_void = ptr::from_mut(&mut signer).cast();
        self.call();
        // SAFETY: the session is live and blocking, so that the call is over, and the callback not called any more, when it
        // returns; until then user, key and context are valid.
        let code = unsafe {
            libssh2_userauth_publickey(
                self.raw.as_ptr(),
                user.as_ptr(),
                public.as_ptr(),
                public.len(),
                sign_callback,
                &raw mut context,
            )
        };
        match self.verdict(code) {
            Verdict::NotEnough if !signer.has_signed => {
                Verdict::Unusable("it could not sign".to_owned())
            }
            verdict => verdict,
        }
    }

    /// Logs in with the private key in `private`, as a key file has it. `certificate`, a line as in `key-cert.pub`, is
    /// offered in the place of the plain public key.
    pub(super) fn with_key(
        &self,
        user: &str,
        certificate: Option<&str>,
        private: &[u8],
        passphrase: Option<&Secret>,
    ) -> Verdict {
        self.call();
        let passphrase = terminated(passphrase);
        let certificate = certificate.unwrap_or_default().as_bytes();
        // SAFETY: the session is live; all buffers are valid for the lengths given, and the passphrase ends with a zero.
        let code = unsafe {
            sys::libssh2_userauth_publickey_frommemory(
                self.raw.as_ptr(),
                user.as_ptr().cast(),
                user.len(),
                if certificate.is_empty() {
                    ptr::null()
                } else {
                    certificate.as_ptr().cast()
                },
                certificate.len(),
                private.as_ptr().cast(),
                private.len(),
                passphrase.as_ptr().cast(),
            )
        };
        self.verdict(code)
    }

    /// The public half of the private key in `private`; none if it cannot be read, chiefly because the passphrase is wrong.
    pub(super) fn public_half(
        &self,
        private: &[u8],
        passphrase: Option<&Secret>,
    ) -> Option<Vec<u8>> {
        public_half(&self.session, private, passphrase)
    }

    /// Logs in with the account's password.
    pub(super) fn with_password(&self, user: &str, password: &Secret) -> Verdict {
        self.call();
        let password = password.expose();
        // SAFETY: the session is live; the texts are valid for the lengths given.
        let code = unsafe {
            sys::libssh2_userauth_password_ex(
                self.raw.as_ptr(),
                user.as_ptr().cast(),
                length(user.len()),
                password.as_ptr().cast(),
                length(password.len()),
                None,
            )
        };
        self.verdict(code)
    }

    /// Logs in by a keyboard-interactive exchange: `answer` is given the server's instruction and its questions, and gives
    /// as many answers.
    pub(super) fn with_answers(
        &self,
        user: &str,
        answer: &mut dyn FnMut(&str, &[Asked]) -> Vec<Secret>,
    ) -> Verdict {
        self.call();
        let mut answerer = Answerer { answer };
        self.context
            .answerer
            .set(ptr::from_mut(&mut answerer).cast());
        // SAFETY: the session is live and blocking, so that the callback is not called any more when the call returns; until
        // then the answerer is valid.
        let code = unsafe {
            sys::libssh2_userauth_keyboard_interactive_ex(
                self.raw.as_ptr(),
                user.as_ptr().cast(),
                length(user.len()),
                Some(answer_callback),
            )
        };
        self.context.answerer.set(ptr::null_mut());
        self.verdict(code)
    }

    fn verdict(&self, code: c_int) -> Verdict {
        if code == 0 && self.session.authenticated() {
            return Verdict::Accepted;
        }
        if self.wire().is_over() {
            return Verdict::Lost;
        }
        match code {
            sys::LIBSSH2_ERROR_AUTHENTICATION_FAILED => Verdict::Refused,
            0 | sys::LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED => Verdict::NotEnough,
            sys::LIBSSH2_ERROR_TIMEOUT => Verdict::TimedOut,
            sys::LIBSSH2_ERROR_SOCKET_DISCONNECT
            | sys::LIBSSH2_ERROR_SOCKET_RECV
            | sys::LIBSSH2_ERROR_SOCKET_SEND => Verdict::Lost,
            sys::LIBSSH2_ERROR_PASSWORD_EXPIRED => {
                Verdict::Unusable("it has expired; change it by logging in with ssh".to_owned())
            }
            sys::LIBSSH2_ERROR_METHOD_NONE => {
                Verdict::Unusable("the server takes no signature that it can make".to_owned())
            }
            sys::LIBSSH2_ERROR_FILE | KEYFILE_AUTH_FAILED => {
                Verdict::Unusable("its contents or its passphrase are not right".to_owned())
            }
            code => Verdict::Unusable(
                ssh2::Error::from_errno(ssh2::ErrorCode::Session(code))
                    .message()
                    .to_owned(),
            ),
        }
    }
}

/// The public half of the private key in `private`, without any connection; none if it cannot be read, chiefly because the
/// passphrase is wrong.
pub(super) fn public_half_of(private: &[u8], passphrase: Option<&Secret>) -> Option<Vec<u8>> {
    let session = ssh2::Session::new().ok()?;
    public_half(&session, private, passphrase)
}

fn public_half(
    session: &ssh2::Session,
    private: &[u8],
    passphrase: Option<&Secret>,
) -> Option<Vec<u8>> {
    let passphrase = terminated(passphrase);
    let raw: *mut sys::LIBSSH2_SESSION = &raw mut *session.raw();
    let (mut method, mut public, mut length) = (ptr::null_mut(), ptr::null_mut(), 0);
    // SAFETY: the session is live; all buffers are valid for the lengths given, and the passphrase ends with a zero. On
    // success libssh2 hands over two buffers of its own allocator, which are freed by it after the copy.
    unsafe {
        let code = ssh2_pub_privkey(
            raw,
            &raw mut method,
            &raw mut public,
            &raw mut length,
            ptr::null(),
            private.as_ptr().cast(),
            private.len(),
            passphrase.as_ptr().cast(),
        );
        if code != 0 || public.is_null() {
            return None;
        }
        let blob = std::slice::from_raw_parts(public, length).to_vec();
        sys::libssh2_free(raw, public.cast());
        if !method.is_null() {
            sys::libssh2_free(raw, method.cast());
        }
        Some(blob)
    }
}

/// The passphrase as C has it, in memory that is wiped; empty for none.
fn terminated(passphrase: Option<&Secret>) -> Zeroizing<Vec<u8>> {
    let text = passphrase.map_or("", Secret::expose);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    bytes
}

fn length(len: usize) -> c_uint {
    c_uint::try_from(len).unwrap_or(c_uint::MAX)
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

/// The bytes at `start`, none where it is null.
///
/// # Safety
/// Unless it is null, `start` must be valid for `len` bytes for as long as the result is used.
unsafe fn bytes_at<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: that is the caller's to keep.
    unsafe { std::slice::from_raw_parts(start, len) }
}

unsafe extern "C" fn receive_callback(
    _socket: sys::libssh2_socket_t,
    buffer: *mut c_void,
    len: usize,
    _flags: c_int,
    owner: *mut *mut c_void,
) -> isize {
    // SAFETY: libssh2 passes the address of the abstract pointer that `new` set, whose target outlives the session, and its
    // own buffer, which is initialised and `len` bytes long.
    let (context, buffer) = unsafe {
        (
            &*(*owner).cast_const().cast::<Context>(),
            std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len),
        )
    };
    outcome(context.wire.receive(buffer))
}

unsafe extern "C" fn send_callback(
    _socket: sys::libssh2_socket_t,
    bytes: *const c_void,
    len: usize,
    _flags: c_int,
    owner: *mut *mut c_void,
) -> isize {
    // SAFETY: as in `receive_callback`; the bytes are libssh2's own.
    let (context, bytes) = unsafe {
        (
            &*(*owner).cast_const().cast::<Context>(),
            bytes_at(bytes.cast(), len),
        )
    };
    // The key exchange has one limit for the whole of it.
    if !context.wire.is_clear() {
        // SAFETY: libssh2 calls this for the session that the context belongs to, on its only thread.
        unsafe { context.patience.begin(context.session.as_ptr()) };
    }
    outcome(context.wire.send(bytes))
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

unsafe extern "C" fn disconnect_callback(
    _session: *mut sys::LIBSSH2_SESSION,
    _reason: c_int,
    message: *const c_char,
    message_len: c_int,
    _language: *const c_char,
    _language_len: c_int,
    owner: *mut *mut c_void,
) {
    // SAFETY: as in `receive_callback`; the message is libssh2's own and valid for the length given.
    let (context, message) = unsafe {
        (
            &*(*owner).cast_const().cast::<Context>(),
            bytes_at(message.cast(), usize::try_from(message_len).unwrap_or(0)),
        )
    };
    context.wire.said_goodbye(message);
}

unsafe extern "C" fn sign_callback(
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

extern "C" fn answer_callback(
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
    // SAFETY: as in `receive_callback`; the answerer is set for as long as the exchange lasts. There are `count` prompts and
    // as many responses, which are zeroed, and all texts are valid for the lengths beside them.
    let (answerer, instruction, prompts, responses) = unsafe {
        let context = &*(*owner).cast_const().cast::<Context>();
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
