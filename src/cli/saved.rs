//! Saved hosts where the command line names a host: by their names, or because there is no other.

use std::path::Path;

use super::args::ViaArgs;
use super::failure::{Failure, Usage};
use super::host_query::{ConfigFile, HostOption, HostQuery};
use super::hosts::Hosts;
use super::run::{App, NamedHosts, runtime};
use crate::engine::{HostBook, KnownHost};
use crate::model::{HostId, HostProfile, SavedHost};

/// What of a saved host cannot be said in ssh's words.
pub(super) struct SavedWay {
    /// The name under which it is saved, and its secrets are remembered.
    id: HostId,
    /// The hosts on the way, which may be saved themselves; none where the command line names others.
    jumps: Option<Vec<HostProfile>>,
}

impl SavedWay {
    /// Has the profile be that of the saved host.
    pub(super) fn lead(self, profile: &mut HostProfile) {
        profile.id = self.id;
        if let Some(jumps) = self.jumps {
            profile.jumps = jumps;
        }
    }
}

impl App {
    /// The hosts that were named, or the saved one where it is the only one that can be meant.
    pub(super) async fn named_or_saved(&mut self, via: &ViaArgs) -> anyhow::Result<NamedHosts> {
        let hosts = self.named_hosts(via).await?;
        if hosts.profiles.is_empty() {
            return self.only_saved_host().await;
        }
        Ok(hosts)
    }

    /// The saved host with a cluster, or the saved host, where there is exactly one; that is said. Else none.
    pub(super) async fn only_saved_host(&mut self) -> anyhow::Result<NamedHosts> {
        let mut hosts = Hosts {
            book: HostBook::of_environment(),
            console: &mut self.console,
        };
        let saved = in_a_keyring(hosts.all().await)?.unwrap_or_default();
        let Some(id) = only(&saved).map(|host| host.id.clone()) else {
            return Ok(NamedHosts::default());
        };
        let Some(known) = hosts.known(id.as_str()).await? else {
            return Ok(NamedHosts::default());
        };
        self.console.say(&format!(
            "going through {id}, as no other saved host can be meant (--host names another)"
        ));
        Ok(NamedHosts {
            cluster: known.saved.cluster,
            profiles: vec![known.profile],
        })
    }

    /// What a saved host of this name says fills in what the command line does not, before ssh_config fills in the rest.
    pub(super) fn fill_in_saved(
        &mut self,
        query: &mut HostQuery,
    ) -> anyhow::Result<Option<SavedWay>> {
        if query.config != ConfigFile::Default || SavedHost::check_name(&query.host).is_err() {
            return Ok(None);
        }
        let name = query.host.clone();
        let Some(known) = runtime()?.block_on(self.saved_host(&name))? else {
            return Ok(None);
        };
        let own_way = query.options.iter().any(names_a_way);
        query.fill_in(&known.saved, own_way)?;
        Ok(Some(SavedWay {
            id: known.saved.id,
            jumps: (!own_way).then_some(known.profile.jumps),
        }))
    }

    /// The hosts of `--host` and `--fallback-host`, where they were named: saved ones of these names, else as `ssh` would have
    /// them.
    pub(super) async fn named_hosts(&mut self, via: &ViaArgs) -> anyhow::Result<NamedHosts> {
        let first = HostQuery::of_via(via).map_err(Usage)?;
        let others = HostQuery::of_fallbacks(via).map_err(Usage)?;
        let mut named = NamedHosts::default();
        for (index, query) in first.into_iter().chain(others).enumerate() {
            if let Some(known) = self.saved_of(&query, via).await? {
                named.cluster = named.cluster.or(known.saved.cluster);
                named.profiles.push(known.profile);
                continue;
            }
            let mut resolved = (self.wiring.host_profile)(&query)?;
            for note in &resolved.notes {
                self.console.say(note);
            }
            // Several ports of one address are several hosts.
            if index > 0 {
                resolved.profile.id = HostId::new(&resolved.profile.login());
            }
            named.profiles.push(resolved.profile);
        }
        Ok(named)
    }

    /// The saved host that is meant, where only a name was given.
    async fn saved_of(
        &mut self,
        query: &HostQuery,
        via: &ViaArgs,
    ) -> anyhow::Result<Option<KnownHost>> {
        let is_name = |option: &HostOption| matches!(option, HostOption::Identity(_));
        if !query.options.iter().all(is_name) || SavedHost::check_name(&query.host).is_err() {
            return Ok(None);
        }
        let mut known = self.saved_host(&query.host).await?;
        if let (Some(known), Some(identity)) = (&mut known, &via.identity) {
            known.profile.identities.insert(0, identity.clone());
        }
        Ok(known)
    }

    /// The saved host of this name. Where there is no keyring nothing is saved.
    pub(super) async fn saved_host(&mut self, name: &str) -> anyhow::Result<Option<KnownHost>> {
        let mut hosts = Hosts {
            book: HostBook::of_environment(),
            console: &mut self.console,
        };
        Ok(in_a_keyring(hosts.known(name).await)?.flatten())
    }
}

/// What was found in the keyring; none where there is no keyring, and so nothing saved.
fn in_a_keyring<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.code == "keyring-absent" => {
            tracing::debug!(%failure, "no host is saved");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// The one that has a cluster, or the one that there is.
fn only(saved: &[SavedHost]) -> Option<&SavedHost> {
    let mut with_cluster = saved.iter().filter(|host| host.cluster.is_some());
    match (with_cluster.next(), with_cluster.next(), saved) {
        (Some(host), None, _) | (None, None, [host]) => Some(host),
        _ => None,
    }
}

/// Whether an option says by which hosts the way leads.
fn names_a_way(option: &HostOption) -> bool {
    match option {
        HostOption::Jump(_) => true,
        HostOption::Option(text) => {
            let text = text.to_ascii_lowercase();
            text.starts_with("proxyjump") || text.starts_with("proxycommand")
        }
        _ => false,
    }
}

impl HostQuery {
    /// Takes over what was saved of the host, after what was said about it: what comes first wins.
    fn fill_in(&mut self, saved: &SavedHost, own_way: bool) -> Result<(), Usage> {
        self.host.clone_from(&saved.address);
        self.push(HostOption::User, saved.user.clone());
        self.push(HostOption::Port, saved.port);
        for identity in &saved.identities {
            let text = identity.to_string_lossy().replace('%', "%%");
            self.add_identity(Path::new(&text)).map_err(Usage)?;
        }
        if !own_way && !saved.jumps.is_empty() {
            // The hosts on the way may be saved themselves, which ssh_config does not know.
            self.push(HostOption::Jump, Some("none".to_owned()));
        }
        let options = saved.options.iter().cloned();
        self.options.extend(options.map(HostOption::Option));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClusterSource;

    #[test]
    fn one_host_alone_can_be_meant() {
        let plain = SavedHost::new;
        let with_cluster = |name: &str| SavedHost {
            cluster: Some(ClusterSource::default()),
            ..SavedHost::new(name, "h")
        };
        for (saved, expected) in [
            (vec![], None),
            (vec![plain("a", "h")], Some("a")),
            (vec![plain("a", "h"), plain("b", "h")], None),
            (vec![plain("a", "h"), with_cluster("b")], Some("b")),
            (vec![with_cluster("a"), with_cluster("b")], None),
        ] {
            let found = only(&saved).map(|host| host.id.as_str());
            assert_eq!(found, expected, "{saved:?}");
        }
    }

    #[test]
    fn what_is_typed_comes_before_what_is_saved() {
        let mut query = HostQuery::new("node");
        query.push(HostOption::Port, Some(2222));
        let saved = SavedHost {
            user: Some("ubuntu".to_owned()),
            port: Some(22),
            jumps: vec!["gate".to_owned()],
            options: vec!["Compression=yes".to_owned()],
            ..SavedHost::new("node", "10.0.0.7")
        };
        query.fill_in(&saved, false).unwrap();
        assert_eq!(query.host, "10.0.0.7");
        let expected = [
            HostOption::Port(2222),
            HostOption::User("ubuntu".to_owned()),
            HostOption::Port(22),
            HostOption::Jump("none".to_owned()),
            HostOption::Option("Compression=yes".to_owned()),
        ];
        assert_eq!(query.options, expected);
        assert!(names_a_way(&HostOption::Option(
            "ProxyJump=gate".to_owned()
        )));
    }
}
