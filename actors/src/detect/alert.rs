use std::sync::Arc;

use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{Icao24, StateVector, UnixTime};

/// An alert: an aircraft meets a rule's condition. In JSON it is an [`AlertJson`].
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The rule's name.
    pub rule: &'static str,
    /// The aircraft.
    pub icao24: Icao24,
    /// `last_contact` of the first state that met the condition.
    pub since: UnixTime,
    /// When it ended; `None` while it is active.
    pub ended: Option<UnixTime>,
    /// The condition that is met, in readable form.
    pub detail: &'static str,
    /// The first state that met the condition.
    pub state: Arc<StateVector>,
}

impl Alert {
    /// Creates an alert that starts with this state.
    pub fn starting(rule: &'static str, detail: &'static str, state: Arc<StateVector>) -> Self {
        Self { rule, icao24: state.icao24, since: state.last_contact, ended: None, detail, state }
    }
}

/// An active alert, as `docs/alerts.md` describes it.
#[derive(Serialize, ToSchema)]
struct AlertJson<'a> {
    icao24: Icao24,
    /// The transponder code in `state`.
    squawk: Option<&'a str>,
    /// The condition that is met, in words.
    meaning: &'a str,
    /// The `last_contact` of `state`.
    since: UnixTime,
    /// The first state that met the condition.
    #[schema(value_type = StateVector)]
    state: &'a StateVector,
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { icao24, since, detail, state, .. } = self;
        let squawk = state.squawk.as_deref();
        AlertJson { icao24: *icao24, squawk, meaning: detail, since: *since, state }.serialize(serializer)
    }
}

impl PartialSchema for Alert {
    fn schema() -> RefOr<Schema> {
        AlertJson::schema()
    }
}

impl ToSchema for Alert {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AlertJson::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_support::state;

    /// Other programs parse this, so it is compared byte for byte.
    #[test]
    fn the_json_of_an_alert_is_stable() {
        let state = StateVector { squawk: Some("7600".into()), ..state("4b1814", 1_700_000_001) };
        let alert = Alert::starting("emergency-squawk", "radio failure", Arc::new(state));
        let text = serde_json::to_string(&alert).unwrap();
        let start = "{\"icao24\":\"4b1814\",\"squawk\":\"7600\",\"meaning\":\"radio failure\",\"since\":1700000001,\
                     \"state\":{\"icao24\":\"4b1814\",\"callsign\":null,";
        assert!(text.starts_with(start), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["state"], serde_json::to_value(&*alert.state).unwrap());
        assert_eq!(value["state"]["squawk"], json!("7600"));
    }
}
