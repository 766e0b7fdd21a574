//! libssh2's ciphers, made fast: whole packets in one call to OpenSSL.
//!
//! libssh2 hands AES-GCM to OpenSSL 16 bytes at a time and brings a portable ChaCha20-Poly1305 of its own; both cost several
//! times what the cipher itself does. It finds its ciphers through one internal function, `ssh2_crypt_methods`, the only
//! symbol of its object file. That function is defined here instead, so the linker leaves libssh2's object out; a test checks
//! that. The table's layout is `struct crypt_method` of `libssh2_priv.h` in the version that `Cargo.lock` pins.
//!
//! A method may ask for full packets (`SSH2_CRYPT_FLAG_REQUIRES_FULL_PACKET`), as libssh2's own ChaCha20-Poly1305 does; with
//! that, AES-GCM needs no more than a length that is not encrypted (RFC 5647, as OpenSSH's PROTOCOL amends it).

#![expect(
    unsafe_code,
    reason = "libssh2 calls these functions, and they call OpenSSL"
)]

mod evp;
mod packet;

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::ptr;

use libssh2_sys::LIBSSH2_SESSION;
use openssl_sys as ossl;

use evp::{Context, Poly1305};
use packet::{ChaChaPoly, Gcm, Mode, chacha_nonce};

const TAG_BYTES: usize = 16;
const TAG_BYTES_C: c_int = 16;
/// What stands before every packet: its length.
const LENGTH_BYTES: usize = 4;
const REQUIRES_FULL_PACKET: c_long = 4;

const OK: c_int = 0;
const FAILED: c_int = -1;

/// `struct crypt_method` of `libssh2_priv.h`, with OpenSSL's `SSH2_CIPHER_T`.
#[repr(C)]
pub(super) struct CryptMethod {
    name: *const c_char,
    pem_annotation: *const c_char,
    block_bytes: c_int,
    iv_bytes: c_int,
    secret_bytes: c_int,
    tag_bytes: c_int,
    flags: c_long,
    init: Init,
    get_length: Option<GetLength>,
    crypt: Crypt,
    end: End,
    cipher: unsafe extern "C" fn() -> *const ossl::EVP_CIPHER,
}

type Init = unsafe extern "C" fn(
    *mut LIBSSH2_SESSION,
    *const CryptMethod,
    *mut u8,
    *mut c_int,
    *mut u8,
    *mut c_int,
    c_int,
    c_int,
    *mut *mut c_void,
) -> c_int;
type GetLength = unsafe extern "C" fn(
    *mut LIBSSH2_SESSION,
    c_uint,
    *mut u8,
    usize,
    *mut c_uint,
    *mut *mut c_void,
) -> c_int;
type Crypt = unsafe extern "C" fn(
    *mut LIBSSH2_SESSION,
    c_uint,
    *mut u8,
    usize,
    *mut *mut c_void,
    c_int,
) -> c_int;
type End = unsafe extern "C" fn(*mut LIBSSH2_SESSION, *mut *mut c_void) -> c_int;

// SAFETY: the pointers are to constants and functions.
unsafe impl Sync for CryptMethod {}

/// The table libssh2 reads: pointers to methods, then a null. Methods towards the start are preferred.
#[repr(transparent)]
struct Table([*const CryptMethod; 11]);

// SAFETY: the pointers are to statics that are never written.
unsafe impl Sync for Table {}

static TABLE: Table = Table([
    &raw const AES128_GCM,
    &raw const AES256_GCM,
    &raw const CHACHA20_POLY1305,
    &raw const AES128_CTR,
    &raw const AES192_CTR,
    &raw const AES256_CTR,
    &raw const AES128_CBC,
    &raw const AES192_CBC,
    &raw const AES256_CBC,
    ptr::null(),
    ptr::null(),
]);

static AES128_GCM: CryptMethod = gcm(c"aes128-gcm@openssh.com", 16, ossl::EVP_aes_128_gcm);
static AES256_GCM: CryptMethod = gcm(c"aes256-gcm@openssh.com", 32, ossl::EVP_aes_256_gcm);
static CHACHA20_POLY1305: CryptMethod = CryptMethod {
    name: c"chacha20-poly1305@openssh.com".as_ptr(),
    pem_annotation: c"".as_ptr(),
    block_bytes: 8,
    iv_bytes: 0,
    secret_bytes: 64,
    tag_bytes: TAG_BYTES_C,
    flags: REQUIRES_FULL_PACKET,
    init: chacha_init,
    get_length: Some(chacha_length),
    crypt: chacha_crypt,
    end: end::<ChaChaPoly>,
    cipher: ossl::EVP_chacha20,
};
static AES128_CTR: CryptMethod = blocks(c"aes128-ctr", c"", 16, ossl::EVP_aes_128_ctr);
static AES192_CTR: CryptMethod = blocks(c"aes192-ctr", c"", 24, ossl::EVP_aes_192_ctr);
static AES256_CTR: CryptMethod = blocks(c"aes256-ctr", c"", 32, ossl::EVP_aes_256_ctr);
// CBC is here for encrypted key files; it is not offered to servers unless the person asks for it.
static AES128_CBC: CryptMethod = blocks(
    c"aes128-cbc",
    c"DEK-Info: AES-128-CBC",
    16,
    ossl::EVP_aes_128_cbc,
);
static AES192_CBC: CryptMethod = blocks(
    c"aes192-cbc",
    c"DEK-Info: AES-192-CBC",
    24,
    ossl::EVP_aes_192_cbc,
);
static AES256_CBC: CryptMethod = blocks(
    c"aes256-cbc",
    c"DEK-Info: AES-256-CBC",
    32,
    ossl::EVP_aes_256_cbc,
);

const fn gcm(
    name: &'static CStr,
    secret_bytes: c_int,
    cipher: unsafe extern "C" fn() -> *const ossl::EVP_CIPHER,
) -> CryptMethod {
    CryptMethod {
        name: name.as_ptr(),
        pem_annotation: c"".as_ptr(),
        block_bytes: 16,
        iv_bytes: 12,
        secret_bytes,
        tag_bytes: TAG_BYTES_C,
        flags: REQUIRES_FULL_PACKET,
        init: gcm_init,
        get_length: Some(plain_length),
        crypt: gcm_crypt,
        end: end::<Gcm>,
        cipher,
    }
}

const fn blocks(
    name: &'static CStr,
    pem_annotation: &'static CStr,
    secret_bytes: c_int,
    cipher: unsafe extern "C" fn() -> *const ossl::EVP_CIPHER,
) -> CryptMethod {
    CryptMethod {
        name: name.as_ptr(),
        pem_annotation: pem_annotation.as_ptr(),
        block_bytes: 16,
        iv_bytes: 16,
        secret_bytes,
        tag_bytes: 0,
        flags: 0,
        init: blocks_init,
        get_length: None,
        crypt: blocks_crypt,
        end: end::<Context>,
        cipher,
    }
}

/// What libssh2 calls to find its ciphers.
#[unsafe(no_mangle)]
extern "C" fn ssh2_crypt_methods() -> *const *const CryptMethod {
    TABLE.0.as_ptr()
}

/// Ciphers to offer when nobody has chosen: those that authenticate what they encrypt, the one that this processor does in
/// hardware first, then counter mode for old servers.
pub(super) fn default_preference() -> &'static str {
    // The call also makes sure that this file's table is linked before libssh2 is searched for its own.
    let first = ssh2_crypt_methods();
    debug_assert!(!first.is_null());
    if has_aes_instructions() {
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
    } else {
        "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
    }
}

fn has_aes_instructions() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Hands a state to libssh2, which gives it back with every call until [`end`].
///
/// # Safety
/// The three pointers must be valid for writing.
unsafe fn hand_over<T>(
    state: Option<T>,
    free_iv: *mut c_int,
    free_secret: *mut c_int,
    slot: *mut *mut c_void,
) -> c_int {
    let Some(state) = state else { return FAILED };
    // SAFETY: as promised by the caller.
    unsafe {
        *slot = Box::into_raw(Box::new(state)).cast();
        // Both were copied into the contexts: libssh2 is to wipe its own.
        *free_iv = 1;
        *free_secret = 1;
    }
    OK
}

unsafe extern "C" fn end<T>(_session: *mut LIBSSH2_SESSION, slot: *mut *mut c_void) -> c_int {
    // SAFETY: libssh2 passes the slot that `hand_over` filled with a `Box<T>`, or a null.
    unsafe {
        if !slot.is_null() && !(*slot).is_null() {
            drop(Box::from_raw((*slot).cast::<T>()));
            *slot = ptr::null_mut();
        }
    }
    OK
}

unsafe extern "C" fn gcm_init(
    _session: *mut LIBSSH2_SESSION,
    method: *const CryptMethod,
    iv: *mut u8,
    free_iv: *mut c_int,
    secret: *mut u8,
    free_secret: *mut c_int,
    encrypt: c_int,
    key_file: c_int,
    slot: *mut *mut c_void,
) -> c_int {
    // SAFETY: libssh2 passes one of the methods above, with a key and an IV of the lengths it states.
    unsafe {
        let state = Context::new(((*method).cipher)(), secret, iv, encrypt != 0).map(|context| {
            let mut nonce = [0; 12];
            ptr::copy_nonoverlapping(iv, nonce.as_mut_ptr(), nonce.len());
            Gcm {
                context,
                nonce,
                mode: Mode::of(encrypt, key_file),
            }
        });
        hand_over(state, free_iv, free_secret, slot)
    }
}

unsafe extern "C" fn chacha_init(
    _session: *mut LIBSSH2_SESSION,
    method: *const CryptMethod,
    _iv: *mut u8,
    free_iv: *mut c_int,
    secret: *mut u8,
    free_secret: *mut c_int,
    encrypt: c_int,
    key_file: c_int,
    slot: *mut *mut c_void,
) -> c_int {
    let make = || {
        // SAFETY: libssh2 passes the method above with its 64 bytes of key: the packets' half, then the lengths'. ChaCha20
        // is its own inverse, so both contexts encrypt.
        unsafe {
            let cipher = ((*method).cipher)();
            Some(ChaChaPoly {
                packet: Context::new(cipher, secret, ptr::null(), true)?,
                length: Context::new(cipher, secret.add(32), ptr::null(), true)?,
                mac: Poly1305::new()?,
                mode: Mode::of(encrypt, key_file),
            })
        }
    };
    // SAFETY: libssh2's pointers are valid.
    unsafe { hand_over(make(), free_iv, free_secret, slot) }
}

unsafe extern "C" fn blocks_init(
    _session: *mut LIBSSH2_SESSION,
    method: *const CryptMethod,
    iv: *mut u8,
    free_iv: *mut c_int,
    secret: *mut u8,
    free_secret: *mut c_int,
    encrypt: c_int,
    _key_file: c_int,
    slot: *mut *mut c_void,
) -> c_int {
    // SAFETY: as in `gcm_init`.
    unsafe {
        let state = Context::new(((*method).cipher)(), secret, iv, encrypt != 0);
        hand_over(state, free_iv, free_secret, slot)
    }
}

/// RFC 5647: AES-GCM does not encrypt a packet's length.
unsafe extern "C" fn plain_length(
    _session: *mut LIBSSH2_SESSION,
    _sequence: c_uint,
    data: *mut u8,
    data_len: usize,
    length: *mut c_uint,
    _slot: *mut *mut c_void,
) -> c_int {
    if data_len < LENGTH_BYTES {
        return FAILED;
    }
    // SAFETY: there are at least four bytes, and `length` is libssh2's own.
    unsafe { *length = u32::from_be_bytes(*data.cast::<[u8; LENGTH_BYTES]>()) };
    OK
}

unsafe extern "C" fn chacha_length(
    _session: *mut LIBSSH2_SESSION,
    sequence: c_uint,
    data: *mut u8,
    data_len: usize,
    length: *mut c_uint,
    slot: *mut *mut c_void,
) -> c_int {
    if data_len < LENGTH_BYTES {
        return FAILED;
    }
    // SAFETY: there are at least four bytes, `slot` holds what `chacha_init` put there, and `length` is libssh2's own.
    unsafe {
        let mut bytes = *data.cast::<[u8; LENGTH_BYTES]>();
        let state = &mut *(*slot).cast::<ChaChaPoly>();
        let done = state
            .length
            .restart(&chacha_nonce(sequence, 0))
            .and_then(|()| state.length.update(&mut bytes));
        *length = u32::from_be_bytes(bytes);
        outcome(done)
    }
}

unsafe extern "C" fn gcm_crypt(
    _session: *mut LIBSSH2_SESSION,
    _sequence: c_uint,
    data: *mut u8,
    len: usize,
    slot: *mut *mut c_void,
    _first_last: c_int,
) -> c_int {
    // SAFETY: `slot` holds what `gcm_init` put there; `data` is as `whole_packet` wants it.
    unsafe {
        let state = &mut *(*slot).cast::<Gcm>();
        whole_packet(data, len, state.mode, |buffer, start| {
            state.crypt(buffer, start)
        })
    }
}

unsafe extern "C" fn chacha_crypt(
    _session: *mut LIBSSH2_SESSION,
    sequence: c_uint,
    data: *mut u8,
    len: usize,
    slot: *mut *mut c_void,
    _first_last: c_int,
) -> c_int {
    // SAFETY: `slot` holds what `chacha_init` put there; `data` is as `whole_packet` wants it.
    unsafe {
        let state = &mut *(*slot).cast::<ChaChaPoly>();
        whole_packet(data, len, state.mode, |buffer, start| {
            state.crypt(sequence, buffer, start)
        })
    }
}

/// Has `crypt` work on a whole packet, and leaves it where libssh2 looks for it: a received one without its length.
///
/// # Safety
/// `data` must be valid for the extent of a packet of `len` bytes in this mode, which libssh2 guarantees.
unsafe fn whole_packet(
    data: *mut u8,
    len: usize,
    mode: Mode,
    crypt: impl FnOnce(&mut [u8], usize) -> Option<()>,
) -> c_int {
    let Some((extent, start)) = mode.extent(len) else {
        return FAILED;
    };
    // SAFETY: as promised by the caller.
    let buffer = unsafe { std::slice::from_raw_parts_mut(data, extent) };
    let done = crypt(buffer, start);
    if done.is_some() && matches!(mode, Mode::Open) {
        buffer.copy_within(start..start + len, 0);
    }
    outcome(done)
}

unsafe extern "C" fn blocks_crypt(
    _session: *mut LIBSSH2_SESSION,
    _sequence: c_uint,
    data: *mut u8,
    len: usize,
    slot: *mut *mut c_void,
    _first_last: c_int,
) -> c_int {
    // SAFETY: `slot` holds what `blocks_init` put there; `data` is valid for `len` bytes.
    unsafe {
        let state = &mut *(*slot).cast::<Context>();
        outcome(state.update(std::slice::from_raw_parts_mut(data, len)))
    }
}

fn outcome(done: Option<()>) -> c_int {
    if done.is_some() { OK } else { FAILED }
}

#[cfg(test)]
mod tests;
