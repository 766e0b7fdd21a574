//! `adit doctor`: what is wrong on this computer, before anything is dialled.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::Format;
use super::console::Console;
use super::list::colours_wanted;
use super::table::{Cell, render};
use crate::engine::CheckupOptions;
use crate::model::{Check, CheckStatus, worst_check};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The ssh_config to look at in place of your own and the machine's; none for no file at all
    #[arg(short = 'F', long, value_name = "FILE")]
    pub(super) ssh_config: Option<String>,
    /// The kubeconfig file [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context in it [default: its current-context]
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// How to print what was found
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
}

impl DoctorArgs {
    pub(super) fn options(&self) -> CheckupOptions {
        CheckupOptions {
            ssh_config: self.ssh_config.clone(),
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}

/// Prints what was found. Whether there is no problem.
///
/// # Errors
/// Where stdout cannot be written to.
pub(super) fn print(
    checks: &[Check],
    format: Format,
    console: &mut Console,
) -> anyhow::Result<bool> {
    match format {
        Format::Json => {
            console.json(&serde_json::to_string_pretty(&CheckupJson::from(checks))?)?;
        }
        Format::Table => {
            console.text(&table(checks, colours_wanted()))?;
            console.text(&format!("\n{}\n", summary(checks)))?;
        }
    }
    Ok(worst_check(checks) < CheckStatus::Problem)
}

/// A line for each check and, where there is something to do, another one below it.
fn table(checks: &[Check], coloured: bool) -> String {
    let rows = checks.iter().flat_map(|check| {
        let colour = match check.status {
            CheckStatus::Ok => 32,
            CheckStatus::Warning => 33,
            CheckStatus::Problem => 31,
        };
        let line = vec![
            Cell::coloured(check.status.as_str(), colour),
            Cell::plain(check.area.code()),
            Cell::plain(&check.what),
        ];
        let hint = check.hint.as_ref().map(|hint| {
            let nothing = Cell::default;
            vec![nothing(), nothing(), Cell::plain(&format!("-> {hint}"))]
        });
        std::iter::once(line).chain(hint)
    });
    render(&rows.collect::<Vec<_>>(), coloured)
}

fn summary(checks: &[Check]) -> String {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let counted = |number: usize, noun: &str| match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    };
    format!(
        "{}, {}",
        counted(count(CheckStatus::Problem), "problem"),
        counted(count(CheckStatus::Warning), "warning")
    )
}

#[derive(Debug, Serialize)]
struct CheckupJson<'a> {
    status: &'static str,
    checks: Vec<CheckJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckJson<'a> {
    name: &'static str,
    status: &'static str,
    place: Option<&'a str>,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a [Check]> for CheckupJson<'a> {
    fn from(checks: &'a [Check]) -> Self {
        let each = checks.iter().map(|check| CheckJson {
            name: check.area.code(),
            status: check.status.as_str(),
            place: check.place.as_deref(),
            message: &check.what,
            hint: check.hint.as_deref(),
        });
        Self {
            status: worst_check(checks).as_str(),
            checks: each.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::console::testing::console;
    use crate::model::CheckArea;

    fn checks() -> Vec<Check> {
        vec![
            Check::ok(
                CheckArea::SshConfig,
                "/c names 3 hosts, and all of it is honoured",
            )
            .at(&"/c"),
            Check::warning(
                CheckArea::KnownHosts,
                "/k, line 2, makes no sense",
                "Look at it.",
            )
            .at(&"/k"),
            Check::problem(
                CheckArea::Key,
                "/key\u{1b}[2J is open to others",
                "Run: chmod 600 /key",
            ),
        ]
    }

    #[test]
    fn the_table_has_a_line_for_what_to_do_and_is_neutralised() {
        let (mut console, out, _err) = console();
        let fine = print(&checks(), Format::Table, &mut console).unwrap();
        assert!(!fine);
        assert_eq!(
            out.text(),
            "ok       ssh-config   /c names 3 hosts, and all of it is honoured\n\
             warning  known-hosts  /k, line 2, makes no sense\n\
             \u{20}                     -> Look at it.\n\
             problem  key          /key\u{fffd}[2J is open to others\n\
             \u{20}                     -> Run: chmod 600 /key\n\
             \n1 problem, 1 warning\n"
        );
    }

    #[test]
    fn the_json_keeps_its_shape() {
        let (mut console, out, _err) = console();
        print(&checks(), Format::Json, &mut console).unwrap();
        let golden = include_str!("../../tests/golden/doctor.json");
        assert_eq!(out.text(), golden);
    }

    #[test]
    fn warnings_alone_are_no_failure() {
        let (mut console, out, _err) = console();
        assert!(print(&checks()[..2], Format::Table, &mut console).unwrap());
        assert!(out.text().ends_with("\nno problems, 1 warning\n"));
    }
}
