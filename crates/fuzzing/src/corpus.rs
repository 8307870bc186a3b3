//! The corpora: for each target one file of inputs that reach all of it, a line each, in hex, as `scripts/fuzz.sh` keeps
//! them.

use std::fmt::Write;
use std::path::PathBuf;
use std::{fs, io};

/// The file of a target's corpus.
pub fn path(target: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
        .join(target)
        .with_extension("hex")
}

/// The inputs of a target.
///
/// # Errors
/// When the file cannot be read, or holds what is not hex.
pub fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(path(target))?;
    text.lines().map(|line| unhex(line).ok_or_else(|| io::Error::other(format!("no hex: {line}")))).collect()
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02X}").expect("a String grows as needed");
        text
    })
}

fn unhex(line: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = line.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_another_after_it_was_kept() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(unhex(&hex(&all)), Some(all));
        assert_eq!(unhex(""), Some(vec![]));
        assert_eq!((unhex("0"), unhex("0g"), unhex("é0")), (None, None, None));
    }
}
