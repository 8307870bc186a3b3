//! `/metrics`: what the boxes counted, and what is read at the moment of asking.

use store_kv::COMMIT_BUCKETS_US;

use super::Admin;

/// The text that Prometheus reads.
pub(super) fn metrics(admin: &Admin) -> String {
    let stats = admin.stores.kv.stats();
    let count = |value: usize| value as f64;
    metrics::counter!("store_commits_total").absolute(stats.commits);
    metrics::counter!("store_batches_total").absolute(stats.batches);
    metrics::counter!("store_conflicts_total").absolute(stats.conflicts);
    metrics::counter!("store_rows_total").absolute(stats.rows);
    metrics::counter!("store_bytes_total").absolute(stats.bytes);
    metrics::counter!("store_stalls_total").absolute(stats.stalls);
    metrics::counter!("store_stall_microseconds_total").absolute(stats.stall_us_sum);
    metrics::counter!("store_commit_microseconds_total").absolute(stats.commit_us_sum);
    metrics::gauge!("store_commit_microseconds_max").set(stats.commit_us_max as f64);
    metrics::gauge!("store_queue_batches").set(count(stats.queue_batches));
    metrics::gauge!("store_queue_bytes").set(count(stats.queue_bytes));
    metrics::gauge!("ready").set(f64::from(u8::from(admin.ready.get())));
    for (topic, lag) in (admin.lag)() {
        metrics::gauge!("bus_lag_records", "reader" => topic).set(lag as f64);
    }
    let mut below = 0;
    for (index, commits) in stats.commit_us_buckets.iter().enumerate() {
        below += commits;
        let bound = COMMIT_BUCKETS_US.get(index).map_or("+Inf".to_owned(), u64::to_string);
        metrics::counter!("store_commit_microseconds_bucket", "le" => bound).absolute(below);
    }
    admin.metrics.render()
}
