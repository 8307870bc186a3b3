//! A group of batches that one commit will make durable, and what the next batch in it must see.
//!
//! The overlay holds, for each key that the group has read or written, its value as of the last batch judged. It is at
//! once the view of later batches and the list of rows to be committed: a key that is written many times in a group is
//! committed once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::batch::{Batch, Requirement, Write};
use crate::space::{self, Id, Key, Space, Value};
use crate::write;

/// A key's value in the group, and whether the group has changed it.
struct Cell {
    value: Option<Value>,
    written: bool,
}

type Overlay = HashMap<Key, Cell>;

/// What is gathered for the next commit.
pub(crate) struct Group {
    /// The number of the store, by which a batch of another one is known.
    store: u32,
    /// By the place of the space in the store's list.
    spaces: Vec<(Space, Overlay)>,
    /// The space in which the next offsets of the others are kept.
    offsets: Space,
    rows: usize,
}

impl Group {
    pub(crate) fn new(offsets: Space) -> Self {
        Self { store: offsets.id().store, spaces: Vec::new(), offsets, rows: 0 }
    }

    /// Tells the group of the spaces that were opened since.
    pub(crate) fn learn(&mut self, spaces: &[Space]) {
        let known = self.spaces.len();
        self.spaces.extend(spaces[known..].iter().map(|space| (space.clone(), Overlay::new())));
    }

    /// How many spaces it knows.
    pub(crate) fn known(&self) -> usize {
        self.spaces.len()
    }

    /// Rows that the commit would write.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The spaces whose rows may be in the commit.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.spaces.iter().filter(|(_, overlay)| !overlay.is_empty()).map(|(space, _)| space)
    }

    /// Adds a batch to the group, or says why not and leaves the group as it was.
    pub(crate) fn judge(&mut self, batch: Batch) -> Result<(), write::Error> {
        for (index, requirement) in batch.requirements.iter().enumerate() {
            self.hold(index, requirement)?;
        }
        self.prepare(&batch.writes)?;
        for write in batch.writes {
            self.apply(write);
        }
        Ok(())
    }

    /// Moves the group's rows into the engine's batch and is empty again.
    pub(crate) fn drain_into(&mut self, batch: &mut fjall::OwnedWriteBatch) {
        for (space, overlay) in &mut self.spaces {
            for (key, cell) in overlay.drain().filter(|(_, cell)| cell.written) {
                match cell.value {
                    Some(value) => batch.insert(space.keyspace(), key, value),
                    None => batch.remove(space.keyspace(), key),
                }
            }
        }
        self.rows = 0;
    }

    /// Forgets what a group without writes has read.
    pub(crate) fn forget(&mut self) {
        self.spaces.iter_mut().for_each(|(_, overlay)| overlay.clear());
    }

    fn hold(&mut self, index: usize, requirement: &Requirement) -> Result<(), write::Error> {
        let cell = self.cell(requirement.space, &requirement.key)?;
        if cell.value == requirement.value {
            return Ok(());
        }
        Err(write::Error::Conflict { index, found: cell.value.as_deref().map(<[u8]>::to_vec) })
    }

    /// Reads whatever the writes will need, so that applying them cannot fail half way.
    fn prepare(&mut self, writes: &[Write]) -> Result<(), write::Error> {
        for write in writes {
            match write {
                Write::Set { space, .. } => self.local(*space).map(drop)?,
                Write::Update { space, key, .. } => self.cell(*space, key).map(drop)?,
                Write::Append { space, .. } => self.learn_next_offset(*space)?,
            }
        }
        Ok(())
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Set { space, key, value } => self.set(space, key, value),
            Write::Update { space, key, update } => {
                let now = self.overlay(space).get(&key).expect("prepare has read the key of each update");
                let value = update(now.value.as_deref()).map(Value::from);
                self.set(space, key, value);
            }
            Write::Append { space, value } => {
                let counter = Key::from(self.spaces[space.index as usize].0.name());
                let offset =
                    self.overlay(self.offsets.id()).get(&counter).and_then(|cell| decode(&cell.value));
                let offset = offset.expect("prepare has read the next offset of each space appended to");
                self.set(self.offsets.id(), counter, Some(Value::from((offset + 1).to_be_bytes())));
                self.set(space, Key::from(offset.to_be_bytes()), Some(value));
            }
        }
    }

    fn set(&mut self, space: Id, key: Key, value: Option<Value>) {
        let was = self.overlay(space).insert(key, Cell { value, written: true });
        self.rows += usize::from(!was.is_some_and(|cell| cell.written));
    }

    /// The next offset is a row of its own, because the space may have been emptied since the last append.
    fn learn_next_offset(&mut self, space: Id) -> Result<(), write::Error> {
        let target = self.local(space)?.0.clone();
        let counter = Key::from(target.name());
        let id = self.offsets.id();
        let cell = self.cell(id, &counter)?;
        if decode(&cell.value).is_none() {
            let last = last_offset(&target).map_err(unreadable)?;
            cell.value = Some(Value::from((last + 1).to_be_bytes()));
        }
        Ok(())
    }

    /// The cell of a key, read from the engine if the group has not met it yet.
    fn cell(&mut self, space: Id, key: &Key) -> Result<&mut Cell, write::Error> {
        let (space, overlay) = self.local(space)?;
        match overlay.entry(key.clone()) {
            Entry::Occupied(cell) => Ok(cell.into_mut()),
            Entry::Vacant(place) => {
                let value = space.keyspace().get(key).map_err(|e| unreadable(e.into()))?;
                Ok(place.insert(Cell { value, written: false }))
            }
        }
    }

    fn local(&mut self, id: Id) -> Result<&mut (Space, Overlay), write::Error> {
        if id.store != self.store {
            return Err(write::Error::ForeignSpace);
        }
        Ok(&mut self.spaces[id.index as usize])
    }

    fn overlay(&mut self, id: Id) -> &mut Overlay {
        &mut self.spaces[id.index as usize].1
    }
}

fn decode(value: &Option<Value>) -> Option<u64> {
    let bytes: [u8; 8] = value.as_deref()?.try_into().ok()?;
    Some(u64::from_be_bytes(bytes))
}

/// The greatest offset that the space holds, 0 if it is empty.
fn last_offset(space: &Space) -> Result<u64, space::Error> {
    let Some(last) = space.scan::<Key>(..).next_back() else { return Ok(0) };
    let (key, _) = last?;
    let bytes: [u8; 8] = key.as_ref().try_into().map_err(|_| {
        space::Error::Damaged(format!(
            "space {:?} is appended to and has a key that is no offset",
            space.name()
        ))
    })?;
    Ok(u64::from_be_bytes(bytes))
}

fn unreadable(error: space::Error) -> write::Error {
    write::Error::Read(error.to_string())
}
