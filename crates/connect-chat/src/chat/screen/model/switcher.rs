//! The quick switcher: the conversations whose names hold what is typed, and whoever else is meant. Pure.

use domain::ConversationId;

use super::super::super::state::State;
use super::Editor;

/// What is typed, and which of the choices is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Switcher {
    pub(in super::super) query: Editor,
    pub(in super::super) chosen: usize,
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Choice {
    Room(ConversationId),
    /// Somebody who is not in the list.
    Find(String),
}

impl Switcher {
    /// What can be chosen now: the conversations, newest first, and last a new one.
    pub(in super::super) fn choices(&self, state: &State) -> Vec<Choice> {
        let query = self.query.text().trim().to_lowercase();
        let names = state.rooms.all().into_iter().map(|id| (id, state.room_name(id).to_lowercase()));
        let fitting: Vec<_> = names.filter(|(_, name)| name.contains(&query)).collect();
        let new = !query.is_empty() && fitting.iter().all(|(_, name)| *name != query);
        let rooms = fitting.into_iter().map(|(id, _)| Choice::Room(id));
        rooms.chain(new.then(|| Choice::Find(self.query.text().trim().to_owned()))).collect()
    }

    /// The next choice, or the one before.
    pub(in super::super) fn choose(&mut self, next: bool, state: &State) {
        let last = self.choices(state).len().saturating_sub(1);
        self.chosen = if next { self.chosen + 1 } else { self.chosen.saturating_sub(1) }.min(last);
    }
}
