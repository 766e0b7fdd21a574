//! Hosts as ssh's command line and Adit's take them: `[USER@]HOST[:PORT]` and `ssh://[USER@]HOST[:PORT]`.

/// A host with what was said beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub user: Option<String>,
    /// Host name, alias or address, without brackets.
    pub host: String,
    /// The SSH port.
    pub port: Option<u16>,
}

impl Login {
    /// Reads ssh's destination: a port is only taken from the `ssh://` form, so a bare IPv6 address stays whole.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn of_ssh(text: &str) -> Result<Self, String> {
        match text.strip_prefix("ssh://") {
            Some(uri) => Self::with_port(uri.strip_suffix('/').unwrap_or(uri)),
            None => Self::build(text, text, None),
        }
    }

    /// Reads `[USER@]HOST[:PORT]`, also with `ssh://` before it; IPv6 addresses with a port stand in brackets.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn with_port(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        let host_at = rest.rfind('@').map_or(0, |at| at + 1);
        let Some((_, port)) = rest[host_at..]
            .rsplit_once(':')
            .filter(|(host, _)| host.ends_with(']') || !host.contains(':'))
        else {
            return Self::build(text, rest, None);
        };
        let login = &rest[..rest.len() - port.len() - 1];
        match port.parse() {
            Ok(port @ 1..) => Self::build(text, login, Some(port)),
            _ => Err(format!(
                "'{text}' is not a host: '{port}' is not a port from 1 to 65535"
            )),
        }
    }

    fn build(text: &str, login: &str, port: Option<u16>) -> Result<Self, String> {
        let (user, host) = match login.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, login),
        };
        let fail = |problem| Err(format!("'{text}' is not a host: {problem}"));
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if user == Some("") {
            return fail("the user before '@' is empty");
        }
        if host.is_empty() {
            return fail("the host's name is empty");
        }
        if host.starts_with('-') || host.contains(|c: char| c.is_whitespace() || "/[]".contains(c))
        {
            return fail("a host's name begins with no '-' and holds no space, '/', '[' or ']'");
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: Option<&str>, host: &str, port: Option<u16>) -> Login {
        Login {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn destinations_of_ssh_parse() {
        for (text, expected) in [
            ("node", login(None, "node", None)),
            ("ubuntu@node", login(Some("ubuntu"), "node", None)),
            (
                "a@example.org@node",
                login(Some("a@example.org"), "node", None),
            ),
            (
                "ssh://ubuntu@node:2222",
                login(Some("ubuntu"), "node", Some(2222)),
            ),
            ("ssh://node/", login(None, "node", None)),
            (
                "ssh://me@[fd00::1]:22",
                login(Some("me"), "fd00::1", Some(22)),
            ),
            ("fd00::1", login(None, "fd00::1", None)),
        ] {
            assert_eq!(Login::of_ssh(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn hosts_with_ports_parse() {
        for (text, expected) in [
            ("u@1.2.3.4:2222", login(Some("u"), "1.2.3.4", Some(2222))),
            ("u@1.2.3.4", login(Some("u"), "1.2.3.4", None)),
            ("fd00::1", login(None, "fd00::1", None)),
            ("[fd00::1]:2222", login(None, "fd00::1", Some(2222))),
            ("u@[fd00::1]", login(Some("u"), "fd00::1", None)),
        ] {
            assert_eq!(Login::with_port(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_hosts_say_what_is_wrong() {
        for (text, part) in [
            ("", "empty"),
            ("u@", "host's name is empty"),
            ("@h", "user before '@' is empty"),
            ("h:0", "'0' is not a port"),
            ("h:ssh", "'ssh' is not a port"),
            ("-oProxyCommand=x", "begins with no '-'"),
            ("a b", "no space"),
        ] {
            let error = Login::with_port(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
