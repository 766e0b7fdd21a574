//! Whether hosts and secrets are remembered, and if not, why.

use super::words::Words;

/// Where the OS keyring stands, which keeps hosts and secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VaultStatus {
    /// It is not used in this run: nothing is remembered, by choice.
    #[default]
    Off,
    /// It is being opened. The desktop may be asking for the keyring's password meanwhile.
    Opening,
    /// It is open: what is saved stays saved.
    Ready,
    /// It is locked and was not unlocked, because the person declined or did not answer. Hosts are kept in memory until it is
    /// unlocked, by [`Command::UnlockVault`](super::Command::UnlockVault) or another program.
    Locked,
    /// There is none. Hosts are kept in memory, until one comes or Adit ends.
    Absent {
        /// What was found missing.
        reason: String,
        /// What to do about it on this desktop.
        remedy: Words,
    },
}

impl VaultStatus {
    /// Where it is of use: now, or once it answers.
    pub const USABLE: [Self; 2] = [Self::Opening, Self::Ready];

    /// Whether a secret may be asked of it and given to it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        Self::USABLE.contains(self)
    }

    /// Whether a secret can be remembered now.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Whether it is known by now how it stands.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(self, Self::Opening)
    }

    /// One word for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Opening => "opening",
            Self::Ready => "ready",
            Self::Locked => "locked",
            Self::Absent { .. } => "absent",
        }
    }
}
