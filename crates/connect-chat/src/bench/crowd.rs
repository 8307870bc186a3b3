//! Many people, each in as many small groups as a person is, and those who write there.

use anyhow::Result;
use domain::{ConversationId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::http::Tokens;

use super::out::Out;
use super::target::Target;

/// Members of a group, beside the one who writes.
const MEMBERS: usize = 20;

/// People who write: each made a share of the groups.
const SPEAKERS: usize = 4;

/// Groups made at once.
const GROUPS_AT_ONCE: usize = 64;

/// People and their groups.
pub(super) struct Crowd {
    pub(super) people: Vec<Tokens>,
    /// They are in the groups, too, and not among the people.
    pub(super) speakers: Vec<Tokens>,
    pub(super) groups: Vec<Group>,
}

/// A group.
pub(super) struct Group {
    pub(super) id: ConversationId,
    /// Its people, as indexes.
    pub(super) members: Vec<usize>,
}

impl Crowd {
    /// Makes `count` people who are in `conversations` groups each.
    pub(super) async fn make(target: &Target, count: usize, conversations: usize, out: &Out) -> Result<Self> {
        let people = target.mint_all((0..count).map(|n| format!("c{n}")).collect(), out).await?;
        let speakers = target.mint_all((0..SPEAKERS).map(|n| format!("s{n}")).collect(), out).await?;
        let groups = groups(count, conversations);
        let bar = out.bar("groups", groups.len() as u64);
        let made = stream::iter(groups.into_iter().enumerate().map(|(number, members)| {
            let users: Vec<UserId> = members.iter().map(|person| people[*person].user).collect();
            let creator = &speakers[speaker_of(number)];
            async move {
                let id = target.group(creator, &format!("group {number}"), &users).await?;
                Ok::<_, anyhow::Error>(Group { id, members })
            }
        }));
        let groups = made.buffered(GROUPS_AT_ONCE).inspect_ok(|_| bar.inc(1)).try_collect().await?;
        bar.finish_and_clear();
        Ok(Self { people, speakers, groups })
    }

    /// The groups of each person, as indexes.
    pub(super) fn groups_of_people(&self) -> Vec<Vec<usize>> {
        let mut of = vec![Vec::new(); self.people.len()];
        for (number, group) in self.groups.iter().enumerate() {
            group.members.iter().for_each(|person| of[*person].push(number));
        }
        of
    }
}

/// Who writes in a group, as an index.
pub(super) fn speaker_of(group: usize) -> usize {
    group % SPEAKERS
}

/// Groups of neighbours in a ring, shifted by one each time, so that everybody is in equally many and no two of them are
/// of the same people.
fn groups(people: usize, conversations: usize) -> Vec<Vec<usize>> {
    let ring: Vec<usize> = (0..people).collect();
    let shifted = |by: usize| {
        let mut ring = ring.clone();
        ring.rotate_left(by % people.max(1));
        ring.chunks(MEMBERS).map(<[usize]>::to_vec).collect::<Vec<_>>()
    };
    (0..conversations).flat_map(shifted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_as_many_groups_as_asked() {
        for (people, conversations) in [(1, 3), (20, 2), (45, 20), (100, 20)] {
            let mut count = vec![0; people];
            for group in groups(people, conversations) {
                assert!(group.len() <= MEMBERS);
                group.iter().for_each(|person| count[*person] += 1);
            }
            assert_eq!(count, vec![conversations; people]);
        }
    }
}
