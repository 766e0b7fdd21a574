//! The colours of drawings that are saved. They are the window's own; a test there compares some of them.

use super::graph::Status;

/// On what ground a drawing stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark lines on white.
    #[default]
    Light,
    /// Light lines on a dark ground.
    Dark,
}

/// The colours of a theme, as SVG writes them.
#[derive(Debug)]
pub(super) struct Colors {
    pub(super) ground: &'static str,
    pub(super) raised: &'static str,
    pub(super) edge: &'static str,
    pub(super) text: &'static str,
    pub(super) weak: &'static str,
    pub(super) knob: &'static str,
    pub(super) grey: &'static str,
    pub(super) green: &'static str,
    pub(super) amber: &'static str,
    /// For shapes, for grounds, for words.
    pub(super) red: (&'static str, &'static str, &'static str),
}

const LIGHT: Colors = Colors {
    ground: "#ffffff",
    raised: "#f6f8fb",
    edge: "#b5c0cc",
    text: "#151d27",
    weak: "#4c5968",
    knob: "#ffffff",
    grey: "#768494",
    green: "#198a4b",
    amber: "#b27500",
    red: ("#d12f3c", "#fde8e9", "#b11a28"),
};

const DARK: Colors = Colors {
    ground: "#151a21",
    raised: "#1d242d",
    edge: "#3b4756",
    text: "#e7ecf2",
    weak: "#a0adbc",
    knob: "#0b1016",
    grey: "#798797",
    green: "#3fcf7f",
    amber: "#f0b03c",
    red: ("#f86a62", "#351a1d", "#ff8c84"),
};

impl Colors {
    pub(super) const fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }

    /// The colour of lines and marks of this status.
    pub(super) const fn line_of(&self, status: &Status) -> &'static str {
        match status {
            Status::Idle | Status::Unknown => self.grey,
            Status::Working => self.green,
            Status::InProgress => self.amber,
            Status::Broken { .. } => self.red.0,
        }
    }
}
