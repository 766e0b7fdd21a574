//! Options of ssh(1) that Adit does not have: each is accepted because it makes no difference to forwarding, or refused by
//! name with the reason. None is dropped without a word that could matter.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Adit behaves like this anyway.
    AsAlways,
    /// It changes nothing here; said in a line.
    NoEffect(&'static str),
    /// It asks for something that Adit does not do.
    Refused(&'static str),
}

struct Foreign {
    /// Its letter, which is also what clap knows it by.
    flag: &'static str,
    takes_value: bool,
    standing: Standing,
}

const NO_SESSION: &str = "no session is opened on the host";
const NO_SHARING: &str =
    "Adit shares no connection with ssh; it prints its process id, and ends with `kill PID`";
const NO_REVERSE: &str = "Adit forwards local ports to the host's side (-L, -D) only";

const fn flag(flag: &'static str, standing: Standing) -> Foreign {
    Foreign {
        flag,
        takes_value: false,
        standing,
    }
}

const fn valued(flag: &'static str, standing: Standing) -> Foreign {
    Foreign {
        flag,
        takes_value: true,
        standing,
    }
}

/// Every option in ssh(1) of OpenSSH 9.9 that `ForwardArgs` does not have itself.
const TABLE: &[Foreign] = &[
    flag("a", Standing::AsAlways),
    flag("k", Standing::AsAlways),
    flag("N", Standing::AsAlways),
    flag("n", Standing::AsAlways),
    flag("T", Standing::AsAlways),
    flag("x", Standing::AsAlways),
    flag("A", Standing::NoEffect(NO_SESSION)),
    valued("e", Standing::NoEffect(NO_SESSION)),
    flag("t", Standing::NoEffect(NO_SESSION)),
    flag("X", Standing::NoEffect(NO_SESSION)),
    flag("Y", Standing::NoEffect(NO_SESSION)),
    flag(
        "y",
        Standing::NoEffect("set ADIT_LOG and redirect stderr for a log"),
    ),
    flag("K", Standing::NoEffect("Kerberos is not used")),
    valued(
        "B",
        Standing::Refused(
            "Adit leaves the choice of the interface to the system; -b names an address",
        ),
    ),
    valued("E", Standing::Refused("redirect stderr for a log: 2>FILE")),
    valued(
        "I",
        Standing::Refused("a PKCS#11 token is reached through ssh-agent: ssh-add -s"),
    ),
    flag("M", Standing::Refused(NO_SHARING)),
    valued("O", Standing::Refused(NO_SHARING)),
    valued("P", Standing::Refused("Adit knows no tags")),
    valued(
        "Q",
        Standing::Refused("it asks ssh what it supports: run `ssh -Q`"),
    ),
    valued("R", Standing::Refused(NO_REVERSE)),
    valued("S", Standing::Refused(NO_SHARING)),
    flag("s", Standing::Refused("Adit runs nothing on the host")),
    flag("V", Standing::Refused("use `adit --version`")),
    valued(
        "W",
        Standing::Refused("Adit forwards ports, not its standard input"),
    ),
    valued("w", Standing::Refused("Adit makes no tunnel devices")),
];

/// The options that were given and that Adit does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ForeignArgs {
    given: Vec<&'static str>,
}

impl ForeignArgs {
    /// One line for each option that makes no difference.
    ///
    /// # Errors
    /// A sentence about the first option that is refused.
    pub(super) fn judge(&self) -> Result<Vec<String>, String> {
        let mut notes = Vec::new();
        for given in self.table() {
            match given.standing {
                Standing::AsAlways => {}
                Standing::NoEffect(why) => {
                    notes.push(format!("-{} makes no difference: {why}", given.flag));
                }
                Standing::Refused(why) => {
                    return Err(format!("ssh's option -{} is not taken: {why}", given.flag));
                }
            }
        }
        Ok(notes)
    }

    fn table(&self) -> impl Iterator<Item = &'static Foreign> {
        TABLE
            .iter()
            .filter(|foreign| self.given.contains(&foreign.flag))
    }
}

impl FromArgMatches for ForeignArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let was_given = |foreign: &&Foreign| {
            if foreign.takes_value {
                matches.contains_id(foreign.flag)
            } else {
                matches.get_count(foreign.flag) > 0
            }
        };
        let given = TABLE.iter().filter(was_given).map(|foreign| foreign.flag);
        Ok(Self {
            given: given.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for ForeignArgs {
    fn augment_args(command: Command) -> Command {
        TABLE.iter().fold(command, |command, foreign| {
            let action = if foreign.takes_value {
                ArgAction::Append
            } else {
                ArgAction::Count
            };
            command.arg(
                Arg::new(foreign.flag)
                    .short(foreign.flag.chars().next())
                    .action(action)
                    .hide(true),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_accepted_noted_or_refused() {
        let judge = |given: &[&'static str]| {
            ForeignArgs {
                given: given.to_vec(),
            }
            .judge()
        };
        assert_eq!(judge(&["N", "T", "x"]), Ok(Vec::new()));
        let notes = judge(&["A", "N"]).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("-A makes no difference"), "{notes:?}");
        let refused = judge(&["A", "R"]).unwrap_err();
        assert!(
            refused.contains("-R") && refused.contains("local ports"),
            "{refused}"
        );
    }
}
