//! The hub: who is given what.

mod deliveries;
mod large;
