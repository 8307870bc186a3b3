//! Texts of an exact length, the same for the same row: words, emoji, code, right-to-left and multi-byte characters, and
//! what JSON has to escape. Pure.

use client::backoff::Jitter;

/// What texts are made of.
const PIECES: &[&str] = &[
    "hello ",
    "did anyone try that? ",
    "yes, works here. ",
    "I think so ",
    "thanks! ",
    "\u{1F600} ",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} ",
    "\u{1F1E9}\u{1F1EA} ",
    "\u{1F44D}\u{1F3FD} ",
    "fn main() { println!(\"{}\", x[0] & !mask); } ",
    "`let x = a?.b ?? \"c\\n\";` ",
    "<b>not html</b> & co ",
    "SELECT * FROM t WHERE a='b'; -- ",
    "שלום עולם ",
    "مرحبا بالعالم ",
    "日本語のテキスト ",
    "한국어 ",
    "Привет, как дела? ",
    "naïve café ",
    "e\u{301}a\u{308} ",
    "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 ",
    "line one\nline two\n",
    "tab\there ",
    "C:\\path\\file ",
    "\u{FFFD}\u{200F} ",
];

/// The text of a row, of exactly so many bytes of UTF-8.
pub(super) fn make(row: usize, bytes: usize) -> String {
    let mut choice = Jitter::new(row as u64);
    let mut text = String::with_capacity(bytes);
    while text.len() < bytes {
        let piece = PIECES[choice.below(PIECES.len() as u64) as usize];
        if text.len() + piece.len() <= bytes {
            text.push_str(piece);
        } else {
            // The rest, a byte at a time.
            text.push(char::from(b'a' + choice.below(26) as u8));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_met_to_the_byte_and_again() {
        for bytes in (1..400).chain([4_096, 10_547]) {
            for row in [0, 7, 99_999] {
                assert_eq!(make(row, bytes).len(), bytes);
                assert_eq!(make(row, bytes), make(row, bytes));
            }
        }
        assert_ne!(make(1, 200), make(2, 200), "rows differ");
    }

    #[test]
    fn texts_hold_what_breaks_careless_programs() {
        let all: String = (0..200).map(|row| make(row, 200)).collect();
        for needed in ["\u{1F600}", "\u{200D}", "שלום", "日本", "println!", "\\", "\"", "\n", "𝕌"] {
            assert!(all.contains(needed), "{needed:?}");
        }
    }
}
