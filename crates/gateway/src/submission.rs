//! Making submissions: what can be judged by the form alone. Whether a person may append, the log decides.

use contracts::services::Principal;
use domain::{
    ClientId, Code, Content, ConversationId, ConversationKind, Identity, Limits, Rejection, Submission,
    UserId,
};

/// A submission of `author`, if its form allows it.
pub(crate) fn submission(
    author: Principal,
    conversation: ConversationId,
    client_id: ClientId,
    content: &Content,
    limits: &Limits,
) -> Result<Submission, Rejection> {
    may_touch(conversation, author.user)?;
    if conversation.kind() == ConversationKind::Own {
        return Err(Rejection::new(Code::Unsupported, "one's own log takes no entries yet"));
    }
    fits(content, limits)?;
    let Principal { user: sender, device, .. } = author;
    let identity = Identity { conversation, sender, device, client_id };
    Ok(Submission { identity, kind: content.kind(), body: content.to_body(), after: None })
}

/// Whether `user` can be in this conversation at all, as its id says.
pub(crate) fn may_touch(conversation: ConversationId, user: UserId) -> Result<(), Rejection> {
    match conversation {
        ConversationId::Direct(..) if conversation.peer(user).is_none() => Err(Rejection::not_found()),
        ConversationId::Own(owner) if owner != user => Err(Rejection::not_found()),
        _ => Ok(()),
    }
}

fn fits(content: &Content, limits: &Limits) -> Result<(), Rejection> {
    if let Some(lacks) = content.lacks() {
        return Err(Rejection::new(Code::BadRequest, lacks));
    }
    match content {
        Content::Message(message) => at_most("text", &message.text, limits.text_bytes_max),
        Content::Created(created) => at_most("name", &created.name, limits.name_bytes_max),
        Content::Renamed(renamed) => at_most("name", &renamed.name, limits.name_bytes_max),
        _ => Ok(()),
    }
}

fn at_most(what: &str, text: &str, bytes_max: usize) -> Result<(), Rejection> {
    if text.len() > bytes_max {
        let message = format!("the {what} has {} bytes; at most {bytes_max} are allowed", text.len());
        return Err(Rejection::new(Code::TooLarge, message));
    }
    Ok(())
}
