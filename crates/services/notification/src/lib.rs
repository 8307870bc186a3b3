//! Notification: keeps what people missed while no device of theirs was connected.
//!
//! Three things move the Offline Store. An entry is noted for the members that are absent and do not have it ([`follow`]);
//! when a person's last session ended, whatever had not reached a device by then is noted ([`leave`]); and moved cursors
//! clear ([`service`]). What is noted is a pure decision ([`decide`]).
//!
//! All of it is derived and may be lost. What a person is told that they missed is made from the heads of their
//! conversations and their cursors, each time they ask; the stored rows add when the newest message came. So the answer is
//! right after the store was wiped, too, and the store fills again by itself: a row counts from the person's cursor on,
//! so the next entry or the next end of a session brings back the whole count. Members of a large group are not noted one
//! by one when an entry comes; the end of their session and their own question find the group.
//!
//! Counts go by ordinals, as unread counts do: only messages count. A person's own message makes no row, but where others'
//! unseen messages surround it, it is counted with them.
//!
//! Deliberately absent: push to phones, and mentions.

mod decide;
mod follow;
mod leave;
mod meanwhile;
mod meters;
mod service;
mod steps;

pub use service::{GROUP, Notification, Parts};

/// The fail points on an entry's way from the feed into the Offline Store, in order.
pub const FAIL_POINTS: &[&str] = &["after_feed_read", "after_note", "before_feed_commit"];
