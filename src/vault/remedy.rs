//! What to do where there is no keyring, on the desktop that this is.

use crate::model::{Words, words};

/// What is told of the surroundings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'a> {
    /// `XDG_CURRENT_DESKTOP`.
    pub(super) desktop: &'a str,
    /// Whether there is a session bus to speak to.
    pub(super) has_bus: bool,
}

/// What to do, in sentences.
pub(super) fn remedy(surroundings: Surroundings<'_>) -> Words {
    if cfg!(target_os = "macos") {
        return words!("Unlock the login keychain in Keychain Access and try again.");
    }
    if cfg!(windows) {
        return words!("Start the service \"Credential Manager\" (VaultSvc) and try again.");
    }
    if !surroundings.has_bus {
        return words!(
            "There is no D-Bus session here: start Adit within a desktop session, or by `dbus-run-session`; without one, keys in \
             ssh-agent need no passphrase to be remembered."
        );
    }
    let desktop = surroundings.desktop.to_ascii_lowercase();
    let is = |names: &[&str]| desktop.split(':').any(|part| names.contains(&part));
    if is(&["kde"]) {
        return words!(
            "Turn on KWallet as Secret Service (System Settings, KDE Wallet, \"Use KWallet for the Secret Service interface\"), or \
             install KeePassXC and turn on its Secret Service integration."
        );
    }
    if is(&["lxqt"]) {
        return words!(
            "Install gnome-keyring or KeePassXC (with its Secret Service integration on) and log in again."
        );
    }
    words!(
        "Install gnome-keyring (Debian and Ubuntu: sudo apt install gnome-keyring) and log in again."
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_desktop_is_told_of_its_own_keyring() {
        for (desktop, has_bus, word) in [
            ("KDE", true, "KWallet"),
            ("ubuntu:GNOME", true, "gnome-keyring"),
            ("XFCE", true, "gnome-keyring"),
            ("LXQt", true, "KeePassXC"),
            ("", true, "gnome-keyring"),
            ("GNOME", false, "dbus-run-session"),
        ] {
            let text = remedy(Surroundings { desktop, has_bus });
            assert!(text.contains(word), "{desktop}: {text}");
        }
    }
}
