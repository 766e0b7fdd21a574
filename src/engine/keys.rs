//! Looking at private key files for the person, and mending their permissions. The files are read on threads of their own.

use std::path::{Path, PathBuf};

use super::happening::Happening;
use super::supervisor::Supervisor;
use crate::model::{KeyCheck, Secret};
use crate::ssh::config::Environment;
use crate::ssh::key_file;

/// How many files' verdicts are kept: the newest ones.
const CHECKS_KEPT: usize = 32;

impl Supervisor {
    /// Looks at a key file, and tries a passphrase where there is one.
    pub(super) fn check_key(&self, asked: PathBuf, passphrase: Option<Secret>) {
        self.look(asked, move |file| KeyLook {
            mended: None,
            passphrase,
            file,
        });
    }

    /// Takes everybody else's rights to a key file away, and looks at it again.
    pub(super) fn mend_key(&self, asked: PathBuf) {
        self.look(asked, |file| KeyLook {
            mended: Some(key_file::mend(&file).map_err(|error| error.to_string())),
            passphrase: None,
            file,
        });
    }

    fn look(&self, asked: PathBuf, prepare: impl FnOnce(PathBuf) -> KeyLook + Send + 'static) {
        let happenings = self.happenings.clone();
        tokio::task::spawn_blocking(move || {
            let look = prepare(at_home(&asked));
            let check = KeyCheck {
                verdict: key_file::check(&look.file, look.passphrase.as_ref()),
                asked,
                file: look.file,
                mended: look.mended,
            };
            if happenings
                .blocking_send(Happening::KeyChecked(check))
                .is_err()
            {
                tracing::debug!("a key was looked at after the engine's end");
            }
        });
    }

    /// Keeps what was found, in place of what was found of the same file before.
    pub(super) fn key_checked(&mut self, check: KeyCheck) {
        self.key_checks.retain(|known| known.asked != check.asked);
        if self.key_checks.len() == CHECKS_KEPT {
            self.key_checks.remove(0);
        }
        self.key_checks.push(check);
    }
}

/// A key file that is being looked at.
struct KeyLook {
    file: PathBuf,
    passphrase: Option<Secret>,
    mended: Option<Result<(), String>>,
}

/// The path with a leading `~` replaced by the person's home, as a shell would have done.
pub(super) fn at_home(path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => Environment::of_this_computer().home.join(rest),
        Err(_no_tilde) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{Handle, start};
    use crate::model::{Command, KeyVerdict};

    const LIMIT: Duration = Duration::from_mins(1);

    async fn verdict(handle: &mut Handle, path: &Path) -> KeyCheck {
        let found = async {
            let mut snapshot = handle.snapshot();
            loop {
                let check = snapshot.key_checks.iter().find(|check| check.asked == path);
                if let Some(check) = check {
                    return check.clone();
                }
                snapshot = handle.changed().await.unwrap();
            }
        };
        tokio::time::timeout(LIMIT, found).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_that_is_missing_is_named_by_the_path_that_was_asked() {
        let mut handle = start();
        let path = Path::new("~/no such/key.pem");
        handle.send(Command::CheckKey {
            path: path.to_owned(),
            passphrase: None,
        });
        let check = verdict(&mut handle, path).await;
        assert_eq!(check.verdict, KeyVerdict::Missing);
        assert!(check.file.is_absolute(), "{check:?}");
    }
}
