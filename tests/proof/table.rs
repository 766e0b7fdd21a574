//! The tables that the tests fill.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A table of docs/PROOF.md.
pub(crate) struct Table {
    name: &'static str,
    columns: usize,
    text: String,
}

impl Table {
    /// A table without lines. `name` is its file's, within the folder that `ADIT_PROOF_TABLES` names.
    pub(crate) fn new(name: &'static str, columns: &[&str]) -> Self {
        let mut table = Self {
            name,
            columns: columns.len(),
            text: String::new(),
        };
        table.line(columns);
        table.line(&vec!["---"; columns.len()]);
        table
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, cells: &[&str]) {
        assert_eq!(cells.len(), self.columns);
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| cell.replace('|', "\\|").replace('\n', " "))
            .collect();
        writeln!(self.text, "| {} |", cells.join(" | ")).unwrap();
    }

    /// Writes it, where somebody wants it, and prints it.
    pub(crate) fn finish(self) {
        println!("{}", self.text);
        if let Some(folder) = std::env::var_os("ADIT_PROOF_TABLES") {
            let path = PathBuf::from(folder).join(format!("{}.md", self.name));
            fs::write(path, self.text).unwrap();
        }
    }
}

/// A time in seconds, as the tables have it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
