//! A look at this computer, without starting an engine: everything that can be wrong before anything is dialled.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Check, CheckArea, ClusterSource, Intent, printable};
use crate::settings::{Store, config_dir};
use crate::ssh::config::{ConfigFile, Environment, Query};
use crate::vault::{Vault, VaultError, VaultOptions};
use crate::{cluster, net, ssh};

/// How long the keyring may take to say how it stands. Its daemon may have to be started first.
const KEYRING_LIMIT: Duration = Duration::from_secs(30);

/// What to look at, where it is not the usual place.
#[derive(Clone, Debug, Default)]
pub struct CheckupOptions {
    /// The ssh_config to read, as ssh's `-F` names it (`none` for no file at all).
    pub ssh_config: Option<String>,
    /// The kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
}

/// Looks at everything, area by area. Takes no longer than the slowest disk, agent or keyring.
pub async fn checkup(options: CheckupOptions) -> Vec<Check> {
    let files = tokio::task::spawn_blocking(move || on_disk(options));
    let (files, keyring) = tokio::join!(files, keyring());
    let mut checks = match files {
        Ok(checks) => checks,
        Err(error) => resume_unwind(error.into_panic()),
    };
    checks.push(keyring);
    checks
}

fn on_disk(options: CheckupOptions) -> Vec<Check> {
    let file = match &options.ssh_config {
        Some(path) => Query::default().from_file(path).file,
        None => ConfigFile::Default,
    };
    let mut checks = ssh::checkup(&file, &Environment::of_this_computer());
    let source = ClusterSource::local(options.kubeconfig, options.context);
    checks.extend(cluster::checkup(&source));
    checks.extend(ports());
    checks.extend(net::files_checkup());
    checks
}

/// The local ports of the tunnels that are wanted open.
fn ports() -> Vec<Check> {
    let Some(folder) = config_dir() else {
        return Vec::new();
    };
    match Store::peek(&folder) {
        Ok(settings) => {
            let wanted = settings.tunnels.iter();
            let wanted = wanted.filter(|(_, tunnel)| tunnel.intent == Intent::Up);
            wanted
                .filter_map(|(id, tunnel)| net::port_checkup(&id.to_string(), &tunnel.local))
                .collect()
        }
        Err(problem) => vec![
            Check::warning(
                CheckArea::Settings,
                format!("the settings cannot be used: {}", printable(&problem)),
                "When the window starts it sets the file aside and begins with its defaults. Correct it before, to keep what is in it.",
            )
            .at(&folder.display()),
        ],
    }
}

async fn keyring() -> Check {
    let options = VaultOptions {
        call_limit: KEYRING_LIMIT,
        ..VaultOptions::of_environment()
    };
    of_keyring(Vault::start(options).is_locked().await)
}

fn of_keyring(found: Result<bool, VaultError>) -> Check {
    let area = CheckArea::Keyring;
    match found {
        Ok(false) => Check::ok(
            area,
            "the keyring is open: hosts and passphrases can be kept in it",
        ),
        Ok(true) | Err(VaultError::Locked) => Check::warning(
            area,
            "the keyring is locked",
            "It asks for its password when Adit first needs something of it. To unlock it by itself, give it the login password.",
        ),
        Err(VaultError::Absent { reason, remedy }) => Check::warning(
            area,
            format!(
                "there is no keyring, so hosts and passphrases are forgotten when Adit ends: {}",
                printable(&reason)
            ),
            remedy.to_string(),
        ),
        Err(error) => Check::warning(
            area,
            printable(&error.to_string()),
            "Look whether its program runs and answers, for example by opening the desktop's list of passwords.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CheckStatus, Words};

    #[test]
    fn the_keyrings_state_is_told_with_its_remedy() {
        let absent = VaultError::Absent {
            reason: "no bus".to_owned(),
            remedy: Words::quoted("Install one."),
        };
        for (found, status, what) in [
            (Ok(false), CheckStatus::Ok, "open"),
            (Ok(true), CheckStatus::Warning, "locked"),
            (Err(absent), CheckStatus::Warning, "no bus"),
            (
                Err(VaultError::TimedOut {
                    after: KEYRING_LIMIT,
                }),
                CheckStatus::Warning,
                "30 s",
            ),
        ] {
            let check = of_keyring(found);
            assert_eq!(check.status, status, "{check:?}");
            assert!(check.what.contains(what), "{check:?}");
            assert_eq!(check.hint.is_none(), status == CheckStatus::Ok, "{check:?}");
        }
    }
}
