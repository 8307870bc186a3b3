//! Conversations and the members of groups.
//!
//! What changes a group takes a client id, made by [`crate::Clock::client_id`]: the same id again, in a retry, is the
//! same change.

use domain::{ClientId, ConversationId, Role, UserId};
use http::Method;
use protocol::http::{
    Appended, ChangeConversation, Conversations, Members, MissedList, NewConversation, SetRole, Users,
};
use protocol::view::Conversation;

use super::{Ask, Http};
use crate::error::Error;

impl Http {
    /// A page of one's conversations, newest first; `page` is the `next` of the page before.
    pub async fn conversations(&self, page: Option<&str>) -> Result<Conversations, Error> {
        self.json(Ask::get("/v1/conversations").query("page", page)).await
    }

    /// One conversation with its newest entries.
    pub async fn conversation(&self, id: ConversationId) -> Result<Conversation, Error> {
        self.json(Ask::get(format!("/v1/conversations/{id}"))).await
    }

    /// Makes or finds the direct conversation with `user`.
    pub async fn direct(&self, user: UserId) -> Result<Conversation, Error> {
        let body = NewConversation { user: Some(user), name: None, users: Vec::new(), history: false };
        self.json(Ask::with(Method::POST, "/v1/conversations", &body)).await
    }

    /// Makes a group. `history` says whether newcomers see what came before they joined.
    pub async fn group(
        &self,
        name: &str,
        users: &[UserId],
        history: bool,
        key: ClientId,
    ) -> Result<Conversation, Error> {
        let body =
            NewConversation { user: None, name: Some(name.to_owned()), users: users.to_vec(), history };
        self.json(Ask::with(Method::POST, "/v1/conversations", &body).key(key)).await
    }

    /// Renames a group.
    pub async fn rename(&self, id: ConversationId, name: &str, key: ClientId) -> Result<Appended, Error> {
        self.change(id, &ChangeConversation::Name(name.to_owned()), key).await
    }

    /// Sets whether people who join from now on see what came before.
    pub async fn set_history(
        &self,
        id: ConversationId,
        visible: bool,
        key: ClientId,
    ) -> Result<Appended, Error> {
        self.change(id, &ChangeConversation::History(visible), key).await
    }

    async fn change(
        &self,
        id: ConversationId,
        change: &ChangeConversation,
        key: ClientId,
    ) -> Result<Appended, Error> {
        self.json(Ask::with(Method::PATCH, format!("/v1/conversations/{id}"), change).key(key)).await
    }

    /// A page of a group's members, by id, after `after`.
    pub async fn members(&self, id: ConversationId, after: Option<UserId>) -> Result<Members, Error> {
        self.json(Ask::get(format!("/v1/conversations/{id}/members")).query("after", after)).await
    }

    /// Adds people to a group.
    pub async fn add(&self, id: ConversationId, users: &[UserId], key: ClientId) -> Result<Appended, Error> {
        self.change_members(Method::POST, id, users, key).await
    }

    /// Removes people from a group.
    pub async fn remove(
        &self,
        id: ConversationId,
        users: &[UserId],
        key: ClientId,
    ) -> Result<Appended, Error> {
        self.change_members(Method::DELETE, id, users, key).await
    }

    async fn change_members(
        &self,
        method: Method,
        id: ConversationId,
        users: &[UserId],
        key: ClientId,
    ) -> Result<Appended, Error> {
        let body = Users { users: users.to_vec() };
        self.json(Ask::with(method, format!("/v1/conversations/{id}/members"), &body).key(key)).await
    }

    /// Leaves a group.
    pub async fn leave(&self, id: ConversationId, key: ClientId) -> Result<Appended, Error> {
        self.json(Ask::new(Method::POST, format!("/v1/conversations/{id}/leave")).key(key)).await
    }

    /// Sets what a member is in a group.
    pub async fn set_role(
        &self,
        id: ConversationId,
        user: UserId,
        role: Role,
        key: ClientId,
    ) -> Result<Appended, Error> {
        let path = format!("/v1/conversations/{id}/members/{user}/role");
        self.json(Ask::with(Method::PUT, path, &SetRole { role }).key(key)).await
    }

    /// What one missed while no device was connected.
    pub async fn missed(&self) -> Result<MissedList, Error> {
        self.json(Ask::get("/v1/missed")).await
    }
}
