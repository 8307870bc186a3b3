//! Single fields: what must be there, and ids in their bytes.

use domain::{ClientId, ConversationId, DeviceId, Slot, UserId};

use super::error::Error;

/// The value of a field that every message of its kind has.
pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::Missing(field))
}

pub(super) fn conversation(bytes: &[u8]) -> Result<ConversationId, Error> {
    match ConversationId::split_key(bytes) {
        Some((id, [])) => Ok(id),
        _ => Err(no_id("conversation", bytes)),
    }
}

pub(super) fn user(field: &'static str, bytes: &[u8]) -> Result<UserId, Error> {
    sixteen(field, bytes).map(UserId::from_bytes)
}

pub(super) fn device(bytes: &[u8]) -> Result<DeviceId, Error> {
    sixteen("device", bytes).map(DeviceId::from_bytes)
}

pub(super) fn client_id(field: &'static str, bytes: &[u8]) -> Result<ClientId, Error> {
    ClientId::from_bytes(sixteen(field, bytes)?).ok_or_else(|| no_id(field, bytes))
}

pub(super) fn slot(number: u32) -> Result<Slot, Error> {
    u16::try_from(number).map(Slot).map_err(|_| Error::Value { field: "slot", what: number.to_string() })
}

fn sixteen(field: &'static str, bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| no_id(field, bytes))
}

/// The bytes as far as an id goes, so that a damaged record does not flood the log.
fn no_id(field: &'static str, bytes: &[u8]) -> Error {
    let shown = &bytes[..bytes.len().min(33)];
    Error::Value { field, what: format!("these {} bytes: {shown:02x?}", bytes.len()) }
}
