//! A kubeconfig that is on the SSH host: found there, read there, and kept in memory only.
//!
//! What stands in such a file comes from another machine. So nothing that it names is looked up on this computer: files are
//! read on the host, and credential plugins are refused, since running one here would let the host run programs on this
//! computer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::config::{AuthInfo, Cluster, Kubeconfig};
use zeroize::Zeroizing;

use crate::model::{
    Fault, FoundKubeconfig, Recovery, find_kubeconfig, found_kubeconfig, read_file,
};

use super::gateway::{Gateway, GatewayError};
use super::kubeconfig::{self, Chosen, KubeconfigError};

/// For one command on the host.
const COMMAND_LIMIT: Duration = Duration::from_secs(15);

/// Why the host's kubeconfig cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    /// The host cannot be reached.
    #[error("{0}")]
    Way(Fault),
    /// The host runs no commands for this account.
    #[error("no kubeconfig can be looked for on {host}: {reason}")]
    NoCommands {
        /// The host.
        host: String,
        /// Why, in words.
        reason: String,
    },
    /// None of the places has one.
    #[error("there is no kubeconfig on {host}")]
    Missing {
        /// The host.
        host: String,
        /// Where it was looked for, if that was one file.
        path: Option<String>,
    },
    /// There is one that only root may read, and the person did not agree to that.
    #[error("the kubeconfig {file} on {host} may not be read by this account")]
    Denied {
        /// The host.
        host: String,
        /// The file.
        file: String,
    },
    /// The person agreed, but sudo did not.
    #[error("the kubeconfig {file} on {host} could not be read by sudo: {said}")]
    Sudo {
        /// The host.
        host: String,
        /// The file.
        file: String,
        /// The last line that sudo wrote.
        said: String,
    },
    /// A file that it names cannot be read.
    #[error("the file {file} on {host}, which the kubeconfig names, cannot be read: {said}")]
    NamedFile {
        /// The host.
        host: String,
        /// The file.
        file: String,
        /// Why.
        said: String,
    },
    /// It wants a program to be run.
    #[error("the kubeconfig {file} on {host} gets its credentials from a program on that host")]
    Plugin {
        /// The host.
        host: String,
        /// The file.
        file: String,
    },
    /// It leads to no cluster.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
}

/// Reads the kubeconfig of one host.
#[derive(Debug)]
pub(super) struct RemoteReader {
    gateway: Arc<dyn Gateway>,
    path: Option<String>,
    /// The person has agreed to sudo.
    as_root: AtomicBool,
}

impl RemoteReader {
    /// Reads `path` on the host, or looks for one there.
    pub(super) fn new(gateway: Arc<dyn Gateway>, path: Option<String>) -> Self {
        Self {
            gateway,
            path,
            as_root: AtomicBool::new(false),
        }
    }

    /// Reads the kubeconfig, and resolves the context. May ask the person.
    pub(super) async fn read(&self, context: Option<&str>) -> Result<Chosen, RemoteError> {
        let (kubeconfig, place) = self.document(context).await?;
        Ok(kubeconfig::choose(kubeconfig, context, &[place])?)
    }

    /// Reads what the context needs of the kubeconfig, with everything that it names, and where it was. May ask the person.
    pub(super) async fn document(
        &self,
        context: Option<&str>,
    ) -> Result<(Kubeconfig, PathBuf), RemoteError> {
        self.gateway.ready().await.map_err(RemoteError::Way)?;
        let (file, text) = self.find().await?;
        let shown = PathBuf::from(format!("{}:{file}", self.gateway.name()));
        let mut kubeconfig = kubeconfig::parse(&text, &shown)?;
        drop(text);
        kubeconfig::keep_context(&mut kubeconfig, context);
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.take_in(&mut kubeconfig, folder, &file).await?;
        Ok((kubeconfig, shown))
    }

    /// The file and its text.
    async fn find(&self) -> Result<(String, Zeroizing<String>), RemoteError> {
        let output = self.run(find_kubeconfig(self.path.as_deref())).await?;
        let denied = match found_kubeconfig(&output.text) {
            FoundKubeconfig::Found { path, text } => {
                return Ok((path.to_owned(), Zeroizing::new(text.to_owned())));
            }
            FoundKubeconfig::Denied { path } => path.to_owned(),
            FoundKubeconfig::Missing if !output.success => {
                return Err(RemoteError::NoCommands {
                    host: self.gateway.name(),
                    reason: said(output.said),
                });
            }
            FoundKubeconfig::Missing => {
                return Err(RemoteError::Missing {
                    host: self.gateway.name(),
                    path: self.path.clone(),
                });
            }
        };
        self.agree(&denied).await?;
        let read = self.run(read_file(&denied, true)).await?;
        match found_kubeconfig(&read.text) {
            FoundKubeconfig::Found { text, .. } if read.success => {
                Ok((denied, Zeroizing::new(text.to_owned())))
            }
            _ => Err(RemoteError::Sudo {
                host: self.gateway.name(),
                file: denied,
                said: said(read.said),
            }),
        }
    }

    /// Asks once whether root may be used.
    async fn agree(&self, file: &str) -> Result<(), RemoteError> {
        if self.as_root.load(Ordering::Relaxed)
            || self.gateway.may_read_as_root(file.to_owned()).await
        {
            self.as_root.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(RemoteError::Denied {
            host: self.gateway.name(),
            file: file.to_owned(),
        })
    }

    /// Puts what is in the files that the kubeconfig names in their place.
    async fn take_in(
        &self,
        kubeconfig: &mut Kubeconfig,
        folder: &str,
        file: &str,
    ) -> Result<(), RemoteError> {
        for named in &mut kubeconfig.clusters {
            if let Some(Cluster {
                certificate_authority: path,
                certificate_authority_data: data,
                ..
            }) = &mut named.cluster
                && let Some(path) = path.take()
                && data.is_none()
            {
                *data = Some(BASE64.encode(self.named(folder, &path).await?.as_bytes()));
            }
        }
        for named in &mut kubeconfig.auth_infos {
            if let Some(user) = &mut named.auth_info {
                self.take_in_user(user, folder, file).await?;
            }
        }
        Ok(())
    }

    async fn take_in_user(
        &self,
        user: &mut AuthInfo,
        folder: &str,
        file: &str,
    ) -> Result<(), RemoteError> {
        if user.exec.is_some() || user.auth_provider.is_some() {
            return Err(RemoteError::Plugin {
                host: self.gateway.name(),
                file: file.to_owned(),
            });
        }
        if let Some(path) = user.client_certificate.take()
            && user.client_certificate_data.is_none()
        {
            let text = self.named(folder, &path).await?;
            user.client_certificate_data = Some(BASE64.encode(text.as_bytes()));
        }
        if let Some(path) = user.client_key.take()
            && user.client_key_data.is_none()
        {
            let text = self.named(folder, &path).await?;
            user.client_key_data = Some(BASE64.encode(text.as_bytes()).into());
        }
        if let Some(path) = user.token_file.take()
            && user.token.is_none()
        {
            let text = self.named(folder, &path).await?;
            user.token = Some(text.trim().to_owned().into());
        }
        Ok(())
    }

    /// A file that the kubeconfig names, relative to its own folder.
    async fn named(&self, folder: &str, path: &str) -> Result<Zeroizing<String>, RemoteError> {
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{folder}/{path}")
        };
        let as_root = self.as_root.load(Ordering::Relaxed);
        let read = self.run(read_file(&path, as_root)).await?;
        match found_kubeconfig(&read.text) {
            FoundKubeconfig::Found { text, .. } if read.success => {
                Ok(Zeroizing::new(text.to_owned()))
            }
            _ => Err(RemoteError::NamedFile {
                host: self.gateway.name(),
                file: path,
                said: said(read.said),
            }),
        }
    }

    async fn run(&self, command: String) -> Result<Printed, RemoteError> {
        let ran = self.gateway.run(command, COMMAND_LIMIT).await;
        let ran = ran.map_err(|error| match error {
            GatewayError::Fault(fault) => RemoteError::Way(fault),
            GatewayError::Command { reason } => RemoteError::NoCommands {
                host: self.gateway.name(),
                reason,
            },
        })?;
        let text = std::str::from_utf8(&ran.stdout).map_err(|_bytes| RemoteError::NoCommands {
            host: self.gateway.name(),
            reason: "what it prints is no text".to_owned(),
        })?;
        Ok(Printed {
            success: ran.success,
            text: Zeroizing::new(text.to_owned()),
            said: ran.said,
        })
    }
}

/// What a command printed.
struct Printed {
    success: bool,
    text: Zeroizing<String>,
    said: String,
}

fn said(line: String) -> String {
    if line.is_empty() {
        "it does not say why".to_owned()
    } else {
        line
    }
}

impl RemoteError {
    /// Whether nothing changes before the person does something.
    pub(super) fn takes_person(&self) -> bool {
        match self {
            Self::Way(fault) => fault.cause.recovery() == Recovery::NeedsPerson,
            Self::NoCommands { .. }
            | Self::Missing { .. }
            | Self::Denied { .. }
            | Self::Sudo { .. }
            | Self::NamedFile { .. }
            | Self::Plugin { .. }
            | Self::Kubeconfig(_) => true,
        }
    }

    /// Whether it may be looked at again without asking anybody.
    pub(super) const fn may_change(&self) -> bool {
        !matches!(self, Self::Denied { .. } | Self::Sudo { .. })
    }
}
