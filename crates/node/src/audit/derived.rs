//! What is kept beside a log: the rows of its group, whom it is listed for, and how far its members are.

use std::collections::BTreeMap;

use domain::{ConversationId, ConversationKind, Cursor, Mark, Member, PortError, UserId};
use service_group::projection::Projection;
use store_group::ProjectError;

use super::log::Walked;
use super::{PAGE, Walk};

/// Rows of members in one write of a repair.
const ROWS_MAX: usize = 1_000;

impl Walk<'_> {
    /// Holds what is derived from a log against it; mends it if the log itself is `lawful`.
    pub(super) async fn derived(&mut self, walked: &Walked, lawful: bool) -> Result<(), PortError> {
        if walked.conversation.kind() == ConversationKind::Group {
            self.group(walked, lawful).await?;
        }
        self.links(walked, lawful).await?;
        self.cursors(walked, lawful).await
    }

    /// A group's rows are not ahead of its log, and say the same as far as they go. Behind is what a crash leaves, and is
    /// made good at the next use.
    async fn group(&mut self, walked: &Walked, lawful: bool) -> Result<(), PortError> {
        let id = walked.conversation;
        let mut truth = Projection::initial(&id);
        let steps = truth.advance(&walked.membership, ROWS_MAX);
        let Some(wrong) = self.wrong_rows(id, &truth).await? else { return Ok(()) };
        self.found(id, truth.as_of(), wrong);
        if self.mending && lawful {
            self.stores.group.forget(id).await?;
            for step in steps {
                let written = self.stores.group.project(id, step.from, step.group, step.members).await;
                written.map_err(|error| match error {
                    ProjectError::Store(error) => error,
                    conflict => PortError::lasting("group store", conflict),
                })?;
            }
            self.mended(format!("{id}: wrote the group's rows as of {}", truth.as_of()));
        }
        Ok(())
    }

    /// What is wrong with a group's rows.
    async fn wrong_rows(&self, id: ConversationId, truth: &Projection) -> Result<Option<String>, PortError> {
        let stored = match self.stores.group.group(id).await {
            Err(error) => return Ok(Some(format!("the group's row cannot be read: {error}"))),
            Ok(None) => return Ok(None),
            Ok(Some(stored)) => stored,
        };
        if stored.as_of > truth.as_of() {
            return Ok(Some(format!("the group's rows are ahead of its log, at {}", stored.as_of)));
        }
        if stored.as_of < truth.as_of() {
            return Ok(None);
        }
        if stored != truth.group() {
            return Ok(Some(format!("the group's row is {stored:?}, but the log says {:?}", truth.group())));
        }
        let members = match self.members(id).await {
            Err(error) => return Ok(Some(format!("a member's row cannot be read: {error}"))),
            Ok(members) => members,
        };
        let same = members.len() == truth.roster.members.len()
            && members.iter().all(|(user, member)| truth.roster.member(*user) == Some(member));
        Ok((!same).then(|| "the rows of the group's members are not what the log says".to_owned()))
    }

    async fn members(&self, id: ConversationId) -> Result<BTreeMap<UserId, Member>, PortError> {
        let mut members = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.stores.group.members(id, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(members) };
            after = Some(*last);
            members.extend(page);
        }
    }

    /// It is listed for everyone who is in. For others it may be: a link is written before the entry that it is for.
    async fn links(&mut self, walked: &Walked, lawful: bool) -> Result<(), PortError> {
        let (id, roster) = (walked.conversation, walked.log.roster());
        let users: Vec<UserId> = roster.active_users().collect();
        for users in users.chunks(PAGE) {
            // A link that cannot be read is written again like one that is lost.
            let links = match self.stores.group.linked(id, users).await {
                Ok(links) => links,
                Err(_) => vec![None; users.len()],
            };
            let lost = |(_, link): &(&UserId, Option<bool>)| {
                link.is_none() || (roster.large && *link == Some(false))
            };
            let lost: Vec<UserId> = users.iter().zip(links).filter(lost).map(|(user, _)| *user).collect();
            for user in &lost {
                self.found(id, roster.position, format!("it is not listed for {user}"));
            }
            if self.mending && lawful && !lost.is_empty() {
                self.stores.group.link(id, &lost, roster.large).await?;
                self.mended(format!("{id}: listed it for {} of its members", lost.len()));
            }
        }
        Ok(())
    }

    /// No member's cursor is past the head.
    async fn cursors(&mut self, walked: &Walked, lawful: bool) -> Result<(), PortError> {
        let (id, head) = (walked.conversation, walked.log.head().mark());
        let members: Vec<UserId> = walked.log.roster().members.keys().copied().collect();
        for members in members.chunks(PAGE) {
            let of: Vec<_> = members.iter().map(|user| (id, *user)).collect();
            for (user, cursor) in members.iter().zip(self.stores.chat.cursors(&of).await?) {
                let furthest = cursor.delivered.max(cursor.read);
                if furthest.position <= head.position {
                    continue;
                }
                self.found(id, furthest.position, format!("the cursor of {user} is past the head"));
                if self.mending && lawful {
                    self.stores.derived.set_cursor(id, *user, clamped(cursor, head)).await?;
                    self.mended(format!("{id}: took the cursor of {user} back to {}", head.position));
                }
            }
        }
        Ok(())
    }
}

fn clamped(cursor: Cursor, head: Mark) -> Cursor {
    Cursor { delivered: cursor.delivered.min(head), read: cursor.read.min(head) }
}
