//! `adit forward`: ssh's own options, as people type them.

use std::path::PathBuf;

use clap::Args;

use super::destination::Login;
use super::foreign::ForeignArgs;
use super::host_query::{ConfigFile, HostQuery};
use super::options;
use crate::model::{ForwardSpec, ParseForwardError};

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::doc_markdown,
    reason = "these are ssh's flags, and the words are shown as help"
)]
#[command(
    override_usage = "adit forward [OPTIONS] -L FORWARD... [USER@]HOST",
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
    pub(super) local: Vec<ForwardSpec>,
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
    #[arg(short = 'o', value_name = "KEY=VALUE", value_parser = options::parse)]
    pub(super) option: Vec<(String, String)>,
    /// Ciphers, in order of preference
    #[arg(short = 'c', value_name = "LIST")]
    pub(super) ciphers: Option<String>,
    /// MACs, in order of preference
    #[arg(short = 'm', value_name = "LIST")]
    pub(super) macs: Option<String>,
    /// Ask for compression
    #[arg(short = 'C')]
    pub(super) compress: bool,
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

/// What `adit forward` was asked to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForwardPlan {
    /// The host.
    pub(super) host: HostQuery,
    /// What to forward; never empty.
    pub(super) forwards: Vec<ForwardSpec>,
    /// Whether one forward that fails leaves the others alone.
    pub(super) keep_going: bool,
    /// Whether questions may be asked in the terminal.
    pub(super) may_ask: bool,
    /// Lines about options that make no difference.
    pub(super) notes: Vec<String>,
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
        let mut notes = self.foreign.judge()?;
        let host = self.host_query()?;
        let mut ineffective = Vec::new();
        for (key, _) in &self.option {
            if !options::judge(key)? {
                ineffective.push(key.as_str());
            }
        }
        if !ineffective.is_empty() {
            notes.push(format!(
                "these options make no difference here: {}",
                ineffective.join(", ")
            ));
        }
        let forwards = self.forwards(&host)?;
        Ok(ForwardPlan {
            keep_going: !host.flag("exitonforwardfailure", true)?,
            may_ask: !host.flag("batchmode", false)?,
            host,
            forwards,
            notes,
        })
    }

    fn forwards(&self, host: &HostQuery) -> Result<Vec<ForwardSpec>, String> {
        let mut forwards = self.local.clone();
        for text in host.all("localforward") {
            let forward = text
                .parse()
                .map_err(|error: ParseForwardError| error.to_string())?;
            forwards.push(forward);
        }
        if forwards.is_empty() {
            return Err(
                "there is nothing to forward: name at least one, as in -L 8080:10.0.0.241:80"
                    .to_owned(),
            );
        }
        Ok(forwards)
    }

    /// Everything about the host, as ssh_config's keywords: what ssh makes of its flags too. The first value of a keyword
    /// wins, so the flags, which ssh lets win over `-o`, come first.
    fn host_query(&self) -> Result<HostQuery, String> {
        let login = Login::of_ssh(&self.host)?;
        let mut query = HostQuery::new(&login.host);
        query.push("user", self.login.clone().or(login.user));
        query.push(
            "port",
            self.port.or(login.port).map(|port| port.to_string()),
        );
        for identity in &self.identity {
            let path = identity
                .to_str()
                .ok_or_else(|| format!("the path {} is not UTF-8", identity.display()))?;
            query.push("identityfile", Some(path.to_owned()));
        }
        query.push("proxyjump", self.jump.clone());
        query.push("ciphers", self.ciphers.clone());
        query.push("macs", self.macs.clone());
        query.push("compression", self.compress.then(|| "yes".to_owned()));
        query.options.extend(self.option.iter().cloned());
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

    #[test]
    fn commands_as_people_type_them_are_understood() {
        let plan = parse("-L 8080:10.0.0.241:80 ubuntu@host -i key.pem").unwrap();
        assert_eq!(plan.host.host, "host");
        assert_eq!(plan.host.first("user"), Some("ubuntu"));
        assert_eq!(plan.host.first("identityfile"), Some("key.pem"));
        assert_eq!(plan.forwards, ["8080:10.0.0.241:80".parse().unwrap()]);
        assert!(plan.may_ask && !plan.keep_going);

        let typed = args("-fN -i key.pem -L8080:a:80 -p2222 -vv -L 9090:b:90 -l me host").unwrap();
        assert!(typed.background && typed.verbose == 2);
        let plan = typed.plan().unwrap();
        assert_eq!(plan.forwards.len(), 2);
        assert_eq!(plan.host.first("port"), Some("2222"));
        assert_eq!(plan.host.first("user"), Some("me"));
        assert_eq!(plan.notes, Vec::<String>::new());

        let plan = parse(
            "-NTfq -J a,b@c:2 ssh://u@host:23 -o BatchMode=yes -o ExitOnForwardFailure=no -L 1:a:2",
        )
        .unwrap();
        assert_eq!(plan.host.first("proxyjump"), Some("a,b@c:2"));
        assert_eq!(plan.host.first("port"), Some("23"));
        assert!(!plan.may_ask && plan.keep_going);

        let plan = parse("-o LocalForward=8080:a:80 -F none -C host").unwrap();
        assert_eq!(plan.forwards, ["8080:a:80".parse().unwrap()]);
        assert_eq!(plan.host.config, ConfigFile::None);
        assert_eq!(plan.host.first("compression"), Some("yes"));
    }

    #[test]
    fn flags_win_over_options_and_the_first_option_wins() {
        let plan = parse("-o Port=1 -o port=2 -L 1:a:2 -p 3 h -o User=x").unwrap();
        assert_eq!(plan.host.first("port"), Some("3"));
        let plan = parse("-o Port=1 -o port=2 -L 1:a:2 h").unwrap();
        assert_eq!(plan.host.first("port"), Some("1"));
    }

    #[test]
    fn options_without_effect_are_named_in_few_lines() {
        let plan = parse("-A -o SendEnv=LANG -o TCPKeepAlive=yes -L 1:a:2 h").unwrap();
        assert_eq!(
            plan.notes,
            [
                "-A makes no difference: no session is opened on the host",
                "these options make no difference here: sendenv, tcpkeepalive"
            ]
        );
    }

    #[test]
    fn what_cannot_be_taken_is_refused_by_name() {
        for (line, part) in [
            ("h", "nothing to forward"),
            ("-L 1:a:2", "HOST"),
            ("-L 1:a:2 h uptime -p", "'uptime' would be a command"),
            ("-L 1:a:2 h -- uptime", "'uptime' would be a command"),
            ("-L 1:a:2 -D 1080 h", "-D"),
            ("-L 1:a:2 -R 1:a:2 h", "-R"),
            ("-L 1:a:2 -W a:1 h", "-W"),
            ("-L 1:a:2 -g h", "-g"),
            ("-L nonsense h", "not a local forward"),
            ("-L 1:a:2 -p 0 h", "0"),
            ("-L 1:a:2 -o Nonsense=1 h", "Nonsense"),
            ("-L 1:a:2 -o ProxyCommand=nc h", "ProxyCommand"),
            ("-L 1:a:2 -o BatchMode=perhaps h", "batchmode"),
            ("-L 1:a:2 u@", "host's name is empty"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
