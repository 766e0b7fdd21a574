//! OpenSSL's ciphers and its Poly1305, as far as packets need them: each a context that is freed with its value.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use openssl_sys as ossl;

use super::{TAG_BYTES, TAG_BYTES_C};

/// An OpenSSL cipher context.
pub(super) struct Context(NonNull<ossl::EVP_CIPHER_CTX>);

impl Context {
    /// A context for one direction. `key` and `iv` are as long as the cipher asks for; a null `iv` is set later.
    ///
    /// # Safety
    /// `key` and `iv`, unless null, must be valid for the lengths that `cipher` has.
    pub(super) unsafe fn new(
        cipher: *const ossl::EVP_CIPHER,
        key: *const u8,
        iv: *const u8,
        encrypt: bool,
    ) -> Option<Self> {
        // SAFETY: OpenSSL allocates; a null is told apart. The pointers are the caller's responsibility.
        unsafe {
            let context = Self(NonNull::new(ossl::EVP_CIPHER_CTX_new())?);
            let done = ossl::EVP_CipherInit_ex(
                context.0.as_ptr(),
                cipher,
                ptr::null_mut(),
                key,
                iv,
                c_int::from(encrypt),
            );
            ossl::EVP_CIPHER_CTX_set_padding(context.0.as_ptr(), 0);
            (done == 1).then_some(context)
        }
    }

    /// Starts anew with this nonce and the key it has.
    pub(super) fn restart(&mut self, iv: &[u8]) -> Option<()> {
        // SAFETY: the context is live; nulls keep what was set; the nonce is as long as the cipher's.
        let done = unsafe {
            ossl::EVP_CipherInit_ex(
                self.0.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                iv.as_ptr(),
                -1,
            )
        };
        (done == 1).then_some(())
    }

    /// En- or decrypts in place.
    pub(super) fn update(&mut self, bytes: &mut [u8]) -> Option<()> {
        let pointer = bytes.as_mut_ptr();
        // SAFETY: in-place operation is allowed when input and output are the same; these modes write as much as they read.
        unsafe { self.update_raw(pointer, pointer, bytes.len()) }
    }

    /// Authenticates bytes that are not encrypted.
    pub(super) fn associate(&mut self, bytes: &[u8]) -> Option<()> {
        // SAFETY: a null output means associated data.
        unsafe { self.update_raw(ptr::null_mut(), bytes.as_ptr(), bytes.len()) }
    }

    /// # Safety
    /// `output` is null or valid for `len` bytes, `input` is valid for `len` bytes.
    unsafe fn update_raw(&mut self, output: *mut u8, input: *const u8, len: usize) -> Option<()> {
        let len = c_int::try_from(len).ok()?;
        let mut written = 0;
        // SAFETY: as promised by the caller; the context is live.
        let done = unsafe {
            ossl::EVP_CipherUpdate(self.0.as_ptr(), output, &raw mut written, input, len)
        };
        (done == 1 && written == len).then_some(())
    }

    /// The tag that a packet which is being opened must have.
    pub(super) fn expect_tag(&mut self, tag: &mut [u8; TAG_BYTES]) -> Option<()> {
        self.control(ossl::EVP_CTRL_GCM_SET_TAG, tag)
    }

    /// Writes the tag of a packet that was sealed.
    pub(super) fn write_tag(&mut self, tag: &mut [u8; TAG_BYTES]) -> Option<()> {
        self.control(ossl::EVP_CTRL_GCM_GET_TAG, tag)
    }

    fn control(&mut self, what: c_int, tag: &mut [u8; TAG_BYTES]) -> Option<()> {
        let pointer = tag.as_mut_ptr().cast();
        // SAFETY: the context is live; these controls read or write as many bytes as they are told.
        let done =
            unsafe { ossl::EVP_CIPHER_CTX_ctrl(self.0.as_ptr(), what, TAG_BYTES_C, pointer) };
        (done == 1).then_some(())
    }

    /// Ends a packet. When decrypting, fails unless the tag was right.
    pub(super) fn finish(&mut self) -> Option<()> {
        let mut nothing = [0_u8; TAG_BYTES];
        let mut written = 0;
        // SAFETY: the context is live, and these modes write nothing at the end.
        let done = unsafe {
            ossl::EVP_CipherFinal(self.0.as_ptr(), nothing.as_mut_ptr(), &raw mut written)
        };
        (done == 1).then_some(())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is live and freed once; OpenSSL wipes the key.
        unsafe { ossl::EVP_CIPHER_CTX_free(self.0.as_ptr()) }
    }
}

/// Poly1305, whose key is good for one packet.
pub(super) struct Poly1305(NonNull<ossl::EVP_MAC_CTX>);

impl Poly1305 {
    pub(super) fn new() -> Option<Self> {
        // SAFETY: OpenSSL allocates; nulls are told apart. The context keeps its own reference to the algorithm.
        unsafe {
            let algorithm = NonNull::new(ossl::EVP_MAC_fetch(
                ptr::null_mut(),
                c"POLY1305".as_ptr(),
                ptr::null(),
            ))?;
            let context = ossl::EVP_MAC_CTX_new(algorithm.as_ptr());
            ossl::EVP_MAC_free(algorithm.as_ptr());
            NonNull::new(context).map(Self)
        }
    }

    pub(super) fn tag(&mut self, key: &[u8; 32], text: &[u8]) -> Option<[u8; TAG_BYTES]> {
        let mut tag = [0; TAG_BYTES];
        let mut written = 0;
        let context = self.0.as_ptr();
        // SAFETY: the context is live, the buffers are valid for the lengths given.
        let done = unsafe {
            ossl::EVP_MAC_init(context, key.as_ptr(), key.len(), ptr::null()) == 1
                && ossl::EVP_MAC_update(context, text.as_ptr(), text.len()) == 1
                && ossl::EVP_MAC_final(context, tag.as_mut_ptr(), &raw mut written, tag.len()) == 1
        };
        (done && written == TAG_BYTES).then_some(tag)
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        // SAFETY: the context is live and freed once.
        unsafe { ossl::EVP_MAC_CTX_free(self.0.as_ptr()) }
    }
}

/// Whether two tags are the same, in a time that does not tell where they differ.
pub(super) fn same_tag(one: &[u8; TAG_BYTES], other: &[u8; TAG_BYTES]) -> bool {
    // SAFETY: both are valid for the length given.
    unsafe { ossl::CRYPTO_memcmp(one.as_ptr().cast(), other.as_ptr().cast(), TAG_BYTES) == 0 }
}
