//! `adit key check`: what a private key file is, what is wrong with it, and its permissions mended after a yes.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::Format;
use super::console::Console;
use super::failure::{Failure, Usage};
use super::session::{Dialog, End};
use super::terminal::Terminal;
use crate::model::{Command, Exposure, KeyCheck, KeyVerdict, Passphrase, Secret, printable};

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    pub(super) command: KeyCmd,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCmd {
    /// Say whether a private key can be used, and if not, why and what to do
    Check(KeyCheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct KeyCheckArgs {
    /// The private key
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Where others have rights to it, take them away (asks first)
    #[arg(long)]
    pub(super) fix: bool,
    /// With --fix: do not ask
    #[arg(long, requires = "fix")]
    pub(super) yes: bool,
    /// Ask for the passphrase and say whether it opens the key
    #[arg(long)]
    pub(super) passphrase: bool,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
}

/// Looks at the key, mends what may be mended, and prints what there is to say.
///
/// # Errors
/// A failure where the key cannot be used, and where a question could not be asked.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &KeyCheckArgs,
    terminal: &Terminal,
    console: &mut Console,
) -> anyhow::Result<()> {
    let passphrase = if args.passphrase {
        Some(typed(terminal, args)?)
    } else {
        None
    };
    let look = Command::CheckKey {
        path: args.file.clone(),
        passphrase,
    };
    let mut check = ask(dialog, args, look, |_| true).await?;
    if let (true, KeyVerdict::Exposed(exposure)) = (args.fix, &check.verdict) {
        if !args.yes && !confirmed(terminal, &check, exposure)? {
            return Err(failure(&check).into());
        }
        let fix = Command::FixKeyPermissions(args.file.clone());
        let mended = |check: &KeyCheck| check.mended.is_some();
        check = ask(dialog, args, fix, mended).await?;
    }
    print(&check, args.output, console)
}

fn typed(terminal: &Terminal, args: &KeyCheckArgs) -> anyhow::Result<Secret> {
    let file = args.file.to_string_lossy();
    let asked = format!("Passphrase of the key {}: ", printable(&file));
    terminal.typed_secret(&asked).ok_or_else(|| {
        Usage("--passphrase needs a terminal to type it in, and something typed".to_owned()).into()
    })
}

/// Whether the person says yes to the change.
fn confirmed(terminal: &Terminal, check: &KeyCheck, exposure: &Exposure) -> anyhow::Result<bool> {
    let file = check.file.to_string_lossy();
    let change = match exposure {
        Exposure::Mode { mode, wanted } => format!("from {mode:04o} to {wanted:04o}"),
        Exposure::AccessList { others } => format!("taking it from {}", others.join(", ")),
    };
    let asked = format!(
        "{} {}.\nChange its permissions {}? [y/N] ",
        printable(&file),
        check.verdict.words(),
        printable(&change)
    );
    terminal.confirm(&asked).ok_or_else(|| {
        Usage("--fix asks first, and there is no terminal: add --yes".to_owned()).into()
    })
}

/// Sends `command` and waits for what comes of it.
async fn ask(
    dialog: &mut Dialog,
    args: &KeyCheckArgs,
    command: Command,
    wanted: impl Fn(&KeyCheck) -> bool,
) -> anyhow::Result<KeyCheck> {
    dialog.send(command);
    let mut found = None;
    let end = dialog
        .follow(|snapshot| {
            let mut checks = snapshot.key_checks.iter();
            found = checks
                .find(|check| check.asked == args.file && wanted(check))
                .cloned();
            Ok(match found {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            })
        })
        .await?;
    match (end, found) {
        (_, Some(check)) => Ok(check),
        (End::Interrupted | End::Enough | End::EngineEnded, None) => {
            Err(Failure::new("interrupted", "the key was not looked at", "").into())
        }
    }
}

fn print(check: &KeyCheck, format: Format, console: &mut Console) -> anyhow::Result<()> {
    if format == Format::Json {
        console.json(&serde_json::to_string_pretty(&KeyJson::from(check))?)?;
    }
    let usable = check.verdict.is_usable();
    if !usable {
        return Err(failure(check).into());
    }
    if format == Format::Table {
        let mended = match check.mended {
            Some(Ok(())) => "Its permissions are mended. ",
            _ => "",
        };
        let file = check.file.to_string_lossy();
        console.data(&format!("{mended}{file} {}.", check.verdict.words()))?;
    }
    Ok(())
}

fn failure(check: &KeyCheck) -> Failure {
    let mut what = format!("{} {}", check.file.display(), check.verdict.words());
    if let Some(Err(reason)) = &check.mended {
        what = format!("{what}, and that cannot be changed: {reason}");
    }
    let next = check.verdict.next_step(&check.file).unwrap_or_default();
    let mut next = next.to_string();
    if matches!(check.verdict, KeyVerdict::Exposed(_)) {
        next.push_str(", or let `adit key check --fix` do it");
    }
    Failure::new(check.verdict.code(), what, format!("{next}."))
}

#[derive(Debug, Serialize)]
struct KeyJson {
    file: String,
    verdict: &'static str,
    usable: bool,
    kind: Option<&'static str>,
    format: Option<&'static str>,
    encrypted: Option<bool>,
    mode: Option<String>,
    instead: Option<String>,
    fixed: bool,
    message: String,
    next: Option<String>,
}

impl From<&KeyCheck> for KeyJson {
    fn from(check: &KeyCheck) -> Self {
        let (kind, format, encrypted) = match &check.verdict {
            KeyVerdict::Usable {
                kind,
                format,
                passphrase,
            } => (*kind, Some(*format), Some(*passphrase != Passphrase::None)),
            _ => (None, None, None),
        };
        Self {
            file: check.file.to_string_lossy().into_owned(),
            verdict: check.verdict.code(),
            usable: check.verdict.is_usable(),
            kind,
            format,
            encrypted,
            mode: match &check.verdict {
                KeyVerdict::Exposed(Exposure::Mode { mode, .. }) => Some(format!("{mode:04o}")),
                _ => None,
            },
            instead: match &check.verdict {
                KeyVerdict::Unusable {
                    instead: Some(path),
                    ..
                } => Some(path.to_string_lossy().into_owned()),
                _ => None,
            },
            fixed: check.mended == Some(Ok(())),
            message: check.verdict.words().to_string(),
            next: check
                .verdict
                .next_step(&check.file)
                .map(|next| next.to_string()),
        }
    }
}
