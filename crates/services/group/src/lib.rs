//! Group: members, roles and names, as a projection of the logs, and which conversations a user is in.
//!
//! The log decides; what is kept here can be made again from it, and says up to which position it holds. The rooms:
//! [`projection`] turns entries into rows, and is pure; [`cache`] remembers the groups in use; [`projector`] brings both
//! and the stored rows up to the log; [`service`] answers.
//!
//! Deliberately absent: who may do what, which is [`domain::Roster`]'s to say and Messaging's to decide by; cursors and
//! unread counts; names of people.

pub mod cache;
mod meters;
pub mod projection;
pub mod projector;
pub mod service;

pub use service::{Config, Service};

/// The fail points of a projection, in order. Rows are written in steps: `after_rows` lies between them and after the
/// last, before the links of whoever is out are taken away.
pub const FAIL_POINTS: &[&str] = &["before_rows", "after_rows", "after_unlink"];
