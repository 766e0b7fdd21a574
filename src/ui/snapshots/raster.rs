//! Paints what egui tessellates, in plain arithmetic: the same picture on every machine, with no graphics card, no driver and no
//! display. Colours are blended as egui's shaders do: premultiplied, in gamma space.

use std::collections::HashMap;

use egui::epaint::{ImageData, Primitive, Vertex};
use egui::{
    ClippedPrimitive, Color32, ColorImage, FullOutput, Mesh, Pos2, TextureId, TexturesDelta,
};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};

/// See the module.
#[derive(Default)]
pub(super) struct Raster {
    textures: HashMap<TextureId, ColorImage>,
}

impl TestRenderer for Raster {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = &patch.image;
                match patch.pos {
                    None => {
                        self.textures.insert(id, image.as_ref().clone());
                    }
                    Some(at) => put(
                        self.textures.get_mut(&id).expect("it was set before"),
                        image,
                        at,
                    ),
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let mut canvas = Canvas::new(whole(size.x), whole(size.y));
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in ctx.tessellate(output.shapes.clone(), scale)
        {
            let Primitive::Mesh(mesh) = primitive else {
                return Err("there is a callback to paint".to_owned());
            };
            let texture = self
                .textures
                .get(&mesh.texture_id)
                .ok_or("an unknown texture")?;
            let clip = [
                whole(clip_rect.min.x * scale),
                whole(clip_rect.min.y * scale),
                whole(clip_rect.max.x * scale).min(canvas.width),
                whole(clip_rect.max.y * scale).min(canvas.height),
            ];
            canvas.mesh(&mesh, texture, clip, scale);
        }
        Ok(canvas.image())
    }
}

fn put(onto: &mut ColorImage, patch: &ColorImage, [left, top]: [usize; 2]) {
    for y in 0..patch.height() {
        for x in 0..patch.width() {
            onto[(left + x, top + y)] = patch[(x, y)];
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is clamped"
)]
fn whole(number: f32) -> usize {
    number.round().clamp(0.0, 16_384.0) as usize
}

#[expect(clippy::cast_precision_loss, reason = "pixels of a small picture")]
const fn float(number: usize) -> f32 {
    number as f32
}

struct Canvas {
    width: usize,
    height: usize,
    /// Premultiplied, from 0 to 255.
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0.0, 0.0, 0.0, 255.0]; width * height],
        }
    }

    fn mesh(&mut self, mesh: &Mesh, texture: &ColorImage, clip: [usize; 4], scale: f32) {
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |at: usize| {
                let mut vertex = mesh.vertices[corners[at] as usize];
                vertex.pos = (vertex.pos.to_vec2() * scale).to_pos2();
                vertex
            };
            self.triangle([corner(0), corner(1), corner(2)], texture, clip);
        }
    }

    fn triangle(&mut self, mut corners: [Vertex; 3], texture: &ColorImage, clip: [usize; 4]) {
        let mut area = edge(corners[0].pos, corners[1].pos, corners[2].pos);
        if area < 0.0 {
            corners.swap(1, 2);
            area = -area;
        }
        if area == 0.0 {
            return;
        }
        let xs = corners.map(|corner| corner.pos.x);
        let ys = corners.map(|corner| corner.pos.y);
        let least = |all: [f32; 3]| all.into_iter().fold(f32::INFINITY, f32::min).floor();
        let most = |all: [f32; 3]| all.into_iter().fold(0.0, f32::max).ceil();
        let (left, right) = (whole(least(xs)).max(clip[0]), whole(most(xs)).min(clip[2]));
        let (top, bottom) = (whole(least(ys)).max(clip[1]), whole(most(ys)).min(clip[3]));
        let paint = Paint::of(&corners, texture);
        for y in top..bottom {
            let mut was_inside = false;
            for x in left..right {
                let at = Pos2::new(float(x) + 0.5, float(y) + 0.5);
                match weights(&corners, at, area) {
                    Some(weights) => {
                        was_inside = true;
                        let color = paint.at(&corners, weights, texture);
                        blend(&mut self.pixels[y * self.width + x], color);
                    }
                    // A triangle has no second part on the same line.
                    None if was_inside => break,
                    None => {}
                }
            }
        }
    }

    fn image(&self) -> RgbaImage {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "they are from 0 to 255"
        )]
        let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        let (width, height) = (self.width, self.height);
        let size = |number: usize| u32::try_from(number).expect("a small picture");
        RgbaImage::from_fn(size(width), size(height), |x, y| {
            let [red, green, blue, _] = self.pixels[y as usize * width + x as usize];
            Rgba([byte(red), byte(green), byte(blue), 255])
        })
    }
}

/// What a triangle is painted with. Most are of one colour, which need not be found for every pixel.
enum Paint {
    Plain([f32; 4]),
    Varied,
}

impl Paint {
    fn of(corners: &[Vertex; 3], texture: &ColorImage) -> Self {
        let [first, rest @ ..] = corners;
        let is_plain = |corner: &Vertex| corner.uv == first.uv && corner.color == first.color;
        if rest.iter().all(is_plain) {
            Self::Plain(shade(corners, [1.0, 0.0, 0.0], texture))
        } else {
            Self::Varied
        }
    }

    fn at(&self, corners: &[Vertex; 3], weights: [f32; 3], texture: &ColorImage) -> [f32; 4] {
        match self {
            Self::Plain(color) => *color,
            Self::Varied => shade(corners, weights, texture),
        }
    }
}

/// Twice the area of the triangle, positive where it runs clockwise on the screen.
fn edge(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// How near `at` is to each corner; none outside. Of two triangles that share an edge only one has the pixels on it.
fn weights(corners: &[Vertex; 3], at: Pos2, area: f32) -> Option<[f32; 3]> {
    let mut weights = [0.0; 3];
    for (index, weight) in weights.iter_mut().enumerate() {
        let (a, b) = (corners[(index + 1) % 3].pos, corners[(index + 2) % 3].pos);
        let inside = edge(a, b, at);
        let is_top_left = (a.y.total_cmp(&b.y).is_eq() && b.x > a.x) || b.y < a.y;
        if inside < 0.0 || (inside == 0.0 && !is_top_left) {
            return None;
        }
        *weight = inside / area;
    }
    Some(weights)
}

fn shade(corners: &[Vertex; 3], weights: [f32; 3], texture: &ColorImage) -> [f32; 4] {
    let (mut u, mut v, mut color) = (0.0, 0.0, [0.0; 4]);
    for (corner, weight) in corners.iter().zip(weights) {
        u += corner.uv.x * weight;
        v += corner.uv.y * weight;
        for (sum, part) in color.iter_mut().zip(parts(corner.color)) {
            *sum += part * weight;
        }
    }
    let texel = sample(texture, u, v);
    std::array::from_fn(|index| color[index] * texel[index] / 255.0)
}

/// The texture between its four nearest points.
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let (x, y) = (
        u * float(texture.width()) - 0.5,
        v * float(texture.height()) - 0.5,
    );
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let texel = |x: f32, y: f32| {
        let x = whole(x).min(texture.width() - 1);
        let y = whole(y).min(texture.height() - 1);
        parts(texture[(x, y)])
    };
    let corners = [
        (texel(left, top), (1.0 - fx) * (1.0 - fy)),
        (texel(left + 1.0, top), fx * (1.0 - fy)),
        (texel(left, top + 1.0), (1.0 - fx) * fy),
        (texel(left + 1.0, top + 1.0), fx * fy),
    ];
    std::array::from_fn(|index| {
        corners
            .iter()
            .map(|(color, part)| color[index] * part)
            .sum()
    })
}

fn parts(color: Color32) -> [f32; 4] {
    color.to_array().map(f32::from)
}

fn blend(onto: &mut [f32; 4], color: [f32; 4]) {
    if color[3] >= 255.0 {
        *onto = color;
        return;
    }
    let rest = 1.0 - color[3] / 255.0;
    for (old, new) in onto.iter_mut().zip(color) {
        *old = new + *old * rest;
    }
}
