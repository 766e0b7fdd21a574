//! A socket in front of the instance's own, which takes down what passes it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// What the first byte of a frame is where a secret follows; see `src/control/frame.rs`.
const SECRET: u8 = 2;

/// A folder with a control socket whose other end is the instance.
pub(crate) struct Relay {
    folder: TempDir,
    talks: Arc<Mutex<Vec<Arc<Talk>>>>,
}

/// What was said in one connection.
#[derive(Default)]
struct Talk {
    to_it: Mutex<Vec<u8>>,
    from_it: Mutex<Vec<u8>>,
}

/// One frame that a program sent to the instance.
pub(crate) struct Frame {
    pub(crate) is_secret: bool,
    pub(crate) content: Vec<u8>,
}

impl Relay {
    /// Stands before the instance that listens there.
    pub(crate) fn before(socket: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), private).unwrap();
        let listener = UnixListener::bind(folder.path().join("control.sock")).unwrap();
        let talks = Arc::<Mutex<Vec<Arc<Talk>>>>::default();
        let all = Arc::clone(&talks);
        // It ends with the test's process; a connection ends with either side.
        std::thread::spawn(move || {
            for program in listener.incoming().map_while(Result::ok) {
                let instance = UnixStream::connect(&socket).unwrap();
                let talk = Arc::<Talk>::default();
                all.lock().unwrap().push(Arc::clone(&talk));
                let (from, to) = (program.try_clone().unwrap(), instance.try_clone().unwrap());
                let heard = Arc::clone(&talk);
                std::thread::spawn(move || pass(from, to, &heard.to_it));
                std::thread::spawn(move || pass(instance, program, &talk.from_it));
            }
        });
        Self { folder, talks }
    }

    /// The folder in which programs find the socket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that the instance has said so far, connection by connection.
    pub(crate) fn said_by_instance(&self) -> Vec<Vec<u8>> {
        let talks = self.talks.lock().unwrap();
        let said = talks.iter().map(|talk| talk.from_it.lock().unwrap());
        said.map(|bytes| bytes.clone()).collect()
    }

    /// All that programs have said to it.
    pub(crate) fn said_to_instance(&self) -> Vec<Frame> {
        let talks = self.talks.lock().unwrap();
        talks
            .iter()
            .flat_map(|talk| frames(&talk.to_it.lock().unwrap()))
            .collect()
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, heard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    // A side that is gone ends the connection for the other as well.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        heard.lock().unwrap().extend(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _gone = to.shutdown(Shutdown::Write);
}

/// A byte for the kind, four for the length, and the content.
fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(([kind, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let (content, rest) = rest.split_at(length);
        frames.push(Frame {
            is_secret: *kind == SECRET,
            content: content.to_vec(),
        });
        bytes = rest;
    }
    frames
}
