use std::time::Duration;

use actors::history::SummaryOptions;

/// The default limit on histories that are read concurrently.
pub const MAX_HISTORIES: usize = 16;

/// Timeouts, limits and retention of the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageOptions {
    /// Timeout for connecting to each host of the URL, including TLS and authentication.
    pub connect_timeout: Duration,
    /// Timeout for one attempt to store a batch, and for each of its statements.
    pub statement_timeout: Duration,
    /// Timeout for a lock that another transaction holds, and for an idle transaction before the server ends it.
    pub lock_timeout: Duration,
    /// Timeout for a query from the HTTP API, including the wait for a pooled connection.
    pub query_timeout: Duration,
    /// Timeout for one slice of a history. With PostgreSQL it includes the time that rows wait for a slow reader, so
    /// readers should use a shorter timeout.
    pub history_timeout: Duration,
    /// The maximum number of histories read concurrently, each on its own connection and thread.
    pub histories: usize,
    /// Timeout for waiting for another process that migrates.
    pub migration_lock_timeout: Duration,
    /// Timeout for each stage of a migration; generous, since converting a large table to a hypertable is slow.
    pub migration_timeout: Duration,
    /// The maximum number of pooled connections for the HTTP API.
    pub pool_size: usize,
    /// The time span of one chunk of the hypertable.
    pub chunk_interval: Duration,
    /// The age at which TimescaleDB compresses a chunk.
    pub compress_after: Duration,
    /// How long state vectors are kept.
    pub retention: Duration,
    /// How long flights, the hourly statistics, the records of polls and the alerts are kept.
    pub summary_retention: Duration,
    /// The longest pause between two states of one flight.
    pub flight_gap: Duration,
    /// Timeout for one maintenance step, which delays the next batch.
    pub maintenance_timeout: Duration,
    /// The maximum number of rows that one maintenance step deletes or turns into flights.
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
