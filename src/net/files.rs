//! How many files and sockets this process may have open: each connection through a tunnel takes one.

use crate::model::Check;
#[cfg(any(unix, test))]
use crate::model::CheckArea;

/// Fewer files than this a process may have open, and a busy page's connections run out of them.
#[cfg(any(unix, test))]
const FEW_FILES: u64 = 512;

/// As many as anybody needs. Programs that Adit starts inherit the limit, and some of them go through all of it.
#[cfg(unix)]
const MANY_FILES: u64 = 65_536;

/// Allows this process as many files as the system lets it have, up to 65,536. Systems give a program few at first (1024, macOS
/// 256) for the sake of old ones that could not count further.
#[cfg(unix)]
pub fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(MANY_FILES, |most| most.min(MANY_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of files stays as it was");
        }
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn allow_many_files() {}

/// How many files and sockets this process may have open.
#[cfg(unix)]
#[must_use]
pub fn files_checkup() -> Option<Check> {
    use rustix::process::{Resource, getrlimit};
    Some(of_limit(getrlimit(Resource::Nofile).current))
}

/// Windows has no such limit.
#[cfg(not(unix))]
#[must_use]
pub fn files_checkup() -> Option<Check> {
    None
}

#[cfg(any(unix, test))]
fn of_limit(files: Option<u64>) -> Check {
    let area = CheckArea::Limit;
    let Some(files) = files else {
        return Check::ok(area, "a process may have any number of files open here");
    };
    let found = format!(
        "a process may have {files} files open here; each connection through a tunnel takes one"
    );
    if files < FEW_FILES {
        Check::warning(area, found, "Raise it before starting Adit: ulimit -n 4096")
    } else {
        Check::ok(area, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckStatus;

    #[test]
    fn few_files_are_a_warning() {
        assert_eq!(of_limit(Some(256)).status, CheckStatus::Warning);
        assert_eq!(of_limit(Some(1024)).status, CheckStatus::Ok);
        assert_eq!(of_limit(None).status, CheckStatus::Ok);
    }
}
