//! A data folder that an earlier version has written is opened by this one.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[allow(dead_code, reason = "shared with the tests of repairs")]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use node::audit;
use world::{World, user};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data-1")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if path.is_dir() { copy(&path, &target) } else { fs::copy(path, target).map(drop).unwrap() }
    }
}

/// Writes the fixture again, for a new format:
/// `WRITE_FIXTURE=1 cargo test -p node --test formats write_the_fixture`.
#[tokio::test]
async fn write_the_fixture() {
    if std::env::var_os("WRITE_FIXTURE").is_none() {
        return;
    }
    let data = fixture();
    if data.exists() {
        fs::remove_dir_all(&data).unwrap();
    }
    let world = World::at(&data);
    world.fill().await;
    world.stores.kv.close().await;
    drop(world);
    // opened again, the journal has only what is written
    drop(World::at(&data));
    fs::remove_file(data.join("store/LOCK")).unwrap();
}

#[tokio::test]
async fn a_data_folder_of_format_1_still_opens() {
    let data = tempfile::tempdir().unwrap();
    copy(&fixture(), data.path());
    let (world, fresh) = (World::at(data.path()), World::new().await);
    let report = audit(&world.stores).await.unwrap();
    assert_eq!((report.violations, report.told, report.entries), (0, vec![], 12));
    assert_eq!(world.logs().await, fresh.logs().await);
    assert_eq!(world.stores.user.by_handle("ada").await.unwrap().unwrap().id, user(1));
    assert_eq!(world.stores.group.group(world.group).await.unwrap().unwrap().name, "crew");
    let of = [(world.direct, user(2))];
    let cursors =
        (world.stores.chat.cursors(&of).await.unwrap(), fresh.stores.chat.cursors(&of).await.unwrap());
    assert_eq!(cursors.0, cursors.1);
}
