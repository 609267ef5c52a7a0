//! What there may be of anything that clients can ask for.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::AddressBlock;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::http::connection::per_address_limit::{AddressPermit, PerAddressLimit};
use crate::http::connection::rejections::{Limit, Rejections};
use crate::storage::MAX_HISTORIES;

/// The limits that the routes keep to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a client may take nothing of what it has asked for.
    pub(crate) patience: Duration,
    /// Histories that are being read, in all.
    histories: Arc<Semaphore>,
    /// Those of each address.
    histories_per_address: PerAddressLimit,
    /// Room for answers that wait for clients, in units.
    room: Arc<Semaphore>,
    /// The bytes of those that each address waits for. One that many wait for counts for each of them here.
    waiting: PerAddressLimit,
    /// What has met a limit.
    pub(crate) rejections: Rejections,
}

/// Allows one history to be read, until it is dropped.
#[derive(Debug)]
pub(crate) struct HistoryPermit {
    _any: OwnedSemaphorePermit,
    _of_address: AddressPermit,
}

impl Limits {
    /// Histories that one address may read at once: enough for a household with several maps in replay, and half of all,
    /// so that others can read too.
    const HISTORIES_PER_ADDRESS: usize = MAX_HISTORIES / 2;

    /// Bytes of answers that may wait for clients.
    pub(crate) const WAITING: usize = 256 << 20;

    /// Those that wait for clients at one address.
    pub(crate) const WAITING_PER_ADDRESS: usize = 64 << 20;

    /// Bytes that are counted as one.
    const UNIT: usize = 1024;

    /// With nothing taken; what meets them is a metric in `registry`.
    pub fn register(registry: &mut Registry, patience: Duration) -> Self {
        Self {
            patience,
            histories: Arc::new(Semaphore::new(MAX_HISTORIES)),
            histories_per_address: PerAddressLimit::new(Self::HISTORIES_PER_ADDRESS),
            room: Arc::new(Semaphore::new(Self::units(Self::WAITING))),
            waiting: PerAddressLimit::new(Self::WAITING_PER_ADDRESS),
            rejections: Rejections::register(registry),
        }
    }

    /// Permits an address to read a history.
    ///
    /// # Errors
    /// 503 where the address, or all clients together, read as many as allowed.
    pub(crate) fn history_permit(&self, address: AddressBlock) -> Result<HistoryPermit, Problem> {
        let refused = |detail: String| {
            self.rejections.count(Limit::Histories);
            Problem::unavailable(detail)
        };
        let of_address = self.histories_per_address.try_acquire(address, 1).ok_or_else(|| {
            let limit = Self::HISTORIES_PER_ADDRESS;
            refused(format!("too many concurrent history requests from this address (limit {limit})"))
        })?;
        let any = self.histories.clone().try_acquire_owned();
        let any = any.map_err(|_| refused(format!("too many concurrent history requests (limit {MAX_HISTORIES})")))?;
        Ok(HistoryPermit { _any: any, _of_address: of_address })
    }

    /// How much room bytes take.
    pub(crate) fn units(bytes: usize) -> usize {
        bytes.div_ceil(Self::UNIT)
    }

    /// Room for an answer of so many bytes.
    ///
    /// # Errors
    /// 503 where there is none.
    pub(crate) fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(Self::units(bytes)).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(units).map_err(|_| {
            self.rejections.count(Limit::Answers);
            Problem::unavailable("too much waits to be read by clients already")
        })
    }

    /// An address's share of it.
    ///
    /// # Errors
    /// 503 where it has as much as it may.
    pub(crate) fn address_share(&self, address: AddressBlock, bytes: usize) -> Result<AddressPermit, Problem> {
        self.waiting.try_acquire(address, bytes).ok_or_else(|| {
            self.rejections.count(Limit::Answers);
            Problem::unavailable("too much waits to be read at this address already")
        })
    }
}
