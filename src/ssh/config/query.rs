//! What is asked of a configuration, and the world around it that the answer depends on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::error::ConfigError;
use super::value;

/// What `ssh [options] HOST` says on its command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The host, without user and port.
    pub host: String,
    /// The user in front of the host (`USER@HOST`).
    pub user: Option<String>,
    /// The port of `ssh://HOST:PORT`.
    pub port: Option<u16>,
    /// The options, in the order given: the first one wins.
    pub arguments: Vec<Argument>,
    /// The configuration to read.
    pub file: ConfigFile,
}

/// An option of `ssh` that takes part in the configuration. Others have one to match: `-C` is `-o Compression=yes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `-o KEY=VALUE`.
    Option(String),
    /// `-l`.
    User(String),
    /// `-p`, a number or a service's name.
    Port(String),
    /// `-J`.
    Jump(String),
    /// `-i`.
    Identity(String),
    /// `-L`.
    LocalForward(String),
    /// `-D`.
    DynamicForward(String),
}

/// Which files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConfigFile {
    /// The person's own, then the machine's.
    #[default]
    Default,
    /// `-F none`.
    None,
    /// `-F FILE`: this one alone.
    File(PathBuf),
}

impl Query {
    /// A query about `destination`: `[USER@]HOST` or `ssh://[USER@]HOST[:PORT]`.
    ///
    /// # Errors
    /// [`ConfigError::Destination`] if there is no host in it.
    pub fn new(destination: &str) -> Result<Self, ConfigError> {
        let fail = || ConfigError::Destination(crate::model::printable(destination).into_owned());
        let (user, host, port) = match destination.strip_prefix("ssh://") {
            Some(uri) => {
                let place = value::uri(uri).ok_or_else(fail)?;
                (place.user, place.host, place.port)
            }
            None => match destination.rsplit_once('@') {
                Some((user, host)) => (Some(user.to_owned()), host.to_owned(), None),
                None => (None, destination.to_owned(), None),
            },
        };
        let bad = |text: &str| {
            text.is_empty() || text.starts_with('-') || text.contains(char::is_control)
        };
        if bad(&host) || user.as_deref().is_some_and(bad) {
            return Err(fail());
        }
        Ok(Self {
            host,
            user,
            port,
            ..Self::default()
        })
    }

    /// The same with these options.
    #[must_use]
    pub fn with(mut self, arguments: impl IntoIterator<Item = Argument>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// The same with this configuration (`-F`, where `none` means no file).
    #[must_use]
    pub fn from_file(mut self, path: &str) -> Self {
        self.file = if path.eq_ignore_ascii_case("none") {
            ConfigFile::None
        } else {
            ConfigFile::File(path.into())
        };
        self
    }
}

/// The account and the machine that a configuration is resolved on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The local account's name.
    pub user: String,
    /// Its number; none where accounts have none.
    pub uid: Option<u32>,
    /// Its home folder: the one of the account, not `$HOME`, as OpenSSH has it.
    pub home: PathBuf,
    /// This computer's name.
    pub hostname: String,
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The folder of the machine's configuration, `/etc/ssh`.
    pub system_folder: PathBuf,
}

impl Environment {
    /// The person's own configuration folder.
    #[must_use]
    pub fn user_folder(&self) -> PathBuf {
        self.home.join(".ssh")
    }
}

/// What a host name resolved to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The name at the end of its aliases (CNAME), where the resolver tells it.
    pub canonical_name: Option<String>,
}

/// The effects that resolving a configuration can have, so that tests and a dry run may do without them.
pub trait System {
    /// Runs a command of `Match exec` in the person's shell: whether it ended with success.
    ///
    /// # Errors
    /// The reason if it could not be run or was killed.
    fn run(&mut self, command: &str) -> Result<bool, String>;

    /// Looks up a host name, which may end in a dot; none if it does not exist.
    fn lookup(&mut self, name: &str) -> Option<Lookup>;

    /// The addresses of this computer's interfaces (`Match localnetwork`).
    fn local_addresses(&mut self) -> Vec<IpAddr>;

    /// The home folder of another account (`~NAME`).
    fn home_of(&mut self, account: &str) -> Option<PathBuf>;

    /// The TCP port of a service by name (`/etc/services`).
    fn service_port(&mut self, name: &str) -> Option<u16>;
}
