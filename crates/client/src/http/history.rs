//! A conversation's log: pages of it, messages into it, cursors over it.

use domain::{ClientId, ConversationId, Cursor, Position};
use http::Method;
use protocol::http::{Appended, Cursors, Entries, MoveCursor, NewMessage};

use super::{Ask, Http};
use crate::error::Error;

/// Which side of a position a page lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The entries that follow it.
    After(Position),
    /// The entries before it.
    Before(Position),
}

impl Http {
    /// A page of history, oldest first whichever way it was asked for. Without `limit` it is as large as the server
    /// gives.
    pub async fn entries(
        &self,
        id: ConversationId,
        edge: Edge,
        limit: Option<usize>,
    ) -> Result<Entries, Error> {
        let (name, position) = match edge {
            Edge::After(position) => ("after", position),
            Edge::Before(position) => ("before", position),
        };
        let path = format!("/v1/conversations/{id}/entries");
        self.json(Ask::get(path).query(name, Some(position)).query("limit", limit)).await
    }

    /// Sends a message over HTTP, under this client id.
    pub async fn post(&self, id: ConversationId, text: &str, key: ClientId) -> Result<Appended, Error> {
        let body = NewMessage { text: text.to_owned() };
        self.json(Ask::with(Method::POST, format!("/v1/conversations/{id}/entries"), &body).key(key)).await
    }

    /// Moves one's own cursors.
    pub async fn move_cursor(&self, id: ConversationId, to: &MoveCursor) -> Result<Cursor, Error> {
        self.json(Ask::with(Method::PUT, format!("/v1/conversations/{id}/cursor"), to)).await
    }

    /// The cursors of both people of a direct conversation, or one's own.
    pub async fn cursors(&self, id: ConversationId) -> Result<Cursors, Error> {
        self.json(Ask::get(format!("/v1/conversations/{id}/cursors"))).await
    }
}
