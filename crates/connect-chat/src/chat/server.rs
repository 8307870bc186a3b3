//! What is asked of the server, and what it answers: the one implementation of every command, whichever way the chat is
//! shown. Deliberately absent: what anything looks like, and what is remembered of it (see `state`).

use std::sync::Arc;

use client::http::Edge;
use client::protocol::http::{ChangePassword, Entries, Member, User};
use client::protocol::view::Conversation;
use client::{Client, Error};
use domain::{ClientId, Code, ConversationId, Rejection, Role, UserId};

use super::names::{Book, Named};

/// Pages of the list that are read at most.
const LIST_PAGES_MAX: usize = 20;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// The conversations, newest first.
    List,
    /// A person or a group of this name.
    Find(String),
    /// What a person is called.
    Name(UserId),
    /// One conversation, as it is now.
    Conversation(ConversationId),
    /// A page of history.
    Page { conversation: ConversationId, edge: Edge, limit: usize },
    /// A page of the members of a group.
    Members { conversation: ConversationId, after: Option<UserId> },
    /// A new group.
    Group { name: String, users: Vec<String> },
    /// Something else about a group.
    Change { conversation: ConversationId, change: Change },
    /// A text, for the outbox; perhaps in the place of one that was refused.
    Say { conversation: ConversationId, text: String, again: Option<ClientId> },
    /// Another password.
    Password { current: String, new: String },
    /// Recovery codes, for who knows the password.
    Codes { password: String },
    /// This device signed out, or all of this person's.
    SignOut { everywhere: bool },
}

/// What can be changed about a group. People are named by their handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Add(Vec<String>),
    Remove(Vec<String>),
    Role(String, Role),
    Rename(String),
    Leave,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    Listed(Vec<Conversation>),
    /// A person of this name, or else the list, in which a group may have it.
    Found {
        name: String,
        person: Option<User>,
        listed: Vec<Conversation>,
    },
    /// What has this name as far as this device knows: the server cannot be asked.
    Remembered {
        name: String,
        person: Option<User>,
        groups: Vec<ConversationId>,
    },
    Name(User),
    Conversation(Box<Conversation>),
    Page {
        conversation: ConversationId,
        edge: Edge,
        page: Entries,
    },
    Members {
        conversation: ConversationId,
        members: Vec<Member>,
        next: Option<UserId>,
    },
    Made(Box<Conversation>),
    Changed(ConversationId, Change),
    Said {
        conversation: ConversationId,
        client_id: ClientId,
        text: String,
        again: Option<ClientId>,
    },
    /// The password is another.
    Password,
    /// Recovery codes, shown this once.
    Codes(Vec<String>),
    SignedOut,
}

/// The server, as one person asks it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    book: Arc<Book>,
}

impl Server {
    /// The server that this client speaks to; names that it tells are kept in this book.
    pub(super) fn new(client: Client, book: Book) -> Self {
        Self { client, book: Arc::new(book) }
    }

    /// Asks. A text needs no connection: it is kept until there is one. Neither does a name that was told before.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, Error> {
        let remembered = self.remembered(&ask);
        match (self.ask_server(ask).await, remembered) {
            (Ok(answer), _) => {
                self.learn(&answer);
                Ok(answer)
            }
            (Err(error), Some(answer)) if error.retryable() => Ok(answer),
            (answer, _) => answer,
        }
    }

    /// What the book says to it.
    fn remembered(&self, ask: &Ask) -> Option<Answer> {
        match ask {
            Ask::Name(id) => Some(Answer::Name(User { id: *id, handle: self.book.handle(*id)? })),
            Ask::Find(name) => {
                let handle = name.to_lowercase();
                let person = self.book.person(&handle).map(|id| User { id, handle });
                let groups = self.book.groups(name);
                Some(Answer::Remembered { name: name.clone(), person, groups })
            }
            _ => None,
        }
    }

    fn learn(&self, answer: &Answer) {
        let listed = match answer {
            Answer::Name(user) | Answer::Found { person: Some(user), .. } => {
                return self.book.learn(Named::User(user.id), &user.handle);
            }
            Answer::Listed(listed) | Answer::Found { listed, .. } => &listed[..],
            Answer::Conversation(view) | Answer::Made(view) => std::slice::from_ref(&**view),
            _ => &[],
        };
        for view in listed {
            if let Some(group) = &view.group {
                self.book.learn(Named::Group(view.id), &group.name);
            }
        }
    }

    async fn ask_server(&self, ask: Ask) -> Result<Answer, Error> {
        let http = self.client.http();
        Ok(match ask {
            Ask::List => Answer::Listed(self.list().await?),
            Ask::Find(name) => self.find(name).await?,
            Ask::Name(user) => Answer::Name(http.user(user).await?),
            Ask::Conversation(id) => Answer::Conversation(Box::new(http.conversation(id).await?)),
            Ask::Page { conversation, edge, limit } => {
                Answer::Page { conversation, edge, page: self.page(conversation, edge, limit).await? }
            }
            Ask::Members { conversation, after } => {
                let page = http.members(conversation, after).await?;
                Answer::Members { conversation, members: page.members, next: page.next }
            }
            Ask::Group { name, users } => {
                let users = self.people(&users).await?;
                Answer::Made(Box::new(http.group(&name, &users, false, self.client.client_id()).await?))
            }
            Ask::Change { conversation, change } => {
                self.change(conversation, &change).await?;
                Answer::Changed(conversation, change)
            }
            Ask::Say { conversation, text, again } => {
                let client_id = self.client.send(conversation, &text).await?;
                Answer::Said { conversation, client_id, text, again }
            }
            Ask::Password { current, new } => {
                let keep_devices = false;
                let change = ChangePassword { current_password: current, new_password: new, keep_devices };
                http.change_password(&change).await?;
                Answer::Password
            }
            Ask::Codes { password } => Answer::Codes(http.make_recovery_codes(&password).await?.codes),
            Ask::SignOut { everywhere } => {
                if everywhere {
                    http.sign_out_everywhere().await?
                } else {
                    http.sign_out().await?
                }
                Answer::SignedOut
            }
        })
    }

    async fn list(&self) -> Result<Vec<Conversation>, Error> {
        let mut all = Vec::new();
        let mut next = None;
        for _ in 0..LIST_PAGES_MAX {
            let page = self.client.http().conversations(next.as_deref()).await?;
            all.extend(page.conversations);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn find(&self, name: String) -> Result<Answer, Error> {
        let person = self.person(&name).await?;
        let listed = if person.is_some() { Vec::new() } else { self.list().await? };
        Ok(Answer::Found { name, person, listed })
    }

    /// A person by handle.
    async fn person(&self, name: &str) -> Result<Option<User>, Error> {
        match self.client.http().by_handle(&name.to_lowercase()).await {
            Ok(user) => Ok(Some(user)),
            Err(error) if error.is(Code::NotFound) || error.is(Code::BadRequest) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn people(&self, names: &[String]) -> Result<Vec<UserId>, Error> {
        let mut users = Vec::new();
        for name in names {
            let person = self.person(name).await?;
            let nobody = || Rejection::new(Code::NotFound, format!("nobody is called {name}"));
            users.push(person.ok_or_else(nobody)?.id);
        }
        Ok(users)
    }

    /// A direct conversation in which nothing was said yet has no history, and does not exist.
    async fn page(&self, id: ConversationId, edge: Edge, limit: usize) -> Result<Entries, Error> {
        match self.client.http().entries(id, edge, Some(limit)).await {
            Err(error) if error.is(Code::NotFound) => {
                Ok(Entries { entries: Vec::new(), as_of: domain::Position::START, more: false })
            }
            answer => answer,
        }
    }

    async fn change(&self, id: ConversationId, change: &Change) -> Result<(), Error> {
        let (http, key) = (self.client.http(), self.client.client_id());
        match change {
            Change::Add(names) => http.add(id, &self.people(names).await?, key).await?,
            Change::Remove(names) => http.remove(id, &self.people(names).await?, key).await?,
            Change::Role(name, role) => {
                let users = self.people(std::slice::from_ref(name)).await?;
                http.set_role(id, users[0], *role, key).await?
            }
            Change::Rename(name) => http.rename(id, name, key).await?,
            Change::Leave => http.leave(id, key).await?,
        };
        Ok(())
    }
}
