//! End to end: real sockets, the real program, each test named after the failure that it prevents.
//!
//! Deliberately absent: anything timed. A wait ends when what it waits for is there; only a test that would hang is ended
//! by the clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod backups;
mod benchmarks;
mod clock;
mod conversation;
mod credentials;
mod damage;
mod groups;
mod hostile;
mod inputs;
mod large;
mod life;
mod missed;
mod observability;
mod offline;
mod operations;
mod operators;
mod overload;
mod page;
mod programs;
mod pty;
mod raw;
mod restart;
mod slow_reader;
mod stepping;
mod storm;
mod support;
mod table;
mod terminal;
mod tls;
mod traces;
