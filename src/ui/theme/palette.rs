//! The colours, light and dark.

use egui::Color32;

/// The colours of one meaning: good, on its way, bad, off.
#[derive(Clone, Copy, Debug)]
pub(in crate::ui) struct Lamp {
    /// For shapes: at least 3:1 to every background.
    pub(in crate::ui) fill: Color32,
    /// For words: at least 4.5:1 to every background, `tint` included.
    pub(in crate::ui) text: Color32,
    /// A background that hints at the meaning.
    pub(in crate::ui) tint: Color32,
}

/// All colours of a theme.
#[derive(Clone, Copy, Debug)]
pub(in crate::ui) struct Palette {
    /// Behind the bars.
    pub(in crate::ui) window: Color32,
    /// Behind the list and in cards.
    pub(in crate::ui) surface: Color32,
    /// Buttons and the boxes of the diagram.
    pub(in crate::ui) raised: Color32,
    /// Behind what is typed.
    pub(in crate::ui) sunken: Color32,
    /// Under the pointer.
    pub(in crate::ui) hover: Color32,
    /// The selected row.
    pub(in crate::ui) selected: Color32,
    /// Lines that part things quietly.
    pub(in crate::ui) line: Color32,
    /// Lines around what can be pressed.
    pub(in crate::ui) line_strong: Color32,
    /// Words.
    pub(in crate::ui) text: Color32,
    /// Words that step back.
    pub(in crate::ui) weak: Color32,
    /// Links, the focus, the one button that matters.
    pub(in crate::ui) accent: Color32,
    /// Words on `accent`.
    pub(in crate::ui) on_accent: Color32,
    /// The knob of a switch, and marks on the fill of a lamp.
    pub(in crate::ui) knob: Color32,
    /// What lies over the window while a question is asked.
    pub(in crate::ui) veil: Color32,
    /// Proved to work.
    pub(in crate::ui) green: Lamp,
    /// On its way.
    pub(in crate::ui) amber: Lamp,
    /// Needs the person.
    pub(in crate::ui) red: Lamp,
    /// Off.
    pub(in crate::ui) grey: Lamp,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

const fn lamp(fill: u32, text: u32, tint: u32) -> Lamp {
    Lamp {
        fill: rgb(fill),
        text: rgb(text),
        tint: rgb(tint),
    }
}

impl Palette {
    pub(in crate::ui) const DARK: Self = Self {
        window: rgb(0x0f_1318),
        surface: rgb(0x15_1a21),
        raised: rgb(0x1d_242d),
        sunken: rgb(0x0b_0e13),
        hover: rgb(0x1f_2731),
        selected: rgb(0x1b_2e45),
        line: rgb(0x25_2d38),
        line_strong: rgb(0x3b_4756),
        text: rgb(0xe7_ecf2),
        weak: rgb(0xa0_adbc),
        accent: rgb(0x7a_b7ff),
        on_accent: rgb(0x06_1220),
        knob: rgb(0x0b_1016),
        veil: Color32::from_black_alpha(150),
        green: lamp(0x3f_cf7f, 0x62_d897, 0x13_2a1f),
        amber: lamp(0xf0_b03c, 0xf3_bf62, 0x2f_2613),
        red: lamp(0xf8_6a62, 0xff_8c84, 0x35_1a1d),
        grey: lamp(0x79_8797, 0xa0_adbc, 0x20_2832),
    };

    pub(in crate::ui) const LIGHT: Self = Self {
        window: rgb(0xf1_f4f7),
        surface: rgb(0xff_ffff),
        raised: rgb(0xf6_f8fb),
        sunken: rgb(0xff_ffff),
        hover: rgb(0xee_f3f8),
        selected: rgb(0xdd_eafb),
        line: rgb(0xdf_e5ec),
        line_strong: rgb(0xb5_c0cc),
        text: rgb(0x15_1d27),
        weak: rgb(0x4c_5968),
        accent: rgb(0x0b_58bd),
        on_accent: rgb(0xff_ffff),
        knob: rgb(0xff_ffff),
        veil: Color32::from_black_alpha(90),
        green: lamp(0x19_8a4b, 0x0f_6836, 0xe1_f5e9),
        amber: lamp(0xb2_7500, 0x7d_5000, 0xfd_f0d3),
        red: lamp(0xd1_2f3c, 0xb1_1a28, 0xfd_e8e9),
        grey: lamp(0x76_8494, 0x4c_5968, 0xe8_edf2),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2.1 defines it.
    fn luminance(color: Color32) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn backgrounds(palette: &Palette) -> Vec<(&'static str, Color32)> {
        vec![
            ("window", palette.window),
            ("surface", palette.surface),
            ("raised", palette.raised),
            ("sunken", palette.sunken),
            ("hover", palette.hover),
            ("selected", palette.selected),
            ("green tint", palette.green.tint),
            ("amber tint", palette.amber.tint),
            ("red tint", palette.red.tint),
            ("grey tint", palette.grey.tint),
        ]
    }

    #[test]
    fn contrast_is_computed_as_wcag_does() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        assert!((contrast(rgb(0x76_7676), Color32::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn words_have_at_least_double_a_contrast_on_every_background() {
        for (theme, palette) in [("dark", Palette::DARK), ("light", Palette::LIGHT)] {
            for (name, text) in [
                ("text", palette.text),
                ("weak", palette.weak),
                ("accent", palette.accent),
                ("green", palette.green.text),
                ("amber", palette.amber.text),
                ("red", palette.red.text),
                ("grey", palette.grey.text),
            ] {
                for (ground, background) in backgrounds(&palette) {
                    let ratio = contrast(text, background);
                    assert!(ratio >= 4.5, "{theme}: {name} on {ground} is {ratio:.2}");
                }
            }
            assert!(
                contrast(palette.on_accent, palette.accent) >= 4.5,
                "{theme}"
            );
        }
    }

    #[test]
    fn saved_drawings_have_the_windows_colours() {
        use crate::diagram::{Graph, Theme, svg};
        let graph = Graph {
            title: "x".to_owned(),
            nodes: Vec::new(),
            edges: Vec::new(),
            first_broken: None,
        };
        for (theme, palette) in [(Theme::Dark, Palette::DARK), (Theme::Light, Palette::LIGHT)] {
            let style = svg::Style {
                theme,
                ..svg::Style::default()
            };
            let drawn = svg::render(&graph, style);
            for color in [palette.surface, palette.text] {
                let [red, green, blue, _] = color.to_array();
                let hex = format!("#{red:02x}{green:02x}{blue:02x}");
                assert!(drawn.contains(&hex), "{theme:?}: {hex} is not in {drawn}");
            }
        }
    }

    #[test]
    fn shapes_stand_out_from_every_background() {
        for (theme, palette) in [("dark", Palette::DARK), ("light", Palette::LIGHT)] {
            for (name, lamp) in [
                ("green", palette.green),
                ("amber", palette.amber),
                ("red", palette.red),
                ("grey", palette.grey),
            ] {
                for (ground, background) in backgrounds(&palette) {
                    let ratio = contrast(lamp.fill, background);
                    assert!(ratio >= 3.0, "{theme}: {name} on {ground} is {ratio:.2}");
                }
                let knob = contrast(palette.knob, lamp.fill);
                assert!(knob >= 3.0, "{theme}: the knob on {name} is {knob:.2}");
            }
        }
    }
}
