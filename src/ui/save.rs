//! The diagram as a file or in the clipboard.

use std::path::PathBuf;
use std::sync::mpsc;

use egui::{RichText, Ui};

use super::scene::Scene;
use super::{theme, widgets};
use crate::diagram::{self, Graph, mermaid, png, svg, text};
use crate::l10n::tr;
use crate::model::{TunnelId, printable};

/// A drawing to be written into a file that the person names.
pub struct Drawing {
    /// The name that is proposed, with its ending.
    pub name: String,
    /// The ending of such files, without a dot.
    pub extension: &'static str,
    /// Makes the file's contents. May take a moment: not to be called on the window's thread.
    pub contents: Contents,
}

/// What a file is to hold, or why that cannot be made.
pub type Contents = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// Where a drawing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedAs {
    /// Where the person wanted it.
    Chosen(PathBuf),
    /// In a new file: nothing on this system could ask the person.
    Unasked(PathBuf),
    /// Nowhere: the person thought better of it.
    Nothing,
}

/// Told where the drawing is, or why it could not be written.
pub type Saved = Box<dyn FnOnce(Result<SavedAs, String>) + Send>;

/// Has the person name a file, writes the drawing into it, and does not wait for that.
pub type SaveDrawing = fn(Drawing, Saved);

/// What becomes of the drawing that is being saved.
#[derive(Debug, Default)]
pub(super) struct Saving {
    /// The tunnel whose way it shows.
    of: Option<TunnelId>,
    waiting: Option<mpsc::Receiver<Result<SavedAs, String>>>,
    /// What to tell of the last one.
    told: Option<Result<SavedAs, String>>,
}

impl Saving {
    /// Takes what has come meanwhile.
    fn look(&mut self) {
        let Some(answer) = self.waiting.as_ref().map(mpsc::Receiver::try_recv) else {
            return;
        };
        match answer {
            Err(mpsc::TryRecvError::Empty) => return,
            Ok(result) => self.told = Some(result),
            Err(mpsc::TryRecvError::Disconnected) => {}
        }
        self.waiting = None;
    }
}

/// The forms in which a drawing can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
    Mermaid,
    Text,
}

impl Format {
    const ALL: [Self; 4] = [Self::Svg, Self::Png, Self::Mermaid, Self::Text];

    const fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Mermaid => "mmd",
            Self::Text => "txt",
        }
    }
}

fn name(ui: &Ui, format: Format) -> &'static str {
    match format {
        Format::Svg => tr!(ui, "save-svg"),
        Format::Png => tr!(ui, "save-png"),
        Format::Mermaid => tr!(ui, "save-mermaid"),
        Format::Text => tr!(ui, "save-text"),
    }
}

/// The menus that copy and save the drawing.
pub(super) fn buttons_ui(ui: &mut Ui, graph: &Graph, of: &TunnelId, scene: &mut Scene<'_>) {
    ui.menu_button(tr!(ui, "save-copy"), |ui| {
        for format in [Format::Text, Format::Mermaid, Format::Svg] {
            if ui.button(name(ui, format)).clicked() {
                let text = match format {
                    Format::Svg => svg::render(graph, style(ui)),
                    Format::Mermaid => mermaid::render(graph),
                    Format::Png | Format::Text => text::render(graph),
                };
                ui.ctx().copy_text(text);
            }
        }
    });
    let Some(save) = scene.view.hosts.tools.save_drawing else {
        return;
    };
    ui.menu_button(tr!(ui, "save-save"), |ui| {
        for format in Format::ALL {
            if ui.button(name(ui, format)).clicked() {
                begin(ui, graph, of, format, save, scene);
            }
        }
    });
}

fn begin(
    ui: &Ui,
    graph: &Graph,
    of: &TunnelId,
    format: Format,
    save: SaveDrawing,
    scene: &mut Scene<'_>,
) {
    let (sender, receiver) = mpsc::channel();
    scene.view.saving = Saving {
        of: Some(of.clone()),
        waiting: Some(receiver),
        told: None,
    };
    let (graph, style, ctx) = (graph.clone(), style(ui), ui.ctx().clone());
    let drawing = Drawing {
        name: format!("{}.{}", file_name(of), format.extension()),
        extension: format.extension(),
        contents: Box::new(move || contents(&graph, format, style)),
    };
    let saved: Saved = Box::new(move |result| {
        // The person may have left for another row meanwhile: then nobody is told.
        let _nobody_waits = sender.send(result);
        ctx.request_repaint();
    });
    save(drawing, saved);
}

fn contents(graph: &Graph, format: Format, style: svg::Style) -> Result<Vec<u8>, String> {
    Ok(match format {
        Format::Svg => svg::render(graph, style).into_bytes(),
        Format::Png => png::render(graph, style, &[]).map_err(|error| error.to_string())?,
        Format::Mermaid => mermaid::render(graph).into_bytes(),
        Format::Text => text::render(graph).into_bytes(),
    })
}

/// On a ground like the window's.
fn style(ui: &Ui) -> svg::Style {
    svg::Style {
        theme: if ui.visuals().dark_mode {
            diagram::Theme::Dark
        } else {
            diagram::Theme::Light
        },
        ..svg::Style::default()
    }
}

/// A name for a file that no system refuses: `shop-web-80`.
fn file_name(of: &TunnelId) -> String {
    let kept = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '.' {
            letter
        } else {
            '-'
        }
    };
    let name: String = of.to_string().chars().map(kept).take(80).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// What became of the drawing that was saved last, where it was this tunnel's.
pub(super) fn outcome_ui(ui: &mut Ui, of: &TunnelId, scene: &mut Scene<'_>) {
    scene.view.saving.look();
    if scene.view.saving.of.as_ref() != Some(of) {
        return;
    }
    let palette = theme::palette(ui);
    match &scene.view.saving.told {
        None | Some(Ok(SavedAs::Nothing)) => {}
        Some(Ok(SavedAs::Chosen(path))) => {
            let path = path.display().to_string();
            let text = tr!(scene, "save-done", path = printable(&path));
            done_ui(ui, &text, &path);
        }
        Some(Ok(SavedAs::Unasked(path))) => {
            let path = path.display().to_string();
            let text = tr!(scene, "save-done-unasked", path = printable(&path));
            done_ui(ui, &text, &path);
        }
        Some(Err(reason)) => {
            let text = tr!(scene, "save-failed", reason = printable(reason));
            ui.horizontal_wrapped(|ui| {
                widgets::mark_ui(ui, crate::model::Light::Red);
                let words = RichText::new(&text).color(palette.red.text);
                ui.add(egui::Label::new(words).wrap());
                widgets::copy_button_sized_ui(ui, &text, tr!(ui, "copy-problem"), 20.0);
            });
        }
    }
}

/// Where the file is now, to be copied.
fn done_ui(ui: &mut Ui, text: &str, path: &str) {
    ui.horizontal_top(|ui| {
        let width = ui.available_width() - 20.0 - ui.spacing().item_spacing.x;
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.add(egui::Label::new(theme::weak(ui, text)).wrap());
        });
        widgets::copy_button_sized_ui(ui, path, tr!(ui, "save-copy-path"), 20.0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceKey;

    #[test]
    fn a_files_name_says_what_it_shows_and_is_one_word() {
        let of = |namespace, name| TunnelId::service(ServiceKey::new(namespace, name), 80);
        assert_eq!(file_name(&of("shop", "web")), "shop-web-80");
        assert_eq!(file_name(&of("..", "a/../b")), "a-..-b-80");
    }
}
