//! Every colour, font and distance of the window. Nothing else in `ui` names one.

mod palette;

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin,
    RichText, Stroke, Style, TextStyle, Theme, Ui, Vec2, Visuals,
};

pub(super) use palette::{Lamp, Palette};

use crate::model::Light;

/// The family of names, headings and whatever else should stand out.
const STRONG: &str = "strong";

/// The height of a row of the list.
pub(super) const ROW_HEIGHT: f32 = 42.0;
/// The height of the list's header.
pub(super) const HEADER_HEIGHT: f32 = 30.0;
/// The space around what stands in a panel.
pub(super) const PANEL_MARGIN: i8 = 12;
/// How round boxes are.
pub(super) const RADIUS: u8 = 7;
/// The space between groups of things.
pub(super) const GROUP_GAP: f32 = 12.0;
/// The size of a switch.
pub(super) const SWITCH: Vec2 = Vec2::new(34.0, 18.0);
/// The width and height of a button that is only a picture.
pub(super) const ICON_BUTTON: f32 = 24.0;
/// The first width at which the details stand beside the list rather than below it.
pub(super) const WIDE: f32 = 1180.0;
/// In a narrower window things that stand beside one another elsewhere go below each other, or lose their words.
pub(super) const NARROW: f32 = 640.0;

/// Gives `ctx` Adit's look, light and dark. `fallback_fonts` are the bytes of font files for scripts that the built-in ones
/// lack; what is no font is left out.
pub(super) fn install(ctx: &Context, fallback_fonts: Vec<Vec<u8>>) {
    ctx.set_fonts(fonts(fallback_fonts));
    for theme in [Theme::Light, Theme::Dark] {
        ctx.set_style_of(theme, style(theme));
    }
}

/// The colours in use.
pub(super) fn palette(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode {
        &Palette::DARK
    } else {
        &Palette::LIGHT
    }
}

/// The colours of a tunnel's light.
pub(super) const fn lamp(palette: &Palette, light: Light) -> Lamp {
    match light {
        Light::Grey => palette.grey,
        Light::Amber => palette.amber,
        Light::Green => palette.green,
        Light::Red => palette.red,
    }
}

/// A font of this size for names and headings.
pub(super) fn strong_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// A font for addresses.
pub(super) const fn mono_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// A font for running text.
pub(super) const fn body_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// A name that stands out.
pub(super) fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).font(strong_font(13.5))
}

/// The title of a panel.
pub(super) fn title(text: impl Into<String>) -> RichText {
    RichText::new(text).font(strong_font(17.0))
}

/// The name above a group of things.
pub(super) fn caption(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text)
        .font(strong_font(11.5))
        .color(palette(ui).weak)
}

/// An address.
pub(super) fn mono(text: impl Into<String>) -> RichText {
    RichText::new(text).font(mono_font(12.0))
}

/// Text that steps back.
pub(super) fn weak(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(palette(ui).weak)
}

fn fonts(fallback: Vec<Vec<u8>>) -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = include_bytes!("../../assets/fonts/Inter-Regular.otf");
    let semi_bold = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
    let hangul = crate::diagram::HANGUL;
    let hangul_bold = crate::diagram::HANGUL_STRONG;
    let mut add = |name: &str, data: FontData| {
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    };
    add("hangul", FontData::from_static(hangul));
    add("hangul-bold", FontData::from_static(hangul_bold));
    add("inter", FontData::from_static(regular));
    add("inter-semibold", FontData::from_static(semi_bold));
    let names: Vec<_> = (0..fallback.len())
        .map(|index| format!("fallback-{index}"))
        .collect();
    for (name, bytes) in names.iter().zip(fallback) {
        add(name, FontData::from_owned(bytes));
    }
    let family = |fonts: &mut FontDefinitions, family: FontFamily, first: Option<&str>| {
        let mut list: Vec<_> = first.map(str::to_owned).into_iter().collect();
        if first == Some("inter-semibold") {
            list.push("hangul-bold".to_owned());
        }
        let built_in = match family {
            FontFamily::Monospace => FontFamily::Monospace,
            _ => FontFamily::Proportional,
        };
        list.extend(fonts.families.get(&built_in).cloned().unwrap_or_default());
        list.push("hangul".to_owned());
        list.extend(names.iter().cloned());
        list.dedup();
        fonts.families.insert(family, list);
    };
    let semi = FontFamily::Name(STRONG.into());
    family(&mut fonts, semi, Some("inter-semibold"));
    family(&mut fonts, FontFamily::Proportional, Some("inter"));
    family(&mut fonts, FontFamily::Monospace, None);
    fonts
}

fn style(theme: Theme) -> Style {
    let (palette, visuals) = match theme {
        Theme::Light => (&Palette::LIGHT, Visuals::light()),
        Theme::Dark => (&Palette::DARK, Visuals::dark()),
    };
    let mut style = Style {
        text_styles: text_styles(),
        visuals: visuals_of(palette, visuals),
        animation_time: 0.12,
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 6.0);
    spacing.button_padding = Vec2::new(10.0, 4.0);
    spacing.interact_size = Vec2::new(28.0, 26.0);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(16);
    spacing.tooltip_width = 420.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style
}

fn text_styles() -> BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Heading, strong_font(17.0)),
        (TextStyle::Body, body_font(13.5)),
        (TextStyle::Button, body_font(13.0)),
        (TextStyle::Small, body_font(12.0)),
        (TextStyle::Monospace, mono_font(12.0)),
    ]
    .into()
}

fn visuals_of(palette: &Palette, mut visuals: Visuals) -> Visuals {
    let radius = CornerRadius::same(RADIUS - 1);
    visuals.panel_fill = palette.window;
    visuals.window_fill = palette.surface;
    visuals.window_stroke = Stroke::new(1.0, palette.line_strong);
    visuals.window_corner_radius = CornerRadius::same(RADIUS + 3);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS);
    visuals.extreme_bg_color = palette.sunken;
    visuals.text_edit_bg_color = Some(palette.sunken);
    visuals.faint_bg_color = palette.raised;
    visuals.code_bg_color = palette.sunken;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.amber.text;
    visuals.error_fg_color = palette.red.text;
    visuals.weak_text_color = Some(palette.weak);
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.0, palette.accent);
    // A blinking cursor would wake the window twice a second for as long as a field has the focus.
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke.color = palette.accent;
    let line = Stroke::new(1.0, palette.line);
    let edge = Stroke::new(1.0, palette.line_strong);
    let widgets = &mut visuals.widgets;
    for (widget, fill, stroke) in [
        (&mut widgets.noninteractive, palette.surface, line),
        (&mut widgets.inactive, palette.raised, edge),
        (
            &mut widgets.hovered,
            palette.hover,
            Stroke::new(1.0, palette.weak),
        ),
        (
            &mut widgets.active,
            palette.selected,
            Stroke::new(1.0, palette.accent),
        ),
        (&mut widgets.open, palette.hover, edge),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = stroke;
        widget.fg_stroke = Stroke::new(1.0, palette.text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    visuals
}

/// `color` between itself (0) and `other` (1).
pub(super) fn mixed(color: Color32, other: Color32, part: f32) -> Color32 {
    color.lerp_to_gamma(other, part.clamp(0.0, 1.0))
}
