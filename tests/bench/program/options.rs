//! The words after `tests/bench/run`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use super::forwarder::Peer;
use super::scenarios::{Place, SCENARIOS};

/// What the bench is to do.
#[derive(Debug)]
pub(crate) struct Options {
    /// Fewer and shorter rounds.
    quick: bool,
    only: Vec<String>,
    rounds: Option<usize>,
    window: Option<Duration>,
    /// The columns: Adit, ssh, and what else was asked for.
    pub(crate) peers: Vec<Peer>,
    /// Where the JSON goes.
    pub(crate) json: Option<PathBuf>,
    /// A document whose table is replaced.
    pub(crate) document: Option<PathBuf>,
    /// Whether the names of the scenarios are all that is wanted.
    pub(crate) list: bool,
}

/// What `--help` prints.
pub(crate) const HELP: &str = "\
tests/bench/run [OPTIONS]: adit forward and ssh -N -L side by side

  --quick               fewer and shorter rounds: under two minutes, for a first look
  --only NAME,NAME      only these scenarios (--list prints them)
  --rounds COUNT        this many rounds of each
  --seconds SECONDS     how long each measurement counts
  --adit FILE           this program in place of the release build
  --adit-args 'WORDS'   more words for adit forward, such as '-c aes128-gcm@openssh.com'
  --ssh-args 'WORDS'    more words for ssh
  --peer ssh-gcm        one more column: ssh -c aes128-gcm@openssh.com
  --peer adit=FILE      one more column: another build of adit
  --json FILE           write every sample there
  --document FILE       put the table between the marks of this Markdown file
";

impl Options {
    /// Understands the command line; `words` begin after the program's name.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let (mut adit, mut adit_args, mut ssh_args) = ("adit".to_owned(), vec![], vec![]);
        let mut others = Vec::new();
        let mut options = Self {
            quick: false,
            only: Vec::new(),
            rounds: None,
            window: None,
            peers: Vec::new(),
            json: None,
            document: None,
            list: false,
        };
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} wants a value"))
            };
            match word.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--only" => options.only = names(&value()?)?,
                "--rounds" => options.rounds = Some(value()?.parse().context("--rounds")?),
                "--seconds" => options.window = Some(seconds(&value()?)?),
                "--adit" => adit = value()?,
                "--adit-args" => adit_args = split(&value()?),
                "--ssh-args" => ssh_args = split(&value()?),
                "--peer" => others.push(value()?),
                "--json" => options.json = Some(value()?.into()),
                "--document" => options.document = Some(value()?.into()),
                // cargo says this to every bench.
                "--bench" => {}
                _ => bail!("{word} is not known\n\n{HELP}"),
            }
        }
        options.peers = vec![
            peer("adit", &[&adit, "forward"], &adit_args),
            peer("ssh", &["ssh", "-N"], &ssh_args),
        ];
        for other in &others {
            options.peers.push(further(other, &adit_args, &ssh_args)?);
        }
        Ok(options)
    }

    /// What sort of run it is, for the table.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.quick, self.rounds, self.window) {
            (_, Some(_), _) | (_, _, Some(_)) => "of the person's own length",
            (true, None, None) => "quick",
            (false, None, None) => "full",
        }
    }

    /// Whether a scenario is to be done.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// How often a scenario is done.
    pub(crate) fn rounds(&self, name: &str, place: Place) -> usize {
        let (full, quick) = match (name, place) {
            ("start", _) => (15, 5),
            ("idle" | "stalled" | "neighbour", _) => (4, 1),
            (_, Place::Loopback) => (7, 3),
            (_, Place::Line { .. }) => (3, 1),
        };
        let usual = if self.quick { quick } else { full };
        self.rounds.unwrap_or(usual).max(1)
    }

    /// How long a scenario goes on before anything counts, and how long it counts.
    pub(crate) fn pace(&self, place: Place) -> (Duration, Duration) {
        let (warm, window) = match (self.quick, place) {
            (true, Place::Loopback) => (200, 500),
            (false, Place::Loopback) => (300, 1000),
            // TCP's window takes a dozen round trips until it is as wide as the line is long.
            (true, Place::Line { round_trip_ms, .. }) => (20 * round_trip_ms, 1500),
            (false, Place::Line { round_trip_ms, .. }) => (25 * round_trip_ms, 3000),
        };
        let window = self.window.unwrap_or(Duration::from_millis(window));
        (Duration::from_millis(warm), window)
    }
}

fn peer(name: &str, command: &[&str], extra: &[String]) -> Peer {
    Peer {
        name: name.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        extra: extra.to_vec(),
    }
}

fn further(name: &str, adit_args: &[String], ssh_args: &[String]) -> anyhow::Result<Peer> {
    match name.split_once('=') {
        None if name == "ssh-gcm" => {
            let cipher = ["-c".to_owned(), "aes128-gcm@openssh.com".to_owned()];
            let extra: Vec<String> = ssh_args.iter().cloned().chain(cipher).collect();
            Ok(peer(name, &["ssh", "-N"], &extra))
        }
        Some(("adit", file)) => Ok(peer("other adit", &[file, "forward"], adit_args)),
        _ => bail!("--peer takes ssh-gcm or adit=FILE, not {name}"),
    }
}

fn names(list: &str) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = split(&list.replace(',', " "));
    for name in &names {
        if !SCENARIOS.iter().any(|scenario| scenario.name == name) {
            bail!("there is no scenario {name}: --list prints them");
        }
    }
    Ok(names)
}

fn seconds(text: &str) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(text.parse().context("--seconds")?).context("--seconds")
}

fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}
