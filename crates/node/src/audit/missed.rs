//! The Offline Store: nobody is shown that they missed what is not there. What is missing in it comes back by itself.

use domain::{PortError, UserId};
use store_offline::{Missed, ROWS_MAX};

use super::{PAGE, Walk};

impl Walk<'_> {
    /// Holds the rows of every user against the logs. They are forgotten if one of them is wrong: the next entry, or the
    /// next end of a session, notes what was missed anew.
    pub(super) async fn missed(&mut self) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let page = self.stores.user.users(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for user in page {
                self.missed_by(user.id).await?;
            }
        }
    }

    async fn missed_by(&mut self, user: UserId) -> Result<(), PortError> {
        let before = self.report.violations;
        match self.stores.offline.missed(user, ROWS_MAX).await {
            Err(error) => self.broken(format!("what {user} missed cannot be read: {error}")),
            Ok(rows) => {
                for row in rows {
                    if !self.is_there(&row).await? {
                        let what = format!("{user} is said to have missed this, which is not in the log");
                        self.found(row.conversation, row.as_of.position, what);
                    }
                }
            }
        }
        if self.mending && self.report.violations > before {
            self.stores.offline.forget(user).await?;
            self.mended(format!("forgot what {user} missed, which is noted anew"));
        }
        Ok(())
    }

    async fn is_there(&self, row: &Missed) -> Result<bool, PortError> {
        let entry = self.stores.chat.entry(row.conversation, row.as_of.position).await?;
        Ok(entry.is_some_and(|entry| entry.mark() == row.as_of))
    }
}
