//! Generates state vectors for unit tests. Each field has any valid value or is unknown.

use actors::domain::{FIELDS, FieldKind, StateVector};
use proptest::option::of;
use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::Value;

/// The years 0001 to 9999.
const CALENDAR: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The maximum distance of a time from the key time, in seconds.
const MAX_DISTANCE: i64 = i32::MAX as i64;

/// Generates any valid state vector.
pub(crate) fn any_state() -> impl Strategy<Value = StateVector> {
    let values: Vec<_> = FIELDS
        .iter()
        .map(|field| match field.kind {
            FieldKind::Address(_) => (0_u32..1 << 24).prop_map(|address| Value::from(format!("{address:06x}"))).boxed(),
            FieldKind::Text(_) => {
                let pattern = match field.digits {
                    Some(digits) => format!("[0-7]{{{digits}}}"),
                    None => "[A-Z0-9 ]{1,8}|\\PC{0,12}|[\\x00-\\x7f]{0,12}".to_owned(),
                };
                of(string_regex(&pattern).unwrap()).prop_map(Value::from).boxed()
            }
            FieldKind::Number(_) if field.range == (f64::MIN..=f64::MAX) => {
                of(any::<f64>().prop_filter("JSON has finite numbers only", |number| number.is_finite()))
                    .prop_map(Value::from)
                    .boxed()
            }
            FieldKind::Number(_) => of(field.range.clone()).prop_map(Value::from).boxed(),
            FieldKind::Code(_) => any::<Option<i16>>().prop_map(Value::from).boxed(),
            FieldKind::Flag(_) => any::<Option<bool>>().prop_map(Value::from).boxed(),
            // Relative to the key time.
            FieldKind::Time(_) => of(-MAX_DISTANCE..=MAX_DISTANCE).prop_map(Value::from).boxed(),
            FieldKind::KeyTime(_) => CALENDAR.prop_map(Value::from).boxed(),
        })
        .collect();
    values.prop_map(|mut values| {
        let key_time = FIELDS.iter().position(|field| matches!(field.kind, FieldKind::KeyTime(_))).unwrap();
        let key_time = values[key_time].as_i64().unwrap();
        for (field, value) in FIELDS.iter().zip(&mut values) {
            if let (FieldKind::Time(_), Some(distance)) = (field.kind, value.as_i64()) {
                *value = (key_time + distance).clamp(*CALENDAR.start(), *CALENDAR.end()).into();
            }
        }
        let members = FIELDS.iter().map(|field| field.name.to_owned()).zip(values).collect();
        serde_json::from_value(Value::Object(members)).unwrap()
    })
}
