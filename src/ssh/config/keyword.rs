//! Every option of ssh_config: how its value is read, and what Adit makes of it.

use super::algorithms::Family;
use super::value::FLAG;

/// An option.
#[derive(Debug)]
pub(super) struct Spec {
    /// As `ssh_config(5)` spells it.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) support: Support,
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Match,
    Include,
    /// Anything goes, and nothing comes of it.
    Skipped,
    /// One of these words, and what it is printed as.
    Choice(&'static [(&'static str, &'static str)]),
    /// Seconds, or `none`.
    Time,
    Integer,
    /// A whole number from 1 up to this one.
    UpTo(u32),
    Port,
    /// One word.
    Text,
    /// One word that may name a socket by an environment variable.
    Agent,
    /// The rest of the line.
    Command,
    ProxyCommand,
    ProxyJump,
    Algorithms(Family),
    /// Words, `none` only alone.
    Names,
    Domains,
    Cnames,
    /// One file; every line adds one.
    Identity,
    Certificate,
    LocalForward,
    DynamicForward,
    /// Words that Adit has no use for and does not check further.
    Words,
}

/// What Adit makes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Support {
    /// It does what it says.
    Honoured,
    /// It means nothing for a tunnel, or Adit does by itself what it asks for.
    Quiet,
    /// It cannot be honoured unless it has one of these values, for this reason.
    Not(&'static [&'static str], &'static str),
    /// The same, but the machine's own configuration may set it for everybody without a word about it: distributions do.
    NotUnlessSystem(&'static [&'static str], &'static str),
}

use Kind as K;
use Support::{Honoured, Not, NotUnlessSystem, Quiet};

/// More than a few sessions cost the server more than they bring.
const MOST_SESSIONS: u32 = 16;

const NO: &[&str] = &["no", "false"];
const NONE: &[&str] = &["none"];
const YES_NO_ASK: &[(&str, &str)] = &[
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
    ("ask", "ask"),
];
const NO_SESSION: &str = "a tunnel opens no session on the host";
const NO_GSSAPI: &str = "Adit cannot log in with Kerberos";
const NO_REMOTE: &str = "Adit forwards from this computer to the host's side only";
const NO_SHARING: &str = "Adit keeps connections of its own and does not share those of ssh";
const NO_SUCH_KEYS: &str = "Adit uses such keys through ssh-agent only";
const NO_CHECK: &str = "Adit verifies host keys by known_hosts files only";
const NOT_ON_SOCKETS: &str = "Adit decides by itself how it makes local sockets";

const fn spec(name: &'static str, kind: Kind, support: Support) -> Spec {
    Spec {
        name,
        kind,
        support,
    }
}

/// OpenSSH 9.2 to 10, and what Debian adds.
static SPECS: &[Spec] = &[
    spec("Host", K::Host, Honoured),
    spec("Match", K::Match, Honoured),
    spec("Include", K::Include, Honoured),
    spec(
        "AddKeysToAgent",
        K::Words,
        Not(NO, "Adit adds no keys to ssh-agent"),
    ),
    // Adit's own. In a file that ssh reads too, they stand behind `IgnoreUnknown Adit*`.
    spec("AditNoDelay", K::Choice(FLAG), Honoured),
    spec("AditOpenAhead", K::Choice(FLAG), Honoured),
    spec("AditSessions", K::UpTo(MOST_SESSIONS), Honoured),
    spec(
        "AddressFamily",
        K::Choice(&[("any", "any"), ("inet", "inet"), ("inet6", "inet6")]),
        Honoured,
    ),
    spec("BatchMode", K::Choice(FLAG), Honoured),
    spec("BindAddress", K::Text, Honoured),
    spec("BindInterface", K::Text, Not(&[], "use BindAddress")),
    spec("CanonicalDomains", K::Domains, Honoured),
    spec("CanonicalizeFallbackLocal", K::Choice(FLAG), Honoured),
    spec(
        "CanonicalizeHostname",
        K::Choice(&[
            ("yes", "true"),
            ("true", "true"),
            ("no", "false"),
            ("false", "false"),
            ("always", "always"),
        ]),
        Honoured,
    ),
    spec("CanonicalizeMaxDots", K::Integer, Honoured),
    spec("CanonicalizePermittedCNAMEs", K::Cnames, Honoured),
    spec("CASignatureAlgorithms", K::Algorithms(Family::Keys), Quiet),
    spec("CertificateFile", K::Certificate, Honoured),
    spec(
        "ChannelTimeout",
        K::Words,
        Not(
            NONE,
            "Adit keeps channels open until either end closes them",
        ),
    ),
    spec(
        "CheckHostIP",
        K::Choice(FLAG),
        Not(
            NO,
            "known_hosts is searched by name only, as OpenSSH does by default",
        ),
    ),
    spec("Ciphers", K::Algorithms(Family::Ciphers), Honoured),
    spec("ClearAllForwardings", K::Choice(FLAG), Honoured),
    spec(
        "Compression",
        K::Choice(&[("yes", "yes"), ("no", "no")]),
        Honoured,
    ),
    spec("ConnectionAttempts", K::Integer, Quiet),
    spec("ConnectTimeout", K::Time, Honoured),
    spec(
        "ControlMaster",
        K::Choice(&[
            ("yes", "yes"),
            ("true", "yes"),
            ("no", "no"),
            ("false", "no"),
            ("ask", "ask"),
            ("auto", "auto"),
            ("autoask", "autoask"),
        ]),
        Not(NO, NO_SHARING),
    ),
    spec("ControlPath", K::Text, Not(NONE, NO_SHARING)),
    spec("ControlPersist", K::Words, Quiet),
    spec("DynamicForward", K::DynamicForward, Honoured),
    spec("EnableEscapeCommandline", K::Choice(FLAG), Quiet),
    spec("EnableSSHKeysign", K::Choice(FLAG), Quiet),
    spec("EscapeChar", K::Words, Quiet),
    spec("ExitOnForwardFailure", K::Choice(FLAG), Honoured),
    spec(
        "FingerprintHash",
        K::Choice(&[("sha256", "SHA256"), ("md5", "MD5")]),
        Not(&["sha256"], "fingerprints are shown as SHA256"),
    ),
    spec("ForkAfterAuthentication", K::Choice(FLAG), Quiet),
    spec("ForwardAgent", K::Words, Not(NO, NO_SESSION)),
    spec("ForwardX11", K::Choice(FLAG), Not(NO, NO_SESSION)),
    spec("ForwardX11Timeout", K::Time, Quiet),
    spec("ForwardX11Trusted", K::Choice(FLAG), Quiet),
    spec("GatewayPorts", K::Choice(FLAG), Honoured),
    spec("GlobalKnownHostsFile", K::Names, Honoured),
    spec(
        "GSSAPIAuthentication",
        K::Choice(FLAG),
        NotUnlessSystem(NO, NO_GSSAPI),
    ),
    spec(
        "GSSAPIClientIdentity",
        K::Text,
        NotUnlessSystem(&[], NO_GSSAPI),
    ),
    spec(
        "GSSAPIDelegateCredentials",
        K::Choice(FLAG),
        NotUnlessSystem(NO, NO_GSSAPI),
    ),
    spec("GSSAPIKexAlgorithms", K::Text, Quiet),
    spec(
        "GSSAPIKeyExchange",
        K::Choice(FLAG),
        NotUnlessSystem(NO, NO_GSSAPI),
    ),
    spec("GSSAPIRenewalForcesRekey", K::Choice(FLAG), Quiet),
    spec(
        "GSSAPIServerIdentity",
        K::Text,
        NotUnlessSystem(&[], NO_GSSAPI),
    ),
    spec("GSSAPITrustDns", K::Choice(FLAG), Quiet),
    spec("HashKnownHosts", K::Choice(FLAG), Honoured),
    spec(
        "HostbasedAcceptedAlgorithms",
        K::Algorithms(Family::Keys),
        Quiet,
    ),
    spec(
        "HostbasedAuthentication",
        K::Choice(FLAG),
        Not(NO, "Adit cannot log in by the host's own key"),
    ),
    spec("HostKeyAlgorithms", K::Algorithms(Family::Keys), Honoured),
    spec("HostKeyAlias", K::Text, Honoured),
    spec("HostName", K::Text, Honoured),
    spec("IdentitiesOnly", K::Choice(FLAG), Honoured),
    spec("IdentityAgent", K::Agent, Honoured),
    spec("IdentityFile", K::Identity, Honoured),
    spec("IgnoreUnknown", K::Text, Honoured),
    spec("IPQoS", K::Words, Quiet),
    spec("KbdInteractiveAuthentication", K::Choice(FLAG), Honoured),
    spec(
        "KbdInteractiveDevices",
        K::Text,
        Not(&[], "the server chooses them"),
    ),
    spec("KexAlgorithms", K::Algorithms(Family::Kex), Honoured),
    spec("KnownHostsCommand", K::Command, Not(NONE, NO_CHECK)),
    spec("LocalCommand", K::Command, Quiet),
    spec("LocalForward", K::LocalForward, Honoured),
    spec("LogLevel", K::Words, Quiet),
    spec("LogVerbose", K::Words, Quiet),
    spec("MACs", K::Algorithms(Family::Macs), Honoured),
    spec(
        "NoHostAuthenticationForLocalhost",
        K::Choice(FLAG),
        Not(NO, "Adit verifies the key of every host"),
    ),
    spec("NumberOfPasswordPrompts", K::Integer, Honoured),
    spec("ObscureKeystrokeTiming", K::Words, Quiet),
    spec("PasswordAuthentication", K::Choice(FLAG), Honoured),
    spec(
        "PermitLocalCommand",
        K::Choice(FLAG),
        Not(NO, "Adit runs no command of its own once it is connected"),
    ),
    spec("PermitRemoteOpen", K::Words, Quiet),
    spec("PKCS11Provider", K::Text, Not(NONE, NO_SUCH_KEYS)),
    spec("Port", K::Port, Honoured),
    spec("PreferredAuthentications", K::Text, Honoured),
    spec("Protocol", K::Skipped, Quiet),
    spec("ProxyCommand", K::ProxyCommand, Honoured),
    spec("ProxyJump", K::ProxyJump, Honoured),
    spec(
        "ProxyUseFdpass",
        K::Choice(FLAG),
        Not(NO, "a ProxyCommand's own input and output are used"),
    ),
    spec(
        "PubkeyAcceptedAlgorithms",
        K::Algorithms(Family::Keys),
        Honoured,
    ),
    spec(
        "PubkeyAuthentication",
        K::Choice(&[
            ("yes", "true"),
            ("true", "true"),
            ("no", "false"),
            ("false", "false"),
            ("unbound", "unbound"),
            ("host-bound", "host-bound"),
        ]),
        Honoured,
    ),
    spec("RefuseConnection", K::Command, Honoured),
    spec(
        "RekeyLimit",
        K::Words,
        Not(
            &["default", "0"],
            "Adit renews keys when the server asks for it",
        ),
    ),
    spec("RemoteCommand", K::Command, Not(NONE, NO_SESSION)),
    spec("RemoteForward", K::Words, Not(&[], NO_REMOTE)),
    spec("RequestTTY", K::Words, Quiet),
    spec(
        "RequiredRSASize",
        K::Integer,
        Not(&["1024"], "Adit does not judge the length of RSA keys"),
    ),
    spec(
        "RevokedHostKeys",
        K::Text,
        Not(NONE, "mark the keys @revoked in known_hosts instead"),
    ),
    spec(
        "SecurityKeyProvider",
        K::Text,
        Not(&["internal", "none"], NO_SUCH_KEYS),
    ),
    spec("SendEnv", K::Words, Quiet),
    spec("ServerAliveCountMax", K::Integer, Honoured),
    spec("ServerAliveInterval", K::Time, Honoured),
    spec("SessionType", K::Words, Quiet),
    spec("SetEnv", K::Words, Quiet),
    spec("StdinNull", K::Choice(FLAG), Quiet),
    spec(
        "StreamLocalBindMask",
        K::Text,
        Not(&["0177"], NOT_ON_SOCKETS),
    ),
    spec(
        "StreamLocalBindUnlink",
        K::Choice(FLAG),
        Not(NO, NOT_ON_SOCKETS),
    ),
    spec(
        "StrictHostKeyChecking",
        K::Choice(&[
            ("yes", "true"),
            ("true", "true"),
            ("no", "false"),
            ("false", "false"),
            ("off", "false"),
            ("ask", "ask"),
            ("accept-new", "accept-new"),
        ]),
        Honoured,
    ),
    spec("SyslogFacility", K::Words, Quiet),
    spec("Tag", K::Text, Honoured),
    spec("TCPKeepAlive", K::Choice(FLAG), Quiet),
    spec(
        "Tunnel",
        K::Words,
        Not(NO, "Adit forwards connections, not whole networks"),
    ),
    spec("TunnelDevice", K::Words, Quiet),
    spec(
        "UpdateHostKeys",
        K::Choice(YES_NO_ASK),
        Not(NO, "Adit learns no further keys from a host it knows"),
    ),
    spec("UserKnownHostsFile", K::Names, Honoured),
    spec("User", K::Text, Honoured),
    spec("VerifyHostKeyDNS", K::Choice(YES_NO_ASK), Not(NO, NO_CHECK)),
    spec("VersionAddendum", K::Command, Quiet),
    spec("VisualHostKey", K::Choice(FLAG), Quiet),
    spec("WarnWeakCrypto", K::Words, Quiet),
    spec("XAuthLocation", K::Text, Quiet),
    // Gone from OpenSSH, which reads and ignores them.
    spec("AFSTokenPassing", K::Skipped, Quiet),
    spec("Cipher", K::Skipped, Quiet),
    spec("CompressionLevel", K::Skipped, Quiet),
    spec("FallBackToRsh", K::Skipped, Quiet),
    spec("GlobalKnownHostsFile2", K::Skipped, Quiet),
    spec("KerberosAuthentication", K::Skipped, Quiet),
    spec("KerberosTGTPassing", K::Skipped, Quiet),
    spec("RhostsAuthentication", K::Skipped, Quiet),
    spec("RhostsRSAAuthentication", K::Skipped, Quiet),
    spec("RSAAuthentication", K::Skipped, Quiet),
    spec("UserKnownHostsFile2", K::Skipped, Quiet),
    spec("UsePrivilegedPort", K::Skipped, Quiet),
    spec("UseRoaming", K::Skipped, Quiet),
    spec("UseRsh", K::Skipped, Quiet),
];

/// Other names of the same thing, in lower case.
const ALIASES: &[(&str, &str)] = &[
    (
        "challengeresponseauthentication",
        "KbdInteractiveAuthentication",
    ),
    ("dsaauthentication", "PubkeyAuthentication"),
    ("hostbasedkeytypes", "HostbasedAcceptedAlgorithms"),
    ("identityfile2", "IdentityFile"),
    ("keepalive", "TCPKeepAlive"),
    ("protocolkeepalives", "ServerAliveInterval"),
    ("pubkeyacceptedkeytypes", "PubkeyAcceptedAlgorithms"),
    ("setuptimeout", "ConnectTimeout"),
    ("skeyauthentication", "KbdInteractiveAuthentication"),
    ("smartcarddevice", "PKCS11Provider"),
    ("tisauthentication", "KbdInteractiveAuthentication"),
    ("usersh", "UseRsh"),
];

/// The option of this name, which is in lower case.
pub(super) fn find(keyword: &str) -> Option<&'static Spec> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == keyword);
    let name = alias.map_or(keyword, |(_, name)| name);
    SPECS
        .iter()
        .find(|spec| spec.name.eq_ignore_ascii_case(name))
}
