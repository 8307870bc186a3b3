//! The digest of order and text of a group: by the file, and by what a device read. Pure.

use super::text;
use super::trace::Trace;

/// Who said what, in which order.
#[derive(Default)]
pub(super) struct Chain {
    hasher: blake3::Hasher,
    count: u64,
}

/// A chain's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) count: u64,
    hash: blake3::Hash,
}

impl Chain {
    /// The next message: the number of its sender in the file, and its text.
    pub(super) fn push(&mut self, person: usize, text: &str) {
        self.hasher.update(&(person as u64).to_le_bytes());
        self.hasher.update(&(text.len() as u64).to_le_bytes());
        self.hasher.update(text.as_bytes());
        self.count += 1;
    }

    pub(super) fn end(&self) -> Link {
        Link { count: self.count, hash: self.hasher.finalize() }
    }
}

/// What each group must read like.
pub(super) struct Expected {
    pub(super) groups: Vec<Link>,
}

impl Expected {
    pub(super) fn of(trace: &Trace) -> Self {
        let group = |rows: &Vec<usize>| {
            let mut chain = Chain::default();
            for index in rows {
                let row = trace.rows[*index];
                chain.push(row.person, &text::make(*index, row.bytes));
            }
            chain.end()
        };
        Self { groups: trace.groups.iter().map(|of| group(&of.rows)).collect() }
    }

    /// Of all groups.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for link in &self.groups {
            hasher.update(link.hash.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(messages: &[(usize, &str)]) -> Link {
        let mut chain = Chain::default();
        messages.iter().for_each(|(person, text)| chain.push(*person, text));
        chain.end()
    }

    #[test]
    fn any_other_order_sender_text_or_count_shows() {
        let right = end(&[(1, "a"), (2, "b"), (1, "c")]);
        assert_eq!(right, end(&[(1, "a"), (2, "b"), (1, "c")]));
        for wrong in [
            &[(1, "a"), (1, "c"), (2, "b")][..],
            &[(1, "a"), (1, "b"), (1, "c")],
            &[(1, "a"), (2, "b")],
            &[(1, "a"), (2, "b"), (1, "c"), (1, "c")],
            &[(1, "ab"), (2, ""), (1, "c")],
        ] {
            assert_ne!(end(wrong), right, "{wrong:?}");
        }
    }
}
