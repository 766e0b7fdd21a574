//! Rejects imports against the layering, and I/O or clocks where there may be none.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

mod promises;
mod scan;

use std::fs;
use std::path::{Path, PathBuf};

use scan::{Named, scan};

/// A top-level module and what it may name.
struct Layer {
    name: &'static str,
    /// The other top-level modules that it may name.
    may_use: &'static [&'static str],
    /// Whether it may do no I/O and read no clock.
    pure: bool,
}

const fn layer(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        pure: false,
    }
}

const fn pure(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        pure: true,
    }
}

/// An arrow only ever points down. Only `main` wires everything.
const LAYERS: &[Layer] = &[
    pure("model", &[]),
    pure("l10n", &["model"]),
    pure("diagnosis", &["model"]),
    pure("diagram", &["l10n", "model"]),
    layer("demo", &["model"]),
    // Compiled for tests alone, whose modules may all name it.
    layer("testing", &[]),
    layer("ssh", &["model"]),
    layer("cluster", &["model", "diagnosis"]),
    layer("net", &["model"]),
    layer("vault", &["model"]),
    layer("settings", &["model"]),
    layer(
        "engine",
        &["ssh", "cluster", "net", "vault", "settings", "model"],
    ),
    layer("control", &["engine", "model"]),
    layer("ui", &["engine", "control", "model", "diagram", "l10n"]),
    layer("tray", &["engine", "control", "model", "diagram", "l10n"]),
    layer("cli", &["engine", "control", "model", "diagram"]),
];

/// Files outside the pure layers that are pure as well; each must exist.
const PURE_FILES: &[&str] = &[
    "src/control/choice.rs",
    "src/control/frame.rs",
    "src/control/message.rs",
    "src/control/report.rs",
    "src/engine/backoff.rs",
    "src/engine/link.rs",
    "src/engine/outage.rs",
    "src/engine/tunnel.rs",
    "src/tray/menu.rs",
];

/// Crates of the outside world and the modules that may name them; `main` is the program itself.
const CRATES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli", "main"]),
    ("arboard", &["tray"]),
    ("auto_launch", &["control"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("eframe", &["ui"]),
    ("egui", &["ui"]),
    ("egui_extras", &["ui"]),
    ("fluent_bundle", &["l10n"]),
    ("k8s_openapi", &["cluster"]),
    ("keyring", &["vault"]),
    ("keyring_core", &["vault"]),
    ("ksni", &["tray"]),
    ("kube", &["cluster"]),
    ("libssh2_sys", &["ssh"]),
    ("rcgen", &["demo"]),
    ("resvg", &["diagram"]),
    ("rfd", &["main"]),
    ("russh", &["demo"]),
    ("secret_service", &["vault"]),
    ("ssh2", &["ssh"]),
    ("toml", &["settings", "cli"]),
    ("ttf_parser", &["diagram", "main"]),
    ("sys_locale", &["main"]),
    ("unic_langid", &["l10n"]),
    ("winit", &["ui"]),
    ("zbus_secret_service_keyring_store", &["vault"]),
];

/// What pure code names never: paths that begin like one of these.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant",
    "SystemTime",
    "eprintln!",
    "fastrand",
    "futures",
    "hyper",
    "openssl_sys",
    "polling",
    "println!",
    "socket2",
    "tokio",
    "tracing",
];

/// What is wrong with `source`, which stands in `file` (`src/model/fault.rs`), where `test_modules` are compiled for tests only.
fn violations(file: &str, source: &str, test_modules: &[Vec<String>]) -> Vec<String> {
    let module = module_of(file);
    let home = match module.first() {
        // The program's own module: main.rs is too small a place for all the wires.
        Some(first) if first == "wiring" => "main",
        Some(first) => first.as_str(),
        None if file.ends_with("main.rs") => "main",
        None => "lib",
    };
    let layer = LAYERS.iter().find(|layer| layer.name == home);
    if layer.is_none() && !matches!(home, "main" | "lib") {
        return vec![format!(
            "{file}: the module '{home}' has no place in the table of layers"
        )];
    }
    let is_pure = layer.is_some_and(|layer| layer.pure) || PURE_FILES.contains(&file);
    let in_tests = test_modules.iter().any(|test| module.starts_with(test));
    let mut wrong = Vec::new();
    for named in scan(source, &module).named {
        let in_tests = in_tests || named.in_tests;
        let problem = layer
            .and_then(|layer| against_layers(layer, &named, in_tests))
            .or_else(|| (!in_tests).then(|| against_crates(home, &named))?)
            .or_else(|| (is_pure && !in_tests).then(|| against_purity(&named))?);
        if let Some(problem) = problem {
            wrong.push(format!("{file}:{}: {problem}", named.line));
        }
    }
    wrong
}

fn against_layers(layer: &Layer, named: &Named, in_tests: bool) -> Option<String> {
    let [root, top, ..] = named.path.as_slice() else {
        return None;
    };
    let is_layer = LAYERS.iter().any(|layer| layer.name == top);
    let allowed = top == layer.name
        || layer.may_use.contains(&top.as_str())
        || (in_tests && top == "testing");
    (matches!(root.as_str(), "crate" | "adit") && (is_layer || top == "*") && !allowed)
        .then(|| format!("{} may not name {}", layer.name, named.path.join("::")))
}

fn against_crates(home: &str, named: &Named) -> Option<String> {
    let first = named.path.first()?;
    let (name, homes) = CRATES.iter().find(|(name, _)| name == first)?;
    // A word alone can be a variable or a field; a crate is named by a path, or by a `use` of one.
    (named.path.len() > 1 && !homes.contains(&home)).then(|| {
        format!(
            "{home} may not name the crate {name}: {}",
            named.path.join("::")
        )
    })
}

fn against_purity(named: &Named) -> Option<String> {
    let path = named.path.join("::");
    let is_impure = |impure: &&&str| {
        path.strip_prefix(**impure)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let glob = ["std::*", "std::net::*", "std::time::*"].contains(&path.as_str());
    (glob || IMPURE.iter().any(|impure| is_impure(&impure)))
        .then(|| format!("pure code may not name {path}"))
}

/// `["model", "fault"]` for `src/model/fault.rs`; `mod.rs` is its folder, `lib.rs` and `main.rs` are the root.
fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_import_points_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found: {files:?}");
    let sources: Vec<(String, String)> = files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            (name.replace('\\', "/"), fs::read_to_string(path).unwrap())
        })
        .collect();
    let test_modules: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|(file, source)| scan(source, &module_of(file)).test_modules)
        .collect();
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(file, source)| violations(file, source, &test_modules))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_pure_file_exists() {
    for file in PURE_FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert!(path.is_file(), "{file} is in the table and not in the tree");
    }
}

#[test]
fn imports_against_the_layers_are_found() {
    for (file, source) in [
        ("src/model/x.rs", "use crate::engine::Handle;"),
        ("src/model/x.rs", "use super::super::engine::Handle;"),
        (
            "src/model/x.rs",
            "mod a { mod b { use super::super::super::super::ssh::Y; } }",
        ),
        ("src/ssh/x.rs", "use crate::{model::Fault, cluster};"),
        (
            "src/ssh/x/y.rs",
            "fn f() { let _ = crate::cluster::watch(); }",
        ),
        ("src/cluster/mod.rs", "type A = Vec<crate::ssh::Session>;"),
        (
            "src/cluster/mod.rs",
            "#[cfg(test)] mod tests { use crate::ssh::Session; }",
        ),
        (
            "src/ui/x.rs",
            "pub use crate::{\n  engine,\n  ssh::{self, Session},\n};",
        ),
        ("src/cli/x.rs", "use adit::demo;"),
        ("src/demo/x.rs", "use crate::*;"),
        ("src/diagram/x.rs", "use crate::engine as e;"),
        ("src/news/x.rs", "fn f() {}"),
        ("src/engine/x.rs", "use kube::Client;"),
        ("src/engine/x.rs", "fn f() -> ssh2::Session { loop {} }"),
        ("src/ui/x.rs", "use {anyhow::Result, egui};"),
        ("src/main.rs", "use russh::server;"),
        (
            "src/model/x.rs",
            "fn f<'a>() -> impl Sized + use<'a> {} use self::r#type::T; use crate::{r#box, ssh};",
        ),
    ] {
        assert!(
            !violations(file, source, &[]).is_empty(),
            "{file}: {source}"
        );
    }
}

#[test]
fn impure_code_in_pure_places_is_found() {
    for source in [
        "use std::fs;",
        "use std::{fmt, fs::File};",
        "use std::net::{IpAddr, TcpStream};",
        "use std::net::*;",
        "fn f() { let _ = std::time::Instant::now(); }",
        "use std::time::{Duration, Instant};",
        "fn f(now: SystemTime) {}",
        "async fn f() { tokio::task::yield_now().await }",
        "fn f() { println!(\"x\"); }",
        "#[cfg(test)] mod tests { fn f() {} }\nuse std::env;",
        "#[cfg(test)] use std::fs;\nuse std::thread;",
    ] {
        for file in ["src/model/x.rs", "src/diagram/x.rs"] {
            assert_eq!(violations(file, source, &[]).len(), 1, "{source}");
        }
    }
}

#[test]
fn files_for_tests_may_do_io_but_not_break_the_layers() {
    let declared = scan(
        "mod a; #[cfg(test)] mod x_tests; #[cfg(test)] mod tests { fn f() {} } mod b;",
        &["model".to_owned()],
    );
    assert_eq!(declared.test_modules, [["model", "x_tests"]]);
    let check = |source| violations("src/model/x_tests.rs", source, &declared.test_modules);
    assert_eq!(
        check("use std::fs; use kube::Client;"),
        Vec::<String>::new()
    );
    assert_eq!(check("use crate::engine::Handle;").len(), 1);
}

#[test]
fn what_is_allowed_is_left_alone() {
    for (file, source) in [
        (
            "src/model/x.rs",
            "use std::net::{IpAddr, SocketAddr}; use super::ids::HostId;",
        ),
        (
            "src/model/x.rs",
            "// use crate::engine::Handle;\n/* use std::fs; /* */ use tokio::x; */",
        ),
        (
            "src/model/x.rs",
            "/// See [`crate::engine`].\nconst A: &str = \"use crate::ssh;\";",
        ),
        (
            "src/model/x.rs",
            "const A: &str = r#\"\"use crate::ssh; std::fs\"#; const B: char = '\"';",
        ),
        (
            "src/model/x.rs",
            "const A: char = '\\''; fn f<'a>(x: &'a str) {} // std::fs",
        ),
        (
            "src/model/x.rs",
            "#[cfg(test)] mod tests { use std::fs; use super::*; }",
        ),
        (
            "src/model/x.rs",
            "const A: &str = r\"x; use crate::ssh::Y; std::fs\";",
        ),
        (
            "src/wiring.rs",
            "use adit::{cli, demo, ui}; use anyhow::Result;",
        ),
        ("src/model/x.rs", "fn f(egui: u8) -> u8 { egui }"),
        (
            "src/engine/x.rs",
            "use crate::{model::Fault, ssh::Session, cluster};",
        ),
        (
            "src/cli/x.rs",
            "use crate::engine::Handle; use anyhow::Context; use super::args;",
        ),
        (
            "src/ssh/a/b.rs",
            "mod tests { use super::super::c; use super::super::super::d; }",
        ),
        (
            "src/main.rs",
            "use adit::{demo, engine, ui}; use anyhow::bail;",
        ),
        ("src/lib.rs", "pub mod engine; pub use crate::model::Fault;"),
    ] {
        assert_eq!(
            violations(file, source, &[]),
            Vec::<String>::new(),
            "{file}: {source}"
        );
    }
}
