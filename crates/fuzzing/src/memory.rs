//! How much memory a decoder takes, counted by an allocator that a program installs:
//! `#[global_allocator] static COUNTED: Counted = Counted;`.

#![expect(unsafe_code, reason = "an allocator is unsafe; this one counts, and the system's does the work")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What any input may take, and each of its bytes: the most is that of a bus record, in which two bytes can be an event.
const BYTES_FLAT: usize = 1 << 20;
const BYTES_EACH: usize = 1 << 10;

/// The most memory that decoding this many bytes may take, its oracle included.
pub const fn bytes_max(data_bytes: usize) -> usize {
    BYTES_FLAT + BYTES_EACH * data_bytes
}

thread_local! {
    /// Bytes that this thread holds, and the most it held since [`peak`] began.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, with what each thread takes counted.
#[derive(Debug)]
pub struct Counted;

/// The most bytes that this thread held at once meanwhile, beyond what it held before; 0 if nobody counts.
pub fn peak(run: impl FnOnce()) -> usize {
    HELD.set((0, 0));
    run();
    HELD.get().1.unsigned_abs()
}

fn count(bytes: isize) {
    // A thread that ends has no more to count.
    let _ended = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's promise is the system's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promise is the system's.
        unsafe { System.realloc(place, layout, bytes) }
    }
}
