//! The buffer that all sessions of a thread read into, so that none of them has one.

use std::cell::RefCell;

/// Bytes read from a socket at once.
const BYTES: usize = 32 << 10;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; BYTES].into_boxed_slice());
}

/// Lends the thread's buffer for one read and what follows from it. Nothing is awaited meanwhile.
pub(super) fn with<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| use_it(scratch))
}
