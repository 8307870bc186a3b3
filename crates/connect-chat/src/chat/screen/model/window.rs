//! The part of a conversation's log that is held: a stretch without a hole, bounded, that grows at either end by pages.
//! Pure.
//!
//! What grows at one end goes at the other once there is too much; what is looked at is never there.

use std::collections::VecDeque;
use std::sync::Arc;

use client::http::Edge;
use client::protocol::http::Entries;
use domain::{ConversationId, Entry, Position};

use super::super::super::server::Ask;
use super::super::super::state::NEWEST;

/// Entries held at most.
const ENTRIES_MAX: usize = 1_000;
/// Entries asked for at once.
const PAGE: usize = 100;

/// A stretch of a log.
#[derive(Debug)]
pub(in super::super) struct Window {
    pub(in super::super) conversation: ConversationId,
    entries: VecDeque<Arc<Entry>>,
    /// Nothing comes before it.
    pub(in super::super) whole: bool,
    /// Its last entry is the newest that came.
    pub(in super::super) newest: bool,
    /// The page that is being read.
    asked: Option<Edge>,
    /// The last page could not be read.
    pub(in super::super) failed: bool,
}

impl Window {
    /// The end of a log, as far as it is known: what came last, without a hole.
    pub(in super::super) fn new(conversation: ConversationId, known: &VecDeque<Arc<Entry>>) -> Self {
        Self {
            conversation,
            entries: known.clone(),
            whole: known.front().is_some_and(|first| first.position.seq == 1),
            newest: true,
            asked: None,
            failed: false,
        }
    }

    pub(in super::super) fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }

    pub(in super::super) fn last(&self) -> Option<Position> {
        self.entries.back().map(|entry| entry.position)
    }

    /// The page at the end, if none is being read.
    pub(in super::super) fn ask_newest(&mut self) -> Option<Ask> {
        self.ask(NEWEST)
    }

    /// The page before it, if there is one and none is being read.
    pub(in super::super) fn ask_older(&mut self) -> Option<Ask> {
        let edge = self.entries.front().map_or(NEWEST, |first| Edge::Before(first.position));
        if self.whole || self.failed { None } else { self.ask(edge) }
    }

    /// The page after it, if there is one and none is being read.
    pub(in super::super) fn ask_newer(&mut self) -> Option<Ask> {
        if self.newest || self.failed { None } else { self.ask(Edge::After(self.last()?)) }
    }

    fn ask(&mut self, edge: Edge) -> Option<Ask> {
        if self.asked.is_some() {
            return None;
        }
        (self.asked, self.failed) = (Some(edge), false);
        Some(Ask::Page { conversation: self.conversation, edge, limit: PAGE })
    }

    /// A page could not be read; the next one is asked for once there is a connection.
    pub(in super::super) fn unread(&mut self, edge: Edge) {
        if self.asked == Some(edge) {
            (self.asked, self.failed) = (None, true);
        }
    }

    /// A page came. `known`: what came last, without a hole. `end`: the end of the log is looked at.
    pub(in super::super) fn page(
        &mut self,
        edge: Edge,
        page: Entries,
        known: &VecDeque<Arc<Entry>>,
        end: bool,
    ) {
        if self.asked != Some(edge) {
            return;
        }
        self.asked = None;
        let Entries { entries, more, .. } = page;
        match edge {
            Edge::Before(_) if edge == NEWEST => self.end_came(entries, more),
            Edge::Before(_) => {
                self.whole |= !more;
                self.insert(entries);
            }
            Edge::After(_) => {
                self.insert(entries);
                if !more {
                    self.reached_the_end(known);
                }
            }
        }
        self.trim(matches!(edge, Edge::After(_)) || end);
    }

    fn end_came(&mut self, entries: Vec<Arc<Entry>>, more: bool) {
        let Some((first, last)) = entries.first().zip(entries.last()) else {
            self.whole |= !more && self.entries.is_empty();
            return;
        };
        let (first, last) = (first.position, last.position);
        if self.entries.front().is_some_and(|held| last.seq + 1 < held.position.seq) {
            // So much came meanwhile that there is a hole after it: the page before what is held fills it.
            return;
        }
        if self.last().is_some_and(|held| held.seq + 1 < first.seq) {
            self.entries.clear();
            self.whole = false;
        }
        self.whole |= !more;
        self.insert(entries);
    }

    /// What came while the end was not held follows.
    fn reached_the_end(&mut self, known: &VecDeque<Arc<Entry>>) {
        let last = self.last().unwrap_or_default();
        let follows = known.front().is_none_or(|first| first.position.seq <= last.seq + 1);
        if follows {
            self.insert(known.iter().filter(|entry| entry.position > last).cloned());
            self.newest = true;
        }
    }

    /// The next entry came. `end`: the end of the log is looked at.
    pub(in super::super) fn entry(&mut self, entry: &Arc<Entry>, end: bool) {
        let within = self.entries.front().is_none_or(|first| first.position < entry.position);
        if self.newest && within {
            self.insert([Arc::clone(entry)]);
            self.trim(end);
        }
    }

    fn insert(&mut self, entries: impl IntoIterator<Item = Arc<Entry>>) {
        for entry in entries {
            if let Err(at) = self.entries.binary_search_by_key(&entry.position, |held| held.position) {
                self.entries.insert(at, entry);
            }
        }
    }

    /// Lets go of what is too much, at the beginning or at the end.
    fn trim(&mut self, beginning: bool) {
        let too_much = self.entries.len().saturating_sub(ENTRIES_MAX);
        if too_much == 0 {
            return;
        }
        if beginning {
            self.entries.drain(..too_much);
            self.whole = false;
        } else {
            self.entries.truncate(ENTRIES_MAX);
            self.newest = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::samples::{at, direct, message};
    use super::*;

    fn entries(seqs: impl Iterator<Item = u64>) -> Vec<Arc<Entry>> {
        seqs.map(|seq| message(seq, 2, "x")).collect()
    }

    fn page(seqs: std::ops::RangeInclusive<u64>, more: bool) -> Entries {
        Entries { as_of: at(*seqs.end()), entries: entries(seqs), more }
    }

    fn seqs(window: &Window) -> Vec<u64> {
        window.entries().map(|entry| entry.position.seq).collect()
    }

    fn edge(ask: Option<Ask>) -> Edge {
        let Some(Ask::Page { edge, .. }) = ask else { panic!("no page is asked for: {ask:?}") };
        edge
    }

    #[test]
    fn what_came_live_and_what_was_read_leave_a_hole_or_repeat() {
        let known = entries(95..=100).into();
        let mut window = Window::new(direct(), &known);
        let newest = edge(window.ask_newest());
        assert_eq!(window.ask_older(), None, "one page at a time");
        window.entry(&message(101, 2, "x"), true);
        window.page(newest, page(51..=100, true), &known, true);
        assert_eq!(seqs(&window), (51..=101).collect::<Vec<_>>());
        let older = edge(window.ask_older());
        assert_eq!(older, Edge::Before(at(51)));
        window.page(older, page(1..=50, false), &known, true);
        assert_eq!(seqs(&window), (1..=101).collect::<Vec<_>>());
        assert_eq!(window.ask_older(), None, "it is whole");
    }

    #[test]
    fn a_hole_between_what_is_known_and_the_end_is_shown_as_none() {
        let known = entries(1..=5).into();
        let mut window = Window::new(direct(), &known);
        let newest = edge(window.ask_newest());
        window.page(newest, page(401..=500, true), &known, true);
        window.entry(&message(6, 2, "x"), true);
        assert_eq!(seqs(&window), (401..=500).collect::<Vec<_>>());
        assert_eq!(edge(window.ask_older()), Edge::Before(at(401)));
    }

    #[test]
    fn memory_grows_with_what_is_scrolled_through() {
        let mut known: VecDeque<_> = entries(4_901..=5_000).into();
        let mut window = Window::new(direct(), &known);
        for first in (1..=4_801).rev().step_by(100) {
            let older = edge(window.ask_older());
            window.page(older, page(first..=first + 99, first > 1), &known, false);
            assert!(window.entries().len() <= ENTRIES_MAX);
        }
        assert!(window.whole && !window.newest);
        // What comes now is not held, and still there at the end of the way back.
        known.push_back(message(5_001, 2, "x"));
        window.entry(&message(5_001, 2, "x"), false);
        while !window.newest {
            let newer = edge(window.ask_newer());
            let Edge::After(after) = newer else { panic!("{newer:?}") };
            let last = (after.seq + 100).min(5_000);
            window.page(newer, page(after.seq + 1..=last, last < 5_000), &known, false);
            assert!(window.entries().len() <= ENTRIES_MAX);
        }
        assert_eq!(seqs(&window), (4_002..=5_001).collect::<Vec<_>>());
        assert!(!window.whole);
    }

    #[test]
    fn a_page_that_nobody_waits_for_any_more_is_put_in() {
        let mut window = Window::new(direct(), &VecDeque::new());
        let newest = edge(window.ask_newest());
        window.page(Edge::Before(at(50)), page(1..=49, false), &VecDeque::new(), true);
        assert_eq!(window.entries().len(), 0);
        window.unread(newest);
        assert!(window.failed && window.ask_older().is_none(), "it waits for a connection");
        assert!(window.ask_newest().is_some());
    }
}
