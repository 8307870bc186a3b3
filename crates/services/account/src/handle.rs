//! Handles: the names that people sign in with.

use domain::{Code, Rejection};

/// The shortest and the longest handle, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 2..=32;

/// The handle in the form that it is kept in: case folded.
pub(crate) fn canonical(handle: &str) -> Result<String, Rejection> {
    let folded = handle.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    if LENGTH.contains(&folded.len()) && folded.chars().all(allowed) {
        return Ok(folded);
    }
    let message = "a handle has 2 to 32 characters out of a-z, 0-9, `_`, `-` and `.`";
    Err(Rejection::new(Code::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_people_cannot_have_names_that_look_the_same() {
        assert_eq!(canonical("Alice").ok(), canonical("aLICE").ok());
        for bad in ["", "a", "аlice", "al ice", "al\u{202e}ice", "a/b", &"x".repeat(33)] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
