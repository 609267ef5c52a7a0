use std::sync::Arc;

use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{Icao24, StateVector, UnixTime};

/// An alert: an aircraft meets a rule's condition. In JSON it is an [`AlertJson`].
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The rule's name.
    pub rule: Arc<str>,
    /// The aircraft.
    pub icao24: Icao24,
    /// `last_contact` of the first state that met the condition.
    pub since: UnixTime,
    /// When it ended; `None` while it is active.
    pub ended: Option<UnixTime>,
    /// The condition that is met, in readable form.
    pub detail: Arc<str>,
    /// The first state that met the condition.
    pub state: Arc<StateVector>,
}

impl Alert {
    /// Creates an alert that starts with this state.
    pub fn starting(rule: impl Into<Arc<str>>, detail: impl Into<Arc<str>>, state: Arc<StateVector>) -> Self {
        let (rule, detail) = (rule.into(), detail.into());
        Self { rule, icao24: state.icao24, since: state.last_contact, ended: None, detail, state }
    }
}

/// An alert, as `docs/alerts.md` describes it. The members keep their order; new ones are added at the end.
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
    /// The name of the rule that raised the alert.
    rule: &'a str,
    /// When the alert ended; `null` while it is active.
    ended: Option<UnixTime>,
    /// The same text as `meaning`.
    detail: &'a str,
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rule, icao24, since, ended, detail, state } = self;
        let json = AlertJson {
            icao24: *icao24,
            squawk: state.squawk.as_deref(),
            meaning: detail,
            since: *since,
            state,
            rule,
            ended: *ended,
            detail,
        };
        json.serialize(serializer)
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
        let end = "},\"rule\":\"emergency-squawk\",\"ended\":null,\"detail\":\"radio failure\"}";
        assert!(text.ends_with(end), "{text}");
        let ended = serde_json::to_value(Alert { ended: Some(UnixTime(1_700_000_060)), ..alert }).unwrap();
        assert_eq!(ended["ended"], json!(1_700_000_060));
    }
}
