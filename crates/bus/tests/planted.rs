//! The suite of laws finds an engine that breaks one: here, one whose queues have no bound.

use std::sync::Arc;

use async_trait::async_trait;
use bus::MessageBus;
use bus::embedded::{Options, Topic};
use bus::suite::{self, Engine, Note};

/// An engine that does not keep to the bound it is given.
struct Unbounded;

#[async_trait]
impl Engine for Unbounded {
    async fn topic(&self, options: Options<'_>) -> Arc<dyn MessageBus<Note>> {
        Arc::new(Topic::new(Options { partition_bytes_max: usize::MAX, ..options }))
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a partition of 10 records accepted 100 of them")]
async fn a_queue_without_a_bound_is_found() {
    suite::a_full_partition_lets_producers_run_on(&Unbounded).await;
}
