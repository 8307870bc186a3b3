//! The embedded store holds the laws of the Chat DB and of its change feed.

use std::sync::Arc;

use async_trait::async_trait;
use store_chat::embedded::Store;
use store_chat::suite::{Engine, Opened};
use store_kv::{Kv, Options};
use tempfile::TempDir;

/// A folder, which goes with it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for a folder"))
    }
}

#[async_trait]
impl Engine for Folder {
    async fn open(&self) -> Opened {
        let kv = Kv::open(self.0.path(), Options::default()).expect("nobody else has the folder open");
        let store = Arc::new(Store::open(&kv).expect("the folder can be read"));
        Opened { chat: store.clone(), feed: Some(store) }
    }

    /// The last handle closes the store.
    async fn close(&self, opened: Opened) {
        assert_eq!(Arc::strong_count(&opened.chat), 2, "only the two handles of `opened` are left");
        drop(opened);
    }
}

store_chat::chat_laws!(Folder::new());
store_chat::feed_laws!(Folder::new());

#[test]
fn no_law_of_the_suite_is_left_out() {
    let laws = [
        include_str!("../src/suite/append.rs"),
        include_str!("../src/suite/cursors.rs"),
        include_str!("../src/suite/entries.rs"),
        include_str!("../src/suite/feed.rs"),
        include_str!("../src/suite/pages.rs"),
    ];
    let list = include_str!("../src/suite/mod.rs");
    let names = laws.iter().flat_map(|file| file.split("pub async fn ").skip(1));
    for name in names.map(|rest| rest.split('(').next().unwrap_or_default()) {
        assert!(list.contains(&format!("            {name}\n")), "{name} is not in the list of laws");
    }
}
