//! Rows that are painted whole each time, because terminals disagree on how wide a character in them is: emoji made of
//! several. Whatever one of them leaves beside its two cells is painted over, also once it is gone.

use ratatui::buffer::{Buffer, CellDiffOption};

use super::text;

/// Marks what has to be painted of this frame although it may not have changed. A cell that loses its mark counts as
/// changed once more: that paints over what is left.
pub(super) fn mark_doubtful(buffer: &mut Buffer) {
    let area = *buffer.area();
    for y in area.top()..area.bottom() {
        if (area.left()..area.right()).any(|x| is_doubtful(buffer[(x, y)].symbol())) {
            (area.left()..area.right()).for_each(|x| {
                buffer[(x, y)].set_diff_option(CellDiffOption::AlwaysUpdate);
            });
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

    fn painted(before: &Buffer, words: &str) -> (Buffer, usize) {
        let mut buffer = Buffer::empty(before.area);
        buffer.set_string(0, 1, words, Style::new());
        mark_doubtful(&mut buffer);
        let count = before.diff(&buffer).len();
        (buffer, count)
    }

    #[test]
    fn what_an_emoji_left_beside_its_cells_stays_on_the_screen() {
        let empty = Buffer::with_lines(["          "; 3]);
        let (family, _) = painted(&empty, "👩\u{200d}👩\u{200d}👧");
        let (gone, count) = painted(&family, "");
        assert_eq!(count, 10, "the row is painted whole");
        let (_, count) = painted(&gone, "");
        assert_eq!(count, 0, "and not for ever");
        let (_, count) = painted(&gone, "日本");
        assert_eq!(count, 2, "wide characters are not in doubt");
    }
}
