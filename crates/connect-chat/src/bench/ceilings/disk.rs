//! The disk alone: how long it takes to make so many bytes durable.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::bench::drive::micros;
use crate::bench::latencies::{Latencies, Millis};
use crate::bench::server::scratch_folder;

/// What the disk does.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Synced {
    per_s: f64,
    ms: Option<Millis>,
}

/// Appends `bytes` to a file and syncs its data, one after the other, as the journal of the store does.
pub(super) async fn sync(scratch: &Path, bytes: usize, time: Duration) -> Result<Synced> {
    let folder = scratch_folder(scratch)?;
    tokio::task::spawn_blocking(move || {
        let mut file = File::create(folder.path().join("synced"))?;
        let (written, begin, mut latencies, mut count) =
            (vec![1; bytes], Instant::now(), Latencies::new(), 0);
        while begin.elapsed() < time {
            let start = Instant::now();
            file.write_all(&written)?;
            file.sync_data()?;
            latencies.record(micros(start.elapsed()));
            count += 1;
        }
        Ok(Synced { per_s: f64::from(count) / begin.elapsed().as_secs_f64(), ms: latencies.millis() })
    })
    .await?
}
