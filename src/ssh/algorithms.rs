//! Which algorithms to offer: what the person chose, as far as libssh2 knows it.
//!
//! ssh_config's lists are of OpenSSH's names, some of which libssh2 lacks; OpenSSH itself refuses only names that it does
//! not know. So what is unknown here is left out, and only a list of which nothing is left is an error.

use ssh2::MethodType;

use super::ciphers::default_preference;
use super::key_blob::HostKeyAlgorithm;
use super::wire::Offer;
use crate::model::{FaultCause, HostProfile, printable, words};

/// What this side offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offered(Offer);

/// Sets what is offered. Host key types come in the order given, which begins with those that known_hosts holds, so that the
/// host shows a key that can be compared; certificates are never among them, since libssh2 cannot verify one.
pub(super) fn choose(
    session: &ssh2::Session,
    profile: &HostProfile,
    host_keys: &[HostKeyAlgorithm],
) -> Result<Offered, FaultCause> {
    let host_keys: Vec<&str> = host_keys.iter().map(|kind| kind.name()).collect();
    let host_keys = host_keys.join(",");
    let setter = Setter { session };
    let ciphers = profile.ciphers.as_deref();
    let ciphers = Some(ciphers.unwrap_or_else(|| default_preference()));
    let cipher_kinds = [MethodType::CryptCs, MethodType::CryptSc];
    Ok(Offered(Offer {
        kex: setter.set(
            &[MethodType::Kex],
            "KexAlgorithms",
            profile.kex_algorithms.as_deref(),
        )?,
        host_keys: setter.set(
            &[MethodType::HostKey],
            "HostKeyAlgorithms",
            Some(&host_keys),
        )?,
        ciphers: setter.set(&cipher_kinds, "Ciphers", ciphers)?,
        macs: setter.set(
            &[MethodType::MacCs, MethodType::MacSc],
            "MACs",
            profile.macs.as_deref(),
        )?,
    }))
}

struct Setter<'a> {
    session: &'a ssh2::Session,
}

impl Setter<'_> {
    /// Offers of `list` what is supported, or everything where there is no list. Returns what is offered.
    fn set(
        &self,
        kinds: &[MethodType],
        keyword: &str,
        list: Option<&str>,
    ) -> Result<Vec<String>, FaultCause> {
        let mut offered = Vec::new();
        for kind in kinds {
            let supported = self.session.supported_algs(*kind).unwrap_or_default();
            let Some(list) = list else {
                offered = supported.iter().map(ToString::to_string).collect();
                continue;
            };
            let chosen = supported_of(list, &supported);
            let names = chosen.join(",");
            if names.is_empty() || self.session.method_pref(*kind, &names).is_err() {
                return Err(FaultCause::Config {
                    reason: words!(
                        "{keyword} has nothing that Adit supports (it is: {list}); Adit has: {ours}",
                        keyword = keyword,
                        list = printable(list),
                        ours = supported.join(",")
                    ),
                });
            }
            offered = chosen.into_iter().map(str::to_owned).collect();
        }
        Ok(offered)
    }
}

/// What of `list` is supported, in its order.
fn supported_of<'a>(list: &'a str, supported: &[&str]) -> Vec<&'a str> {
    list.split(',')
        .filter(|name| supported.contains(name))
        .collect()
}

impl Offered {
    /// The fault if the two sides share no algorithm of some kind.
    pub(super) fn clash(&self, theirs: &Offer) -> Option<FaultCause> {
        let ours = &self.0;
        let kinds = [
            ("key exchange", &ours.kex, &theirs.kex),
            ("host key type", &ours.host_keys, &theirs.host_keys),
            ("cipher", &ours.ciphers, &theirs.ciphers),
            ("MAC", &ours.macs, &theirs.macs),
        ];
        let shared = |ours: &[String], theirs: &[String]| {
            ours.iter().find(|name| theirs.contains(name)).cloned()
        };
        // Some ciphers authenticate by themselves, and the MAC does not matter.
        let needs_mac = shared(&ours.ciphers, &theirs.ciphers)
            .is_none_or(|cipher| !cipher.contains("-gcm@") && !cipher.contains("-poly1305"));
        let clashes = kinds
            .into_iter()
            .filter(|(kind, ..)| needs_mac || *kind != "MAC");
        clashes
            .filter(|(_, ours, theirs)| shared(ours, theirs).is_none())
            .map(|(kind, ours, theirs)| FaultCause::NoCommonAlgorithm {
                kind,
                ours: ours.clone(),
                theirs: theirs.clone(),
            })
            .next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(',').map(str::to_owned).collect()
    }

    fn offer(kex: &str, host_keys: &str, ciphers: &str, macs: &str) -> Offer {
        Offer {
            kex: names(kex),
            host_keys: names(host_keys),
            ciphers: names(ciphers),
            macs: names(macs),
        }
    }

    #[test]
    fn names_of_openssh_alone_are_left_out() {
        let session = ssh2::Session::new().unwrap();
        let mut profile = HostProfile::new("u", "h", 22);
        profile.kex_algorithms =
            Some("sntrup761x25519-sha512@openssh.com,curve25519-sha256".to_owned());
        profile.macs = Some("umac-64@openssh.com,hmac-sha2-256".to_owned());
        let offered = choose(&session, &profile, &HostKeyAlgorithm::ALL).unwrap();
        assert_eq!(offered.0.kex, ["curve25519-sha256"]);
        assert_eq!(offered.0.macs, ["hmac-sha2-256"]);
        assert_eq!(offered.0.host_keys.len(), 6);
    }

    #[test]
    fn a_list_of_which_nothing_is_left_names_what_there_is() {
        let session = ssh2::Session::new().unwrap();
        let mut profile = HostProfile::new("u", "h", 22);
        profile.macs = Some("umac-64@openssh.com".to_owned());
        let cause = choose(&session, &profile, &HostKeyAlgorithm::ALL).unwrap_err();
        let FaultCause::Config { reason } = cause else {
            panic!("{cause:?}")
        };
        for part in ["MACs", "umac-64@openssh.com", "hmac-sha2-256"] {
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn the_first_kind_without_a_shared_algorithm_is_named() {
        let ours = Offered(offer("k1", "h1", "c1,aes128-gcm@openssh.com", "m1"));
        let clash = |theirs: &Offer| match ours.clash(theirs) {
            Some(FaultCause::NoCommonAlgorithm { kind, .. }) => Some(kind),
            _ => None,
        };
        assert_eq!(clash(&offer("k1", "h1", "c1", "m1")), None);
        assert_eq!(clash(&offer("k2", "h1", "c1", "m1")), Some("key exchange"));
        assert_eq!(clash(&offer("k1", "h2", "c1", "m1")), Some("host key type"));
        assert_eq!(clash(&offer("k1", "h1", "c2", "m1")), Some("cipher"));
        assert_eq!(clash(&offer("k1", "h1", "c1", "m2")), Some("MAC"));
        let gcm = offer("k1", "h1", "aes128-gcm@openssh.com", "m2");
        assert_eq!(clash(&gcm), None);
    }
}
