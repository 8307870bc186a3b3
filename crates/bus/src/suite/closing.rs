//! Law 6: a clean close.

use super::*;
use crate::Refused;

/// Law 6.
pub async fn a_closed_topic_accepts_a_record(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    bus.close();
    bus.close();
    assert_eq!(soon("a refusal", bus.publish(Note::new(0, 0))).await, Err(Error::Closed));
    assert_eq!(bus.try_publish(Note::new(0, 1)), Err(Refused::Closed(Note::new(0, 1))));
    assert_eq!(drain(&mut subscribe(&bus, "a")).await, []);
}

/// Law 6: what was accepted is consumed, also by who subscribes or inherits it after the close.
pub async fn a_closed_topic_forgets_what_it_accepted(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a", "b"]).await;
    let mut reader = subscribe(&bus, "a");
    publish_all(&bus, 0, 0..20).await;
    let taken = take(&mut reader, 5).await;
    commit(&mut reader, &taken[2]).await;
    bus.close();
    assert_eq!(numbers(&drain(&mut reader).await), (5..20).collect::<Vec<_>>());
    assert_eq!(soon("closed again", reader.next(1)).await, Err(Error::Closed));
    let mut late = subscribe(&bus, "b");
    let taken = take(&mut late, 5).await;
    commit(&mut late, &taken[2]).await;
    drop(late);
    assert_eq!(numbers(&drain(&mut subscribe(&bus, "b")).await), (3..20).collect::<Vec<_>>());
}

/// Law 6.
pub async fn a_waiting_consumer_is_not_told_of_the_close(engine: &dyn Engine) {
    let bus = topic(engine, 1, ROOMY, &["a"]).await;
    let mut by_group = subscribe(&bus, "a");
    let mut idle = subscribe(&bus, "a");
    let mut by_hand = bus.assign("hand", 0).expect("there is a partition 0");
    let waits = async { tokio::join!(by_group.next(1), idle.next(1), by_hand.next(1)) };
    let mut waits = std::pin::pin!(waits);
    not_yet("nothing was published", &mut waits).await;
    bus.close();
    let closed = || Err(Error::Closed);
    assert_eq!(soon("all are told", waits).await, (closed(), closed(), closed()));
}

/// Law 6: what still waits for room is refused, and is not consumed.
pub async fn a_waiting_producer_is_not_told_of_the_close(engine: &dyn Engine) {
    let bus = topic(engine, 1, NOTE_BYTES, &["a"]).await;
    publish(&bus, Note::new(0, 0)).await;
    let mut waits = std::pin::pin!(bus.publish(Note::new(0, 1)));
    not_yet("a full partition accepts a record", &mut waits).await;
    bus.close();
    assert_eq!(soon("the producer is told", waits).await, Err(Error::Closed));
    assert_eq!(numbers(&drain(&mut subscribe(&bus, "a")).await), [0]);
}
