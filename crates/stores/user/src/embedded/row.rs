//! The rows as they are stored: a version byte and a prost message. The tags are for ever; a field that nobody writes any
//! more keeps its tag unused.

use domain::{DeviceId, PortError, Timestamp, UserId};
use prost::Message;
use store_kv::format;

use super::failed;
use crate::{Device, User};

/// The version that is written. Every version up to it is read.
const VERSION: u8 = 1;

/// `users`: one row for each account, under the user's id.
#[derive(Clone, PartialEq, Message)]
struct UserRow {
    #[prost(string, tag = "1")]
    handle: String,
    #[prost(string, tag = "2")]
    password_hash: String,
    #[prost(uint64, tag = "3")]
    created_unix_ms: u64,
    #[prost(uint64, tag = "4")]
    era: u64,
    /// 32 bytes each.
    #[prost(bytes = "vec", repeated, tag = "5")]
    recovery_hashes: Vec<Vec<u8>>,
}

/// `handles`: who has a handle, under the handle.
#[derive(Clone, PartialEq, Message)]
struct HandleRow {
    #[prost(bytes = "vec", tag = "1")]
    user: Vec<u8>,
}

/// `devices`: one row for each device that is signed in, under the user's and the device's id.
#[derive(Clone, PartialEq, Message)]
struct DeviceRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint64, tag = "2")]
    created_unix_ms: u64,
    /// 32 bytes.
    #[prost(bytes = "vec", optional, tag = "3")]
    refresh_hash: Option<Vec<u8>>,
    /// 32 bytes.
    #[prost(bytes = "vec", optional, tag = "4")]
    previous_hash: Option<Vec<u8>>,
    #[prost(uint64, tag = "5")]
    refreshed_unix_ms: u64,
    /// 32 bytes.
    #[prost(bytes = "vec", optional, tag = "6")]
    family_hash: Option<Vec<u8>>,
    #[prost(uint64, tag = "7")]
    era: u64,
}

pub(super) fn encode_user(user: &User) -> Vec<u8> {
    let row = UserRow {
        handle: user.handle.clone(),
        password_hash: user.password_hash.clone(),
        created_unix_ms: user.created.unix_ms(),
        era: user.era,
        recovery_hashes: user.recovery_hashes.iter().map(|hash| hash.to_vec()).collect(),
    };
    format::encode(VERSION, &row)
}

pub(super) fn decode_user(id: UserId, value: &[u8]) -> Result<User, PortError> {
    let row: UserRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(User {
        id,
        handle: row.handle,
        password_hash: row.password_hash,
        created: Timestamp::from_unix_ms(row.created_unix_ms),
        era: row.era,
        recovery_hashes: row.recovery_hashes.into_iter().map(hash).collect::<Result<_, _>>()?,
    })
}

pub(super) fn encode_handle(user: UserId) -> Vec<u8> {
    format::encode(VERSION, &HandleRow { user: user.as_bytes().to_vec() })
}

pub(super) fn decode_handle(value: &[u8]) -> Result<UserId, PortError> {
    let row: HandleRow = format::decode(VERSION, value).map_err(failed)?;
    row.user.try_into().map(UserId::from_bytes).map_err(|_| failed("a handle's row names no user"))
}

pub(super) fn encode_device(device: &Device) -> Vec<u8> {
    let row = DeviceRow {
        name: device.name.clone(),
        created_unix_ms: device.created.unix_ms(),
        refresh_hash: device.refresh_hash.map(Vec::from),
        previous_hash: device.previous_hash.map(Vec::from),
        refreshed_unix_ms: device.refreshed.unix_ms(),
        family_hash: device.family_hash.map(Vec::from),
        era: device.era,
    };
    format::encode(VERSION, &row)
}

fn hash(bytes: Vec<u8>) -> Result<[u8; 32], PortError> {
    bytes.try_into().map_err(|_| failed("a hash has not 32 bytes"))
}

pub(super) fn decode_device(user: UserId, id: DeviceId, value: &[u8]) -> Result<Device, PortError> {
    let row: DeviceRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(Device {
        user,
        id,
        name: row.name,
        created: Timestamp::from_unix_ms(row.created_unix_ms),
        refresh_hash: row.refresh_hash.map(hash).transpose()?,
        previous_hash: row.previous_hash.map(hash).transpose()?,
        family_hash: row.family_hash.map(hash).transpose()?,
        refreshed: Timestamp::from_unix_ms(row.refreshed_unix_ms),
        era: row.era,
    })
}

#[cfg(test)]
mod tests {
    use domain::Region;

    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn user() -> UserId {
        UserId::new(Region(1), [2; 15])
    }

    #[test]
    fn a_user_of_version_1_is_read_for_ever() {
        let fixture = unhex("01 0a03616461 120824617267 6f6e3264 18 80d0dfb4ab33");
        let ada = User {
            id: user(),
            handle: "ada".into(),
            password_hash: "$argon2d".into(),
            created: Timestamp::from_unix_ms(1_764_000_000_000),
            era: 0,
            recovery_hashes: vec![],
        };
        assert_eq!(encode_user(&ada), fixture);
        assert_eq!(decode_user(user(), &fixture).unwrap(), ada);
        let hash = "ab".repeat(32);
        let fixture = unhex(&format!("01 0a03616461 120824617267 6f6e3264 18 80d0dfb4ab33 2002 2a20 {hash}"));
        let ada = User { era: 2, recovery_hashes: vec![[0xab; 32]], ..ada };
        assert_eq!(encode_user(&ada), fixture);
        assert_eq!(decode_user(user(), &fixture).unwrap(), ada);
        assert!(decode_user(user(), &unhex("01 2a01 ab")).is_err());
    }

    #[test]
    fn a_handle_of_version_1_is_read_for_ever() {
        let fixture = unhex("01 0a10 01020202020202020202020202020202");
        assert_eq!(decode_handle(&fixture).unwrap(), user());
        assert_eq!(encode_handle(user()), fixture);
        assert!(decode_handle(&unhex("01 0a01 02")).is_err());
    }

    #[test]
    fn a_device_of_version_1_is_read_for_ever() {
        let hash = "ab".repeat(32);
        let fixture = unhex(&format!("01 0a0570686f6e65 1005 1a20 {hash} 2807"));
        let phone = Device {
            user: user(),
            id: DeviceId::new(Region(1), [3; 15]),
            name: "phone".into(),
            created: Timestamp::from_unix_ms(5),
            refresh_hash: Some([0xab; 32]),
            previous_hash: None,
            family_hash: None,
            refreshed: Timestamp::from_unix_ms(7),
            era: 0,
        };
        assert_eq!(encode_device(&phone), fixture);
        assert_eq!(decode_device(phone.user, phone.id, &fixture).unwrap(), phone);
        let fixture = unhex(&format!("01 0a0570686f6e65 1005 1a20 {hash} 2807 3220 {hash}"));
        let phone = Device { family_hash: Some([0xab; 32]), ..phone };
        assert_eq!(encode_device(&phone), fixture);
        assert_eq!(decode_device(phone.user, phone.id, &fixture).unwrap(), phone);
        let fixture = unhex(&format!("01 0a0570686f6e65 1005 1a20 {hash} 2807 3220 {hash} 3802"));
        let phone = Device { era: 2, ..phone };
        assert_eq!(encode_device(&phone), fixture);
        assert_eq!(decode_device(phone.user, phone.id, &fixture).unwrap(), phone);
        assert!(decode_device(phone.user, phone.id, &unhex("01 1a01 ab")).is_err());
    }
}
