//! The session by itself: what goes in and what comes out.

mod driver;
mod outbox;
mod state;
mod wire;
