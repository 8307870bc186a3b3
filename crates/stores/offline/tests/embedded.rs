//! The embedded engine passes the suite, each law in a folder of its own.

use store_kv::{Kv, Options};
use store_offline::embedded::Store;
use tempfile::TempDir;

fn open(dir: &TempDir) -> Store {
    let kv = Kv::open(dir.path(), Options::default()).expect("the folder is free");
    Store::open(&kv).expect("the spaces are made")
}

async fn fresh() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("there is a place for temporary files");
    let store = open(&dir);
    (dir, store)
}

async fn reopen() -> ((), impl AsyncFn() -> Store) {
    let dir = tempfile::tempdir().expect("there is a place for temporary files");
    ((), async move || open(&dir))
}

store_offline::offline_store_laws!(fresh: fresh, reopen: reopen);
