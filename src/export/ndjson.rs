use super::{Field, Fields, Value};
use crate::storage::HistoryRow;

/// One JSON object a line; with all fields, the one that serde makes of a state vector.
pub(crate) struct NdJson {
    /// Each field with what stands before its value.
    fields: Vec<(String, Field)>,
}

impl NdJson {
    pub(crate) fn of(fields: &Fields) -> Self {
        let named = fields.0.iter().enumerate().map(|(i, field)| {
            let before = if i == 0 { '{' } else { ',' };
            (format!("{before}\"{}\":", field.name), *field)
        });
        Self { fields: named.collect() }
    }

    pub(super) fn row(&self, row: &HistoryRow<'_>, into: &mut Vec<u8>) {
        for (before, field) in &self.fields {
            into.extend_from_slice(before.as_bytes());
            match field.value(row) {
                Value::Text(Some(text)) => put_string(text, into),
                Value::Number(Some(number)) if number.is_finite() => {
                    into.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
                }
                Value::Code(Some(code)) => into.extend_from_slice(itoa::Buffer::new().format(code).as_bytes()),
                Value::Time(Some(time)) => into.extend_from_slice(itoa::Buffer::new().format(time.0).as_bytes()),
                Value::Flag(Some(true)) => into.extend_from_slice(b"true"),
                Value::Flag(Some(false)) => into.extend_from_slice(b"false"),
                // JSON knows no other numbers, and no state vector has them.
                // JSON knows no other numbers, and no state vector has them.
                _ => into.extend_from_slice(b"null"),
            }
        }
        into.extend_from_slice(b"}\n");
    }
}

fn put_string(text: &str, into: &mut Vec<u8>) {
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
    use actors::domain::{Icao24, StateVector, UnixTime};
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_is_the_state_vector_as_it_is_written_everywhere(
            address in 0u32..1 << 24,
            times in (-62_135_596_800i64..=253_402_300_799, of(any::<i64>()), of(any::<i64>())),
            numbers in proptest::array::uniform7(of(any::<f64>().prop_filter("finite", |number| number.is_finite()))),
            codes in (of(any::<i16>()), of(any::<i16>())),
            flags in (of(any::<bool>()), of(any::<bool>())),
            texts in (of("[A-Z0-9 ]{1,8}"), of("[0-7]{4}"), of("\\PC{0,12}|[\\x00-\\x7f]{0,12}")),
        ) {
            let icao24 = Icao24::from_u32(address);
            let [lat, lon, baro_altitude, geo_altitude, velocity, true_track, vertical_rate] = numbers;
            let ((position_source, category), (on_ground, spi)) = (codes, flags);
            let (callsign, squawk, origin_country) = texts;
            let (time_position, observed_at) = (times.1.map(UnixTime), times.2.map(UnixTime));
            let state = StateVector {
                icao24, last_contact: UnixTime(times.0), time_position, observed_at,
                lat, lon, baro_altitude, geo_altitude, velocity, true_track, vertical_rate,
                position_source, category, on_ground, spi,
                callsign: callsign.clone().map(Into::into),
                squawk: squawk.clone().map(Into::into),
                origin_country: origin_country.clone().map(Into::into),
            };
            let row = HistoryRow {
                icao24: &icao24.to_string(), last_contact: UnixTime(times.0), time_position, observed_at,
                lat, lon, baro_altitude, geo_altitude, velocity, true_track, vertical_rate,
                position_source, category, on_ground, spi,
                callsign: callsign.as_deref(), squawk: squawk.as_deref(), origin_country: origin_country.as_deref(),
            };
            let mut line = Vec::new();
            NdJson::of(&Fields::default()).row(&row, &mut line);
            prop_assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&state).unwrap() + "\n");
        }
    }

    #[test]
    fn only_the_fields_that_are_asked_for_are_written() {
        let row = HistoryRow {
            icao24: "4b1814",
            last_contact: UnixTime(-1),
            lat: Some(1.0),
            lon: Some(f64::NAN),
            ..HistoryRow::default()
        };
        let mut line = Vec::new();
        NdJson::of(&"lat,lon,spi,last_contact".parse().unwrap()).row(&row, &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), "{\"lat\":1.0,\"lon\":null,\"spi\":null,\"last_contact\":-1}\n");
    }
}
