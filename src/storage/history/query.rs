use actors::domain::{BoundingBox, Icao24, StateVector, UnixTime};

/// The maximum number of rows that one call of [`HistoryReader::read`](super::HistoryReader::read) returns.
pub(super) const ROWS: usize = 256;

/// One stored state vector, its texts borrowed from what the database sent.
pub type HistoryRow<'a> = StateVector<&'a str>;

/// Which rows are asked for: those for which all of it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryQuery {
    /// The earliest `last_contact`, included.
    pub from: UnixTime,
    /// The latest `last_contact`, included.
    pub to: UnixTime,
    /// Only positions in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Only these aircraft; empty: all.
    pub icao24: Vec<Icao24>,
    /// Only this callsign, in any case.
    pub callsign: Option<String>,
}
