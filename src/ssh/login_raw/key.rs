//! What libssh2 makes of a private key.

use std::ffi::{c_char, c_int};
use std::ptr;

use libssh2_sys as sys;
use zeroize::Zeroizing;

use crate::model::Secret;

unsafe extern "C" {
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

/// The public half of the private key in `private`, without any connection; none if it cannot be read, chiefly because the
/// passphrase is wrong.
pub(in crate::ssh) fn public_half_of(
    private: &[u8],
    passphrase: Option<&Secret>,
) -> Option<Vec<u8>> {
    let session = ssh2::Session::new().ok()?;
    public_half(&session, private, passphrase)
}

pub(super) fn public_half(
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
pub(super) fn terminated(passphrase: Option<&Secret>) -> Zeroizing<Vec<u8>> {
    let text = passphrase.map_or("", Secret::expose);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    bytes
}
