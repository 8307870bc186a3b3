//! What this program knows, whichever way it is shown. Pure: commands, events and answers go in, what to do next comes out.

use client::Event;
use client::http::Edge;
use client::protocol::http::User;
use client::storage::Queued;
use domain::{ConversationId, ConversationKind, Position, UserId};

use super::account::is_handle;
use super::command::Command;
use super::names::Names;
use super::outgoing::Outgoing;
use super::rooms::Rooms;
use super::server::{Answer, Ask, Change};
use super::words;

/// The chat of one person.
pub(super) struct State {
    pub(super) me: UserId,
    pub(super) handle: String,
    pub(super) names: Names,
    pub(super) rooms: Rooms,
    pub(super) open: Option<ConversationId>,
    pub(super) online: bool,
    /// The conversations in the order in which they were listed, for `/open NUMBER`.
    pub(super) listed: Vec<ConversationId>,
}

/// What to do about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Ask(Ask),
    Open(ConversationId),
    /// One of these may be meant, and is not guessed; for this reason.
    Choose {
        name: String,
        among: Vec<ConversationId>,
        why: String,
    },
    List,
    Back(ConversationId),
    Members(ConversationId),
    Help,
    Quit,
    /// It cannot be done, for this reason.
    Refuse(String),
    /// It is done, or was nothing.
    Done,
}

/// The edge before which the newest entries are.
pub(super) const NEWEST: Edge = Edge::Before(Position { seq: domain::position::SEQ_MAX, ..Position::END });

impl State {
    pub(super) fn new(me: UserId, handle: String, outbox: Vec<Queued>) -> Self {
        let (names, mut rooms) = (Names::new(me, &handle), Rooms::default());
        for queued in outbox {
            let text = words::said(&queued.body);
            rooms.said(queued.conversation, Outgoing::waiting(queued.client_id, &text));
        }
        Self { me, handle, names, rooms, open: None, online: false, listed: Vec::new() }
    }

    /// A command: what it takes.
    pub(super) fn command(&mut self, command: Command) -> Step {
        let opened = self.open.ok_or_else(|| "no conversation is open; /open NAME opens one".to_owned());
        let change =
            |change| opened.clone().map(|conversation| Step::Ask(Ask::Change { conversation, change }));
        let step = match command {
            Command::List => Ok(Step::List),
            Command::Open(name) => Ok(self.find(name)),
            Command::Group { name, users } => Ok(Step::Ask(Ask::Group { name, users })),
            Command::Help => Ok(Step::Help),
            Command::Quit => Ok(Step::Quit),
            Command::Nothing => Ok(Step::Done),
            Command::Wrong(why) | Command::OpenNothing(why) => Err(why),
            Command::Back => opened.map(Step::Back),
            Command::Members => opened.map(Step::Members),
            Command::Add(users) => change(Change::Add(users)),
            Command::Remove(users) => change(Change::Remove(users)),
            Command::Role(user, role) => change(Change::Role(user, role)),
            Command::Leave => change(Change::Leave),
            Command::Rename(name) => change(Change::Rename(name)),
            Command::Retry => opened.and_then(|id| self.retry(id)),
            Command::Discard => opened.and_then(|id| self.discard(id)),
            Command::Password { current, new } => Ok(Step::Ask(Ask::Password { current, new })),
            Command::Codes(password) => Ok(Step::Ask(Ask::Codes { password })),
            Command::SignOut { everywhere } => self.sign_out(everywhere),
            Command::Say(text) => {
                opened.map(|conversation| Step::Ask(Ask::Say { conversation, text, again: None }))
            }
        };
        step.unwrap_or_else(Step::Refuse)
    }

    /// By number of the last list, by id, or else by what the server finds.
    fn find(&self, name: String) -> Step {
        let listed = name.parse().ok().and_then(|n: usize| self.listed.get(n.wrapping_sub(1)).copied());
        match listed.or_else(|| name.parse().ok()) {
            Some(id) => Step::Open(id),
            None => Step::Ask(Ask::Find(name)),
        }
    }

    /// The conversation with a person, who goes before any group: a group is called what whoever made it likes, and may
    /// be called what a person is.
    fn person(&mut self, user: &User) -> Step {
        self.names.knows(user.id, &user.handle);
        Step::Open(ConversationId::direct(self.me, user.id))
    }

    /// The group of a name that no person has; `nobody` says that no group has it either.
    fn group(&self, name: &str, nobody: String) -> Step {
        let among = self.rooms.groups(name);
        match among[..] {
            [] => Step::Refuse(nobody),
            [id] => Step::Open(id),
            _ => {
                let why = format!("{} groups are called {name}; /open one by its number or id", among.len());
                Step::Choose { name: name.to_owned(), among, why }
            }
        }
    }

    /// What has this name as far as is known here, while the server cannot be asked.
    fn remembered(&mut self, name: &str, person: Option<&User>, groups: &[ConversationId]) -> Step {
        for id in groups {
            self.rooms.room(*id).name.get_or_insert_with(|| name.to_owned());
        }
        if let Some(user) = person {
            return self.person(user);
        }
        let among = self.rooms.groups(name);
        if is_handle(&name.to_lowercase()) && !among.is_empty() {
            let why = format!("{name} may be a person, too; /open the group by its number or id");
            return Step::Choose { name: name.to_owned(), among, why };
        }
        self.group(name, format!("the server cannot be reached now, and no {name} is known here"))
    }

    /// What was refused stays until it is in the outbox again.
    fn retry(&self, conversation: ConversationId) -> Result<Step, String> {
        let refused = self.rooms.first_refused(conversation).ok_or(NOTHING_REFUSED)?;
        let (text, again) = (refused.text.clone(), Some(refused.client_id));
        Ok(Step::Ask(Ask::Say { conversation, text, again }))
    }

    fn discard(&mut self, conversation: ConversationId) -> Result<Step, String> {
        let refused = self.rooms.first_refused(conversation).ok_or(NOTHING_REFUSED)?.client_id;
        self.rooms.drop_refused(conversation, refused);
        Ok(Step::Done)
    }

    /// What waits in the outbox is this device's alone to send.
    fn sign_out(&self, everywhere: bool) -> Result<Step, String> {
        match self.rooms.waiting() {
            0 => Ok(Step::Ask(Ask::SignOut { everywhere })),
            _ => Err("what waits to be sent would be lost; sign out once it is sent".to_owned()),
        }
    }

    /// Something happened. `seen`: the person looks at the end of the open conversation.
    pub(super) fn event(&mut self, event: &Event, seen: bool) {
        match event {
            Event::Connected { .. } => self.online = true,
            Event::Disconnected { .. } | Event::Stopped { .. } => self.online = false,
            Event::Conversation(view) => self.rooms.shown(view),
            Event::Gone(id) => self.gone(*id),
            Event::Entry(entry) => {
                let seen = seen && self.open == Some(entry.conversation);
                self.rooms.entry(entry, self.me, seen);
            }
            Event::Sent(sent) => self.rooms.stored(sent),
            Event::Rejected { conversation, client_id, rejection, .. } => {
                self.rooms.refuse(*conversation, *client_id, rejection.message.to_string());
            }
            Event::Cursor(moved) => self.rooms.moved(moved, self.me),
            Event::Synced | Event::Unreadable { .. } | Event::Refused(_) => {}
        }
    }

    fn gone(&mut self, id: ConversationId) {
        self.rooms.remove(id);
        if self.open == Some(id) {
            self.open = None;
        }
    }

    /// An answer came: what follows from it.
    pub(super) fn answer(&mut self, answer: &Answer) -> Step {
        match answer {
            Answer::Listed(listed) => listed.iter().for_each(|view| self.rooms.shown(view)),
            Answer::Conversation(view) => self.rooms.shown(view),
            Answer::Name(user) => self.names.knows(user.id, &user.handle),
            Answer::Found { name, person, listed } => {
                listed.iter().for_each(|view| self.rooms.shown(view));
                return match person {
                    Some(user) => self.person(user),
                    None => self.group(name, format!("nobody and no group is called {name}")),
                };
            }
            Answer::Remembered { name, person, groups } => {
                return self.remembered(name, person.as_ref(), groups);
            }
            Answer::Made(view) => {
                self.rooms.shown(view);
                return Step::Open(view.id);
            }
            Answer::Changed(id, Change::Leave) if self.open == Some(*id) => self.open = None,
            Answer::Said { conversation, client_id, text, again } => {
                if let Some(refused) = again {
                    self.rooms.drop_refused(*conversation, *refused);
                }
                self.rooms.said(*conversation, Outgoing::waiting(*client_id, text));
            }
            Answer::Changed(..) | Answer::Page { .. } | Answer::Members { .. } => {}
            Answer::Password | Answer::Codes(_) | Answer::SignedOut => {}
        }
        Step::Done
    }

    /// What tells a group from a person of its name, or from another group.
    pub(super) fn told_apart(&self, id: ConversationId) -> Option<String> {
        let room = self.rooms.get(id).filter(|_| id.kind() == ConversationKind::Group)?;
        if room.name.as_deref().is_none_or(|name| self.rooms.groups(name).len() < 2) {
            return Some("group".to_owned());
        }
        let members = room.group.as_ref().map(|group| format!(" of {}", group.members)).unwrap_or_default();
        let id = id.to_string();
        Some(format!("group{members} …{}", &id[id.len() - 5..]))
    }

    /// What a conversation is called: a group's name, or the other person's.
    pub(super) fn room_name(&self, id: ConversationId) -> String {
        if let Some(name) = self.rooms.get(id).and_then(|room| room.name.clone()) {
            return name;
        }
        match id.peer(self.me) {
            Some(peer) => self.names.of(peer),
            None => id.to_string().chars().take(8).collect(),
        }
    }
}

const NOTHING_REFUSED: &str = "nothing was refused here";

/// What there is to tell of an answer to a change.
pub(super) const fn done(change: &Change) -> Option<&'static str> {
    match change {
        Change::Leave => Some("you left"),
        // The entry tells of it.
        Change::Add(_) | Change::Remove(_) | Change::Role(..) | Change::Rename(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{direct, message, user};
    use super::*;

    fn state() -> State {
        State::new(user(1), "ada".to_owned(), Vec::new())
    }

    fn rejected(of: &domain::Entry) -> Event {
        Event::Rejected {
            conversation: of.conversation,
            client_id: of.client_id,
            body: of.body.clone().unwrap(),
            rejection: domain::Rejection::new(domain::Code::NotAMember, "you are not a member"),
        }
    }

    #[test]
    fn something_is_said_while_nothing_is_open() {
        let Step::Refuse(why) = state().command(Command::Say("hello".into())) else { panic!("it was said") };
        assert!(why.contains("/open"), "{why}");
    }

    #[test]
    fn what_was_refused_is_lost_or_sent_twice() {
        let mut state = state();
        state.open = Some(direct());
        for seq in [1, 2] {
            let entry = message(seq, 1, "");
            let (conversation, client_id) = (direct(), entry.client_id);
            state.answer(&Answer::Said { conversation, client_id, text: format!("text {seq}"), again: None });
            state.event(&rejected(&entry), true);
        }
        assert_eq!((state.rooms.waiting(), state.rooms.refused().count()), (0, 2));
        let first = message(1, 1, "").client_id;
        let again = Ask::Say { conversation: direct(), text: "text 1".into(), again: Some(first) };
        assert_eq!(state.command(Command::Retry), Step::Ask(again.clone()));
        assert_eq!(state.command(Command::Retry), Step::Ask(again), "the first time it could not be kept");
        let (conversation, client_id) = (direct(), message(3, 1, "").client_id);
        state.answer(&Answer::Said { conversation, client_id, text: "text 1".into(), again: Some(first) });
        assert_eq!((state.rooms.waiting(), state.rooms.refused().count()), (1, 1));
        assert_eq!(state.command(Command::Discard), Step::Done);
        assert!(matches!(state.command(Command::Retry), Step::Refuse(_)));
    }

    #[test]
    fn what_waits_is_lost_by_signing_out() {
        let mut state = state();
        let out = || Command::SignOut { everywhere: true };
        assert_eq!(state.command(out()), Step::Ask(Ask::SignOut { everywhere: true }));
        let (conversation, client_id) = (direct(), message(1, 1, "").client_id);
        state.answer(&Answer::Said { conversation, client_id, text: "hello".into(), again: None });
        assert!(matches!(state.command(out()), Step::Refuse(_)));
    }

    #[test]
    fn a_name_is_not_found_in_the_list_that_came_with_the_answer() {
        let nobody = Answer::Found { name: "zed".into(), person: None, listed: Vec::new() };
        assert!(matches!(state().answer(&nobody), Step::Refuse(_)));
        let person = Some(User { id: user(2), handle: "bob".into() });
        let found = Answer::Found { name: "bob".into(), person, listed: Vec::new() };
        let mut state = state();
        assert_eq!(state.answer(&found), Step::Open(direct()));
        assert_eq!(state.room_name(direct()), "bob");
    }

    fn group(n: u8) -> ConversationId {
        ConversationId::Group([n; 16])
    }

    /// A state in which these groups are known by this name.
    fn grouped(groups: &[u8], name: &str) -> State {
        let mut state = state();
        groups.iter().for_each(|n| state.rooms.room(group(*n)).name = Some(name.to_owned()));
        state
    }

    fn remembered(name: &str, groups: &[u8]) -> Answer {
        let groups = groups.iter().map(|n| group(*n)).collect();
        Answer::Remembered { name: name.to_owned(), person: None, groups }
    }

    #[test]
    fn what_is_meant_for_a_person_is_said_in_a_strangers_group_of_that_name() {
        let mut state = grouped(&[1], "bob");
        assert_eq!(state.command(Command::Open("bob".into())), Step::Ask(Ask::Find("bob".into())));
        let bob = || Some(User { id: user(2), handle: "bob".into() });
        let found = Answer::Found { name: "bob".into(), person: bob(), listed: Vec::new() };
        assert_eq!(state.answer(&found), Step::Open(direct()));
        let known = Answer::Remembered { name: "bob".into(), person: bob(), groups: vec![group(1)] };
        assert_eq!(state.answer(&known), Step::Open(direct()));
        let Step::Choose { among, .. } = state.answer(&remembered("bob", &[1])) else { panic!("guessed") };
        assert_eq!(among, [group(1)]);
        let nobody = Answer::Found { name: "bob".into(), person: None, listed: Vec::new() };
        assert_eq!(state.answer(&nobody), Step::Open(group(1)), "nobody is called that");
    }

    #[test]
    fn one_of_two_groups_of_one_name_is_guessed() {
        let mut state = grouped(&[1, 2], "my grp");
        for answer in [
            Answer::Found { name: "my grp".into(), person: None, listed: Vec::new() },
            remembered("my grp", &[]),
        ] {
            let Step::Choose { mut among, why, .. } = state.answer(&answer) else { panic!("guessed") };
            among.sort_unstable();
            assert_eq!(among, [group(1), group(2)]);
            assert!(why.starts_with("2 groups are called my grp"), "{why}");
        }
        assert_ne!(state.told_apart(group(1)), state.told_apart(group(2)));
        assert_eq!(state.told_apart(direct()), None);
    }

    #[test]
    fn a_group_that_is_remembered_has_no_name() {
        let mut state = state();
        assert_eq!(state.answer(&remembered("our team", &[1])), Step::Open(group(1)));
        assert_eq!(state.room_name(group(1)), "our team");
        assert!(matches!(state.answer(&remembered("the team", &[])), Step::Refuse(_)));
    }
}
