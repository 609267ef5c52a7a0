//! What the records that this program publishes have in common: headers and timestamp.

use actors::domain::{StateVector, UnixTime};
use rdkafka::message::{Header, OwnedHeaders};

/// The version of the JSON schemas in `docs/schemas/`. It changes only if a member changes its meaning or is removed:
/// members can be added at any time.
pub const SCHEMA_VERSION: &str = "1";

/// The header of a record of the compacted topic with the position up to which it was made: the next offset of the
/// topic of state vectors, and the timestamp of the record before it.
pub(super) const POSITION_HEADER: &str = "source.position";

/// A timestamp further than this many seconds from the present would make Kafka's retention delete the record at once, or
/// keep it for too long.
const MAX_TIMESTAMP_DISTANCE: i64 = 3600;

/// Returns the headers of a record whose value is JSON.
pub(super) fn headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(2)
        .insert(Header { key: "content-type", value: Some("application/json") })
        .insert(Header { key: "schema-version", value: Some(SCHEMA_VERSION) })
}

/// Returns the timestamp of a state vector's record in Unix milliseconds: its `last_contact`. States of another time,
/// such as those of a file, get the present time.
pub(super) fn timestamp(state: &StateVector, now: UnixTime) -> i64 {
    let is_near = state.last_contact.seconds_since(now).abs() <= MAX_TIMESTAMP_DISTANCE;
    (if is_near { state.last_contact } else { now }).0.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use actors::domain::StateVectorParts;

    use super::*;

    #[test]
    fn a_record_has_the_time_of_its_state_unless_that_is_far_away() {
        let at = |last_contact: i64| {
            let parts =
                StateVectorParts { icao24: "4b1814".into(), last_contact: Some(last_contact), ..Default::default() };
            timestamp(&parts.try_into().unwrap(), UnixTime(1_700_000_000))
        };
        assert_eq!(at(1_699_999_990), 1_699_999_990_000);
        assert_eq!(at(1_700_003_600), 1_700_003_600_000);
        assert_eq!(at(1_600_000_000), 1_700_000_000_000);
        assert_eq!(at(1_800_000_000), 1_700_000_000_000);
    }
}
