//! State vectors for the tests of this crate.

use std::sync::Arc;

use crate::batch::{Batch, LogId, PartitionBatch};
use crate::domain::{StateVector, StateVectorParts};

/// Returns a state of an aircraft at a time, at 0°N 0°E.
pub(crate) fn state(icao24: &str, last_contact: i64) -> StateVector {
    StateVectorParts {
        icao24: icao24.into(),
        last_contact: Some(last_contact),
        observed_at: Some(last_contact),
        lat: Some(0.0),
        lon: Some(0.0),
        ..StateVectorParts::default()
    }
    .try_into()
    .unwrap()
}

/// Returns a batch of one partition whose first record has this offset.
pub(crate) fn batch(partition: i32, first_offset: i64, states: impl IntoIterator<Item = StateVector>) -> Batch {
    let states: Vec<_> = states.into_iter().map(Arc::new).collect();
    let next_offset = first_offset + states.len() as i64;
    Batch {
        log: log(),
        parts: vec![PartitionBatch {
            partition,
            expected: None,
            next_offset,
            last_timestamp: next_offset * 10,
            states,
            records: Vec::new(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        }],
    }
}

/// Returns the log used by all tests.
pub(crate) fn log() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}
