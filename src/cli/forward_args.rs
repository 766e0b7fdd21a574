//! `adit forward`: ssh's own options, as people type them.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::foreign::ForeignArgs;
use super::host::ResolvedHost;
use super::host_query::{ConfigFile, HostOption, HostQuery};
use crate::model::{ForwardSpec, LocalBind, Login, ParseForwardError, Target};

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::doc_markdown,
    reason = "these are ssh's flags, and the words are shown as help"
)]
#[command(
    override_usage = "adit forward [OPTIONS] -L FORWARD... [-D [BIND_ADDRESS:]PORT] [USER@]HOST",
    after_help = "The command you already type, with `adit forward` for `ssh`:\n  \
                  adit forward -fN -i key.pem -L 8080:10.0.0.241:80 ubuntu@203.0.113.7\n\n\
                  -N, -n, -T, -a, -k and -x are taken and are how Adit always works. A forward that cannot be made ends the \
                  command (ssh's ExitOnForwardFailure=yes), unless -o ExitOnForwardFailure=no is given."
)]
pub(super) struct ForwardArgs {
    /// What to forward.
    #[arg(
        short = 'L',
        value_name = "FORWARD",
        help = "Listen here and forward to there: [BIND_ADDRESS:]PORT:HOST:HOSTPORT, or sockets' paths (may be repeated)"
    )]
    pub(super) local: Vec<LocalForward>,
    #[arg(
        short = 'D',
        value_name = "LISTEN",
        help = "Listen here for SOCKS 4, 4a and 5, as a proxy into the host's network: [BIND_ADDRESS:]PORT (may be repeated)"
    )]
    pub(super) dynamic: Vec<String>,
    /// A private key to log in with (may be repeated)
    #[arg(short = 'i', value_name = "FILE")]
    pub(super) identity: Vec<PathBuf>,
    /// The SSH port
    #[arg(short = 'p', value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// The user to log in as
    #[arg(short = 'l', value_name = "USER")]
    pub(super) login: Option<String>,
    /// Go through these hosts, comma-separated, nearest first
    #[arg(short = 'J', value_name = "[USER@]HOST[:PORT]")]
    pub(super) jump: Option<String>,
    /// Read this in place of ~/.ssh/config ('none': read neither)
    #[arg(short = 'F', value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// An option as ssh_config(5) has it (may be repeated)
    #[arg(short = 'o', value_name = "KEY=VALUE", value_parser = option)]
    pub(super) option: Vec<String>,
    /// Ciphers, in order of preference
    #[arg(short = 'c', value_name = "LIST")]
    pub(super) ciphers: Option<String>,
    /// MACs, in order of preference
    #[arg(short = 'm', value_name = "LIST")]
    pub(super) macs: Option<String>,
    /// Ask for compression
    #[arg(short = 'C')]
    pub(super) compress: bool,
    /// Let other computers in, where a forward names no address to listen on
    #[arg(short = 'g')]
    pub(super) gateway: bool,
    /// Connect from this address of this computer
    #[arg(short = 'b', value_name = "ADDRESS")]
    pub(super) bind: Option<String>,
    /// Use IPv4 only
    #[arg(short = '4', overrides_with = "ipv6")]
    pub(super) ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    pub(super) ipv6: bool,
    /// Print how the host is resolved, as ssh -G does, and connect to nothing
    #[arg(short = 'G')]
    pub(super) print: bool,
    /// Go to the background once the forwards stand
    #[arg(short = 'f')]
    pub(super) background: bool,
    /// Log what is done on stderr (twice and three times: more)
    #[arg(short = 'v', action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing on stderr but the reason of a failure
    #[arg(short = 'q')]
    pub(super) quiet: bool,
    /// Print one JSON object a line on stdout, as docs/json.md describes
    #[arg(long)]
    pub(super) json: bool,
    /// Set by Adit itself for the process that goes to the background.
    #[arg(long, hide = true)]
    pub(super) detached: bool,
    #[command(flatten)]
    pub(super) foreign: ForeignArgs,
    /// The SSH host.
    #[arg(
        value_name = "HOST",
        help = "The SSH host: [USER@]HOST or ssh://[USER@]HOST[:PORT]"
    )]
    pub(super) host: String,
    /// A command for the host: refused.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<String>,
}

/// `-L`, known to make sense, and as it was typed: what an address left out means is for ssh_config to say.
#[derive(Clone, Debug)]
pub(super) struct LocalForward(String);

impl FromStr for LocalForward {
    type Err = ParseForwardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ForwardSpec>()
            .map(|_forward| Self(text.to_owned()))
    }
}

/// `-o`: that it has a key and a value. The rest is for ssh_config to know.
fn option(text: &str) -> Result<String, String> {
    let text = text.trim();
    let key = text.split(|c: char| c == '=' || c.is_whitespace()).next();
    let key = key.unwrap_or_default();
    let value = text[key.len()..].trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    if key.is_empty() || value.is_empty() {
        return Err(format!("'{text}' is not KEY=VALUE"));
    }
    Ok(text.to_owned())
}

/// What `adit forward` was asked to do, before ssh_config is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForwardPlan {
    /// The host.
    pub(super) host: HostQuery,
    /// Lines about options that make no difference.
    pub(super) notes: Vec<String>,
}

/// The forwards to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forwards {
    /// Never empty.
    pub(super) list: Vec<Forward>,
    /// Whether one that fails leaves the others alone.
    pub(super) keep_going: bool,
}

/// One forward to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forward {
    /// Where it listens.
    pub(super) local: LocalBind,
    /// What it leads to.
    pub(super) target: Target,
}

impl From<ForwardSpec> for Forward {
    fn from(spec: ForwardSpec) -> Self {
        Self {
            local: spec.local,
            target: Target::Fixed(spec.destination),
        }
    }
}

impl Forwards {
    /// Those of a host that was resolved.
    ///
    /// # Errors
    /// A sentence, where there are none.
    pub(super) fn of(resolved: &ResolvedHost) -> Result<Self, String> {
        let dynamic = resolved.dynamic.iter().map(|local| Forward {
            local: local.clone(),
            target: Target::Dynamic,
        });
        let fixed = resolved.forwards.iter().cloned().map(Forward::from);
        let list: Vec<Forward> = fixed.chain(dynamic).collect();
        if list.is_empty() {
            return Err(
                "there is nothing to forward: name at least one, as in -L 8080:10.0.0.241:80 or -D 1080, or as LocalForward or \
                 DynamicForward in ssh_config (ClearAllForwardings drops them all)"
                    .to_owned(),
            );
        }
        Ok(Self {
            list,
            keep_going: resolved.exit_on_forward_failure == Some(false),
        })
    }
}

impl ForwardArgs {
    /// Makes sense of the options.
    ///
    /// # Errors
    /// A sentence about the first that cannot be taken.
    pub(super) fn plan(&self) -> Result<ForwardPlan, String> {
        if let Some(command) = self.command.first() {
            return Err(format!(
                "'{command}' would be a command for the host, and Adit runs nothing there: it forwards ports only. Leave it out, \
                 or use ssh for it"
            ));
        }
        Ok(ForwardPlan {
            notes: self.foreign.judge()?,
            host: self.host_query()?,
        })
    }

    /// Everything about the host, as ssh's options: what ssh makes of its flags too. The first one wins, so the flags come
    /// first.
    fn host_query(&self) -> Result<HostQuery, String> {
        let login = Login::of_ssh(&self.host)?;
        let mut query = HostQuery::new(&login.host);
        query.push(HostOption::User, self.login.clone().or(login.user));
        query.push(HostOption::Port, self.port.or(login.port));
        for identity in &self.identity {
            query.add_identity(identity)?;
        }
        query.push(HostOption::Jump, self.jump.clone());
        query.set("Ciphers", self.ciphers.as_deref());
        query.set("MACs", self.macs.as_deref());
        query.set("Compression", self.compress.then_some("yes"));
        query.set("GatewayPorts", self.gateway.then_some("yes"));
        query.set("BindAddress", self.bind.as_deref());
        query.set("AddressFamily", self.ipv4.then_some("inet"));
        query.set("AddressFamily", self.ipv6.then_some("inet6"));
        let forwards = self.local.iter();
        query
            .options
            .extend(forwards.map(|forward| HostOption::LocalForward(forward.0.clone())));
        let dynamic = self.dynamic.iter().cloned();
        query
            .options
            .extend(dynamic.map(HostOption::DynamicForward));
        let options = self.option.iter().cloned();
        query.options.extend(options.map(HostOption::Option));
        query.config = match &self.config {
            None => ConfigFile::Default,
            Some(path) if path.as_os_str() == "none" => ConfigFile::None,
            Some(path) => ConfigFile::File(path.clone()),
        };
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};

    fn parse(line: &str) -> Result<ForwardPlan, String> {
        args(line)?.plan()
    }

    fn args(line: &str) -> Result<ForwardArgs, String> {
        let words = ["adit", "forward"]
            .into_iter()
            .chain(line.split(' '))
            .filter(|word| !word.is_empty());
        match Cli::try_parse_from(words)
            .map_err(|error| error.to_string())?
            .command
        {
            Some(Cmd::Forward(args)) => Ok(*args),
            other => Err(format!("{other:?}")),
        }
    }

    fn options(line: &str) -> Vec<HostOption> {
        parse(line).unwrap().host.options
    }

    fn set(text: &str) -> HostOption {
        HostOption::Option(text.to_owned())
    }

    #[test]
    fn commands_as_people_type_them_are_understood() {
        let plan = parse("-L 8080:10.0.0.241:80 ubuntu@host -i key.pem").unwrap();
        assert_eq!(plan.host.host, "host");
        let user = HostOption::User("ubuntu".to_owned());
        let key = HostOption::Identity("key.pem".to_owned());
        let forward = HostOption::LocalForward("8080:10.0.0.241:80".to_owned());
        assert_eq!(plan.host.options, [user, key, forward]);

        let typed = args("-fN -i key.pem -L8080:a:80 -p2222 -vv -L 9090:b:90 -l me host").unwrap();
        assert!(typed.background && typed.verbose == 2);
        let plan = typed.plan().unwrap();
        assert!(plan.host.options.contains(&HostOption::Port(2222)));
        let user = HostOption::User("me".to_owned());
        assert!(plan.host.options.contains(&user));
        assert_eq!(plan.notes, Vec::<String>::new());

        let given = options("-NTfq -J a,b@c:2 ssh://u@host:23 -o BatchMode=yes -4g -b ::1 -F none");
        let jump = HostOption::Jump("a,b@c:2".to_owned());
        assert!(given.contains(&jump) && given.contains(&HostOption::Port(23)));
        for text in [
            "BatchMode=yes",
            "AddressFamily=inet",
            "GatewayPorts=yes",
            "BindAddress=::1",
        ] {
            assert!(given.contains(&set(text)), "{text}: {given:?}");
        }
        assert_eq!(parse("-F none h").unwrap().host.config, ConfigFile::None);
        let socks = HostOption::DynamicForward("127.0.0.1:1080".to_owned());
        assert!(options("-D127.0.0.1:1080 h").contains(&socks));
        assert!(options("-C h").contains(&set("Compression=yes")));
    }

    #[test]
    fn flags_come_before_options() {
        let given = options("-o Port=1 -p 3 h -o User=x");
        assert_eq!(
            given,
            [HostOption::Port(3), set("Port=1"), set("User=x")],
            "the first one wins"
        );
    }

    #[test]
    fn flags_without_effect_are_named() {
        let plan = parse("-A -L 1:a:2 h").unwrap();
        assert_eq!(
            plan.notes,
            ["-A makes no difference: no session is opened on the host"]
        );
    }

    #[test]
    fn what_cannot_be_taken_is_refused_by_name() {
        for (line, part) in [
            ("-L 1:a:2", "HOST"),
            ("-L 1:a:2 h uptime -p", "'uptime' would be a command"),
            ("-L 1:a:2 h -- uptime", "'uptime' would be a command"),
            ("-L 1:a:2 -R 1:a:2 h", "-R"),
            ("-L 1:a:2 -W a:1 h", "-W"),
            ("-L nonsense h", "not a local forward"),
            ("-L 1:a:2 -p 0 h", "0"),
            ("-L 1:a:2 -o Nonsense h", "not KEY=VALUE"),
            ("-L 1:a:2 u@", "host's name is empty"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn nothing_to_forward_is_said() {
        let mut resolved = ResolvedHost {
            profile: crate::model::HostProfile::new("u", "h", 22),
            forwards: Vec::new(),
            dynamic: Vec::new(),
            exit_on_forward_failure: None,
            notes: Vec::new(),
        };
        let error = Forwards::of(&resolved).unwrap_err();
        assert!(error.contains("nothing to forward"), "{error}");
        resolved.forwards = vec!["1:a:2".parse().unwrap()];
        assert!(!Forwards::of(&resolved).unwrap().keep_going);
        resolved.dynamic = vec![LocalBind::loopback(1080)];
        let list = Forwards::of(&resolved).unwrap().list;
        assert_eq!(list[1].target, Target::Dynamic);
        resolved.exit_on_forward_failure = Some(false);
        assert!(Forwards::of(&resolved).unwrap().keep_going);
    }
}
