//! Decodes the rows of a binary `COPY … TO STDOUT` without copying them (PostgreSQL manual, "COPY", section "Binary
//! Format").
//!
//! The columns are read in the table's own order, as the integers that they are stored as. For any other order,
//! PostgreSQL builds a new row from each before sorting, which slowed reading by 60 % (331 ms became 529 ms for 100,000
//! rows).

use actors::domain::{FIELDS, Field, Icao24, UnixTime, fields};
use actors::state_vector_fields;

use super::query::HistoryRow;
use crate::storage::rows::unix_time;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const END: i16 = -1;

/// Why a message is not a row of `state_vectors_scaled`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DecodeError(pub(super) &'static str);

/// Skips the header and returns the rest of the message.
pub(super) fn skip_header(message: &[u8]) -> Result<&[u8], DecodeError> {
    let mut fields = Cursor(message.strip_prefix(SIGNATURE).ok_or(DecodeError("missing signature"))?);
    let _flags = fields.take(4)?;
    let extension = u32::from_be_bytes(fields.array()?);
    fields.take(extension as usize)?;
    Ok(fields.0)
}

/// The columns of the table.
#[derive(Debug)]
pub(super) struct Layout {
    /// Maps each column, in table order, to the index of its field; `None` for a column that is not ours.
    columns: Vec<Option<usize>>,
    /// The column that times are relative to.
    last_contact: usize,
    icao24: usize,
}

impl Layout {
    /// Finds the fields by column name.
    pub(super) fn of<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> Result<Self, DecodeError> {
        let missing = DecodeError("state_vectors_scaled lacks columns of this version; run `flight-monitor migrate`");
        let position = |field: &Field| columns.clone().position(|column| column == field.name);
        let Some((last_contact, icao24)) = position(&fields::last_contact).zip(position(&fields::icao24)) else {
            return Err(missing);
        };
        let columns: Vec<_> = columns.map(|column| FIELDS.iter().position(|field| field.name == column)).collect();
        let found = columns.iter().flatten().count();
        if found == FIELDS.len() { Ok(Self { columns, last_contact, icao24 }) } else { Err(missing) }
    }
}

/// Decodes only what rows are ordered by. Returns `None` at the end of the rows.
pub(super) fn decode_key(message: &[u8], layout: &Layout) -> Result<Option<(UnixTime, Icao24)>, DecodeError> {
    let mut columns = Cursor(message);
    if i16::from_be_bytes(columns.array()?) == END {
        return Ok(None);
    }
    let [mut last_contact, mut icao24] = [None; 2];
    for column in 0..=layout.last_contact.max(layout.icao24) {
        let value = columns.field()?;
        if column == layout.last_contact {
            last_contact = value;
        } else if column == layout.icao24 {
            icao24 = value;
        }
    }
    Ok(Some((key_time(last_contact)?, address(icao24)?)))
}

macro_rules! decode {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        /// Decodes one row, reading each field with the method named after its kind. Returns `None` at the end of the
        /// rows.
        pub(super) fn decode<'a>(message: &'a [u8], layout: &Layout) -> Result<Option<HistoryRow<'a>>, DecodeError> {
            let mut columns = Cursor(message);
            let count = i16::from_be_bytes(columns.array()?);
            if count == END {
                return Ok(None);
            }
            if usize::try_from(count) != Ok(layout.columns.len()) {
                return Err(DecodeError("unexpected number of columns"));
            }
            let mut values = [None; FIELDS.len()];
            let mut last_contact = None;
            for (column, field) in layout.columns.iter().enumerate() {
                let value = columns.field()?;
                if column == layout.last_contact {
                    last_contact = value;
                }
                if let Some(value_of_field) = field.and_then(|field| values.get_mut(field)) {
                    *value_of_field = value;
                }
            }
            let last_contact = key_time(last_contact)?;
            let mut values = Values { values: values.into_iter(), last_contact };
            Ok(Some(HistoryRow { $($name: values.$kind(&fields::$name)?,)* }))
        }
    };
}
state_vector_fields!(decode);

/// The values of a row in field order, with one read method per kind of field.
struct Values<'a> {
    values: std::array::IntoIter<Option<&'a [u8]>, { FIELDS.len() }>,
    last_contact: UnixTime,
}

impl<'a> Values<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        self.values.next().flatten()
    }

    fn address(&mut self, _: &Field) -> Result<Icao24, DecodeError> {
        address(self.next())
    }

    fn key_time(&mut self, _: &Field) -> Result<UnixTime, DecodeError> {
        self.next();
        Ok(self.last_contact)
    }

    fn time(&mut self, _: &Field) -> Result<Option<UnixTime>, DecodeError> {
        let after = fixed(self.next())?.map(i32::from_be_bytes);
        Ok(after.map(|after| UnixTime(self.last_contact.0.saturating_add(after.into()))))
    }

    fn number(&mut self, field: &Field) -> Result<Option<f64>, DecodeError> {
        Ok(fixed(self.next())?.map(|scaled| field.from_scaled(i32::from_be_bytes(scaled))))
    }

    fn code(&mut self, _: &Field) -> Result<Option<i16>, DecodeError> {
        Ok(fixed(self.next())?.map(i16::from_be_bytes))
    }

    fn flag(&mut self, _: &Field) -> Result<Option<bool>, DecodeError> {
        Ok(fixed(self.next())?.map(|[flag]| flag != 0))
    }

    fn text(&mut self, _: &Field) -> Result<Option<&'a str>, DecodeError> {
        let text = self.next().map(std::str::from_utf8).transpose();
        text.map_err(|_| DecodeError("text is not UTF-8"))
    }
}

fn address(value: Option<&[u8]>) -> Result<Icao24, DecodeError> {
    let text = value.ok_or(DecodeError("icao24 is NULL"))?;
    let text = std::str::from_utf8(text).map_err(|_| DecodeError("text is not UTF-8"))?;
    Icao24::parse(text).map_err(|_| DecodeError("icao24 is not six hex digits"))
}

fn key_time(value: Option<&[u8]>) -> Result<UnixTime, DecodeError> {
    let micros = fixed(value)?.ok_or(DecodeError("last_contact is NULL"))?;
    Ok(unix_time(i64::from_be_bytes(micros)))
}

fn fixed<const N: usize>(value: Option<&[u8]>) -> Result<Option<[u8; N]>, DecodeError> {
    let Some(value) = value else { return Ok(None) };
    value.try_into().map(Some).map_err(|_| DecodeError("unexpected length of a column"))
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError("truncated message"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError("truncated message"))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Reads one length-prefixed field. A length of −1 means NULL.
    fn field(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| DecodeError("negative length"))?).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let names = FIELDS.iter().rev().map(|field| field.name).chain(["added_by_an_operator"]);
        let layout = Layout::of(names.clone()).unwrap();
        assert_eq!((layout.columns[0], layout.columns[FIELDS.len()]), (Some(FIELDS.len() - 1), None));
        assert!(Layout::of(names.skip(1)).is_err());
    }

    proptest! {
        #[test]
        fn decoding_never_panics(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = skip_header(&message);
            let layout = Layout::of(FIELDS.iter().map(|field| field.name)).unwrap();
            let _ = decode(&message, &layout);
            let _ = decode_key(&message, &layout);
            let message = [&(FIELDS.len() as i16).to_be_bytes()[..], &message].concat();
            let _ = decode(&message, &layout);
            let _ = decode_key(&message, &layout);
        }
    }
}
