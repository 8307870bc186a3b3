//! The safeguards that are taken out, in the order of a message's journey.

use super::Mutation;
use super::check::Check;

/// Every mutation.
pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "the dedupe in `decide`",
        file: "crates/services/messaging/src/decide/identity.rs",
        old: "\
    if let Some(entry) = in_batch.or_else(|| asked.known.clone()) {
        return same_or_conflict(submission, entry);
    }
",
        new: "    drop((in_batch, same_or_conflict));\n",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "the membership check in `decide`",
        file: "crates/services/messaging/src/decide/mod.rs",
        old: "    may_append(state, submission, limits)?;\n",
        new: "    drop(may_append(state, submission, limits));\n",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "the fence: a conflict decides anew",
        file: "crates/services/messaging/src/append.rs",
        old: "\
            meters::conflicts().increment(1);
            Err(Failure::Contended)
",
        new: "            Ok(())\n",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "the look whether the log still ends where it did",
        file: "crates/services/messaging/src/append.rs",
        old: "    if head.position == at { Ok(()) } else { Err(Failure::Contended) }\n",
        new: "    drop((head, at));\n    Ok(())\n",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "the fsync of the committer",
        file: "crates/stores/kv/src/engine.rs",
        old: ".durability(Some(PersistMode::SyncData))",
        new: ".durability(Some(PersistMode::Buffer))",
        caught_by: Check::Crashes,
    },
    Mutation {
        name: "the effects of a known identity",
        file: "crates/services/messaging/src/fan_out/mod.rs",
        old: "    if !effect.after.large {\n",
        new: "    if effect.known {\n        return Ok(());\n    }\n    if !effect.after.large {\n",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "registered before it is echoed",
        file: "crates/services/messaging/src/sessions.rs",
        old: "    let (large, refused) = match context.registry.register(user, session).await {\n",
        new: "\
    let events = vec![Event::Registered { session: session.id.number, large: vec![], refused: None }];
    let early = Delivery { slot: session.id.slot, generation: session.id.generation, events };
    publish(&*context.deliver, early).await?;
    let (large, refused) = match context.registry.register(user, session).await {
",
        caught_by: Check::Simulation,
    },
    Mutation {
        name: "the contiguous prefix that a device passes",
        file: "crates/client/src/client/core/receive.rs",
        old: "position.seq == have.position.seq + 1 &&",
        new: "position.seq > have.position.seq &&",
        caught_by: Check::Unit { package: "connect-chat-client", named: "core" },
    },
    Mutation {
        name: "a sender's own message reads only what has nothing unread before it",
        file: "crates/services/messaging/src/cursors/pending.rs",
        old: "cursor.read.max(joined).ordinal >= *before;",
        new: "cursor.read.max(joined).ordinal >= *before || true;",
        caught_by: Check::Unit { package: "service-messaging", named: "cursors" },
    },
    Mutation {
        name: "the merge of cursors by maximum",
        file: "crates/domain/src/cursor.rs",
        old: "        let read = self.read.max(other.read);\n",
        new: "        let read = other.read;\n",
        caught_by: Check::Unit { package: "domain", named: "cursor" },
    },
];
