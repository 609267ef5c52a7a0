use actors::notification::{AlertEvent, Notification, escape_name};
use serde_json::{Value, json};

use super::active_alerts::ActiveAlerts;
use super::discovery;
use super::topics::Topics;

/// A message to publish.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Publication {
    pub(super) topic: String,
    /// Empty to delete a retained message.
    pub(super) payload: Vec<u8>,
    pub(super) retained: bool,
}

impl Publication {
    fn retained(topic: String, payload: impl Into<Vec<u8>>) -> Self {
        Self { topic, payload: payload.into(), retained: true }
    }

    fn retained_json(topic: String, payload: &Value) -> Self {
        Self::retained(topic, payload.to_string())
    }
}

/// Returns the messages of a notification, in their order, and updates the active alerts. They are the same
/// when the notification is delivered again.
pub(super) fn publications(
    topics: &Topics,
    active: &mut ActiveAlerts,
    max_trackers: usize,
    notification: &Notification,
) -> Vec<Publication> {
    let alert = &notification.alert;
    let (rule, icao24) = (escape_name(&alert.rule), alert.icao24.to_ascii_lowercase());
    let payload = Value::Object(notification.payload()).to_string();
    let event = Publication { topic: topics.alerts(), payload: payload.clone().into_bytes(), retained: false };
    let is_active = match notification.event {
        AlertEvent::Test => return vec![event],
        AlertEvent::Started => true,
        AlertEvent::Ended => false,
    };
    active.set(&rule, &icao24, is_active);
    let mut messages = Vec::new();
    if let Some(topic) = topics.sensor_config(&rule) {
        messages.push(Publication::retained_json(topic, &discovery::sensor(topics, &rule, &alert.rule)));
    }
    let retained = if is_active { payload.into_bytes() } else { Vec::new() };
    messages.push(Publication::retained(topics.active(&rule, &icao24), retained));
    messages.extend(rule_state(topics, active, &rule));
    if let Some(topic) = topics.tracker_config(&icao24) {
        if !active.has(&icao24) {
            messages.push(Publication::retained(topic, Vec::new()));
            messages.push(Publication::retained(topics.aircraft(&icao24), Vec::new()));
        } else if is_active && active.aircraft() <= max_trackers {
            messages.push(Publication::retained_json(topic, &discovery::tracker(topics, notification)));
            messages.push(Publication::retained_json(topics.aircraft(&icao24), &discovery::attributes(notification)));
        }
    }
    messages.push(event);
    messages
}

/// Returns the messages that say whether a rule has active alerts. The rule is escaped.
pub(super) fn rule_state(topics: &Topics, active: &ActiveAlerts, rule: &str) -> [Publication; 2] {
    let aircraft = active.of_rule(rule);
    let state = if aircraft.is_empty() { "OFF" } else { "ON" };
    let attributes = json!({ "active": aircraft.len(), "aircraft": aircraft });
    [
        Publication::retained(topics.rule_state(rule), state),
        Publication::retained_json(topics.rule_attributes(rule), &attributes),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(rule: &str, icao24: &str, ended: Option<i64>) -> Notification {
        let json =
            json!({ "icao24": icao24, "since": 1, "rule": rule, "ended": ended, "detail": "low", "state": null });
        Notification::decode(json.to_string().as_bytes()).unwrap()
    }

    struct Broker {
        topics: Topics,
        active: ActiveAlerts,
        max_trackers: usize,
    }

    impl Broker {
        fn new(max_trackers: usize) -> Self {
            Self { topics: Topics::new("sky", Some("ha")), active: ActiveAlerts::default(), max_trackers }
        }

        fn publish(&mut self, rule: &str, icao24: &str, ended: Option<i64>) -> Vec<(String, String)> {
            let notification = alert(rule, icao24, ended);
            let messages = publications(&self.topics, &mut self.active, self.max_trackers, &notification);
            let text = |message: Publication| (message.topic, String::from_utf8(message.payload).unwrap());
            messages.into_iter().map(text).collect()
        }
    }

    fn payload<'a>(messages: &'a [(String, String)], topic: &str) -> Option<&'a str> {
        messages.iter().find(|(other, _)| other == topic).map(|(_, payload)| payload.as_str())
    }

    #[test]
    fn an_alert_is_retained_until_it_ends() {
        let mut broker = Broker::new(10);
        let started = broker.publish("fence", "4b1814", None);
        assert!(payload(&started, "sky/active/fence/4b1814").unwrap().contains("alert.started"));
        assert_eq!(payload(&started, "sky/rules/fence/state"), Some("ON"));
        assert!(payload(&started, "ha/binary_sensor/sky/fence/config").is_some());
        assert!(payload(&started, "ha/device_tracker/sky/4b1814/config").unwrap().contains("gps"));
        assert_eq!(started, broker.publish("fence", "4b1814", None), "delivered again");

        broker.publish("fence", "3c6444", None);
        let ended = broker.publish("fence", "4b1814", Some(9));
        assert_eq!(payload(&ended, "sky/active/fence/4b1814"), Some(""));
        assert_eq!(payload(&ended, "ha/device_tracker/sky/4b1814/config"), Some(""));
        assert_eq!(payload(&ended, "sky/aircraft/4b1814"), Some(""));
        assert_eq!(payload(&ended, "sky/rules/fence/state"), Some("ON"), "of the other aircraft");
        assert!(payload(&ended, "sky/alerts").unwrap().contains("alert.ended"));
        let ended = broker.publish("fence", "3c6444", Some(9));
        assert_eq!(payload(&ended, "sky/rules/fence/state"), Some("OFF"));
        assert_eq!(payload(&ended, "sky/rules/fence/attributes"), Some(r#"{"active":0,"aircraft":[]}"#));
    }

    #[test]
    fn an_aircraft_is_tracked_until_its_last_alert_ends() {
        let mut broker = Broker::new(10);
        broker.publish("fence", "4b1814", None);
        broker.publish("noise", "4b1814", None);
        let tracker = "ha/device_tracker/sky/4b1814/config";
        assert_eq!(payload(&broker.publish("fence", "4b1814", Some(9)), tracker), None);
        assert_eq!(payload(&broker.publish("noise", "4b1814", Some(9)), tracker), Some(""));
    }

    #[test]
    fn the_number_of_trackers_is_bounded() {
        let mut broker = Broker::new(2);
        let is_tracked = |messages: &[(String, String)]| {
            messages.iter().any(|(topic, payload)| topic.starts_with("ha/device_tracker/") && !payload.is_empty())
        };
        assert!(is_tracked(&broker.publish("fence", "000001", None)));
        assert!(is_tracked(&broker.publish("fence", "000002", None)));
        assert!(!is_tracked(&broker.publish("fence", "000003", None)));
        broker.publish("fence", "000001", Some(9));
        broker.publish("fence", "000003", Some(9));
        assert!(is_tracked(&broker.publish("fence", "000004", None)));
    }
}
