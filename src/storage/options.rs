use std::time::Duration;

use actors::history::SummaryOptions;

/// How many histories are read at the same time, unless the options say otherwise.
pub const MAX_HISTORIES: usize = 16;

/// How long the database may take, and how its table is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageOptions {
    /// For a connection to each host of the URL, with TLS and authentication.
    pub connect_timeout: Duration,
    /// For an attempt to store a batch, and for each of its statements.
    pub statement_timeout: Duration,
    /// For a lock that another transaction holds, and how long a transaction may lie idle before the server ends it.
    pub lock_timeout: Duration,
    /// For a query of the HTTP side, with the wait for a connection of the pool.
    pub query_timeout: Duration,
    /// For a slice of a history that is read row by row. With PostgreSQL that includes the time for which the rows wait for
    /// who reads them, which should be less.
    pub history_timeout: Duration,
    /// How many histories are read at the same time, each on a connection and a thread of its own.
    pub histories: usize,
    /// For other processes that migrate.
    pub migration_lock_timeout: Duration,
    /// For the migrations themselves: moving a large table into a hypertable takes its time.
    pub migration_timeout: Duration,
    /// Connections of the HTTP side.
    pub pool_size: usize,
    /// The span of one chunk of the hypertable.
    pub chunk_interval: Duration,
    /// After which time TimescaleDB compresses a chunk.
    pub compress_after: Duration,
    /// How long state vectors are kept.
    pub retention: Duration,
    /// How long flights and the hourly statistics are kept.
    pub summary_retention: Duration,
    /// The longest pause between two states of one flight.
    pub flight_gap: Duration,
    /// For one step of maintenance, for which the batches wait.
    pub maintenance_timeout: Duration,
    /// How many rows one step of maintenance deletes, or makes flights of, at most.
    pub maintenance_rows: u32,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(10),
            history_timeout: Duration::from_secs(5 * 60),
            histories: MAX_HISTORIES,
            migration_lock_timeout: Duration::from_secs(60),
            migration_timeout: Duration::from_secs(60 * 60),
            pool_size: 8,
            chunk_interval: Duration::from_secs(60 * 60),
            compress_after: Duration::from_secs(2 * 60 * 60),
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            summary_retention: Duration::from_secs(365 * 24 * 60 * 60),
            flight_gap: Duration::from_secs(30 * 60),
            maintenance_timeout: Duration::from_secs(5),
            maintenance_rows: 10_000,
        }
    }
}

impl StorageOptions {
    pub(super) fn summaries(&self) -> SummaryOptions {
        SummaryOptions {
            flight_gap: self.flight_gap,
            retention: self.retention,
            summary_retention: self.summary_retention,
            max_rows: self.maintenance_rows,
        }
    }
}
