//! The resolved options in the format and the order of `ssh -G`, as far as Adit honours them.

use std::fmt::{Display, Write as _};

use super::forward::{Connect, Forward};
use super::options::{Jump, Proxy};
use super::resolved::{AddressFamily, Algorithms, Resolved, StrictHostKeyChecking};

/// The identities that `ssh -G` prints when none is set. Adit's own defaults are those of them that it can use.
const DEFAULT_IDENTITIES: [&str; 7] = [
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
];

struct Printer(String);

impl Printer {
    fn line(&mut self, key: &str, value: impl Display) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{key} {value}");
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.line(key, if value { "yes" } else { "no" });
    }

    fn maybe(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.line(key, value);
        }
    }

    fn algorithms(&mut self, key: &str, algorithms: &Algorithms) {
        self.line(key, &algorithms.list);
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if values.is_empty() {
            self.line(key, "none");
        } else {
            self.line(key, values.join(" "));
        }
    }
}

impl Resolved {
    /// The options as `ssh -G` prints them: one `key value` on each line.
    #[must_use]
    pub fn print(&self) -> String {
        let mut printer = Printer(String::new());
        self.print_flags(&mut printer);
        self.print_texts(&mut printer);
        self.print_lists(&mut printer);
        printer.0
    }

    fn print_flags(&self, p: &mut Printer) {
        p.line("host", &self.argument);
        p.line("user", &self.user);
        p.line("hostname", &self.host_name);
        p.line("port", self.port);
        p.line("addressfamily", self.address_family.word());
        p.flag("batchmode", self.batch_mode);
        p.flag(
            "canonicalizefallbacklocal",
            self.canonicalize.fallback_local,
        );
        p.line("canonicalizehostname", &self.canonicalize.hostname);
        p.flag("compression", self.compression);
        p.flag(
            "exitonforwardfailure",
            self.exit_on_forward_failure == Some(true),
        );
        p.flag("gatewayports", self.gateway_ports);
        p.flag("hashknownhosts", self.hash_known_hosts);
        p.flag("identitiesonly", self.identities_only);
        p.flag(
            "kbdinteractiveauthentication",
            self.keyboard_interactive_authentication,
        );
        p.flag("passwordauthentication", self.password_authentication);
        p.line("pubkeyauthentication", &self.pubkey_authentication);
        p.line(
            "stricthostkeychecking",
            self.strict_host_key_checking.word(),
        );
        p.line("canonicalizemaxdots", self.canonicalize.max_dots);
        p.line("numberofpasswordprompts", self.password_prompts);
        p.line(
            "serveralivecountmax",
            self.server_alive_count_max.unwrap_or(3),
        );
        p.line(
            "serveraliveinterval",
            self.server_alive_interval.unwrap_or(0),
        );
    }

    fn print_texts(&self, p: &mut Printer) {
        p.maybe(
            "aditsessions",
            self.sessions.map(|count| count.to_string()).as_ref(),
        );
        if let Some(no_delay) = self.no_delay {
            p.flag("aditnodelay", no_delay);
        }
        if !self.open_ahead {
            p.flag("aditopenahead", false);
        }
        p.maybe("bindaddress", self.bind_address.as_ref());
        p.algorithms("ciphers", &self.ciphers);
        p.algorithms("hostkeyalgorithms", &self.host_key_algorithms);
        p.maybe("hostkeyalias", self.host_key_alias.as_ref());
        p.maybe("identityagent", self.identity_agent.as_ref());
        p.algorithms("kexalgorithms", &self.kex_algorithms);
        p.algorithms("macs", &self.macs);
        p.maybe(
            "preferredauthentications",
            self.preferred_authentications.as_ref(),
        );
        p.algorithms("pubkeyacceptedalgorithms", &self.pubkey_accepted_algorithms);
    }

    fn print_lists(&self, p: &mut Printer) {
        // A forward to a socket is printed twice, the first time without its target: whoever compares finds no difference.
        let looks_dynamic =
            |forward: &&Forward| !matches!(forward.connect, Some(Connect::Tcp { .. }));
        for forward in self.forwards.iter().filter(looks_dynamic) {
            p.line("dynamicforward", &forward.listen);
        }
        for forward in self
            .forwards
            .iter()
            .filter(|forward| forward.connect.is_some())
        {
            p.line("localforward", forward);
        }
        if self.identity_files.is_empty() {
            for path in DEFAULT_IDENTITIES {
                p.line("identityfile", path);
            }
        }
        for path in &self.identity_files {
            p.line("identityfile", path);
        }
        p.list("canonicaldomains", &self.canonicalize.domains);
        for path in &self.certificate_files {
            p.line("certificatefile", path);
        }
        p.list("globalknownhostsfile", &self.global_known_hosts);
        p.list("userknownhostsfile", &self.user_known_hosts);
        match self.connect_timeout {
            Some(seconds) => p.line("connecttimeout", seconds),
            None => p.line("connecttimeout", "none"),
        }
        // ssh itself spells this one with capitals.
        p.list(
            "canonicalizePermittedcnames",
            &self.canonicalize.permitted_cnames,
        );
        match &self.proxy {
            None => {}
            Some(Proxy::Command(command)) => p.line("proxycommand", command),
            Some(Proxy::Jump(jump)) => p.line("proxyjump", jump),
        }
    }
}

impl AddressFamily {
    const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
        }
    }
}

impl StrictHostKeyChecking {
    const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Yes => "true",
            Self::No => "false",
            Self::AcceptNew => "accept-new",
        }
    }
}

impl Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(before) = &self.before {
            write!(f, "{before},")?;
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        let numeric = self.host.bytes().all(|c| c.is_ascii_digit() || c == b'.');
        if numeric || self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
