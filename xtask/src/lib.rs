//! What the project checks about itself.

mod files;
pub mod mutants;
pub mod tidy;
