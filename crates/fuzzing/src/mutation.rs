//! Inputs a little wrong: what is kept, with a few bytes changed, cut, repeated, or taken from another.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// The longest input that is made.
const BYTES_MAX: usize = 4_096;

/// Bytes that decoders have opinions on: ends, lengths, tags, signs, brackets.
const TELLING: [u8; 14] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, b'"', b'\\', b'{', b'[', b':', b'-', 0xed];

/// An endless source of mutations, the same for the same seed and corpus.
#[derive(Debug)]
pub struct Mutations<'c> {
    corpus: &'c [Vec<u8>],
    random: SmallRng,
}

impl<'c> Mutations<'c> {
    /// Mutations of this corpus.
    pub fn new(corpus: &'c [Vec<u8>], seed: u64) -> Self {
        Self { corpus, random: SmallRng::seed_from_u64(seed) }
    }

    fn pick(&mut self) -> &'c [u8] {
        if self.corpus.is_empty() {
            &[]
        } else {
            &self.corpus[self.random.random_range(0..self.corpus.len())]
        }
    }

    /// A place in the input, or its end.
    fn place(&mut self, input: &[u8]) -> usize {
        self.random.random_range(..=input.len())
    }

    fn byte(&mut self) -> u8 {
        let any = self.random.random();
        if self.random.random() { any } else { TELLING[usize::from(any) % TELLING.len()] }
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let (one, other) = (self.place(input), self.place(input));
        let (from, to) = (one.min(other), one.max(other));
        match self.random.random_range(0..7) {
            0 if from < input.len() => input[from] = self.byte(),
            1 if from < input.len() => input[from] ^= 1 << self.random.random_range(0..8),
            2 => input.insert(from, self.byte()),
            3 => drop(input.drain(from..to)),
            4 => input.truncate(from),
            5 => input.extend_from_within(from..to),
            _ => {
                let donor = self.pick();
                let start = self.place(donor);
                drop(input.splice(from..to, donor[start..].iter().copied()));
            }
        }
        input.truncate(BYTES_MAX);
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut input = self.pick().to_vec();
        for _ in 0..self.random.random_range(1..=4) {
            self.mutate(&mut input);
        }
        Some(input)
    }
}
