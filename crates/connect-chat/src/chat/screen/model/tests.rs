//! A screen that is typed at and told things, without a terminal, a server or a clock.

use std::sync::Arc;

use client::Event;
use client::http::Edge;
use client::protocol::frame::{CursorMoved, Sent};
use client::protocol::http::{Entries, User};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use domain::{Cursor, Entry, Limits, Mark, Rejection};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::super::super::samples::{at, direct, message, user};
use super::super::super::server::{Answer, Ask};
use super::super::super::state::State;
use super::super::farewell::Farewell;
use super::super::view;
use super::{Effect, Model, Scroll};

/// A person at a screen, and the log of their conversation with bob.
pub(in super::super) struct Sample {
    pub(in super::super) model: Model,
    log: Vec<Arc<Entry>>,
}

impl Sample {
    /// Ada's screen, connected, in the conversation with bob, whose log has so many messages of his.
    pub(in super::super) fn new(width: u16, height: u16, messages: u64) -> Self {
        let log = (1..=messages).map(|seq| message(seq, 2, &format!("message {seq}"))).collect();
        let state = State::new(user(1), "ada".to_owned(), Vec::new());
        let mut sample = Self { model: Model::new(state, TimeZone::UTC, Size::new(width, height)), log };
        sample.model.state.names.knows(user(2), "bob");
        sample.model.state.names.knows(user(3), "carol");
        sample.connect();
        sample.model.step(super::Step::Open(direct()));
        sample.serve();
        sample
    }

    fn connect(&mut self) {
        let (device, limits) = (message(1, 1, "").device, Arc::new(Limits::default()));
        self.model.event(&Event::Connected { user: user(1), device, limits });
    }

    /// Answers what is asked, until nothing is; gives what else was wanted.
    pub(in super::super) fn serve(&mut self) -> Vec<Effect> {
        let mut others = Vec::new();
        loop {
            let effects = self.model.effects();
            if effects.is_empty() {
                return others;
            }
            for effect in effects {
                match effect {
                    Effect::Ask(ask) => self.answer(ask),
                    other => others.push(other),
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask) {
        let answer = match &ask {
            Ask::Page { conversation, edge, limit } => {
                Answer::Page { conversation: *conversation, edge: *edge, page: self.page(*edge, *limit) }
            }
            Ask::Say { conversation, text, again } => Answer::Said {
                conversation: *conversation,
                client_id: message(self.log.len() as u64 + 1, 1, "").client_id,
                text: text.clone(),
                again: *again,
            },
            Ask::List => Answer::Listed(Vec::new()),
            Ask::Name(user) => Answer::Name(User { id: *user, handle: "somebody".into() }),
            other => panic!("nobody answers {other:?}"),
        };
        self.model.answered(ask, Ok(answer));
    }

    fn page(&self, edge: Edge, limit: usize) -> Entries {
        let fits = |entry: &&Arc<Entry>| match edge {
            Edge::Before(before) => entry.position < before,
            Edge::After(after) => entry.position > after,
        };
        let all: Vec<Arc<Entry>> = self.log.iter().filter(fits).cloned().collect();
        let more = all.len() > limit;
        let entries = match edge {
            Edge::Before(_) => all[all.len().saturating_sub(limit)..].to_vec(),
            Edge::After(_) => all.into_iter().take(limit).collect(),
        };
        Entries { entries, as_of: at(self.log.len() as u64), more }
    }

    /// The next entry is appended, and comes.
    pub(in super::super) fn comes(&mut self, sender: u8, text: &str) {
        let entry = message(self.log.len() as u64 + 1, sender, text);
        self.log.push(Arc::clone(&entry));
        self.model.event(&Event::Entry(entry));
    }

    pub(in super::super) fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.model.input(Input::Key(KeyEvent::new(code, modifiers)));
    }

    /// Types a text, and sends it.
    pub(in super::super) fn says(&mut self, text: &str) {
        self.types(text);
        self.key(KeyCode::Enter, KeyModifiers::NONE);
    }

    pub(in super::super) fn types(&mut self, text: &str) {
        text.chars().for_each(|c| self.key(KeyCode::Char(c), KeyModifiers::NONE));
    }

    pub(in super::super) fn pages(&mut self, code: KeyCode, times: usize) {
        for _ in 0..times {
            self.key(code, KeyModifiers::NONE);
        }
    }

    /// Bob has got, and has read, so much.
    pub(in super::super) fn bob_is_at(&mut self, delivered: u64, read: u64) {
        let mark = |seq| Mark::new(at(seq), seq);
        let cursor = Cursor { delivered: mark(delivered), read: mark(read) };
        self.model.event(&Event::Cursor(CursorMoved { conversation: direct(), user: user(2), cursor }));
    }

    pub(in super::super) fn stored(&mut self, seq: u64) {
        let entry = message(seq, 1, "");
        self.model.event(&Event::Sent(Sent {
            conversation: direct(),
            client_id: entry.client_id,
            position: entry.position,
            ordinal: seq,
            time: entry.time,
        }));
    }

    pub(in super::super) fn refused(&mut self, seq: u64) {
        let entry = message(seq, 1, "x");
        self.model.event(&Event::Rejected {
            conversation: direct(),
            client_id: entry.client_id,
            body: entry.body.clone().unwrap(),
            rejection: Rejection::new(domain::Code::NotAMember, "you are not a member"),
        });
    }

    pub(in super::super) fn loses_connection(&mut self, retry_in_ms: u64) {
        self.model.event(&Event::Disconnected { retry_in_ms, reason: "gone".to_owned() });
    }

    /// The rows of the screen.
    pub(in super::super) fn screen(&self) -> Vec<String> {
        let Size { width, height } = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(frame, &self.model)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y: u16| {
            let mut row = String::new();
            let mut skip = 0;
            for x in 0..width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    row.push_str(symbol);
                    skip = super::text::width(symbol).max(1);
                }
                skip -= 1;
            }
            row.trim_end().to_owned()
        };
        (0..height).map(row).collect()
    }

    pub(in super::super) fn shows(&self, words: &str) -> bool {
        self.screen().iter().any(|row| row.contains(words))
    }

    /// The rows of the conversation.
    fn conversation(&self) -> Vec<String> {
        let area = self.model.layout().conversation;
        let rows = self.screen();
        let part =
            |row: &String| row.chars().skip(usize::from(area.x)).collect::<String>().trim_end().to_owned();
        rows[usize::from(area.top())..usize::from(area.bottom())].iter().map(part).collect()
    }
}

#[test]
fn the_screen_jumps_when_older_pages_come() {
    let mut sample = Sample::new(80, 24, 950);
    sample.pages(KeyCode::PageUp, 2);
    for _ in 0..60 {
        sample.pages(KeyCode::PageUp, 1);
        // As it is while the page is on its way, and once it has come.
        let before = sample.conversation();
        sample.serve();
        let after = sample.conversation();
        let first = before.iter().position(|row| row.contains("message")).unwrap();
        assert_eq!(before[first..], after[first..]);
    }
    assert!(sample.shows("this is the beginning") && sample.shows("message 1"), "{:#?}", sample.screen());
    sample.pages(KeyCode::PageDown, 70);
    sample.serve();
    assert!(sample.shows("message 950"), "{:#?}", sample.screen());
}

#[test]
fn each_message_is_seen_once_on_the_way_up() {
    let mut sample = Sample::new(80, 24, 500);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..80 {
        for row in sample.conversation() {
            if let Some(number) = row.split("message ").nth(1) {
                seen.insert(number.trim().parse::<u64>().unwrap());
            }
        }
        sample.pages(KeyCode::PageUp, 1);
        sample.serve();
    }
    assert_eq!(seen.len(), 500);
}

#[test]
fn a_message_that_comes_moves_what_is_read_further_up() {
    let mut sample = Sample::new(80, 24, 300);
    sample.pages(KeyCode::PageUp, 3);
    sample.serve();
    let before = sample.conversation();
    sample.comes(2, "something new");
    assert_eq!(sample.conversation(), before);
    assert!(sample.shows("1 new message"));
    assert!(!sample.serve().iter().any(|effect| matches!(effect, Effect::Read(..))), "it is not read");
    sample.key(KeyCode::End, KeyModifiers::CONTROL);
    assert!(sample.shows("something new") && !sample.shows("new message "));
    assert!(sample.serve().contains(&Effect::Read(direct(), at(301))));
}

#[test]
fn the_end_is_not_followed() {
    let mut sample = Sample::new(80, 24, 30);
    for n in 0..50 {
        sample.comes(2, &format!("next {n}"));
        assert!(sample.conversation().last().unwrap().contains(&format!("next {n}")));
    }
    assert_eq!(sample.model.state.rooms.get(direct()).unwrap().unread, 0);
}

#[test]
fn a_resize_leads_elsewhere() {
    let mut sample = Sample::new(80, 24, 300);
    sample.pages(KeyCode::PageUp, 5);
    sample.serve();
    let last = |sample: &Sample| sample.conversation().last().cloned();
    let before = last(&sample);
    for (width, height) in [(40, 10), (200, 60), (20, 5), (5, 2), (1, 1), (120, 40), (80, 24)] {
        sample.model.input(Input::Resize(width, height));
        sample.serve();
        sample.screen();
    }
    assert_eq!(last(&sample), before);
    assert!(matches!(sample.model.scroll, Scroll::At { .. }));
}

#[test]
fn rows_of_a_larger_screen_stay_empty_while_there_is_more() {
    let mut sample = Sample::new(80, 24, 300);
    sample.key(KeyCode::Home, KeyModifiers::CONTROL);
    sample.serve();
    sample.key(KeyCode::Home, KeyModifiers::CONTROL);
    sample.serve();
    sample.key(KeyCode::Home, KeyModifiers::CONTROL);
    assert!(sample.shows("this is the beginning"), "{:#?}", sample.screen());
    sample.model.input(Input::Resize(80, 60));
    assert!(sample.conversation()[0].contains("this is the beginning"), "{:#?}", sample.screen());
}

#[test]
fn a_paste_is_executed_or_loses_its_lines() {
    let mut sample = Sample::new(80, 24, 3);
    sample.model.input(Input::Paste("/leave\r\nsecond\nthird \u{1b}[2J".into()));
    assert!(sample.serve().is_empty(), "nothing happens before Enter");
    assert!(sample.shows("› /leave") && sample.shows("  second"), "{:#?}", sample.screen());
    sample.key(KeyCode::Enter, KeyModifiers::NONE);
    let said = Ask::Say { conversation: direct(), text: "/leave\nsecond\nthird [2J".into(), again: None };
    assert_eq!(sample.model.effects(), [Effect::Ask(said)]);
}

#[test]
fn what_was_typed_is_lost_when_it_cannot_be_done() {
    let mut sample = Sample::new(80, 24, 3);
    sample.says("/opne bob");
    assert_eq!(sample.model.editor.text(), "/opne bob");
    assert!(sample.shows("There is no /opne"));
    sample.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
    sample.says("hello");
    let asked = sample.model.effects();
    let Some(Effect::Ask(ask)) = asked.first().cloned() else { panic!("{asked:?}") };
    sample.model.answered(ask, Err(client::Error::OutboxFull(10_000)));
    assert_eq!(sample.model.editor.text(), "hello");
    assert!(sample.shows("the outbox is full"));
}

#[test]
fn a_draft_follows_into_another_conversation() {
    let mut sample = Sample::new(80, 24, 3);
    let other = domain::ConversationId::direct(user(1), user(3));
    sample.types("for bob");
    sample.model.step(super::Step::Open(other));
    sample.serve();
    assert!(sample.model.editor.is_empty());
    sample.model.step(super::Step::Open(direct()));
    assert_eq!(sample.model.editor.text(), "for bob");
    assert_eq!(sample.model.drafts().collect::<Vec<_>>(), [(Some(direct()), "for bob")]);
}

#[test]
fn what_was_typed_while_nothing_was_open_is_lost() {
    let mut sample = Sample::new(80, 24, 3);
    sample.types("for bob");
    sample.model.event(&Event::Gone(direct()));
    sample.types("for whoever comes");
    let drafts: Vec<_> = sample.model.drafts().collect();
    assert_eq!(drafts, [(None, "for whoever comes"), (Some(direct()), "for bob")]);
    sample.model.step(super::Step::Open(direct()));
    assert_eq!(sample.model.editor.text(), "for bob\nfor whoever comes");
    assert_eq!(sample.model.drafts().count(), 1);
}

#[test]
fn a_group_that_was_not_made_has_to_be_typed_again() {
    let mut sample = Sample::new(80, 24, 3);
    for (typed, kept) in [("", "/group \"our team\" bob zed"), ("meanwhile", "meanwhile")] {
        sample.says("/group \"our team\" bob zed");
        let asked = sample.model.effects();
        let Some(Effect::Ask(ask)) = asked.first().cloned() else { panic!("{asked:?}") };
        sample.types(typed);
        let nobody = Rejection::new(domain::Code::NotFound, "nobody is called zed");
        sample.model.answered(ask, Err(nobody.into()));
        assert_eq!(sample.model.editor.text(), kept);
        assert!(sample.shows("nobody is called zed"), "{:#?}", sample.screen());
        sample.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
    }
}

#[test]
fn a_paste_that_is_too_long_vanishes() {
    let mut sample = Sample::new(80, 24, 3);
    sample.types("before");
    sample.model.input(Input::Paste("x".repeat(2 << 20)));
    assert_eq!(sample.model.editor.text(), "before");
    assert!(sample.shows("nothing was pasted"), "{:#?}", sample.screen());
}

#[test]
fn what_was_refused_twice_is_lost_or_typed_twice() {
    let mut sample = Sample::new(80, 24, 1);
    sample.says("hello");
    sample.serve();
    sample.refused(2);
    sample.says("/retry");
    let asked = sample.model.effects();
    let Some(Effect::Ask(ask)) = asked.first().cloned() else { panic!("{asked:?}") };
    sample.model.answered(ask, Err(client::Error::OutboxFull(10_000)));
    assert!(
        sample.model.editor.is_empty() && sample.shows("/retry sends it again"),
        "{:#?}",
        sample.screen()
    );
}

#[test]
fn a_page_that_could_not_be_read_is_never_asked_for_again() {
    let mut sample = Sample::new(80, 24, 500);
    sample.pages(KeyCode::PageUp, 30);
    let asked = sample.model.effects();
    for effect in asked {
        if let Effect::Ask(ask) = effect {
            sample.model.answered(ask, Err(client::Error::Unreachable("gone".into())));
        }
    }
    sample.loses_connection(1_000);
    assert!(sample.model.effects().is_empty(), "it does not hammer");
    sample.connect();
    let pages = sample.model.effects();
    assert!(pages.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Page { .. }))), "{pages:?}");
}

#[test]
fn a_key_leaves_the_switcher_in_the_way() {
    let mut sample = Sample::new(80, 24, 3);
    sample.key(KeyCode::Char('k'), KeyModifiers::CONTROL);
    sample.types("zed");
    assert!(sample.shows("talk to “zed”"), "{:#?}", sample.screen());
    sample.key(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(sample.model.effects(), [Effect::Ask(Ask::Find("zed".into()))]);
    assert!(sample.model.editor.is_empty());
    sample.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(matches!(sample.model.effects()[..], [Effect::Leave(_)]));
}

#[test]
fn a_password_is_seen_while_it_is_typed_or_told_at_the_end() {
    let mut sample = Sample::new(80, 24, 1);
    sample.types("/password correct staple");
    assert!(sample.shows("/password ••••••••••••••"), "{:#?}", sample.screen());
    assert!(!sample.shows("staple"));
    let farewell = Farewell::of(&sample.model, 0).lines().join("\n");
    assert!(!farewell.contains("staple"), "{farewell}");
}

#[test]
fn recovery_codes_are_not_seen_or_do_not_go_away() {
    let mut sample = Sample::new(80, 24, 1);
    let codes: Vec<String> = (0..10).map(|n| format!("aaaaaaaa-bbbbbbb{n}")).collect();
    let asked = Ask::Codes { password: "correct horse".into() };
    sample.model.answered(asked, Ok(Answer::Codes(codes.clone())));
    assert!(codes.iter().all(|code| sample.shows(code)), "{:#?}", sample.screen());
    sample.key(KeyCode::Esc, KeyModifiers::NONE);
    assert!(!sample.shows(&codes[0]));
}
