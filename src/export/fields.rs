use std::str::FromStr;

use actors::domain::{FIELDS, Field};
use thiserror::Error;

/// The selected fields, in output order.
#[derive(Clone, Debug)]
pub(crate) struct Fields(pub(crate) Vec<&'static Field>);

/// The columns of a file.
#[derive(Clone, Debug)]
pub(crate) enum Columns {
    /// These fields, under their own names.
    Fields(Fields),
    /// Those of the Python library `traffic`.
    Traffic,
}

/// The error for an invalid list of fields.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidFields {
    #[error("unknown field {0:?}; the fields are {names}", names = names())]
    Unknown(String),
    #[error("duplicate field {0}")]
    Twice(&'static str),
}

fn names() -> String {
    FIELDS.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
}

impl Default for Fields {
    fn default() -> Self {
        Self(FIELDS.to_vec())
    }
}

impl FromStr for Fields {
    type Err = InvalidFields;

    /// Parses field names separated by commas.
    fn from_str(text: &str) -> Result<Self, InvalidFields> {
        let mut fields: Vec<&Field> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let field = Field::named(name).ok_or_else(|| InvalidFields::Unknown(name.chars().take(40).collect()))?;
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
    fn fields_are_selected_in_any_order_without_duplicates() {
        let names = |text: &str| {
            let fields = text.parse::<Fields>().map_err(|error| error.to_string())?;
            Ok::<_, String>(fields.0.into_iter().map(|field| field.name).collect::<Vec<_>>())
        };
        assert_eq!(names("lon, lat,icao24"), Ok(vec!["lon", "lat", "icao24"]));
        assert!(names("lat,lat").unwrap_err().contains("duplicate field lat"));
        assert!(names("").unwrap_err().contains("unknown field \"\"; the fields are icao24, "));
        assert!(names("latitude").unwrap_err().contains("\"latitude\""));
    }
}
