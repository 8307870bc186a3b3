//! The members of a group: who is in, adding, removing, leaving, roles.

use axum::Json;
use axum::extract::State;
use domain::content::{self, Left};
use domain::{Code, Content, Rejection, UserId};
use http::Method;
use protocol::http::{Appended, Members, SetRole, Users};
use schemars::JsonSchema;
use serde::Deserialize;

use super::conversations::{SUBMISSION, append};
use super::input::{Body, Caller, InConversation, Key, OfUser, Query};
use super::operation::{About, Operations};
use super::{Answer, Shared};
use crate::hub::Hub;
use crate::submission::may_touch;

pub(super) fn operations() -> Operations {
    Operations::of("members", "Who is in a conversation, and as what.")
        .get(
            "/v1/conversations/{conversation}/members",
            list,
            About {
                id: "listMembers",
                summary: "List the members",
                details: "By id, a page at a time. `as_of` is the roster that the page was read from.",
                refuses: &[],
            },
        )
        .post(
            "/v1/conversations/{conversation}/members",
            change,
            About {
                id: "addMembers",
                summary: "Add people to a group",
                details: "By an admin. Who is in already is not touched.",
                refuses: &[SUBMISSION, &[Code::GroupFull]],
            },
        )
        .delete(
            "/v1/conversations/{conversation}/members",
            change,
            About {
                id: "removeMembers",
                summary: "Remove people from a group",
                details: "By an admin. Who is out already is not touched.",
                refuses: &[SUBMISSION, &[Code::LastAdmin]],
            },
        )
        .put(
            "/v1/conversations/{conversation}/members/{user}/role",
            set_role,
            About {
                id: "setRole",
                summary: "Set a member's role",
                details: "By an admin.",
                refuses: &[SUBMISSION, &[Code::LastAdmin]],
            },
        )
        .post(
            "/v1/conversations/{conversation}/leave",
            leave,
            About {
                id: "leaveGroup",
                summary: "Leave a group",
                details: "One keeps what one saw, and is told nothing more.",
                refuses: &[SUBMISSION, &[Code::LastAdmin]],
            },
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// The `next` of the page before; absent for the first page.
    after: Option<UserId>,
}

async fn list(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Query(page): Query<Page>,
) -> Answer<Json<Members>> {
    may_touch(id, caller.user)?;
    Ok(Json(hub.services.catch_up.members(caller.user, id, page.after).await?))
}

/// Adds people, or removes them: `POST` or `DELETE`.
async fn change(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    method: Method,
    Key(key): Key,
    Body(Users { users }): Body<Users>,
) -> Answer<Json<Appended>> {
    let users = someone(named(&hub, users)?)?;
    hub.existing(&users).await?;
    let users = content::Users { users };
    let change = if method == Method::DELETE { Content::Removed(users) } else { Content::Joined(users) };
    Ok(Json(append(&hub, caller, id, key, &change).await?))
}

async fn leave(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Key(key): Key,
) -> Answer<Json<Appended>> {
    Ok(Json(append(&hub, caller, id, key, &Content::Left(Left {})).await?))
}

async fn set_role(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    OfUser(user): OfUser,
    Key(key): Key,
    Body(SetRole { role }): Body<SetRole>,
) -> Answer<Json<Appended>> {
    Ok(Json(append(&hub, caller, id, key, &Content::Role(content::SetRole { user, role })).await?))
}

/// The people whom a request names: each once, in order, so that the same request always says the same.
pub(super) fn named(hub: &Hub, mut users: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
    users.sort_unstable();
    users.dedup();
    let users_max = hub.config.limits.members_per_request_max;
    if users.len() > users_max {
        return Err(Rejection::new(Code::TooLarge, format!("a request names at most {users_max} people")));
    }
    Ok(users)
}

fn someone(users: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
    if users.is_empty() {
        return Err(Rejection::new(Code::BadRequest, "the request names nobody"));
    }
    Ok(users)
}
