//! The contracts between the boxes: what travels on the bus, and what one service may ask another.
//!
//! In one process a call is a call: the traits in [`services`] are implemented by the services themselves. Across
//! processes the same traits are tonic clients of the services in `proto/`, and the records in [`records`] travel in the
//! wire form of `proto/`.

pub mod ambient;
pub mod proto;
pub mod records;
pub mod services;
pub mod trace;
pub mod wire;

pub use ambient::{Ambient, Clock, FailPoints, NoFailPoints, Random};
