use std::collections::BTreeMap;
use std::sync::Arc;

use actors::domain::{Icao24, StateVector};
use serde_json::{Map, Value};

use super::discovery;

/// What the broker last said about each tracked aircraft.
#[derive(Debug, Default)]
pub(super) struct Trackers(BTreeMap<String, Map<String, Value>>);

impl Trackers {
    /// Notes a message about an aircraft; an empty one ends its tracking.
    pub(super) fn set(&mut self, icao24: &str, payload: &[u8]) {
        match serde_json::from_slice(payload) {
            Ok(attributes) => drop(self.0.insert(icao24.to_owned(), attributes)),
            Err(_) => drop(self.0.remove(icao24)),
        }
    }

    /// Forgets everything; the broker sends what it retains after each connection.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the aircraft that have moved, with their attributes.
    pub(super) fn moved(&self, newest: impl Fn(Icao24) -> Option<Arc<StateVector>>) -> Vec<(&str, Value)> {
        let moved = self.0.iter().filter_map(|(icao24, attributes)| {
            let state = newest(Icao24::parse(icao24).ok()?)?;
            Some((icao24.as_str(), discovery::moved(attributes, &state)?))
        });
        moved.collect()
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::UnixTime;
    use serde_json::json;

    use super::*;

    fn state(last_contact: i64, lat: f64) -> Arc<StateVector> {
        Arc::new(StateVector {
            lat: Some(lat),
            lon: Some(8.5),
            baro_altitude: Some(900.0),
            ..StateVector::new(Icao24::from_u32(0x4b_1814), UnixTime(last_contact))
        })
    }

    #[test]
    fn an_aircraft_is_followed_while_it_is_tracked() {
        let mut trackers = Trackers::default();
        let moved = |trackers: &Trackers, state: &Arc<StateVector>| {
            let moved = trackers.moved(|icao24| (icao24 == state.icao24).then(|| state.clone()));
            moved.into_iter().map(|(_, attributes)| attributes).collect::<Vec<_>>()
        };
        assert_eq!(moved(&trackers, &state(9, 47.0)), [Value::Null; 0]);
        trackers.set("4b1814", br#"{"icao24":"4b1814","detail":"low","latitude":46.0,"longitude":8.0,"since":5}"#);
        let attributes = json!({
            "icao24": "4b1814", "detail": "low", "since": 5, "callsign": null, "squawk": null, "altitude": 900.0,
            "latitude": 47.0, "longitude": 8.5, "gps_accuracy": 0, "last_contact": 9,
        });
        let first = moved(&trackers, &state(9, 47.0));
        trackers.set("4b1814", first[0].to_string().as_bytes());
        assert_eq!(first, [attributes]);
        assert_eq!(moved(&trackers, &state(9, 48.0)), [Value::Null; 0], "no newer state");
        assert_eq!(moved(&trackers, &state(10, 48.0))[0]["latitude"], 48.0);
        trackers.set("4b1814", b"");
        assert_eq!(moved(&trackers, &state(11, 48.0)), [Value::Null; 0]);
    }
}
