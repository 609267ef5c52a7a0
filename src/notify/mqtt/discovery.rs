use actors::domain::StateVector;
use actors::notification::Notification;
use serde_json::{Map, Value, json};

use super::topics::Topics;
use crate::notify::message::Message;

/// Returns the device to which all entities belong, with the origin that Home Assistant logs.
fn common(topics: &Topics) -> Value {
    json!({
        "availability_topic": topics.availability(),
        "payload_available": "online",
        "payload_not_available": "offline",
        "device": { "identifiers": [topics.node()], "name": "Flight Monitor", "manufacturer": "Flight Monitor" },
        "origin": { "name": "OpenSky Flight Monitor", "sw_version": env!("CARGO_PKG_VERSION") },
    })
}

fn with(mut common: Value, own: Value) -> Value {
    if let (Value::Object(common), Value::Object(own)) = (&mut common, own) {
        common.extend(own);
    }
    common
}

/// Describes the sensor of a rule: on while an aircraft has an active alert of it.
pub(super) fn sensor(topics: &Topics, escaped: &str, rule: &str) -> Value {
    let own = json!({
        "name": rule,
        "unique_id": format!("{}-rule-{escaped}", topics.node()),
        "state_topic": topics.rule_state(escaped),
        "payload_on": "ON",
        "payload_off": "OFF",
        "json_attributes_topic": topics.rule_attributes(escaped),
        "icon": "mdi:airplane-alert",
    });
    with(common(topics), own)
}

/// Describes an aircraft with an active alert.
pub(super) fn tracker(topics: &Topics, notification: &Notification) -> Value {
    let alert = &notification.alert;
    let icao24 = alert.icao24.to_ascii_lowercase();
    let name = alert.aircraft.callsign.clone().unwrap_or_else(|| icao24.to_ascii_uppercase());
    let own = json!({
        "name": name,
        "unique_id": format!("{}-aircraft-{icao24}", topics.node()),
        "json_attributes_topic": topics.aircraft(&icao24),
        "source_type": "gps",
        "icon": "mdi:airplane",
    });
    with(common(topics), own)
}

/// Returns where an aircraft is, in the names that Home Assistant expects, and what the alert is.
pub(super) fn attributes(notification: &Notification) -> Value {
    let alert = &notification.alert;
    let mut attributes = json!({
        "icao24": alert.icao24, "callsign": alert.aircraft.callsign, "registration": alert.aircraft.registration,
        "squawk": alert.aircraft.squawk, "altitude": alert.aircraft.altitude, "rule": alert.rule,
        "detail": alert.detail, "since": alert.since, "message": Message::of(notification).title,
    });
    if let Some((lat, lon)) = alert.aircraft.position {
        attributes["latitude"] = lat.into();
        attributes["longitude"] = lon.into();
        attributes["gps_accuracy"] = 0.into();
    }
    attributes
}

/// Returns the attributes with the position of a newer state; `None` if it is not newer, or has no position.
pub(super) fn moved(attributes: &Map<String, Value>, state: &StateVector) -> Option<Value> {
    let known = ["last_contact", "since"].into_iter().find_map(|name| attributes.get(name)?.as_i64());
    if known.is_some_and(|known| state.last_contact.0 <= known) {
        return None;
    }
    let mut attributes = attributes.clone();
    attributes.extend([
        ("callsign".to_owned(), json!(state.callsign)),
        ("squawk".to_owned(), json!(state.squawk)),
        ("altitude".to_owned(), json!(state.baro_altitude.or(state.geo_altitude))),
        ("latitude".to_owned(), json!(state.lat?)),
        ("longitude".to_owned(), json!(state.lon?)),
        ("gps_accuracy".to_owned(), json!(0)),
        ("last_contact".to_owned(), json!(state.last_contact)),
    ]);
    Some(Value::Object(attributes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configuration variables that Home Assistant documents for both platforms.
    const COMMON: &[&str] = &[
        "availability_topic",
        "device",
        "icon",
        "json_attributes_topic",
        "name",
        "origin",
        "payload_available",
        "payload_not_available",
        "unique_id",
    ];

    fn check_keys(payload: &Value, own: &[&str]) {
        let mut expected: Vec<_> = COMMON.iter().chain(own).copied().collect();
        expected.sort_unstable();
        let mut keys: Vec<_> = payload.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(payload["device"]["identifiers"], json!(["sky"]));
    }

    #[test]
    fn payloads_have_only_keys_that_home_assistant_documents() {
        let topics = Topics::new("sky", Some("homeassistant"));
        check_keys(&sensor(&topics, "fence", "fence"), &["payload_off", "payload_on", "state_topic"]);
        let alert = r#"{"icao24":"4b1814","since":1,"rule":"fence","state":{"callsign":"SWR1","lat":47.5,"lon":8.5}}"#;
        let notification = Notification::decode(alert.as_bytes()).unwrap();
        let tracker = tracker(&topics, &notification);
        check_keys(&tracker, &["source_type"]);
        assert_eq!((&tracker["name"], &tracker["unique_id"]), (&json!("SWR1"), &json!("sky-aircraft-4b1814")));
        let attributes = attributes(&notification);
        let place = (&attributes["latitude"], &attributes["longitude"], &attributes["gps_accuracy"]);
        assert_eq!(place, (&json!(47.5), &json!(8.5), &json!(0)));
    }
}
