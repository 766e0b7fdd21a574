//! Lists of algorithms: OpenSSH's own, and what `+`, `-` and `^` do to them.

use crate::model::{Words, words};
use crate::ssh::pattern::{ListMatch, matches_list};

/// Which list an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ciphers,
    Macs,
    Kex,
    Keys,
}

const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,\
                       aes256-gcm@openssh.com";
const ALL_CIPHERS: &str = "3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr,aes256-ctr,\
                           aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com";
const MACS: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,\
                    hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,\
                    hmac-sha2-256,hmac-sha2-512,hmac-sha1";
const ALL_MACS: &str = "hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96,umac-64@openssh.com,\
                        umac-128@openssh.com,hmac-sha1-etm@openssh.com,hmac-sha1-96-etm@openssh.com,\
                        hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-md5-etm@openssh.com,\
                        hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com";
const KEX: &str = "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,\
                   curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,\
                   diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,\
                   diffie-hellman-group14-sha256";
/// The last one came with OpenSSH 9.9.
const ALL_KEX: &str = "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,\
                       diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,\
                       diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,\
                       curve25519-sha256,curve25519-sha256@libssh.org,sntrup761x25519-sha512,\
                       sntrup761x25519-sha512@openssh.com,mlkem768x25519-sha256";
const KEYS: &str = "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,\
                    ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,\
                    sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,\
                    rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519,\
                    ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,\
                    sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";
const ALL_KEYS: &str = "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,\
                        sk-ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp256-cert-v01@openssh.com,\
                        ecdsa-sha2-nistp384,ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521,\
                        ecdsa-sha2-nistp521-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,\
                        sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,webauthn-sk-ecdsa-sha2-nistp256@openssh.com,ssh-dss,\
                        ssh-dss-cert-v01@openssh.com,ssh-rsa,ssh-rsa-cert-v01@openssh.com,rsa-sha2-256,\
                        rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com";

impl Family {
    /// What is used when nothing is said: the lists of OpenSSH 9.2.
    pub(super) const fn default_list(self) -> &'static str {
        match self {
            Self::Ciphers => CIPHERS,
            Self::Macs => MACS,
            Self::Kex => KEX,
            Self::Keys => KEYS,
        }
    }

    const fn all(self) -> &'static str {
        match self {
            Self::Ciphers => ALL_CIPHERS,
            Self::Macs => ALL_MACS,
            Self::Kex => ALL_KEX,
            Self::Keys => ALL_KEYS,
        }
    }

    /// Checks a value as it is read; the names after `-` are patterns and need not exist.
    pub(super) fn check(self, value: &str) -> Result<(), Words> {
        if value.starts_with('-') {
            return Ok(());
        }
        let list = value.strip_prefix(['+', '^']).unwrap_or(value);
        match list.split(',').find(|name| !self.knows(name)) {
            Some(name) => Err(words!(
                "'{name}' is not a known algorithm here",
                name = name
            )),
            None => Ok(()),
        }
    }

    /// Names of keys may be patterns.
    fn knows(self, name: &str) -> bool {
        let mut all = self.all().split(',');
        match self {
            Self::Keys => all.any(|known| matches_list(known, name, false) != ListMatch::No),
            _ => all.any(|known| known == name),
        }
    }

    /// The list that `value` stands for.
    ///
    /// # Errors
    /// The reason if nothing is left in it.
    pub(super) fn assemble(self, value: &str) -> Result<String, Words> {
        let ours = self.default_list();
        let list = match value.split_at_checked(1) {
            Some(("+", more)) => format!("{ours},{more}"),
            Some(("^", first)) => format!("{first},{ours}"),
            Some(("-", less)) => {
                let kept = ours
                    .split(',')
                    .filter(|name| matches_list(name, less, false) != ListMatch::Yes);
                return Ok(joined(kept));
            }
            _ => value.to_owned(),
        };
        if list.contains('!') {
            return Err(words!(
                "'{value}' has a '!', which algorithm lists do not know",
                value = value
            ));
        }
        let chosen = list.split(',').flat_map(|pattern| {
            let all = self.all().split(',');
            all.filter(move |name| matches_list(name, pattern, false) == ListMatch::Yes)
        });
        match joined(chosen) {
            list if list.is_empty() => Err(words!("'{value}' leaves no algorithm", value = value)),
            list => Ok(list),
        }
    }
}

/// The names without repetitions.
fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut list: Vec<&str> = Vec::new();
    for name in names {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_add_remove_and_put_first() {
        let ciphers = |value| Family::Ciphers.assemble(value).unwrap();
        assert_eq!(
            ciphers("aes256-ctr,aes128-ctr,aes256-ctr"),
            "aes256-ctr,aes128-ctr"
        );
        assert_eq!(ciphers("+aes128-cbc"), format!("{CIPHERS},aes128-cbc"));
        assert!(ciphers("^aes256-ctr").starts_with("aes256-ctr,chacha20"));
        assert_eq!(ciphers("-*ctr,*gcm*"), "chacha20-poly1305@openssh.com");
        assert_eq!(ciphers("-*"), "");
        assert!(Family::Keys.assemble("+!ssh-dss").is_err());
        assert_eq!(
            Family::Keys.assemble("ssh-r*").unwrap(),
            "ssh-rsa,ssh-rsa-cert-v01@openssh.com"
        );
    }

    #[test]
    fn unknown_names_are_refused_as_they_are_read() {
        for (family, value, good) in [
            (Family::Ciphers, "aes128-ctr", true),
            (Family::Ciphers, "+aes128-cbc", true),
            (Family::Ciphers, "aes*", false),
            (Family::Ciphers, "-nonsense*", true),
            (Family::Ciphers, "none", false),
            (Family::Kex, "mlkem768x25519-sha256", true),
            (Family::Keys, "ssh-*", true),
            (Family::Keys, "xyz*", false),
            (Family::Macs, "hmac-sha2-256,", false),
        ] {
            assert_eq!(family.check(value).is_ok(), good, "{value}");
        }
    }
}
