//! What came of a run, as a Markdown table and as JSON. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::figures::{Aim, Better, FIGURES, Figure, Of, digits};
use super::stats::{Ratio, median, ratio};

/// Everything that a run has brought.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// When, on what and of what: names and values, in the order in which they are told.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The columns: Adit first, then ssh, then whatever else was asked for.
    pub(crate) peers: Vec<String>,
    /// For each figure that was measured and each column: one number a round, none where the round failed.
    pub(crate) samples: BTreeMap<&'static str, Vec<Vec<Option<f64>>>>,
    /// What went wrong, in words.
    pub(crate) errors: Vec<String>,
    /// What was left out, and why.
    pub(crate) skipped: Vec<String>,
}

/// What became of an aim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Goal,
    Must,
    Missed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Must => "must",
            Self::Missed => "**missed**",
        }
    }
}

impl Report {
    /// Adds one round of a scenario: for each of its figures one number a column.
    pub(crate) fn add(&mut self, figure: &'static str, numbers: Vec<Option<f64>>) {
        let columns = self
            .samples
            .entry(figure)
            .or_insert_with(|| vec![Vec::new(); numbers.len()]);
        for (column, number) in columns.iter_mut().zip(numbers) {
            column.push(number);
        }
    }

    /// The facts, the table and the notes.
    pub(crate) fn markdown(&self) -> String {
        let facts: Vec<String> = self
            .facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let mut text = format!("{}.\n\n{}", facts.join("; "), self.head());
        for figure in FIGURES {
            if let Some(columns) = self.samples.get(figure.id) {
                text.push_str(&row(figure, columns));
            }
        }
        for (title, notes) in [("Failed", &self.errors), ("Left out", &self.skipped)] {
            if !notes.is_empty() {
                let lines = ["\n", title, ":\n\n- ", &notes.join("\n- "), "\n"];
                text.extend(lines);
            }
        }
        text
    }

    fn head(&self) -> String {
        let (adit, ssh) = (self.name(0), self.name(1));
        let others: Vec<String> = self
            .peers
            .iter()
            .skip(2)
            .map(|name| format!(" {name} | {name}/{ssh} |"))
            .collect();
        let others = others.concat();
        let rules = "---|".repeat(2 * self.peers.len().saturating_sub(2));
        format!(
            "| | {ssh} | {adit} | {adit}/{ssh} | from … to | must | goal | reached |{others}\n\
             |---|---|---|---|---|---|---|---|{rules}\n"
        )
    }

    /// All of it, every sample included.
    pub(crate) fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> = self
            .facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let figures: Vec<Value> = FIGURES
            .iter()
            .filter_map(|figure| {
                let columns = self.samples.get(figure.id)?;
                Some(self.figure_json(figure, columns))
            })
            .collect();
        json!({
            "facts": facts,
            "figures": figures,
            "errors": self.errors,
            "skipped": self.skipped,
        })
    }

    fn figure_json(&self, figure: &Figure, columns: &[Vec<Option<f64>>]) -> Value {
        let peers: serde_json::Map<String, Value> = columns
            .iter()
            .enumerate()
            .map(|(index, samples)| {
                let ratio = compared(columns, index).filter(|_| index != 1);
                let value = json!({
                    "median": median_of(samples),
                    "samples": samples,
                    "ratio": ratio.map(|ratio| json!({
                        "median": ratio.median, "low": ratio.low, "high": ratio.high,
                    })),
                });
                (self.name(index).to_owned(), value)
            })
            .collect();
        json!({
            "id": figure.id,
            "title": figure.title,
            "unit": figure.unit.name(),
            "better": match figure.better { Better::More => "more", Better::Less => "less" },
            "aim": figure.aim.map(|aim| json!({
                "of": match aim.of { Of::Ratio => "ratio", Of::Own => "own" },
                "must": aim.must,
                "goal": aim.goal,
            })),
            "reached": verdict(figure, columns).map(|verdict| match verdict {
                Verdict::Goal => "goal",
                Verdict::Must => "must",
                Verdict::Missed => "missed",
            }),
            "peers": peers,
        })
    }

    fn name(&self, index: usize) -> &str {
        self.peers.get(index).map_or("?", String::as_str)
    }
}

fn row(figure: &Figure, columns: &[Vec<Option<f64>>]) -> String {
    let compared_with_ssh = compared(columns, 0);
    let aim = |value: fn(&Aim) -> f64| {
        figure
            .aim
            .map_or_else(String::new, |aim| written(figure, aim, value(&aim)))
    };
    let others: Vec<String> = (2..columns.len())
        .map(|index| {
            let ratio = compared(columns, index);
            format!(
                " {} | {} |",
                number(figure, median_of(&columns[index])),
                ratio.map_or_else(dash, |ratio| digits(ratio.median))
            )
        })
        .collect();
    let others = others.concat();
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |{others}\n",
        figure.title,
        number(figure, columns.get(1).and_then(|column| median_of(column))),
        number(figure, columns.first().and_then(|column| median_of(column))),
        compared_with_ssh.map_or_else(dash, |ratio| digits(ratio.median)),
        compared_with_ssh.map_or_else(dash, |ratio| format!(
            "{} … {}",
            digits(ratio.low),
            digits(ratio.high)
        )),
        aim(|aim| aim.must),
        aim(|aim| aim.goal),
        verdict(figure, columns).map_or("", Verdict::word),
    )
}

fn verdict(figure: &Figure, columns: &[Vec<Option<f64>>]) -> Option<Verdict> {
    let aim = figure.aim?;
    let value = match aim.of {
        Of::Ratio => compared(columns, 0)?.median,
        Of::Own => median_of(columns.first()?)?,
    };
    let reaches = |wanted: f64| match figure.better {
        Better::More => value >= wanted,
        Better::Less => value <= wanted,
    };
    Some(if reaches(aim.goal) {
        Verdict::Goal
    } else if reaches(aim.must) {
        Verdict::Must
    } else {
        Verdict::Missed
    })
}

fn compared(columns: &[Vec<Option<f64>>], index: usize) -> Option<Ratio> {
    ratio(columns.get(index)?, columns.get(1)?)
}

fn median_of(samples: &[Option<f64>]) -> Option<f64> {
    let there: Vec<f64> = samples.iter().copied().flatten().collect();
    median(&there)
}

fn number(figure: &Figure, value: Option<f64>) -> String {
    value.map_or_else(dash, |value| figure.unit.write(value))
}

/// An aim: a ratio is a mere number, and an aim of Adit's own has its unit.
fn written(figure: &Figure, aim: Aim, value: f64) -> String {
    match aim.of {
        Of::Ratio => digits(value),
        Of::Own => format!("{} (own)", figure.unit.write(value)),
    }
}

fn dash() -> String {
    "–".to_owned()
}
