//! libssh2's own calls, made here: that the table is in use, and that packets come through and forged ones do not.

use super::*;

/// The table above is the one libssh2 uses: its own begins with another cipher.
#[test]
fn libssh2_uses_this_table() {
    assert!(default_preference().contains("gcm"));
    let session = ssh2::Session::new().unwrap();
    let offered = session.supported_algs(ssh2::MethodType::CryptCs).unwrap();
    assert_eq!(offered.len(), 9, "{offered:?}");
    assert_eq!(
        offered[..3],
        [
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com"
        ]
    );
}

/// A state on both sides of a line, made as libssh2 makes them.
struct Line {
    method: &'static CryptMethod,
    seal: *mut c_void,
    open: *mut c_void,
}

impl Line {
    fn new(method: &'static CryptMethod) -> Self {
        let make = |encrypt| {
            let (mut secret, mut iv) = ([7_u8; 64], [9_u8; 16]);
            let (mut free_iv, mut free_secret, mut slot) = (0, 0, ptr::null_mut());
            // SAFETY: the buffers are at least as long as any method's key and IV.
            let result = unsafe {
                (method.init)(
                    ptr::null_mut(),
                    method,
                    iv.as_mut_ptr(),
                    &raw mut free_iv,
                    secret.as_mut_ptr(),
                    &raw mut free_secret,
                    encrypt,
                    0,
                    &raw mut slot,
                )
            };
            assert_eq!((result, free_iv, free_secret), (OK, 1, 1));
            slot
        };
        Self {
            method,
            seal: make(1),
            open: make(0),
        }
    }

    fn seal(&mut self, sequence: u32, packet: &[u8]) -> Vec<u8> {
        let mut buffer = u32::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
        buffer.extend_from_slice(packet);
        let len = buffer.len();
        buffer.resize(len + TAG_BYTES, 0);
        // SAFETY: the buffer has room for the tag.
        let done = unsafe {
            (self.method.crypt)(
                ptr::null_mut(),
                sequence,
                buffer.as_mut_ptr(),
                len,
                &raw mut self.seal,
                0,
            )
        };
        assert_eq!(done, OK);
        buffer
    }

    fn open(&mut self, sequence: u32, mut buffer: Vec<u8>) -> Option<Vec<u8>> {
        let mut length = 0;
        // SAFETY: the buffer holds a length, a packet of that length and a tag.
        unsafe {
            let get_length = self.method.get_length.unwrap();
            let found = get_length(
                ptr::null_mut(),
                sequence,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut length,
                &raw mut self.open,
            );
            assert_eq!(found, OK);
            let len = usize::try_from(length).unwrap();
            if LENGTH_BYTES + len + TAG_BYTES != buffer.len() {
                return None;
            }
            let done = (self.method.crypt)(
                ptr::null_mut(),
                sequence,
                buffer.as_mut_ptr(),
                len,
                &raw mut self.open,
                0,
            );
            (done == OK).then(|| buffer[..len].to_vec())
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for slot in [&mut self.seal, &mut self.open] {
            // SAFETY: each slot holds what `init` put there.
            assert_eq!(unsafe { (self.method.end)(ptr::null_mut(), slot) }, OK);
            assert!(slot.is_null());
        }
    }
}

#[test]
fn packets_come_through_and_forged_ones_do_not() {
    for method in [&AES128_GCM, &AES256_GCM, &CHACHA20_POLY1305] {
        let mut line = Line::new(method);
        for sequence in 0..300 {
            let packet =
                vec![u8::try_from(sequence % 251).unwrap(); 16 * (1 + sequence as usize % 40)];
            let sealed = line.seal(sequence, &packet);
            assert_eq!(
                line.open(sequence, sealed).as_deref(),
                Some(&packet[..]),
                "packet {sequence}"
            );
        }
        let mut forged = line.seal(300, &[1; 64]);
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert_eq!(line.open(300, forged), None);
    }
}
