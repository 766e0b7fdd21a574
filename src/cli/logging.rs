//! The log on stderr. Secrets have no printed form, so no level of it can show one.

use tracing_subscriber::EnvFilter;

/// The environment variable that sets the log's level, in tracing's filter syntax.
const VARIABLE: &str = "ADIT_LOG";

/// Begins to log to stderr: at the level of `ADIT_LOG` where that is set, else more the more often `-v` was given.
pub(super) fn start(verbose: u8) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_unset_or_broken| {
        EnvFilter::new(match verbose {
            0 => "off",
            1 => "adit=info",
            2 => "adit=debug",
            _ => "adit=trace,kube=debug",
        })
    });
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second start, in the same process, leaves the first one's settings.
    let _already_started = logger.try_init();
}
