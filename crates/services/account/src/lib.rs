//! Accounts: sign-in, tokens, devices.
//!
//! Passwords are kept as argon2id hashes; access tokens are JWTs signed with this deployment's own Ed25519 key; refresh
//! tokens are random and kept as hashes, one a device, each used once; recovery codes are, too. What ends all that is signed
//! in is one step in the store: the user's next era. Deliberately absent: the app's own JWTs, recovery by e-mail, and
//! profiles beyond the handle, which come later.

mod credentials;
#[doc(hidden)]
pub mod fuzz;
mod handle;
pub mod keys;
mod meters;
mod password;
mod recovery;
mod refresh;
mod service;
mod throttle;
mod token;

pub use keys::Keyring;
pub use service::{Config, Cost, KeepKeys, Rate, Service};
