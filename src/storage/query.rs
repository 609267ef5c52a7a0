use actors::domain::{Icao24, UnixTime};

/// Selects positions of one aircraft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionsQuery {
    /// The aircraft.
    pub icao24: Icao24,
    /// The earliest `last_contact`, inclusive.
    pub from: UnixTime,
    /// The latest `last_contact`, inclusive.
    pub to: UnixTime,
    /// Only positions with a `time_position` later than this.
    pub after: Option<UnixTime>,
    /// The maximum number of positions.
    pub limit: u32,
}

impl PositionsQuery {
    /// Returns the earliest `time_position`, inclusive.
    pub(super) fn earliest_position(&self) -> UnixTime {
        self.after.map_or(UnixTime(i64::MIN), |after| UnixTime(after.0.saturating_add(1)))
    }
}

/// Selects the newest state of each aircraft in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestQuery {
    /// The earliest `last_contact`, inclusive.
    pub from: UnixTime,
    /// The latest `last_contact`, inclusive.
    pub to: UnixTime,
    /// Only these aircraft; empty for all.
    pub icao24: Vec<Icao24>,
}

/// The state of the connection pool for queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Connections that are running a query.
    pub in_use: usize,
    /// Open connections that are idle.
    pub idle: usize,
    /// Queries that are waiting for a connection.
    pub waiting: usize,
    /// The maximum number of connections.
    pub max: usize,
}

/// Figures about the database that are cheap to query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageObservation {
    /// The estimated number of rows in `state_vectors`; `None` if the database keeps no estimate.
    pub approximate_rows: Option<u64>,
    /// When the newest stored record was published, in Unix milliseconds; `None` before the first record.
    pub newest_record: Option<i64>,
}
