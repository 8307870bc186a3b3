//! Messaging: submission → decision → append → fan-out; history, sync, cursors, sessions.
//!
//! The rooms, in the order of a message's journey: [`decide`] (pure), `append`, `fan_out`, `cursors`, and `worker`, which
//! leads a batch through them; `sessions`; and for those who ask, `catch_up`, `absence` and [`log`]. Deliberately
//! absent: connections and protocols (Gateway), who may do what in a group (the roster), push (Notification).

mod absence;
mod append;
mod catch_up;
pub mod config;
pub mod context;
mod cursors;
pub mod decide;
mod fan_out;
#[doc(hidden)]
pub mod fuzz;
pub mod log;
mod meters;
mod own;
mod service;
mod sessions;
mod worker;

pub use absence::AbsenceTeller;
pub use config::Config;
pub use context::{Context, FAIL_POINTS};
pub use log::LogReader;
pub use service::{GROUP, Service, Tasks};
