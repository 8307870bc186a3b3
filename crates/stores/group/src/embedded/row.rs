//! The rows as they are stored: a version byte and a prost message. The tags are for ever; a field that nobody writes any
//! more keeps its tag unused.

use domain::{Mark, Member, PortError, Position, Role, Span};
use prost::Message;
use store_kv::format;

use super::failed;
use crate::Group;

/// The version that is written. Every version up to it is read.
const VERSION: u8 = 1;

#[derive(Clone, PartialEq, Message)]
struct PositionRow {
    #[prost(uint32, tag = "1")]
    epoch: u32,
    #[prost(uint64, tag = "2")]
    seq: u64,
}

/// `groups`: one row for each group, under the conversation's key.
#[derive(Clone, PartialEq, Message)]
struct GroupRow {
    #[prost(message, optional, tag = "1")]
    as_of: Option<PositionRow>,
    #[prost(message, optional, tag = "2")]
    roster: Option<PositionRow>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint64, tag = "4")]
    active: u64,
    #[prost(uint64, tag = "5")]
    admins: u64,
    #[prost(bool, tag = "6")]
    history: bool,
    #[prost(bool, tag = "7")]
    large: bool,
}

/// `members`: one row for each person who is or was in, under the conversation's key and the user's id.
#[derive(Clone, PartialEq, Message)]
struct MemberRow {
    /// 0: out, 1: admin, 2: member.
    #[prost(uint32, tag = "1")]
    role: u32,
    #[prost(message, optional, tag = "2")]
    joined: Option<PositionRow>,
    #[prost(uint64, tag = "3")]
    joined_ordinal: u64,
    #[prost(message, repeated, tag = "4")]
    spans: Vec<SpanRow>,
}

#[derive(Clone, PartialEq, Message)]
struct SpanRow {
    #[prost(message, optional, tag = "1")]
    from: Option<PositionRow>,
    /// Absent while it lasts.
    #[prost(message, optional, tag = "2")]
    to: Option<PositionRow>,
}

/// `links`: one row for each conversation of a user, under the user's id and the conversation's key.
#[derive(Clone, PartialEq, Message)]
struct LinkRow {
    #[prost(bool, tag = "1")]
    large: bool,
}

impl From<Position> for PositionRow {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch.0, seq: position.seq }
    }
}

fn position(row: Option<PositionRow>) -> Position {
    row.map_or(Position::START, |row| Position::new(row.epoch, row.seq))
}

fn count(number: u64) -> Result<usize, PortError> {
    usize::try_from(number).map_err(failed)
}

pub(super) fn encode_group(group: &Group) -> Vec<u8> {
    let row = GroupRow {
        as_of: Some(group.as_of.into()),
        roster: Some(group.roster.into()),
        name: group.name.clone(),
        active: group.active as u64,
        admins: group.admins as u64,
        history: group.history,
        large: group.large,
    };
    format::encode(VERSION, &row)
}

pub(super) fn decode_group(value: &[u8]) -> Result<Group, PortError> {
    let row: GroupRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(Group {
        as_of: position(row.as_of),
        roster: position(row.roster),
        name: row.name,
        active: count(row.active)?,
        admins: count(row.admins)?,
        history: row.history,
        large: row.large,
    })
}

pub(super) fn encode_member(member: &Member) -> Vec<u8> {
    let role = match member.role {
        None => 0,
        Some(Role::Admin) => 1,
        Some(Role::Member) => 2,
    };
    let span = |span: &Span| SpanRow { from: Some(span.from.into()), to: span.to.map(PositionRow::from) };
    let row = MemberRow {
        role,
        joined: Some(member.joined.position.into()),
        joined_ordinal: member.joined.ordinal,
        spans: member.spans.iter().map(span).collect(),
    };
    format::encode(VERSION, &row)
}

pub(super) fn decode_member(value: &[u8]) -> Result<Member, PortError> {
    let row: MemberRow = format::decode(VERSION, value).map_err(failed)?;
    let role = match row.role {
        0 => None,
        1 => Some(Role::Admin),
        2 => Some(Role::Member),
        other => return Err(failed(format!("a member's row has the unknown role {other}"))),
    };
    let span = |row: &SpanRow| Span {
        from: position(row.from.clone()),
        to: row.to.clone().map(|to| position(Some(to))),
    };
    Ok(Member {
        role,
        joined: Mark::new(position(row.joined), row.joined_ordinal),
        // Not out of the row's own vector, which made room for four.
        spans: row.spans.iter().map(span).collect(),
    })
}

pub(super) fn encode_link(large: bool) -> Vec<u8> {
    format::encode(VERSION, &LinkRow { large })
}

/// Whether the link is large.
pub(super) fn decode_link(value: &[u8]) -> Result<bool, PortError> {
    let row: LinkRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(row.large)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn a_group_of_version_1_is_read_for_ever() {
        let fixture = unhex("01 0a050801 10ac02 12040801 1007 1a0767c3a9f09f9880 20c801 2802 3001 3801");
        let group = Group {
            as_of: Position::new(1, 300),
            roster: Position::new(1, 7),
            name: "gé\u{1F600}".into(),
            active: 200,
            admins: 2,
            history: true,
            large: true,
        };
        assert_eq!(decode_group(&fixture).unwrap(), group);
        assert_eq!(encode_group(&group), fixture);
    }

    #[test]
    fn a_member_of_version_1_is_read_for_ever() {
        let fixture = unhex("01 0802 12040801 1009 1804 220a 0a00 1206 088102 10ac02 2206 0a04 0801 1009");
        let member = Member {
            role: Some(Role::Member),
            joined: Mark::new(Position::new(1, 9), 4),
            spans: vec![
                Span { from: Position::START, to: Some(Position::new(257, 300)) },
                Span { from: Position::new(1, 9), to: None },
            ],
        };
        assert_eq!(encode_member(&member), fixture);
        assert_eq!(decode_member(&fixture).unwrap(), member);
        assert_eq!(decode_member(&unhex("01 0801 1200")).unwrap().role, Some(Role::Admin));
        assert_eq!(decode_member(&unhex("01 1200")).unwrap().role, None);
    }

    #[test]
    fn a_link_of_version_1_is_read_for_ever() {
        assert!(decode_link(&unhex("01 0801")).unwrap());
        assert!(!decode_link(&unhex("01")).unwrap());
        assert_eq!((encode_link(true), encode_link(false)), (unhex("01 0801"), unhex("01")));
    }

    #[test]
    fn a_role_that_nobody_knows_is_an_error_and_nobodys() {
        assert!(decode_member(&unhex("01 0803")).is_err());
    }
}
