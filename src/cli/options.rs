//! `-o KEY=VALUE`: the keywords of `ssh_config(5)` and what Adit makes of each when it stands on the command line.

/// Keywords that are honoured.
const HONOURED: &[&str] = &[
    "batchmode",
    "ciphers",
    "compression",
    "connecttimeout",
    "exitonforwardfailure",
    "globalknownhostsfile",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "kexalgorithms",
    "localforward",
    "macs",
    "port",
    "proxyjump",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Keywords that would change what is connected to, or what is trusted, and that Adit does not know how to honour.
const REFUSED: &[(&str, &str)] = &[
    (
        "BindAddress",
        "Adit leaves the choice of the source address to the system",
    ),
    (
        "BindInterface",
        "Adit leaves the choice of the interface to the system",
    ),
    (
        "CertificateFile",
        "add the certificate to ssh-agent instead",
    ),
    (
        "ClearAllForwardings",
        "the forwards that are named are what Adit is for",
    ),
    (
        "DynamicForward",
        "Adit is no SOCKS proxy; name each port with -L",
    ),
    ("ForkAfterAuthentication", "use -f"),
    (
        "GatewayPorts",
        "name the interface in each forward: -L '*:PORT:HOST:HOSTPORT'",
    ),
    ("Include", "name the file with -F"),
    ("KnownHostsCommand", "Adit reads known_hosts files only"),
    ("PermitRemoteOpen", "Adit makes no remote forwards"),
    (
        "PKCS11Provider",
        "a PKCS#11 token is reached through ssh-agent: ssh-add -s",
    ),
    ("ProxyCommand", "use -J for a host on the way"),
    ("ProxyUseFdpass", "use -J for a host on the way"),
    ("RemoteCommand", "Adit runs nothing on the host"),
    (
        "RemoteForward",
        "Adit forwards local ports to the host's side (-L) only",
    ),
    (
        "RequiredRSASize",
        "Adit does not check the size of RSA keys",
    ),
    (
        "RevokedHostKeys",
        "mark the key @revoked in known_hosts instead",
    ),
    (
        "SecurityKeyProvider",
        "a security key is reached through ssh-agent",
    ),
    ("StreamLocalBindMask", "sockets are made for you alone"),
    ("Tunnel", "Adit makes no tunnel devices"),
    ("TunnelDevice", "Adit makes no tunnel devices"),
];

/// Keywords that make no difference to forwarding, or whose being left out is the safer side.
const NO_EFFECT: &[&str] = &[
    "addkeystoagent",
    "addressfamily",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizehostname",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "challengeresponseauthentication",
    "channeltimeout",
    "checkhostip",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "fingerprinthash",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "hashknownhosts",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "ignoreunknown",
    "ipqos",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "localcommand",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "passwordauthentication",
    "permitlocalcommand",
    "preferredauthentications",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "requesttty",
    "sendenv",
    "sessiontype",
    "setenv",
    "stdinnull",
    "streamlocalbindunlink",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "updatehostkeys",
    "verifyhostkeydns",
    "visualhostkey",
    "xauthlocation",
];

/// Reads `Key=Value` or `Key Value`; the key comes back in lower case, the value without quotes around the whole of it.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| c == '=' || c.is_whitespace())
        .ok_or_else(|| format!("'{text}' has no value: write KEY=VALUE"))?;
    let (key, rest) = trimmed.split_at(end);
    let value = rest.trim_start();
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    if key.is_empty() || value.is_empty() {
        return Err(format!("'{text}' is not KEY=VALUE"));
    }
    let known = |keyword: &&'static str| keyword.eq_ignore_ascii_case(key);
    let is_known = HONOURED.iter().any(known)
        || NO_EFFECT.iter().any(known)
        || REFUSED.iter().any(|(keyword, _)| known(keyword));
    if !is_known {
        return Err(format!("'{key}' is not an option of ssh_config(5)"));
    }
    Ok((key.to_ascii_lowercase(), unquoted(value).to_owned()))
}

/// Whether the option makes a difference.
///
/// # Errors
/// A sentence about an option that is refused.
pub(super) fn judge(key: &str) -> Result<bool, String> {
    match REFUSED
        .iter()
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case(key))
    {
        Some((keyword, why)) => Err(format!("ssh's option {keyword} is not taken: {why}")),
        None => Ok(HONOURED.contains(&key)),
    }
}

/// The words of a value that is a list of paths: separated by spaces, which stand inside double quotes where they belong
/// to a path.
pub(super) fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(inner) => inner.split_once('"').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// `value` without the quotes around it, where there is one pair only.
fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_parse_in_both_forms() {
        let port = Ok(("port".to_owned(), "22".to_owned()));
        for text in ["Port=22", "port 22", "PORT = 22", "Port \"22\""] {
            assert_eq!(parse(text), port, "{text}");
        }
        for (text, part) in [
            ("Port", "no value"),
            ("Port=", "not KEY=VALUE"),
            ("=22", "not KEY=VALUE"),
            ("Prot=22", "'Prot' is not an option"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn every_keyword_stands_in_one_table() {
        let mut all: Vec<String> = HONOURED
            .iter()
            .chain(NO_EFFECT)
            .copied()
            .chain(REFUSED.iter().map(|(keyword, _)| *keyword))
            .map(str::to_ascii_lowercase)
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(judge("port"), Ok(true));
        assert_eq!(judge("sendenv"), Ok(false));
        assert!(judge("proxycommand").is_err());
    }

    #[test]
    fn paths_with_spaces_stand_in_quotes() {
        assert_eq!(words("/a \"/b c\"  /d"), ["/a", "/b c", "/d"]);
        assert_eq!(words(""), Vec::<String>::new());
    }
}
