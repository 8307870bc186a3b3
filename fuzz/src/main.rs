//! libFuzzer on one target of `crates/fuzzing`, which the environment names in `FUZZ_TARGET`. See `scripts/fuzz.sh`.

#![no_main]

use std::sync::LazyLock;

use fuzzing::Target;
use fuzzing::memory::Counted;
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static COUNTED: Counted = Counted;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, which is no target"))
});

fuzz_target!(|data: &[u8]| _ = TARGET.run(data));
