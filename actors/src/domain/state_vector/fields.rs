//! The table of the fields of a state vector. Everything that lists fields is generated from it.
//!
//! To add a field, add a row at the end of [`state_vector_fields!`], and a migration that adds the column to each
//! database. The struct, validation, JSON, storage, export, import, the compact stream, the API description and the
//! tests follow from it.

#![allow(non_upper_case_globals, reason = "the static of a field has the field's name")]

use std::ops::RangeInclusive;

use compact_str::CompactString;

use super::{StateVector, StateVectorParts};
use crate::domain::{Icao24, UnixTime};

/// Calls the macro `$callback` with the table. Each row consists of a field's docs and `name: kind { properties }`.
///
/// The kinds are `address` and `key_time`, which form the key of a state vector, and the optional `text`, `number`,
/// `code`, `flag` and `time`. A callback maps each kind to a type or a call, usually of a function named after the
/// kind. The properties are those of [`Field`](crate::domain::Field) that differ from their defaults.
///
/// The order is that of the members in JSON, on which Kafka consumers rely. New fields must be added at the end.
#[macro_export]
macro_rules! state_vector_fields {
    ($callback:ident) => {
        $callback! {
            /// ICAO 24-bit address of the aircraft.
            icao24: address {}
            /// Callsign without the padding around it; inner blanks are kept.
            callsign: text {}
            /// Country in which the address is registered.
            origin_country: text { list: Some("countries") }
            /// WGS-84 latitude, positive to the north.
            lat: number { unit: "degrees", range: -90.0..=90.0, decimals: 6, stream_scale: 1e4, wrap: Wrap::POSITION }
            /// WGS-84 longitude, positive to the east.
            lon: number { unit: "degrees", range: -180.0..=180.0, decimals: 6, stream_scale: 1e4, wrap: Wrap::POSITION }
            /// Speed over ground.
            velocity: number { unit: "m/s", stream_scale: 10.0, wrap: Wrap::SPEED }
            /// Direction of movement over ground, clockwise from north, 0 ≤ track < 360.
            true_track: number { unit: "degrees", is_direction: true, stream_scale: 10.0 }
            /// Vertical rate, positive when climbing.
            vertical_rate: number { unit: "m/s", stream_scale: 10.0 }
            /// Barometric (pressure) altitude.
            baro_altitude: number { unit: "m", wrap: Wrap::ALTITUDE }
            /// Geometric (GNSS) altitude above the WGS-84 ellipsoid.
            geo_altitude: number { unit: "m", wrap: Wrap::ALTITUDE }
            /// Whether the position comes from a surface report. Unknown only in messages that lack the field.
            on_ground: flag {}
            /// Transponder code, four octal digits as sent.
            squawk: text { digits: Some(4) }
            /// Special purpose indicator. Unknown only in messages that lack the field.
            spi: flag {}
            /// Source of the position: 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM; other codes are kept as sent.
            position_source: code {}
            /// ADS-B emitter category in OpenSky's codes, 0 to 20; other codes are kept as sent.
            category: code {}
            /// When the position was received, which may be hours before `last_contact`.
            time_position: time { is_before_contact: true }
            /// When any message from the aircraft was last received.
            last_contact: key_time {}
            /// Time of the response that carried this state.
            observed_at: time {}
            /// Name of the configured source that reported this state. Unknown in messages of other producers.
            source: text { list: Some("sources") }
        }
    };
}

/// A field of a state vector, as declared by its row in [`state_vector_fields!`](crate::state_vector_fields).
#[derive(Debug)]
pub struct Field {
    /// The name in JSON, in both databases and in files.
    pub name: &'static str,
    /// A description in a sentence or two.
    pub docs: &'static str,
    /// The type of its values.
    pub kind: FieldKind,
    /// The unit of a number; empty for other kinds.
    pub unit: &'static str,
    /// The number of decimals to which numbers are rounded. Databases and Parquet files store a number as a 32-bit
    /// integer of at most nine digits, in units of its last decimal.
    pub decimals: u8,
    /// Numbers outside this range are rejected. By default, any number is accepted that has at most nine digits with
    /// the default number of decimals.
    pub range: RangeInclusive<f64>,
    /// Whether a number is a direction in degrees, which is normalised to 0 ≤ value < 360 before validation.
    pub is_direction: bool,
    /// The fixed number of digits of a text whose leading zeros a spreadsheet may have removed.
    pub digits: Option<usize>,
    /// The compact stream multiplies numbers by this and rounds them to integers.
    pub stream_scale: f64,
    /// How the compact stream may shorten scaled numbers.
    pub wrap: Wrap,
    /// On the compact stream, texts of this field are indices into the list of this name, since many aircraft share
    /// them.
    pub list: Option<&'static str>,
    /// Whether the compact stream writes a time in seconds before `last_contact` instead of before the event's base.
    pub is_before_contact: bool,
    value: for<'a> fn(&StateVector<&'a str>) -> FieldValue<'a>,
    /// The number of units of the last decimal in 1.
    scale: f64,
}

/// The numbers of nine digits with two decimals.
pub(super) const DEFAULT_RANGE: RangeInclusive<f64> = -9_999_999.99..=9_999_999.99;

/// The largest integer of nine digits: the most digits of a decimal that is a 32-bit integer in Parquet.
const MAX_SCALED: f64 = 999_999_999.0;

/// The kind of a field, with access to its unchecked value.
#[derive(Clone, Copy, Debug)]
pub enum FieldKind {
    /// An ICAO 24-bit address, always present.
    Address(fn(&mut StateVectorParts) -> &mut CompactString),
    /// A short text.
    Text(fn(&mut StateVectorParts) -> &mut Option<CompactString>),
    /// A finite measured number.
    Number(fn(&mut StateVectorParts) -> &mut Option<f64>),
    /// A small integer code.
    Code(fn(&mut StateVectorParts) -> &mut Option<i16>),
    /// A boolean.
    Flag(fn(&mut StateVectorParts) -> &mut Option<bool>),
    /// Unix seconds.
    Time(fn(&mut StateVectorParts) -> &mut Option<i64>),
    /// Unix seconds, always present.
    KeyTime(fn(&mut StateVectorParts) -> &mut Option<i64>),
}

/// How the compact stream may omit the higher digits of changed integers.
#[derive(Clone, Copy, Debug)]
pub struct Wrap {
    /// Divisors whose remainders may be sent instead of the values, smallest first.
    pub by: &'static [i64],
    /// The minimum number of changed values. With fewer, announcing the divisor costs more digits than it saves.
    pub from: usize,
}

/// The value of a field; `None` if unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A value of [`FieldKind::Address`].
    Address(Icao24),
    /// A value of [`FieldKind::Text`].
    Text(Option<&'a str>),
    /// A value of [`FieldKind::Number`].
    Number(Option<f64>),
    /// A value of [`FieldKind::Code`].
    Code(Option<i16>),
    /// A value of [`FieldKind::Flag`].
    Flag(Option<bool>),
    /// A value of [`FieldKind::Time`] or [`FieldKind::KeyTime`].
    Time(Option<UnixTime>),
}

impl Field {
    const fn new(
        name: &'static str,
        docs: &'static str,
        kind: FieldKind,
        value: for<'a> fn(&StateVector<&'a str>) -> FieldValue<'a>,
    ) -> Self {
        Self {
            name,
            docs,
            kind,
            unit: "",
            decimals: 2,
            range: DEFAULT_RANGE,
            is_direction: false,
            digits: None,
            stream_scale: 1.0,
            wrap: Wrap::NEVER,
            list: None,
            is_before_contact: false,
            value,
            scale: 100.0,
        }
    }

    /// Computes the scale, and fails the build if a number within the field's range has more than nine digits.
    const fn checked(mut self) -> Self {
        self.scale = 10_u32.pow(self.decimals as u32) as f64;
        let (min, max) = (*self.range.start() * self.scale, *self.range.end() * self.scale);
        assert!(min >= -MAX_SCALED && max <= MAX_SCALED, "reduce the range or the decimals of this field");
        self
    }

    /// The number of units of the last decimal in 1.
    #[inline]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// Returns a number in units of the last decimal, rounded to the nearest one.
    #[inline]
    pub fn to_scaled(&self, number: f64) -> i32 {
        let scaled = number * self.scale;
        // Truncation is an instruction, and `round` a function call for each number of each row.
        (scaled + 0.5_f64.copysign(scaled)) as i32
    }

    /// Returns the number for an integer in units of the last decimal.
    ///
    /// The division is correctly rounded, so the result is the number that parsing the decimal text yields. Multiplying
    /// by the reciprocal instead would often miss it by one bit.
    #[inline]
    pub fn from_scaled(&self, scaled: i32) -> f64 {
        f64::from(scaled) / self.scale
    }

    /// Returns the number rounded to the field's decimals. A number that has no more of them is returned unchanged.
    #[inline]
    pub fn rounded(&self, number: f64) -> f64 {
        self.from_scaled(self.to_scaled(number))
    }

    /// Returns the value of this field in a state vector.
    pub fn value<'a>(&self, state: &StateVector<&'a str>) -> FieldValue<'a> {
        (self.value)(state)
    }

    /// Whether the field has a value in every state vector.
    pub fn is_required(&self) -> bool {
        matches!(self.kind, FieldKind::Address(_) | FieldKind::KeyTime(_))
    }

    /// Returns the field with this name.
    pub fn named(name: &str) -> Option<&'static Field> {
        FIELDS.iter().copied().find(|field| field.name == name)
    }
}

impl Wrap {
    const NEVER: Self = Self { by: &[], from: 0 };
    const POSITION: Self = Self { by: &[1_000, 10_000], from: 1 };
    const ALTITUDE: Self = Self { by: &[250, 1_000], from: 30 };
    const SPEED: Self = Self { by: &[200, 1_000], from: 30 };
}

/// Maps a kind in the table to its variant of [`FieldKind`].
macro_rules! variant {
    (address) => {
        FieldKind::Address
    };
    (text) => {
        FieldKind::Text
    };
    (number) => {
        FieldKind::Number
    };
    (code) => {
        FieldKind::Code
    };
    (flag) => {
        FieldKind::Flag
    };
    (time) => {
        FieldKind::Time
    };
    (key_time) => {
        FieldKind::KeyTime
    };
}

/// Defines a static [`Field`] for each row, named after the field, and the list of all fields.
macro_rules! describe {
    ($($(#[doc = $docs:literal])* $name:ident: $kind:ident { $($property:ident: $value:expr),* })*) => {
        $(
            $(#[doc = $docs])*
            pub static $name: Field = Field {
                $($property: $value,)*
                ..Field::new(
                    stringify!($name),
                    concat!($($docs),*),
                    variant!($kind)(|parts| &mut parts.$name),
                    |state| FieldValue::from(state.$name),
                )
            }
            .checked();
        )*
        /// All fields, in table order.
        pub static FIELDS: &[&Field] = &[$(&$name),*];
    };
}
state_vector_fields!(describe);

impl From<Icao24> for FieldValue<'_> {
    fn from(address: Icao24) -> Self {
        Self::Address(address)
    }
}

impl<'a> From<Option<&'a str>> for FieldValue<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<f64>> for FieldValue<'_> {
    fn from(number: Option<f64>) -> Self {
        Self::Number(number)
    }
}

impl From<Option<i16>> for FieldValue<'_> {
    fn from(code: Option<i16>) -> Self {
        Self::Code(code)
    }
}

impl From<Option<bool>> for FieldValue<'_> {
    fn from(flag: Option<bool>) -> Self {
        Self::Flag(flag)
    }
}

impl From<Option<UnixTime>> for FieldValue<'_> {
    fn from(time: Option<UnixTime>) -> Self {
        Self::Time(time)
    }
}

impl From<UnixTime> for FieldValue<'_> {
    fn from(time: UnixTime) -> Self {
        Self::Time(Some(time))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_decimal_that_fits_is_not_changed_by_rounding(scaled in any::<i32>(), decimals in 0_u8..=7) {
            let scale = f64::from(10_u32.pow(decimals.into()));
            let field = Field { decimals, scale, ..Field::new("", "", lat.kind, lat.value) };
            let text = format!("{scaled}e-{decimals}");
            let number: f64 = text.parse().unwrap();
            prop_assert_eq!(field.to_scaled(number), scaled);
            prop_assert_eq!(field.rounded(number), number);
        }
    }

    /// Kafka consumers rely on the names and their order, clients of the compact stream on the scales.
    #[test]
    fn the_first_fields_keep_their_names_order_and_scales() {
        let expected = [
            ("icao24", 1.0),
            ("callsign", 1.0),
            ("origin_country", 1.0),
            ("lat", 1e4),
            ("lon", 1e4),
            ("velocity", 10.0),
            ("true_track", 10.0),
            ("vertical_rate", 10.0),
            ("baro_altitude", 1.0),
            ("geo_altitude", 1.0),
            ("on_ground", 1.0),
            ("squawk", 1.0),
            ("spi", 1.0),
            ("position_source", 1.0),
            ("category", 1.0),
            ("time_position", 1.0),
            ("last_contact", 1.0),
            ("observed_at", 1.0),
        ];
        let declared: Vec<_> = FIELDS.iter().map(|field| (field.name, field.stream_scale)).collect();
        assert_eq!(declared[..expected.len()], expected);
    }
}
