//! The icon's pictures, drawn for this project: assets/tray has their sources, and `assets/render` makes the bitmaps.

use super::menu::Mood;

/// One picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Its width and height.
    pub(super) size: u32,
    /// Red, green, blue and opacity of each pixel, row by row.
    pub(super) rgba: Vec<u8>,
}

/// The pictures of a mood, small ones first.
pub(super) fn pictures(mood: Mood) -> Vec<Picture> {
    let files: [&[u8]; 3] = match mood {
        Mood::None => [
            include_bytes!("../../assets/tray/none-22.png"),
            include_bytes!("../../assets/tray/none-32.png"),
            include_bytes!("../../assets/tray/none-64.png"),
        ],
        Mood::Up => [
            include_bytes!("../../assets/tray/up-22.png"),
            include_bytes!("../../assets/tray/up-32.png"),
            include_bytes!("../../assets/tray/up-64.png"),
        ],
        Mood::Trouble => [
            include_bytes!("../../assets/tray/trouble-22.png"),
            include_bytes!("../../assets/tray/trouble-32.png"),
            include_bytes!("../../assets/tray/trouble-64.png"),
        ],
    };
    files.into_iter().filter_map(decode).collect()
}

fn decode(file: &[u8]) -> Option<Picture> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .ok()?;
    let mut rgba = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut rgba).ok()?;
    let is_rgba = info.color_type == png::ColorType::Rgba && info.bit_depth == png::BitDepth::Eight;
    rgba.truncate(info.buffer_size());
    (is_rgba && info.width == info.height).then_some(Picture {
        size: info.width,
        rgba,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mood_has_pictures_of_its_own_shape() {
        let shape = |mood| -> Vec<bool> {
            let pictures = pictures(mood);
            assert_eq!(pictures.len(), 3, "{mood:?}");
            let sizes: Vec<u32> = pictures.iter().map(|picture| picture.size).collect();
            assert_eq!(sizes, [22, 32, 64]);
            // A shape can be told by those who see no colours: what is bright and what is dark.
            pictures[1]
                .rgba
                .chunks_exact(4)
                .map(|pixel| {
                    pixel[3] > 127
                        && pixel[..3].iter().map(|part| u32::from(*part)).sum::<u32>() > 330
                })
                .collect()
        };
        let shapes = [Mood::None, Mood::Up, Mood::Trouble].map(shape);
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            let differing = shapes[one]
                .iter()
                .zip(&shapes[other])
                .filter(|(one, other)| one != other)
                .count();
            assert!(
                differing > 40,
                "{one} and {other} differ in {differing} of 1024 places"
            );
        }
    }
}
