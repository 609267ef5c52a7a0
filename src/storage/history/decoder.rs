//! The rows of a binary `COPY … TO STDOUT`, read without a copy (PostgreSQL manual, "COPY", section "Binary Format").

use actors::domain::{FIELDS, Icao24, UnixTime};
use actors::state_vector_fields;

use super::HistoryRow;
use crate::storage::rows::unix_time;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Columns of a row.
const COUNT: i16 = FIELDS.len() as i16;
const END: i16 = -1;

/// Why a message is not a row of `state_vectors`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) &'static str);

/// Skips the header and returns what follows.
pub(super) fn skip_header(message: &[u8]) -> Result<&[u8], Unreadable> {
    let mut fields = Cursor(message.strip_prefix(SIGNATURE).ok_or(Unreadable("missing signature"))?);
    let _flags = fields.take(4)?;
    let extension = u32::from_be_bytes(fields.array()?);
    fields.take(extension as usize)?;
    Ok(fields.0)
}

macro_rules! decode {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        /// Reads one row, its columns in the order of [`COLUMNS`](crate::storage::schema::COLUMNS), each by the method of
        /// its kind; `None` at the end of the rows.
        pub(super) fn decode(message: &[u8]) -> Result<Option<HistoryRow<'_>>, Unreadable> {
            let mut columns = Cursor(message);
            match i16::from_be_bytes(columns.array()?) {
                END => Ok(None),
                COUNT => Ok(Some(HistoryRow { $($name: columns.$kind()?,)* })),
                _ => Err(Unreadable("unexpected number of columns")),
            }
        }
    };
}
state_vector_fields!(decode);

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable("truncated message"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable("truncated message"))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A length of −1 is NULL.
    fn field(&mut self) -> Result<Option<&'a [u8]>, Unreadable> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Unreadable("negative length"))?).map(Some),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Unreadable> {
        let Some(field) = self.field()? else { return Ok(None) };
        field.try_into().map(Some).map_err(|_| Unreadable("unexpected length of a column"))
    }

    fn address(&mut self) -> Result<Icao24, Unreadable> {
        let text = self.text()?.ok_or(Unreadable("icao24 is NULL"))?;
        Icao24::parse(text).map_err(|_| Unreadable("icao24 is not six hex digits"))
    }

    fn key_time(&mut self) -> Result<UnixTime, Unreadable> {
        self.time()?.ok_or(Unreadable("last_contact is NULL"))
    }

    fn time(&mut self) -> Result<Option<UnixTime>, Unreadable> {
        Ok(self.fixed()?.map(|micros| unix_time(i64::from_be_bytes(micros))))
    }

    fn number(&mut self) -> Result<Option<f64>, Unreadable> {
        Ok(self.fixed()?.map(f64::from_be_bytes))
    }

    fn code(&mut self) -> Result<Option<i16>, Unreadable> {
        Ok(self.fixed()?.map(i16::from_be_bytes))
    }

    fn flag(&mut self) -> Result<Option<bool>, Unreadable> {
        Ok(self.fixed()?.map(|[flag]| flag != 0))
    }

    fn text(&mut self) -> Result<Option<&'a str>, Unreadable> {
        let text = self.field()?.map(std::str::from_utf8).transpose();
        text.map_err(|_| Unreadable("text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = skip_header(&message);
            let _ = decode(&message);
            let _ = decode(&[&COUNT.to_be_bytes()[..], &message].concat());
        }
    }
}
