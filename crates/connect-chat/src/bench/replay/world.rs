//! The people and groups of a trace, made on the server.

use std::collections::HashMap;

use anyhow::{Result, bail};
use domain::{ConversationId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::http::Tokens;

use super::trace::Trace;
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Groups made at once.
const GROUPS_AT_ONCE: usize = 32;

/// What the trace's numbers are on the server.
pub(super) struct World {
    /// The device of each person.
    pub(super) people: Vec<Tokens>,
    /// The conversation of each group.
    pub(super) groups: Vec<ConversationId>,
    /// The number of a group, by its id.
    pub(super) group_of: HashMap<ConversationId, usize>,
    /// The number of a person, by their id.
    pub(super) person_of: HashMap<UserId, usize>,
}

impl World {
    pub(super) async fn make(trace: &Trace, target: &Target, out: &Out) -> Result<Self> {
        let names = (0..trace.people.len()).map(name).collect();
        let people = target.mint_all(names, out).await?;
        let https: Vec<_> = people.iter().map(|tokens| target.http(tokens)).collect();
        let bar = out.bar("groups", trace.groups.len() as u64);
        let made = stream::iter(trace.groups.iter().enumerate().map(|(number, group)| {
            let [creator, others @ ..] = &group.members[..] else {
                unreachable!("a group has a first writer")
            };
            let users: Vec<UserId> = others.iter().map(|person| people[*person].user).collect();
            let http = &https[*creator];
            async move {
                let made =
                    http.group(&format!("group {number}"), &users, false, target.clock.client_id()).await;
                made.map(|made| made.id).map_err(anyhow::Error::from)
            }
        }));
        let made = made.buffered(GROUPS_AT_ONCE).inspect_ok(|_| bar.inc(1)).try_collect::<Vec<_>>().await;
        bar.finish_and_clear();
        let groups = made?;
        let group_of: HashMap<_, _> = groups.iter().enumerate().map(|(number, id)| (*id, number)).collect();
        let person_of: HashMap<_, _> =
            people.iter().enumerate().map(|(number, tokens)| (tokens.user, number)).collect();
        if group_of.len() != groups.len() || person_of.len() != people.len() {
            bail!("the server made two groups or two people into one");
        }
        Ok(Self { people, groups, group_of, person_of })
    }
}

/// The name of a person, in each run.
pub(super) fn name(person: usize) -> String {
    format!("r{person}")
}
