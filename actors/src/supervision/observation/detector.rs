use serde::Serialize;
use utoipa::ToSchema;

/// What the Detector reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DetectorObservation {
    /// The partitions that it reads.
    pub partitions: Vec<i32>,
    /// The number of them whose last records are being read again, after a change of the owner.
    pub catching_up: usize,
    /// Records that were processed.
    pub records: u64,
    /// Offsets that Kafka had deleted before they were read.
    pub lost_offsets: u64,
    /// Published alerts that have begun.
    pub started: u64,
    /// Published alerts that have ended.
    pub ended: u64,
    /// Published states with what is known about their aircraft.
    pub enriched: u64,
    /// Active alerts.
    pub active: usize,
    /// Committed transactions.
    pub transactions: u64,
    /// Transactions that failed and were repeated.
    pub failed_tries: u64,
    /// Transactions that were abandoned because the partitions had another owner.
    pub fenced: u64,
    /// Records on Kafka that are not processed yet.
    pub lag: Option<u64>,
}
