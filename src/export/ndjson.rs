use actors::detect::{EMERGENCY_SQUAWK, emergency_meaning};
use actors::domain::{Field, FieldValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::Fields;
use crate::storage::HistoryRow;

/// Encodes each row as one JSON object per line. With all fields selected, the object is the same as serde's for a
/// state vector.
pub(crate) struct NdJson {
    /// Each field, preceded by the text to write before its value.
    fields: Vec<(String, &'static Field)>,
    has_alerts: bool,
}

/// A rule whose condition a row meets, or may meet.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowAlert {
    /// The rule's name.
    rule: &'static str,
    /// The condition that is met, in words; `null` if the row lacks the fields to tell.
    meaning: Option<&'static str>,
}

impl RowAlert {
    /// Evaluates the built-in rule on a row. Returns nothing if the row does not meet its condition.
    fn of(row: &HistoryRow<'_>) -> Option<Self> {
        let meaning = match row.squawk {
            Some(squawk) => Some(emergency_meaning(squawk)?),
            None => None,
        };
        Some(Self { rule: EMERGENCY_SQUAWK, meaning })
    }
}

impl NdJson {
    pub(crate) fn of(fields: &Fields) -> Self {
        let named = fields.0.iter().enumerate().map(|(i, field)| {
            let before = if i == 0 { '{' } else { ',' };
            (format!("{before}\"{}\":", field.name), *field)
        });
        Self { fields: named.collect(), has_alerts: false }
    }

    /// Adds the member `alerts` to each object: a list of [`RowAlert`].
    pub(crate) fn with_alerts(self) -> Self {
        Self { has_alerts: true, ..self }
    }

    pub(super) fn row(&self, row: &HistoryRow<'_>, into: &mut Vec<u8>) {
        for (before, field) in &self.fields {
            into.extend_from_slice(before.as_bytes());
            match field.value(row) {
                FieldValue::Address(address) => {
                    into.push(b'"');
                    into.extend_from_slice(&address.to_ascii());
                    into.push(b'"');
                }
                FieldValue::Text(Some(text)) => put_string(text, into),
                FieldValue::Number(Some(number)) if number.is_finite() => {
                    into.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
                }
                FieldValue::Code(Some(code)) => into.extend_from_slice(itoa::Buffer::new().format(code).as_bytes()),
                FieldValue::Time(Some(time)) => into.extend_from_slice(itoa::Buffer::new().format(time.0).as_bytes()),
                FieldValue::Flag(Some(true)) => into.extend_from_slice(b"true"),
                FieldValue::Flag(Some(false)) => into.extend_from_slice(b"false"),
                // Unknown, or NaN or infinite, which JSON cannot express and no state vector contains.
                _ => into.extend_from_slice(b"null"),
            }
        }
        if self.has_alerts {
            into.extend_from_slice(b",\"alerts\":");
            into.extend_from_slice(&serde_json::to_vec(RowAlert::of(row).as_slice()).unwrap_or_default());
        }
        into.extend_from_slice(b"}\n");
    }
}

pub(super) fn put_string(text: &str, into: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        into.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    } else {
        into.push(b'"');
        into.extend_from_slice(text.as_bytes());
        into.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::UnixTime;
    use proptest::prelude::*;

    use super::*;
    use crate::samples::any_state;

    proptest! {
        #[test]
        fn a_line_is_the_json_of_a_state_vector(state in any_state()) {
            let mut line = Vec::new();
            NdJson::of(&Fields::default()).row(&state.borrowed(), &mut line);
            prop_assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&state).unwrap() + "\n");
        }
    }

    #[test]
    fn only_the_selected_fields_are_written() {
        let row = HistoryRow {
            lat: Some(1.0),
            lon: Some(f64::NAN),
            ..HistoryRow::new("4b1814".parse().unwrap(), UnixTime(-1))
        };
        let mut line = Vec::new();
        NdJson::of(&"lat,lon,spi,last_contact".parse().unwrap()).row(&row, &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), "{\"lat\":1.0,\"lon\":null,\"spi\":null,\"last_contact\":-1}\n");
    }

    #[test]
    fn alerts_are_judged_from_the_whole_row_whatever_fields_are_selected() {
        let line = |squawk| {
            let row = HistoryRow { squawk, ..HistoryRow::new("4b1814".parse().unwrap(), UnixTime(7)) };
            let mut line = Vec::new();
            NdJson::of(&"icao24".parse().unwrap()).with_alerts().row(&row, &mut line);
            String::from_utf8(line).unwrap()
        };
        let alerts = |alerts: &str| format!("{{\"icao24\":\"4b1814\",\"alerts\":{alerts}}}\n");
        let met = r#"[{"rule":"emergency-squawk","meaning":"radio failure"}]"#;
        assert_eq!(line(Some("7600")), alerts(met));
        assert_eq!(line(None), alerts(r#"[{"rule":"emergency-squawk","meaning":null}]"#));
        assert_eq!(line(Some("1000")), alerts("[]"));
    }
}
