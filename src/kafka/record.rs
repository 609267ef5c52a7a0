//! What the records that this program publishes have in common: headers and timestamp.

use actors::detect::{AlertChange, AlertKey};
use actors::domain::{StateVector, UnixTime};
use actors::ports::DetectPosition;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::util::IntoOpaque;

use super::codec;

/// The version of the JSON schemas in `docs/schemas/`. It changes only if a member changes its meaning or is removed:
/// members can be added at any time.
pub const SCHEMA_VERSION: &str = "1";

/// The header of a record of a compacted topic with the position up to which it was made: the next offset of the
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
    timestamp_of(state.last_contact, now)
}

fn timestamp_of(at: UnixTime, now: UnixTime) -> i64 {
    let is_near = at.seconds_since(now).abs() <= MAX_TIMESTAMP_DISTANCE;
    (if is_near { at } else { now }).0.saturating_mul(1000)
}

/// A record of the topic of the alerts.
pub(super) struct AlertRecord {
    key: String,
    /// `None` for the deletion of an alert that ended long ago.
    value: Option<Vec<u8>>,
    timestamp: Option<i64>,
    position: Option<String>,
}

impl AlertRecord {
    /// Creates the record of a change that follows from the states before a position.
    pub(super) fn new(change: &AlertChange, position: &DetectPosition, now: UnixTime) -> Self {
        let next = position.next;
        let position = next.last_timestamp.map(|timestamp| format!("{},{timestamp}", next.next_offset));
        match change {
            AlertChange::Alert(alert) => {
                let mut value = Vec::with_capacity(1024);
                codec::encode_alert(alert, &mut value);
                let at = alert.ended.unwrap_or(alert.since);
                let timestamp = Some(timestamp_of(at, now));
                Self { key: AlertKey::from(alert).to_string(), value: Some(value), timestamp, position }
            }
            AlertChange::Forget(key) => Self { key: key.to_string(), value: None, timestamp: None, position },
        }
    }

    /// Adds key, value, timestamp and headers to a record.
    pub(super) fn fill<'a, D: IntoOpaque>(
        &'a self,
        record: BaseRecord<'a, str, [u8], D>,
    ) -> BaseRecord<'a, str, [u8], D> {
        let mut headers = if self.value.is_some() { headers() } else { OwnedHeaders::new() };
        if let Some(position) = &self.position {
            headers = headers.insert(Header { key: POSITION_HEADER, value: Some(position) });
        }
        let mut record = record.key(&*self.key).headers(headers);
        record.payload = self.value.as_deref();
        record.timestamp = self.timestamp;
        record
    }
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
