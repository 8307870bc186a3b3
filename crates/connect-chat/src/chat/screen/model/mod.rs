//! The state of the full screen: what happened, was answered and was typed goes in; effects come out. Pure.
//!
//! Deliberately absent: what anything looks like (see `view`), and whatever has to wait.

mod answers;
mod editor;
mod events;
mod keys;
mod scrolling;
mod switcher;
mod window;

#[cfg(test)]
pub(super) mod tests;

pub(super) use editor::Editor;
pub(super) use switcher::{Choice, Switcher};
pub(super) use window::Window;

use std::collections::{HashMap, HashSet};

use client::protocol::http::Member;
use domain::{ConversationId, Position, UserId};
use jiff::tz::TimeZone;
use ratatui::layout::{Rect, Size};

use super::super::Ended;
use super::super::command::{self, Command};
use super::super::server::Ask;
use super::super::state::{State, Step};
use super::layout::Layout;
use super::text;
use super::transcript::{Scroll, Transcript};

/// Everything that is on the screen, or comes there when one looks elsewhere.
pub(super) struct Model {
    pub(super) state: State,
    pub(super) zone: TimeZone,
    pub(super) size: Size,
    pub(super) link: Link,
    pub(super) editor: Editor,
    /// What was typed and not sent in the other conversations.
    drafts: HashMap<ConversationId, Editor>,
    pub(super) window: Option<Window>,
    pub(super) scroll: Scroll,
    /// Messages that came below while one looked further up.
    pub(super) fresh: usize,
    pub(super) members: Option<Members>,
    pub(super) overlay: Overlay,
    pub(super) notice: Option<Notice>,
    /// Why the client has stopped, if it has.
    pub(super) stopped: Option<String>,
    /// How far the server was told that this person has read the open conversation.
    read: Position,
    /// The list was read once; from then on events keep it right.
    listed: bool,
    /// Names that were asked for since the last connection, and how many answers are due.
    asked: HashSet<UserId>,
    naming: usize,
    now_ms: u64,
    effects: Vec<Effect>,
}

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Ask(Ask),
    /// The person has read up to here.
    Read(ConversationId, Position),
    /// Draw everything anew: something else wrote on the terminal.
    Redraw,
    Leave(Ended),
}

/// The connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Connected,
    /// It is tried again then, in milliseconds of the clock that the shell tells.
    Lost {
        until_ms: u64,
    },
}

/// What lies over the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overlay {
    None,
    /// The help, from its line `top` on.
    Help {
        top: usize,
    },
    /// Recovery codes: they are gone with this.
    Codes(Vec<String>),
    Switcher(Switcher),
}

/// The members of the open group, as far as they are shown.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) members: Vec<Member>,
    /// There are more than are shown.
    pub(super) more: bool,
}

/// A word on what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) words: String,
    pub(super) bad: bool,
}

/// Names that are asked for at once.
const NAMING_MAX: usize = 8;

impl Model {
    pub(super) fn new(state: State, zone: TimeZone, size: Size) -> Self {
        Self {
            state,
            zone,
            size,
            link: Link::Connecting,
            editor: Editor::default(),
            drafts: HashMap::new(),
            window: None,
            scroll: Scroll::End,
            fresh: 0,
            members: None,
            overlay: Overlay::None,
            notice: None,
            stopped: None,
            read: Position::START,
            listed: false,
            asked: HashSet::new(),
            naming: 0,
            now_ms: 0,
            effects: Vec::new(),
        }
    }

    /// What there is to do, oldest first.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        self.name_who_is_seen();
        std::mem::take(&mut self.effects)
    }

    /// What time it is.
    pub(super) fn tick(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Seconds until the connection is tried again; 0 while it is.
    pub(super) fn retry_in_secs(&self) -> u64 {
        match self.link {
            Link::Lost { until_ms } => until_ms.saturating_sub(self.now_ms).div_ceil(1_000),
            Link::Connecting | Link::Connected => 0,
        }
    }

    /// The screen has another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
        // A larger one has room for what is below.
        self.scroll_by(0);
    }

    /// Where everything is.
    pub(super) fn layout(&self) -> Layout {
        let rows = text::rows(self.editor.text(), self.input_width()).len();
        Layout::new(Rect::from((ratatui::layout::Position::ORIGIN, self.size)), self.members.is_some(), rows)
    }

    pub(super) fn input_width(&self) -> usize {
        usize::from(Layout::input_width(self.size.width, self.members.is_some()))
    }

    /// The open conversation, laid out.
    pub(super) fn transcript(&self) -> Option<Transcript<'_>> {
        // A cell is free on each side.
        let width = self.layout().conversation.width.saturating_sub(2);
        self.window.as_ref().map(|window| Transcript::new(&self.state, window, &self.zone, width))
    }

    /// What was typed is done.
    pub(super) fn enter(&mut self) {
        let typed = self.editor.take();
        self.notice = None;
        let step = self.state.command(command::parse(&typed));
        if matches!(step, Step::Refuse(_)) {
            self.editor.give_back(&typed);
        }
        self.step(step);
    }

    /// A command that has a key.
    pub(super) fn command(&mut self, command: Command) {
        let step = self.state.command(command);
        self.step(step);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Ask(ask) => self.ask(ask),
            Step::Open(id) => self.open(id),
            Step::Choose { name, among, why } => {
                self.overlay = Overlay::Switcher(Switcher::among(&name));
                self.state.listed = among;
                self.warn(why);
            }
            Step::List => self.overlay = Overlay::Switcher(Switcher::default()),
            Step::Back(_) => self.page_up(),
            Step::Members(id) => self.toggle_members(id),
            Step::Help => self.overlay = Overlay::Help { top: 0 },
            Step::Quit => self.effects.push(Effect::Leave(Ended::Left)),
            Step::Refuse(why) => self.warn(why),
            Step::Done => {}
        }
    }

    fn ask(&mut self, ask: Ask) {
        if matches!(ask, Ask::Say { .. }) {
            self.go_to_the_end();
        }
        self.effects.push(Effect::Ask(ask));
    }

    fn open(&mut self, id: ConversationId) {
        if self.window.as_ref().is_some_and(|window| window.conversation == id) {
            return;
        }
        self.close();
        self.state.open = Some(id);
        if let Some(mut draft) = self.drafts.remove(&id) {
            self.editor.give_back(&draft.take());
        }
        self.read = Position::START;
        self.reload();
        let wanted = self.members.take().is_some();
        if wanted && id.peer(self.state.me).is_none() {
            self.toggle_members(id);
        }
    }

    /// No conversation is open; what was typed in it is kept for it.
    fn close(&mut self) {
        let Some(window) = self.window.take() else { return };
        let draft = std::mem::take(&mut self.editor);
        if !draft.is_empty() {
            self.drafts.insert(window.conversation, draft);
        }
    }

    /// What was typed and not sent, and for which conversation; what was typed while none was open is for none.
    pub(super) fn drafts(&self) -> impl Iterator<Item = (Option<ConversationId>, &str)> {
        let open = self.window.as_ref().map(|window| window.conversation);
        let others = self.drafts.iter().map(|(id, editor)| (Some(*id), editor.text()));
        std::iter::once((open, self.editor.text())).chain(others).filter(|(_, text)| !text.trim().is_empty())
    }

    fn toggle_members(&mut self, id: ConversationId) {
        if self.members.take().is_some() {
            return;
        }
        if id.peer(self.state.me).is_some() {
            return self.warn("only groups have members".to_owned());
        }
        self.members = Some(Members::default());
        self.effects.push(Effect::Ask(Ask::Members { conversation: id, after: None }));
    }

    pub(super) fn say(&mut self, words: &str) {
        self.notice = Some(Notice { words: words.to_owned(), bad: false });
    }

    fn warn(&mut self, words: String) {
        self.notice = Some(Notice { words, bad: true });
    }

    /// Asks for the names that are on the screen and not known.
    fn name_who_is_seen(&mut self) {
        let unknown = |user: &UserId| !self.state.names.is_known(*user) && !self.asked.contains(user);
        let mut seen = HashSet::new();
        let wanted = self.seen().filter(unknown).filter(|user| seen.insert(*user));
        let wanted: Vec<UserId> = wanted.take(NAMING_MAX.saturating_sub(self.naming)).collect();
        self.naming += wanted.len();
        self.asked.extend(&wanted);
        self.effects.extend(wanted.into_iter().map(|user| Effect::Ask(Ask::Name(user))));
    }

    /// Whose names are on the screen.
    fn seen(&self) -> impl Iterator<Item = UserId> {
        let listed = match self.overlay {
            Overlay::Switcher(_) => usize::MAX,
            _ => usize::from(self.size.height),
        };
        let peers = self.state.rooms.all().into_iter().take(listed);
        let members = self.members.iter().flat_map(|members| &members.members).map(|member| member.user);
        let open = self.state.open.into_iter();
        open.chain(peers).filter_map(|id| id.peer(self.state.me)).chain(self.speakers()).chain(members)
    }
}
