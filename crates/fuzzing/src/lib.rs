//! Every decoder as a fuzz target: what to call with arbitrary bytes, what must hold, how much memory it may take.
//!
//! Two drive the targets: a test of this crate, which replays the corpora of `fuzz/corpus` and mutations of them, and the
//! program in `fuzz/`, in which libFuzzer looks for inputs that reach new code (`make fuzz`). What is private to a crate
//! is called by its `fuzz` module, which holds it to its promises.
//!
//! Deliberately absent: decoders that are not ours, such as HTTP's, JSON's and the engine's.

mod config;
pub mod corpus;
mod json;
pub mod memory;
pub mod mutation;
mod names;
mod records;

/// One decoder, or a few of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called, here and in `fuzz/corpus`.
    pub name: &'static str,
    decode: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: [Target; 22] = [
    Target { name: "websocket", decode: gateway::fuzz::websocket },
    Target { name: "device_frame", decode: gateway::fuzz::frame },
    Target { name: "server_frame", decode: json::server_frame },
    Target { name: "http_body", decode: json::http_body },
    Target { name: "content", decode: json::content },
    Target { name: "name", decode: names::text },
    Target { name: "key", decode: names::key },
    Target { name: "access_token", decode: service_account::fuzz::access_token },
    Target { name: "signed_token", decode: service_account::fuzz::signed_token },
    Target { name: "refresh_token", decode: service_account::fuzz::refresh_token },
    Target { name: "keyring", decode: service_account::fuzz::keyring },
    Target { name: "sync_token", decode: service_messaging::fuzz::sync_token },
    Target { name: "chat_row", decode: store_chat::embedded::fuzz::rows },
    Target { name: "group_row", decode: store_group::embedded::fuzz::rows },
    Target { name: "user_row", decode: store_user::embedded::fuzz::rows },
    Target { name: "offline_row", decode: store_offline::embedded::fuzz::rows },
    Target { name: "sequence_row", decode: store_sequence::embedded::fuzz_rows },
    Target { name: "journal", decode: store_kv::fuzz::journal },
    Target { name: "harmed_journal", decode: store_kv::fuzz::harmed_journal },
    Target { name: "record", decode: records::record },
    Target { name: "config_file", decode: config::file },
    Target { name: "config_setting", decode: config::setting },
];

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Decodes these bytes. True if they are what it decodes.
    ///
    /// # Panics
    /// If the decoder broke a promise, or took more memory than [`memory::bytes_max`], where [`memory::Counted`] counts.
    pub fn run(&self, data: &[u8]) -> bool {
        let mut accepted = false;
        let taken = memory::peak(|| accepted = (self.decode)(data));
        let most = memory::bytes_max(data.len());
        assert!(
            taken <= most,
            "{} took {taken} bytes of memory for {}, {most} are the limit",
            self.name,
            data.len()
        );
        accepted
    }
}
