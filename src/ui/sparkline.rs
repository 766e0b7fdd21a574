//! A small line of what moved through a tunnel lately.

use egui::{Pos2, Rect, Shape, Stroke, Ui};

use super::theme;

/// Paints `values`, oldest first, into `rect`; the largest one reaches the top.
pub(super) fn paint(ui: &Ui, rect: Rect, values: &[u64], is_moving: bool) {
    let palette = theme::palette(ui);
    let color = if is_moving {
        palette.accent
    } else {
        palette.line_strong
    };
    let points = points(rect, values);
    let [first, .., last] = points.as_slice() else {
        return;
    };
    // The ground below the line, as one strip: its outline is not convex.
    let mut mesh = egui::Mesh::default();
    let ground = color.gamma_multiply(0.16);
    for (index, point) in points.iter().enumerate() {
        mesh.colored_vertex(*point, ground);
        mesh.colored_vertex(Pos2::new(point.x, rect.bottom()), ground);
        if let Ok(at) = u32::try_from(index * 2)
            && at >= 2
        {
            mesh.add_triangle(at - 2, at - 1, at);
            mesh.add_triangle(at - 1, at, at + 1);
        }
    }
    debug_assert!(first.x <= last.x, "time runs to the right");
    ui.painter().add(Shape::mesh(mesh));
    ui.painter()
        .add(Shape::line(points, Stroke::new(1.4, color)));
}

/// Where the line goes.
fn points(rect: Rect, values: &[u64]) -> Vec<Pos2> {
    #[expect(clippy::cast_precision_loss, reason = "a picture of a few points")]
    let height = |value: u64, most: u64| rect.height() * (value as f32 / most.max(1) as f32);
    let most = values.iter().copied().max().unwrap_or_default();
    let steps = values.len().saturating_sub(1).max(1);
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            #[expect(clippy::cast_precision_loss, reason = "there are a few dozen")]
            let part = index as f32 / steps as f32;
            let x = rect.left() + rect.width() * part;
            Pos2::new(x, rect.bottom() - height(*value, most))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_stays_within_its_box_whatever_the_numbers() {
        let rect = Rect::from_min_max(Pos2::new(10.0, 10.0), Pos2::new(50.0, 30.0));
        for values in [vec![], vec![5], vec![0, 0], vec![1, u64::MAX, 3]] {
            let points = points(rect, &values);
            assert_eq!(points.len(), values.len());
            assert!(
                points.iter().all(|point| rect.contains(*point)),
                "{points:?}"
            );
        }
        let rising = points(rect, &[0, 10]);
        assert_eq!(rising, [rect.left_bottom(), rect.right_top()]);
    }
}
