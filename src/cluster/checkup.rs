//! Looking at the kubeconfig on this computer: whether it is there, makes sense, and holds a client certificate that is still good.
//! No server is asked and no credential plugin is run.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::certificate::not_after;
use super::connect_fault::of_kubeconfig;
use super::kubeconfig::{self, Chosen, KubeconfigError, server_of};
#[cfg(unix)]
use crate::model::shell_quoted;
use crate::model::{Check, CheckArea, ClusterSource, Kubeconfig, printable};

const AREA: CheckArea = CheckArea::Kubeconfig;

/// A certificate that ends sooner than this is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

const RENEW: &str = "Fetch the kubeconfig anew. On a kubeadm cluster: sudo kubeadm certs renew admin.conf, then copy \
     /etc/kubernetes/admin.conf.";

/// Looks at the kubeconfig that `source` stands for.
#[must_use]
pub fn checkup(source: &ClusterSource) -> Vec<Check> {
    look(&kubeconfig::paths(source), source, Timestamp::now())
}

fn look(paths: &[PathBuf], source: &ClusterSource, now: Timestamp) -> Vec<Check> {
    let mut checks: Vec<Check> = paths.iter().filter_map(|path| exposed(path)).collect();
    if paths.len() > 1 {
        checks.extend(
            paths
                .iter()
                .filter(|path| !path.exists())
                .map(|path| missing(path)),
        );
    }
    match kubeconfig::read(paths, source.context.as_deref()) {
        Ok(chosen) => checks.extend(of_context(&chosen, paths, now)),
        // Whoever only forwards ports needs none.
        Err(error @ (KubeconfigError::Missing { .. } | KubeconfigError::NoHome))
            if source.kubeconfig == Kubeconfig::Default =>
        {
            let fault = of_kubeconfig(&error);
            checks.push(Check::warning(
                AREA,
                without_stop(&fault.message.to_string()),
                fault.hint.to_string(),
            ));
        }
        Err(error) => {
            let fault = of_kubeconfig(&error);
            let check = Check::problem(
                AREA,
                without_stop(&fault.message.to_string()),
                fault.hint.to_string(),
            );
            checks.push(match place_of(&error, paths) {
                Some(path) => check.at(&path.display()),
                None => check,
            });
        }
    }
    checks
}

fn place_of<'a>(error: &'a KubeconfigError, paths: &'a [PathBuf]) -> Option<&'a Path> {
    match error {
        KubeconfigError::Unreadable { path, .. } | KubeconfigError::Broken { path, .. } => {
            Some(path)
        }
        _ => paths.first().map(PathBuf::as_path),
    }
}

fn of_context(chosen: &Chosen, paths: &[PathBuf], now: Timestamp) -> Vec<Check> {
    let context = printable(&chosen.context).into_owned();
    let server = printable(&server_of(&chosen.config.cluster_url)).into_owned();
    let check = match client_certificate(chosen) {
        Certificate::None => Check::ok(AREA, format!("the context {context} leads to {server}")),
        Certificate::Unreadable => Check::problem(
            AREA,
            format!("the client certificate of the context {context} cannot be read"),
            "Fetch the kubeconfig anew, or correct the user's client-certificate in it.",
        ),
        Certificate::Until(ends) => {
            let day = ends.strftime("%F");
            if ends <= now {
                let what =
                    format!("the client certificate of the context {context} has expired on {day}");
                Check::problem(AREA, what, RENEW)
            } else if ends.duration_since(now) < SOON {
                let what =
                    format!("the client certificate of the context {context} expires on {day}");
                Check::warning(AREA, what, RENEW)
            } else {
                let what = format!(
                    "the context {context} leads to {server}; its client certificate is good until {day}"
                );
                Check::ok(AREA, what)
            }
        }
    };
    let read = paths.iter().filter(|path| path.exists());
    let places: Vec<String> = read.map(|path| path.display().to_string()).collect();
    vec![check.at(&places.join(", "))]
}

/// The client certificate of a context.
enum Certificate {
    /// It has none.
    None,
    /// It has one that makes no sense, or is in a file that cannot be read.
    Unreadable,
    /// It is good until then.
    Until(Timestamp),
}

fn client_certificate(chosen: &Chosen) -> Certificate {
    let user = &chosen.config.auth_info;
    // As with kubectl, what stands there itself comes before a file.
    let pem = match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => STANDARD.decode(data.trim()).ok(),
        (None, Some(file)) => std::fs::read(file).ok(),
        (None, None) => return Certificate::None,
    };
    pem.and_then(|pem| not_after(&pem))
        .map_or(Certificate::Unreadable, Certificate::Until)
}

fn missing(path: &Path) -> Check {
    let shown = path.to_string_lossy();
    let what = format!(
        "KUBECONFIG names {}, which does not exist",
        printable(&shown)
    );
    Check::warning(
        AREA,
        what,
        "It is passed over. Take it out of KUBECONFIG, or copy the file there.",
    )
    .at(&path.display())
}

/// A kubeconfig usually has keys and tokens in it.
#[cfg(unix)]
fn exposed(path: &Path) -> Option<Check> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = path.metadata().ok()?;
    let mode = facts.mode() & 0o7777;
    let is_loose = mode & 0o077 != 0;
    if !is_loose || facts.uid() != nix::unistd::getuid().as_raw() {
        return None;
    }
    let shown = path.to_string_lossy();
    let file = printable(&shown);
    let what = format!(
        "{file} can be read or changed by others (mode {mode:04o}), with the credentials in it"
    );
    let hint = format!("Run: chmod go= {}", shell_quoted(&file));
    Some(Check::warning(AREA, what, hint).at(&path.display()))
}

/// Windows has access lists in place of modes.
#[cfg(not(unix))]
fn exposed(_path: &Path) -> Option<Check> {
    None
}

fn without_stop(message: &str) -> &str {
    message.trim_end_matches('.')
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::CheckStatus;

    fn found(text: &str, mode: u32, context: Option<&str>, now: Timestamp) -> Vec<Check> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let source = ClusterSource::local(Some(path.clone()), context.map(str::to_owned));
        look(&[path], &source, now)
    }

    fn with_user(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: k, cluster: {{server: 'https://10.0.0.100:6443'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
             users: [{{name: u, user: {user}}}]\n"
        )
    }

    #[test]
    fn a_certificate_is_good_then_ends_soon_then_has_expired() {
        let params = {
            let mut params = rcgen::CertificateParams::default();
            params.not_after = rcgen::date_time_ymd(2026, 7, 1);
            params
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let text = with_user(&format!(
            "{{client-certificate-data: {}}}",
            STANDARD.encode(pem)
        ));
        for (now, status, words) in [
            (
                "2026-06-01T00:00:00Z",
                CheckStatus::Ok,
                "good until 2026-07-01",
            ),
            (
                "2026-06-25T00:00:00Z",
                CheckStatus::Warning,
                "expires on 2026-07-01",
            ),
            (
                "2026-07-01T00:00:00Z",
                CheckStatus::Problem,
                "has expired on 2026-07-01",
            ),
        ] {
            let checks = found(&text, 0o600, None, now.parse().unwrap());
            assert_eq!(checks.len(), 1, "{checks:?}");
            assert_eq!(checks[0].status, status, "{checks:?}");
            assert!(checks[0].what.contains(words), "{checks:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_file_is_named() {
        let good = with_user("{token: t}");
        let now = Timestamp::now();
        for (text, mode, context, status, words) in [
            (
                good.as_str(),
                0o600,
                None,
                CheckStatus::Ok,
                "https://10.0.0.100:6443",
            ),
            (&good, 0o644, None, CheckStatus::Warning, "mode 0644"),
            (
                &good,
                0o600,
                Some("x"),
                CheckStatus::Problem,
                "no context 'x'",
            ),
            (
                "clusters: [",
                0o600,
                None,
                CheckStatus::Problem,
                "cannot be understood",
            ),
            (
                &with_user("{client-certificate-data: '!'}"),
                0o600,
                None,
                CheckStatus::Problem,
                "cannot be read",
            ),
        ] {
            let checks = found(text, mode, context, now);
            let first = &checks[0];
            assert_eq!(first.status, status, "{checks:?}");
            assert!(first.what.contains(words), "{checks:?}");
            assert!(first.place.is_some(), "{checks:?}");
        }
    }

    #[test]
    fn none_at_all_is_a_problem_only_where_it_was_named() {
        let paths = [PathBuf::from("/no such/config")];
        let named = ClusterSource::local(Some(paths[0].clone()), None);
        let now = Timestamp::now();
        assert_eq!(look(&paths, &named, now)[0].status, CheckStatus::Problem);
        let default = ClusterSource::local(None, None);
        assert_eq!(look(&paths, &default, now)[0].status, CheckStatus::Warning);
    }
}
