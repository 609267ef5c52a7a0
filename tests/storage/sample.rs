//! Batches and states to store.

use std::sync::Arc;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::ports::LikelyNew;

/// A time within the retention of nobody, on a full hour.
pub(crate) const START: i64 = 1_750_000_000 - 1_750_000_000 % 3600;

pub(crate) fn log(cluster: &str) -> LogId {
    LogId { cluster: cluster.into(), topic: "telemetry.raw".into() }
}

/// A state with little in it, told apart by its callsign.
pub(crate) fn state(icao24: u32, last_contact: i64, callsign: &str) -> StateVector {
    StateVector {
        icao24: Icao24::from_u32(icao24),
        callsign: Some(callsign.into()),
        origin_country: None,
        time_position: None,
        last_contact: UnixTime(last_contact),
        lat: None,
        lon: None,
        baro_altitude: None,
        geo_altitude: None,
        on_ground: None,
        velocity: None,
        true_track: None,
        vertical_rate: None,
        squawk: None,
        spi: None,
        position_source: None,
        category: None,
        observed_at: None,
    }
}

/// A part that follows `expected`, one record for each state.
pub(crate) fn part(partition: i32, expected: Option<i64>, states: Vec<StateVector>) -> PartitionBatch {
    let next_offset = expected.unwrap_or(0) + states.len().max(1) as i64;
    PartitionBatch {
        partition,
        expected,
        next_offset,
        last_timestamp: 1_000 * next_offset,
        states: states.into_iter().map(Arc::new).collect(),
        records: Vec::new(),
        dead_letters: Vec::new(),
        lost: 0,
    }
}

pub(crate) fn batch(parts: Vec<PartitionBatch>) -> Batch {
    Batch { log: log("cluster"), parts }
}

/// The same hint for every row.
pub(crate) fn hints(batch: &Batch, likely_new: bool) -> LikelyNew {
    LikelyNew(batch.parts.iter().map(|part| vec![likely_new; part.states.len()]).collect())
}

/// `n` states of different aircraft at one time, as a poll brings them.
pub(crate) fn poll(n: u32, last_contact: i64) -> Vec<StateVector> {
    (0..n).map(|i| StateVector { lat: Some(f64::from(i)), ..state(i, last_contact, "POLL") }).collect()
}
