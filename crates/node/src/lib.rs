//! One process: config → stores → bus → services → listeners, and the order of shutdown.
//!
//! The only crate that sees services and engines together. Deliberately absent: what any of them does.

mod admin;
pub mod ambient;
mod audit;
pub mod config;
pub mod doctor;
mod drain;
mod faults;
pub mod log;
mod page;
mod port;
pub mod restore;
mod run;
pub mod secrets;
mod services;
mod stores;
mod tls;
pub mod traces;

pub use audit::{Report, audit, repair};
pub use config::Config;
pub use faults::places as fail_points;
pub use run::{Addresses, Node};
pub use stores::Stores;
pub use tls::Shown;
