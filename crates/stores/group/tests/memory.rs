//! The engine for tests passes the suite, all but durability: whoever tests with it tests with the laws.

use store_group::memory::Store;

async fn fresh() -> ((), Store) {
    ((), Store::default())
}

store_group::group_store_laws!(fresh: fresh);
