//! What one writer wants to happen, whole or not at all.
//!
//! A batch is data: it is built without touching the store and judged by the committer. Its requirements are judged
//! before any of its writes, and its writes happen in the order in which they were added.

use crate::space::{Id, Key, Space, Value};
use crate::write;

/// What a row costs in memory beside its bytes; part of [`Batch::size_bytes`].
const ROW_BYTES: usize = 64;

pub(crate) struct Requirement {
    pub(crate) space: Id,
    pub(crate) key: Key,
    /// `None`: the key must be absent.
    pub(crate) value: Option<Value>,
}

pub(crate) type Update = Box<dyn FnOnce(Option<&[u8]>) -> Option<Vec<u8>> + Send>;

pub(crate) enum Write {
    /// `None` deletes.
    Set {
        space: Id,
        key: Key,
        value: Option<Value>,
    },
    Update {
        space: Id,
        key: Key,
        update: Update,
    },
    Append {
        space: Id,
        value: Value,
    },
}

/// Requirements and writes that succeed or fail as one.
#[derive(Default)]
pub struct Batch {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) writes: Vec<Write>,
    bytes: usize,
    broken: Option<&'static str>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The batch fails with a conflict if the key has a value.
    pub fn require_absent(&mut self, space: &Space, key: impl Into<Key>) -> &mut Self {
        self.demand(space, key.into(), None)
    }

    /// The batch fails with a conflict unless the key has this value.
    pub fn require(&mut self, space: &Space, key: impl Into<Key>, value: impl Into<Value>) -> &mut Self {
        self.demand(space, key.into(), Some(value.into()))
    }

    /// Sets the key to the value.
    pub fn put(&mut self, space: &Space, key: impl Into<Key>, value: impl Into<Value>) -> &mut Self {
        self.set(space, key.into(), Some(value.into()))
    }

    /// Removes the key. Removing an absent key succeeds.
    pub fn delete(&mut self, space: &Space, key: impl Into<Key>) -> &mut Self {
        self.set(space, key.into(), None)
    }

    /// Sets the key to what `f` makes of its present value (`None`: absent, and delete). `f` runs in the committer, for
    /// which all writers wait: it must be quick, and a panic in it ends the process.
    pub fn update(
        &mut self,
        space: &Space,
        key: impl Into<Key>,
        f: impl FnOnce(Option<&[u8]>) -> Option<Vec<u8>> + Send + 'static,
    ) -> &mut Self {
        let key = key.into();
        self.account(&key, size_of_val(&f));
        self.writes.push(Write::Update { space: space.id(), key, update: Box::new(f) });
        self
    }

    /// Puts the value at the next offset of the space: its key is 8 bytes, big-endian, 1 in an empty space, one more than
    /// the last ever given after that, whatever was deleted since. A space that is appended to takes no other puts.
    pub fn append(&mut self, space: &Space, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        self.account(&[0; 8], value.len());
        self.writes.push(Write::Append { space: space.id(), value });
        self
    }

    /// The memory it takes: its keys and values and an allowance for each row. What the queue's bound counts.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty() && self.writes.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), write::Error> {
        self.broken.map_or(Ok(()), |what| Err(write::Error::Limit(what)))
    }

    fn demand(&mut self, space: &Space, key: Key, value: Option<Value>) -> &mut Self {
        self.account(&key, value.as_ref().map_or(0, |value| value.len()));
        self.requirements.push(Requirement { space: space.id(), key, value });
        self
    }

    fn set(&mut self, space: &Space, key: Key, value: Option<Value>) -> &mut Self {
        self.account(&key, value.as_ref().map_or(0, |value| value.len()));
        self.writes.push(Write::Set { space: space.id(), key, value });
        self
    }

    /// Counts a row, and remembers one that the engine would panic at.
    fn account(&mut self, key: &[u8], value_bytes: usize) {
        self.bytes += key.len() + value_bytes + ROW_BYTES;
        if key.is_empty() {
            self.broken = Some("an empty key");
        } else if key.len() > usize::from(u16::MAX) {
            self.broken = Some("a key above 65,535 bytes");
        } else if u32::try_from(value_bytes).is_err() {
            self.broken = Some("a value of 4 GiB or more");
        }
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("requirements", &self.requirements.len())
            .field("writes", &self.writes.len())
            .field("bytes", &self.bytes)
            .finish()
    }
}
