//! State vectors: the struct, its unvalidated parts, and the validation between them.

pub mod fields;
mod schema;

use std::fmt;

use compact_str::CompactString;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::{Icao24, UnixTime};
use fields::{FIELDS, Field};

/// The type of a field in a state vector.
macro_rules! checked {
    (address $text:ident) => { Icao24 };
    (text $text:ident) => { Option<$text> };
    (number $text:ident) => { Option<f64> };
    (code $text:ident) => { Option<i16> };
    (flag $text:ident) => { Option<bool> };
    (time $text:ident) => { Option<UnixTime> };
    (key_time $text:ident) => { UnixTime };
}

/// The type of a field before validation.
macro_rules! unchecked {
    (address) => { CompactString };
    (text) => { Option<CompactString> };
    (number) => { Option<f64> };
    (code) => { Option<i16> };
    (flag) => { Option<bool> };
    ($time:ident) => { Option<i64> };
}

/// The initial value of a field in a state vector of which only the key is known.
macro_rules! unknown {
    (address $icao24:ident $last_contact:ident) => {
        $icao24
    };
    (key_time $icao24:ident $last_contact:ident) => {
        $last_contact
    };
    ($optional:ident $icao24:ident $last_contact:ident) => {
        None
    };
}

/// Converts a field to another text type.
macro_rules! with_text {
    (text $value:expr, $convert:ident) => {
        $value.as_ref().map($convert)
    };
    ($other:ident $value:expr, $convert:ident) => {
        $value
    };
}

macro_rules! define {
    ($($(#[doc = $docs:literal])* $name:ident: $kind:ident { $($property:ident: $value:expr),* })*) => {
        /// The state of one aircraft at one time, as reported by a source. Unknown values are `None`, never 0.
        ///
        /// Its serialised form is the project's JSON form of a state vector: in Kafka values, SSE events and the API.
        /// The fields have the meanings of the OpenSky REST API, "All State Vectors", in SI units, WGS-84 degrees and
        /// Unix seconds. OpenSky's `sensors`, the serial numbers of the client's own receivers, is left out.
        /// `observed_at` is the time of the response.
        ///
        /// `StateVector<&str>` borrows its texts.
        pub struct StateVector<Text = CompactString> {
            $(
                $(#[doc = $docs])*
                #[doc = ""]
                $(#[doc = concat!("- ", stringify!($property), ": `", stringify!($value), "`")])*
                pub $name: checked!($kind Text),
            )*
        }

        /// The fields of a state vector as read from a source or a file, before validation.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(default)]
        pub struct StateVectorParts {
            $($(#[doc = $docs])* pub $name: unchecked!($kind),)*
        }

        impl TryFrom<StateVectorParts> for StateVector {
            type Error = InvalidStateVector;

            fn try_from(parts: StateVectorParts) -> Result<Self, InvalidStateVector> {
                let validator = Validator { icao24: Icao24::parse(&parts.icao24)?, last_contact: parts.last_contact };
                Ok(Self { $($name: validator.$kind(&fields::$name, parts.$name)?,)* })
            }
        }

        impl<Text> StateVector<Text> {
            /// Creates a state vector of which only the key is known.
            pub fn new(icao24: Icao24, last_contact: UnixTime) -> Self {
                Self { $($name: unknown!($kind icao24 last_contact),)* }
            }

            /// Returns the same state vector with converted texts.
            fn with_text<'a, T>(&'a self, convert: impl Fn(&'a Text) -> T + Copy) -> StateVector<T> {
                StateVector { $($name: with_text!($kind self.$name, convert),)* }
            }
        }

        // Implemented by hand, since derive does not support structs whose field types are macros.
        impl<Text: PartialEq> PartialEq for StateVector<Text> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$name == other.$name)&&*
            }
        }

        impl<Text: fmt::Debug> fmt::Debug for StateVector<Text> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("StateVector")$(.field(stringify!($name), &self.$name))*.finish()
            }
        }

        impl<Text: Serialize> Serialize for StateVector<Text> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut members = serializer.serialize_struct("StateVector", FIELDS.len())?;
                $(members.serialize_field(stringify!($name), &self.$name)?;)*
                members.end()
            }
        }
    };
}
crate::state_vector_fields!(define);

impl<Text: Clone> Clone for StateVector<Text> {
    fn clone(&self) -> Self {
        self.with_text(Text::clone)
    }
}

impl StateVector {
    /// Returns the same state vector with borrowed texts.
    pub fn borrowed(&self) -> StateVector<&str> {
        self.with_text(CompactString::as_str)
    }
}

impl StateVector<&str> {
    /// Returns the same state vector with owned texts.
    pub fn into_owned(self) -> StateVector {
        self.with_text(|text| CompactString::from(*text))
    }
}

impl<'de> Deserialize<'de> for StateVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StateVectorParts::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// Why the parts are not a valid state vector.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "the messages describe the variants")]
pub enum InvalidStateVector {
    #[error(transparent)]
    Icao24(#[from] super::InvalidIcao24),
    #[error("{icao24}: no {field}")]
    Missing { icao24: Icao24, field: &'static str },
    #[error("{icao24}: {field} {value} is out of range ({min}..={max})")]
    OutOfRange { icao24: Icao24, field: &'static str, value: f64, min: f64, max: f64 },
    #[error("{icao24}: {field} {value} is not a finite number")]
    NotFinite { icao24: Icao24, field: &'static str, value: f64 },
    #[error("{icao24}: {field} is {bytes} bytes long (maximum {MAX_TEXT})")]
    LongText { icao24: Icao24, field: &'static str, bytes: usize },
    #[error("{icao24}: {field} {value} is outside the years 0001 to 9999")]
    Time { icao24: Icao24, field: &'static str, value: i64 },
    #[error("{icao24}: {field} {value} is more than 68 years from last_contact {last_contact}")]
    FarTime { icao24: Icao24, field: &'static str, value: i64, last_contact: i64 },
    #[error("{icao24}: last_contact {last_contact} is {ahead} s after the response's time")]
    Future { icao24: Icao24, last_contact: UnixTime, ahead: i64 },
}

impl InvalidStateVector {
    /// Returns a short name of the error's kind, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Icao24(_) => fields::icao24.name,
            Self::Missing { field, .. }
            | Self::OutOfRange { field, .. }
            | Self::NotFinite { field, .. }
            | Self::LongText { field, .. }
            | Self::Time { field, .. }
            | Self::FarTime { field, .. } => field,
            Self::Future { .. } => "future",
        }
    }
}

/// The maximum length of a text in bytes. The longest country name has about 45. Unbounded texts might not fit into a
/// database index or a Kafka message.
const MAX_TEXT: usize = 128;

/// The years 0001 to 9999, which every database and calendar used here can represent.
const CALENDAR: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Validates the fields of one aircraft, with a method for each kind.
#[derive(Clone, Copy)]
struct Validator {
    icao24: Icao24,
    last_contact: Option<i64>,
}

impl Validator {
    fn address(self, _: &Field, _: CompactString) -> Result<Icao24, InvalidStateVector> {
        Ok(self.icao24)
    }

    fn text(self, field: &Field, value: Option<CompactString>) -> Result<Option<CompactString>, InvalidStateVector> {
        match value.and_then(trimmed) {
            Some(text) if text.len() > MAX_TEXT => {
                Err(InvalidStateVector::LongText { icao24: self.icao24, field: field.name, bytes: text.len() })
            }
            text => Ok(text),
        }
    }

    fn number(self, field: &Field, value: Option<f64>) -> Result<Option<f64>, InvalidStateVector> {
        let (icao24, name, range) = (self.icao24, field.name, &field.range);
        match value {
            Some(value) if !value.is_finite() => Err(InvalidStateVector::NotFinite { icao24, field: name, value }),
            Some(value) if field.is_direction => Ok(Some(normalised_direction(field, value))),
            Some(value) if !range.contains(&value) => {
                let (min, max) = (*range.start(), *range.end());
                Err(InvalidStateVector::OutOfRange { icao24, field: name, value, min, max })
            }
            value => Ok(value.map(|value| field.rounded(value))),
        }
    }

    fn code(self, _: &Field, value: Option<i16>) -> Result<Option<i16>, InvalidStateVector> {
        Ok(value)
    }

    fn flag(self, _: &Field, value: Option<bool>) -> Result<Option<bool>, InvalidStateVector> {
        Ok(value)
    }

    fn time(self, field: &Field, value: Option<i64>) -> Result<Option<UnixTime>, InvalidStateVector> {
        match value {
            Some(value) if !CALENDAR.contains(&value) => {
                Err(InvalidStateVector::Time { icao24: self.icao24, field: field.name, value })
            }
            // Databases store a time as a 32-bit number of seconds relative to `last_contact`. `i32::MIN` is left free.
            Some(value) => match self.last_contact.filter(|contact| CALENDAR.contains(contact)) {
                Some(last_contact) if value.abs_diff(last_contact) > i32::MAX.unsigned_abs().into() => {
                    Err(InvalidStateVector::FarTime { icao24: self.icao24, field: field.name, value, last_contact })
                }
                _ => Ok(Some(UnixTime(value))),
            },
            None => Ok(None),
        }
    }

    fn key_time(self, field: &Field, value: Option<i64>) -> Result<UnixTime, InvalidStateVector> {
        let missing = InvalidStateVector::Missing { icao24: self.icao24, field: field.name };
        self.time(field, value)?.ok_or(missing)
    }
}

/// Removes surrounding whitespace, and NULs, which PostgreSQL cannot store. Returns `None` if nothing is left.
fn trimmed(text: CompactString) -> Option<CompactString> {
    let text = if text.contains('\0') { text.replace('\0', "").into() } else { text };
    match text.trim() {
        "" => None,
        inner if inner.len() == text.len() => Some(text),
        inner => Some(inner.into()),
    }
}

/// Returns the same direction, normalised to 0 ≤ direction < 360 and rounded.
fn normalised_direction(field: &Field, degrees: f64) -> f64 {
    let within = if (0.0..360.0).contains(&degrees) { degrees } else { degrees.rem_euclid(360.0) };
    let rounded = field.rounded(within);
    if rounded < 360.0 { rounded } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::fields::FieldKind;
    use super::*;

    fn parts() -> StateVectorParts {
        StateVectorParts { icao24: "4b1814".into(), last_contact: Some(1), ..StateVectorParts::default() }
    }

    #[test]
    fn an_invalid_value_is_reported_with_its_field() {
        for field in FIELDS {
            let mut parts = parts();
            match field.kind {
                FieldKind::Address(address) => *address(&mut parts) = "4b181".into(),
                FieldKind::Text(text) => *text(&mut parts) = Some("x".repeat(MAX_TEXT + 1).into()),
                FieldKind::Number(number) => *number(&mut parts) = Some(f64::NAN),
                FieldKind::Time(time) | FieldKind::KeyTime(time) => *time(&mut parts) = Some(*CALENDAR.end() + 1),
                // All values of these types are valid.
                FieldKind::Code(_) | FieldKind::Flag(_) => continue,
            }
            let error = StateVector::try_from(parts).unwrap_err();
            assert_eq!(error.kind(), field.name, "{error}");
        }
    }

    #[test]
    fn an_error_names_the_field_the_value_and_the_limit() {
        let check = |parts: StateVectorParts, message: &str| {
            assert_eq!(StateVector::try_from(parts).unwrap_err().to_string(), message);
        };
        check(StateVectorParts { lat: Some(120.0), ..parts() }, "4b1814: lat 120 is out of range (-90..=90)");
        check(
            StateVectorParts { velocity: Some(f64::NEG_INFINITY), ..parts() },
            "4b1814: velocity -inf is not a finite number",
        );
        check(
            StateVectorParts { squawk: Some("7".repeat(200).into()), ..parts() },
            "4b1814: squawk is 200 bytes long (maximum 128)",
        );
        check(StateVectorParts { last_contact: None, ..parts() }, "4b1814: no last_contact");
        check(
            StateVectorParts { geo_altitude: Some(3e7), ..parts() },
            "4b1814: geo_altitude 30000000 is out of range (-9999999.99..=9999999.99)",
        );
        check(
            StateVectorParts { time_position: Some(-2_147_483_648), ..parts() },
            "4b1814: time_position -2147483648 is more than 68 years from last_contact 1",
        );
    }

    #[test]
    fn a_direction_is_normalised() {
        for (sent, expected) in
            [(-90.0, 270.0), (360.0, 0.0), (725.5, 5.5), (-1e-300, 0.0), (359.99, 359.99), (359.996, 0.0)]
        {
            let state = StateVector::try_from(StateVectorParts { true_track: Some(sent), ..parts() }).unwrap();
            assert_eq!(state.true_track, Some(expected));
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_decimals_of_their_field() {
        let parts = StateVectorParts { lat: Some(47.450_212_6), lon: Some(8.5617), velocity: Some(-0.001), ..parts() };
        let state = StateVector::try_from(parts).unwrap();
        assert_eq!((state.lat, state.lon, state.velocity), (Some(47.450_213), Some(8.5617), Some(0.0)));
    }

    #[test]
    fn texts_are_trimmed_and_empty_ones_are_unknown() {
        let parts = StateVectorParts { callsign: Some(" N52\0 4UW ".into()), squawk: Some(" \0".into()), ..parts() };
        let state = StateVector::try_from(parts).unwrap();
        assert_eq!((state.callsign.as_deref(), state.squawk.as_deref()), (Some("N52 4UW"), None));
        assert_eq!(state.borrowed().into_owned(), state);
    }
}
