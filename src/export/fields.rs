use std::str::FromStr;

use actors::domain::UnixTime;
use thiserror::Error;

use crate::storage::HistoryRow;

/// A field of a state vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name on the wire.
    pub(crate) name: &'static str,
    value: for<'a> fn(&HistoryRow<'a>) -> Value<'a>,
}

/// The value of a field; `None` is unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<f64>),
    Code(Option<i16>),
    Time(Option<UnixTime>),
    Flag(Option<bool>),
}

impl Field {
    pub(crate) fn value<'a>(&self, row: &HistoryRow<'a>) -> Value<'a> {
        (self.value)(row)
    }
}

/// Some fields, in the order in which they are written.
#[derive(Clone, Debug)]
pub(crate) struct Fields(pub(crate) Vec<Field>);

/// A text names no fields.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidFields {
    #[error("{0:?} is no field; there are {names}", names = names())]
    Unknown(String),
    #[error("{0} is named twice")]
    Twice(&'static str),
}

/// Every field, in the order in which a state vector is written everywhere.
const ALL: [Field; 18] = [
    Field { name: "icao24", value: |row| Value::Text(Some(row.icao24)) },
    Field { name: "callsign", value: |row| Value::Text(row.callsign) },
    Field { name: "origin_country", value: |row| Value::Text(row.origin_country) },
    Field { name: "lat", value: |row| Value::Number(row.lat) },
    Field { name: "lon", value: |row| Value::Number(row.lon) },
    Field { name: "velocity", value: |row| Value::Number(row.velocity) },
    Field { name: "true_track", value: |row| Value::Number(row.true_track) },
    Field { name: "vertical_rate", value: |row| Value::Number(row.vertical_rate) },
    Field { name: "baro_altitude", value: |row| Value::Number(row.baro_altitude) },
    Field { name: "geo_altitude", value: |row| Value::Number(row.geo_altitude) },
    Field { name: "on_ground", value: |row| Value::Flag(row.on_ground) },
    Field { name: "squawk", value: |row| Value::Text(row.squawk) },
    Field { name: "spi", value: |row| Value::Flag(row.spi) },
    Field { name: "position_source", value: |row| Value::Code(row.position_source) },
    Field { name: "category", value: |row| Value::Code(row.category) },
    Field { name: "time_position", value: |row| Value::Time(row.time_position) },
    Field { name: "last_contact", value: |row| Value::Time(Some(row.last_contact)) },
    Field { name: "observed_at", value: |row| Value::Time(row.observed_at) },
];

fn names() -> String {
    ALL.map(|field| field.name).join(", ")
}

impl Default for Fields {
    fn default() -> Self {
        Self(ALL.to_vec())
    }
}

impl FromStr for Fields {
    type Err = InvalidFields;

    /// Names separated by commas.
    fn from_str(text: &str) -> Result<Self, InvalidFields> {
        let mut fields: Vec<Field> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let field = ALL.into_iter().find(|field| field.name == name);
            let field = field.ok_or_else(|| InvalidFields::Unknown(name.chars().take(40).collect()))?;
            if fields.iter().any(|other| other.name == field.name) {
                return Err(InvalidFields::Twice(field.name));
            }
            fields.push(field);
        }
        Ok(Self(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_each_once_in_any_order() {
        let names = |text: &str| {
            let fields = text.parse::<Fields>().map_err(|error| error.to_string())?;
            Ok::<_, String>(fields.0.into_iter().map(|field| field.name).collect::<Vec<_>>())
        };
        assert_eq!(names("lon, lat,icao24"), Ok(vec!["lon", "lat", "icao24"]));
        assert!(names("lat,lat").unwrap_err().contains("lat is named twice"));
        assert!(names("").unwrap_err().contains("\"\" is no field; there are icao24, "));
        assert!(names("latitude").unwrap_err().contains("\"latitude\""));
    }
}
