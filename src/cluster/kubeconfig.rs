//! Kubeconfig intake: which files, what is in them, and the one context that was asked for.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kube::config::{Context, KubeConfigOptions, Kubeconfig, KubeconfigError as KubeError};

use crate::model::{self, ClusterSource, Namespace};

/// Why no cluster can be made out of the kubeconfig.
#[derive(Debug, thiserror::Error)]
pub(super) enum KubeconfigError {
    /// Nothing says where a kubeconfig could be.
    #[error("there is no home folder to look for a kubeconfig in")]
    NoHome,
    /// None of the files exists.
    #[error("there is no kubeconfig at {}", list_paths(paths))]
    Missing {
        /// Where it was looked for.
        paths: Vec<PathBuf>,
    },
    /// A file is there and cannot be read.
    #[error("the kubeconfig {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is no kubeconfig.
    #[error("the kubeconfig {} cannot be understood", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where the reader stopped, if it says so.
        line: Option<u64>,
        /// What it stumbled over.
        source: Box<KubeError>,
    },
    /// No context was asked for and none is marked as current.
    #[error("the kubeconfig {} has no current-context", list_paths(paths))]
    NoCurrentContext {
        /// The files that were read.
        paths: Vec<PathBuf>,
        /// The contexts there are.
        contexts: Vec<String>,
    },
    /// The context is not among those there are.
    #[error(
        "there is no context '{context}' in the kubeconfig {}",
        list_paths(paths)
    )]
    UnknownContext {
        /// The context that was asked for.
        context: String,
        /// The files that were read.
        paths: Vec<PathBuf>,
        /// The contexts there are.
        contexts: Vec<String>,
    },
    /// The context names a cluster or user that is not there.
    #[error(
        "the context '{context}' names the {kind} '{name}', which is not in the kubeconfig {}",
        list_paths(paths)
    )]
    Dangling {
        /// The context.
        context: String,
        /// `cluster` or `user`.
        kind: &'static str,
        /// The name that leads nowhere.
        name: String,
        /// The files that were read.
        paths: Vec<PathBuf>,
    },
    /// The cluster's entry cannot be used: no server, a bad URL, a certificate or key that cannot be read.
    #[error("the context '{context}' cannot be used")]
    Unusable {
        /// The context.
        context: String,
        /// What is wrong with it.
        source: Box<KubeError>,
    },
    /// The server is not a URL of the form that is needed.
    #[error("the server '{server}' of the context '{context}' is not an http:// or https:// URL")]
    Server {
        /// The context.
        context: String,
        /// What stands there, without credentials.
        server: String,
    },
}

/// The one context that is used, resolved.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) context: String,
    /// The namespace of the context; `default` where it names none.
    pub(super) namespace: Namespace,
    /// `proxy-url` of the cluster. (kube's own `proxy_url` also holds `HTTPS_PROXY`, without regard for `NO_PROXY`.)
    pub(super) proxy: Option<String>,
    pub(super) config: kube::Config,
}

/// The files that `source` stands for, in kubectl's order: the one that was named, else those of `KUBECONFIG`, else
/// `~/.kube/config`.
pub(super) fn paths(source: &ClusterSource) -> Vec<PathBuf> {
    let list = std::env::var_os("KUBECONFIG");
    paths_from(source, list.as_deref(), std::env::home_dir())
}

fn paths_from(source: &ClusterSource, list: Option<&OsStr>, home: Option<PathBuf>) -> Vec<PathBuf> {
    match &source.kubeconfig {
        model::Kubeconfig::File(path) => return vec![path.clone()],
        // It is read there, not here.
        model::Kubeconfig::OnHost { .. } => return Vec::new(),
        model::Kubeconfig::Default => {}
    }
    let listed: Vec<PathBuf> = list
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if listed.is_empty() {
        home.map(|home| home.join(".kube").join("config"))
            .into_iter()
            .collect()
    } else {
        listed
    }
}

/// What tells whether the files have changed: their times and lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(Vec<Option<(SystemTime, u64)>>);

impl Fingerprint {
    /// The files as they are now. Looks at no content.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let look = |path: &PathBuf| {
            let metadata = path.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Self(paths.iter().map(look).collect())
    }
}

/// Reads and merges the files and resolves the context. Blocks on the file system.
pub(super) fn read(paths: &[PathBuf], context: Option<&str>) -> Result<Chosen, KubeconfigError> {
    choose(read_all(paths)?, context, paths)
}

/// Whether `source` names a kubeconfig on this computer that a cluster can be made of. Blocks on the file system; asks no server and
/// runs no credential plugin.
#[must_use]
pub fn makes_sense(source: &ClusterSource) -> bool {
    read(&paths(source), source.context.as_deref()).is_ok()
}

/// Reads and merges the files.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Kubeconfig, KubeconfigError> {
    if paths.is_empty() {
        return Err(KubeconfigError::NoHome);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        // kubectl passes over files of a KUBECONFIG list that do not exist.
        let Some(next) = read_one(path)? else {
            continue;
        };
        merged = Some(match merged {
            None => next,
            Some(so_far) => so_far.merge(next).map_err(|source| broken(path, source))?,
        });
    }
    merged.ok_or_else(|| KubeconfigError::Missing {
        paths: paths.to_vec(),
    })
}

fn read_one(path: &Path) -> Result<Option<Kubeconfig>, KubeconfigError> {
    match Kubeconfig::read_from(path) {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeError::ReadConfig(source, _)) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(KubeError::ReadConfig(source, _)) => Err(KubeconfigError::Unreadable {
            path: path.to_owned(),
            source,
        }),
        Err(source) => Err(broken(path, source)),
    }
}

/// Parses the text of a kubeconfig that was read from `place`. Nothing in it is looked up.
pub(super) fn parse(text: &str, place: &Path) -> Result<Kubeconfig, KubeconfigError> {
    Kubeconfig::from_yaml(text).map_err(|source| broken(place, source))
}

/// Drops the clusters and users that the context does not use: all, where there is no such context.
pub(super) fn keep_context(kubeconfig: &mut Kubeconfig, context: Option<&str>) {
    let wanted = context.or(kubeconfig.current_context.as_deref());
    let entry = kubeconfig
        .contexts
        .iter()
        .find(|named| Some(named.name.as_str()) == wanted)
        .and_then(|named| named.context.as_ref());
    let cluster = entry.map(|entry| entry.cluster.as_str());
    let user = entry.and_then(|entry| entry.user.as_deref());
    kubeconfig
        .clusters
        .retain(|named| Some(named.name.as_str()) == cluster);
    kubeconfig
        .auth_infos
        .retain(|named| Some(named.name.as_str()) == user);
}

fn broken(path: &Path, source: KubeError) -> KubeconfigError {
    let line = match &source {
        KubeError::Parse(error) => error.location().map(|location| location.line()),
        _ => None,
    };
    KubeconfigError::Broken {
        path: path.to_owned(),
        line: line.filter(|line| *line > 0),
        source: Box::new(source),
    }
}

/// Resolves the context within a kubeconfig, wherever that came from.
pub(super) fn choose(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
    paths: &[PathBuf],
) -> Result<Chosen, KubeconfigError> {
    let contexts = || {
        kubeconfig
            .contexts
            .iter()
            .map(|named| named.name.clone())
            .collect()
    };
    let wanted = context
        .or(kubeconfig.current_context.as_deref())
        .unwrap_or_default()
        .to_owned();
    if wanted.is_empty() {
        return Err(KubeconfigError::NoCurrentContext {
            paths: paths.to_vec(),
            contexts: contexts(),
        });
    }
    let entry = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == wanted);
    let Some(entry) = entry.and_then(|named| named.context.clone()) else {
        return Err(KubeconfigError::UnknownContext {
            context: wanted,
            paths: paths.to_vec(),
            contexts: contexts(),
        });
    };
    let proxy = check_references(&kubeconfig, &wanted, &entry, paths)?;
    let options = KubeConfigOptions {
        context: Some(wanted.clone()),
        ..KubeConfigOptions::default()
    };
    let config = config(kubeconfig, &options).map_err(|source| KubeconfigError::Unusable {
        context: wanted.clone(),
        source: Box::new(source),
    })?;
    check_server(&wanted, &config)?;
    Ok(Chosen {
        context: wanted,
        namespace: Namespace::new(&config.default_namespace),
        proxy,
        config,
    })
}

/// kube's function is `async` and never waits; its future is ready at the first poll.
fn config(kubeconfig: Kubeconfig, options: &KubeConfigOptions) -> Result<kube::Config, KubeError> {
    futures::executor::block_on(kube::Config::from_custom_kubeconfig(kubeconfig, options))
}

/// That cluster and user of the context exist (kube takes a missing user for an anonymous one); returns the proxy.
fn check_references(
    kubeconfig: &Kubeconfig,
    context: &str,
    entry: &Context,
    paths: &[PathBuf],
) -> Result<Option<String>, KubeconfigError> {
    let dangling = |kind, name: &str| KubeconfigError::Dangling {
        context: context.to_owned(),
        kind,
        name: name.to_owned(),
        paths: paths.to_vec(),
    };
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == entry.cluster)
        .and_then(|named| named.cluster.as_ref())
        .ok_or_else(|| dangling("cluster", &entry.cluster))?;
    if let Some(user) = entry.user.as_deref().filter(|user| !user.is_empty())
        && !kubeconfig.auth_infos.iter().any(|named| named.name == user)
    {
        return Err(dangling("user", user));
    }
    Ok(cluster.proxy_url.clone().filter(|url| !url.is_empty()))
}

fn check_server(context: &str, config: &kube::Config) -> Result<(), KubeconfigError> {
    let url = &config.cluster_url;
    if matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some() {
        return Ok(());
    }
    Err(KubeconfigError::Server {
        context: context.to_owned(),
        server: server_of(url),
    })
}

/// The URL as it may be shown: without credentials.
pub(super) fn server_of(url: &http::Uri) -> String {
    let scheme = url
        .scheme_str()
        .map(|scheme| format!("{scheme}://"))
        .unwrap_or_default();
    let authority = url.authority().map_or("", http::uri::Authority::as_str);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = url.path().trim_end_matches('/');
    format!("{scheme}{host}{path}")
}

fn list_paths(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;
