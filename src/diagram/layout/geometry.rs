//! Points and rectangles, y growing downwards.

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
}

impl Point {
    /// The point at `x`, `y`.
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
}

/// A width and a height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Sideways.
    pub width: f32,
    /// Downwards.
    pub height: f32,
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Its upper left corner.
    pub min: Point,
    /// How large it is.
    pub size: Size,
}

impl Rect {
    /// The rectangle at `x`, `y` of this size.
    #[must_use]
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self {
            min: Point { x, y },
            size: Size { width, height },
        }
    }

    /// Its left side.
    #[must_use]
    pub const fn left(&self) -> f32 {
        self.min.x
    }

    /// Its upper side.
    #[must_use]
    pub const fn top(&self) -> f32 {
        self.min.y
    }

    /// Its right side.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.min.x + self.size.width
    }

    /// Its lower side.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.min.y + self.size.height
    }

    /// Its middle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point::new(
            self.min.x + self.size.width / 2.0,
            self.min.y + self.size.height / 2.0,
        )
    }
}
