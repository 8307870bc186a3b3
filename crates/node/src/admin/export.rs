//! Everything that belongs to a person, or to a conversation, as JSON lines.
//!
//! Each line says what it is in `type`; the last one is `end` and counts those before it. A person gets the entries that
//! they may see, as the logs say, also of groups that they have left. Deliberately absent: passwords, tokens and hashes
//! of them; what others have read of a person's conversations.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use contracts::services::Standing;
use domain::{
    Code, ConversationId, ConversationKind, Cursor, DeviceId, Entry, Head, Member, Position, Rejection,
    Roster, Timestamp, UserId,
};
use serde::Serialize;
use store_chat::Edge;
use store_user::User;

use super::Admin;
use super::routes::Refused;
use super::stream::{Pipe, pipe};

/// Rows read at once.
const PAGE: usize = 500;

/// Bytes of entries read at once.
const PAGE_BYTES: usize = 4 << 20;

/// One line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    User { id: UserId, handle: &'a str, created: Timestamp },
    Device { id: DeviceId, name: &'a str, created: Timestamp },
    Conversation { id: ConversationId, kind: ConversationKind, name: Option<&'a str>, head: Head },
    Member { user: UserId, member: &'a Member, cursor: Cursor },
    Entry { entry: &'a Entry },
    End { lines: u64 },
}

/// What is exported.
enum Of {
    User(User),
    Conversation(ConversationId, Head),
}

/// Lines on their way.
struct Export {
    admin: Admin,
    pipe: Pipe,
    lines: u64,
}

/// `GET /admin/export/user/{user}`: by id or by handle.
pub(super) async fn user(State(admin): State<Admin>, Path(user): Path<String>) -> Result<Response, Refused> {
    let users = &admin.stores.user;
    let found = match user.parse::<UserId>() {
        Ok(id) => users.user(id).await?,
        Err(_) => users.by_handle(&user).await?,
    };
    let found = found.ok_or_else(|| missing(format!("there is no user {user}")))?;
    Ok(stream(admin, Of::User(found)))
}

/// `GET /admin/export/conversation/{conversation}`.
pub(super) async fn conversation(
    State(admin): State<Admin>,
    Path(id): Path<ConversationId>,
) -> Result<Response, Refused> {
    let head = admin.stores.chat.head(id).await?;
    let head = head.ok_or_else(|| missing(format!("there is no conversation {id}")))?;
    Ok(stream(admin, Of::Conversation(id, head)))
}

fn missing(what: String) -> Refused {
    Refused(Rejection::new(Code::NotFound, what))
}

fn stream(admin: Admin, of: Of) -> Response {
    let (pipe, body) = pipe();
    let mut export = Export { admin, pipe, lines: 0 };
    // Its failure ends the answer, which then has no last line.
    tokio::spawn(async move {
        let written = export.all(&of).await;
        export.pipe.end(written).await;
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

impl Export {
    async fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.lines += 1;
        Ok(self.pipe.put(&text).await?)
    }

    async fn all(&mut self, of: &Of) -> anyhow::Result<()> {
        match of {
            Of::User(user) => self.user(user).await?,
            Of::Conversation(id, head) => self.conversation(*id, *head).await?,
        }
        let lines = self.lines;
        self.line(&Line::End { lines }).await
    }

    async fn user(&mut self, user: &User) -> anyhow::Result<()> {
        self.line(&Line::User { id: user.id, handle: &user.handle, created: user.created }).await?;
        let devices = self.admin.stores.user.devices(user.id, usize::MAX).await?;
        for device in devices.iter().filter(|device| user.lets_in(device)) {
            let (id, name, created) = (device.id, &device.name, device.created);
            self.line(&Line::Device { id, name, created }).await?;
        }
        let mut after = None;
        loop {
            let page = self.admin.stores.chat.conversations(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            for id in page {
                self.of_user(id, user.id).await?;
            }
        }
    }

    /// A person's part of a conversation, if they have one.
    async fn of_user(&mut self, id: ConversationId, user: UserId) -> anyhow::Result<()> {
        let head = self.admin.stores.chat.head(id).await?.unwrap_or_default();
        let standing = self.admin.groups.standing(id, user, head.roster).await?;
        let Some(Standing { member, .. }) = standing else { return Ok(()) };
        self.heading(id, head).await?;
        self.member(id, user, &member).await?;
        for span in &member.spans {
            let to = span.to.map_or(head.position, |to| to.min(head.position));
            self.entries(id, span.from, to).await?;
        }
        Ok(())
    }

    async fn conversation(&mut self, id: ConversationId, head: Head) -> anyhow::Result<()> {
        self.heading(id, head).await?;
        let roster = self.admin.groups.roster(id, head.roster).await?;
        for (user, member) in &Roster::clone(&roster).members {
            self.member(id, *user, member).await?;
        }
        self.entries(id, Position::START, head.position).await
    }

    async fn heading(&mut self, id: ConversationId, head: Head) -> anyhow::Result<()> {
        let kind = id.kind();
        let name = match kind {
            ConversationKind::Group => Some(self.admin.groups.info(id).await?.name),
            ConversationKind::Direct | ConversationKind::Own => None,
        };
        self.line(&Line::Conversation { id, kind, name: name.as_deref(), head }).await
    }

    async fn member(&mut self, id: ConversationId, user: UserId, member: &Member) -> anyhow::Result<()> {
        let cursor =
            self.admin.stores.chat.cursors(&[(id, user)]).await?.first().copied().unwrap_or_default();
        self.line(&Line::Member { user, member, cursor }).await
    }

    /// The entries from one position to another, both included.
    async fn entries(&mut self, id: ConversationId, from: Position, to: Position) -> anyhow::Result<()> {
        let mut after = Position { seq: from.seq.saturating_sub(1), ..from };
        while after < to {
            let page = self.admin.stores.chat.page(id, Edge::After(after), PAGE, PAGE_BYTES).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for entry in page.iter().filter(|entry| entry.position <= to) {
                self.line(&Line::Entry { entry }).await?;
            }
        }
        Ok(())
    }
}
