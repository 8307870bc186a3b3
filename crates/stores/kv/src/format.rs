//! How a value is written: one byte that names the version of its format, then a prost message.
//!
//! A store that changes what a message means writes the next version, and keeps reading every older one: it holds a
//! fixture of each in its tests. New fields with new tags need no new version. Deliberately absent: checksums, which the
//! database keeps beneath this.

use prost::Message;

/// Why a value could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no version byte.
    #[error("the value is empty")]
    Empty,
    /// A newer version of this program wrote it, or it is no value of a store at all.
    #[error("the value is of format version {found}, and this program reads 1 to {newest}")]
    Unknown {
        /// The version that the value names.
        found: u8,
        /// The newest one that can be read.
        newest: u8,
    },
    /// It is not the message that its version promises.
    #[error("the value is damaged: {0}")]
    Damaged(#[from] prost::DecodeError),
}

/// Writes `message` as format `version`.
pub fn encode(version: u8, message: &impl Message) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + message.encoded_len());
    value.push(version);
    message.encode(&mut value).expect("a Vec grows as needed");
    value
}

/// Splits a value into its version, from 1 to `newest`, and the bytes of its message.
pub fn split(newest: u8, value: &[u8]) -> Result<(u8, &[u8]), Error> {
    let (&found, message) = value.split_first().ok_or(Error::Empty)?;
    if !(1..=newest).contains(&found) {
        return Err(Error::Unknown { found, newest });
    }
    Ok((found, message))
}

/// Reads a message that is read in the same way in every version up to `newest`.
pub fn decode<M: Message + Default>(newest: u8, value: &[u8]) -> Result<M, Error> {
    let (_, message) = split(newest, value)?;
    Ok(M::decode(message)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Row {
        #[prost(uint64, tag = "1")]
        number: u64,
    }

    #[test]
    fn a_value_says_its_version_and_survives() {
        let value = encode(1, &Row { number: 300 });
        assert_eq!(value, [1, 0x08, 0xac, 0x02]);
        assert_eq!(decode::<Row>(1, &value).unwrap(), Row { number: 300 });
        assert_eq!(decode::<Row>(2, &value).unwrap(), Row { number: 300 });
    }

    #[test]
    fn a_value_of_a_newer_version_is_refused_and_not_misread() {
        let value = encode(2, &Row { number: 300 });
        assert!(matches!(decode::<Row>(1, &value), Err(Error::Unknown { found: 2, newest: 1 })));
        assert!(matches!(decode::<Row>(1, &[0]), Err(Error::Unknown { found: 0, newest: 1 })));
    }

    #[test]
    fn an_empty_or_damaged_value_is_an_error_and_no_default() {
        assert!(matches!(decode::<Row>(1, &[]), Err(Error::Empty)));
        assert!(matches!(decode::<Row>(1, &[1, 0x08]), Err(Error::Damaged(_))));
    }
}
