//! Which cluster the arguments mean: a kubeconfig here, or one on the SSH host.

use std::path::PathBuf;

use super::args::ClusterArgs;
use crate::model::{ClusterSource, HostId, Kubeconfig};

/// The cluster that is meant, and a line to say where that is not what was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) source: ClusterSource,
    pub(super) note: Option<String>,
}

impl ClusterArgs {
    /// The cluster that is meant, where `host` is the SSH host that was named.
    ///
    /// # Errors
    /// A sentence, where a host would be needed.
    pub(super) fn meant(&self, host: Option<&HostId>) -> Result<Meant, String> {
        self.meant_where(host, is_kubeconfig_here())
    }

    fn meant_where(&self, host: Option<&HostId>, is_here: bool) -> Result<Meant, String> {
        let needed = |option: &str| {
            let words = || format!("{option} goes through the SSH host: name that with --host");
            host.cloned().ok_or_else(words)
        };
        let mut source = ClusterSource::local(self.kubeconfig.clone(), self.context.clone());
        let mut note = None;
        if let Some(path) = &self.kubeconfig_on_host {
            source.kubeconfig = Kubeconfig::OnHost {
                path: Some(path.clone()).filter(|path| !path.is_empty()),
            };
            source.through = Some(needed("--kubeconfig-on-host")?);
        } else if self.api_through_host {
            source.through = Some(needed("--api-through-host")?);
        } else if let Some(host) = host.filter(|_| self.kubeconfig.is_none() && !is_here) {
            source.kubeconfig = Kubeconfig::OnHost { path: None };
            source.through = Some(host.clone());
            note = Some(format!(
                "there is no kubeconfig on this computer: it is looked for on {host}"
            ));
        }
        Ok(Meant { source, note })
    }
}

/// Whether kubectl would find a kubeconfig on this computer.
pub(super) fn is_kubeconfig_here() -> bool {
    let list = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let mut listed = std::env::split_paths(&list)
        .filter(|path| !path.as_os_str().is_empty())
        .peekable();
    if listed.peek().is_some() {
        return listed.any(|path| path.exists());
    }
    std::env::home_dir().is_some_and(|home: PathBuf| home.join(".kube").join("config").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubeconfig_is_looked_for_on_the_host_only_where_there_is_none_here() {
        let host = HostId::new("node");
        let here = ClusterArgs {
            kubeconfig: Some("k".into()),
            ..ClusterArgs::default()
        };
        let through = ClusterArgs {
            api_through_host: true,
            ..ClusterArgs::default()
        };
        let there = ClusterArgs {
            kubeconfig_on_host: Some("/k".to_owned()),
            ..ClusterArgs::default()
        };
        let on_host = |path: Option<&str>| Kubeconfig::OnHost {
            path: path.map(str::to_owned),
        };
        let none = ClusterArgs::default();
        for (args, is_here, kubeconfig, goes_through) in [
            (&none, true, Kubeconfig::Default, false),
            (&none, false, on_host(None), true),
            (&here, false, Kubeconfig::File("k".into()), false),
            (&through, true, Kubeconfig::Default, true),
            (&there, true, on_host(Some("/k")), true),
        ] {
            let meant = args.meant_where(Some(&host), is_here).unwrap();
            assert_eq!(meant.source.kubeconfig, kubeconfig, "{args:?}");
            assert_eq!(
                meant.source.through,
                goes_through.then(|| host.clone()),
                "{args:?}"
            );
            assert_eq!(meant.note.is_some(), *args == none && !is_here);
        }
        assert_eq!(
            none.meant_where(None, false).unwrap().source,
            ClusterSource::default()
        );
        let error = there.meant_where(None, true).unwrap_err();
        assert!(
            error.contains("--kubeconfig-on-host") && error.contains("--host"),
            "{error}"
        );
    }
}
