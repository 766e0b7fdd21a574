//! A graph as a PNG file: the SVG drawing, painted with the built-in fonts and no other, so that it is the same everywhere.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::graph::Graph;
use super::svg::{self, Style};
use super::typeface;

/// How many pixels a point of the drawing gets on each side: sharp on dense screens and in print.
const SCALE: f32 = 2.0;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The drawing is no SVG that can be painted.
    #[error("the drawing cannot be read")]
    Svg(#[from] resvg::usvg::Error),
    /// There are no so many pixels.
    #[error("the drawing is too large for a picture: {width} by {height} pixels")]
    TooLarge {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// It cannot be packed.
    #[error("the picture cannot be packed: {0}")]
    Pack(String),
}

/// Paints `graph`. `fonts` are the bytes of font files for scripts that the built-in ones lack; what is no font is left out.
///
/// # Errors
/// [`PngError`] for a drawing of absurd size.
pub fn render(graph: &Graph, style: Style, fonts: &[Vec<u8>]) -> Result<Vec<u8>, PngError> {
    let mut database = fontdb::Database::new();
    database.load_font_data(typeface::REGULAR.to_vec());
    database.load_font_data(typeface::STRONG.to_vec());
    database.load_font_data(typeface::HANGUL.to_vec());
    database.load_font_data(typeface::HANGUL_STRONG.to_vec());
    for font in fonts {
        database.load_font_data(font.clone());
    }
    let options = Options {
        font_family: "Inter".to_owned(),
        fontdb: Arc::new(database),
        ..Options::default()
    };
    let tree = Tree::from_str(&svg::render(graph, style), &options)?;
    let size = tree.size().to_int_size().scale_by(SCALE);
    let size = size.unwrap_or_else(|| tree.size().to_int_size());
    let (width, height) = (size.width(), size.height());
    let mut pixels = Pixmap::new(width, height).ok_or(PngError::TooLarge { width, height })?;
    let transform = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    let packed = pixels.encode_png();
    packed.map_err(|error| PngError::Pack(error.to_string()))
}

#[cfg(test)]
mod tests {
    use resvg::tiny_skia::Color;

    use super::*;
    use crate::diagram::of_service;
    use crate::diagram::testing::{key, ui_in};
    use crate::model::{Moment, TunnelState};

    #[test]
    fn a_picture_has_the_drawings_size_and_its_colours() {
        let open = TunnelState::Open {
            since: Moment::START,
        };
        let graph = of_service(&ui_in(open), &key(), 80);
        let packed = render(&graph, Style::default(), &[b"no font".to_vec()]).unwrap();
        let picture = Pixmap::decode_png(&packed).unwrap();
        let drawn = svg::render(&graph, Style::default());
        let width = picture.width() / 2;
        assert!(drawn.contains(&format!(r#"width="{width}""#)), "{width}");
        let has = |color: Color| {
            let wanted = color.premultiply().to_color_u8();
            picture.pixels().contains(&wanted)
        };
        assert!(has(Color::WHITE));
        // The green of what works, and the dark of words: fonts were found.
        assert!(has(Color::from_rgba8(0x19, 0x8a, 0x4b, 255)));
        let dark = picture.pixels().iter().filter(|pixel| {
            let sum = u32::from(pixel.red()) + u32::from(pixel.green()) + u32::from(pixel.blue());
            sum < 180
        });
        assert!(dark.count() > 2_000);
    }
}
