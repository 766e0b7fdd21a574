//! The demo's private folder, with what a client needs to reach it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use serde_json::json;

/// The name of the kubeconfig's context.
const CONTEXT: &str = "demo";

/// Who logs in to the SSH host.
pub(super) const SSH_USER: &str = "demo";

/// How to reach a demo world: only files and ports, as for any other cluster.
#[derive(Clone, Debug)]
pub struct DemoAccess {
    /// The private folder with the files below.
    pub folder: PathBuf,
    /// A kubeconfig with one context.
    pub kubeconfig: PathBuf,
    /// The context's name.
    pub context: String,
    /// The API's address.
    pub api_url: String,
    /// The SSH host's address.
    pub ssh_host: String,
    /// The SSH host's port.
    pub ssh_port: u16,
    /// The SSH user.
    pub ssh_user: String,
    /// The user's private key.
    pub identity: PathBuf,
    /// A `known_hosts` file with the host's key.
    pub known_hosts: PathBuf,
}

/// A file or folder that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct FolderError {
    path: PathBuf,
    source: std::io::Error,
}

/// What goes into the files.
pub(super) struct Secrets<'a> {
    /// The TLS authority's certificate.
    pub authority_pem: &'a str,
    /// The API's token.
    pub token: &'a str,
    /// The SSH host's key.
    pub host_key: &'a PrivateKey,
    /// The user's key.
    pub user_key: &'a PrivateKey,
}

/// A folder that is removed with what is in it when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes a new folder, at `wanted` or in the user's runtime folder or the system's temporary one.
    pub(super) fn new(wanted: Option<PathBuf>) -> Result<Self, FolderError> {
        let path = wanted.unwrap_or_else(|| {
            let base = directories::BaseDirs::new()
                .and_then(|dirs| dirs.runtime_dir().map(Path::to_path_buf))
                .filter(|dir| dir.is_dir())
                .unwrap_or_else(std::env::temp_dir);
            let random: String = std::iter::repeat_with(fastrand::alphanumeric)
                .take(12)
                .collect();
            base.join(format!("adit-demo-{random}"))
        });
        // It must be new: in a folder that others may write to, one that exists may be somebody else's.
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(FolderError { path, source }),
        }
    }

    /// Writes the files.
    pub(super) fn fill(
        &self,
        secrets: &Secrets<'_>,
        ssh_port: u16,
        api_port: u16,
    ) -> Result<DemoAccess, FolderError> {
        let api_url = format!("https://127.0.0.1:{api_port}");
        let kubeconfig = kubeconfig(secrets, &api_url);
        let public = public_line(secrets.host_key);
        let key = secrets
            .user_key
            .to_openssh(LineEnding::LF)
            .map_err(|error| self.error("id_ed25519", std::io::Error::other(error)))?;
        Ok(DemoAccess {
            folder: self.0.clone(),
            kubeconfig: self.write("kubeconfig", &kubeconfig)?,
            context: CONTEXT.to_owned(),
            api_url,
            ssh_host: "127.0.0.1".to_owned(),
            ssh_port,
            ssh_user: SSH_USER.to_owned(),
            identity: self.write("id_ed25519", &key)?,
            known_hosts: self
                .write("known_hosts", &format!("[127.0.0.1]:{ssh_port} {public}\n"))?,
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, FolderError> {
        let path = self.0.join(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| self.error(name, source))?;
        Ok(path)
    }

    fn error(&self, name: &str, source: std::io::Error) -> FolderError {
        FolderError {
            path: self.0.join(name),
            source,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the demo's folder could not be removed");
        }
    }
}

/// The kubeconfig that is on the SSH host: it names the API server as the nodes reach it.
pub(super) fn kubeconfig_on_host(secrets: &Secrets<'_>) -> String {
    kubeconfig(secrets, "https://10.0.0.100:6443")
}

/// The kubeconfig, in JSON, which is YAML too.
fn kubeconfig(secrets: &Secrets<'_>, api_url: &str) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {
            "server": api_url, "certificate-authority-data": STANDARD.encode(secrets.authority_pem),
        }}],
        "users": [{"name": CONTEXT, "user": {"token": secrets.token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
    });
    format!("{config:#}\n")
}

/// `ssh-ed25519 AAAA…`.
fn public_line(key: &PrivateKey) -> String {
    use russh::keys::PublicKeyBase64 as _;
    format!("ssh-ed25519 {}", key.public_key_base64())
}
