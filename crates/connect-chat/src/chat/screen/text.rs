//! Text in cells: what a person sees as one character, how wide it is, and where a line breaks. Pure.
//!
//! Bidirectional text stays in the order in which it is stored: a terminal that turns it does so by itself, and one that
//! does not shows all of it.

use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

use super::super::escape;

/// Code points of one character that are shown at most: the largest emoji need 11, and more marks than that run over
/// the lines around them.
const POINTS_MAX: usize = 16;

/// How many cells a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `cells`, with an ellipsis if that cuts it.
pub(super) fn cut(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut short = String::new();
    for grapheme in text.graphemes(true) {
        if width(&short) + width(grapheme) + 1 > cells {
            break;
        }
        short.push_str(grapheme);
    }
    if cells > 0 {
        short.push('…');
    }
    short
}

/// Another person's text, harmless, and with no character higher than its line.
pub(super) fn harmless(text: &str) -> String {
    let safe = escape::lines(text, "");
    if !safe.graphemes(true).any(|grapheme| grapheme.len() > POINTS_MAX) {
        return safe;
    }
    safe.graphemes(true).flat_map(|grapheme| grapheme.chars().take(POINTS_MAX)).collect()
}

/// Another person's name, harmless, in one line.
pub(super) fn name(name: &str) -> String {
    harmless(&escape::one_line(name))
}

/// The rows of a text in lines of at most `cells`, as ranges of bytes: words stay whole where they fit, and no character
/// is ever cut. Spaces at the end of a row may stand out. Line feeds belong to no row.
pub(super) fn rows(text: &str, cells: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap(line, start, cells.max(2), &mut rows);
        start += line.len() + 1;
    }
    rows
}

fn wrap(line: &str, offset: usize, cells: usize, rows: &mut Vec<Range<usize>>) {
    let (mut start, mut used) = (0, 0);
    // The last place where the row may break, and the cells before it.
    let mut seam = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let (wide, space) = (width(grapheme), grapheme == " ");
        if used + wide > cells && !space {
            let (end, before) = seam.take().unwrap_or((at, used));
            rows.push(offset + start..offset + end);
            (start, used) = (end, used - before);
        }
        used += wide;
        // After a space, and after every wide character: those scripts have no spaces.
        if space || wide == 2 {
            seam = Some((at + grapheme.len(), used));
        }
    }
    rows.push(offset + start..offset + line.len());
}

/// The end of the character after `at`.
pub(super) fn next(text: &str, at: usize) -> usize {
    GraphemeCursor::new(at, text.len(), true).next_boundary(text, 0).ok().flatten().unwrap_or(text.len())
}

/// The beginning of the character before `at`.
pub(super) fn previous(text: &str, at: usize) -> usize {
    GraphemeCursor::new(at, text.len(), true).prev_boundary(text, 0).ok().flatten().unwrap_or(0)
}

/// The end of the character that `at` is in.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    match GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0) {
        Ok(true) => at,
        _ => next(text, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, cells: usize) -> Vec<&str> {
        rows(text, cells).into_iter().map(|row| &text[row]).collect()
    }

    #[test]
    fn words_stay_whole_and_what_is_too_long_breaks() {
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("a\n\nb\n", 4), ["a", "", "b", ""]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn a_row_is_wider_than_its_line_or_a_character_is_cut() {
        let texts = [
            "日本語のテキスト mixed with latin",
            "e\u{301}e\u{301}e\u{301}e\u{301}",
            "👩‍👩‍👧👩‍👩‍👧🇩🇪🇩🇪ab",
            "שלום עולם",
        ];
        for text in texts {
            for cells in 2..12 {
                let rows = wrapped(text, cells);
                assert_eq!(rows.concat(), text);
                for row in &rows {
                    assert!(width(row.trim_end()) <= cells, "{row:?} in {cells}");
                }
                let whole: Vec<&str> = text.graphemes(true).collect();
                let broken: Vec<&str> = rows.iter().flat_map(|row| row.graphemes(true)).collect();
                assert_eq!(broken, whole, "in {cells}");
            }
        }
    }

    #[test]
    fn a_name_is_cut_in_the_middle_of_a_character() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_tower_of_marks_runs_over_the_lines_around_it() {
        let tower = format!("x{}y", "\u{301}".repeat(500));
        assert_eq!(harmless(&tower).chars().count(), POINTS_MAX + 1);
        assert_eq!(harmless("👩‍👩‍👧 \u{1b}[2J"), "👩‍👩‍👧 \\u{1b}[2J");
    }
}
