//! What there may be of anything that clients can ask for.

use std::time::Duration;

use prometheus_client::registry::Registry;

use super::by_address::ByAddress;
use super::refusals::Refusals;

/// The limits that the routes keep to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a client may take nothing of what it has asked for.
    pub(super) patience: Duration,
    /// Histories that are being read.
    pub(super) histories: ByAddress,
    /// What has met a limit.
    pub(super) refusals: Refusals,
}

impl Limits {
    /// Of the histories that are read at once, half, so that there are some left for everybody else.
    const HISTORIES: usize = 2;

    /// With nothing taken; what meets them is a metric in `registry`.
    pub fn register(registry: &mut Registry, patience: Duration) -> Self {
        Self { patience, histories: ByAddress::new(Self::HISTORIES), refusals: Refusals::register(registry) }
    }
}
