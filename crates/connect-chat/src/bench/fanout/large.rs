//! What a message costs in a group of many members of whom few are online, against a group of those few alone.

use anyhow::{Result, ensure};
use domain::UserId;
use serde::Serialize;

use crate::bench::drive::{self, Cost, cost};
use crate::bench::figures::Measured;
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Members who are online in both groups.
const ONLINE: usize = 10;

/// Messages of one measurement, and those under way at once.
const MESSAGES: u64 = 10_000;
const WINDOW: usize = 16;
const TEXT_BYTES: usize = 100;

/// Each group is measured so often, in turn; the cheapest of them counts, since other work only adds.
const ROUNDS: usize = 3;

/// Both groups.
#[derive(Debug, Clone, Serialize)]
pub(in crate::bench) struct Large {
    large_members: usize,
    small: Cost,
    large: Cost,
    /// CPU time of a message in the large group, as a multiple of the small one's.
    large_cost_ratio: f64,
}

/// Measures both groups on one server; beside what each message costs, what was measured each time.
pub(in crate::bench) async fn compare(
    target: &Target,
    members: usize,
    out: &Out,
) -> Result<(Large, Vec<Measured>)> {
    ensure!(members > ONLINE, "a large group has more than {ONLINE} members");
    let people = target.mint_all((0..members).map(|n| format!("l{n}")).collect(), out).await?;
    let users: Vec<UserId> = people.iter().map(|tokens| tokens.user).collect();
    let online = &people[..ONLINE];
    let small = target.group(&people[0], "small", &users[1..ONLINE]).await?;
    let large = target.group(&people[0], "large", &users[1..]).await?;
    let (mut of_small, mut of_large): (Option<Cost>, Option<Cost>) = (None, None);
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        for (group, cheapest) in [(small, &mut of_small), (large, &mut of_large)] {
            let line = drive::group(target, group, online, TEXT_BYTES, out).await?;
            let (cost, measured) = cost(vec![line], target, MESSAGES, WINDOW, out).await?;
            all.push(measured);
            *cheapest = Some(
                cheapest.filter(|seen| seen.cpu_us_per_message <= cost.cpu_us_per_message).unwrap_or(cost),
            );
        }
    }
    let (Some(small), Some(large)) = (of_small, of_large) else { unreachable!("there is a round") };
    let large_cost_ratio = large.cpu_us_per_message / small.cpu_us_per_message.max(1e-9);
    Ok((Large { large_members: members, small, large, large_cost_ratio }, all))
}
