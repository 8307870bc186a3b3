//! The Gateway: connections and the API in front of the bus and the services.
//!
//! Its rooms, in the order of its story: [`listener`] takes connections; [`tls`] shakes hands; `connection` serves HTTP on
//! each; [`http`] is the API; `upgrade` turns a request into a session; [`session`] is one device's connection; [`hub`] holds
//! the sessions of this gateway under its slot, and hands them what the bus delivers.
//!
//! It holds nothing that it cannot fetch again. Deliberately absent: stores and engines; who may do what, which the log
//! decides; clocks, randomness, environment and signals, which are handed in.

mod config;
mod connection;
pub mod documents;
mod faults;
mod frames;
#[doc(hidden)]
pub mod fuzz;
mod gateway;
mod http;
mod hub;
mod listener;
mod meters;
mod origin;
mod session;
mod submission;
mod throttle;
pub mod tls;
mod trace;
mod turn_away;
mod upgrade;
pub mod websocket;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use faults::{Fault, Faults};
pub use gateway::{Gateway, Handle, Services, StartError, Topics};
pub use hub::{GROUP, Live};

/// The fail points of a delivery. One record holds what one slot is given of a batch, the `sent` and the entries: they
/// come apart here.
pub const FAIL_POINTS: &[&str] = &["between_events"];
