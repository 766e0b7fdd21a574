//! A promise of docs/SECURITY.md names the tests that show it: they must be there.

use std::fs;
use std::path::{Path, PathBuf};

/// The table whose last column names tests.
const HEADING: &str = "## What is promised, and what shows it";

/// The names of tests in the table, with the promise that each is to show. A promise without any is a violation.
fn named(text: &str) -> Result<Vec<(String, String)>, String> {
    let (_, rest) = text.split_once(HEADING).ok_or("the table is missing")?;
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let mut found = Vec::new();
    for row in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2)
    {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let (promise, shown) = (cells[0], *cells.last().unwrap_or(&""));
        let names: Vec<&str> = shown
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains("::"))
            .collect();
        if cells.len() != 3 || names.is_empty() {
            return Err(format!("no test shows: {promise}"));
        }
        found.extend(
            names
                .iter()
                .map(|name| ((*name).to_owned(), promise.to_owned())),
        );
    }
    if found.is_empty() {
        return Err("the table is empty".to_owned());
    }
    Ok(found)
}

/// Whether `source` has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let begins = |line: &str| {
        let rest = line.strip_prefix("async ").unwrap_or(line);
        let rest = rest
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().any(|(at, line)| {
        // Attributes stand between the two: what a test is compiled for, that it is expected to panic.
        begins(line)
            && lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.starts_with('#'))
                .any(|line| line.contains("test"))
    })
}

/// Whether there is a test `crate_or_module::…::name`: `e2e` and `proof` are crates of their own, everything else is in `src`.
fn exists(root: &Path, path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
    let segments: Vec<&str> = module.split("::").collect();
    let folder = match segments[0] {
        "e2e" | "proof" | "layers" | "l10n" => "tests",
        _ => "src",
    };
    let mut files = Vec::new();
    let place = root.join(folder).join(segments[0]);
    if place.is_dir() {
        super::sources(&place, &mut files);
    }
    let beside = place.with_extension("rs");
    files.extend(beside.exists().then_some(beside));
    let is_within = |file: &PathBuf| {
        let text = file.to_string_lossy();
        // A module of tests stands in a file of another name where `#[path]` says so.
        segments
            .iter()
            .all(|segment| *segment == "tests" || text.contains(segment))
    };
    files
        .iter()
        .filter(|file| is_within(file))
        .any(|file| has_test(&fs::read_to_string(file).unwrap(), name))
}

#[test]
fn every_promise_is_shown_by_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let missing: Vec<String> = named(&text)
        .unwrap()
        .into_iter()
        .filter(|(test, _)| !exists(root, test))
        .map(|(test, promise)| format!("{test}, which is to show: {promise}"))
        .collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

#[test]
fn promises_without_tests_are_found() {
    let table = |row: &str| {
        format!("{HEADING}\n| a | b | c |\n| --- | --- | --- |\n{row}\n\n## Next\n| x | y | z |\n")
    };
    let names = named(&table(
        "| p | q | `ssh::tests::x` and `e2e::y::z`, not `plain` |",
    ))
    .unwrap();
    let names: Vec<&str> = names.iter().map(|(test, _)| test.as_str()).collect();
    assert_eq!(names, ["ssh::tests::x", "e2e::y::z"]);
    for row in [
        "| p | q | by hand |",
        "| p | q | `plain` |",
        "| p | `a::b` |",
        "",
    ] {
        assert!(named(&table(row)).is_err(), "{row}");
    }
    assert!(has_test("#[test]\n#[cfg(unix)]\nfn a() {}", "a"));
    assert!(has_test("    #[tokio::test]\n    async fn a() {}", "a"));
    assert!(!has_test("fn a() {}", "a") && !has_test("#[test]\nfn ab() {}", "a"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(exists(
        root,
        "layers::promises::promises_without_tests_are_found"
    ));
    assert!(!exists(root, "layers::promises::exists"));
}
