use serde::Serialize;
use utoipa::ToSchema;

use crate::ports::StoreJob;

/// What the DbWriter reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DbWriterObservation {
    /// Stored batches.
    pub batches: u64,
    /// Inserted rows.
    pub inserted: u64,
    /// Rows that the table already had.
    pub duplicates: u64,
    /// Inserted records of polls.
    pub polls: u64,
    /// Stored records of alerts: beginnings and ends.
    pub alerts: u64,
    /// Failed transactions and queries.
    pub failed_tries: u64,
    /// States in the newest batch.
    pub last_batch_states: usize,
    /// The duration of storing it.
    pub last_batch_seconds: f64,
    /// Rows deleted by retention.
    pub expired: u64,
    /// Failed maintenance steps.
    pub failed_maintenance: u64,
    /// The duration of the newest step.
    pub last_maintenance_seconds: f64,
    /// The jobs that the database runs by itself.
    pub jobs: Vec<StoreJob>,
}
