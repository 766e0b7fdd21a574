//! What each option of ssh(1) means for a host that is saved and the tunnels through it.

use crate::model::words::{Words, words};

/// What becomes of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Adit works like this anyway, or it makes no difference to forwarding.
    Quiet,
    /// The same, with a value.
    QuietValue,
    /// It is not taken over, for this reason.
    LeftOut(Words),
    /// The same, with a value.
    LeftOutValue(Words),
    /// An option of ssh_config with its value.
    Set(&'static str),
    /// An option of ssh_config that has this one's value.
    SetValue(&'static str),
    /// `-L`.
    Forward,
    /// `-i`.
    Identity,
    /// `-l`.
    User,
    /// `-p`.
    Port,
    /// `-J`.
    Jump,
    /// `-o`.
    Option,
}

impl Meaning {
    pub(super) const fn takes_value(&self) -> bool {
        !matches!(self, Self::Quiet | Self::LeftOut(_) | Self::Set(_))
    }
}

fn no_sharing() -> Words {
    words!("Adit keeps connections of its own and does not share those of ssh")
}

/// What the option means; none where ssh (OpenSSH 9.9) has no such option. autossh takes a port by `-M`, and needs none here.
pub(super) fn meaning(flag: char, is_autossh: bool) -> Option<Meaning> {
    use Meaning::{LeftOut, LeftOutValue, Quiet, Set, SetValue};
    Some(match flag {
        'M' if is_autossh => Meaning::QuietValue,
        'L' => Meaning::Forward,
        'i' => Meaning::Identity,
        'l' => Meaning::User,
        'p' => Meaning::Port,
        'J' => Meaning::Jump,
        'o' => Meaning::Option,
        'C' => Set("Compression=yes"),
        '4' => Set("AddressFamily=inet"),
        '6' => Set("AddressFamily=inet6"),
        'c' => SetValue("Ciphers"),
        'm' => SetValue("MACs"),
        'b' => SetValue("BindAddress"),
        // No session is opened on the host, so what is about one changes nothing.
        'a' | 'f' | 'k' | 'N' | 'n' | 'q' | 'T' | 't' | 'v' | 'x' | 'y' => Quiet,
        'e' | 'E' => Meaning::QuietValue,
        'A' | 'X' | 'Y' => LeftOut(words!("no session is opened on the host")),
        'g' => LeftOut(words!(
            "Adit listens on this computer only; a forward that names an address does not"
        )),
        'K' => LeftOut(words!("Adit cannot log in with Kerberos")),
        'M' => LeftOut(no_sharing()),
        'G' => LeftOut(words!("it only prints the configuration")),
        's' => LeftOut(words!("Adit runs nothing on the host")),
        'V' => LeftOut(words!("it only prints ssh's version")),
        'B' => LeftOutValue(words!("the system chooses the interface")),
        'D' => LeftOutValue(words!(
            "`adit forward -D` is a SOCKS proxy; here each port is a tunnel of its own"
        )),
        'F' => LeftOutValue(words!("saved hosts follow ~/.ssh/config")),
        'I' => LeftOutValue(words!(
            "a PKCS#11 token is reached through ssh-agent: ssh-add -s"
        )),
        'O' | 'S' => LeftOutValue(no_sharing()),
        'P' => LeftOutValue(words!("Adit knows no tags")),
        'Q' => LeftOutValue(words!("it only asks what ssh supports")),
        'R' => LeftOutValue(words!(
            "Adit forwards from this computer to the host's side only"
        )),
        'W' => LeftOutValue(words!("Adit forwards ports, not its standard input")),
        'w' => LeftOutValue(words!("Adit makes no tunnel devices")),
        _ => return None,
    })
}
