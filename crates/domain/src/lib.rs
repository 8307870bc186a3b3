//! The ideas of Connect Chat: ids, positions, entries, cursors and membership.
//!
//! Everything here is a value or a pure function of values. Deliberately absent: IO, async, clocks, randomness,
//! storage formats and protocols. Whoever needs the time or a random number hands it in.

pub mod audit;
pub mod content;
pub mod conversation;
pub mod cursor;
pub mod entry;
pub mod error;
pub mod id;
pub mod json;
pub mod limits;
pub mod port;
pub mod position;
pub mod roster;
#[cfg(feature = "schema")]
mod schema;
pub mod submission;
pub mod time;

pub use content::{Body, Content};
pub use conversation::{ConversationId, Kind as ConversationKind};
pub use cursor::{Cursor, Mark};
pub use entry::{Entry, Head, Kind};
pub use error::{Code, Rejection};
pub use id::{ClientId, DeviceId, Generation, Region, SessionId, Slot, UserId};
pub use limits::Limits;
pub use port::PortError;
pub use position::{Epoch, Position, Seq};
pub use roster::{Member, Role, Roster, Span};
pub use submission::{Identity, Submission};
pub use time::{Moment, Timestamp};
