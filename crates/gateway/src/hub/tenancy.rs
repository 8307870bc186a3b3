//! The slot: leased, renewed in time, lost.
//!
//! One task holds it and hands out its deliveries. When the lease is lost its sessions are void: their sockets close
//! first, then a new slot is leased. Deliveries are read from before anyone is registered, so none is missed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bus::Consumer;
use contracts::records::Delivery;
use contracts::services::SlotLease;
use domain::Rejection;
use protocol::frame::Reason;
use tokio_util::sync::CancellationToken;

use super::{Hub, deliveries};

/// The group that gateways read their deliveries in.
pub const GROUP: &str = "gateways";

/// The shortest wait between two tries to renew or lease.
const RETRY: Duration = Duration::from_millis(250);

/// Why there is no slot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    /// Messaging gave none.
    #[error("no slot could be leased: {0}")]
    Refused(#[from] Rejection),
    /// Its deliveries cannot be read.
    #[error("the slot's deliveries cannot be read: {0}")]
    Bus(#[from] bus::Error),
}

/// A slot with its deliveries.
pub(crate) struct Tenancy {
    lease: SlotLease,
    consumer: Box<dyn Consumer<Delivery>>,
}

/// Leases a slot and reads its deliveries from now on; from then on sessions are taken in.
pub(crate) async fn lease(hub: &Hub) -> Result<Tenancy, LeaseError> {
    let lease = hub.services.slots.lease().await?;
    let partition = u32::from(lease.slot.0) % hub.topics.deliver.partitions().max(1);
    let consumer = hub.topics.deliver.assign(GROUP, partition)?;
    *hub.lease.write().unwrap_or_else(PoisonError::into_inner) = Some(lease);
    tracing::info!(slot = lease.slot.0, generation = lease.generation.0, "leased a slot");
    Ok(Tenancy { lease, consumer })
}

impl Tenancy {
    /// Holds the slot, or the next one, until `stop`; then gives it back.
    pub(crate) async fn keep(mut self, hub: Arc<Hub>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return release(&hub, self.lease).await,
                error = deliveries::follow(&hub, self.lease, &mut self.consumer) => {
                    if error == bus::Error::Closed {
                        tracing::info!("the deliveries are closed: the process stops");
                        stop.cancelled().await;
                        return release(&hub, self.lease).await;
                    }
                    tracing::error!(%error, "deliveries cannot be read any more");
                }
                () = renewed_until_lost(&hub, self.lease) => {}
            }
            evict(&hub, self.lease).await;
            self = tokio::select! {
                () = stop.cancelled() => return,
                next = lease_again(&hub) => next,
            };
        }
    }
}

async fn release(hub: &Hub, lease: SlotLease) {
    forget(hub);
    if let Err(error) = hub.services.slots.release(lease.slot, lease.generation).await {
        tracing::warn!(%error, "the slot could not be given back; its lease ends by itself");
    }
}

/// What was said under the lease is void: the sockets close, and those who wait for an outcome are told.
async fn evict(hub: &Hub, lease: SlotLease) {
    tracing::warn!(slot = lease.slot.0, sessions = hub.sessions(), "lost the slot; every session moves");
    forget(hub);
    hub.end_all(Reason::Moved);
    hub.emptied(hub.config.drain()).await;
}

fn forget(hub: &Hub) {
    *hub.lease.write().unwrap_or_else(PoisonError::into_inner) = None;
    hub.requests.abandon();
    hub.large().clear();
}

async fn lease_again(hub: &Hub) -> Tenancy {
    loop {
        match lease(hub).await {
            Ok(tenancy) => return tenancy,
            Err(error) => tracing::warn!(%error, "trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Renews at half of the time that is left, and tries again while there is any; ends when the lease is lost.
async fn renewed_until_lost(hub: &Hub, lease: SlotLease) {
    let mut expires = hub.moment().plus_ms(lease.lasts_ms);
    loop {
        let left = Duration::from_millis(expires.since_ms(hub.moment()));
        tokio::time::sleep((left / 2).max(RETRY)).await;
        let asked = hub.moment();
        match hub.services.slots.renew(lease.slot, lease.generation).await {
            Ok(renewed) => expires = asked.plus_ms(renewed.lasts_ms),
            Err(error) if error.code.retryable() && hub.moment() < expires => {
                tracing::warn!(%error, "the slot could not be renewed; trying again");
            }
            Err(error) => {
                tracing::error!(%error, "the slot's lease is lost");
                return;
            }
        }
    }
}
