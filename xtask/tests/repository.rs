//! The repository keeps its own rules.

use std::path::Path;

use xtask::tidy;

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
    let violations = tidy::check(root).expect("the repository can be read");
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} to mend\n{}", lines.len(), lines.join("\n"));
}
