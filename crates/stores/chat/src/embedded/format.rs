//! What the rows look like: one byte that names the version, then a prost message. Tags are documented here and are never
//! used again for something else. Fixtures of each version, at the end, must decode for ever.
//!
//! An entry's conversation and position are in its key and not in its row. Its ids are pairs of fixed64, whose
//! bytes lie in the order of the id's, because prost would give a piece of memory to each id that is bytes; its body is written from where it lies, as the
//! last field.
//!
//! Deliberately absent: what rows are kept under, see [`super::keys`].

use domain::{
    Body, ClientId, ConversationId, Cursor, DeviceId, Entry, Head, Kind, Mark, Position, Timestamp, UserId,
};
use prost::Message;
use store_kv::format;

/// The version that is written.
const VERSION: u8 = 1;

/// The key of [`EntryRow::body`]: tag 15, length-delimited.
const BODY_FIELD: u8 = 15 << 3 | 2;

/// Why a row could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Not a value of a version that is known.
    #[error(transparent)]
    Value(#[from] format::Error),
    /// The body is no JSON.
    #[error("the body is damaged: {0}")]
    Body(#[from] serde_json::Error),
    /// A key, or an id in a row, that nothing writes.
    #[error("the {0} is not one")]
    NotA(&'static str),
}

/// A position.
#[derive(Clone, Copy, PartialEq, Message)]
struct Place {
    /// The epoch.
    #[prost(uint32, tag = "1")]
    epoch: u32,
    /// The seq.
    #[prost(uint64, tag = "2")]
    seq: u64,
}

/// An entry, beside its key.
#[derive(Clone, PartialEq, Message)]
struct EntryRow {
    /// The kind as it is written; empty for `message`, which nearly all are.
    #[prost(string, tag = "1")]
    kind: String,
    /// The sender.
    #[prost(fixed64, tag = "2")]
    sender_front: u64,
    #[prost(fixed64, tag = "3")]
    sender_back: u64,
    /// The device.
    #[prost(fixed64, tag = "4")]
    device_front: u64,
    #[prost(fixed64, tag = "5")]
    device_back: u64,
    /// The client id.
    #[prost(fixed64, tag = "6")]
    client_front: u64,
    #[prost(fixed64, tag = "7")]
    client_back: u64,
    /// Server time, Unix milliseconds.
    #[prost(uint64, tag = "8")]
    time_ms: u64,
    /// Messages up to it.
    #[prost(uint64, tag = "9")]
    ordinal: u64,
    /// The newest membership entry; absent for (0,0).
    #[prost(message, optional, tag = "10")]
    roster: Option<Place>,
    /// Its position before a re-submission.
    #[prost(message, optional, tag = "11")]
    was: Option<Place>,
    /// The body as JSON; absent once erased. See [`BODY_FIELD`].
    #[prost(string, optional, tag = "15")]
    body: Option<String>,
}

/// The end of a log.
#[derive(Clone, Copy, PartialEq, Message)]
struct HeadRow {
    /// The newest entry.
    #[prost(message, optional, tag = "1")]
    position: Option<Place>,
    /// Messages in the log.
    #[prost(uint64, tag = "2")]
    ordinal: u64,
    /// The newest membership entry; absent for (0,0).
    #[prost(message, optional, tag = "3")]
    roster: Option<Place>,
    /// The newest entry's time, Unix milliseconds.
    #[prost(uint64, tag = "4")]
    time_ms: u64,
}

/// Where an entry is: the value of an identity and of an offset of the feed.
#[derive(Clone, PartialEq, Message)]
struct WhereRow {
    /// Its position.
    #[prost(message, optional, tag = "1")]
    position: Option<Place>,
    /// Its conversation's key.
    #[prost(bytes = "vec", tag = "2")]
    conversation: Vec<u8>,
    /// Its time, Unix milliseconds: identities and offsets are forgotten by age.
    #[prost(uint64, tag = "3")]
    time_ms: u64,
}

/// Where an entry is, and how old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whereabouts {
    /// Its log.
    pub(super) conversation: ConversationId,
    /// Its place there.
    pub(super) position: Position,
    /// Its time.
    pub(super) time: Timestamp,
}

impl Whereabouts {
    /// Whether `next` is the entry right after this one, in the same log and epoch.
    pub(super) fn is_followed_by(&self, next: &Self) -> bool {
        self.conversation == next.conversation
            && self.position.epoch == next.position.epoch
            && self.position.seq + 1 == next.position.seq
    }
}

/// A member's cursor in a log.
#[derive(Clone, Copy, PartialEq, Message)]
struct CursorRow {
    /// Delivered up to.
    #[prost(message, optional, tag = "1")]
    delivered: Option<Place>,
    /// Messages up to there.
    #[prost(uint64, tag = "2")]
    delivered_ordinal: u64,
    /// Read up to.
    #[prost(message, optional, tag = "3")]
    read: Option<Place>,
    /// Messages up to there.
    #[prost(uint64, tag = "4")]
    read_ordinal: u64,
}

/// How far a reader of the feed is.
#[derive(Clone, Copy, PartialEq, Message)]
struct ReaderRow {
    /// The first offset not finished.
    #[prost(uint64, tag = "1")]
    next: u64,
}

/// The row of an entry.
pub(super) fn entry_to_row(entry: &Entry) -> Vec<u8> {
    let ([sender_front, sender_back], [device_front, device_back]) =
        (halves(entry.sender.as_bytes()), halves(entry.device.as_bytes()));
    let [client_front, client_back] = halves(entry.client_id.as_bytes());
    let row = EntryRow {
        kind: if entry.kind.is_message() { String::new() } else { entry.kind.as_str().to_owned() },
        sender_front,
        sender_back,
        device_front,
        device_back,
        client_front,
        client_back,
        time_ms: entry.time.unix_ms(),
        ordinal: entry.ordinal,
        roster: place(entry.roster),
        was: entry.was.map(|was| Place { epoch: was.epoch.0, seq: was.seq }),
        body: None,
    };
    with_body(&row, entry.body.as_ref().map(Body::as_str))
}

/// The row with its body, which is copied once.
fn with_body(row: &EntryRow, body: Option<&str>) -> Vec<u8> {
    let body_bytes = body.map_or(0, |body| 1 + prost::length_delimiter_len(body.len()) + body.len());
    let mut value = Vec::with_capacity(1 + row.encoded_len() + body_bytes);
    value.push(VERSION);
    row.encode(&mut value).expect("a Vec grows as needed");
    if let Some(body) = body {
        value.push(BODY_FIELD);
        prost::encode_length_delimiter(body.len(), &mut value).expect("a Vec grows as needed");
        value.extend_from_slice(body.as_bytes());
    }
    value
}

/// The entry at `position` of `conversation`, which this row is.
pub(super) fn entry_from_row(
    conversation: ConversationId,
    position: Position,
    value: &[u8],
) -> Result<Entry, Error> {
    let row: EntryRow = format::decode(VERSION, value)?;
    let client_id = ClientId::from_bytes(whole(row.client_front, row.client_back));
    Ok(Entry {
        conversation,
        position,
        kind: if row.kind.is_empty() { Kind::Message } else { Kind::parse(&row.kind) },
        sender: UserId::from_bytes(whole(row.sender_front, row.sender_back)),
        device: DeviceId::from_bytes(whole(row.device_front, row.device_back)),
        client_id: client_id.ok_or(Error::NotA("client id"))?,
        time: Timestamp::from_unix_ms(row.time_ms),
        ordinal: row.ordinal,
        roster: position_of(row.roster),
        was: row.was.map(|was| Position::new(was.epoch, was.seq)),
        body: row.body.map(Body::from_json).transpose()?,
    })
}

/// The row of a head. The same head gives the same bytes, which an append requires of the head that it follows.
pub(super) fn head_to_row(head: Head) -> Vec<u8> {
    let row = HeadRow {
        position: place(head.position),
        ordinal: head.ordinal,
        roster: place(head.roster),
        time_ms: head.time.unix_ms(),
    };
    format::encode(VERSION, &row)
}

/// The head that this row is.
pub(super) fn head_from_row(value: &[u8]) -> Result<Head, Error> {
    let row: HeadRow = format::decode(VERSION, value)?;
    Ok(Head {
        position: position_of(row.position),
        ordinal: row.ordinal,
        roster: position_of(row.roster),
        time: Timestamp::from_unix_ms(row.time_ms),
    })
}

/// The row that tells where an entry is.
pub(super) fn whereabouts_to_row(entry: &Entry) -> Vec<u8> {
    let row = WhereRow {
        position: place(entry.position),
        conversation: entry.conversation.to_key(),
        time_ms: entry.time.unix_ms(),
    };
    format::encode(VERSION, &row)
}

/// Where the entry is that this row tells of.
pub(super) fn whereabouts_from_row(value: &[u8]) -> Result<Whereabouts, Error> {
    let row: WhereRow = format::decode(VERSION, value)?;
    let Some((conversation, [])) = ConversationId::split_key(&row.conversation) else {
        return Err(Error::NotA("conversation"));
    };
    let time = Timestamp::from_unix_ms(row.time_ms);
    Ok(Whereabouts { conversation, position: position_of(row.position), time })
}

/// The row of a cursor.
pub(super) fn cursor_to_row(cursor: Cursor) -> Vec<u8> {
    let row = CursorRow {
        delivered: place(cursor.delivered.position),
        delivered_ordinal: cursor.delivered.ordinal,
        read: place(cursor.read.position),
        read_ordinal: cursor.read.ordinal,
    };
    format::encode(VERSION, &row)
}

/// The cursor that this row is.
pub(super) fn cursor_from_row(value: &[u8]) -> Result<Cursor, Error> {
    let row: CursorRow = format::decode(VERSION, value)?;
    Ok(Cursor {
        delivered: Mark::new(position_of(row.delivered), row.delivered_ordinal),
        read: Mark::new(position_of(row.read), row.read_ordinal),
    })
}

/// The row of a reader that has finished everything before `next`.
pub(super) fn reader_to_row(next: u64) -> Vec<u8> {
    format::encode(VERSION, &ReaderRow { next })
}

/// The first offset that the reader of this row has not finished.
pub(super) fn reader_from_row(value: &[u8]) -> Result<u64, Error> {
    Ok(format::decode::<ReaderRow>(VERSION, value)?.next)
}

fn place(position: Position) -> Option<Place> {
    (position != Position::START).then_some(Place { epoch: position.epoch.0, seq: position.seq })
}

fn position_of(place: Option<Place>) -> Position {
    place.map_or(Position::START, |place| Position::new(place.epoch, place.seq))
}

fn halves(bytes: &[u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(*bytes);
    [both as u64, (both >> 64) as u64]
}

fn whole(front: u64, back: u64) -> [u8; 16] {
    (u128::from(back) << 64 | u128::from(front)).to_le_bytes()
}

#[cfg(test)]
mod fixtures;
