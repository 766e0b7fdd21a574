//! Windows' rights to a key file, judged as Win32-OpenSSH does: its owner, the system and the administrators may have any,
//! nobody else.
//!
//! The list is read as SDDL, by `icacls /save`, because that is the same in every language of Windows. Pure but for the two
//! functions that run a program; those are compiled everywhere and used on Windows alone.

use std::io;
use std::path::Path;
use std::process::Command;

/// Who may have rights: the system and the administrators, as SDDL abbreviates them and in full.
const TRUSTED: [&str; 4] = ["SY", "BA", "S-1-5-18", "S-1-5-32-544"];

/// The abbreviations of SDDL for those that are met on files, with their numbers and names.
const WELL_KNOWN: [(&str, &str, &str); 7] = [
    ("WD", "S-1-1-0", "Everyone"),
    ("BU", "S-1-5-32-545", "Users"),
    ("AU", "S-1-5-11", "Authenticated Users"),
    ("BG", "S-1-5-32-546", "Guests"),
    ("IU", "S-1-5-4", "Interactive"),
    ("PU", "S-1-5-32-547", "Power Users"),
    ("CO", "S-1-3-0", "Creator Owner"),
];

/// The accounts and groups that an access list in SDDL gives rights to, besides `own` and the trusted ones.
///
/// An entry is `(type;flags;rights;object;inherited object;account)`; only those of the type `A`, allowed, give any.
pub(super) fn others(sddl: &str, own: &str) -> Vec<String> {
    let Some((_, list)) = sddl.split_once("D:") else {
        return Vec::new();
    };
    // A system access list, about auditing, may follow.
    let list = list.split_once(")S:").map_or(list, |(list, _)| list);
    let mut others: Vec<String> = Vec::new();
    for entry in list.split('(').skip(1) {
        let entry = entry.split(')').next().unwrap_or_default();
        let fields: Vec<&str> = entry.split(';').collect();
        let (Some(&kind), Some(&account)) = (fields.first(), fields.get(5)) else {
            continue;
        };
        let trusted = account == own || TRUSTED.contains(&account);
        if kind.starts_with('A') && !trusted && !others.iter().any(|other| other == account) {
            others.push(account.to_owned());
        }
    }
    others
}

/// An account of an access list by a name that a person knows.
pub(super) fn name(account: &str) -> String {
    let known = WELL_KNOWN
        .iter()
        .find(|(short, number, _)| *short == account || *number == account);
    known.map_or_else(|| account.to_owned(), |(_, _, name)| (*name).to_owned())
}

/// The arguments of icacls that leave `own` alone with the rights to a file.
pub(super) fn mending(own: &str, others: &[String]) -> Vec<String> {
    let mut arguments = vec![
        "/inheritance:r".to_owned(),
        "/grant:r".to_owned(),
        format!("*{own}:F"),
    ];
    for other in others {
        let known = WELL_KNOWN.iter().find(|(short, _, _)| short == other);
        let number = known.map_or(other.as_str(), |(_, number, _)| number);
        arguments.extend(["/remove".to_owned(), format!("*{number}")]);
    }
    arguments
}

/// The number of the account that this program runs as: the second column of `whoami /user` as CSV.
#[cfg_attr(not(windows), expect(dead_code, reason = "used on Windows"))]
pub(super) fn own_account() -> io::Result<String> {
    let output = Command::new("whoami")
        .args(["/user", "/fo", "csv", "/nh"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    account_of(&text).ok_or_else(|| io::Error::other("whoami does not say whose account this is"))
}

fn account_of(csv: &str) -> Option<String> {
    let number = csv.trim().rsplit(',').next()?.trim_matches('"');
    number.starts_with("S-1-").then(|| number.to_owned())
}

/// The access list of `path` in SDDL. It goes through a file, which icacls writes in UTF-16.
#[cfg_attr(not(windows), expect(dead_code, reason = "used on Windows"))]
pub(super) fn read(path: &Path, scratch: &Path) -> io::Result<String> {
    let saved = Command::new("icacls")
        .arg(path)
        .arg("/save")
        .arg(scratch)
        .output()?;
    let bytes = std::fs::read(scratch);
    std::fs::remove_file(scratch)?;
    if !saved.status.success() {
        return Err(io::Error::other("icacls cannot read the access list"));
    }
    Ok(utf16(&bytes?))
}

fn utf16(bytes: &[u8]) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// Runs icacls on `path`.
#[cfg_attr(not(windows), expect(dead_code, reason = "used on Windows"))]
pub(super) fn change(path: &Path, arguments: &[String]) -> io::Result<()> {
    let output = Command::new("icacls").arg(path).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(words.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn only_allowed_rights_of_others_count() {
        let loose = format!(
            "key.pem\r\nD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(D;;FR;;;WD)(A;;FA;;;{OWN})(A;;FR;;;BU)"
        );
        assert_eq!(others(&loose, OWN), ["BU"]);
        let tight = format!("key.pem\r\nD:PAI(A;;FA;;;{OWN})S:AI(AU;SA;FA;;;WD)");
        assert_eq!(others(&tight, OWN), Vec::<String>::new());
        assert_eq!(others("garbled", OWN), Vec::<String>::new());
        assert_eq!(name("BU"), "Users");
        assert_eq!(name("S-1-5-21-9"), "S-1-5-21-9");
    }

    #[test]
    fn mending_names_accounts_by_number() {
        let arguments = mending(OWN, &["BU".to_owned(), "S-1-5-21-9".to_owned()]);
        assert_eq!(
            arguments.join(" "),
            format!("/inheritance:r /grant:r *{OWN}:F /remove *S-1-5-32-545 /remove *S-1-5-21-9")
        );
    }

    #[test]
    fn what_the_programs_of_windows_print_is_read() {
        let csv = format!("\"desk\\ann\",\"{OWN}\"\r\n");
        assert_eq!(account_of(&csv).as_deref(), Some(OWN));
        assert_eq!(account_of("nothing"), None);
        let bytes: Vec<u8> = "D:P".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(utf16(&bytes), "D:P");
    }
}
