//! How wide letters are where there is no window to ask: by the metrics of the built-in font.

use std::sync::LazyLock;

use super::layout::{Role, Size};

/// Inter, as the window has it.
pub(super) const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
/// The same, heavier, for names.
pub(super) const STRONG: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

/// Hangul, which Inter lacks.
pub const HANGUL: &[u8] = include_bytes!("../../assets/fonts/AditHangul-Regular.ttf");
/// The same, heavier.
pub const HANGUL_STRONG: &[u8] = include_bytes!("../../assets/fonts/AditHangul-Bold.ttf");

/// The height of a line, in parts of the letters' size.
const LINE: f32 = 1.25;

/// For words and for names: each face, and the one that stands in for it.
static FACES: LazyLock<[[Option<ttf_parser::Face<'static>>; 2]; 2]> = LazyLock::new(|| {
    let faces = [[REGULAR, HANGUL], [STRONG, HANGUL_STRONG]];
    faces.map(|pair| pair.map(|data| ttf_parser::Face::parse(data, 0).ok()))
});

/// The size of the letters of a role, in points.
pub(super) const fn letters(role: Role) -> f32 {
    match role {
        Role::Title => 13.0,
        Role::Line => 12.0,
        Role::Label => 11.5,
    }
}

/// The size of `text` on one line.
pub(super) fn size(text: &str, role: Role) -> Size {
    let letters = letters(role);
    Size {
        width: width(text, letters, role == Role::Title),
        height: letters * LINE,
    }
}

/// How wide `text` is in letters of this size.
pub(super) fn width(text: &str, letters: f32, strong: bool) -> f32 {
    let faces = &FACES[usize::from(strong)];
    let known = |c| faces.iter().find_map(|face| advance(face.as_ref(), c));
    text.chars()
        .map(|c| known(c).unwrap_or_else(|| unknown(c)) * letters)
        .sum()
}

/// How far a letter moves on, in parts of its size; none where the font has no such letter.
fn advance(face: Option<&ttf_parser::Face<'_>>, c: char) -> Option<f32> {
    let face = face?;
    let glyph = face.glyph_index(c)?;
    let advance = face.glyph_hor_advance(glyph)?;
    Some(f32::from(advance) / f32::from(face.units_per_em()))
}

/// Letters of scripts that the font lacks are as wide as high, or about as wide as a Latin one.
fn unknown(c: char) -> f32 {
    if super::text::is_wide(c) { 1.0 } else { 0.6 }
}

/// `text` cut to `room`, with an ellipsis for what is missing.
pub(super) fn shortened(text: &str, room: f32, letters: f32, strong: bool) -> String {
    if width(text, letters, strong) <= room + 0.5 {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out, letters, strong) + letters > room {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_own_widths() {
        assert!(FACES.iter().flatten().all(Option::is_some));
        assert!(width("iii", 12.0, false) < width("mmm", 12.0, false));
        assert!(width("name", 12.0, false) < width("name", 12.0, true));
        let hangul = width("한글", 12.0, false);
        assert!((18.0..=24.0).contains(&hangul), "{hangul}");
        assert!((width("漢字", 12.0, false) - 24.0).abs() < 0.01);
    }

    #[test]
    fn a_text_is_cut_to_its_room() {
        assert_eq!(shortened("short", 100.0, 12.0, false), "short");
        let cut = shortened(&"long ".repeat(40), 100.0, 12.0, false);
        assert!(
            cut.ends_with('…') && width(&cut, 12.0, false) <= 100.0,
            "{cut}"
        );
    }
}
