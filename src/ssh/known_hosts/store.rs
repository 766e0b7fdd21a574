//! Adding a host to a known_hosts file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::line::{HASH_BYTES, hash};
use super::{KnownHostsError, lookup_name};
use crate::ssh::key_blob::{key_type, type_name};

pub(super) fn add(
    path: &Path,
    host: &str,
    port: u16,
    key_blob: &[u8],
    hashed: bool,
) -> Result<(), KnownHostsError> {
    if !is_plain_name(host) {
        return Err(KnownHostsError::HostName(host.to_owned()));
    }
    let kind = key_type(key_blob).ok_or_else(|| KnownHostsError::Key(type_name(key_blob)))?;
    let write = |source| KnownHostsError::Write {
        path: path.to_owned(),
        source,
    };
    let mut name = lookup_name(host, port);
    if hashed {
        name = hashed_name(&name).map_err(write)?;
    }
    let line = format!("{name} {kind} {}\n", STANDARD.encode(key_blob));
    append(path, &line).map_err(write)
}

/// What OpenSSH writes into known_hosts, less what would be read back as several names or as the end of the name.
fn is_plain_name(host: &str) -> bool {
    let special = |c: char| c.is_control() || c.is_whitespace() || "@?*#[]|'\"\\,!".contains(c);
    !host.is_empty() && !host.contains(special)
}

fn hashed_name(name: &str) -> io::Result<String> {
    let mut salt = [0; HASH_BYTES];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    let digest = hash(&salt, name);
    Ok(format!(
        "|1|{}|{}",
        STANDARD.encode(salt),
        STANDARD.encode(digest)
    ))
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        make_private_folder(folder)?;
    }
    let mut file = open_private(path)?;
    // Whoever edited the file by hand may have left its last line open. If another process ends it in the same moment, the
    // result is an empty line, which is harmless.
    let text = if ends_open(&mut file)? {
        format!("\n{line}")
    } else {
        line.to_owned()
    };
    // One write of a file opened for appending: the system keeps those of two processes apart.
    file.write_all(text.as_bytes())
}

/// Whether the file's last byte is something other than a line feed. Only a regular file has a last byte to look at.
fn ends_open(file: &mut File) -> io::Result<bool> {
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0] != b'\n')
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
