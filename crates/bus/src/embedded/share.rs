//! Who of a group reads which partition: evenly, and with as few moves as that takes.

/// Gives every partition an owner out of `members` (in ascending order), so that their shares differ by one at most. An
/// owner who is still a member keeps what can be kept. Without members nobody owns anything.
pub(super) fn share(owners: &mut [Option<u64>], members: &[u64]) {
    for owner in owners.iter_mut() {
        *owner = owner.filter(|id| members.binary_search(id).is_ok());
    }
    let Some(first) = members.first() else { return };
    for partition in 0..owners.len() {
        if owners[partition].is_none() {
            owners[partition] = Some(least_loaded(owners, members).unwrap_or(*first));
        }
    }
    while let Some((partition, to)) = uneven(owners, members) {
        owners[partition] = Some(to);
    }
}

fn load(owners: &[Option<u64>], member: u64) -> usize {
    owners.iter().filter(|owner| **owner == Some(member)).count()
}

fn least_loaded(owners: &[Option<u64>], members: &[u64]) -> Option<u64> {
    members.iter().copied().min_by_key(|member| load(owners, *member))
}

/// A partition to move, and to whom, while two shares differ by more than one.
fn uneven(owners: &[Option<u64>], members: &[u64]) -> Option<(usize, u64)> {
    let least = least_loaded(owners, members)?;
    let most = members.iter().copied().max_by_key(|member| load(owners, *member))?;
    if load(owners, most) <= load(owners, least) + 1 {
        return None;
    }
    owners.iter().rposition(|owner| *owner == Some(most)).map(|partition| (partition, least))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_partition_is_left_alone_or_a_member_idle(
            partitions in 1usize..20,
            rounds in proptest::collection::vec(proptest::collection::btree_set(0u64..8, 1..6), 1..6),
        ) {
            let mut owners = vec![None; partitions];
            for members in rounds {
                let members: Vec<u64> = members.into_iter().collect();
                share(&mut owners, &members);
                let mut loads: Vec<usize> = members.iter().map(|member| load(&owners, *member)).collect();
                loads.sort_unstable();
                prop_assert_eq!(loads.iter().sum::<usize>(), partitions);
                prop_assert!(loads[loads.len() - 1] - loads[0] <= 1);
            }
        }
    }

    #[test]
    fn a_partition_moves_without_need() {
        let mut owners = vec![Some(1), Some(2), Some(1), Some(2)];
        share(&mut owners, &[1, 2]);
        assert_eq!(owners, [Some(1), Some(2), Some(1), Some(2)]);
        share(&mut owners, &[1, 2, 3]);
        assert_eq!(owners.iter().filter(|owner| **owner == Some(3)).count(), 1);
        share(&mut owners, &[2, 3]);
        assert_eq!(owners[1], Some(2));
        share(&mut owners, &[]);
        assert_eq!(owners, [None; 4]);
    }
}
