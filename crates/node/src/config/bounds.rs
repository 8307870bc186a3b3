//! What numbers the settings may have: each one's bounds, and how some of them hang together.
//!
//! A number within its bounds gives a server that works, though perhaps no good one. Beyond them it would panic, refuse
//! everybody, or run out of something far from where the mistake was made.

use std::ops::RangeInclusive;

const MIB: i64 = 1 << 20;
const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const TEN_YEARS_DAYS: i64 = 3_650;

/// More than any machine has, or any person needs, and still far from overflowing.
const PLENTY: i64 = 1_000_000_000;

/// Threads and workers; 0 means one a core.
const TASKS: RangeInclusive<i64> = 0..=1_024;

/// A token bucket's rate or burst.
const RATE: RangeInclusive<i64> = 1..=PLENTY;

/// How long somebody unknown is waited for.
const PATIENCE_MS: RangeInclusive<i64> = 100..=HOUR_MS;

/// Every setting that is a number, and from which to which it may be set.
pub(super) const BOUNDS: &[(&str, RangeInclusive<i64>)] = &[
    ("threads", TASKS),
    ("tls.handshake_timeout_ms", PATIENCE_MS),
    ("limits.text_bytes_max", 1..=MIB),
    ("limits.frame_bytes_max", 1_024..=MIB),
    ("limits.name_bytes_max", 8..=1_024),
    ("limits.group_members_max", 2..=1_000_000),
    ("limits.members_per_request_max", 1..=1_000_000),
    ("limits.page_entries_max", 1..=10_000),
    ("limits.page_bytes_max", 1_024..=64 * MIB),
    ("limits.session_queue_bytes_max", 1_024..=1_024 * MIB),
    ("limits.gateway_queue_bytes_max", 1_024..=MIB * MIB),
    ("limits.hello_timeout_ms", PATIENCE_MS),
    ("limits.header_timeout_ms", PATIENCE_MS),
    ("limits.heartbeat_ms", SECOND_MS..=HOUR_MS),
    ("limits.dead_after_ms", SECOND_MS..=DAY_MS),
    ("limits.client_id_ahead_ms_max", SECOND_MS..=DAY_MS),
    ("limits.identity_ms", 60 * SECOND_MS..=TEN_YEARS_DAYS * DAY_MS),
    ("limits.session_frames_burst", RATE),
    ("limits.session_frames_per_s", RATE),
    ("limits.user_frames_burst", RATE),
    ("limits.user_frames_per_s", RATE),
    ("limits.address_requests_burst", RATE),
    ("limits.address_requests_per_s", RATE),
    ("limits.delivered_members_max", 2..=1_000_000),
    ("gateway.connections_max", 1..=PLENTY),
    ("gateway.drain_ms", 0..=DAY_MS),
    ("messaging.workers", TASKS),
    ("messaging.batch_entries_max", 1..=100_000),
    ("messaging.cursor_flush_ms", 1..=HOUR_MS),
    ("accounts.access_token_ms", SECOND_MS..=TEN_YEARS_DAYS * DAY_MS),
    ("accounts.refresh_token_ms", SECOND_MS..=TEN_YEARS_DAYS * DAY_MS),
    ("accounts.password_memory_kib", 8..=4 * MIB),
    ("accounts.password_passes", 1..=1_000),
    ("accounts.tries_by_address", RATE),
    ("store.cache_mib", 1..=MIB),
    ("store.queue_mib", 1..=MIB),
    ("store.feed_days", 1..=TEN_YEARS_DAYS),
    ("bus.partitions", 1..=4_096),
    ("bus.partition_mib", 1..=MIB),
    ("faults.deliver_every", 1..=i64::MAX),
    ("faults.kill_at_pass", 1..=i64::MAX),
];

/// A setting that is at least so much more than another.
pub(super) struct Relation {
    pub(super) key: &'static str,
    pub(super) than: &'static str,
    pub(super) by: i64,
    why: &'static str,
}

/// Every setting that is bounded by another.
pub(super) const RELATIONS: &[Relation] = &[
    Relation {
        key: "limits.dead_after_ms",
        than: "limits.heartbeat_ms",
        by: 1,
        why: "or who is heard in time is taken for dead",
    },
    Relation {
        key: "limits.frame_bytes_max",
        than: "limits.text_bytes_max",
        by: 512,
        why: "or the longest text fits in no frame",
    },
    Relation {
        key: "limits.gateway_queue_bytes_max",
        than: "limits.session_queue_bytes_max",
        by: 0,
        why: "or one session's queue is more than those of all",
    },
    Relation {
        key: "limits.identity_ms",
        than: "limits.client_id_ahead_ms_max",
        by: 0,
        why: "or a client id could be too old as soon as it is no more ahead",
    },
    Relation {
        key: "accounts.refresh_token_ms",
        than: "accounts.access_token_ms",
        by: 0,
        why: "or nobody could refresh an access token that has expired",
    },
];

/// Why this setting cannot be `value`, if it is a number out of its bounds.
pub(super) fn out_of_bounds(key: &str, value: i64) -> Option<String> {
    let (_, bounds) = BOUNDS.iter().find(|(bounded, _)| *bounded == key)?;
    let (least, most) = (bounds.start(), bounds.end());
    (!bounds.contains(&value)).then(|| format!("`{key}` is {value}; it may be from {least} to {most}"))
}

impl Relation {
    /// Why the two cannot be so beside each other, if they cannot.
    pub(super) fn broken(&self, value: i64, other: i64) -> Option<String> {
        let Self { key, than, by, why } = self;
        let least = other.saturating_add(*by);
        (value < least).then(|| {
            format!("`{key}` is {value}; while `{than}` is {other}, it must be at least {least}, {why}")
        })
    }
}
