//! Recovery codes: random, and kept as hashes. One sets a new password when the old one is forgotten.
//!
//! They have 160 bits, so that a fast hash serves (OWASP ASVS 5.0, 6.5.2, asks for 112 then).

use data_encoding::BASE32_NOPAD;

/// Codes in a set that a person asked for.
pub(crate) const CODES: usize = 10;

/// Random bytes of a code: a whole number of characters, and of groups.
pub(crate) const CODE_BYTES: usize = 20;

/// Characters that are shown together.
const GROUP: usize = 8;

/// The code as a person is shown it.
pub(crate) fn shown(random: [u8; CODE_BYTES]) -> String {
    let text = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    let groups: Vec<&str> = (0..text.len()).step_by(GROUP).map(|at| &text[at..at + GROUP]).collect();
    groups.join("-")
}

/// What is kept of a code, however a person wrote its case and what lies between its groups.
pub(crate) fn hash(code: &str) -> [u8; 32] {
    let written = |c: &char| c.is_ascii_alphanumeric();
    let text: String = code.chars().filter(written).map(|c| c.to_ascii_lowercase()).collect();
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_was_written_down_in_another_way_is_refused() {
        let code = shown([0xa5; CODE_BYTES]);
        assert_eq!((code.len(), code.matches('-').count()), (35, 3));
        for written in [code.to_uppercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " "))] {
            assert_eq!(hash(&written), hash(&code), "{written}");
        }
        assert_ne!(hash(&code[1..]), hash(&code));
    }
}
