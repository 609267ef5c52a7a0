//! Encodes binary `COPY` by hand: one buffer holds many rows, and encoding a row does not allocate.
//!
//! The format is described in the PostgreSQL manual, "COPY", section "Binary Format": a header, then for each row the
//! number of fields, and for each field its length (−1 for NULL) and its bytes in network byte order. A field count of
//! −1 marks the end.

use std::pin::pin;

use actors::domain::{FIELDS, Field, Icao24, StateVector, UnixTime, fields};
use actors::state_vector_fields;
use bytes::{BufMut, Bytes, BytesMut};
use compact_str::CompactString;
use futures_util::SinkExt;
use tokio_postgres::{CopyInSink, Error, Statement, Transaction};

use crate::storage::rows::{postgres_time, seconds_after};

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of fields per row.
const COUNT: i16 = FIELDS.len() as i16;
const NULL: i32 = -1;
const END: i16 = -1;

/// The number of bytes to buffer before passing them to the connection, so that the server inserts rows while we encode
/// the next ones.
const CHUNK: usize = 64 * 1024;

/// Copies the rows with a prepared `COPY … FROM STDIN (FORMAT binary)` and returns the number of rows copied.
///
/// # Errors
/// The server reports a rejected row only at the end. After any error the transaction must be rolled back.
pub(super) async fn copy_rows(
    transaction: &Transaction<'_>,
    copy: &Statement,
    rows: &[&StateVector],
) -> Result<u64, Error> {
    let mut sink = pin!(transaction.copy_in(copy).await?);
    send_rows(&mut sink, rows).await?;
    sink.finish().await
}

async fn send_rows(sink: &mut std::pin::Pin<&mut CopyInSink<Bytes>>, rows: &[&StateVector]) -> Result<(), Error> {
    let mut buffer = BytesMut::with_capacity(CHUNK + 1024);
    buffer.put_slice(HEADER);
    for row in rows {
        put_row(&mut buffer, row);
        if buffer.len() >= CHUNK {
            sink.feed(buffer.split().freeze()).await?;
            buffer.reserve(CHUNK + 1024);
        }
    }
    buffer.put_i16(END);
    sink.feed(buffer.freeze()).await
}

macro_rules! put_row {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        /// Encodes the fields in the order of [`COLUMNS`](crate::storage::schema::COLUMNS), each with the function
        /// named after its kind.
        fn put_row(buffer: &mut BytesMut, state: &StateVector) {
            buffer.put_i16(COUNT);
            $(put::$kind(buffer, &state.$name, &fields::$name, state.last_contact);)*
        }
    };
}
state_vector_fields!(put_row);

mod put {
    use super::*;

    pub(super) fn address(buffer: &mut BytesMut, icao24: &Icao24, _: &Field, _: UnixTime) {
        buffer.put_i32(6);
        buffer.put_slice(&icao24.to_ascii());
    }

    pub(super) fn text(buffer: &mut BytesMut, text: &Option<CompactString>, _: &Field, _: UnixTime) {
        field(buffer, text.as_ref().map(|text| text.as_bytes()));
    }

    pub(super) fn number(buffer: &mut BytesMut, number: &Option<f64>, field: &Field, _: UnixTime) {
        four(buffer, number.map(|number| field.to_scaled(number)));
    }

    pub(super) fn code(buffer: &mut BytesMut, code: &Option<i16>, _: &Field, _: UnixTime) {
        field(buffer, code.map(i16::to_be_bytes).as_ref().map(<[u8; 2]>::as_slice));
    }

    pub(super) fn flag(buffer: &mut BytesMut, flag: &Option<bool>, _: &Field, _: UnixTime) {
        field(buffer, flag.map(|flag| [u8::from(flag)]).as_ref().map(<[u8; 1]>::as_slice));
    }

    pub(super) fn time(buffer: &mut BytesMut, time: &Option<UnixTime>, _: &Field, last_contact: UnixTime) {
        four(buffer, time.map(|time| seconds_after(last_contact, time)));
    }

    pub(super) fn key_time(buffer: &mut BytesMut, time: &UnixTime, _: &Field, _: UnixTime) {
        buffer.put_i32(8);
        buffer.put_i64(postgres_time(*time));
    }

    /// Writes a 4-byte field, length and value in a single call, since most fields have this size.
    fn four(buffer: &mut BytesMut, value: Option<i32>) {
        let Some(value) = value else { return buffer.put_i32(NULL) };
        buffer.put_u64(4 << 32 | u64::from(value.cast_unsigned()));
    }

    fn field(buffer: &mut BytesMut, value: Option<&[u8]>) {
        // A text of 2 GiB gets through neither Kafka nor the parser. If it did, the server would reject the wrong
        // length.
        match value {
            Some(value) => {
                buffer.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
                buffer.put_slice(value);
            }
            None => buffer.put_i32(NULL),
        }
    }
}
