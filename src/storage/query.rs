use actors::domain::{Icao24, UnixTime};

/// Which positions of which aircraft are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionsQuery {
    /// The aircraft.
    pub icao24: Icao24,
    /// The earliest `last_contact`, included.
    pub from: UnixTime,
    /// The latest `last_contact`, included.
    pub to: UnixTime,
    /// Only positions that are later than this.
    pub after: Option<UnixTime>,
    /// How many at most.
    pub limit: u32,
}

impl PositionsQuery {
    /// The earliest `time_position`, included.
    pub(super) fn earliest_position(&self) -> UnixTime {
        self.after.map_or(UnixTime(i64::MIN), |after| UnixTime(after.0.saturating_add(1)))
    }
}

/// The connections for queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub in_use: usize,
    /// Open, and waiting for work.
    pub idle: usize,
    /// Queries that wait for one.
    pub waiting: usize,
    /// There are no more than these.
    pub most: usize,
}

/// What can be told of the database at little cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageObservation {
    /// An estimate of the rows in `state_vectors`, where the database keeps one.
    pub approximate_rows: Option<u64>,
    /// When the newest stored record was published, in milliseconds since 1970; `None` before the first.
    pub newest_record: Option<i64>,
}
