//! `admin export`: everything of a person or a conversation, as JSON lines on standard output.

use std::io::Write;

use anyhow::Context;
use domain::ConversationId;
use serde::Deserialize;

use super::call::Caller;
use super::out::pass_on;

/// The last line of an export.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Last {
    End { lines: u64 },
}

/// What is exported.
pub(super) enum Of {
    /// A user, by id or handle.
    User(String),
    /// A conversation.
    Conversation(ConversationId),
}

/// Exports, and says so if what came is not all.
pub(super) async fn export(caller: &Caller, of: Of) -> anyhow::Result<()> {
    let path = match of {
        Of::User(user) => format!("/admin/export/user/{user}"),
        Of::Conversation(id) => format!("/admin/export/conversation/{id}"),
    };
    let mut pieces = caller.stream(&path).await?;
    let mut out = std::io::stdout().lock();
    let (mut lines, mut last) = (0, vec![]);
    while let Some(piece) = pieces.next().await? {
        pass_on(out.write_all(&piece))?;
        for byte in piece {
            if byte == b'\n' {
                lines += 1;
            } else if last.last() == Some(&b'\n') {
                last.clear();
            }
            last.push(byte);
        }
    }
    pass_on(out.flush())?;
    let Last::End { lines: told } =
        serde_json::from_slice(&last).context("the export ended early: what was printed is not all")?;
    anyhow::ensure!(told + 1 == lines, "the export has {lines} lines and should have {}", told + 1);
    Ok(())
}
