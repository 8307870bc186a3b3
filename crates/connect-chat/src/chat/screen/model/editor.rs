//! What is being typed: a text and a cursor that stands between characters as people see them. Pure.

use super::super::text;

/// A text that is being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Editor {
    text: String,
    /// A byte, always at the edge of a character.
    cursor: usize,
}

/// Bytes that can be typed at most: well above the longest text that a server takes.
pub(super) const BYTES_MAX: usize = 1 << 20;

impl Editor {
    pub(in super::super) fn text(&self) -> &str {
        &self.text
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes all of it out.
    pub(in super::super) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts a text before what is typed: one that could not be sent.
    pub(in super::super) fn give_back(&mut self, text: &str) {
        let parted = if self.is_empty() { "" } else { "\n" };
        self.text.insert_str(0, &format!("{text}{parted}"));
        self.cursor = self.text.len();
    }

    /// Types or pastes. Line feeds are kept; other control characters are not text. `false` if there is no room for it.
    pub(in super::super) fn insert(&mut self, typed: &str) -> bool {
        let typed = typed.replace("\r\n", "\n").replace('\r', "\n");
        let typed: String = typed.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        if self.text.len() + typed.len() > BYTES_MAX {
            return false;
        }
        self.text.insert_str(self.cursor, &typed);
        self.cursor = text::boundary(&self.text, self.cursor + typed.len());
        true
    }

    pub(in super::super) fn left(&mut self) {
        self.cursor = text::previous(&self.text, self.cursor);
    }

    pub(in super::super) fn right(&mut self) {
        self.cursor = text::next(&self.text, self.cursor);
    }

    pub(in super::super) fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    pub(in super::super) fn word_right(&mut self) {
        let rest = &self.text[self.cursor..];
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let end = rest[word..].find(char::is_whitespace).map_or(rest.len(), |end| word + end);
        self.cursor += end;
    }

    pub(in super::super) fn home(&mut self) {
        self.cursor = self.text[..self.cursor].rfind('\n').map_or(0, |feed| feed + 1);
    }

    pub(in super::super) fn end(&mut self) {
        self.cursor = self.text[self.cursor..].find('\n').map_or(self.text.len(), |feed| self.cursor + feed);
    }

    pub(in super::super) fn backspace(&mut self) {
        self.erase_from(text::previous(&self.text, self.cursor));
    }

    pub(in super::super) fn delete(&mut self) {
        let next = text::next(&self.text, self.cursor);
        self.text.replace_range(self.cursor..next, "");
        self.cursor = text::boundary(&self.text, self.cursor);
    }

    pub(in super::super) fn erase_word(&mut self) {
        self.erase_from(self.word_start());
    }

    pub(in super::super) fn erase_line(&mut self) {
        self.erase_from(self.text[..self.cursor].rfind('\n').map_or(0, |feed| feed + 1));
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(char::is_whitespace).map_or(0, |space| text::next(&self.text, space))
    }

    fn erase_from(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = text::boundary(&self.text, start);
    }

    /// One row up or down in lines of `cells`; `false` where there is none.
    pub(in super::super) fn row(&mut self, up: bool, cells: usize) -> bool {
        let (rows, (row, column)) = (text::rows(&self.text, cells), self.place(cells));
        let to = if up { row.checked_sub(1) } else { Some(row + 1) };
        let Some(to) = to.and_then(|to| rows.get(to)) else { return false };
        let mut at = to.start;
        while at < to.end && text::width(&self.text[to.start..text::next(&self.text, at)]) <= column {
            at = text::next(&self.text, at);
        }
        self.cursor = at.min(to.end);
        true
    }

    /// The cursor's row and cell in lines of `cells`.
    pub(in super::super) fn place(&self, cells: usize) -> (usize, usize) {
        let rows = text::rows(&self.text, cells);
        let row = rows.iter().rposition(|row| row.start <= self.cursor).unwrap_or(0);
        (row, text::width(&self.text[rows[row].start..self.cursor]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.insert(text);
        editor
    }

    #[test]
    fn the_cursor_stands_inside_of_a_character() {
        let mut editor = typed("a👩\u{200d}👩\u{200d}👧e\u{301}日");
        for left in ["日", "e\u{301}", "👩\u{200d}👩\u{200d}👧", "a"] {
            let before = editor.cursor;
            editor.left();
            assert_eq!(&editor.text[editor.cursor..before], left);
        }
        editor.delete();
        editor.delete();
        assert_eq!(editor.text, "e\u{301}日");
        editor.end();
        editor.backspace();
        editor.backspace();
        assert!(editor.is_empty());
        editor.backspace();
        editor.delete();
    }

    #[test]
    fn a_mark_typed_after_its_letter_parts_them() {
        let mut editor = typed("ex");
        editor.left();
        editor.insert("\u{301}");
        editor.insert("y");
        assert_eq!(editor.text, "e\u{301}yx");
    }

    #[test]
    fn a_paste_loses_its_lines_or_brings_control_characters() {
        let mut editor = typed("one\r\ntwo\rthree\n\u{1b}[31mred\u{7}\tx");
        assert_eq!(editor.take(), "one\ntwo\nthree\n[31mred\tx");
    }

    #[test]
    fn rows_are_walked_by_what_is_seen() {
        let mut editor = typed("日本語 text\nab");
        assert_eq!(editor.place(6), (2, 2));
        assert!(editor.row(true, 6));
        assert_eq!(editor.place(6), (1, 2));
        assert!(editor.row(true, 6));
        assert_eq!(editor.place(6), (0, 2));
        assert!(!editor.row(true, 6));
        editor.home();
        editor.word_right();
        assert_eq!(&editor.text[editor.cursor..], " text\nab");
    }

    #[test]
    fn a_word_or_a_line_is_erased_whole() {
        let mut editor = typed("one two\nthree four ");
        editor.erase_word();
        assert_eq!(editor.text, "one two\nthree ");
        editor.erase_line();
        assert_eq!(editor.text, "one two\n");
        editor.give_back("not sent");
        assert_eq!(editor.text, "not sent\none two\n");
    }
}
