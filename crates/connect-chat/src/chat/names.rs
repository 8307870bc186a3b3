//! Handles in place of ids: asked once, then remembered.

use std::collections::HashMap;

use client::http::Http;
use domain::UserId;

/// Handles remembered at most; then it starts anew.
const NAMES_MAX: usize = 10_000;

/// The handles seen so far.
#[derive(Default)]
pub(super) struct Names(HashMap<UserId, String>);

impl Names {
    pub(super) fn knows(&mut self, id: UserId, handle: &str) {
        if self.0.len() >= NAMES_MAX {
            self.0.clear();
        }
        self.0.insert(id, handle.to_owned());
    }

    /// The handle of a person; while it cannot be asked, the beginning of their id.
    pub(super) async fn of(&mut self, http: &Http, id: UserId) -> String {
        if let Some(handle) = self.0.get(&id) {
            return handle.clone();
        }
        match http.user(id).await {
            Ok(user) => {
                self.knows(id, &user.handle);
                user.handle
            }
            Err(_) => id.to_string().chars().take(8).collect(),
        }
    }
}
