//! Laws 1 and 2: order within a partition, and at least once.

use std::collections::BTreeMap;

use super::*;

/// Law 1.
pub async fn a_record_overtakes_another_of_its_key(engine: &dyn Engine) {
    let bus = topic(engine, 4, ROOMY, &["a"]).await;
    for number in 0..50 {
        for key in 0..8 {
            publish(&bus, Note::new(key, number)).await;
        }
    }
    let mut seen: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut offsets: BTreeMap<u32, u64> = BTreeMap::new();
    for message in take(&mut subscribe(&bus, "a"), 400).await {
        seen.entry(message.record.key).or_default().push(message.record.number);
        let before = offsets.insert(message.partition, message.offset);
        assert!(before.is_none_or(|offset| offset < message.offset), "offsets grow");
    }
    for (key, seen) in seen {
        assert_eq!(seen, (0..50).collect::<Vec<_>>(), "key {key}");
    }
}

/// Law 1.
pub async fn a_key_wanders_between_partitions(engine: &dyn Engine) {
    let bus = topic(engine, 4, ROOMY, &["a"]).await;
    assert_eq!(bus.partitions(), 4);
    for key in 0..16 {
        publish_all(&bus, key, 0..3).await;
    }
    for message in take(&mut subscribe(&bus, "a"), 48).await {
        assert_eq!(message.partition, message.record.partition(4));
    }
}

/// Dropping the future of `next` loses nothing.
pub async fn an_abandoned_wait_takes_records_with_it(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    let mut reader = subscribe(&bus, "a");
    for number in 0..5 {
        not_yet("nothing was published", reader.next(10)).await;
        publish(&bus, Note::new(0, number)).await;
        assert_eq!(numbers(&take(&mut reader, 1).await), [number]);
    }
}

/// `next(max)` gives `max` records at most, and whatever it leaves comes next.
pub async fn a_batch_is_larger_than_asked(engine: &dyn Engine) {
    let bus = topic(engine, 2, ROOMY, &["a"]).await;
    for key in 0..10 {
        publish_all(&bus, key, 0..10).await;
    }
    let (mut reader, mut count) = (subscribe(&bus, "a"), 0);
    while count < 100 {
        let batch = soon("the rest", reader.next(7)).await.expect("the topic is open");
        assert!((1..=7).contains(&batch.len()));
        count += batch.len();
    }
    assert_eq!(count, 100);
}

/// Law 2.
pub async fn an_uncommitted_record_is_lost_with_its_consumer(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    publish_all(&bus, 0, 0..10).await;
    let mut reader = subscribe(&bus, "a");
    let taken = take(&mut reader, 8).await;
    commit(&mut reader, &taken[2]).await;
    drop(reader);
    assert_eq!(numbers(&take(&mut subscribe(&bus, "a"), 7).await), (3..10).collect::<Vec<_>>());
}

/// Law 2: what was committed, by a consumer that then went in peace, is not delivered again.
pub async fn a_committed_record_comes_again(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    publish_all(&bus, 0, 0..5).await;
    let mut reader = subscribe(&bus, "a");
    let taken = take(&mut reader, 5).await;
    commit_all(&mut reader, &taken).await;
    commit(&mut reader, &taken[0]).await;
    drop(reader);
    publish(&bus, Note::new(0, 5)).await;
    assert_eq!(numbers(&take(&mut subscribe(&bus, "a"), 1).await), [5]);
}
