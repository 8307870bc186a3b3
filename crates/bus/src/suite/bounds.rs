//! Laws 4 and 5: bounded, and visible.

use super::*;
use crate::Refused;

const ROOM: u64 = 10;

/// Publishes to key 0 until its partition is full; how many were accepted.
async fn fill(bus: &Bus) -> u64 {
    for number in 0..10 * ROOM {
        match bus.try_publish(Note::new(0, number)) {
            Ok(()) => {}
            Err(Refused::Full(note)) => {
                assert_eq!(note, Note::new(0, number), "the record is given back as it was");
                return number;
            }
            Err(Refused::Closed(_)) => panic!("the topic is open"),
        }
    }
    panic!("a partition of {ROOM} records accepted {} of them", 10 * ROOM);
}

async fn small(engine: &dyn Engine, partitions: u32) -> Bus {
    topic(engine, partitions, ROOM as usize * NOTE_BYTES, &["a"]).await
}

/// Law 4: what does not fit waits, and nothing of it is lost.
pub async fn a_full_partition_lets_producers_run_on(engine: &dyn Engine) {
    let bus = small(engine, 1).await;
    let accepted = fill(&bus).await;
    let mut reader = subscribe(&bus, "a");
    let taken = {
        let mut producer = std::pin::pin!(publish_all(&bus, 0, accepted..accepted + 5));
        not_yet("a full partition accepts a record", &mut producer).await;
        let taken = take(&mut reader, accepted as usize).await;
        not_yet("taken is not committed", &mut producer).await;
        commit_all(&mut reader, &taken).await;
        soon("there is room again", producer).await;
        taken
    };
    let rest = take(&mut reader, 5).await;
    assert_eq!([numbers(&taken), numbers(&rest)].concat(), (0..accepted + 5).collect::<Vec<_>>());
}

/// Law 4: a partition is bounded by itself.
pub async fn a_full_partition_holds_back_another(engine: &dyn Engine) {
    let bus = small(engine, 2).await;
    fill(&bus).await;
    let full = Note::new(0, 0).partition(2);
    let key = (1..).find(|key| Note::new(*key, 0).partition(2) != full).expect("keys are spread");
    publish_all(&bus, key, 0..ROOM / 2).await;
}

/// Law 4: those that wait are let in, in the order of their coming, none of them starved.
pub async fn a_producer_waits_for_ever(engine: &dyn Engine) {
    let bus = small(engine, 1).await;
    let accepted = fill(&bus).await;
    let (mut reader, total) = (subscribe(&bus, "a"), accepted + 20);
    let mut producers = vec![];
    for number in accepted..total {
        let bus = Arc::clone(&bus);
        producers.push(tokio::spawn(async move { bus.publish(Note::new(0, number)).await }));
        tokio::task::yield_now().await;
    }
    let taken = take(&mut reader, 1).await;
    commit_all(&mut reader, &taken).await;
    let mut all = numbers(&taken);
    while (all.len() as u64) < total {
        let batch = take(&mut reader, 1).await;
        commit_all(&mut reader, &batch).await;
        all.extend(numbers(&batch));
    }
    for producer in producers {
        soon("the producer is told", producer).await.expect("no panic").expect("accepted");
    }
    assert_eq!(all[..accepted as usize], (0..accepted).collect::<Vec<_>>());
    all.sort_unstable();
    assert_eq!(all, (0..total).collect::<Vec<_>>());
}

/// Law 4: a record larger than the bound is accepted once its partition is empty.
pub async fn a_giant_record_is_never_accepted(engine: &dyn Engine) {
    let bus = small(engine, 1).await;
    let mut reader = subscribe(&bus, "a");
    publish(&bus, Note::new(0, 0)).await;
    let giant = Note { size_bytes: 100 * NOTE_BYTES, ..Note::new(0, 1) };
    let (taken, ()) = tokio::join!(
        async {
            let taken = take(&mut reader, 1).await;
            commit_all(&mut reader, &taken).await;
            take(&mut reader, 1).await
        },
        publish(&bus, giant),
    );
    assert_eq!(numbers(&taken), [1]);
}

/// Law 4: a producer that goes away is no longer in line, and took nothing that it was not told of.
pub async fn an_abandoned_publish_blocks_those_behind_it(engine: &dyn Engine) {
    let bus = small(engine, 1).await;
    let accepted = fill(&bus).await;
    let mut reader = subscribe(&bus, "a");
    let giant = Note { size_bytes: ROOM as usize * NOTE_BYTES, ..Note::new(0, 1_000) };
    let mut behind = std::pin::pin!(publish(&bus, Note::new(0, accepted)));
    {
        let mut gone = std::pin::pin!(bus.publish(giant));
        not_yet("a full partition accepts a record", &mut gone).await;
        not_yet("others are in line", &mut behind).await;
        let taken = take(&mut reader, 2).await;
        commit_all(&mut reader, &taken).await;
    }
    soon("the next in line is let in", behind).await;
    let rest = take(&mut reader, accepted as usize - 1).await;
    assert_eq!(numbers(&rest), (2..=accepted).collect::<Vec<_>>());
}

/// Law 5.
pub async fn lag_is_hidden(engine: &dyn Engine) {
    let bus = topic(engine, 2, ROOMY, &["a", "b"]).await;
    for key in 0..10 {
        publish_all(&bus, key, 0..2).await;
    }
    becomes_true("both groups lag by 20", || bus.lag("a") == 20 && bus.lag("b") == 20).await;
    let mut reader = subscribe(&bus, "a");
    let taken = take(&mut reader, 20).await;
    assert_eq!(bus.lag("a"), 20, "taken is not committed");
    commit_all(&mut reader, &taken).await;
    becomes_true("lag is gone", || bus.lag("a") == 0).await;
    assert_eq!(bus.lag("b"), 20);
    assert_eq!(bus.lag("nobody"), 0);
    let mut by_hand = bus.assign("hand", Note::new(0, 0).partition(2)).expect("a partition");
    publish(&bus, Note::new(0, 2)).await;
    becomes_true("a hand-assigned reader lags", || bus.lag("hand") == 1).await;
    let taken = take(&mut by_hand, 1).await;
    commit_all(&mut by_hand, &taken).await;
    becomes_true("it has caught up", || bus.lag("hand") == 0).await;
}
