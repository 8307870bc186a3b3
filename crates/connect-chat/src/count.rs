//! Numbers with their words.

use std::fmt::Display;

/// How many there are, with the word for one or for several.
pub(crate) fn count(number: impl Copy + Display + TryInto<u64>, one: &str, many: &str) -> String {
    let words = if number.try_into().is_ok_and(|number| number == 1) { one } else { many };
    format!("{number} {words}")
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_is_told_as_several() {
        assert_eq!(count(0_u64, "law", "laws"), "0 laws");
        assert_eq!(count(1_usize, "message waits", "messages wait"), "1 message waits");
        assert_eq!(count(2_u64, "law", "laws"), "2 laws");
    }
}
