//! The embedded registry holds the laws of the port.

use std::sync::Arc;

use store_registry::Registry;
use store_registry::embedded::{self, Config};

async fn engine() -> Arc<dyn Registry> {
    Arc::new(embedded::Registry::new(7, Config { slots_max: 4, ..Config::default() }))
}

store_registry::registry_laws!(engine());

#[test]
fn no_law_of_the_suite_is_left_out() {
    let laws = [
        include_str!("../src/suite/changes.rs"),
        include_str!("../src/suite/leases.rs"),
        include_str!("../src/suite/sessions.rs"),
    ];
    let list = include_str!("../src/suite/mod.rs");
    let names = laws.iter().flat_map(|file| file.split("pub async fn ").skip(1));
    for name in names.map(|rest| rest.split('(').next().unwrap_or_default()) {
        assert!(list.contains(&format!("            {name}\n")), "{name} is not in the list of laws");
    }
}
