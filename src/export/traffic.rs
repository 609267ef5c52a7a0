//! The columns of the Python library `traffic`: its names, feet, knots and feet a minute, and times with a zone.

use actors::domain::{FieldValue, fields};
use time::OffsetDateTime;
use time::macros::format_description;

use super::csv::put_text;
use crate::files::OutputColumn;
use crate::storage::HistoryRow;
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

/// The columns that `traffic` expects, in the order of its own frames.
pub(crate) static TRAFFIC_COLUMNS: [OutputColumn; 14] = [
    OutputColumn { name: "timestamp", field: &fields::last_contact, unit: 1.0 },
    OutputColumn { name: "icao24", field: &fields::icao24, unit: 1.0 },
    OutputColumn { name: "callsign", field: &fields::callsign, unit: 1.0 },
    OutputColumn { name: "latitude", field: &fields::lat, unit: 1.0 },
    OutputColumn { name: "longitude", field: &fields::lon, unit: 1.0 },
    OutputColumn { name: "altitude", field: &fields::baro_altitude, unit: FOOT },
    OutputColumn { name: "geoaltitude", field: &fields::geo_altitude, unit: FOOT },
    OutputColumn { name: "groundspeed", field: &fields::velocity, unit: KNOT },
    OutputColumn { name: "track", field: &fields::true_track, unit: 1.0 },
    OutputColumn { name: "vertical_rate", field: &fields::vertical_rate, unit: FOOT_PER_MINUTE },
    OutputColumn { name: "onground", field: &fields::on_ground, unit: 1.0 },
    OutputColumn { name: "squawk", field: &fields::squawk, unit: 1.0 },
    OutputColumn { name: "spi", field: &fields::spi, unit: 1.0 },
    OutputColumn { name: "last_position", field: &fields::time_position, unit: 1.0 },
];

/// Encodes rows as CSV with [`TRAFFIC_COLUMNS`], in the spelling of pandas.
pub(crate) struct TrafficCsv;

impl TrafficCsv {
    pub(super) fn head(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(TRAFFIC_COLUMNS.map(|column| column.name).join(",").as_bytes());
        into.push(b'\n');
    }

    pub(super) fn row(&self, row: &HistoryRow<'_>, into: &mut Vec<u8>) {
        for (i, column) in TRAFFIC_COLUMNS.iter().enumerate() {
            if i > 0 {
                into.push(b',');
            }
            match column.field.value(row) {
                FieldValue::Address(address) => into.extend_from_slice(&address.to_ascii()),
                FieldValue::Text(Some(text)) => put_text(text, into),
                FieldValue::Number(Some(number)) => {
                    into.extend_from_slice(zmij::Buffer::new().format(column.number(number)).as_bytes());
                }
                FieldValue::Code(Some(code)) => into.extend_from_slice(itoa::Buffer::new().format(code).as_bytes()),
                FieldValue::Time(Some(time)) => put_time(time.0, into),
                FieldValue::Flag(Some(true)) => into.extend_from_slice(b"True"),
                FieldValue::Flag(Some(false)) => into.extend_from_slice(b"False"),
                // Unknown values are empty.
                FieldValue::Text(None)
                | FieldValue::Number(None)
                | FieldValue::Code(None)
                | FieldValue::Time(None)
                | FieldValue::Flag(None) => {}
            }
        }
        into.push(b'\n');
    }
}

/// Writes a time as `2026-01-01 00:00:00+00:00`. Every time of a state vector is within the years 0001 to 9999.
fn put_time(seconds: i64, into: &mut Vec<u8>) {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]+00:00");
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else { return };
    // Fails only if the buffer does.
    let _ = time.format_into(into, format);
}

#[cfg(test)]
mod tests {
    use actors::domain::UnixTime;

    use super::*;

    #[test]
    fn rows_have_the_names_units_and_times_of_traffic() {
        let row = HistoryRow {
            callsign: Some("SWR1"),
            lat: Some(47.45),
            lon: Some(-8.5),
            baro_altitude: Some(9753.6),
            velocity: Some(246.21),
            vertical_rate: Some(-3.25),
            on_ground: Some(false),
            squawk: Some("0077"),
            time_position: Some(UnixTime(1_767_225_599)),
            ..HistoryRow::new("4b1814".parse().unwrap(), UnixTime(1_767_225_600))
        };
        let mut text = Vec::new();
        TrafficCsv.head(&mut text);
        TrafficCsv.row(&row, &mut text);
        let expected = "timestamp,icao24,callsign,latitude,longitude,altitude,geoaltitude,groundspeed,track,\
                        vertical_rate,onground,squawk,spi,last_position\n\
                        2026-01-01 00:00:00+00:00,4b1814,SWR1,47.45,-8.5,32000.0,,478.59,,-639.76,False,0077,,\
                        2025-12-31 23:59:59+00:00\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
