//! `adit diagram NS/SVC`: the way to a service, as text, SVG, PNG or Mermaid. Needs neither a display nor an open tunnel.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context;

use super::args::{DiagramArgs, DiagramFormat, DiagramTheme};
use super::console::Console;
use super::explain::missing;
use super::failure::Usage;
use super::list::first_view;
use super::session::Dialog;
use super::target::only_tcp_port;
use crate::diagram::{self, Graph, Theme, svg::Style};
use crate::model::{LbService, Protocol, Snapshot};

/// How wide a drawing may be where nothing else is asked for: what stands in a README without being scaled down.
const WIDTH: u16 = 1120;

/// Waits for the first complete view and draws the way to the service. `fonts` are for scripts that the built-in ones lack.
///
/// # Errors
/// A failure where there is no view, none in time, no such service or port, or the file cannot be written.
pub(super) async fn run(
    dialog: &mut Dialog,
    args: &DiagramArgs,
    fonts: fn() -> Vec<Vec<u8>>,
    console: &mut Console,
) -> anyhow::Result<()> {
    let format = args.format();
    if format == DiagramFormat::Png && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(
            Usage("a PNG is nothing for a terminal: name a file with -o FILE".to_owned()).into(),
        );
    }
    let snapshot = first_view(dialog, console).await?;
    let graph = graph(&snapshot, args)?;
    let drawing = draw(&graph, format, args, fonts)?;
    match args.output.as_deref() {
        None => console.bytes(&drawing),
        Some(path) => {
            write(path, &drawing)?;
            console.say(&format!(
                "the way to {} is in {}",
                args.service.service,
                path.display()
            ));
            Ok(())
        }
    }
}

fn graph(snapshot: &Snapshot, args: &DiagramArgs) -> anyhow::Result<Graph> {
    let key = &args.service.service;
    let service = snapshot
        .cluster
        .services
        .get(key)
        .ok_or_else(|| missing(key, &snapshot.cluster))?;
    let port = port(service, args.service.port)?;
    Ok(diagram::of_service(snapshot, key, port))
}

/// The port that was named, or the only one there is.
fn port(service: &LbService, named: Option<u16>) -> anyhow::Result<u16> {
    let Some(port) = named else {
        return Ok(only_tcp_port(&service.key, &service.ports).map_err(Usage)?);
    };
    if service.tcp_port(port).is_some() {
        return Ok(port);
    }
    let tcp = service
        .ports
        .iter()
        .filter(|port| port.protocol == Protocol::Tcp);
    let has: Vec<String> = tcp.map(|port| port.number.to_string()).collect();
    let has = if has.is_empty() {
        "none".to_owned()
    } else {
        has.join(", ")
    };
    Err(Usage(format!(
        "{} has no TCP port {port}; it has: {has}",
        service.key
    ))
    .into())
}

fn draw(
    graph: &Graph,
    format: DiagramFormat,
    args: &DiagramArgs,
    fonts: fn() -> Vec<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let style = Style {
        width: f32::from(args.width.unwrap_or(WIDTH)),
        theme: match args.theme {
            DiagramTheme::Light => Theme::Light,
            DiagramTheme::Dark => Theme::Dark,
        },
    };
    Ok(match format {
        DiagramFormat::Text => diagram::text::render(graph).into_bytes(),
        DiagramFormat::Mermaid => diagram::mermaid::render(graph).into_bytes(),
        DiagramFormat::Svg => diagram::svg::render(graph, style).into_bytes(),
        DiagramFormat::Png => diagram::png::render(graph, style, &fonts())?,
    })
}

/// Writes a file whole or not at all: whoever looks at the old one meanwhile never sees half a picture.
fn write(path: &Path, drawing: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, drawing).and_then(|()| std::fs::rename(&part, path));
    if written.is_err()
        && let Err(error) = std::fs::remove_file(&part)
    {
        tracing::debug!(%error, "there is no half file to be removed");
    }
    written.with_context(failed)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Cmd};
    use crate::cli::console::testing::{Written, console};
    use crate::cli::fixtures::{put_host, put_services};
    use crate::cli::session::testing::FakeEngine;

    async fn drawn(words: &[&str]) -> (anyhow::Result<()>, Written, Written) {
        let Some(Cmd::Diagram(args)) = Cli::parse_from(words).command else {
            panic!("{words:?} asks for no diagram")
        };
        let (mut dialog, engine) = FakeEngine::dialog();
        engine.publish(|snapshot: &mut Snapshot| {
            put_services(snapshot);
            put_host(snapshot);
            snapshot.selected_host = Some(snapshot.hosts[0].profile.id.clone());
        });
        let (mut console, out, err) = console();
        let fonts = Vec::new;
        let result = run(&mut dialog, &args, fonts, &mut console).await;
        (result, out, err)
    }

    #[tokio::test]
    async fn every_format_goes_to_stdout_or_into_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for (format, begins) in [
            ("text", "default/ui port 80\n"),
            (
                "mermaid",
                "---\ntitle: \"default/ui port 80\"\n---\nflowchart LR\n",
            ),
            ("svg", "<svg xmlns"),
        ] {
            let words = ["adit", "diagram", "default/ui", "--format", format];
            let (result, out, _) = drawn(&words).await;
            result.unwrap();
            assert!(out.text().starts_with(begins), "{format}: {}", out.text());
            let file = folder.path().join(format);
            let mut words = words.to_vec();
            words.extend(["-o", file.to_str().unwrap()]);
            let (result, nothing, err) = drawn(&words).await;
            result.unwrap();
            assert_eq!(nothing.text(), "");
            assert!(
                err.text().contains("the way to default/ui"),
                "{}",
                err.text()
            );
            assert_eq!(std::fs::read_to_string(&file).unwrap(), out.text());
        }
    }

    #[tokio::test]
    async fn a_files_name_says_its_format() {
        let folder = tempfile::tempdir().unwrap();
        for (name, begins) in [
            ("way.svg", b"<svg".as_slice()),
            ("way.PNG", b"\x89PNG"),
            ("way.mmd", b"---\n"),
            ("way.txt", b"default/ui"),
        ] {
            let file = folder.path().join(name);
            let words = [
                "adit",
                "diagram",
                "default/ui:80",
                "-o",
                file.to_str().unwrap(),
            ];
            drawn(&words).await.0.unwrap();
            let written = std::fs::read(&file).unwrap();
            assert!(written.starts_with(begins), "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[tokio::test]
    async fn what_cannot_be_drawn_says_why() {
        for (service, expected) in [
            ("default/no", "there is no service default/no"),
            ("default/ui:81", "default/ui has no TCP port 81; it has: 80"),
        ] {
            let (result, out, _) = drawn(&["adit", "diagram", service]).await;
            let said = result.unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
            assert_eq!(out.text(), "");
        }
        let words = ["adit", "diagram", "default/ui", "-o", "/nowhere/at/all.svg"];
        let said = drawn(&words).await.0.unwrap_err().to_string();
        assert_eq!(said, "cannot write /nowhere/at/all.svg");
    }
}
