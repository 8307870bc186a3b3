//! The laws of this store as one suite that every engine passes.
