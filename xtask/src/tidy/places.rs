//! Dependencies point one way, as the sources say it: within the crates one may use, some modules are not for everyone.
//!
//! A service knows stores by their traits and never an engine, not even in the tests inside its `src`; the Gateway knows
//! neither stores nor services, its tests aside; the WebSocket codec stays inside the Gateway.

use super::source::Named;
use super::tree::{Role, Tree};
use super::{Violation, map};

const RULE: &str = "places";

/// The modules in which engines live.
const ENGINE_MODULES: [&str; 4] = ["embedded", "dynamodb", "kafka", "redis"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, source) in tree.rust() {
        let Some(folder) = file.folder() else { continue };
        let wrong = |named: &Named| {
            let wrong = match folder {
                "crates/gateway" if file.role() == Role::Src && !source.is_test(named.line) => {
                    in_gateway(named)
                }
                _ if folder.starts_with("crates/services/") && file.is_src() => in_service(folder, named),
                _ => None,
            };
            wrong.or_else(|| if folder == "crates/gateway" { None } else { anywhere(named) })
        };
        for named in &source.named {
            if let Some(what) = wrong(named) {
                violations.push(Violation::new(&file.path, named.line, RULE, what));
            }
        }
    }
    violations
}

fn anywhere(named: &Named) -> Option<String> {
    named.is_in("gateway::websocket").then(|| {
        format!("`{}` is the Gateway's own; use what the Gateway serves, over a socket", named.text())
    })
}

fn in_service(folder: &str, named: &Named) -> Option<String> {
    let root = named.segments[0].as_str();
    let own = folder.rsplit('/').next().unwrap_or_default();
    if root.strip_prefix("service_").is_some_and(|other| other != own) && named.segments.len() > 1 {
        return Some(format!(
            "`{}` is another service; meet it on the bus or through `contracts`",
            named.text()
        ));
    }
    engine(named)
        .then(|| format!("`{}` is an engine; use the port's trait, and its fake in tests", named.text()))
}

fn in_gateway(named: &Named) -> Option<String> {
    let root = named.segments[0].as_str();
    if (root.starts_with("store_") || root.starts_with("service_")) && named.segments.len() > 1 {
        let what = "the Gateway holds nothing it cannot fetch again; call through `contracts`, or the bus";
        return Some(format!("`{}`: {what}", named.text()));
    }
    engine(named)
        .then(|| format!("`{}` is an engine; use the port's trait, and its fake in tests", named.text()))
}

/// Whether a path names an engine: its client, or the module it lives in.
fn engine(named: &Named) -> bool {
    let root = named.segments[0].as_str();
    let port = root == "bus" || root.starts_with("store_");
    let module = named.segments.get(1).is_some_and(|module| ENGINE_MODULES.contains(&module.as_str()));
    named.segments.len() > 1 && (root == "store_kv" || map::engine(root).is_some() || (port && module))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::check;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn an_engine_in_a_service_is_found_even_in_its_tests() {
        let path = "crates/services/messaging/src/append.rs";
        for text in [
            "use store_chat::embedded::Store;",
            "use store_chat::{ChatStore, embedded};",
            "fn f() { bus::kafka::connect() }",
            "use store_kv::Database;",
            "use fjall::Keyspace;",
            "fn f() { redis::Client::open(x) }",
            "use aws_sdk_dynamodb::Client;",
            "#[cfg(test)] mod tests { use store_chat::embedded::Store; }",
        ] {
            assert_eq!(lines(path, text), [1], "{text}");
        }
        assert_eq!(lines(path, "use store_chat::{ChatStore, Edge};\nmod embedded;\nlet redis = 1;"), [0; 0]);
        assert_eq!(lines("crates/services/messaging/tests/a.rs", "use store_chat::embedded::Store;"), [0; 0]);
    }

    #[test]
    fn another_service_is_found() {
        let text = "use service_group::Members;";
        assert_eq!(lines("crates/services/messaging/src/lib.rs", text), [1]);
        assert_eq!(lines("crates/services/group/src/lib.rs", text), [0; 0]);
        assert_eq!(lines("crates/node/src/lib.rs", text), [0; 0]);
    }

    #[test]
    fn a_store_or_a_service_in_the_gateway_is_found() {
        let path = "crates/gateway/src/session.rs";
        for text in
            ["use store_user::UserStore;", "use service_account::Accounts;", "use bus::embedded::Bus;"]
        {
            assert_eq!(lines(path, text), [1], "{text}");
        }
        assert_eq!(lines(path, "#[cfg(test)]\nmod tests { use bus::embedded::Bus; }"), [0; 0]);
        assert_eq!(lines(path, "use crate::websocket::Decoder;\nuse contracts::services::Accounts;"), [0; 0]);
    }

    #[test]
    fn the_codec_outside_the_gateway_is_found() {
        for text in ["use gateway::websocket::Decoder;", "use gateway::{Config, websocket};"] {
            assert_eq!(lines("crates/client/src/lib.rs", text), [1], "{text}");
            assert_eq!(lines("crates/verify/tests/codec.rs", text), [1], "{text}");
            assert_eq!(lines("crates/gateway/tests/codec.rs", text), [0; 0], "{text}");
        }
        assert_eq!(lines("crates/node/src/lib.rs", "use gateway::Config;"), [0; 0]);
    }
}
