//! Makes other people's words harmless on a terminal: nothing in them moves the cursor, colours, or turns text around.
//! Pure.

/// A text in one line, for pipes: line feeds, tabs and backslashes are escaped, too.
pub(super) fn one_line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe.push_str("\\\\"),
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            c => push(&mut safe, c),
        }
    }
    safe
}

/// A text for people. Lines after the first begin with `indent`, so that none can pass for a line of the program.
pub(super) fn lines(text: &str, indent: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' => {
                safe.push('\n');
                safe.push_str(indent);
            }
            '\t' => safe.push_str("    "),
            c => push(&mut safe, c),
        }
    }
    safe
}

fn push(safe: &mut String, c: char) {
    if is_harmful(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
}

/// Control characters, and format characters that change the order or the extent of what is read (Unicode TR 36).
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' // marks of direction, and a space without width
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' // embeddings, overrides, isolates
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' // byte order, annotations
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_move_the_cursor_or_turn_a_line_around() {
        let hostile = "\u{1b}[2J\u{9b}31m\u{7}\r\u{8}\u{202e}\u{2066}\u{200f}\u{2028}x";
        for safe in [one_line(hostile), lines(hostile, "    ")] {
            assert!(!safe.chars().any(is_harmful), "{safe}");
            assert!(safe.contains("\\u{1b}[2J") && safe.contains("\\u{202e}") && safe.ends_with('x'));
        }
    }

    #[test]
    fn a_second_line_cannot_pass_for_the_program() {
        assert_eq!(lines("a\r\nbob: pay me\n", "  | "), "a\n  | bob: pay me\n  | ");
        assert_eq!(one_line("a\nb\tc\\"), "a\\nb\\tc\\\\");
    }

    #[test]
    fn every_language_and_emoji_stays_as_it_is() {
        let text = "héllo שלום عربي 日本 👩\u{200d}👩\u{200d}👧 e\u{301} 🇩🇪";
        assert_eq!(one_line(text), text);
    }
}
