use std::collections::BTreeMap;

use super::{FIELDS, StateVector, UnixTime};

/// One answer of the source: what it knew of every aircraft in the box at `time`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The response's own time.
    pub time: UnixTime,
    /// In the order of the response; an aircraft may occur twice.
    pub states: Vec<StateVector>,
    /// The rows that could not be parsed.
    pub bad_rows: BadRows,
}

/// One row of a response that is no state vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// A word for the kind, for counting: `icao24`, `position`, `future`, …
    pub kind: &'static str,
    /// What was wrong, for people.
    pub reason: String,
}

impl RejectedRow {
    /// What else can be wrong with a row than one of its fields.
    const OTHER_KINDS: [&str; 5] = ["columns", "encoding", "future", "row", "sensors"];

    /// Every kind: the fields of a state vector, and what else can be wrong with a row.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|field| field.name).chain(Self::OTHER_KINDS)
    }
}

/// The rows of one response that were left out, counted by kind, with an example of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRows(BTreeMap<&'static str, (u64, String)>);

impl BadRows {
    /// Counts one row; the first of each kind is kept as the example.
    pub fn add(&mut self, row: RejectedRow) {
        debug_assert!(RejectedRow::kinds().any(|kind| kind == row.kind), "{} is not a kind of RejectedRow", row.kind);
        self.0.entry(row.kind).or_insert((0, row.reason)).0 += 1;
    }

    /// How many rows there are of all kinds.
    pub fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Kind, count and the first row's reason, by kind.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64, &str)> {
        self.0.iter().map(|(kind, (count, example))| (*kind, *count, example.as_str()))
    }
}
