//! What the project checks about itself.

pub mod tidy;
