//! The answer: every option that matters here, with its value or its default.

use super::algorithms::Family;
use super::error::{ConfigError, Unsupported};
use super::expand::Tokens;
use super::forward::{Forward, Forwards};
use super::options::{Options, Proxy};
use super::query::ConfigFile;

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// Ask about unknown keys.
    #[default]
    Ask,
    /// Refuse unknown keys.
    Yes,
    /// Accept unknown keys; Adit still refuses changed ones.
    No,
    /// Accept unknown keys.
    AcceptNew,
}

/// `AddressFamily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressFamily {
    /// Either.
    #[default]
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// `CanonicalizeHostname` and what goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canonicalize {
    /// `false`, `true` or `always`.
    pub hostname: String,
    /// `CanonicalizeFallbackLocal`.
    pub fallback_local: bool,
    /// `CanonicalizeMaxDots`.
    pub max_dots: u32,
    /// `CanonicalDomains`.
    pub domains: Vec<String>,
    /// `CanonicalizePermittedCNAMEs`, each `SOURCES:TARGETS`.
    pub permitted_cnames: Vec<String>,
}

/// A list of algorithms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// The names, comma-separated.
    pub list: String,
    /// Whether the configuration has chosen them; otherwise this is OpenSSH's default, and Adit is free to use its own.
    pub chosen: bool,
}

/// The options of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are ssh_config's own flags"
)]
pub struct Resolved {
    /// The host as it was given.
    pub argument: String,
    /// `HostName`: what is dialled.
    pub host_name: String,
    /// `User`.
    pub user: String,
    /// `Port`.
    pub port: u16,
    /// `AddressFamily`.
    pub address_family: AddressFamily,
    /// `BatchMode`: never ask.
    pub batch_mode: bool,
    /// Canonical host names.
    pub canonicalize: Canonicalize,
    /// `Compression`.
    pub compression: bool,
    /// `ExitOnForwardFailure`, if set: ssh takes no for its default, and Adit yes.
    pub exit_on_forward_failure: Option<bool>,
    /// `GatewayPorts`.
    pub gateway_ports: bool,
    /// `HashKnownHosts`.
    pub hash_known_hosts: bool,
    /// `IdentitiesOnly`.
    pub identities_only: bool,
    /// `KbdInteractiveAuthentication`.
    pub keyboard_interactive_authentication: bool,
    /// `PasswordAuthentication`.
    pub password_authentication: bool,
    /// `PubkeyAuthentication`: `true`, `false`, `unbound` or `host-bound`.
    pub pubkey_authentication: String,
    /// `StrictHostKeyChecking`.
    pub strict_host_key_checking: StrictHostKeyChecking,
    /// `NumberOfPasswordPrompts`.
    pub password_prompts: u32,
    /// `AditSessions`, if set: how many sessions to the host at most.
    pub sessions: Option<usize>,
    /// `AditNoDelay`, if set: whether a command is run for sshd to send small answers at once.
    pub no_delay: Option<bool>,
    /// `AditOpenAhead`: whether channels may be opened ahead of need.
    pub open_ahead: bool,
    /// `ServerAliveCountMax`, if set.
    pub server_alive_count_max: Option<u32>,
    /// `ServerAliveInterval` in seconds, if set; 0 turns the questions off.
    pub server_alive_interval: Option<u32>,
    /// `ConnectTimeout` in seconds, if set.
    pub connect_timeout: Option<u32>,
    /// `BindAddress`.
    pub bind_address: Option<String>,
    /// `Ciphers`.
    pub ciphers: Algorithms,
    /// `HostKeyAlgorithms`.
    pub host_key_algorithms: Algorithms,
    /// `KexAlgorithms`.
    pub kex_algorithms: Algorithms,
    /// `MACs`.
    pub macs: Algorithms,
    /// `PubkeyAcceptedAlgorithms`.
    pub pubkey_accepted_algorithms: Algorithms,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<String>,
    /// `IdentityAgent`: a path, `none`, `SSH_AUTH_SOCK` or `$VARIABLE`.
    pub identity_agent: Option<String>,
    /// `PreferredAuthentications`.
    pub preferred_authentications: Option<String>,
    /// `LocalForward` and `DynamicForward`, in their order.
    pub forwards: Vec<Forward>,
    /// `IdentityFile`, as written; empty if none is set.
    pub identity_files: Vec<String>,
    /// `CertificateFile`, as written.
    pub certificate_files: Vec<String>,
    /// `GlobalKnownHostsFile`.
    pub global_known_hosts: Vec<String>,
    /// `UserKnownHostsFile`.
    pub user_known_hosts: Vec<String>,
    /// `ProxyCommand` or `ProxyJump`.
    pub proxy: Option<Proxy>,
    /// `RefuseConnection` (OpenSSH 10): the reason for which no connection is to be made.
    pub refused: Option<String>,
    /// What is set and cannot be honoured: to be said, once.
    pub unsupported: Vec<Unsupported>,
    /// The files that were read: jump hosts are looked up in the same.
    pub(super) file: ConfigFile,
    /// What the tokens in files' names stand for.
    pub(super) tokens: Tokens,
}

/// What has been found out besides the options.
pub(super) struct Facts {
    pub(super) argument: String,
    pub(super) host_name: String,
    pub(super) user: String,
    pub(super) port: u16,
    pub(super) user_known_hosts: Vec<String>,
    pub(super) global_known_hosts: Vec<String>,
    pub(super) identity_agent: Option<String>,
    pub(super) forwards: Vec<Forward>,
    pub(super) file: ConfigFile,
    pub(super) tokens: Tokens,
}

impl Resolved {
    /// The forwards in Adit's own terms.
    #[must_use]
    pub fn forwards(&self) -> Forwards {
        Forwards::sort(&self.forwards, self.gateway_ports)
    }

    /// Fills in defaults.
    pub(super) fn new(options: &Options, facts: Facts) -> Result<Self, ConfigError> {
        let text = |name: &str| options.get(name).map(str::to_owned);
        let yes = |name: &str| options.get(name) == Some("yes");
        let not_no = |name: &str| options.get(name) != Some("no");
        let number = |name: &str| options.get(name).and_then(|value| value.parse().ok());
        let paths = |list: &[(String, _)]| list.iter().map(|(path, _)| path.clone()).collect();
        Ok(Self {
            argument: facts.argument,
            host_name: facts.host_name,
            user: facts.user,
            port: facts.port,
            address_family: address_family(options),
            batch_mode: yes("BatchMode"),
            canonicalize: canonicalize(options),
            compression: yes("Compression"),
            exit_on_forward_failure: options
                .get("ExitOnForwardFailure")
                .map(|value| value == "yes"),
            gateway_ports: yes("GatewayPorts"),
            hash_known_hosts: yes("HashKnownHosts"),
            identities_only: yes("IdentitiesOnly"),
            keyboard_interactive_authentication: not_no("KbdInteractiveAuthentication"),
            password_authentication: not_no("PasswordAuthentication"),
            pubkey_authentication: text("PubkeyAuthentication")
                .unwrap_or_else(|| "true".to_owned()),
            strict_host_key_checking: strict_host_key_checking(options),
            password_prompts: number("NumberOfPasswordPrompts").unwrap_or(3),
            sessions: options
                .get("AditSessions")
                .and_then(|count| count.parse().ok()),
            no_delay: options.get("AditNoDelay").map(|value| value == "yes"),
            open_ahead: not_no("AditOpenAhead"),
            server_alive_count_max: number("ServerAliveCountMax"),
            server_alive_interval: number("ServerAliveInterval"),
            connect_timeout: number("ConnectTimeout"),
            bind_address: text("BindAddress"),
            ciphers: algorithms(options, "Ciphers", Family::Ciphers)?,
            host_key_algorithms: algorithms(options, "HostKeyAlgorithms", Family::Keys)?,
            kex_algorithms: algorithms(options, "KexAlgorithms", Family::Kex)?,
            macs: algorithms(options, "MACs", Family::Macs)?,
            pubkey_accepted_algorithms: algorithms(
                options,
                "PubkeyAcceptedAlgorithms",
                Family::Keys,
            )?,
            host_key_alias: text("HostKeyAlias").map(|alias| alias.to_ascii_lowercase()),
            identity_agent: facts.identity_agent,
            preferred_authentications: text("PreferredAuthentications"),
            forwards: facts.forwards,
            identity_files: paths(&options.identities),
            certificate_files: paths(&options.certificates),
            global_known_hosts: facts.global_known_hosts,
            user_known_hosts: facts.user_known_hosts,
            proxy: options.proxy.clone().filter(is_set),
            refused: text("RefuseConnection"),
            unsupported: options.unsupported.clone(),
            file: facts.file,
            tokens: facts.tokens,
        })
    }
}

fn is_set(proxy: &Proxy) -> bool {
    match proxy {
        Proxy::Command(command) => !command.eq_ignore_ascii_case("none"),
        Proxy::Jump(_) => true,
    }
}

fn address_family(options: &Options) -> AddressFamily {
    match options.get("AddressFamily") {
        Some("inet") => AddressFamily::Inet,
        Some("inet6") => AddressFamily::Inet6,
        _ => AddressFamily::Any,
    }
}

fn strict_host_key_checking(options: &Options) -> StrictHostKeyChecking {
    match options.get("StrictHostKeyChecking") {
        Some("true") => StrictHostKeyChecking::Yes,
        Some("false") => StrictHostKeyChecking::No,
        Some("accept-new") => StrictHostKeyChecking::AcceptNew,
        _ => StrictHostKeyChecking::Ask,
    }
}

fn canonicalize(options: &Options) -> Canonicalize {
    let words = |name: &str| options.words(name).unwrap_or_default().to_vec();
    let cnames = words("CanonicalizePermittedCNAMEs");
    let dots = options
        .get("CanonicalizeMaxDots")
        .and_then(|dots| dots.parse().ok());
    Canonicalize {
        hostname: options
            .get("CanonicalizeHostname")
            .unwrap_or("false")
            .to_owned(),
        fallback_local: options.get("CanonicalizeFallbackLocal") != Some("no"),
        max_dots: dots.unwrap_or(1),
        domains: words("CanonicalDomains"),
        permitted_cnames: cnames.into_iter().filter(|rule| rule != "none").collect(),
    }
}

fn algorithms(
    options: &Options,
    option: &'static str,
    family: Family,
) -> Result<Algorithms, ConfigError> {
    match options.get(option) {
        Some(value) => family
            .assemble(value)
            .map(|list| Algorithms { list, chosen: true })
            .map_err(|problem| ConfigError::Value { option, problem }),
        None => Ok(Algorithms {
            list: family.default_list().to_owned(),
            chosen: false,
        }),
    }
}
