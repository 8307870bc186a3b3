//! Who plays: a device that is signed in, with its calls and its clock.

use std::sync::Arc;

use anyhow::Result;
use client::Clock;
use client::http::{Edge, Http};
use client::tokens::Fixed;
use domain::{ClientId, ConversationId, DeviceId, Entry, Identity, Position, UserId};
use protocol::http::Tokens;

use crate::process::Server;

/// A device that is signed in. A clone is the same device.
#[derive(Clone)]
pub(super) struct Account {
    tokens: Tokens,
    pub(super) http: Http,
    clock: Arc<Clock>,
}

impl Account {
    /// A new device of the person with this handle, who is made if there is none.
    pub(super) async fn mint(server: &Server, handle: &str) -> Result<Self> {
        let tokens = server.mint(handle).await?;
        let clock = Arc::new(Clock::new());
        clock.told(tokens.time);
        let http = Http::new(server.base())?.with_tokens(Arc::new(Fixed::new(&tokens)));
        Ok(Self { tokens, http, clock })
    }

    pub(super) fn user(&self) -> UserId {
        self.tokens.user
    }

    pub(super) fn device(&self) -> DeviceId {
        self.tokens.device
    }

    pub(super) fn token(&self) -> &str {
        &self.tokens.access_token
    }

    pub(super) fn client_id(&self) -> ClientId {
        self.clock.client_id()
    }

    pub(super) fn identity(&self, conversation: ConversationId, client_id: ClientId) -> Identity {
        Identity { conversation, sender: self.user(), device: self.device(), client_id }
    }

    /// All that this person sees of a conversation, by pages.
    pub(super) async fn history(&self, conversation: ConversationId) -> Result<Vec<Arc<Entry>>> {
        let mut entries: Vec<Arc<Entry>> = vec![];
        loop {
            let after = entries.last().map_or(Position::START, |entry| entry.position);
            let page = self.http.entries(conversation, Edge::After(after), None).await?;
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
        }
    }
}
