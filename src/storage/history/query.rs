use actors::domain::{BoundingBox, Icao24, StateVector, UnixTime};

/// The maximum number of rows per call to [`HistoryReader::read`](super::HistoryReader::read).
pub(super) const ROWS: usize = 256;

/// One stored state vector that borrows its strings from the database's response.
pub type HistoryRow<'a> = StateVector<&'a str>;

/// Selects rows; a row must match every field.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryQuery {
    /// The earliest `last_contact`, inclusive.
    pub from: UnixTime,
    /// The latest `last_contact`, inclusive.
    pub to: UnixTime,
    /// Only positions in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Only these aircraft; empty for all.
    pub icao24: Vec<Icao24>,
    /// Only this callsign, compared regardless of case.
    pub callsign: Option<String>,
}
