//! Connect Chat: the program.

fn main() {}
