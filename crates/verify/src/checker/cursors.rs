//! Law 6: cursors as devices are told of them, by push and by the answers to their syncs.

use std::collections::BTreeMap;

use domain::{ConversationId, Cursor, DeviceId, UserId};

use super::law::{Finding, Law};
use crate::history::{Event, Told};

type Cursors = BTreeMap<(ConversationId, UserId), Cursor>;

/// Law 6, as a device is told. Pushes come in order among themselves, and what is pushed may be older than what a sync
/// was answered. A sync reads what is stored: it tells nothing less than the device knew when it asked.
pub(super) fn only_grow(device: DeviceId, events: &[Event]) -> Vec<Finding> {
    let mut pushed = Cursors::new();
    let mut known = Cursors::new();
    let mut syncs = Syncs::default();
    let mut findings = vec![];
    for event in events {
        match event {
            Event::Cursor(told) => {
                findings.extend(goes_back(device, told, &pushed));
                merge(&mut pushed, told);
                merge(&mut known, told);
            }
            Event::SyncAsked => syncs.asked(&known),
            Event::Synced { cursors, .. } => {
                let before = syncs.answered();
                findings.extend(cursors.iter().filter_map(|told| goes_back(device, told, &before)));
                cursors.iter().for_each(|told| merge(&mut known, told));
            }
            Event::Gone => syncs = Syncs::default(),
            _ => {}
        }
    }
    findings
}

/// The furthest that anybody was told of anybody.
pub(super) fn furthest<'a>(events: impl IntoIterator<Item = &'a Event>) -> Cursors {
    let mut furthest = Cursors::new();
    for event in events {
        match event {
            Event::Cursor(told) => merge(&mut furthest, told),
            Event::Synced { cursors, .. } => cursors.iter().for_each(|told| merge(&mut furthest, told)),
            _ => {}
        }
    }
    furthest
}

/// Syncs that are not answered. Which answer is to which of them is not said, so that none is held to more than was known
/// when the first of them was asked.
#[derive(Default)]
struct Syncs {
    open: usize,
    before: Cursors,
}

impl Syncs {
    fn asked(&mut self, known: &Cursors) {
        if self.open == 0 {
            self.before = known.clone();
        }
        self.open += 1;
    }

    fn answered(&mut self) -> Cursors {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 { std::mem::take(&mut self.before) } else { self.before.clone() }
    }
}

fn merge(cursors: &mut Cursors, told: &Told) {
    let known = cursors.entry((told.conversation, told.user)).or_default();
    *known = known.merge(told.cursor);
}

fn goes_back(device: DeviceId, told: &Told, before: &Cursors) -> Option<Finding> {
    let Told { conversation, user, cursor } = told;
    let before = before.get(&(*conversation, *user))?;
    (cursor.read < before.read || cursor.delivered < before.delivered).then(|| {
        let what = format!("{device} was told {cursor:?} of {user} in {conversation} after {before:?}");
        Law::CursorsOnlyGrow.broken(what)
    })
}
