use serde::Serialize;
use utoipa::ToSchema;

/// What the Merger reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct MergerObservation {
    /// Merged responses of all sources.
    pub snapshots: u64,
    /// States that it passed on.
    pub states: u64,
    /// Aircraft whose newest state it remembers.
    pub aircraft_known: usize,
    /// States waiting in the KafkaProducer.
    pub held_by_producer: usize,
}
