//! One device's connection: a pure state machine, one task that drives it, and the bounded queue of what is to be
//! written.
//!
//! Deliberately absent: timers. An idle session is a small task waiting for its socket, and holds no buffer; what is
//! due by time is found by the hub's sweeper.

mod driver;
pub(crate) mod fuzz;
mod outbox;
mod scratch;
mod state;
mod wire;
mod work;
mod writing;

#[cfg(test)]
mod tests;

pub(crate) use driver::Driver;
pub(crate) use outbox::{Budget, Outbox, Pushed};
pub(crate) use state::Goodbye;
