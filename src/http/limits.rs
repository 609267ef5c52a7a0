//! What there may be of anything that clients can ask for.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::AddressBlock;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::by_address::{ByAddress, Share};
use super::problem::Problem;
use super::refusals::{Limit, Refusals};

/// The limits that the routes keep to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a client may take nothing of what it has asked for.
    pub(super) patience: Duration,
    /// Histories that are being read.
    pub(super) histories: ByAddress,
    /// Room for answers that wait for clients, in units.
    room: Arc<Semaphore>,
    /// The bytes of those that each address waits for. One that many wait for counts for each of them here.
    waiting: ByAddress,
    /// What has met a limit.
    pub(super) refusals: Refusals,
}

impl Limits {
    /// Of the histories that are read at once, half, so that there are some left for everybody else.
    const HISTORIES: usize = 2;

    /// Bytes of answers that may wait for clients.
    pub(super) const WAITING: usize = 256 << 20;

    /// Those that wait for clients at one address.
    pub(super) const WAITING_PER_ADDRESS: usize = 64 << 20;

    /// Bytes that are counted as one.
    const UNIT: usize = 1024;

    /// With nothing taken; what meets them is a metric in `registry`.
    pub fn register(registry: &mut Registry, patience: Duration) -> Self {
        Self {
            patience,
            histories: ByAddress::new(Self::HISTORIES),
            room: Arc::new(Semaphore::new(Self::units(Self::WAITING))),
            waiting: ByAddress::new(Self::WAITING_PER_ADDRESS),
            refusals: Refusals::register(registry),
        }
    }

    /// How much room bytes take.
    pub(super) fn units(bytes: usize) -> usize {
        bytes.div_ceil(Self::UNIT)
    }

    /// Room for an answer of so many bytes.
    ///
    /// # Errors
    /// 503 where there is none.
    pub(super) fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(Self::units(bytes)).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(units).map_err(|_| {
            self.refusals.count(Limit::Answers);
            Problem::unavailable("too much waits to be read by clients already")
        })
    }

    /// An address's share of it.
    ///
    /// # Errors
    /// 503 where it has as much as it may.
    pub(super) fn share_of_room(&self, address: AddressBlock, bytes: usize) -> Result<Share, Problem> {
        self.waiting.take(address, bytes).ok_or_else(|| {
            self.refusals.count(Limit::Answers);
            Problem::unavailable("too much waits to be read at this address already")
        })
    }
}
