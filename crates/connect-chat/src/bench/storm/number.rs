//! The number of a message, which its client id carries: its group, and its place among what was written there. Pure.

/// Bits of the place.
const NTH_BITS: u32 = 24;

/// The number of the `nth` message in a group.
pub(super) fn of(group: usize, nth: u64) -> u64 {
    (group as u64) << NTH_BITS | nth
}

/// The group and the place of the message with this number.
pub(super) fn parts(number: u64) -> (usize, u64) {
    ((number >> NTH_BITS) as usize, number & ((1 << NTH_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_for_one_of_another_group() {
        for (group, nth) in [(0, 0), (0, 1), (300_000, 0), (300_000, (1 << NTH_BITS) - 1)] {
            assert_eq!(parts(of(group, nth)), (group, nth));
        }
    }
}
