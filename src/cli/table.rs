//! Tables aligned by how wide a terminal shows a text: Korean and other wide letters take two columns.

use unicode_width::UnicodeWidthStr;

use crate::model::printable;

/// One cell: its text, and the ANSI colour it is shown in where colours are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    colour: Option<u8>,
}

impl Cell {
    /// A cell in the terminal's own colour. What could move the cursor is neutralised.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: printable(text).into_owned(),
            colour: None,
        }
    }

    /// A cell in the colour of this ANSI number (32 is green).
    pub(super) fn coloured(text: &str, colour: u8) -> Self {
        Self {
            colour: Some(colour),
            ..Self::plain(text)
        }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

/// `rows` in columns two spaces apart, each line with its end; no spaces at the ends of lines.
pub(super) fn render(rows: &[Vec<Cell>], coloured: bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or(0)
        })
        .collect();
    let mut table = String::new();
    for row in rows {
        let mut line = String::new();
        let mut gap = 0;
        for (cell, width) in row.iter().zip(&widths) {
            if !cell.text.is_empty() {
                line.extend(std::iter::repeat_n(' ', gap));
                gap = 0;
                match cell.colour.filter(|_| coloured) {
                    Some(colour) => {
                        line.extend(["\u{1b}[", &colour.to_string(), "m", &cell.text, "\u{1b}[0m"]);
                    }
                    None => line += &cell.text,
                }
            }
            gap += width - cell.width() + 2;
        }
        table += &line;
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::plain(text)).collect()
    }

    #[test]
    fn wide_letters_take_two_columns() {
        let rows = [
            row(&["NAME", "STATE"]),
            row(&["한글", "ok"]),
            row(&["abcdef", "ok"]),
        ];
        assert_eq!(
            render(&rows, false),
            "NAME    STATE\n한글    ok\nabcdef  ok\n"
        );
    }

    #[test]
    fn empty_cells_leave_no_spaces_at_the_end() {
        let rows = [
            row(&["A", "B", "C"]),
            row(&["long", "", ""]),
            row(&["x", "", "y"]),
        ];
        assert_eq!(render(&rows, false), "A     B  C\nlong\nx        y\n");
    }

    #[test]
    fn colours_show_only_where_they_are_wanted_and_escapes_never() {
        let rows = [vec![Cell::coloured("a\u{1b}[31m", 32)]];
        assert_eq!(render(&rows, true), "\u{1b}[32ma\u{fffd}[31m\u{1b}[0m\n");
        assert_eq!(render(&rows, false), "a\u{fffd}[31m\n");
    }
}
