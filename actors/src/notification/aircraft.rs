use serde_json::{Map, Value};

/// What a message says about an aircraft, as of the state with which the alert started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifiedAircraft {
    /// The callsign.
    pub callsign: Option<String>,
    /// The registration, if the record is enriched.
    pub registration: Option<String>,
    /// The squawk.
    pub squawk: Option<String>,
    /// Degrees.
    pub position: Option<(f64, f64)>,
    /// Metres.
    pub altitude: Option<f64>,
}

/// The longest text in characters.
const MAX_TEXT: usize = 128;

impl NotifiedAircraft {
    pub(super) fn read(json: &Map<String, Value>) -> Self {
        let state = json.get("state").and_then(Value::as_object);
        let member = |name: &str| state.and_then(|state| state.get(name)).or_else(|| json.get(name));
        let text = |name: &str| {
            let text = member(name)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect())
        };
        let number = |name: &str| member(name)?.as_f64();
        Self {
            callsign: text("callsign"),
            registration: text("registration"),
            squawk: text("squawk"),
            position: number("lat").zip(number("lon")),
            altitude: number("baro_altitude").or_else(|| number("geo_altitude")),
        }
    }
}
