//! Notification in a world of fakes: what people missed is kept, told and cleared, whatever fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use bus::{MessageBus, Source};
use contracts::records::SessionChange;
use contracts::services::Notifications;
use domain::{Kind, Position};
use service_notification::GROUP;
use support::{House, group, see, user};

async fn two_in_a_group() -> House {
    House::build(&[(group(1), &[user(1), user(2)])]).await
}

async fn told(house: &House, number: u8) -> (Vec<u64>, u64) {
    let list = house.service.missed(user(number)).await.unwrap();
    (list.missed.iter().map(|row| row.messages).collect(), list.badge)
}

#[tokio::test(start_paused = true)]
async fn what_an_absent_person_missed_is_forgotten() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.insert(user(1)));
    for _ in 0..3 {
        house.message(group(1), user(1));
    }
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 3, 3)]);
    house.message(group(1), user(1));
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 4, 4)]);
    assert_eq!(told(&house, 2).await, (vec![4], 4));
    assert_eq!(told(&house, 1).await.1, 4, "they are connected and do not have it yet");
}

#[tokio::test(start_paused = true)]
async fn two_connected_people_cost_a_write() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.extend([user(1), user(2)]));
    for _ in 0..300 {
        house.message(group(1), user(1));
        house.message(group(1), user(2));
    }
    house.settle().await;
    assert_eq!(house.world.with(|world| (world.writes, world.rows.len())), (0, 0));
    assert!(house.world.with(|world| world.questions) <= 6, "a question for each sender and batch");
}

#[tokio::test(start_paused = true)]
async fn a_row_outlives_its_cursor() {
    let house = two_in_a_group().await;
    house.message(group(1), user(1));
    house.settle().await;
    see(&house.world, &house.service, user(2), group(1)).await;
    assert_eq!(house.rows(), []);
    assert_eq!(told(&house, 2).await, (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_moves_while_a_row_is_noted_leaves_the_row() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.seen_meanwhile = Some((user(2), group(1))));
    house.message(group(1), user(1));
    house.settle().await;
    assert_eq!(house.world.with(|world| world.writes), 1, "it was noted after it was seen");
    assert_eq!(house.rows(), []);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_moves_while_somebody_leaves_leaves_the_row() {
    let house = two_in_a_group().await;
    house.world.with(|world| {
        world.large.insert(group(1));
        world.seen_while_leaving = Some((user(2), group(1)));
    });
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::Ended).await;
    house.settle().await;
    assert_eq!(house.world.with(|world| world.writes), 1, "it was noted after it was seen");
    assert_eq!(house.rows(), []);
}

#[tokio::test(start_paused = true)]
async fn ones_own_message_or_a_rename_is_noted_as_missed() {
    let house = two_in_a_group().await;
    house.append(group(1), user(1), Kind::Renamed);
    house.settle().await;
    assert_eq!((house.rows(), told(&house, 2).await), (vec![], (vec![], 0)));
    house.message(group(1), user(1));
    house.message(group(1), user(2));
    house.settle().await;
    assert_eq!(house.rows(), [(user(1), 2, 3), (user(2), 1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_when_a_session_ended_is_forgotten() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.extend([user(1), user(2)]));
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::Ended).await;
    let world = house.world.clone();
    let unregistered_later = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        world.with(|world| world.present.remove(&user(2)));
    };
    tokio::join!(house.settle(), unregistered_later);
    assert_eq!(house.rows(), [(user(2), 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn people_are_not_looked_at_again_while_others_come_and_go() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.insert(user(2)));
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::SignedOut).await;
    let others = async {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            house.world.with(|world| world.present.remove(&user(2)));
            house.announce(user(9), SessionChange::Began).await;
        }
        assert_eq!(house.rows().len(), 1, "looked at within 3 s");
    };
    tokio::select! {
        biased;
        () = others => {}
        ended = house.service.run(std::future::pending()) => panic!("{ended:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_with_another_device_connected_is_told_that_they_missed_something() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.insert(user(2)));
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::Began).await;
    house.announce(user(2), SessionChange::Ended).await;
    house.settle().await;
    assert_eq!(house.rows(), []);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_and_goes_beside_another_holds_the_topic_back() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.present.insert(user(2)));
    let comes_and_goes = async {
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            house.announce(user(2), SessionChange::Ended).await;
            assert!(house.sessions.lag(GROUP) < 20);
        }
    };
    house.service.run(comes_and_goes).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_large_group_is_missing_from_what_was_missed() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.large.insert(group(1)));
    house.message(group(1), user(1));
    house.settle().await;
    assert_eq!(house.rows(), [], "no row for each member");
    assert_eq!(told(&house, 2).await, (vec![1], 1));
    house.announce(user(2), SessionChange::Ended).await;
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_wiped_store_hides_what_was_missed() {
    let house = two_in_a_group().await;
    house.message(group(1), user(1));
    house.message(group(1), user(1));
    house.settle().await;
    house.world.with(|world| world.rows.clear());
    assert_eq!(told(&house, 2).await, (vec![2], 2));
    house.message(group(1), user(1));
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 3, 3)], "the next entry brings the whole count back");
}

#[tokio::test(start_paused = true)]
async fn a_stale_row_stays_for_ever() {
    let house = two_in_a_group().await;
    let entry = house.message(group(1), user(1));
    house.settle().await;
    house.world.with(|world| world.delivered.insert((group(1), user(2)), entry.mark()));
    assert_eq!(told(&house, 2).await, (vec![], 0));
    assert_eq!(house.rows(), []);
}

#[tokio::test(start_paused = true)]
async fn the_newest_message_is_dated_by_a_later_rename() {
    let house = two_in_a_group().await;
    let entry = house.message(group(1), user(1));
    house.append(group(1), user(1), Kind::Renamed);
    house.settle().await;
    let list = house.service.missed(user(2)).await.unwrap();
    assert_eq!((list.missed[0].time, list.missed[0].as_of), (entry.time, Position::new(1, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_loses_a_row() {
    let house = two_in_a_group().await;
    house.world.with(|world| (world.store_failures, world.absence_failures) = (9, 9));
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::Ended).await;
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_committed_before_it_is_noted() {
    let house = two_in_a_group().await;
    house.world.with(|world| world.store_failures = u32::MAX);
    house.message(group(1), user(1));
    house.announce(user(2), SessionChange::Ended).await;
    house.service.run(tokio::time::sleep(Duration::from_secs(100))).await.unwrap();
    assert_eq!((house.service.lag(), house.sessions.lag(GROUP)), (1, 1));
    house.world.with(|world| world.store_failures = 0);
    house.settle().await;
    assert_eq!(house.rows(), [(user(2), 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_holds_up_everybody() {
    let members = |number| [user(1), user(number)];
    let groups = [(group(1), &members(2)[..]), (group(2), &members(3)), (group(3), &members(4))];
    let house = House::build(&groups).await;
    house.world.with(|world| {
        world.poison.insert(Position::new(1, 1));
        world.broken.insert(user(2));
        world.large.insert(group(2));
    });
    house.append(group(3), user(1), Kind::Renamed);
    for number in 1..=3 {
        house.message(group(number), user(1));
    }
    for number in [2, 3] {
        house.announce(user(number), SessionChange::Ended).await;
    }
    house.settle().await;
    assert_eq!(house.rows(), [(user(3), 1, 1), (user(4), 1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn the_close_is_never_reached_or_cuts_off_what_was_accepted() {
    let house = two_in_a_group().await;
    for _ in 0..600 {
        house.message(group(1), user(1));
    }
    house.announce(user(2), SessionChange::Ended).await;
    house.entries.close();
    house.sessions.close();
    house.service.run(std::future::pending()).await.unwrap();
    assert_eq!((house.rows(), house.service.lag()), (vec![(user(2), 600, 600)], 0));
}

#[tokio::test(start_paused = true)]
async fn a_house_listens_before_it_has_caught_up() {
    let house = two_in_a_group().await;
    for _ in 0..600 {
        house.message(group(1), user(1));
    }
    tokio::select! {
        biased;
        () = house.service.caught_up() => {}
        ended = house.service.run(std::future::pending()) => panic!("{ended:?}"),
    }
    assert_eq!(house.rows(), [(user(2), 600, 600)]);
}

#[tokio::test]
async fn the_service_cannot_be_spawned() {
    let house = two_in_a_group().await;
    let service = house.service.clone();
    tokio::spawn(async move { service.run(std::future::ready(())).await }).await.unwrap().unwrap();
}
