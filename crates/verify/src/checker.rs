//! The checker: holds the laws against what clients saw and what the logs say after everything has healed.
//!
//! Each law is one function; each broken one is a [`Finding`] that names the law. Every planted bug must be found here,
//! or the checker is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use domain::audit::LogAudit;
use domain::{ConversationId, Cursor, DeviceId, Entry, Identity, Position, Roster, UserId};

use crate::history::{Event, History};

/// Every log, as it is after everything has healed.
pub type Logs = BTreeMap<ConversationId, Vec<Arc<Entry>>>;

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which law.
    pub law: &'static str,
    /// How.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}

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

/// What may be expected of the order of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// One worker has a conversation at a time: pushes come in order.
    InOrder,
    /// Two workers believe that they have it: devices put pushes in order by position.
    Contended,
}

/// Holds every law. `expected` names the devices that must have everything, `empty` is what an empty device of each
/// person pulled at the end.
pub fn check(
    history: &History,
    logs: &Logs,
    expected: &[Expected],
    empty: &BTreeMap<UserId, Vec<Arc<Entry>>>,
    delivery: Delivery,
) -> Vec<Finding> {
    let devices = history.devices();
    let rosters: BTreeMap<ConversationId, Roster> =
        logs.iter().map(|(id, log)| (*id, roster(*id, log))).collect();
    let mut findings = sound_logs(logs);
    for ((user, device), events) in &devices {
        findings.extend(acked_is_stored(events, logs));
        findings.extend(refused_is_not_stored(events, logs));
        findings.extend(only_what_may_be_seen(*user, *device, events, logs, &rosters));
        findings.extend(cursors_only_grow(*device, events));
        if delivery == Delivery::InOrder {
            findings.extend(pushed_in_order(*device, events));
        }
    }
    findings.extend(submitted_order(&devices, logs));
    findings.extend(nothing_from_nowhere(&devices, logs));
    for expected in expected.iter().filter(|expected| expected.has_everything) {
        let events = devices.get(&(expected.user, expected.device)).map_or(&[][..], Vec::as_slice);
        findings.extend(has_everything(expected, events, logs, &rosters));
    }
    for (user, pulled) in empty {
        findings.extend(empty_device(*user, pulled, logs, &rosters));
    }
    findings
}

fn finding(law: &'static str, what: String) -> Finding {
    Finding { law, what }
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
    logs.iter().flat_map(audit).map(|violation| finding("one log", violation.to_string())).collect()
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
            None => findings.push(finding(
                "acked is stored",
                format!("{identity:?} was acked at {position}: nothing is there"),
            )),
            Some(entry) if entry.identity() != *identity => {
                let found = entry.identity();
                findings.push(finding(
                    "acked is stored",
                    format!("{identity:?} was acked at {position}: {found:?} is there"),
                ));
            }
            Some(entry) if entry.body.as_ref() != bodies.get(identity).copied() => {
                findings
                    .push(finding("acked is stored", format!("{identity:?} is stored with another body")));
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
        Event::Refused { identity, code } if stored.contains(identity) => Some(finding(
            "refused is not stored",
            format!("{identity:?} was refused as {code} and is in the log"),
        )),
        _ => None,
    };
    events.iter().filter_map(wrong).collect()
}

/// Law 4: no device was given an entry that its person may not see, and each as the log has it.
fn only_what_may_be_seen(
    user: UserId,
    device: DeviceId,
    events: &[Event],
    logs: &Logs,
    rosters: &BTreeMap<ConversationId, Roster>,
) -> Vec<Finding> {
    let mut findings = vec![];
    for event in events {
        let (Event::Pushed(entry) | Event::Pulled(entry)) = event else { continue };
        let position = entry.position;
        if !rosters.get(&entry.conversation).is_some_and(|roster| roster.sees(user, position)) {
            let what = format!("{device} of {user} was given {} of {}", position, entry.conversation);
            findings.push(finding("nobody gets in", what));
        }
        if at(logs, entry.conversation, position) != Some(entry) {
            let what =
                format!("{device} was given {position} of {} not as the log has it", entry.conversation);
            findings.push(finding("one log", what));
        }
    }
    findings
}

/// Law 6, as a device is told.
fn cursors_only_grow(device: DeviceId, events: &[Event]) -> Vec<Finding> {
    let mut known: BTreeMap<(ConversationId, UserId), Cursor> = BTreeMap::new();
    let mut findings = vec![];
    for event in events {
        let Event::Cursor { conversation, user, cursor } = event else { continue };
        let before = known.entry((*conversation, *user)).or_default();
        // A pull may be answered with less than a push that overtook it says; storage never goes back.
        if cursor.read < before.read || cursor.delivered < before.delivered {
            let what = format!("{device} was told {cursor:?} of {user} in {conversation} after {before:?}");
            findings.push(finding("cursors only grow", what));
        }
        *before = before.merge(*cursor);
    }
    findings
}

/// Law 3, as a device sees it: within one session, entries of a log are pushed in order. What it also pulled may be pushed
/// again late: a known identity runs its effects again.
fn pushed_in_order(device: DeviceId, events: &[Event]) -> Vec<Finding> {
    let pulled = |event: &Event| match event {
        Event::Pulled(entry) => Some((entry.conversation, entry.position)),
        _ => None,
    };
    let mut seen: BTreeSet<(ConversationId, Position)> = events.iter().filter_map(pulled).collect();
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
                    findings.push(finding("pushed in order", what));
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
                findings.push(finding("a device's order", what));
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
        finding("nothing from nowhere", format!("nobody asked for {:?}", entry.identity()))
    };
    logs.values().flatten().filter(unasked).map(tell).collect()
}

/// Law 5: a connected, idle device has everything that its person may see.
fn has_everything(
    expected: &Expected,
    events: &[Event],
    logs: &Logs,
    rosters: &BTreeMap<ConversationId, Roster>,
) -> Vec<Finding> {
    let mut had: BTreeSet<(ConversationId, Position)> = BTreeSet::new();
    for event in events {
        match event {
            Event::Pushed(entry) | Event::Pulled(entry) => {
                _ = had.insert((entry.conversation, entry.position))
            }
            // The sending device is given `sent` in place of the entry.
            Event::Acked { identity, position } => _ = had.insert((identity.conversation, *position)),
            _ => {}
        }
    }
    missing(expected.user, &had, logs, rosters)
        .map(|(conversation, position)| {
            let what = format!(
                "{} of {} was connected and has not {position} of {conversation}",
                expected.device, expected.user
            );
            finding("no silent loss", what)
        })
        .collect()
}

fn missing<'a>(
    user: UserId,
    had: &'a BTreeSet<(ConversationId, Position)>,
    logs: &'a Logs,
    rosters: &'a BTreeMap<ConversationId, Roster>,
) -> impl Iterator<Item = (ConversationId, Position)> + 'a {
    let visible = move |entry: &&Arc<Entry>| {
        rosters.get(&entry.conversation).is_some_and(|roster| roster.sees(user, entry.position))
    };
    let keys = logs.values().flatten().filter(visible).map(|entry| (entry.conversation, entry.position));
    keys.filter(|key| !had.contains(key))
}

/// An empty device pulls everything that its person may see in the conversations that are still theirs.
fn empty_device(
    user: UserId,
    pulled: &[Arc<Entry>],
    logs: &Logs,
    rosters: &BTreeMap<ConversationId, Roster>,
) -> Vec<Finding> {
    let had: BTreeSet<_> = pulled.iter().map(|entry| (entry.conversation, entry.position)).collect();
    missing(user, &had, logs, rosters)
        .filter(|(conversation, _)| rosters[conversation].is_active(user))
        .map(|(conversation, position)| {
            finding(
                "acked is stored",
                format!("an empty device of {user} does not find {position} of {conversation}"),
            )
        })
        .collect()
}
