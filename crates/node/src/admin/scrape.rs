//! `/metrics`: what the boxes counted, and what is read at the moment of asking, with what each says.

use gateway::tls::Tls;
use store_kv::{COMMIT_BUCKETS_US, Stats};

use super::exposition::Exposition;
use super::{Admin, machine};

const US_PER_S: f64 = 1e6;

/// The text that Prometheus reads.
pub(super) fn metrics(admin: &Admin) -> String {
    let mut text = Exposition::default();
    text.gauge("ready", "1 while the process takes new sessions.", u8::from(admin.ready.get()));
    let version = [(env!("CARGO_PKG_VERSION"), 1)];
    text.gauges("build_info", "The version of the program.", "version", version);
    admin.counted.expose(&mut text);
    if let Some(expires) = admin.tls.as_ref().and_then(Tls::expires_unix_s) {
        let help = "When the certificate that devices are shown ends, since 1970.";
        text.gauge("gateway_certificate_expiry_timestamp_seconds", help, expires);
    }
    bus(&mut text, admin);
    registry(&mut text, admin);
    store(&mut text, &admin.stores.kv.stats());
    text.gauge("store_queue_limit_bytes", "Bytes that may wait for the committer.", admin.queue_bytes_max);
    machine::expose(&mut text, &admin.data);
    text.finish()
}

fn bus(text: &mut Exposition, admin: &Admin) {
    let lag = admin.topics.lag();
    text.gauges("bus_lag_records", "Records that a reader of a topic has still to finish.", "reader", lag);
    let load = admin.topics.load();
    let bytes = load.map(|(topic, load)| (topic, load.bytes));
    text.gauges("bus_queue_bytes", "Bytes of records that a topic keeps.", "topic", bytes);
    let fullest = load.map(|(topic, load)| (topic, load.fullest));
    let help = "How full the fullest partition of a topic is; at 1 publishers wait.";
    text.gauges("bus_fullest_partition_ratio", help, "topic", fullest);
    let waiting = load.map(|(topic, load)| (topic, load.waiting));
    text.gauges("bus_waiting_publishers", "Publishers that wait for room in a topic.", "topic", waiting);
}

fn registry(text: &mut Exposition, admin: &Admin) {
    let held = admin.registry.held();
    text.gauge("registry_slots", "Slots leased by gateways.", held.slots);
    text.gauge("registry_sessions", "Sessions registered.", held.sessions);
    text.gauge("registry_users", "Users of whom a session or a change is known.", held.users);
}

#[expect(clippy::cast_precision_loss, reason = "seconds are a float")]
fn store(text: &mut Exposition, stats: &Stats) {
    let seconds = |us: u64| us as f64 / US_PER_S;
    text.counter("store_commits_total", "Commits made durable, one fsync each.", stats.commits);
    text.counter("store_batches_total", "Batches in commits.", stats.batches);
    text.counter(
        "store_conflicts_total",
        "Batches refused since a requirement did not hold.",
        stats.conflicts,
    );
    text.counter("store_rows_total", "Rows written.", stats.rows);
    text.counter("store_written_bytes_total", "Bytes of the batches written.", stats.bytes);
    text.counter(
        "store_stalls_total",
        "Waits of the committer for tables to be written or merged.",
        stats.stalls,
    );
    text.counter("store_stall_seconds_total", "Time of these waits.", seconds(stats.stall_us_sum));
    let (bounds, sum) = (COMMIT_BUCKETS_US.map(seconds), seconds(stats.commit_us_sum));
    let help = "Time of commits: journal, fsync, and making it visible.";
    text.histogram("store_commit_seconds", help, &bounds, &stats.commit_us_buckets, sum);
    text.gauge("store_commit_max_seconds", "The longest commit so far.", seconds(stats.commit_us_max));
    text.gauge("store_queue_batches", "Batches that wait for the committer.", stats.queue_batches);
    text.gauge("store_queue_bytes", "Bytes that wait for the committer or are in flight.", stats.queue_bytes);
    text.gauge("store_journals", "Journals on disk.", stats.journals);
    text.gauge("store_table_bytes", "Bytes of sorted tables on disk.", stats.table_bytes);
}
