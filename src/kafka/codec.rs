//! Encodes and decodes record values as JSON: state vectors in the program's one JSON form (docs/api.md has an
//! example), alerts (docs/alerts.md) and records of polls (docs/history.md).

use std::sync::Arc;

use actors::detect::{Alert, AlertKey};
use actors::domain::{Icao24, PollRecord, StateVector, UnixTime};
use actors::enrichment::{EnrichedState, FactBook};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Appends a state vector as JSON.
pub fn encode(state: &StateVector, into: &mut Vec<u8>) {
    let written = serde_json::to_writer(into, state);
    debug_assert!(written.is_ok(), "every state vector can be written as JSON");
}

/// Appends a state vector with what is known about its aircraft as JSON.
pub(super) fn encode_enriched(state: &StateVector, facts: &FactBook, into: &mut Vec<u8>) {
    let written = serde_json::to_writer(into, &EnrichedState::new(state, facts));
    debug_assert!(written.is_ok(), "every state vector can be written as JSON");
}

/// Appends an alert as JSON.
pub fn encode_alert(alert: &Alert, into: &mut Vec<u8>) {
    let written = serde_json::to_writer(into, alert);
    debug_assert!(written.is_ok(), "every alert can be written as JSON");
}

/// Appends a record of polls as JSON.
pub fn encode_poll(poll: &PollRecord, into: &mut Vec<u8>) {
    let written = serde_json::to_writer(into, poll);
    debug_assert!(written.is_ok(), "every record of polls can be written as JSON");
}

/// A record's decoded value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decoded {
    State(StateVector),
    Poll(PollRecord),
    Alert(Alert),
    /// The record is valid, but of no interest.
    Skipped,
}

/// Decodes the record with this key and this value.
pub(super) type DecodeRecord = fn(Option<&[u8]>, Option<&[u8]>) -> Result<Decoded, String>;

/// Decodes a record of `kafka.topic_raw`.
pub(super) fn decode_state_record(_key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, String> {
    decode(value).map(Decoded::State)
}

/// Decodes a record of `kafka.topic_polls`.
pub(super) fn decode_poll_record(_key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, String> {
    decode_poll(value).map(Decoded::Poll)
}

/// Decodes a record of `kafka.topic_alerts` for a consumer that needs the active alerts. Skips those that were resent.
pub(super) fn decode_alert_record(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, String> {
    let alert = decode_alert(value)?;
    let has_own_key = key == Some(AlertKey::from(&alert).to_string().as_bytes());
    Ok(if has_own_key { Decoded::Alert(alert) } else { Decoded::Skipped })
}

/// Decodes a record of `kafka.topic_alerts` for the table of alerts. Skips tombstones, and the alerts of versions that
/// named no rule.
pub(super) fn decode_alert_history_record(_key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, String> {
    match value {
        None => Ok(Decoded::Skipped),
        Some(json) if names_no_rule(json) => Ok(Decoded::Skipped),
        Some(_) => decode_alert(value).map(Decoded::Alert),
    }
}

/// Returns whether this is an alert as versions wrote it that named no rule.
fn names_no_rule(json: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(alert)) = serde_json::from_slice(json) else { return false };
    let has_text = |name| alert.get(name).is_some_and(serde_json::Value::is_string);
    !alert.contains_key("rule") && has_text("icao24") && has_text("meaning")
}

/// Returns the key under which an alert is published once more, only to be stored. The newest record of an alert's own
/// key says whether it is active, so it must not be replaced by an older one.
pub fn resent_alert_key(alert: &Alert) -> String {
    format!("resent/{}", AlertKey::from(alert))
}

/// Decodes a state vector from a record's value. Absent fields are unknown, so the nine-field messages of other writers
/// are accepted too. Unknown fields are ignored.
///
/// # Errors
/// A readable reason: there is no value, it is not JSON, or it is not a state vector.
pub fn decode(value: Option<&[u8]>) -> Result<StateVector, String> {
    decode_json(value)
}

/// Decodes a record of polls from a record's value. Unknown members are ignored.
///
/// # Errors
/// A readable reason: there is no value, it is not JSON, or it is not a record of polls.
pub fn decode_poll(value: Option<&[u8]>) -> Result<PollRecord, String> {
    decode_json(value)
}

/// Decodes an alert from a record's value. Unknown members are ignored.
///
/// # Errors
/// A readable reason: there is no value, it is not JSON, or it is not an alert with a rule.
pub fn decode_alert(value: Option<&[u8]>) -> Result<Alert, String> {
    /// The members from which an alert is restored; the others follow from them.
    #[derive(Deserialize)]
    struct AlertRecord {
        rule: String,
        icao24: Icao24,
        since: UnixTime,
        ended: Option<UnixTime>,
        detail: String,
        state: StateVector,
    }
    let AlertRecord { rule, icao24, since, ended, detail, state } = decode_json(value)?;
    Ok(Alert { rule: rule.into(), icao24, since, ended, detail: detail.into(), state: Arc::new(state) })
}

fn decode_json<T: DeserializeOwned>(value: Option<&[u8]>) -> Result<T, String> {
    let value = value.ok_or("the record has no value")?;
    if value.is_empty() {
        return Err("the value is empty".into());
    }
    serde_json::from_slice(value).map_err(|error| error.to_string().chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use actors::domain::FIELDS;
    use proptest::prelude::*;

    use super::*;
    use crate::samples::any_state;

    const NINE_FIELDS: &str = r#"{"icao24":"4b1814","origin_country":"Switzerland","lat":47.45,"lon":8.55,"velocity":0.0,
        "time_position":1700000000,"baro_altitude":null,"geo_altitude":450.5,"last_contact":1700000001}"#;

    #[test]
    fn messages_with_nine_fields_are_decoded_and_the_other_fields_are_unknown() {
        let state = decode(Some(NINE_FIELDS.as_bytes())).unwrap();
        assert_eq!((state.velocity, state.baro_altitude, state.geo_altitude), (Some(0.0), None, Some(450.5)));
        assert_eq!((state.on_ground, state.callsign, state.observed_at), (None, None, None));
    }

    /// Other programs read exactly these bytes.
    #[test]
    fn the_json_of_a_message_is_stable() {
        for message in [
            r#"{"icao24":"00a0b1","callsign":"RA 593A","origin_country":"Côte d'Ivoire","lat":-4.5,"lon":179.9999,"velocity":231.54,"true_track":0.0,"vertical_rate":-3.25,"baro_altitude":-30.48,"geo_altitude":11277.6,"on_ground":false,"squawk":"0021","spi":true,"position_source":3,"category":-1,"time_position":1700000000,"last_contact":1700000001,"observed_at":1700000002}"#,
            r#"{"icao24":"4b1814","callsign":null,"origin_country":null,"lat":null,"lon":null,"velocity":null,"true_track":null,"vertical_rate":null,"baro_altitude":null,"geo_altitude":null,"on_ground":null,"squawk":null,"spi":null,"position_source":null,"category":null,"time_position":null,"last_contact":0,"observed_at":null}"#,
        ] {
            let mut written = Vec::new();
            encode(&decode(Some(message.as_bytes())).unwrap(), &mut written);
            // Fields that were added later come after these.
            let added: String = FIELDS[18..].iter().map(|field| format!(",\"{}\":null", field.name)).collect();
            let expected = format!("{}{added}}}", message.strip_suffix('}').unwrap());
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }

    #[test]
    fn every_field_is_written_by_name_and_unknown_values_as_null() {
        let mut json = Vec::new();
        encode(&decode(Some(NINE_FIELDS.as_bytes())).unwrap(), &mut json);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let mut expected: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(value["baro_altitude"].is_null() && value["callsign"].is_null());
        assert_eq!(value["velocity"], 0.0);
    }

    #[test]
    fn invalid_state_vectors_are_rejected_with_a_reason() {
        let check = |value: Option<&str>, reason: &str| {
            let error = decode(value.map(str::as_bytes)).unwrap_err();
            assert!(error.contains(reason), "{value:?}: {error}");
        };
        check(None, "no value");
        check(Some(""), "empty");
        check(Some("garbage"), "expected value");
        check(Some("[]"), "six hex digits");
        check(Some("{}"), "six hex digits");
        check(Some(r#"{"icao24":"4b1814"}"#), "no last_contact");
        check(Some(r#"{"icao24":"4b1814","last_contact":"soon"}"#), "invalid type");
        check(Some(r#"{"icao24":"4b1814","last_contact":1,"lat":91}"#), "lat 91");
        let long = "x".repeat(129);
        for field in ["callsign", "origin_country", "squawk"] {
            let message = format!(r#"{{"icao24":"4b1814","last_contact":1,"{field}":"{long}"}}"#);
            check(Some(&message), &format!("{field} is 129 bytes long"));
            assert_eq!(decode(Some(message.replacen('x', " ", 1).as_bytes())).map(drop), Ok(()));
        }
    }

    /// A field name, known or unknown.
    fn field() -> impl Strategy<Value = String> {
        let known: Vec<_> = FIELDS.iter().filter(|field| !field.is_required()).map(|field| field.name).collect();
        prop_oneof![9 => prop::sample::select(known).prop_map(str::to_owned), 1 => "[a-z_]{1,9}"]
    }

    /// A JSON value, or something close to one.
    fn json() -> impl Strategy<Value = String> {
        let likely =
            ["null", "true", "-0.0", "1e400", "-1e-400", "9223372036854775808", "[]", "{}", "NaN", "\"\\ud800\""];
        prop_oneof![
            3 => prop::sample::select(likely.to_vec()).prop_map(str::to_owned),
            2 => "-?[0-9]{1,20}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
            2 => "\"[ -!#-\\[\\]-~]{0,20}\"",
            1 => "\"\\PC{0,9}\"",
        ]
    }

    proptest! {
        #[test]
        fn fuzzed_bytes_do_not_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(Some(&value));
        }

        #[test]
        fn fuzzed_values_round_trip_or_are_rejected_with_a_reason(
            fields in prop::collection::vec((field(), json()), 0..8),
            edits in prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3)],
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let mut value = format!(r#"{{"icao24":"4b1814","last_contact":1,{}}}"#, fields.join(",")).into_bytes();
            for (at, byte) in edits {
                let at = at.index(value.len());
                value[at] = byte;
            }
            match decode(Some(&value)) {
                Ok(state) => {
                    let mut again = Vec::new();
                    encode(&state, &mut again);
                    prop_assert_eq!(decode(Some(&again)).unwrap(), state);
                }
                Err(reason) => prop_assert!(!reason.is_empty()),
            }
        }

        #[test]
        fn a_state_vector_round_trips(state in any_state()) {
            let mut json = Vec::new();
            encode(&state, &mut json);
            prop_assert_eq!(decode(Some(&json)).unwrap(), state);
        }
    }
}
