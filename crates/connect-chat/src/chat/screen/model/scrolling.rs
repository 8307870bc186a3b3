//! Looking around in a conversation, and what has to be read for it.

use super::super::super::words;
use super::super::transcript::{Item, Scroll};
use super::{Effect, Model, Window};
use domain::UserId;

/// The page before is asked for when so few items are left above the screen.
const AHEAD: usize = 30;

impl Model {
    fn height(&self) -> usize {
        usize::from(self.layout().conversation.height)
    }

    /// Looks so many rows further up, or down.
    pub(super) fn scroll_by(&mut self, rows: isize) {
        let height = self.height();
        let Some(transcript) = self.transcript() else { return };
        let to = transcript.scrolled(self.scroll, rows, height);
        // The end of what is held may not be that of the log: what follows must not push away what is looked at.
        let held = to == Scroll::End && self.window.as_ref().is_some_and(|window| !window.newest);
        self.scroll = if held { transcript.last() } else { to };
        self.looked();
    }

    pub(super) fn page_up(&mut self) {
        self.scroll_by(isize::try_from(self.height().saturating_sub(2)).unwrap_or(1));
    }

    pub(super) fn page_down(&mut self) {
        self.scroll_by(-isize::try_from(self.height().saturating_sub(2)).unwrap_or(1));
    }

    /// To the oldest entry that is held.
    pub(super) fn go_to_the_beginning(&mut self) {
        self.scroll_by(isize::MAX / 2);
    }

    /// To the end of the log.
    pub(super) fn go_to_the_end(&mut self) {
        match &self.window {
            Some(window) if window.newest => {
                self.scroll = Scroll::End;
                self.looked();
            }
            Some(_) => self.reload(),
            None => {}
        }
    }

    /// Holds the end of the open conversation, whatever was held of it.
    pub(super) fn reload(&mut self) {
        let Some(id) = self.state.open else { return };
        let mut window = Window::new(id, &self.state.rooms.room(id).newest);
        self.effects.extend(window.ask_newest().map(Effect::Ask));
        self.window = Some(window);
        self.scroll = Scroll::End;
        self.looked();
    }

    fn looked(&mut self) {
        self.see();
        self.fill();
    }

    /// Whether the person looks at the end of the open conversation.
    pub(in super::super) fn sees_the_end(&self) -> bool {
        self.scroll == Scroll::End && self.window.as_ref().is_some_and(|window| window.newest)
    }

    /// What is at the end was read, if that is on the screen.
    pub(super) fn see(&mut self) {
        if !self.sees_the_end() {
            return;
        }
        self.fresh = 0;
        let Some((id, last)) =
            self.window.as_ref().and_then(|window| Some((window.conversation, window.last()?)))
        else {
            return;
        };
        let room = self.state.rooms.room(id);
        if last >= room.head.position {
            room.seen();
        }
        if last > self.read {
            self.read = last;
            self.effects.push(Effect::Read(id, last));
        }
    }

    /// Asks for the page that one comes near to.
    pub(super) fn fill(&mut self) {
        let height = self.height();
        let Some(transcript) = self.transcript() else { return };
        let items = transcript.visible(self.scroll, height).items;
        let Some(window) = &mut self.window else { return };
        let below = (window.entries().len() + 1).saturating_sub(items.end);
        let ask = if items.start < AHEAD { window.ask_older() } else { None };
        let ask = ask.or_else(|| if below < AHEAD { window.ask_newer() } else { None });
        self.effects.extend(ask.map(Effect::Ask));
    }

    /// Whose names are in the conversation on the screen.
    pub(super) fn speakers(&self) -> Vec<UserId> {
        let Some(transcript) = self.transcript() else { return Vec::new() };
        let items = transcript.visible(self.scroll, self.height()).items;
        let people = |item: &Item<'_>| match item {
            Item::Entry(entry) => words::people(entry),
            Item::Top | Item::Outgoing(_) => Vec::new(),
        };
        transcript.items(items).iter().flat_map(people).collect()
    }
}
