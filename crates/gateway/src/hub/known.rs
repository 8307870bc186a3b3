//! Users who are known to exist, so that most sends ask nobody. Users do not cease to exist.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use domain::UserId;

/// A bounded memory that forgets everything when it is full.
#[derive(Debug)]
pub(super) struct Known {
    users: RwLock<HashSet<UserId>>,
    users_max: usize,
}

impl Known {
    pub(super) fn new(users_max: usize) -> Self {
        Self { users: RwLock::default(), users_max }
    }

    pub(super) fn contains(&self, user: UserId) -> bool {
        self.users.read().unwrap_or_else(PoisonError::into_inner).contains(&user)
    }

    pub(super) fn remember(&self, users: impl IntoIterator<Item = UserId>) {
        let mut known = self.users.write().unwrap_or_else(PoisonError::into_inner);
        for user in users {
            if known.len() >= self.users_max {
                known.clear();
            }
            known.insert(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Region;

    #[test]
    fn a_memory_of_users_that_grows_without_end() {
        let known = Known::new(3);
        let user = |n| UserId::new(Region(1), [n; 15]);
        known.remember((0..100).map(user));
        assert!(known.contains(user(99)));
        assert!((0..100).filter(|n| known.contains(user(*n))).count() <= 3);
    }
}
