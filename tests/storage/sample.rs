//! Batches and states to store.

use std::sync::Arc;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::{FIELDS, FieldKind, Icao24, StateVector, StateVectorParts, UnixTime};
use actors::ports::LikelyNew;

/// A full hour that lies outside the default retention.
pub(crate) const START: i64 = 1_750_000_000 - 1_750_000_000 % 3600;

pub(crate) fn log(cluster: &str) -> LogId {
    LogId { cluster: cluster.into(), topic: "telemetry.raw".into() }
}

/// Creates a state with few fields, identified by its callsign.
pub(crate) fn state(icao24: u32, last_contact: i64, callsign: &str) -> StateVector {
    StateVector {
        callsign: Some(callsign.into()),
        ..StateVector::new(Icao24::from_u32(icao24), UnixTime(last_contact))
    }
}

/// Creates a state with every field set.
pub(crate) fn every_field_known(icao24: u32, last_contact: i64) -> StateVector {
    let mut parts = StateVectorParts::default();
    for (i, field) in FIELDS.iter().enumerate() {
        match field.kind {
            FieldKind::Address(address) => *address(&mut parts) = Icao24::from_u32(icao24).to_string().into(),
            FieldKind::Text(text) => *text(&mut parts) = Some(field.name.into()),
            FieldKind::Number(number) => *number(&mut parts) = Some(i as f64 + 0.25),
            FieldKind::Code(code) => *code(&mut parts) = Some(i as i16),
            FieldKind::Flag(flag) => *flag(&mut parts) = Some(true),
            FieldKind::Time(time) => *time(&mut parts) = Some(last_contact - i as i64),
            FieldKind::KeyTime(time) => *time(&mut parts) = Some(last_contact),
        }
    }
    parts.try_into().unwrap()
}

/// Creates a part that follows the offset `expected`, with one record for each state.
pub(crate) fn part(partition: i32, expected: Option<i64>, states: Vec<StateVector>) -> PartitionBatch {
    let next_offset = expected.unwrap_or(0) + states.len().max(1) as i64;
    PartitionBatch {
        partition,
        expected,
        next_offset,
        last_timestamp: 1_000 * next_offset,
        states: states.into_iter().map(Arc::new).collect(),
        records: Vec::new(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    }
}

pub(crate) fn batch(parts: Vec<PartitionBatch>) -> Batch {
    Batch { log: log("cluster"), parts }
}

/// Returns the same hint for every row.
pub(crate) fn hints(batch: &Batch, likely_new: bool) -> LikelyNew {
    LikelyNew(batch.parts.iter().map(|part| vec![likely_new; part.states.len()]).collect())
}

/// Creates `n` states of different aircraft with the same time, like a poll returns them.
pub(crate) fn poll(n: u32, last_contact: i64) -> Vec<StateVector> {
    (0..n).map(|i| StateVector { lat: Some(f64::from(i)), ..state(i, last_contact, "POLL") }).collect()
}
