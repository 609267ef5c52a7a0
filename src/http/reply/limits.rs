//! Limits on what clients can request: concurrent histories, and memory for responses that wait to be sent.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::AddressBlock;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::http::connection::per_address_limit::{AddressPermit, PerAddressLimit};
use crate::http::connection::rejections::{Limit, Rejections};
use crate::storage::MAX_HISTORIES;

/// The limits that all endpoints share.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a client may accept no data of a response before its connection is closed.
    pub(crate) client_timeout: Duration,
    histories: Arc<Semaphore>,
    histories_per_address: PerAddressLimit,
    /// Memory for responses that wait to be sent, in units of `UNIT` bytes.
    buffered: Arc<Semaphore>,
    /// The same per address, in bytes. A response that several addresses wait for counts for each of them.
    buffered_per_address: PerAddressLimit,
    pub(crate) rejections: Rejections,
}

/// The client that a response is for, and the limits that apply.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) address: AddressBlock,
}

/// Permits reading one history, until dropped.
#[derive(Debug)]
pub(crate) struct HistoryPermit {
    _total: OwnedSemaphorePermit,
    _address: AddressPermit,
}

impl Limits {
    /// The maximum number of concurrent histories per address. Enough for a household with several maps in playback,
    /// and half of the total, so that other addresses can read too.
    const MAX_HISTORIES_PER_ADDRESS: usize = MAX_HISTORIES / 2;

    pub(crate) const MAX_BUFFERED_BYTES: usize = 256 << 20;

    pub(crate) const MAX_BUFFERED_BYTES_PER_ADDRESS: usize = 64 << 20;

    /// Bytes per permit of the semaphore.
    const UNIT: usize = 1024;

    /// Creates the limits, and registers the metric of their rejections.
    pub fn register(registry: &mut Registry, client_timeout: Duration) -> Self {
        Self {
            client_timeout,
            histories: Arc::new(Semaphore::new(MAX_HISTORIES)),
            histories_per_address: PerAddressLimit::new(Self::MAX_HISTORIES_PER_ADDRESS),
            buffered: Arc::new(Semaphore::new(Self::units(Self::MAX_BUFFERED_BYTES))),
            buffered_per_address: PerAddressLimit::new(Self::MAX_BUFFERED_BYTES_PER_ADDRESS),
            rejections: Rejections::register(registry),
        }
    }

    /// Acquires a permit for an address to read a history.
    ///
    /// # Errors
    /// 503 if the address, or all clients together, have reached the limit.
    pub(crate) fn history_permit(&self, address: AddressBlock) -> Result<HistoryPermit, Problem> {
        let rejected = |detail: String| {
            self.rejections.count(Limit::Histories);
            Problem::unavailable(detail)
        };
        let address_permit = self.histories_per_address.try_acquire(address, 1).ok_or_else(|| {
            let limit = Self::MAX_HISTORIES_PER_ADDRESS;
            rejected(format!("too many concurrent history requests from this address (limit {limit})"))
        })?;
        let total = self.histories.clone().try_acquire_owned();
        let total =
            total.map_err(|_| rejected(format!("too many concurrent history requests (limit {MAX_HISTORIES})")))?;
        Ok(HistoryPermit { _total: total, _address: address_permit })
    }

    /// Converts bytes to units of the memory limit, rounded up.
    pub(crate) fn units(bytes: usize) -> usize {
        bytes.div_ceil(Self::UNIT)
    }

    /// Reserves memory for a response.
    ///
    /// # Errors
    /// 503 if the limit is reached.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(Self::units(bytes)).unwrap_or(u32::MAX);
        self.buffered.clone().try_acquire_many_owned(units).map_err(|_| {
            self.rejections.count(Limit::Responses);
            Problem::unavailable("too much memory is held by responses that clients are slow to read")
        })
    }

    /// Reserves memory for a response in the limit of the address that waits for it.
    ///
    /// # Errors
    /// 503 if the limit of the address is reached.
    pub(crate) fn reserve_for(&self, address: AddressBlock, bytes: usize) -> Result<AddressPermit, Problem> {
        self.buffered_per_address.try_acquire(address, bytes).ok_or_else(|| {
            self.rejections.count(Limit::Responses);
            Problem::unavailable("this address is slow to read earlier responses: read those first")
        })
    }
}
