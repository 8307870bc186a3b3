//! The proof: checker, simulation, crash and fault harness.
//!
//! [`history`] is what clients saw, [`checker`] holds the laws against it; [`simulation`] runs the system in virtual time,
//! [`process`] and [`forgetful_disk`] run the real program and take the power away, which [`crash`] does over and over.
//! Deliberately absent: anything that the product needs.

pub mod checker;
pub mod crash;
pub mod forgetful_disk;
pub mod history;
pub mod library;
pub mod process;
pub mod simulation;
