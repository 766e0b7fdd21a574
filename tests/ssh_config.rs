//! ssh_config is resolved as the real `ssh -G` does it, for every case in `tests/fixtures/ssh_config`.
//!
//! In those files `# ssh: ARGUMENTS` is a command line whose results must agree line by line, as far as Adit prints them, and
//! `# fails: ARGUMENTS` one that both must refuse. `@DIR@` is the folder of the files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use adit::ssh::config::{
    Argument, ConfigError, Environment, LocalSystem, Query, Resolved, resolve,
};

const VARIABLE: (&str, &str) = ("ADIT_TEST_VARIABLE", "/tmp/from-variable");

/// A copy of the fixtures that nobody else can write to, which `ssh` insists on for included files.
struct Fixtures {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Fixtures {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ssh_config");
        fs::create_dir(folder.path().join("inc")).unwrap();
        let mut files = Vec::new();
        for sub in ["", "inc"] {
            for entry in fs::read_dir(source.join(sub)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    continue;
                }
                let copy = folder.path().join(path.strip_prefix(&source).unwrap());
                let text = fs::read_to_string(&path).unwrap();
                fs::write(
                    &copy,
                    text.replace("@DIR@", folder.path().to_str().unwrap()),
                )
                .unwrap();
                make_private(&copy);
                if sub.is_empty() {
                    files.push(copy);
                }
            }
        }
        files.sort();
        Self { folder, files }
    }

    /// Every command line after `marker`, with its file.
    fn cases(&self, marker: &str) -> Vec<(PathBuf, Vec<String>)> {
        let mut cases = Vec::new();
        for file in &self.files {
            for line in fs::read_to_string(file).unwrap().lines() {
                if let Some(text) = line.strip_prefix(marker) {
                    cases.push((file.clone(), shell_words(text.trim())));
                }
            }
        }
        cases
    }
}

fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Words at spaces, where double quotes keep spaces.
fn shell_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn ssh(file: &Path, arguments: &[String]) -> Output {
    Command::new("ssh")
        .arg("-G")
        .arg("-F")
        .arg(file)
        .args(arguments)
        .env(VARIABLE.0, VARIABLE.1)
        .output()
        .expect("ssh (OpenSSH's client) is needed for this test")
}

fn adit(file: &Path, arguments: &[String]) -> Result<Resolved, ConfigError> {
    let (destination, options) = arguments.split_last().unwrap();
    let options = options.chunks(2).map(|pair| match &pair[0][..] {
        "-o" => Argument::Option(pair[1].clone()),
        "-c" => Argument::Option(format!("Ciphers={}", pair[1])),
        "-m" => Argument::Option(format!("MACs={}", pair[1])),
        "-l" => Argument::User(pair[1].clone()),
        "-p" => Argument::Port(pair[1].clone()),
        "-J" => Argument::Jump(pair[1].clone()),
        "-i" => Argument::Identity(pair[1].clone()),
        "-L" => Argument::LocalForward(pair[1].clone()),
        "-D" => Argument::DynamicForward(pair[1].clone()),
        other => panic!("{other}"),
    });
    let query = Query::new(destination)?
        .with(options)
        .from_file(file.to_str().unwrap());
    let mut environment = Environment::of_this_computer();
    environment
        .variables
        .insert(VARIABLE.0.to_owned(), VARIABLE.1.to_owned());
    resolve(&query, &environment, &mut LocalSystem)
}

fn key(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

/// The keys whose defaults differ between releases and distributions of OpenSSH: compared only where they are set.
fn has_fixed_default(key: &str) -> bool {
    !matches!(
        key,
        "ciphers"
            | "macs"
            | "kexalgorithms"
            | "hostkeyalgorithms"
            | "pubkeyacceptedalgorithms"
            | "identityfile"
    )
}

/// Whether this is the release whose lists of algorithms Adit takes for the defaults.
fn is_reference_release() -> bool {
    let output = Command::new("ssh").arg("-V").output().unwrap();
    String::from_utf8_lossy(&output.stderr).starts_with("OpenSSH_9.2")
}

#[test]
fn every_case_agrees_with_ssh() {
    let fixtures = Fixtures::new();
    let cases = fixtures.cases("# ssh:");
    assert!(cases.len() >= 80, "{} cases", cases.len());
    let reference = is_reference_release();
    // These are printed only when they are set, so that what Adit prints does not tell that it knows them.
    let optional = [
        "bindaddress",
        "hostkeyalias",
        "identityagent",
        "preferredauthentications",
        "dynamicforward",
        "localforward",
        "certificatefile",
        "proxycommand",
        "proxyjump",
    ];
    let mut failures = Vec::new();
    for (file, arguments) in cases {
        let name = format!("{} {arguments:?}", file.file_name().unwrap().display());
        let output = ssh(&file, &arguments);
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            failures.push(format!("{name}: ssh refuses it: {words}"));
            continue;
        }
        let printed = match adit(&file, &arguments) {
            Ok(resolved) => resolved.print(),
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let known: BTreeSet<&str> = printed.lines().map(key).chain(optional).collect();
        let compared =
            |line: &&str| known.contains(key(line)) && (reference || has_fixed_default(key(line)));
        let theirs = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<&str> = theirs.lines().filter(compared).collect();
        let ours: Vec<&str> = printed.lines().filter(compared).collect();
        if theirs != ours {
            let missing = theirs.iter().filter(|line| !ours.contains(line));
            let extra = ours.iter().filter(|line| !theirs.contains(line));
            failures.push(format!(
                "{name}\n  ssh:  {:?}\n  adit: {:?}",
                missing.collect::<Vec<_>>(),
                extra.collect::<Vec<_>>()
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    drop(fixtures.folder);
}

#[test]
fn what_ssh_refuses_is_refused_and_the_place_is_named() {
    let fixtures = Fixtures::new();
    let cases = fixtures.cases("# fails:");
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for (file, arguments) in cases {
        let name = format!("{} {arguments:?}", file.file_name().unwrap().display());
        assert!(
            !ssh(&file, &arguments).status.success(),
            "{name}: ssh takes it"
        );
        let error = adit(&file, &arguments)
            .map(|resolved| resolved.print())
            .expect_err(&name);
        if let ConfigError::Line { .. } = &error {
            let text = error.to_string();
            let place = format!("{}, line ", file.display());
            assert!(
                text.contains(&place) || text.starts_with("the command line: -"),
                "{name}: {text}"
            );
        }
    }
}
