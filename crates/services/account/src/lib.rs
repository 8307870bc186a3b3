//! Accounts: sign-in, tokens, devices.
//!
//! Passwords are kept as argon2id hashes; access tokens are JWTs signed with this deployment's own Ed25519 key; refresh
//! tokens are random and kept as hashes, one a device, each used once. Deliberately absent: the app's own JWTs, password
//! change and recovery, and profiles beyond the handle, which come later.

#[doc(hidden)]
pub mod fuzz;
mod handle;
pub mod keys;
mod meters;
mod password;
mod refresh;
mod service;
mod throttle;
mod token;

pub use keys::Keyring;
pub use service::{Config, Cost, KeepKeys, Rate, Service};
