//! The list of mutations keeps up with the code.

use std::path::Path;

use xtask::mutants::MUTATIONS;

#[test]
fn a_mutation_no_longer_fits_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
    let wrong: Vec<String> = MUTATIONS
        .iter()
        .filter_map(|mutation| mutation.of(root).err())
        .map(|error| format!("{error:#}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
