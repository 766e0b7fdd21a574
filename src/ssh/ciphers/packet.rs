//! A whole packet sealed or opened at once, in place: AES-GCM and ChaCha20-Poly1305 as SSH has them. Safe code over `evp`.

use std::ffi::c_int;

use super::evp::{Context, Poly1305, same_tag};
use super::{LENGTH_BYTES, TAG_BYTES};

/// How a whole buffer is meant.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// A packet to be sent: its length, the packet, room for the tag. The length given counts the first two.
    Seal,
    /// A packet that was received: its length, the packet, the tag. The length given counts the second alone.
    Open,
    /// A key file: no length in front, the tag behind.
    KeyFile,
}

impl Mode {
    pub(super) fn of(encrypt: c_int, key_file: c_int) -> Self {
        match (encrypt, key_file) {
            (0, 0) => Self::Open,
            (0, _) => Self::KeyFile,
            _ => Self::Seal,
        }
    }

    /// The whole buffer's length, and where the packet begins in it.
    pub(super) fn extent(self, len: usize) -> Option<(usize, usize)> {
        match self {
            Self::Seal if len < LENGTH_BYTES => None,
            Self::Seal => Some((len + TAG_BYTES, LENGTH_BYTES)),
            Self::Open => Some((LENGTH_BYTES + len + TAG_BYTES, LENGTH_BYTES)),
            Self::KeyFile => Some((len + TAG_BYTES, 0)),
        }
    }
}

/// AES-GCM for one direction.
pub(super) struct Gcm {
    pub(super) context: Context,
    /// Four fixed bytes and a counter of eight (RFC 5647, 7.1).
    pub(super) nonce: [u8; 12],
    pub(super) mode: Mode,
}

impl Gcm {
    /// `buffer` as [`Mode::extent`] has it, `start` where the packet begins.
    pub(super) fn crypt(&mut self, buffer: &mut [u8], start: usize) -> Option<()> {
        let (text, tag) = buffer.split_last_chunk_mut()?;
        let (length, packet) = text.split_at_mut(start);
        self.context.restart(&self.nonce)?;
        if !matches!(self.mode, Mode::Seal) {
            self.context.expect_tag(tag)?;
        }
        if !length.is_empty() {
            self.context.associate(length)?;
        }
        self.context.update(packet)?;
        self.context.finish()?;
        if matches!(self.mode, Mode::Seal) {
            self.context.write_tag(tag)?;
        }
        self.count();
        Some(())
    }

    fn count(&mut self) {
        for byte in self.nonce[4..].iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
}

/// ChaCha20-Poly1305 as OpenSSH's PROTOCOL.chacha20poly1305 has it, for one direction.
pub(super) struct ChaChaPoly {
    pub(super) packet: Context,
    pub(super) length: Context,
    pub(super) mac: Poly1305,
    pub(super) mode: Mode,
}

impl ChaChaPoly {
    pub(super) fn crypt(&mut self, sequence: u32, buffer: &mut [u8], start: usize) -> Option<()> {
        let (text, tag) = buffer.split_last_chunk_mut()?;
        let mut key = zeroize::Zeroizing::new([0_u8; 32]);
        self.packet.restart(&chacha_nonce(sequence, 0))?;
        self.packet.update(key.as_mut_slice())?;
        if !matches!(self.mode, Mode::Seal) {
            let expected = self.mac.tag(&key, text)?;
            if !same_tag(&expected, tag) {
                return None;
            }
        }
        if start > 0 {
            self.length.restart(&chacha_nonce(sequence, 0))?;
            self.length.update(&mut text[..start])?;
        }
        self.packet.restart(&chacha_nonce(sequence, 1))?;
        self.packet.update(&mut text[start..])?;
        if matches!(self.mode, Mode::Seal) {
            *tag = self.mac.tag(&key, text)?;
        }
        Some(())
    }
}

/// OpenSSL's nonce for `ChaCha20`: the block counter, little-endian, then the packet's sequence number.
pub(super) fn chacha_nonce(sequence: u32, block: u8) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[0] = block;
    nonce[12..].copy_from_slice(&sequence.to_be_bytes());
    nonce
}
