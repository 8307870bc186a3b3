//! Whatever producers and consumers do, in whatever order: every key keeps its order and nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use bus::embedded::{Options, Topic};
use bus::suite::Note;
use bus::{Consumer, Message, MessageBus, Record, Refused, Source};
use futures_util::FutureExt;
use proptest::prelude::*;

const PARTITIONS: u32 = 3;
const BYTES_MAX: usize = 1_500;
const GROUPS: [&str; 2] = ["a", "b"];

#[derive(Debug, Clone)]
enum Step {
    Publish { key: u32 },
    Join { group: usize },
    Take { consumer: usize, max: usize },
    Commit { consumer: usize, share: f64 },
    Drop { consumer: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u32..6).prop_map(|key| Step::Publish { key }),
        1 => (0..GROUPS.len()).prop_map(|group| Step::Join { group }),
        4 => (0usize..5, 1usize..8).prop_map(|(consumer, max)| Step::Take { consumer, max }),
        3 => (0usize..5, 0.0..=1.0f64).prop_map(|(consumer, share)| Step::Commit { consumer, share }),
        1 => (0usize..5).prop_map(|consumer| Step::Drop { consumer }),
    ];
    proptest::collection::vec(step, 1..250)
}

/// A consumer, and what it was given: by partition, in the order given.
struct Live {
    group: usize,
    consumer: Box<dyn Consumer<Note>>,
    given: BTreeMap<u32, Vec<Message<Note>>>,
}

/// What should be so: every record accepted, by partition, and how far each group has committed.
#[derive(Default)]
struct Model {
    accepted: BTreeMap<u32, Vec<Note>>,
    committed: BTreeMap<(usize, u32), u64>,
    next: BTreeMap<u32, u64>,
}

impl Model {
    fn publish(&mut self, topic: &Topic<Note>, key: u32) {
        let number = self.next.entry(key).or_default();
        let note = Note::new(key, *number);
        let accepted = self.accepted.entry(note.partition(PARTITIONS)).or_default();
        match topic.try_publish(note.clone()) {
            Ok(()) => {
                *number += 1;
                accepted.push(note);
            }
            Err(Refused::Full(back)) => assert_eq!(back, note),
            Err(Refused::Closed(_)) => panic!("the topic is open"),
        }
    }

    /// What a consumer is given follows without a hole what it was given before, or begins at or before a commit
    /// stands, and is what was accepted at that offset.
    fn check(&self, live: &Live, message: &Message<Note>) {
        let accepted = &self.accepted[&message.partition];
        assert_eq!(accepted.get(message.offset as usize), Some(&message.record), "another record");
        let committed = self.committed.get(&(live.group, message.partition)).copied().unwrap_or(0);
        assert!(message.offset >= committed, "a committed record came again");
        let before = live.given.get(&message.partition).and_then(|given| given.last());
        let follows = before.is_some_and(|before| before.offset + 1 == message.offset);
        assert!(follows || message.offset == committed, "a hole before {message:?}, after {before:?}");
    }
}

fn take(model: &Model, live: &mut Live, max: usize) {
    let Some(batch) = live.consumer.next(max).now_or_never() else { return };
    let batch = batch.unwrap();
    assert!(batch.len() <= max);
    for message in batch {
        model.check(live, &message);
        live.given.entry(message.partition).or_default().push(message);
    }
}

fn commit(model: &mut Model, live: &mut Live, share: f64) {
    for (partition, given) in &live.given {
        let Some(message) = given.get((given.len() as f64 * share) as usize) else { continue };
        let offset = message.offset + 1;
        live.consumer.commit(*partition, offset).now_or_never().unwrap().unwrap();
        let committed = model.committed.entry((live.group, *partition)).or_default();
        *committed = (*committed).max(offset);
    }
}

fn run(steps: Vec<Step>) {
    let options = Options { partitions: PARTITIONS, partition_bytes_max: BYTES_MAX, groups: &GROUPS };
    let topic = Topic::<Note>::new(options);
    let (mut model, mut live) = (Model::default(), Vec::<Live>::new());
    for step in steps {
        match step {
            Step::Publish { key } => model.publish(&topic, key),
            Step::Join { group } if live.len() < 5 => {
                let consumer = topic.subscribe(GROUPS[group]).unwrap();
                live.push(Live { group, consumer, given: BTreeMap::new() });
            }
            Step::Join { .. } => {}
            Step::Take { consumer, max } => {
                live.get_mut(consumer).into_iter().for_each(|live| take(&model, live, max));
            }
            Step::Commit { consumer, share } => {
                live.get_mut(consumer).into_iter().for_each(|live| commit(&mut model, live, share));
            }
            Step::Drop { consumer } if consumer < live.len() => drop(live.remove(consumer)),
            Step::Drop { .. } => {}
        }
        hold_bounds(&topic, &model);
    }
    drop(live);
    for group in 0..GROUPS.len() {
        nothing_is_lost(&topic, &model, group);
    }
}

fn hold_bounds(topic: &Topic<Note>, model: &Model) {
    for (group, name) in GROUPS.iter().enumerate() {
        let behind = |(partition, notes): (&u32, &Vec<Note>)| {
            notes.len() as u64 - model.committed.get(&(group, *partition)).copied().unwrap_or(0)
        };
        assert_eq!(topic.lag(name), model.accepted.iter().map(behind).sum::<u64>(), "the lag of {name}");
    }
    for (partition, notes) in &model.accepted {
        let committed = |group| model.committed.get(&(group, *partition)).copied().unwrap_or(0);
        let kept = notes.len() as u64 - (0..GROUPS.len()).map(committed).min().unwrap();
        assert!(kept as usize * bus::suite::NOTE_BYTES <= BYTES_MAX, "partition {partition} keeps {kept}");
    }
}

/// A last consumer is given everything that its group has not committed.
fn nothing_is_lost(topic: &Topic<Note>, model: &Model, group: usize) {
    let consumer = topic.subscribe(GROUPS[group]).unwrap();
    let mut last = Live { group, consumer, given: BTreeMap::new() };
    for _ in 0..100 {
        take(model, &mut last, 7);
    }
    for (partition, notes) in &model.accepted {
        let committed = model.committed.get(&(group, *partition)).copied().unwrap_or(0);
        let given = last.given.get(partition).map_or(0, Vec::len) as u64;
        assert_eq!(given, notes.len() as u64 - committed, "group {group}, partition {partition}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_record_is_lost_or_out_of_order(steps in steps()) {
        run(steps);
    }
}
