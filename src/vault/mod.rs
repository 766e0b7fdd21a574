//! L1: hosts and secrets in the OS keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.
//!
//! Every record is JSON with a version. One that a newer Adit wrote, or that makes no sense, is said and left alone. Calls to a
//! keyring block, for as long as a person looks at the desktop's prompt; they run on one thread of the vault's own, and
//! whoever asks may stop waiting at any time. It knows nothing of the engine, and keeps nothing anywhere else.

mod book;
mod error;
#[cfg(test)]
mod fuzz_tests;
mod handle;
mod lock;
mod parts;
mod platform;
#[cfg(all(unix, not(target_os = "macos")))]
mod prompt;
mod record;
mod remedy;
mod secret_name;
#[cfg(test)]
mod testing;
mod watch;

pub use book::Contents;
pub use error::VaultError;
pub use handle::{Vault, VaultOptions};
pub use secret_name::SecretName;
pub use watch::{KeyringChange, KeyringWatch};
