//! Records of every form, with any values in them.

use std::sync::Arc;

use contracts::records::{
    Announcement, Append, Audience, Command, Delivery, Event, LargeGroup, Move, Moved, SessionChange, Stored,
};
use contracts::trace::Trace;
use domain::{
    Body, ClientId, Code, Content, ConversationId, Cursor, DeviceId, Entry, Epoch, Generation, Identity,
    Kind, Mark, Position, Rejection, SessionId, Slot, Submission, Timestamp, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn user() -> impl Strategy<Value = UserId> {
    any::<[u8; 16]>().prop_map(UserId::from_bytes)
}

fn device() -> impl Strategy<Value = DeviceId> {
    any::<[u8; 16]>().prop_map(DeviceId::from_bytes)
}

fn conversation() -> impl Strategy<Value = ConversationId> {
    prop_oneof![
        (user(), user()).prop_map(|(one, other)| ConversationId::direct(one, other)),
        any::<[u8; 16]>().prop_map(ConversationId::Group),
        user().prop_map(ConversationId::Own),
    ]
}

fn client_id() -> impl Strategy<Value = ClientId> {
    (0..1u64 << 48, any::<[u8; 10]>()).prop_map(|(unix_ms, random)| ClientId::new(unix_ms, random))
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![
        Just(Position::START),
        Just(Position::END),
        (any::<u32>(), any::<u64>()).prop_map(|(epoch, seq)| Position { epoch: Epoch(epoch), seq }),
    ]
}

fn mark() -> impl Strategy<Value = Mark> {
    (position(), any::<u64>()).prop_map(|(position, ordinal)| Mark { position, ordinal })
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_unix_ms)
}

fn kind() -> impl Strategy<Value = Kind> {
    let known =
        ["created", "message", "joined", "left", "removed", "role", "renamed", "history"].map(Kind::parse);
    prop_oneof![prop::sample::select(known.to_vec()), any::<String>().prop_map(|name| Kind::parse(&name))]
}

fn body() -> impl Strategy<Value = Body> {
    let odd = ["{}", "null", "[1,2]", r#"{"a":{"b":[]},"a":1}"#, r#""\ud83d\ude00""#, "1e400"];
    let odd = prop::sample::select(odd.to_vec());
    prop_oneof![
        any::<String>().prop_map(|text| Content::message(text).to_body()),
        odd.prop_map(|json| Body::from_json(json.to_owned()).expect("it is JSON")),
    ]
}

fn session() -> impl Strategy<Value = SessionId> {
    (any::<u16>(), any::<u32>(), any::<u64>()).prop_map(|(slot, generation, number)| SessionId {
        slot: Slot(slot),
        generation: Generation(generation),
        number,
    })
}

fn sessions() -> impl Strategy<Value = Vec<u64>> {
    vec(prop_oneof![0..200u64, any::<u64>()], 0..5)
}

fn rejection() -> impl Strategy<Value = Rejection> {
    (prop::sample::select(Code::ALL.to_vec()), any::<String>(), option::of(any::<u64>())).prop_map(
        |(code, message, retry_after_ms)| Rejection { retry_after_ms, ..Rejection::new(code, message) },
    )
}

fn stored() -> impl Strategy<Value = Stored> {
    (position(), any::<u64>(), time()).prop_map(|(position, ordinal, time)| Stored {
        position,
        ordinal,
        time,
    })
}

fn identity() -> impl Strategy<Value = Identity> {
    (conversation(), user(), device(), client_id()).prop_map(|(conversation, sender, device, client_id)| {
        Identity { conversation, sender, device, client_id }
    })
}

fn entry() -> impl Strategy<Value = Arc<Entry>> {
    let of_log = (position(), time(), any::<u64>(), position(), option::of(position()));
    (identity(), of_log, kind(), option::of(body())).prop_map(
        |(identity, (position, time, ordinal, roster, was), kind, body)| {
            let Identity { conversation, sender, device, client_id } = identity;
            Arc::new(Entry {
                conversation,
                position,
                kind,
                sender,
                device,
                client_id,
                time,
                ordinal,
                roster,
                was,
                body,
            })
        },
    )
}

fn trace() -> impl Strategy<Value = Trace> {
    (any::<u128>(), any::<u64>()).prop_map(|(id, step)| Trace { id, step })
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let submission = (identity(), kind(), body(), option::of(client_id()))
        .prop_map(|(identity, kind, body, after)| Submission { identity, kind, body, after });
    let append = (submission, session(), option::of(trace()))
        .prop_map(|(submission, origin, trace)| Append { submission, origin, trace: trace.map(Box::new) });
    let moved = (conversation(), user(), option::of(position()), option::of(position()), session()).prop_map(
        |(conversation, user, delivered, read, origin)| Move { conversation, user, delivered, read, origin },
    );
    prop_oneof![append.prop_map(Command::Append), moved.prop_map(Command::Move)]
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![
        sessions().prop_map(Audience::Sessions),
        position().prop_map(|roster_before| Audience::Members { roster_before }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let result = prop_oneof![stored().prop_map(Ok), rejection().prop_map(Err)];
    let group = (conversation(), position(), position())
        .prop_map(|(conversation, roster, from)| LargeGroup { conversation, roster, from });
    prop_oneof![
        (any::<u64>(), conversation(), client_id(), result).prop_map(
            |(to, conversation, client_id, result)| Event::Outcome { to, conversation, client_id, result }
        ),
        (entry(), audience(), option::of(any::<u64>())).prop_map(|(entry, to, except)| Event::Entry {
            entry,
            to,
            except
        }),
        (conversation(), user(), mark(), mark(), sessions()).prop_map(
            |(conversation, user, delivered, read, to)| Event::Cursor {
                conversation,
                user,
                cursor: Cursor { delivered, read },
                to
            }
        ),
        (any::<u64>(), vec(group, 0..4), option::of(rejection()))
            .prop_map(|(session, large, refused)| Event::Registered { session, large, refused }),
        (conversation(), position(), vec((any::<u64>(), position()), 0..5))
            .prop_map(|(conversation, roster, members)| Event::Large { conversation, roster, members }),
        (any::<u64>(), conversation(), any::<bool>(), rejection()).prop_map(
            |(to, conversation, read, rejection)| {
                let moved = if read { Moved::Read } else { Moved::Delivered };
                Event::MoveRefused { to, conversation, moved, rejection }
            }
        ),
        sessions().prop_map(|to| Event::Lagged { to }),
        device().prop_map(|device| Event::SignedOut { device }),
    ]
}

pub(crate) fn delivery() -> impl Strategy<Value = Delivery> {
    (any::<u16>(), any::<u32>(), vec(event(), 0..6), vec(trace(), 0..3)).prop_map(
        |(slot, generation, events, traces)| Delivery {
            slot: Slot(slot),
            generation: Generation(generation),
            events,
            traces,
        },
    )
}

pub(crate) fn announcement() -> impl Strategy<Value = Announcement> {
    let change =
        prop::sample::select(vec![SessionChange::Began, SessionChange::Ended, SessionChange::SignedOut]);
    (user(), device(), session(), change).prop_map(|(user, device, session, change)| Announcement {
        user,
        device,
        session,
        change,
    })
}
