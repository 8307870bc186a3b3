//! Who may use whom: the map of the system as a table. The rules that read manifests and sources both hold it.
//!
//! `domain` ← `contracts`, `bus`, `stores` ← services, gateway ← `node` ← the program. Services do not know each other;
//! they meet on the bus or through a trait in `contracts`. Only `node` sees services and engines together.

/// The crates of this workspace that each of them may use, itself aside.
const MAY_USE: [(&str, &[&str]); 23] = [
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("bus", &["domain", "store-kv"]),
    ("contracts", &["bus", "domain", "protocol"]),
    ("store-kv", &["domain"]),
    ("store-chat", &["domain", "store-kv"]),
    ("store-group", &["domain", "store-kv"]),
    ("store-sequence", &["domain", "store-kv"]),
    ("store-user", &["domain", "store-kv"]),
    ("store-registry", &["domain", "store-kv"]),
    ("store-offline", &["domain", "store-kv"]),
    ("service-messaging", &["bus", "contracts", "domain", "protocol", "store-chat", "store-registry"]),
    ("service-group", &["bus", "contracts", "domain", "protocol", "store-group"]),
    ("service-sequence", &["bus", "contracts", "domain", "protocol", "store-sequence"]),
    ("service-notification", &["bus", "contracts", "domain", "protocol", "store-offline"]),
    ("service-account", &["bus", "contracts", "domain", "protocol", "store-user"]),
    ("gateway", &["bus", "contracts", "domain", "protocol"]),
    ("connect-chat-client", &["domain", "protocol"]),
    (
        "node",
        &[
            "bus",
            "contracts",
            "domain",
            "gateway",
            "protocol",
            "service-account",
            "service-group",
            "service-messaging",
            "service-notification",
            "service-sequence",
            "store-chat",
            "store-group",
            "store-kv",
            "store-offline",
            "store-registry",
            "store-sequence",
            "store-user",
        ],
    ),
    ("connect-chat", &["connect-chat-client", "contracts", "domain", "node", "protocol"]),
    ("verify", ALL),
    ("fuzzing", ALL),
    ("xtask", &[]),
];

/// What those may use that prove the rest: they look into everything.
const ALL: &[&str] = &[
    "bus",
    "connect-chat-client",
    "contracts",
    "domain",
    "gateway",
    "node",
    "protocol",
    "service-account",
    "service-group",
    "service-messaging",
    "service-notification",
    "service-sequence",
    "store-chat",
    "store-group",
    "store-kv",
    "store-offline",
    "store-registry",
    "store-sequence",
    "store-user",
];

/// The client of an engine, by the beginning of its crate's name, and the crates of this workspace that may speak to it.
const ENGINES: [(&str, &[&str]); 5] = [
    ("fjall", &["store-kv", "verify"]),
    ("redis", &["store-registry", "store-offline", "verify"]),
    ("rdkafka", &["bus", "verify"]),
    ("aws-sdk-", &["store-chat", "store-group", "store-sequence", "store-user", "verify"]),
    ("aws-config", &["store-chat", "store-group", "store-sequence", "store-user", "verify"]),
];

/// The crates of this workspace that `user` may use; `None` if the map does not know it.
pub(super) fn may_use(user: &str) -> Option<&'static [&'static str]> {
    MAY_USE.iter().find(|(name, _)| *name == user).map(|(_, may)| *may)
}

/// Who may speak to an engine by this crate; `None` if the crate is no engine's client.
pub(super) fn engine(name: &str) -> Option<&'static [&'static str]> {
    let name = name.replace('_', "-");
    ENGINES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, may)| *may)
}

#[cfg(test)]
mod tests {
    use super::{MAY_USE, engine, may_use};

    #[test]
    fn the_map_has_no_circle() {
        fn height(name: &str, above: &mut Vec<String>) -> usize {
            assert!(!above.iter().any(|user| user == name), "{above:?} come round to {name}");
            above.push(name.to_owned());
            let used = may_use(name).expect("the map knows every crate it names");
            let height = used.iter().map(|used| height(used, above) + 1).max().unwrap_or(0);
            above.pop();
            height
        }
        assert!(MAY_USE.iter().map(|(name, _)| height(name, &mut Vec::new())).max() > Some(2));
    }

    #[test]
    fn services_and_the_gateway_meet_no_engine_and_no_other_service() {
        for (user, may) in
            MAY_USE.iter().filter(|(user, _)| user.starts_with("service-") || *user == "gateway")
        {
            assert!(may.iter().all(|used| !used.starts_with("service-") && *used != "store-kv"), "{user}");
            assert!(
                ["fjall", "redis", "rdkafka", "aws_sdk_dynamodb"]
                    .iter()
                    .all(|c| engine(c).is_some_and(|may| !may.contains(user)))
            );
        }
        assert_eq!(engine("serde"), None);
    }
}
