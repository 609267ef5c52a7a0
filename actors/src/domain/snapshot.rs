use std::collections::BTreeMap;

use super::{FIELDS, InvalidStateVector, StateVector, UnixTime};

/// One response of the source: the state of every aircraft in the box at `time`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The time in the response.
    pub time: UnixTime,
    /// The states, in the order of the response. An aircraft may occur more than once.
    pub states: Vec<StateVector>,
    /// The rows that could not be parsed.
    pub bad_rows: BadRows,
}

/// A row of a response that is not a valid state vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// The kind of error, for metrics: the name of a field, `future`, …
    pub kind: &'static str,
    /// A description of the error.
    pub reason: String,
}

impl RejectedRow {
    /// Kinds of errors that do not concern a single field.
    const OTHER_KINDS: [&str; 6] = ["checksum", "columns", "encoding", "future", "row", "sensors"];

    /// Returns all kinds: the fields of a state vector, then the other kinds.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|field| field.name).chain(Self::OTHER_KINDS)
    }
}

impl From<InvalidStateVector> for RejectedRow {
    fn from(error: InvalidStateVector) -> Self {
        Self { kind: error.kind(), reason: error.to_string() }
    }
}

/// The rejected rows of one response, counted by kind, with an example of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRows(BTreeMap<&'static str, (u64, String)>);

impl BadRows {
    /// Counts a row. The first row of each kind is kept as its example.
    pub fn add(&mut self, row: RejectedRow) {
        debug_assert!(RejectedRow::kinds().any(|kind| kind == row.kind), "{} is not a kind of RejectedRow", row.kind);
        self.0.entry(row.kind).or_insert((0, row.reason)).0 += 1;
    }

    /// Adds the rows of another response. The first example of each kind is kept.
    pub fn merge(&mut self, other: Self) {
        for (kind, (count, example)) in other.0 {
            self.0.entry(kind).or_insert((0, example)).0 += count;
        }
    }

    /// The number of rejected rows.
    pub fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Returns the count and the first row's description of each kind, ordered by kind.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64, &str)> {
        self.0.iter().map(|(kind, (count, example))| (*kind, *count, example.as_str()))
    }
}
