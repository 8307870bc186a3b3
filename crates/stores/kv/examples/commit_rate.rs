//! Measures the committer on this machine: writers × messages in a batch → messages/s and the time of a commit.
//!
//! `cargo run --release -p store-kv --example commit_rate -- [FOLDER] [SECONDS A ROW]`. A message is four rows, as the
//! chat store writes one: the entry, its identity, the head and the feed, with the two requirements of an append.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use store_kv::{Batch, COMMIT_BUCKETS_US, Kv, Options, Space, Stats};

#[derive(Clone)]
struct Spaces {
    entry: Space,
    identity: Space,
    head: Space,
    feed: Space,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("commit-rate"), PathBuf::from);
    let seconds = arguments.next().map_or(5, |text| text.parse().expect("a number of seconds"));
    println!(
        "writers  batch  messages/s  commits/s  batches/commit  commit ms: mean  p50<=  p99<=    max  stalls"
    );
    for (writers, batch) in [(1, 1), (1, 64), (8, 8), (64, 1), (64, 8), (1_000, 1), (4_000, 1)] {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        measure(&folder, writers, batch, Duration::from_secs(seconds));
    }
}

fn measure(folder: &Path, writers: u64, size: u64, time: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let kv = Kv::open(folder, Options::default()).unwrap();
    let space = |name| kv.space(name).unwrap();
    let spaces = Spaces {
        entry: space("entry"),
        identity: space("identity"),
        head: space("head"),
        feed: space("feed"),
    };
    let start = Instant::now();
    let messages: u64 = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..writers {
            tasks.spawn(write_until(kv.clone(), spaces.clone(), writer, size, start + time));
        }
        tasks.join_all().await.into_iter().sum()
    });
    let seconds = start.elapsed().as_secs_f64();
    report(writers, size, messages as f64 / seconds, seconds, &kv.stats());
    runtime.block_on(kv.close());
}

async fn write_until(kv: Kv, spaces: Spaces, writer: u64, size: u64, end: Instant) -> u64 {
    let mut count = 0;
    while Instant::now() < end {
        let mut batch = Batch::new();
        for _ in 0..size {
            count += 1;
            message(&mut batch, &spaces, writer * 1_000_003 + count % 100, writer, count);
        }
        kv.write(batch).await.unwrap();
    }
    count
}

/// One message of a conversation: 45 + 250, 32 + 12, 33 + 40 and 8 + 45 bytes.
fn message(batch: &mut Batch, spaces: &Spaces, conversation: u64, writer: u64, count: u64) {
    let mut key = [0; 45];
    key[..8].copy_from_slice(&conversation.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    key[37..].copy_from_slice(&count.to_be_bytes());
    let mut identity = [0; 32];
    identity[..8].copy_from_slice(&count.to_be_bytes());
    identity[8..16].copy_from_slice(&writer.to_be_bytes());
    batch.require_absent(&spaces.entry, key).require_absent(&spaces.identity, identity);
    batch.put(&spaces.entry, key, [b'x'; 250]);
    batch.put(&spaces.identity, identity, [1; 12]);
    batch.put(&spaces.head, &key[..33], [2; 40]);
    batch.append(&spaces.feed, key);
}

fn report(writers: u64, size: u64, rate: f64, seconds: f64, stats: &Stats) {
    let commits = stats.commits.max(1) as f64;
    println!(
        "{writers:7} {size:6} {rate:11.0} {:10.0} {:15.1} {:16.2} {:>6} {:>6} {:6.1} {:7}",
        commits / seconds,
        stats.batches as f64 / commits,
        stats.commit_us_sum as f64 / commits / 1e3,
        quantile(stats, 0.5),
        quantile(stats, 0.99),
        stats.commit_us_max as f64 / 1e3,
        stats.stalls,
    );
}

/// The upper bound of the bucket in which the quantile is, in milliseconds.
fn quantile(stats: &Stats, share: f64) -> String {
    let mut left = (stats.commits as f64 * share) as u64;
    for (bound, count) in COMMIT_BUCKETS_US.iter().zip(stats.commit_us_buckets) {
        if left < count {
            return format!("{}", *bound as f64 / 1e3);
        }
        left -= count;
    }
    "more".to_owned()
}
