use serde::Deserialize;
use serde_json::{Map, Value};

use super::aircraft::NotifiedAircraft;
use super::escape::escape_name;

/// A message to an endpoint: an alert has started or ended, or the operator tests the endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Identifies the notification. Every attempt to deliver it has the same id, in every process.
    pub id: String,
    /// What happened.
    pub event: AlertEvent,
    /// The alert.
    pub alert: NotifiedAlert,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertEvent {
    /// It has started.
    Started,
    /// It has ended.
    Ended,
    /// Nothing: the alert is an example.
    Test,
}

impl AlertEvent {
    /// Returns the name of the event, as the payload has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "alert.started",
            Self::Ended => "alert.ended",
            Self::Test => "alert.test",
        }
    }
}

/// An alert as it is in a record. Members that this version does not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifiedAlert {
    /// The rule that raised it.
    pub rule: String,
    /// The aircraft.
    pub icao24: String,
    /// The condition that is met, in words.
    pub detail: String,
    /// When it started, in Unix seconds.
    pub since: i64,
    /// When it ended, in Unix seconds; `None` while it is active.
    pub ended: Option<i64>,
    /// Everything else of the aircraft that a message may mention.
    pub aircraft: NotifiedAircraft,
    /// The whole value of the record.
    pub json: Map<String, Value>,
}

/// The rule of records that were written before records named their rule.
const FIRST_RULE: &str = "emergency-squawk";

/// The longest value of a record whose texts appear in ids and headers.
const MAX_NAME: usize = 128;

/// The members of a record that decide, all others are optional.
#[derive(Deserialize)]
struct Required {
    icao24: String,
    since: i64,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    ended: Option<i64>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    meaning: Option<String>,
}

impl Notification {
    /// Reads a record's value.
    ///
    /// # Errors
    /// A readable reason: it is not JSON, or not an alert.
    pub fn decode(value: &[u8]) -> Result<Self, String> {
        let short = |error: serde_json::Error| error.to_string().chars().take(300).collect::<String>();
        let json: Map<String, Value> = serde_json::from_slice(value).map_err(short)?;
        let required: Required = serde_json::from_slice(value).map_err(short)?;
        let Required { icao24, since, rule, ended, detail, meaning } = required;
        let rule = rule.filter(|rule| !rule.is_empty()).unwrap_or_else(|| FIRST_RULE.to_owned());
        if icao24.len() != 6 || !icao24.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("icao24 is not six hex digits".to_owned());
        }
        if rule.len() > MAX_NAME {
            return Err(format!("rule is {} bytes long, the limit is {MAX_NAME}", rule.len()));
        }
        let event = if ended.is_some() { AlertEvent::Ended } else { AlertEvent::Started };
        let detail = detail.or(meaning).unwrap_or_default();
        let alert = NotifiedAlert { rule, icao24, detail, since, ended, aircraft: NotifiedAircraft::read(&json), json };
        Ok(Self { id: alert.id(event), event, alert })
    }

    /// Creates the message with which an operator tests an endpoint, at this time in Unix seconds.
    pub fn test(now: i64) -> Self {
        let json = serde_json::json!({
            "icao24": "000000", "squawk": null, "meaning": "test message", "since": now, "state": null,
            "rule": "test", "ended": null, "detail": "test message",
        });
        let json = if let Value::Object(json) = json { json } else { Map::new() };
        let alert = NotifiedAlert {
            rule: "test".to_owned(),
            icao24: "000000".to_owned(),
            detail: "test message".to_owned(),
            since: now,
            ended: None,
            aircraft: NotifiedAircraft::default(),
            json,
        };
        Self { id: alert.id(AlertEvent::Test), event: AlertEvent::Test, alert }
    }

    /// Returns the JSON that describes the notification: the alert, with the members `id` and `event`.
    pub fn payload(&self) -> Map<String, Value> {
        let mut payload = Map::new();
        payload.insert("id".to_owned(), self.id.clone().into());
        payload.insert("event".to_owned(), self.event.name().into());
        payload.extend(self.alert.json.iter().map(|(name, value)| (name.clone(), value.clone())));
        // A record may lack them, or have members of these names.
        payload.insert("id".to_owned(), self.id.clone().into());
        payload.insert("event".to_owned(), self.event.name().into());
        payload.insert("rule".to_owned(), self.alert.rule.clone().into());
        payload
    }
}

impl NotifiedAlert {
    /// Returns an id of letters, digits, hyphens and underscores. Different alerts have different ids.
    fn id(&self, event: AlertEvent) -> String {
        let event = match event {
            AlertEvent::Started => "started",
            AlertEvent::Ended => "ended",
            AlertEvent::Test => "test",
        };
        let icao24 = self.icao24.to_ascii_lowercase();
        format!("{}-{icao24}-{}-{event}", escape_name(&self.rule), self.since)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STARTED: &str = r#"{"icao24":"4b1814","squawk":"7700","meaning":"emergency","since":1795472375,
        "state":{"icao24":"4b1814","callsign":"SWR123 ","lat":47.45,"lon":8.55,"baro_altitude":3048.0,"last_contact":1795472375},
        "rule":"emergency-squawk","ended":null,"detail":"emergency","severity":"high"}"#;

    #[test]
    fn an_alert_is_read_from_its_record() {
        let started = Notification::decode(STARTED.as_bytes()).unwrap();
        assert_eq!(started.event, AlertEvent::Started);
        assert_eq!(started.id, "emergency-squawk-4b1814-1795472375-started");
        assert_eq!(started.alert.aircraft.callsign.as_deref(), Some("SWR123"));
        assert_eq!(started.alert.aircraft.position, Some((47.45, 8.55)));
        let payload = started.payload();
        assert_eq!((&payload["event"], &payload["severity"]), (&"alert.started".into(), &"high".into()));

        let ended = STARTED.replace("\"ended\":null", "\"ended\":1795472999");
        let ended = Notification::decode(ended.as_bytes()).unwrap();
        assert_eq!((ended.event, ended.alert.ended), (AlertEvent::Ended, Some(1_795_472_999)));
        assert_eq!(ended.id, "emergency-squawk-4b1814-1795472375-ended");
    }

    #[test]
    fn records_without_a_rule_are_those_of_the_first_rule() {
        let old = r#"{"icao24":"4B1814","squawk":null,"meaning":"emergency","since":1,"state":null}"#;
        let old = Notification::decode(old.as_bytes()).unwrap();
        assert_eq!((old.alert.rule.as_str(), old.alert.detail.as_str()), ("emergency-squawk", "emergency"));
        assert_eq!(old.payload()["rule"], "emergency-squawk");
        assert_eq!(old.id, "emergency-squawk-4b1814-1-started");
    }

    #[test]
    fn invalid_records_are_rejected_with_a_reason() {
        let check = |value: &str, reason: &str| {
            let error = Notification::decode(value.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{value}: {error}");
        };
        check("", "EOF");
        check("[]", "invalid type");
        check("{}", "icao24");
        check(r#"{"icao24":"4b18"}"#, "since");
        check(r#"{"icao24":"4b18","since":1}"#, "six hex digits");
        check(r#"{"icao24":"4b1814","since":"soon"}"#, "invalid type");
        check(&format!(r#"{{"icao24":"4b1814","since":1,"rule":"{}"}}"#, "x".repeat(129)), "129 bytes");
    }

    proptest! {
        #[test]
        fn fuzzed_values_do_not_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Notification::decode(&value);
        }
    }
}
