//! What a reader makes of what another version wrote.

use contracts::proto::{self, envelope, event};
use contracts::records::{Announcement, Command, Delivery, Event};
use contracts::wire::{Error, VERSION, decode};
use prost::Message;

/// Field 100, a number: no version knows it.
const UNKNOWN_FIELD: [u8; 3] = [0xa0, 0x06, 7];

fn delivery_of(events: Vec<proto::Event>) -> Vec<u8> {
    let delivery = proto::Delivery { slot: 3, generation: 1, events, traces: vec![] };
    proto::Envelope { version: VERSION, record: Some(envelope::Record::Delivery(delivery)) }.encode_to_vec()
}

#[test]
fn a_field_that_is_not_known_is_passed_over() {
    let lagged = proto::Event { what: Some(event::What::Lagged(proto::Lagged { to: vec![4] })) };
    let mut bytes = delivery_of(vec![lagged]);
    bytes.extend(UNKNOWN_FIELD);
    let read: Delivery = decode(&bytes).unwrap();
    assert!(matches!(read.events.as_slice(), [Event::Lagged { to }] if to == &[4]));
}

#[test]
fn an_event_that_is_not_known_is_an_error_and_never_dropped() {
    let unknown = proto::Event { what: None };
    assert_eq!(decode::<Delivery>(&delivery_of(vec![unknown])).unwrap_err(), Error::Missing("event"));
}

#[test]
fn a_newer_version_is_told_from_damage_whatever_follows() {
    let mut newer = vec![8, 2];
    newer.extend([0x12, 2, 0xff, 0xff]);
    let error = decode::<Command>(&newer).unwrap_err();
    assert!(error.is_newer(), "{error}");
    for damaged in [&[][..], &[8, 0], &[8], &[8, 1]] {
        assert!(!decode::<Command>(damaged).unwrap_err().is_newer());
    }
}

#[test]
fn a_record_of_another_topic_is_refused() {
    let bytes = delivery_of(vec![]);
    assert_eq!(decode::<Announcement>(&bytes).unwrap_err(), Error::Topic { topic: "sessions" });
    assert_eq!(decode::<Command>(&bytes).unwrap_err(), Error::Topic { topic: "submit" });
}

#[test]
fn values_that_no_record_can_have_are_refused_by_the_name_of_their_field() {
    let session = proto::SessionId { slot: 1, generation: 1, number: 1 };
    let good =
        proto::Announcement { user: vec![1; 16], device: vec![1; 16], session: Some(session), change: 1 };
    let read = |announcement| {
        let record = Some(envelope::Record::Announcement(announcement));
        decode::<Announcement>(&proto::Envelope { version: VERSION, record }.encode_to_vec())
    };
    assert!(read(good.clone()).is_ok());
    let slot = proto::SessionId { slot: 1 << 16, ..session };
    for (bad, field) in [
        (proto::Announcement { user: vec![1; 15], ..good.clone() }, "user"),
        (proto::Announcement { device: vec![1; 1_000], ..good.clone() }, "device"),
        (proto::Announcement { session: Some(slot), ..good.clone() }, "slot"),
        (proto::Announcement { session: None, ..good.clone() }, "announcement.session"),
        (proto::Announcement { change: 0, ..good.clone() }, "announcement.change"),
        (proto::Announcement { change: 9, ..good }, "announcement.change"),
    ] {
        let error = read(bad).unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")) && error.len() < 300, "{error}");
    }
    let refused = proto::MoveRefused {
        conversation: [&b"g"[..], &[7; 16]].concat(),
        rejection: Some(proto::Rejection::default()),
        ..proto::MoveRefused::default()
    };
    for moved in [0, 9] {
        let what = Some(event::What::MoveRefused(proto::MoveRefused { moved, ..refused.clone() }));
        let error = decode::<Delivery>(&delivery_of(vec![proto::Event { what }])).unwrap_err();
        assert_eq!(error, Error::Missing("move_refused.moved"));
    }
}
