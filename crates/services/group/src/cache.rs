//! The groups in use: projections, bounded by the members that they hold in all, least recently used first to go.
//!
//! A projection in here is true, but may be old: whoever takes one compares its position with the one they need.

use std::sync::Arc;

use domain::ConversationId;
use lru::LruCache;

use crate::projection::Projection;

/// What a group costs beside its members, counted in members.
const GROUP_MEMBERS: usize = 4;

/// Projections by conversation.
#[derive(Debug)]
pub struct Cache {
    projections: LruCache<ConversationId, Arc<Projection>>,
    members: usize,
    members_max: usize,
}

impl Cache {
    /// A cache of groups that have at most `members_max` members in all.
    pub fn new(members_max: usize) -> Self {
        Self { projections: LruCache::unbounded(), members: 0, members_max }
    }

    /// The newest projection that was put.
    pub fn get(&mut self, conversation: ConversationId) -> Option<Arc<Projection>> {
        self.projections.get(&conversation).cloned()
    }

    /// Remembers a projection unless a newer one is known. What is above the bound goes, this one too if it is alone
    /// above it.
    pub fn put(&mut self, conversation: ConversationId, projection: Arc<Projection>) {
        if self.projections.peek(&conversation).is_some_and(|known| known.as_of() >= projection.as_of()) {
            return;
        }
        self.members += weight(&projection);
        if let Some(older) = self.projections.put(conversation, projection) {
            self.members -= weight(&older);
        }
        while self.members > self.members_max {
            let Some((_, oldest)) = self.projections.pop_lru() else { break };
            self.members -= weight(&oldest);
        }
    }
}

/// Who was in counts like who is: both have a row.
fn weight(projection: &Projection) -> usize {
    projection.roster.members.len() + GROUP_MEMBERS
}

#[cfg(test)]
mod tests {
    use domain::{Mark, Member, Position, Region, Roster, UserId};

    use super::*;

    fn group(n: u8) -> ConversationId {
        ConversationId::Group([n; 16])
    }

    fn projection(seq: u64, members: u8) -> Arc<Projection> {
        let gone = Member { role: None, joined: Mark::START, spans: vec![] };
        let members = (0..members).map(|n| (UserId::new(Region(1), [n; 15]), gone.clone()));
        let roster = Arc::new(Roster::from_rows(Position::new(1, seq), false, false, members));
        Arc::new(Projection { name: String::new(), roster })
    }

    #[test]
    fn an_older_projection_does_not_replace_a_newer_one() {
        let mut cache = Cache::new(100);
        cache.put(group(1), projection(5, 1));
        cache.put(group(1), projection(4, 9));
        assert_eq!(cache.get(group(1)), Some(projection(5, 1)));
        cache.put(group(1), projection(6, 2));
        assert_eq!(cache.get(group(1)), Some(projection(6, 2)));
        assert_eq!(cache.members, 2 + GROUP_MEMBERS);
    }

    #[test]
    fn large_groups_do_not_pile_up_and_those_in_use_stay() {
        let mut cache = Cache::new(50);
        cache.put(group(1), projection(1, 16));
        cache.put(group(2), projection(1, 16));
        cache.get(group(1));
        cache.put(group(3), projection(1, 16));
        let kept = [1, 2, 3].map(|n| cache.get(group(n)).is_some());
        assert_eq!((kept, cache.members), ([true, false, true], 40));
    }

    #[test]
    fn a_group_above_the_bound_is_not_kept_at_all() {
        let mut cache = Cache::new(50);
        cache.put(group(1), projection(1, 60));
        assert_eq!((cache.get(group(1)), cache.members), (None, 0));
    }
}
