use std::collections::BTreeMap;

use super::{FIELDS, InvalidStateVector, StateVector, UnixTime};

/// One response of the source: the state of every aircraft in the box at `time`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The time in the response.
    pub time: UnixTime,
    /// In the order of the response. An aircraft may occur twice.
    pub states: Vec<StateVector>,
    /// The rows that could not be parsed.
    pub bad_rows: BadRows,
}

/// A row of a response that is not a valid state vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// The kind of fault, for metrics: the name of a field, `future`, …
    pub kind: &'static str,
    /// A description of the fault.
    pub reason: String,
}

impl RejectedRow {
    /// Faults other than those of a single field.
    const OTHER_KINDS: [&str; 5] = ["columns", "encoding", "future", "row", "sensors"];

    /// Every kind: the fields of a state vector, and the other kinds of fault.
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
    /// Counts a row. The first of each kind is kept as the example.
    pub fn add(&mut self, row: RejectedRow) {
        debug_assert!(RejectedRow::kinds().any(|kind| kind == row.kind), "{} is not a kind of RejectedRow", row.kind);
        self.0.entry(row.kind).or_insert((0, row.reason)).0 += 1;
    }

    /// The number of rejected rows.
    pub fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Kind, count and the description of the first row, by kind.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64, &str)> {
        self.0.iter().map(|(kind, (count, example))| (*kind, *count, example.as_str()))
    }
}
