//! The log on stderr. Secrets have no printed form, so no level of it can show one.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::control::Journal;

/// The environment variable that sets the log's level, in tracing's filter syntax.
const VARIABLE: &str = "ADIT_LOG";

/// What a journal keeps, whatever stderr shows.
const JOURNAL_FILTER: &str = "adit=info";

/// Begins to log to stderr: at the level of `ADIT_LOG` where that is set, else more the more often `-v` was given. Where
/// there is a journal it is written as well.
pub(super) fn start(verbose: u8, journal: Option<Journal>) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_unset_or_broken| {
        EnvFilter::new(match verbose {
            0 => "off",
            1 => "adit=info",
            2 => "adit=debug",
            _ => "adit=trace,kube=debug",
        })
    });
    let stderr = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(filter);
    let journal = journal.map(|journal| {
        fmt::layer()
            .with_writer(journal)
            .with_ansi(false)
            .with_filter(EnvFilter::new(JOURNAL_FILTER))
    });
    // A second start, in the same process, leaves the first one's settings.
    let _already_started = tracing_subscriber::registry()
        .with(stderr)
        .with(journal)
        .try_init();
}
