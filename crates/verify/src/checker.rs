//! The checker: holds the laws against what clients saw and what the logs say after everything has healed.
//!
//! Each law is one function; each broken one is a [`Finding`] that names the law. Every planted bug must be found here,
//! or the checker is broken.

mod counts;
mod cursors;
mod law;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::audit::LogAudit;
use domain::{ConversationId, DeviceId, Entry, Identity, Position, Roster, UserId};
use protocol::view::Conversation;

use crate::history::{Event, History};

pub use counts::missed;
pub use law::{Finding, Law};

/// Every log, as it is after everything has healed.
pub type Logs = BTreeMap<ConversationId, Vec<Arc<Entry>>>;

/// A device, and what is to be expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub device: DeviceId,
    /// It was connected and idle at the end: it must have everything that its person may see.
    pub has_everything: bool,
}

/// What an empty device of a person found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Conversations, as a sync shows them.
    pub shown: Vec<Conversation>,
    /// Entries that it pulled by pages.
    pub pulled: Vec<Arc<Entry>>,
}

/// What may be expected of the order of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// One worker has a conversation at a time: pushes come in order.
    InOrder,
    /// Two workers believe that they have it: devices put pushes in order by position.
    Contended,
}

/// Holds every law. `expected` names the devices whose submissions must be settled, and those that must have everything;
/// `empty` is what an empty device of each person found at the end.
pub fn check(
    history: &History,
    logs: &Logs,
    expected: &[Expected],
    empty: &BTreeMap<UserId, Found>,
    delivery: Delivery,
) -> Vec<Finding> {
    let devices = history.devices();
    let rosters = rosters(logs);
    let mut findings = sound_logs(logs);
    for ((user, device), events) in &devices {
        findings.extend(acked_is_stored(events, logs));
        findings.extend(refused_is_not_stored(events, logs));
        let given = events.iter().flat_map(Event::given);
        findings.extend(only_what_may_be_seen(&format!("{device} of {user}"), *user, given, logs, &rosters));
        findings.extend(cursors::only_grow(*device, events));
        if delivery == Delivery::InOrder {
            findings.extend(pushed_in_order(*device, events));
        }
    }
    findings.extend(submitted_order(&devices, logs));
    findings.extend(nothing_from_nowhere(&devices, logs));
    for expected in expected {
        let events = devices.get(&(expected.user, expected.device)).map_or(&[][..], Vec::as_slice);
        findings.extend(every_submission_is_settled(expected, events));
        if expected.has_everything {
            findings.extend(has_everything(expected, events, logs, &rosters));
        }
    }
    let told = cursors::furthest(devices.values().flatten());
    for (user, found) in empty {
        findings.extend(empty_device(*user, found, logs, &rosters));
        let of = |shown: &Conversation| told.get(&(shown.id, *user));
        findings.extend(
            found.shown.iter().flat_map(|shown| counts::shown(*user, shown, of(shown), logs, &rosters)),
        );
    }
    findings
}

/// Who is or was in each conversation, by the end of its log.
type Rosters = BTreeMap<ConversationId, Roster>;

fn rosters(logs: &Logs) -> Rosters {
    logs.iter().map(|(id, log)| (*id, roster(*id, log))).collect()
}

/// Who is a member at the end of a log.
pub(crate) fn roster(conversation: ConversationId, log: &[Arc<Entry>]) -> Roster {
    let mut roster = Roster::initial(&conversation);
    log.iter().for_each(|entry| roster.apply(entry));
    roster
}

/// Laws 2, 3 and 4 within each log.
fn sound_logs(logs: &Logs) -> Vec<Finding> {
    let audit = |(conversation, log): (&ConversationId, &Vec<Arc<Entry>>)| {
        let mut audit = LogAudit::new(*conversation);
        log.iter().for_each(|entry| audit.entry(entry));
        audit.into_violations()
    };
    logs.iter().flat_map(audit).map(|violation| Law::OneLog.broken(violation.to_string())).collect()
}

/// Law 1, and once: what was acked is at its position, with its body; every ack of it named that position.
fn acked_is_stored(events: &[Event], logs: &Logs) -> Vec<Finding> {
    let mut findings = vec![];
    let bodies: BTreeMap<Identity, &domain::Body> = events
        .iter()
        .filter_map(|event| match event {
            Event::Invoked { identity, body, .. } => Some((*identity, body)),
            _ => None,
        })
        .collect();
    for event in events {
        let Event::Acked { identity, position } = event else { continue };
        let stored = at(logs, identity.conversation, *position);
        match stored {
            None => findings.push(
                Law::AckedIsStored.broken(format!("{identity:?} was acked at {position}: nothing is there")),
            ),
            Some(entry) if entry.identity() != *identity => {
                let found = entry.identity();
                findings.push(
                    Law::AckedIsStored
                        .broken(format!("{identity:?} was acked at {position}: {found:?} is there")),
                );
            }
            Some(entry) if entry.body.as_ref() != bodies.get(identity).copied() => {
                findings.push(Law::AckedIsStored.broken(format!("{identity:?} is stored with another body")));
            }
            Some(_) => {}
        }
    }
    findings
}

fn at(logs: &Logs, conversation: ConversationId, position: Position) -> Option<&Arc<Entry>> {
    let log = logs.get(&conversation)?;
    log.binary_search_by_key(&position, |entry| entry.position).ok().map(|index| &log[index])
}

/// What a device was told is refused for good is not in the log.
fn refused_is_not_stored(events: &[Event], logs: &Logs) -> Vec<Finding> {
    let stored: BTreeSet<Identity> = logs.values().flatten().map(|entry| entry.identity()).collect();
    let wrong = |event: &Event| match event {
        Event::Refused { identity, code } if stored.contains(identity) => Some(
            Law::RefusedIsNotStored.broken(format!("{identity:?} was refused as {code} and is in the log")),
        ),
        _ => None,
    };
    events.iter().filter_map(wrong).collect()
}

/// Law 4: no device was given an entry that its person may not see, and each as the log has it.
fn only_what_may_be_seen<'a>(
    device: &str,
    user: UserId,
    given: impl Iterator<Item = &'a Arc<Entry>>,
    logs: &Logs,
    rosters: &Rosters,
) -> Vec<Finding> {
    let mut findings = vec![];
    for entry in given {
        let (conversation, position) = (entry.conversation, entry.position);
        if !rosters.get(&conversation).is_some_and(|roster| roster.sees(user, position)) {
            let what = format!("{device} was given {position} of {conversation}");
            findings.push(Law::NobodyGetsIn.broken(what));
        }
        if at(logs, conversation, position) != Some(entry) {
            let what = format!("{device} was given {position} of {conversation} not as the log has it");
            findings.push(Law::OneLog.broken(what));
        }
    }
    findings
}

/// Law 3, as a device sees it: within one session, entries of a log are pushed in order. What it also pulled may be pushed
/// again late: a known identity runs its effects again.
fn pushed_in_order(device: DeviceId, events: &[Event]) -> Vec<Finding> {
    let pulled = events.iter().filter(|event| !matches!(event, Event::Pushed(_))).flat_map(Event::given);
    let mut seen: BTreeSet<(ConversationId, Position)> = pulled.map(key).collect();
    let mut newest: BTreeMap<ConversationId, Position> = BTreeMap::new();
    let mut findings = vec![];
    for event in events {
        match event {
            Event::Live | Event::Gone => newest.clear(),
            Event::Pushed(entry) => {
                let newest = newest.entry(entry.conversation).or_insert(Position::START);
                let new = seen.insert((entry.conversation, entry.position));
                if entry.position < *newest && new {
                    let what = format!(
                        "{device} was pushed {} of {} after {newest}",
                        entry.position, entry.conversation
                    );
                    findings.push(Law::PushedInOrder.broken(what));
                }
                *newest = entry.position.max(*newest);
            }
            _ => {}
        }
    }
    findings
}

/// Law 3: a device's submissions to a conversation are appended in the order that it sent them.
fn submitted_order(devices: &BTreeMap<(UserId, DeviceId), Vec<Event>>, logs: &Logs) -> Vec<Finding> {
    let mut positions: BTreeMap<Identity, Position> = BTreeMap::new();
    logs.values().flatten().for_each(|entry| _ = positions.insert(entry.identity(), entry.position));
    let mut findings = vec![];
    for events in devices.values() {
        let mut newest: BTreeMap<ConversationId, Position> = BTreeMap::new();
        for event in events {
            let Event::Invoked { identity, .. } = event else { continue };
            let Some(position) = positions.get(identity) else { continue };
            let newest = newest.entry(identity.conversation).or_insert(Position::START);
            if position < newest {
                let what = format!("{identity:?} was sent after what is at {newest} and is at {position}");
                findings.push(Law::DevicesOrder.broken(what));
            }
            *newest = *position.max(newest);
        }
    }
    findings
}

/// Nothing is in a log that no device asked for.
fn nothing_from_nowhere(devices: &BTreeMap<(UserId, DeviceId), Vec<Event>>, logs: &Logs) -> Vec<Finding> {
    let invoked: BTreeSet<Identity> = devices
        .values()
        .flatten()
        .filter_map(|event| if let Event::Invoked { identity, .. } = event { Some(*identity) } else { None })
        .collect();
    let unasked = |entry: &&Arc<Entry>| !invoked.contains(&entry.identity());
    let tell = |entry: &Arc<Entry>| {
        Law::NothingFromNowhere.broken(format!("nobody asked for {:?}", entry.identity()))
    };
    logs.values().flatten().filter(unasked).map(tell).collect()
}

/// Law 5: a connected, idle device has everything that its person may see.
fn has_everything(expected: &Expected, events: &[Event], logs: &Logs, rosters: &Rosters) -> Vec<Finding> {
    let mut had: BTreeSet<(ConversationId, Position)> =
        events.iter().flat_map(Event::given).map(key).collect();
    // The sending device is given `sent` in place of the entry.
    had.extend(events.iter().filter_map(|event| match event {
        Event::Acked { identity, position } => Some((identity.conversation, *position)),
        _ => None,
    }));
    missing(expected.user, &had, logs, rosters)
        .map(|(conversation, position)| {
            let what = format!(
                "{} of {} was connected and has not {position} of {conversation}",
                expected.device, expected.user
            );
            Law::NoSilentLoss.broken(what)
        })
        .collect()
}

fn missing<'a>(
    user: UserId,
    had: &'a BTreeSet<(ConversationId, Position)>,
    logs: &'a Logs,
    rosters: &'a Rosters,
) -> impl Iterator<Item = (ConversationId, Position)> + 'a {
    let visible = move |entry: &&Arc<Entry>| {
        rosters.get(&entry.conversation).is_some_and(|roster| roster.sees(user, entry.position))
    };
    let keys = logs.values().flatten().filter(visible).map(key);
    keys.filter(|key| !had.contains(key))
}

/// An empty device pulls everything that its person may see in the conversations that are still theirs, and nothing else.
fn empty_device(user: UserId, found: &Found, logs: &Logs, rosters: &Rosters) -> Vec<Finding> {
    let given = || found.pulled.iter().chain(found.shown.iter().flat_map(|shown| &shown.entries));
    let device = format!("an empty device of {user}");
    let mut findings = only_what_may_be_seen(&device, user, given(), logs, rosters);
    let had: BTreeSet<_> = found.pulled.iter().map(key).collect();
    let not_found = missing(user, &had, logs, rosters)
        .filter(|(conversation, _)| rosters[conversation].is_active(user))
        .map(|(conversation, position)| {
            Law::AckedIsStored.broken(format!("{device} does not find {position} of {conversation}"))
        });
    findings.extend(not_found);
    findings
}

fn key(entry: &Arc<Entry>) -> (ConversationId, Position) {
    (entry.conversation, entry.position)
}

/// Nothing is wrong any more: what a device submitted was acked, or refused for good.
fn every_submission_is_settled(expected: &Expected, events: &[Event]) -> Vec<Finding> {
    let mut open: BTreeSet<Identity> = BTreeSet::new();
    for event in events {
        match event {
            Event::Invoked { identity, .. } => _ = open.insert(*identity),
            Event::Acked { identity, .. } | Event::Refused { identity, .. } => _ = open.remove(identity),
            _ => {}
        }
    }
    let tell = |identity: Identity| {
        Law::EverySubmissionIsSettled.broken(format!(
            "{} of {} was neither acked nor refused {identity:?}, though nothing is wrong any more",
            expected.device, expected.user
        ))
    };
    open.into_iter().map(tell).collect()
}
