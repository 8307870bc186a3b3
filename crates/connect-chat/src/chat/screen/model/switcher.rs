//! The quick switcher: the conversations whose names hold what is typed, and whoever else is meant. Pure.

use domain::{ConversationId, ConversationKind};

use super::super::super::account::is_handle;
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
    /// The choice among what has this name.
    pub(super) fn among(name: &str) -> Self {
        let mut query = Editor::default();
        query.give_back(name);
        Self { query, chosen: 0 }
    }

    /// What can be chosen now: the conversations, newest first, and last a new one. A person goes before a group that is
    /// called the same: also one who is not in the list yet.
    pub(in super::super) fn choices(&self, state: &State) -> Vec<Choice> {
        let typed = self.query.text().trim();
        let query = typed.to_lowercase();
        let names = state.rooms.all().into_iter().map(|id| (id, state.room_name(id).to_lowercase()));
        let (namesakes, others): (Vec<_>, Vec<_>) =
            names.filter(|(_, name)| name.contains(&query)).partition(|(_, name)| *name == query);
        let (groups, people): (Vec<_>, Vec<_>) =
            namesakes.into_iter().partition(|(id, _)| id.kind() == ConversationKind::Group);
        let is_new = !query.is_empty() && people.is_empty() && (groups.is_empty() || is_handle(&query));
        let new = is_new.then(|| Choice::Find(typed.to_owned()));
        let (before, after) = if groups.is_empty() { (None, new) } else { (new, None) };
        let rooms = |rooms: Vec<(ConversationId, String)>| rooms.into_iter().map(|(id, _)| Choice::Room(id));
        rooms(people).chain(before).chain(rooms(groups)).chain(rooms(others)).chain(after).collect()
    }

    /// The next choice, or the one before.
    pub(in super::super) fn choose(&mut self, next: bool, state: &State) {
        let last = self.choices(state).len().saturating_sub(1);
        self.chosen = if next { self.chosen + 1 } else { self.chosen.saturating_sub(1) }.min(last);
    }
}
