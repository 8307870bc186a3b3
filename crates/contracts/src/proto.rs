//! What the files of `proto/` compile to: messages, and the clients and servers of the services. Made anew by each build.
//!
//! Deliberately absent: meaning. [`crate::wire`] turns these into the values that the program works with.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "the code is generated; its comments are those of the `.proto` files"
)]

include!(concat!(env!("OUT_DIR"), "/connect_chat.v1.rs"));
