//! Recognises column names, and parses values as spreadsheets, pandas and databases write them. docs/import.md lists
//! both.

use std::borrow::Cow;

use actors::domain::{FIELDS, Field, FieldKind, StateVectorParts};
use compact_str::CompactString;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A value of a binary format, other than text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Integer(i64),
    Float(f64),
    Flag(bool),
}

/// The decimal separator of a table, which decides how an ambiguous number is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DecimalMark {
    #[default]
    Point,
    /// Used by spreadsheets in most of Europe, which then separate columns by semicolons.
    Comma,
}

/// OpenSky's names, in its state vector dumps and its Python client, for fields with the same unit as ours.
const ALIASES: [(&str, &str); 11] = [
    ("time", "observed_at"),
    ("heading", "true_track"),
    ("vertrate", "vertical_rate"),
    ("onground", "on_ground"),
    ("baroaltitude", "baro_altitude"),
    ("geoaltitude", "geo_altitude"),
    ("lastposupdate", "time_position"),
    ("lastcontact", "last_contact"),
    ("latitude", "lat"),
    ("longitude", "lon"),
    ("country", "origin_country"),
];

/// Columns of OpenSky's dumps and of its Trino that a state vector does not have.
const IGNORED: [&str; 4] = ["alert", "sensors", "serials", "hour"];

/// What a column name refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColumnName {
    Field(&'static Field),
    /// Ignored without a warning: an unnamed index, or one of the columns in [`IGNORED`].
    Ignored,
    Unknown,
}

/// Looks up a column name, ignoring case.
pub(crate) fn classify(name: &str) -> ColumnName {
    let name = name.trim();
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let alias = ALIASES.iter().find(|(alias, _)| is(alias)).map(|(_, field)| *field);
    match FIELDS.iter().find(|field| is(field.name) || alias == Some(field.name)) {
        Some(field) => ColumnName::Field(field),
        // pandas writes its index without a name, and reads it back as "Unnamed: 0".
        None if name.is_empty() || name.starts_with("Unnamed: ") || is("__index_level_0__") => ColumnName::Ignored,
        None if IGNORED.iter().any(|ignored| is(ignored)) => ColumnName::Ignored,
        None => ColumnName::Unknown,
    }
}

/// Returns the field of each column, in the order of the names; `None` for an ignored column. Logs a warning
/// that lists the unknown columns.
///
/// # Errors
/// Returns an error if a required column is missing, two columns refer to the same field, or the columns are those of
/// `traffic`, of which some have our names and other units.
pub(crate) fn match_columns(names: &[Cow<'_, str>]) -> Result<Vec<Option<&'static Field>>, String> {
    let mut columns: Vec<Option<&'static Field>> = Vec::new();
    let mut unknown = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let column = match classify(name) {
            ColumnName::Field(field) => Some(field),
            ColumnName::Ignored => None,
            ColumnName::Unknown => {
                unknown.push(name.trim());
                None
            }
        };
        if let Some(field) = column
            && let Some(other) = columns.iter().position(|other| other.is_some_and(|other| other.name == field.name))
        {
            let (first, second) = (names[other].trim(), names[index].trim());
            return Err(if first.eq_ignore_ascii_case(second) {
                format!("the column {second} twice")
            } else {
                format!("the columns {first} and {second} both mean {}; remove one of them", field.name)
            });
        }
        columns.push(column);
    }
    let has = |name: &str| names.iter().any(|other| other.trim().eq_ignore_ascii_case(name));
    if has("groundspeed") && (has("vertical_rate") || has("geoaltitude")) {
        return Err("these are the columns of the Python library traffic, in feet and knots, which would be taken as \
                    metres; import the data that traffic has read, or convert them"
            .to_owned());
    }
    for required in FIELDS.iter().filter(|field| field.is_required()) {
        if !columns.iter().flatten().any(|column| column.name == required.name) {
            let found: String = names.join(", ").chars().take(200).collect();
            return Err(format!("no column {}; found: {found}", required.name));
        }
    }
    if !unknown.is_empty() {
        log::warn!("ignored columns that are not fields of a state vector: {}", unknown.join(", "));
    }
    Ok(columns)
}

/// Sets a field from its text form. An empty text or a null marker ([`is_unknown`]) leaves it unknown.
///
/// # Errors
/// Returns a description of the expected value.
pub(crate) fn set_text(
    field: &Field,
    parts: &mut StateVectorParts,
    text: &str,
    mark: DecimalMark,
) -> Result<(), &'static str> {
    let text = text.trim();
    if is_unknown(text) {
        return Ok(());
    }
    match field.kind {
        FieldKind::Address(address) => *address(parts) = text.into(),
        FieldKind::Text(slot) => *slot(parts) = Some(with_leading_zeros(text, field.digits)),
        FieldKind::Number(slot) => *slot(parts) = Some(number(text, mark).ok_or("not a number")?),
        FieldKind::Code(slot) => {
            let code = text.parse().ok().or_else(|| number(text, mark).and_then(whole));
            *slot(parts) = Some(code.ok_or("not a whole number from -32768 to 32767")?);
        }
        FieldKind::Flag(slot) => *slot(parts) = Some(flag(text).ok_or("neither true nor false")?),
        FieldKind::Time(slot) | FieldKind::KeyTime(slot) => *slot(parts) = Some(seconds(text, mark)?),
    }
    Ok(())
}

/// Sets a field from a value of a binary format. Times are in seconds.
///
/// # Errors
/// Returns a description of the expected value.
pub(crate) fn set_scalar(field: &Field, parts: &mut StateVectorParts, value: Scalar) -> Result<(), &'static str> {
    // pandas represents a missing number as NaN.
    if matches!(value, Scalar::Float(float) if float.is_nan()) {
        return Ok(());
    }
    match (field.kind, value) {
        (FieldKind::Number(slot), Scalar::Float(float)) => *slot(parts) = Some(float),
        (FieldKind::Number(slot), Scalar::Integer(integer)) => *slot(parts) = Some(integer as f64),
        (FieldKind::Code(slot), Scalar::Integer(integer)) => {
            *slot(parts) = Some(i16::try_from(integer).map_err(|_| "not a whole number from -32768 to 32767")?);
        }
        (FieldKind::Code(slot), Scalar::Float(float)) => {
            *slot(parts) = Some(whole(float).ok_or("not a whole number from -32768 to 32767")?);
        }
        (FieldKind::Flag(slot), Scalar::Flag(flag)) => *slot(parts) = Some(flag),
        (FieldKind::Flag(slot), Scalar::Integer(0 | 1)) => *slot(parts) = Some(value == Scalar::Integer(1)),
        (FieldKind::Flag(slot), Scalar::Float(float)) if float == 0.0 || float == 1.0 => {
            *slot(parts) = Some(float == 1.0);
        }
        (FieldKind::Time(slot) | FieldKind::KeyTime(slot), Scalar::Integer(integer)) => *slot(parts) = Some(integer),
        (FieldKind::Time(slot) | FieldKind::KeyTime(slot), Scalar::Float(float)) => {
            *slot(parts) = Some(floor(float).ok_or("not a time")?);
        }
        (FieldKind::Text(slot), value) => {
            let digits = field.digits.ok_or("not text")?;
            let code = match value {
                Scalar::Integer(integer) => Some(integer),
                Scalar::Float(float) => whole(float).map(i64::from),
                Scalar::Flag(_) => None,
            };
            let code = code.filter(|code| *code >= 0).map(|code| code.to_string()).filter(|code| code.len() <= digits);
            *slot(parts) = Some(with_leading_zeros(&code.ok_or("not text")?, Some(digits)));
        }
        (FieldKind::Address(_), _) => return Err("not text"),
        (FieldKind::Flag(_), _) => return Err("neither true nor false"),
        (_, Scalar::Flag(_)) => return Err("not a number"),
    }
    Ok(())
}

/// Returns whether a text marks a missing value in pandas (`NaN`, `nan`, `None`, `<NA>`), PostgreSQL (`\N`) or other
/// programs (`NULL`, `null`).
pub(crate) fn is_unknown(text: &str) -> bool {
    matches!(text, "" | "NaN" | "nan" | "NULL" | "null" | "None" | "<NA>" | "\\N")
}

fn number(text: &str, mark: DecimalMark) -> Option<f64> {
    match mark {
        DecimalMark::Comma if text.contains(',') => {
            // With both a comma and a point, one of them separates thousands, but it is ambiguous which.
            (!text.contains('.')).then(|| text.replacen(',', ".", 1).parse().ok())?
        }
        _ => text.parse().ok(),
    }
}

/// Converts a number without a fraction to a code.
fn whole(number: f64) -> Option<i16> {
    let fits = number.fract() == 0.0 && number >= f64::from(i16::MIN) && number <= f64::from(i16::MAX);
    fits.then_some(number as i16)
}

/// Restores a text of `digits` digits: adds the leading zeros that a spreadsheet removed, and removes the fraction that
/// pandas added when it converted the column to floats. Any other text is returned unchanged.
fn with_leading_zeros(text: &str, digits: Option<usize>) -> CompactString {
    let Some(length) = digits else { return text.into() };
    let digits = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0')).map_or(text, |(d, _)| d);
    if digits.len() > length || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.into();
    }
    let mut padded = CompactString::from("0".repeat(length - digits.len()));
    padded.push_str(digits);
    padded
}

/// Parses `true` and `false` as programs write them, and as spreadsheets write them in German, French, Italian, Spanish
/// and Portuguese.
fn flag(text: &str) -> Option<bool> {
    const TRUE: [&str; 9] = ["true", "t", "1", "1.0", "yes", "wahr", "vrai", "vero", "verdadero"];
    const FALSE: [&str; 9] = ["false", "f", "0", "0.0", "no", "falsch", "faux", "falso", "0,0"];
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ if TRUE.iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(true),
        _ if FALSE.iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(false),
        _ => None,
    }
}

/// Parses Unix seconds, rounding a fraction down, or a time in the format of RFC 3339, PostgreSQL, pandas
/// or Polars.
fn seconds(text: &str, mark: DecimalMark) -> Result<i64, &'static str> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    if let Some(number) = number(text, mark) {
        if lost_digits(text) {
            return Err("a time that a spreadsheet has rounded; format the column as a number and save it again");
        }
        return floor(number).ok_or("not a time");
    }
    // PostgreSQL and pandas write a space and `+00` or `+00:00`, Polars a T and `+0000`.
    let others = format_description!(
        version = 2,
        "[year]-[month]-[day][first [ ] [T]][hour]:[minute]:[second][optional [.[subsecond]]]\
         [offset_hour sign:mandatory][optional [[optional [:]][offset_minute]]]"
    );
    let time = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, others));
    time.map(OffsetDateTime::unix_timestamp)
        .map_err(|_| "not a time; expected Unix seconds, or RFC 3339 with a time zone, such as 2026-01-01T12:00:00Z")
}

/// Returns whether a number in scientific notation has fewer digits than its integer part: 1.796E+09 stands for a
/// million possible seconds.
fn lost_digits(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i64;
    exponent.parse::<i64>().map_or(true, |exponent| exponent >= digits)
}

fn floor(number: f64) -> Option<i64> {
    let floor = number.floor();
    // Above about 2^53 a double cannot represent every integer.
    (floor.abs() < 9e15).then_some(floor as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(column: &str, text: &str, mark: DecimalMark) -> Result<StateVectorParts, &'static str> {
        let ColumnName::Field(field) = classify(column) else { panic!("{column}") };
        let mut parts = StateVectorParts::default();
        set_text(field, &mut parts, text, mark).map(|()| parts)
    }

    #[test]
    fn times_are_unix_seconds_or_dates() {
        use DecimalMark::{Comma, Point};
        for (text, mark, expected) in [
            ("-1", Point, Some(-1)),
            ("-0.5", Point, Some(-1)),
            ("1796007487.797", Point, Some(1_796_007_487)),
            ("1796007487,797", Comma, Some(1_796_007_487)),
            ("1796007487.0", Point, Some(1_796_007_487)),
            ("1.796007487E+09", Point, Some(1_796_007_487)),
            ("1.796007487797e9", Point, Some(1_796_007_487)),
            ("1.79601E+09", Point, None),
            ("1969-12-31 23:59:59+00", Point, Some(-1)),
            ("2026-01-01 00:00:00.25+00:00", Point, Some(1_767_225_600)),
            ("2026-01-01T01:00:00+01:00", Point, Some(1_767_225_600)),
            ("2026-01-01T01:00:00.000000+0100", Point, Some(1_767_225_600)),
            ("2025-12-31 22:30:00-0130", Point, Some(1_767_225_600)),
            ("2026-01-01 00:00:00", Point, None),
            ("1e300", Point, None),
            ("inf", Point, None),
            ("soon", Point, None),
        ] {
            assert_eq!(seconds(text, mark).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_missing_value_has_many_spellings() {
        for text in ["", " ", "NaN", "nan", "NULL", "null", "None", "<NA>", "\\N"] {
            for field in FIELDS {
                let parts = set(field.name, text, DecimalMark::Point).unwrap();
                assert_eq!(parts, StateVectorParts::default(), "{text}");
            }
        }
    }

    #[test]
    fn numbers_are_read_as_spreadsheets_and_pandas_write_them() {
        use DecimalMark::{Comma, Point};
        let lat = |text, mark| set("LAT", text, mark).map(|parts| parts.lat.unwrap());
        assert_eq!(lat("48.1", Point), Ok(48.1));
        assert_eq!(lat("48,1", Comma), Ok(48.1));
        assert_eq!(lat("4.81e1", Point), Ok(48.1));
        assert_eq!(lat("48.1", Comma), Ok(48.1));
        assert!(lat("48,1", Point).is_err() && lat("1.048,1", Comma).is_err() && lat("4,8,1", Comma).is_err());
        let category = |text| set("category", text, Point).map(|parts| parts.category.unwrap());
        assert_eq!((category("12.0"), category("-1"), category("1e1")), (Ok(12), Ok(-1), Ok(10)));
        assert!(category("12.5").is_err() && category("40000").is_err());
        let squawk = |text| set("squawk", text, Point).unwrap().squawk.unwrap();
        assert_eq!(
            ["77", "77.0", "1000.0", "0000", "7a", "12345"].map(squawk),
            ["0077", "0077", "1000", "0000", "7a", "12345"]
        );
    }

    #[test]
    fn flags_are_read_as_programs_and_spreadsheets_write_them() {
        let flag = |text| set("onground", text, DecimalMark::Point).map(|parts| parts.on_ground.unwrap());
        for text in ["true", "True", "TRUE", "t", "1", "1.0", "WAHR"] {
            assert_eq!(flag(text), Ok(true), "{text}");
        }
        for text in ["false", "False", "FALSE", "f", "0", "0.0", "FAUX"] {
            assert_eq!(flag(text), Ok(false), "{text}");
        }
        assert_eq!(flag("2"), Err("neither true nor false"));
    }
}
