use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::UnixTime;

/// What the SseHub reports about itself.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SseHubObservation {
    /// Connected clients.
    pub clients: usize,
    /// Clients with unsent events.
    pub clients_behind: usize,
    /// Aircraft in the picture.
    pub aircraft: usize,
    /// The newest `observed_at` of the picture.
    pub observed_at: Option<UnixTime>,
    /// Counters.
    #[serde(flatten)]
    pub totals: HubTotals,
}

/// Counts since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct HubTotals {
    /// Published updates.
    pub updates: u64,
    /// States in them.
    pub states: u64,
    /// Clients disconnected because they read nothing for too long.
    pub clients_evicted: u64,
    /// Clients rejected because a limit was reached.
    pub clients_refused: u64,
    /// States coalesced for slow clients.
    pub states_skipped: u64,
    /// Sent snapshots.
    pub snapshots: u64,
    /// Clients that resumed where they had stopped.
    pub resumed: u64,
}
