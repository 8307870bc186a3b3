//! The laws of the bus as one suite that every engine passes.
