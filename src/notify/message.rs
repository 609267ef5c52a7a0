use actors::notification::{AlertEvent, Notification};

/// The texts of a notification for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) title: String,
    pub(super) body: String,
}

impl Message {
    pub(super) fn of(notification: &Notification) -> Self {
        let alert = &notification.alert;
        if notification.event == AlertEvent::Test {
            return Self {
                title: "Flight Monitor: test message".to_owned(),
                body: "Alerts will arrive here.".to_owned(),
            };
        }
        let aircraft = &alert.aircraft;
        let address = alert.icao24.to_ascii_uppercase();
        let name = aircraft.callsign.as_ref().or(aircraft.registration.as_ref()).unwrap_or(&address);
        let what = if alert.detail.is_empty() { &alert.rule } else { &alert.detail };
        let title = match notification.event {
            AlertEvent::Ended => format!("{name}: ended: {what}"),
            AlertEvent::Started | AlertEvent::Test => format!("{name}: {what}"),
        };
        let mut parts = vec![format!("rule {}", alert.rule), format!("ICAO address {address}")];
        parts.extend(aircraft.registration.as_ref().map(|registration| format!("registration {registration}")));
        parts.extend(aircraft.squawk.as_ref().map(|squawk| format!("squawk {squawk}")));
        parts.extend(aircraft.altitude.map(|metres| format!("altitude {metres:.0} m ({:.0} ft)", metres / 0.3048)));
        parts.extend(aircraft.position.map(|(lat, lon)| format!("at {lat:.4}, {lon:.4}")));
        if let Some(ended) = alert.ended {
            parts.push(format!("lasted {}", duration(ended - alert.since)));
        }
        Self { title, body: parts.join(", ") }
    }
}

/// Formats seconds as minutes or hours.
fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> Message {
        Message::of(&Notification::decode(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_message_says_who_what_and_where() {
        let started = r#"{"icao24":"4b1814","since":1795472375,"rule":"emergency-squawk","ended":null,"detail":"radio failure",
            "state":{"callsign":"SWR123","squawk":"7600","lat":47.45,"lon":8.55,"baro_altitude":3048.0}}"#;
        let Message { title, body } = message(started);
        assert_eq!(title, "SWR123: radio failure");
        assert_eq!(
            body,
            "rule emergency-squawk, ICAO address 4B1814, squawk 7600, altitude 3048 m (10000 ft), at 47.4500, 8.5500"
        );
        let Message { title, body } = message(&started.replace("\"ended\":null", "\"ended\":1795473275"));
        assert_eq!(title, "SWR123: ended: radio failure");
        assert!(body.ends_with(", lasted 15 min"), "{body}");
    }

    #[test]
    fn an_aircraft_without_a_callsign_is_named_by_its_address() {
        let Message { title, body } = message(r#"{"icao24":"4b1814","since":1,"rule":"fence","state":null}"#);
        assert_eq!((title.as_str(), body.as_str()), ("4B1814: fence", "rule fence, ICAO address 4B1814"));
    }
}
