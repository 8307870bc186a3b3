//! Rows that are painted whole each time, because terminals disagree on how wide a character in them is: emoji made of
//! several. Whatever one of them leaves beside its two cells is painted over, also once it is gone.

use ratatui::buffer::{Buffer, CellDiffOption};

use super::text;

/// The rows of the last frame that had such a character.
#[derive(Default)]
pub(super) struct Doubtful(Vec<u16>);

impl Doubtful {
    /// Marks what has to be painted of this frame although it may not have changed.
    pub(super) fn mark(&mut self, buffer: &mut Buffer) {
        let area = *buffer.area();
        let is_doubtful =
            |y: &u16| (area.left()..area.right()).any(|x| is_doubtful(buffer[(x, *y)].symbol()));
        let now: Vec<u16> = (area.top()..area.bottom()).filter(is_doubtful).collect();
        let before = std::mem::replace(&mut self.0, now);
        let rows = before.iter().chain(&self.0).filter(|y| **y < area.bottom());
        for (x, y) in rows.flat_map(|y| (area.left()..area.right()).map(move |x| (x, *y))) {
            buffer[(x, y)].set_diff_option(CellDiffOption::AlwaysUpdate);
        }
    }
}

/// Wide, and of more than one code point.
fn is_doubtful(symbol: &str) -> bool {
    symbol.chars().nth(1).is_some() && text::width(symbol) > 1
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn painted(doubtful: &mut Doubtful, before: &Buffer, words: &str) -> (Buffer, usize) {
        let mut buffer = Buffer::empty(before.area);
        buffer.set_string(0, 1, words, Style::new());
        doubtful.mark(&mut buffer);
        let count = before.diff(&buffer).len();
        (buffer, count)
    }

    #[test]
    fn what_an_emoji_left_beside_its_cells_stays_on_the_screen() {
        let mut doubtful = Doubtful::default();
        let empty = Buffer::with_lines(["          "; 3]);
        let (family, _) = painted(&mut doubtful, &empty, "👩\u{200d}👩\u{200d}👧");
        let (gone, count) = painted(&mut doubtful, &family, "");
        assert_eq!(count, 10, "the row is painted whole");
        // Cells that lose the mark count as changed once more.
        let (still, _) = painted(&mut doubtful, &gone, "");
        let (_, count) = painted(&mut doubtful, &still, "");
        assert_eq!(count, 0, "and not for ever");
        let (_, count) = painted(&mut doubtful, &still, "日本");
        assert_eq!(count, 2, "wide characters are not in doubt");
    }
}
