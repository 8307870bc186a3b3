//! Handles in place of ids. Pure: whoever shows a name that is not known here asks the server for it.

mod book;
mod recent;

pub(super) use book::{Book, Named};

use domain::UserId;

use recent::Recent;

/// The handles seen so far.
pub(super) struct Names {
    me: (UserId, String),
    others: Recent<UserId>,
}

impl Names {
    /// Nobody's but one's own.
    pub(super) fn new(me: UserId, handle: &str) -> Self {
        Self { me: (me, handle.to_owned()), others: Recent::default() }
    }

    pub(super) fn knows(&mut self, id: UserId, handle: &str) {
        if id != self.me.0 {
            self.others.learn(id, handle);
        }
    }

    pub(super) fn is_known(&self, id: UserId) -> bool {
        self.known(id).is_some()
    }

    fn known(&self, id: UserId) -> Option<&str> {
        if id == self.me.0 { Some(&self.me.1) } else { self.others.get(&id) }
    }

    /// The handle of a person; while it is not known, the beginning of their id.
    pub(super) fn of(&self, id: UserId) -> String {
        self.known(id).map_or_else(|| id.to_string().chars().take(8).collect(), ToOwned::to_owned)
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

#[cfg(test)]
mod tests {
    use domain::Region;

    use super::*;

    #[test]
    fn many_names_make_one_forget_oneself_or_whom_one_met_last() {
        let user = |n: u32| {
            let mut bytes = [0; 15];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            UserId::new(Region::ONLY, bytes)
        };
        let mut names = Names::new(user(0), "ada");
        for n in 1..=25_000 {
            names.knows(user(n), &format!("user{n}"));
        }
        assert_eq!((names.of(user(0)), names.of(user(25_000))), ("ada".to_owned(), "user25000".to_owned()));
        assert!(names.is_known(user(20_000)) && !names.is_known(user(1)), "the oldest go first");
    }
}
