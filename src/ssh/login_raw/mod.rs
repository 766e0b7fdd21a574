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

mod callbacks;
mod key;

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_void};
use std::io;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use libssh2_sys as sys;

use super::raw_socket::attach;
use super::stream::Socket;
use super::wire::Wire;
use crate::model::{Secret, Words, words};
use callbacks::{
    Answerer, Context, Patience, Signer, answer_callback, sign_callback, tell_goodbyes,
};
pub(super) use key::public_half_of;

/// libssh2's own limit for an answer, whose end it does not tell from a refusal. Longer than any that is set here.
const READ_SECONDS: c_long = 24 * 60 * 60;

/// A code of libssh2.h that libssh2-sys does not bind.
const KEYFILE_AUTH_FAILED: c_int = -48;

type SignCallback = unsafe extern "C" fn(
    *mut sys::LIBSSH2_SESSION,
    *mut *mut u8,
    *mut usize,
    *const u8,
    usize,
    *mut *mut c_void,
) -> c_int;

unsafe extern "C" {
    fn libssh2_session_set_read_timeout(session: *mut sys::LIBSSH2_SESSION, seconds: c_long);
    fn libssh2_userauth_publickey(
        session: *mut sys::LIBSSH2_SESSION,
        user: *const c_char,
        public: *const u8,
        public_len: usize,
        sign: SignCallback,
        context: *mut *mut c_void,
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
    Unusable(Words),
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
        // SAFETY: `raw` is the live session that `session` owns; the guard is released again, and nobody else uses the session
        // meanwhile. The context stays where it is until `finish`, or the drop, since it is in a box of its own and outlives the
        // session.
        unsafe {
            attach(raw, &*context);
            tell_goodbyes(raw, true);
            libssh2_session_set_read_timeout(raw.as_ptr(), READ_SECONDS);
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
        unsafe { tell_goodbyes(raw, false) };
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
            return Verdict::Unusable(words!("the user's name has a zero byte in it"));
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
                Verdict::Unusable(words!("it could not sign"))
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
        let passphrase = key::terminated(passphrase);
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
        key::public_half(&self.session, private, passphrase)
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
                Verdict::Unusable(words!("it has expired; change it by logging in with ssh"))
            }
            sys::LIBSSH2_ERROR_METHOD_NONE => {
                Verdict::Unusable(words!("the server takes no signature that it can make"))
            }
            sys::LIBSSH2_ERROR_FILE | KEYFILE_AUTH_FAILED => {
                Verdict::Unusable(words!("its contents or its passphrase are not right"))
            }
            code => Verdict::Unusable(
                ssh2::Error::from_errno(ssh2::ErrorCode::Session(code))
                    .message()
                    .to_owned()
                    .into(),
            ),
        }
    }
}

fn length(len: usize) -> c_uint {
    c_uint::try_from(len).unwrap_or(c_uint::MAX)
}
