//! What the project checks about itself.

fn main() {}
