//! Names that were learnt last, bounded. Pure.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Names remembered at most; then the oldest is forgotten.
const NAMES_MAX: usize = 10_000;

/// The names that were learnt last.
pub(super) struct Recent<K> {
    names: HashMap<K, String>,
    /// Oldest first.
    order: VecDeque<K>,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self { names: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash> Recent<K> {
    /// Learns a name; gives whether it is news.
    pub(super) fn learn(&mut self, id: K, name: &str) -> bool {
        match self.names.insert(id, name.to_owned()) {
            Some(before) => return before != name,
            None => self.order.push_back(id),
        }
        if self.order.len() > NAMES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }

    pub(super) fn get(&self, id: &K) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl ExactSizeIterator<Item = (K, &str)> {
        self.order.iter().map(|id| (*id, self.names[id].as_str()))
    }
}
