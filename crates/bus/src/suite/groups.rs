//! Law 3: groups, shared partitions, and readers assigned by hand.

use std::collections::BTreeSet;

use super::*;

/// Law 3.
pub async fn a_group_misses_what_another_group_took(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a", "b"]).await;
    let mut first = subscribe(&bus, "a");
    publish_all(&bus, 0, 0..5).await;
    let taken = take(&mut first, 5).await;
    commit_all(&mut first, &taken).await;
    assert_eq!(numbers(&take(&mut subscribe(&bus, "b"), 5).await), [0, 1, 2, 3, 4]);
}

/// A declared group reads from the first record on, whenever it subscribes.
pub async fn a_record_is_gone_before_its_group_subscribes(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    publish_all(&bus, 0, 0..3).await;
    not_yet("the suite only waits", std::future::pending::<()>()).await;
    assert_eq!(numbers(&take(&mut subscribe(&bus, "a"), 3).await), [0, 1, 2]);
}

/// Takes and commits from both until each number of the key range has been seen.
async fn take_shared(bus: &Bus, readers: &mut [Reader; 2], keys: u32, number: u64) -> [BTreeSet<u32>; 2] {
    for key in 0..keys {
        publish(bus, Note::new(key, number)).await;
    }
    let mut seen = [BTreeSet::new(), BTreeSet::new()];
    while seen[0].len() + seen[1].len() < keys as usize {
        let [one, other] = readers;
        let (reader, batch) = tokio::select! {
            biased;
            batch = one.next(10) => (0, batch),
            batch = other.next(10) => (1, batch),
            () = tokio::time::sleep(PATIENCE) => panic!("records are missing: {seen:?}"),
        };
        let batch = batch.expect("the topic is open");
        commit_all(&mut readers[reader], &batch).await;
        seen[reader].extend(batch.iter().filter(|m| m.record.number == number).map(|m| m.record.key));
    }
    seen
}

/// Law 3: whoever goes away leaves their partitions to the others.
pub async fn a_partition_is_left_without_a_consumer(engine: &dyn Engine) {
    let bus = topic(engine, 4, ROOMY, &["a"]).await;
    let mut readers = [subscribe(&bus, "a"), subscribe(&bus, "a")];
    take_shared(&bus, &mut readers, 32, 0).await;
    let [gone, mut stays] = readers;
    drop(gone);
    for key in 0..32 {
        publish(&bus, Note::new(key, 1)).await;
    }
    let mut keys = BTreeSet::new();
    while keys.len() < 32 {
        let batch = take(&mut stays, 1).await;
        keys.extend(batch.iter().filter(|message| message.record.number == 1).map(|m| m.record.key));
    }
}

/// Law 3: the partitions are shared, sooner or later, with whoever joined late.
pub async fn a_consumer_of_a_group_is_left_idle(engine: &dyn Engine) {
    let bus = topic(engine, 4, ROOMY, &["a"]).await;
    let first = subscribe(&bus, "a");
    let mut readers = [first, subscribe(&bus, "a")];
    let rounds = async {
        let mut number = 0;
        while take_shared(&bus, &mut readers, 32, number).await.iter().any(BTreeSet::is_empty) {
            number += 1;
            tokio::time::sleep(CAUTION).await;
        }
    };
    soon("both consumers are given records", rounds).await;
}

/// Law 3: a consumer reads all of its partitions, however busy one of them is.
pub async fn a_busy_partition_starves_another(engine: &dyn Engine) {
    let bus = topic(engine, 2, ROOMY, &["a"]).await;
    let mut reader = subscribe(&bus, "a");
    let other = |key: u32| Note::new(key, 0).partition(2) != Note::new(0, 0).partition(2);
    let quiet = (1..).find(|key| other(*key)).expect("keys are spread");
    publish_all(&bus, 0, 0..20).await;
    publish(&bus, Note::new(quiet, 0)).await;
    for number in 20..2_000 {
        publish(&bus, Note::new(0, number)).await;
        let taken = take(&mut reader, 1).await;
        commit_all(&mut reader, &taken).await;
        if taken.iter().any(|message| message.record.key == quiet) {
            return;
        }
    }
    panic!("the quiet partition was never read");
}

/// `assign` begins at the end of its partition, and misses nothing from there on.
pub async fn a_hand_assigned_reader_reads_the_past_or_misses_the_present(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    publish_all(&bus, 0, 0..3).await;
    let mut reader = bus.assign("hand", 0).expect("there is a partition 0");
    let mut other = bus.assign("hand", 0).expect("there is a partition 0");
    publish_all(&bus, 0, 3..6).await;
    assert_eq!(numbers(&take(&mut reader, 3).await), [3, 4, 5]);
    assert_eq!(numbers(&take(&mut other, 3).await), [3, 4, 5]);
    assert!(bus.assign("hand", 1).is_err(), "there is no partition 1");
}

/// A partition that nobody reads keeps nothing, and holds nobody back.
pub async fn a_record_without_readers_fills_its_partition(engine: &dyn Engine) {
    let bus = topic(engine, 1, 5 * NOTE_BYTES, &[]).await;
    publish_all(&bus, 0, 0..50).await;
    let mut reader = bus.assign("hand", 0).expect("there is a partition 0");
    publish_all(&bus, 0, 50..55).await;
    assert_eq!(numbers(&take(&mut reader, 5).await), [50, 51, 52, 53, 54]);
    drop(reader);
    publish_all(&bus, 0, 55..100).await;
}
