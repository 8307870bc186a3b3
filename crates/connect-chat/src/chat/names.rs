//! Handles in place of ids. Pure: whoever shows a name that is not known here asks the server for it.

use std::collections::HashMap;

use domain::UserId;

/// Handles remembered at most; then it starts anew.
const NAMES_MAX: usize = 10_000;

/// The handles seen so far.
#[derive(Default)]
pub(super) struct Names(HashMap<UserId, String>);

impl Names {
    pub(super) fn knows(&mut self, id: UserId, handle: &str) {
        if self.0.len() >= NAMES_MAX {
            self.0.clear();
        }
        self.0.insert(id, handle.to_owned());
    }

    pub(super) fn is_known(&self, id: UserId) -> bool {
        self.0.contains_key(&id)
    }

    /// The handle of a person; while it is not known, the beginning of their id.
    pub(super) fn of(&self, id: UserId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string().chars().take(8).collect())
    }

    /// A list of people, of which the first few are named.
    pub(super) fn list(&self, users: &[UserId]) -> String {
        let mut names: Vec<String> = users.iter().take(NAMED_MAX).map(|user| self.of(*user)).collect();
        if users.len() > NAMED_MAX {
            names.push(format!("and {} more", users.len() - NAMED_MAX));
        }
        names.join(", ")
    }
}

/// People of a list who are named.
pub(super) const NAMED_MAX: usize = 10;
