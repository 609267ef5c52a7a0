//! Binary COPY, encoded by hand: one buffer for many rows, and nothing allocated for a row.
//!
//! The format is that of the PostgreSQL manual, "COPY", section "Binary Format": a header, then for each row the number
//! of its fields and for each field its length (−1 for NULL) and its bytes in network order; −1 ends it.

use std::pin::pin;

use actors::domain::{FIELDS, Icao24, StateVector, UnixTime};
use actors::state_vector_fields;
use bytes::{BufMut, Bytes, BytesMut};
use compact_str::CompactString;
use futures_util::SinkExt;
use tokio_postgres::{CopyInSink, Error, Statement, Transaction};

use crate::storage::rows::postgres_time;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Fields of a row.
const COUNT: i16 = FIELDS.len() as i16;
const NULL: i32 = -1;
const END: i16 = -1;

/// How much is gathered before it is handed to the connection: the server inserts while the next rows are encoded.
const CHUNK: usize = 64 * 1024;

/// Copies the rows by a prepared `COPY … FROM STDIN (FORMAT binary)` and returns how many there were.
///
/// # Errors
/// What the server says of a row comes only at the end. After any error the transaction is of no use any more.
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
        /// The fields in the order of [`COLUMNS`](crate::storage::schema::COLUMNS), each by the function of its kind.
        fn put_row(buffer: &mut BytesMut, state: &StateVector) {
            buffer.put_i16(COUNT);
            $(put::$kind(buffer, &state.$name);)*
        }
    };
}
state_vector_fields!(put_row);

mod put {
    use super::*;

    pub(super) fn address(buffer: &mut BytesMut, icao24: &Icao24) {
        buffer.put_i32(6);
        buffer.put_slice(&icao24.to_ascii());
    }

    pub(super) fn text(buffer: &mut BytesMut, text: &Option<CompactString>) {
        field(buffer, text.as_ref().map(|text| text.as_bytes()));
    }

    pub(super) fn number(buffer: &mut BytesMut, number: &Option<f64>) {
        eight(buffer, number.map(f64::to_be_bytes));
    }

    pub(super) fn code(buffer: &mut BytesMut, code: &Option<i16>) {
        field(buffer, code.map(i16::to_be_bytes).as_ref().map(<[u8; 2]>::as_slice));
    }

    pub(super) fn flag(buffer: &mut BytesMut, flag: &Option<bool>) {
        field(buffer, flag.map(|flag| [u8::from(flag)]).as_ref().map(<[u8; 1]>::as_slice));
    }

    pub(super) fn time(buffer: &mut BytesMut, time: &Option<UnixTime>) {
        eight(buffer, time.map(|time| postgres_time(time).to_be_bytes()));
    }

    pub(super) fn key_time(buffer: &mut BytesMut, time: &UnixTime) {
        eight(buffer, Some(postgres_time(*time).to_be_bytes()));
    }

    /// Length and value in one piece, since most fields are of this kind.
    fn eight(buffer: &mut BytesMut, value: Option<[u8; 8]>) {
        let Some(value) = value else { return buffer.put_i32(NULL) };
        let mut field = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        field[4..].copy_from_slice(&value);
        buffer.put_slice(&field);
    }

    fn field(buffer: &mut BytesMut, value: Option<&[u8]>) {
        // A text of 2 GiB passes neither Kafka nor the parser; cut short, it is the server that refuses the row.
        match value {
            Some(value) => {
                buffer.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
                buffer.put_slice(value);
            }
            None => buffer.put_i32(NULL),
        }
    }
}
