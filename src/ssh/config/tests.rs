//! What cannot be compared with `ssh -G`: default files, made-up resolvers, profiles, and what is not honoured.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::{
    BindAddress, Destination, Family, ForwardSpec, HostKeyPolicy, HostProfile, LocalBind,
    LoginMethod,
};

/// A system in which nothing happens but what is listed.
#[derive(Default)]
struct Fake {
    /// Names that exist, with the name behind them.
    names: BTreeMap<&'static str, Option<&'static str>>,
    /// Commands that were run; those that start with `yes` succeed.
    ran: Vec<String>,
}

impl System for Fake {
    fn run(&mut self, command: &str) -> Result<bool, String> {
        self.ran.push(command.to_owned());
        Ok(command.starts_with("yes"))
    }

    fn lookup(&mut self, name: &str) -> Option<Lookup> {
        self.names.get(name).map(|canonical| Lookup {
            canonical_name: canonical.map(str::to_owned),
        })
    }

    fn local_addresses(&mut self) -> Vec<IpAddr> {
        vec!["192.0.2.7".parse().unwrap()]
    }

    fn home_of(&mut self, account: &str) -> Option<PathBuf> {
        (account == "bob").then(|| "/home/bob".into())
    }

    fn service_port(&mut self, name: &str) -> Option<u16> {
        (name == "ssh-alt").then_some(2222)
    }
}

/// A home folder and a machine's folder of their own.
struct World {
    folder: tempfile::TempDir,
    environment: Environment,
}

impl World {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            user: "me".to_owned(),
            home: folder.path().to_owned(),
            hostname: "desk.example".to_owned(),
            system_folder: folder.path().join("etc"),
            ..Environment::of_this_computer()
        };
        let world = Self {
            folder,
            environment,
        };
        world.write(".ssh/config", config);
        world
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        set_mode(&path, 0o600);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn resolve(&self, host: &str) -> Result<Resolved, ConfigError> {
        resolve(
            &Query::new(host).unwrap(),
            &self.environment,
            &mut Fake::default(),
        )
    }

    fn profile(&self, host: &str) -> Result<HostProfile, ConfigError> {
        profile(
            &self.resolve(host)?,
            &self.environment,
            &mut Fake::default(),
        )
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_persons_file_comes_before_the_machines() {
    let world = World::new("Host h\n  Port 1\n  Include more\n");
    world.write(".ssh/more", "User own\n");
    world.write(
        "etc/ssh_config",
        "Port 2\nUser machine\nInclude part*\nCompression yes\n",
    );
    world.write("etc/part1", "ServerAliveInterval 9\n");
    let resolved = world.resolve("h").unwrap();
    assert_eq!((resolved.port, resolved.user.as_str()), (1, "own"));
    assert_eq!(
        (resolved.server_alive_interval, resolved.compression),
        (Some(9), true)
    );
    world.write("etc/ssh_config", "Include ~/x\n");
    assert!(
        world
            .resolve("h")
            .unwrap_err()
            .to_string()
            .contains("ssh_config, line 1: Include")
    );
}

#[test]
fn no_files_at_all_leave_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment {
        home: folder.path().to_owned(),
        system_folder: folder.path().to_owned(),
        ..Environment::of_this_computer()
    };
    let resolved = resolve(
        &Query::new("h").unwrap(),
        &environment,
        &mut Fake::default(),
    )
    .unwrap();
    assert_eq!((resolved.port, resolved.identity_files.len()), (22, 0));
    assert!(!resolved.ciphers.chosen && resolved.unsupported.is_empty());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_write_to_is_refused() {
    let world = World::new("Include more\n");
    set_mode(&world.path(".ssh/config"), 0o620);
    let error = world.resolve("h").unwrap_err();
    assert!(
        matches!(&error, ConfigError::Permissions(path) if path.ends_with(".ssh/config")),
        "{error}"
    );
    set_mode(&world.path(".ssh/config"), 0o644);
    world.write(".ssh/more", "");
    set_mode(&world.path(".ssh/more"), 0o602);
    let error = world.resolve("h").unwrap_err();
    assert!(
        matches!(&error, ConfigError::Permissions(path) if path.ends_with(".ssh/more")),
        "{error}"
    );
}

#[test]
fn names_are_completed_and_aliases_followed() {
    let config = "CanonicalizeHostname yes\nCanonicalDomains a.example b.example\n\
                  CanonicalizePermittedCNAMEs *.b.example:*.cdn.example\n\
                  Host web.b.example\n  Port 2\nHost real.cdn.example\n  Port 3\nMatch canonical host *.b.example\n  User canon\n";
    let world = World::new(config);
    let names = [
        ("web.b.example.", None),
        ("alias.b.example.", Some("real.cdn.example.")),
        ("astray.b.example.", Some("evil.example.")),
    ];
    let mut system = Fake {
        names: names.into(),
        ..Fake::default()
    };
    let mut host = |name: &str| {
        let resolved =
            resolve(&Query::new(name).unwrap(), &world.environment, &mut system).unwrap();
        (resolved.host_name, resolved.port, resolved.user)
    };
    assert_eq!(
        host("web"),
        ("web.b.example".to_owned(), 2, "canon".to_owned())
    );
    assert_eq!(
        host("alias"),
        ("real.cdn.example".to_owned(), 3, "me".to_owned())
    );
    assert_eq!(
        host("astray"),
        ("astray.b.example".to_owned(), 22, "canon".to_owned())
    );
    assert_eq!(host("none"), ("none".to_owned(), 22, "me".to_owned()));
    assert_eq!(host("deep.sub.name").0, "deep.sub.name");
}

#[test]
fn commands_run_only_where_the_conditions_before_them_hold() {
    let config = "Host other\n  Include inner\nMatch host h exec \"yes %h %r\"\n  Port 1\nMatch host x exec \"yes never\"\n  Port 2\n\
                  Match host h !exec \"no\" localnetwork 192.0.2.0/24\n  User net\nTag blue\nMatch tagged blue\n  Compression yes\n";
    let world = World::new(config);
    world.write(".ssh/inner", "Match exec \"yes included\"\n  Port 3\n");
    let mut system = Fake::default();
    let resolved = resolve(&Query::new("h").unwrap(), &world.environment, &mut system).unwrap();
    assert_eq!(system.ran, ["yes h me", "no"]);
    assert_eq!(
        (resolved.port, resolved.user.as_str(), resolved.compression),
        (1, "net", true)
    );
}

#[test]
fn a_profile_has_what_the_configuration_says() {
    let world = World::new(
        "Host h\n HostName 10.0.0.1\n User u\n Port ssh-alt\n IdentityFile ~/.ssh/%r_key\n IdentityFile ~bob/key\n IdentitiesOnly yes\n\
         IdentityAgent none\n UserKnownHostsFile ~/kh none2\n GlobalKnownHostsFile none\n HostKeyAlias Alias\n HashKnownHosts yes\n\
         StrictHostKeyChecking yes\n ConnectTimeout 7\n ServerAliveInterval 0\n ServerAliveCountMax 5\n Compression yes\n\
         Ciphers aes128-ctr\n AddressFamily inet6\n BindAddress 192.0.2.1\n PreferredAuthentications password,publickey,gssapi-with-mic\n\
         PubkeyAuthentication no\n NumberOfPasswordPrompts 1\n BatchMode yes\n",
    );
    world.write(".ssh/u_key-cert.pub", "");
    let found = world.profile("h").unwrap();
    let expected = HostProfile {
        id: HostIdOf("h").into(),
        identities: vec![world.path(".ssh/u_key"), "/home/bob/key".into()],
        certificates: vec![world.path(".ssh/u_key-cert.pub")],
        identities_only: true,
        use_agent: false,
        known_hosts: vec![world.path("kh"), "none2".into()],
        host_key_alias: Some("alias".to_owned()),
        hash_known_hosts: true,
        host_key_policy: HostKeyPolicy::Strict,
        connect_timeout: Duration::from_secs(7),
        keepalive_interval: Duration::ZERO,
        keepalive_count_max: 5,
        compression: true,
        ciphers: Some("aes128-ctr".to_owned()),
        address_family: Some(Family::V6),
        bind_address: Some("192.0.2.1".to_owned()),
        login_methods: vec![LoginMethod::Password],
        password_prompts: 1,
        batch_mode: true,
        ..HostProfile::new("u", "10.0.0.1", 2222)
    };
    assert_eq!(found, expected);
    assert_eq!(
        (found.known_hosts_name(), found.known_hosts_port()),
        ("alias", 22)
    );
}

#[test]
fn adits_own_options_are_read_kept_within_bounds_and_printed() {
    let defaults = World::new("").profile("h").unwrap();
    assert_eq!((defaults.max_sessions, defaults.opens_ahead), (4, true));
    for (lines, sessions, ahead, printed) in [
        ("AditSessions 1", 1, true, "aditsessions 1"),
        ("aditsessions=16", 16, true, "aditsessions 16"),
        ("AditSessions 3\nAditSessions 5", 3, true, "aditsessions 3"),
        ("AditOpenAhead no", 4, false, "aditopenahead no"),
        ("AditOpenAhead FALSE", 4, false, "aditopenahead no"),
        ("AditOpenAhead yes", 4, true, ""),
        ("Host other\nAditSessions 2\nAditOpenAhead no", 4, true, ""),
        (
            "IgnoreUnknown Adit*\nAditSessions 2",
            2,
            true,
            "aditsessions 2",
        ),
    ] {
        let world = World::new(lines);
        let found = world.profile("h").unwrap();
        assert_eq!(
            (found.max_sessions, found.opens_ahead),
            (sessions, ahead),
            "{lines}"
        );
        let all = world.resolve("h").unwrap().print();
        let own: Vec<&str> = all
            .lines()
            .filter(|line| line.starts_with("adit"))
            .collect();
        assert_eq!(own.join("\n"), printed, "{lines}");
    }
    for (lines, no_delay, printed) in [
        ("AditNoDelay yes", Some(true), "aditnodelay yes\n"),
        ("AditNoDelay no", Some(false), "aditnodelay no\n"),
        ("", None, ""),
    ] {
        let world = World::new(lines);
        assert_eq!(world.profile("h").unwrap().no_delay, no_delay, "{lines}");
        let all = world.resolve("h").unwrap().print();
        assert!(all.contains(printed), "{all}");
        assert_eq!(all.contains("aditnodelay"), no_delay.is_some(), "{all}");
    }
    for (line, problem) in [
        ("AditSessions 0", "'0' is not a whole number from 1 to 16"),
        ("AditSessions 17", "'17' is not a whole number from 1 to 16"),
        ("AditSessions -1", "'-1' is not a whole number from 1 to 16"),
        (
            "AditSessions many",
            "'many' is not a whole number from 1 to 16",
        ),
        ("AditSessions", "there is nothing after aditsessions"),
        ("AditSessions 2 3", "there is more than one value: '3'"),
        (
            "AditOpenAhead maybe",
            "'maybe' is not one of yes, true, no, false",
        ),
        ("AditOpenAhead", "there is nothing after aditopenahead"),
    ] {
        let error = World::new(&format!("User u\n{line}\n"))
            .resolve("h")
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("config, line 2: ") && text.ends_with(problem),
            "{text}"
        );
    }
}

/// Shortens the table above.
struct HostIdOf(&'static str);

impl From<HostIdOf> for crate::model::HostId {
    fn from(id: HostIdOf) -> Self {
        Self::new(id.0)
    }
}

#[test]
fn without_a_word_the_default_identities_that_exist_are_tried() {
    let world = World::new("");
    world.write(".ssh/id_ed25519", "");
    world.write(".ssh/id_rsa", "");
    let found = world.profile("h").unwrap();
    assert_eq!(
        found.identities,
        [world.path(".ssh/id_rsa"), world.path(".ssh/id_ed25519")]
    );
    assert_eq!(
        found.known_hosts,
        [
            world.path(".ssh/known_hosts"),
            world.path(".ssh/known_hosts2")
        ]
    );
    assert_eq!(
        found.global_known_hosts,
        [
            world.path("etc/ssh_known_hosts"),
            world.path("etc/ssh_known_hosts2")
        ]
    );
    assert!(found.use_agent && !found.identities_only);
    let defaults = HostProfile::new("me", "h", 22);
    assert_eq!(
        (found.connect_timeout, found.keepalive_interval),
        (defaults.connect_timeout, defaults.keepalive_interval)
    );
}

#[test]
fn jump_hosts_have_their_own_options() {
    let world = World::new(
        "Host target\n ProxyJump a,u@b:2201\nHost a\n HostName a.example\n Port 2200\n ProxyJump outer\nHost b\n HostName b.example\n \
         IdentityFile /b\n ProxyJump ignored\nHost outer\n ProxyCommand nc %h %p %r %n\nHost chain\n ProxyJump a\nHost none\n ProxyJump none\n",
    );
    let way = |host: &str| -> Vec<String> {
        let found = world.profile(host).unwrap();
        found.jumps.iter().map(HostProfile::login).collect()
    };
    assert_eq!(
        way("target"),
        ["me@outer", "me@a.example:2200", "u@b.example:2201"]
    );
    assert_eq!(way("chain"), ["me@outer", "me@a.example:2200"]);
    assert!(way("none").is_empty());
    let found = world.profile("target").unwrap();
    assert_eq!(
        found.jumps[0].proxy_command.as_deref(),
        Some("nc outer 22 me outer")
    );
    assert_eq!(found.jumps[2].identities, [PathBuf::from("/b")]);
    assert!(found.jumps.iter().all(|hop| hop.jumps.is_empty()));
}

#[test]
fn jump_hosts_in_a_circle_are_refused() {
    let world =
        World::new("Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost self\n ProxyJump self\n");
    for host in ["a", "self"] {
        let error = world.profile(host).unwrap_err();
        assert!(matches!(error, ConfigError::JumpLoop(_)), "{host}: {error}");
    }
}

#[test]
fn a_host_may_have_the_address_of_its_own_jump_host() {
    let world = World::new("Host *\n HostName 10.0.0.5\nHost inner\n ProxyJump outer\n");
    let jumps = world.profile("inner").unwrap().jumps;
    assert_eq!(jumps.len(), 1);
    assert_eq!(jumps[0].address, "10.0.0.5");
}

#[test]
fn what_cannot_be_honoured_is_said_once_with_its_place() {
    let world = World::new(
        "ForwardAgent yes\nForwardAgent yes\nForwardX11 no\nSendEnv LANG\nLogLevel DEBUG\nRemoteForward 9 h:9\nControlPath none\nUpdateHostKeys \"no\" # why\n\
         Host other\n  Tunnel yes\nMatch final\n  GSSAPIAuthentication yes\n",
    );
    world.write(
        "etc/ssh_config",
        "GSSAPIAuthentication yes\nGSSAPIDelegateCredentials yes\nPKCS11Provider /x.so\n",
    );
    let said = world.resolve("h").unwrap().unsupported;
    let told: Vec<String> = said.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = said.iter().map(|entry| entry.option).collect();
    assert_eq!(
        names,
        ["ForwardAgent", "RemoteForward", "PKCS11Provider"],
        "{told:?}"
    );
    let place = format!(
        "ForwardAgent yes ({}, line 1) is not honoured: ",
        world.path(".ssh/config").display()
    );
    assert!(told[0].starts_with(&place), "{told:?}");
}

#[test]
fn forwards_come_in_adits_own_terms() {
    let world = World::new(
        "LocalForward 8080 ui:80\nLocalForward localhost:1 h:2\nLocalForward myhost:3 h:4\nLocalForward /tmp/%h /run/s\n\
         DynamicForward 1080\nHost wide\n GatewayPorts yes\n",
    );
    let port = |address, port| LocalBind::Port { address, port };
    let found = world.resolve("h").unwrap().forwards();
    let forward = |local, destination| ForwardSpec { local, destination };
    assert_eq!(
        found.local,
        [
            forward(
                port(BindAddress::Localhost, 8080),
                Destination::tcp("ui", 80)
            ),
            forward(port(BindAddress::Localhost, 1), Destination::tcp("h", 2)),
            forward(
                LocalBind::Socket("/tmp/h".into()),
                Destination::Socket("/run/s".to_owned())
            ),
        ]
    );
    assert_eq!(found.dynamic, [port(BindAddress::Localhost, 1080)]);
    assert_eq!(found.unsupported.len(), 1);
    let wide = world.resolve("wide").unwrap().forwards();
    assert_eq!(wide.local[0].local, port(BindAddress::All, 8080));
    assert_eq!(wide.local[1].local, port(BindAddress::Localhost, 1));
}

#[test]
fn destinations() {
    for (text, user, host, port) in [
        ("h", None, "h", None),
        ("u@h", Some("u"), "h", None),
        ("a@b@h", Some("a@b"), "h", None),
        ("ssh://u@[fd00::1]:22", Some("u"), "fd00::1", Some(22)),
    ] {
        let query = Query::new(text).unwrap();
        assert_eq!(
            (query.user.as_deref(), &query.host[..], query.port),
            (user, host, port),
            "{text}"
        );
    }
    for text in [
        "",
        "@h",
        "u@",
        "-oProxyCommand=x",
        "ssh://",
        "ssh://h:0",
        "ssh://h/x",
    ] {
        assert!(Query::new(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_file_panics(text in ".{0,200}", lines in proptest::collection::vec("(Host|Match|Port|Include|LocalForward|ProxyJump|Ciphers|IdentityFile|User|IdentityAgent|CanonicalDomains|HostName)[ =\"]{1,2}[a-z0-9*!?,:@%${}~/\\[\\]\"'#+^-]{0,24}", 0..8)) {
        let world = World::new(&[text, lines.join("\n")].join("\n"));
        if let Ok(resolved) = world.resolve("h") {
            let _texts = (resolved.print(), resolved.forwards());
            let _profile = profile(&resolved, &world.environment, &mut Fake::default());
        }
    }

    #[test]
    fn no_argument_panics(text in ".*", host in ".*") {
        let world = World::new("");
        if let Ok(query) = Query::new(&host) {
            for argument in [Argument::Option(text.clone()), Argument::Port(text.clone()), Argument::Jump(text.clone()), Argument::LocalForward(text.clone()), Argument::Identity(text.clone())] {
                let query = query.clone().with([argument]);
                let _resolved = resolve(&query, &world.environment, &mut Fake::default());
            }
        }
    }
}

const WORDS: &[&str] = &[
    "Host ",
    "Match ",
    "exec \"yes\" ",
    "final ",
    "canonical ",
    "host ",
    "originalhost ",
    "user ",
    "Include ",
    "*",
    "!",
    "%h",
    "%%",
    "%d",
    "${HOME}",
    "\n",
    "=",
    "\"",
    "#",
    " ",
    "none",
    "yes",
    "ProxyJump ",
    "LocalForward ",
    "IdentityFile ",
    "Port ",
    "+",
    "-",
    "^",
    "[::1]:22",
];

proptest! {
    /// A spoiled file never panics, and what is made of it can be printed and read by a person.
    #[test]
    fn fuzz_ssh_config(text in crate::testing::spoiled(&["fixtures/ssh_config"], ".conf", &[WORDS])) {
        let world = World::new("");
        fs::write(world.path(".ssh/config"), &text).unwrap();
        for host in ["web.example", "db1"] {
            match world.resolve(host) {
                Ok(resolved) => {
                    prop_assert!(resolved.print().starts_with("host ") || resolved.print().contains("\nhost "));
                    let _profile = world.profile(host).map_err(|error| error.to_string());
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
