//! Which keys to offer to a server, and in which order.
//!
//! Those that the person named come first, each preceded by its certificates; the agent's other keys follow. OpenSSH offers
//! the agent's keys before files: with a full agent the right file is then never tried.

use std::path::{Path, PathBuf};

use super::agent::{Agent, AgentKey};
use super::key_blob::{certified_key, type_name};
use super::key_file::{self, KeyFileError, KeyFileFacts};
use super::login_raw::LoginSession;
use crate::model::{FaultCause, HostProfile, KeyProblem};

/// A key to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What it is called when it is spoken of.
    pub(super) name: String,
    /// What the server is shown: the public key or a certificate; none if it is not known before the key is decrypted.
    pub(super) offered: Option<Vec<u8>>,
    /// The certificate's line, where it is from a file.
    pub(super) certificate: Option<String>,
    /// Who signs.
    pub(super) signer: Signer,
}

/// Who signs for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// The agent, with this key.
    Agent(Vec<u8>),
    /// A private key file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it takes a passphrase.
        encrypted: bool,
    },
}

/// What there is to offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    /// In order.
    pub(super) list: Vec<Candidate>,
    /// The first thing that keeps a named key from being offered.
    pub(super) problem: Option<FaultCause>,
}

/// A certificate of `CertificateFile`.
struct Certificate {
    path: PathBuf,
    line: String,
    blob: Vec<u8>,
    key: Vec<u8>,
}

/// Collects the keys for `profile`. `login` only helps to read key files; nothing is sent.
pub(super) fn candidates(
    login: &LoginSession,
    profile: &HostProfile,
    agent: Option<&Agent>,
) -> Candidates {
    let held = agent.map_or(&[][..], Agent::keys);
    let mut collected = Collected {
        held,
        certificates: certificates(&profile.certificates),
        candidates: Candidates::default(),
    };
    for path in &profile.identities {
        collected.add_named(login, path);
    }
    collected.add_certified();
    if !profile.identities_only {
        for key in held {
            collected.add_held(key);
        }
    }
    let mut candidates = collected.candidates;
    if let Some(allowed) = &profile.pubkey_accepted_algorithms {
        candidates
            .list
            .retain(|candidate| is_allowed(candidate, allowed));
    }
    candidates
}

struct Collected<'a> {
    held: &'a [AgentKey],
    certificates: Vec<Certificate>,
    candidates: Candidates,
}

impl Collected<'_> {
    fn add_named(&mut self, login: &LoginSession, path: &Path) {
        match key_file::inspect(path) {
            Ok(facts) => {
                let public = public_of(login, path, &facts);
                let signer = match public.as_ref().and_then(|blob| self.held_key(blob)) {
                    Some(key) => Signer::Agent(key.blob.clone()),
                    None => Signer::File {
                        path: path.to_owned(),
                        encrypted: facts.encrypted,
                    },
                };
                self.add_key(&path.display().to_string(), public, signer);
            }
            Err(error) => {
                // Its private half may be in the agent, as that of a security key is.
                let public = may_be_held(&error)
                    .then(|| key_file::public_half(path))
                    .flatten();
                if let Some(blob) = public.filter(|blob| self.held_key(blob).is_some()) {
                    let signer = Signer::Agent(blob.clone());
                    self.add_key(&path.display().to_string(), Some(blob), signer);
                } else {
                    tracing::warn!(%error, "a key is skipped");
                    self.candidates.problem.get_or_insert(error.cause());
                }
            }
        }
    }

    /// A key with its certificates before it.
    fn add_key(&mut self, name: &str, public: Option<Vec<u8>>, signer: Signer) {
        let from_agent = match signer {
            Signer::Agent(_) => " (in ssh-agent)",
            Signer::File { .. } => "",
        };
        for certificate in &self.certificates {
            if public.as_ref() == Some(&certificate.key) {
                self.candidates.list.push(Candidate {
                    name: format!("{}{from_agent}", certificate.path.display()),
                    offered: Some(certificate.blob.clone()),
                    certificate: Some(certificate.line.clone()),
                    signer: signer.clone(),
                });
            }
        }
        // A certificate that the agent holds for a key that was named counts as named too.
        for held in self.held {
            if public.is_some() && certified_key(&held.blob) == public {
                let candidate = from_the_agent(held);
                self.candidates.list.push(candidate);
            }
        }
        self.candidates.list.push(Candidate {
            name: format!("{name}{from_agent}"),
            offered: public,
            certificate: None,
            signer,
        });
    }

    /// Certificates that were named and whose key is in the agent alone.
    fn add_certified(&mut self) {
        for certificate in &self.certificates {
            let held = |blob: &[u8]| self.held.iter().any(|key| key.blob == *blob);
            let signer = [&certificate.key, &certificate.blob]
                .into_iter()
                .find(|blob| held(blob));
            if let Some(blob) = signer
                && !self.is_listed(&certificate.blob)
            {
                self.candidates.list.push(Candidate {
                    name: format!("{} (in ssh-agent)", certificate.path.display()),
                    offered: Some(certificate.blob.clone()),
                    certificate: Some(certificate.line.clone()),
                    signer: Signer::Agent(blob.clone()),
                });
            }
        }
    }

    fn add_held(&mut self, key: &AgentKey) {
        if !self.is_listed(&key.blob) {
            self.candidates.list.push(from_the_agent(key));
        }
    }

    fn is_listed(&self, blob: &[u8]) -> bool {
        self.candidates
            .list
            .iter()
            .any(|candidate| candidate.offered.as_deref() == Some(blob))
    }

    fn held_key(&self, blob: &[u8]) -> Option<&AgentKey> {
        self.held.iter().find(|key| key.blob == blob)
    }
}

fn from_the_agent(key: &AgentKey) -> Candidate {
    Candidate {
        name: format!("{} from ssh-agent", key.comment),
        offered: Some(key.blob.clone()),
        certificate: None,
        signer: Signer::Agent(key.blob.clone()),
    }
}

/// The public half of a key file, which a PEM file in clear holds for whoever can compute it.
fn public_of(login: &LoginSession, path: &Path, facts: &KeyFileFacts) -> Option<Vec<u8>> {
    if facts.public_blob.is_some() || facts.encrypted {
        return facts.public_blob.clone();
    }
    let private = key_file::read_private(path).ok()?;
    login.public_half(&private, None)
}

/// Whether a file without a usable private key may stand for one in the agent.
fn may_be_held(error: &KeyFileError) -> bool {
    match error {
        KeyFileError::Missing(_) => true,
        KeyFileError::Unusable { problem, .. } => {
            matches!(problem, KeyProblem::PublicKey | KeyProblem::SecurityKey)
        }
        KeyFileError::Unreadable { .. } | KeyFileError::Permissions { .. } => false,
    }
}

fn certificates(paths: &[PathBuf]) -> Vec<Certificate> {
    let read = |path: &PathBuf| {
        let (line, blob) = key_file::public_line(path)?;
        let key = certified_key(&blob)?;
        Some(Certificate {
            path: path.clone(),
            line,
            blob,
            key,
        })
    };
    let mut found = Vec::new();
    for path in paths {
        if let Some(certificate) = read(path) {
            found.push(certificate);
        } else {
            tracing::warn!(path = %path.display(), "it is no certificate and is skipped");
        }
    }
    found
}

/// Whether `PubkeyAcceptedAlgorithms` lets the key be offered: RSA keys have several algorithms, all others one.
fn is_allowed(candidate: &Candidate, allowed: &str) -> bool {
    let Some(blob) = &candidate.offered else {
        return true;
    };
    let kind = type_name(blob);
    let names = match kind.strip_prefix("ssh-rsa") {
        Some(rest) => vec![
            format!("rsa-sha2-512{rest}"),
            format!("rsa-sha2-256{rest}"),
            kind.clone(),
        ],
        None => vec![kind],
    };
    let is_in = allowed
        .split(',')
        .any(|name| names.iter().any(|wanted| wanted == name));
    if !is_in {
        tracing::info!(key = %candidate.name, "PubkeyAcceptedAlgorithms leaves it out");
    }
    is_in
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(kind: &str) -> Vec<u8> {
        let mut blob = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
        blob.extend(kind.as_bytes());
        blob
    }

    #[test]
    fn accepted_algorithms_name_signatures_of_rsa_keys() {
        for (kind, allowed, expected) in [
            ("ssh-ed25519", "rsa-sha2-512,ssh-ed25519", true),
            ("ssh-ed25519", "rsa-sha2-512", false),
            ("ssh-rsa", "rsa-sha2-256", true),
            ("ssh-rsa", "ssh-ed25519", false),
            (
                "ssh-rsa-cert-v01@openssh.com",
                "rsa-sha2-512-cert-v01@openssh.com",
                true,
            ),
            ("ssh-rsa-cert-v01@openssh.com", "rsa-sha2-512", false),
        ] {
            let candidate = Candidate {
                name: String::new(),
                offered: Some(blob(kind)),
                certificate: None,
                signer: Signer::Agent(Vec::new()),
            };
            assert_eq!(
                is_allowed(&candidate, allowed),
                expected,
                "{kind} {allowed}"
            );
        }
    }
}
