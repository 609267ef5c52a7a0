//! Fuzzed files: each is read to its end or refused with a reason, and no aircraft is invented.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use actors::domain::{FIELDS, Icao24, StateVector, UnixTime};
use actors::ports::Recorded;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::sync::mpsc;

use super::batches::{Batches, Stop};
use super::format::records;
use super::{Records, archive};
use crate::files::parquet::{NumberType, ParquetRows, RowBuffer, write_file};
use crate::files::stream::Stream;

const HEADER: &str = "time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,alert,spi,squawk,baroaltitude,\
                      geoaltitude,lastposupdate,lastcontact";

/// Changes to a file: at which place, to which byte, and how.
type Edits = Vec<(Index, u8, u8)>;

fn edits() -> impl Strategy<Value = Edits> {
    prop::collection::vec((any::<Index>(), any::<u8>(), 0_u8..4), 0..4)
}

fn apply(edits: Edits, bytes: &mut Vec<u8>) {
    for (at, byte, edit) in edits {
        if bytes.is_empty() {
            return;
        }
        let at = at.index(bytes.len());
        match edit {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, byte),
            _ => bytes.truncate(at),
        }
    }
}

/// Generates a file in the form of OpenSky's dumps.
fn dump() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        6 => (-1_000_000_i64..4_000_000_000).prop_map(|number| format!("{}", number as f64 / 100.0)),
        2 => Just(String::new()),
        2 => prop::sample::select(&["True", "False", "NaN", "1e400", "\"", "SWR1    ", "7700"][..]).prop_map(str::to_owned),
        1 => "[ -~]{0,9}",
    ];
    let address = prop_oneof![5 => "[0-9a-f]{6}", 1 => "[ -~]{0,7}"];
    let row = (address, prop::collection::vec(value, 15)).prop_map(|(address, mut values)| {
        values.insert(1, address);
        values.join(",")
    });
    prop::collection::vec(row, 0..5).prop_map(|rows| format!("{HEADER}\n{}\n", rows.join("\n")))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn read_records(records: &mut dyn Records) -> Recorded {
    let mut recorded = Recorded::default();
    while records.read(&mut recorded) == Ok(true) {}
    recorded
}

/// Reads a file like the importer, except that an archive must fit into a few batches.
fn read(bytes: &[u8]) -> Recorded {
    let Ok(stream) = Stream::new(bytes) else { return Recorded::default() };
    if !stream.is_tar() {
        let Ok(text) = stream.into_text() else { return Recorded::default() };
        return records(text, None).map_or_else(|_| Recorded::default(), |mut records| read_records(&mut *records));
    }
    let (sender, mut pieces) = mpsc::channel(10);
    let mut batches = Batches::new(sender);
    let end = archive::read(stream.into_bytes(), None, &mut batches);
    assert_ne!(end, Err(Stop::Abandoned));
    batches.finish(end);
    let mut recorded = Recorded::default();
    while let Some(Ok(Some(piece))) = pieces.blocking_recv() {
        recorded.states.extend(piece.states);
    }
    recorded
}

/// Checks that the text has the address of each state.
fn check(recorded: &Recorded, text: &[u8]) -> Result<(), TestCaseError> {
    let text = text.to_ascii_lowercase();
    for (_, state) in &recorded.states {
        let address = state.icao24.to_string();
        let occurs = memchr::memmem::find(&text, address.as_bytes()).is_some();
        prop_assert!(occurs, "{address} is not in the file");
    }
    Ok(())
}

/// A small Parquet file with all fields.
static PARQUET: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut buffer = RowBuffer::new(FIELDS);
    for row in 0..20 {
        let icao24 = Icao24::from_u32(0x4b_1814 + row);
        let state = StateVector { callsign: Some("SWR1"), lat: Some(47.45), ..StateVector::new(icao24, UnixTime(7)) };
        buffer.push(&state);
    }
    write_file(&buffer, NumberType::Decimal, Vec::new()).unwrap()
});

/// A row of OpenSky's Trino: time, address, latitude, longitude, whether on the ground, last contact.
type TrinoRow = (i64, String, [Option<f64>; 2], Option<bool>, Option<f64>);

const TRINO: &str = "message schema { OPTIONAL INT64 time; OPTIONAL BYTE_ARRAY icao24 (UTF8); OPTIONAL DOUBLE lat;
                     OPTIONAL DOUBLE lon; OPTIONAL BOOLEAN onground; OPTIONAL DOUBLE lastcontact; }";

fn trino_row() -> impl Strategy<Value = TrinoRow> {
    let time = 1_700_000_000_i64;
    let degrees = prop::option::of(prop_oneof![8 => -190.0..190.0, 1 => any::<f64>()]);
    let contact = prop_oneof![8 => (time as f64 - 40.0)..(time as f64 + 40.0), 1 => any::<f64>()];
    (
        prop_oneof![8 => time..time + 20, 1 => any::<i64>()],
        prop_oneof![8 => "[0-9a-f]{6}", 1 => "\\PC{0,7}"],
        [degrees.clone(), degrees],
        any::<Option<bool>>(),
        prop::option::weighted(0.9, contact),
    )
}

/// Writes a file as Trino exports it.
fn trino(rows: &[TrinoRow]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let schema = Arc::new(parse_message_type(TRINO)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default())?;
    let mut group = file.next_row_group()?;
    macro_rules! column {
        ($type:ty, $values:expr) => {
            let values: Vec<Option<_>> = $values.collect();
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let known: Vec<_> = values.into_iter().flatten().collect();
            if let Some(mut column) = group.next_column()? {
                column.typed::<$type>().write_batch(&known, Some(&levels), None)?;
                column.close()?;
            }
        };
    }
    column!(Int64Type, rows.iter().map(|row| Some(row.0)));
    column!(ByteArrayType, rows.iter().map(|row| Some(ByteArray::from(row.1.as_str()))));
    column!(DoubleType, rows.iter().map(|row| row.2[0]));
    column!(DoubleType, rows.iter().map(|row| row.2[1]));
    column!(BoolType, rows.iter().map(|row| row.3));
    column!(DoubleType, rows.iter().map(|row| row.4));
    group.close()?;
    file.into_inner()
}

proptest! {
    #[test]
    fn fuzzed_trino_exports_are_read_or_refused_and_invent_no_aircraft(
        rows in prop::collection::vec(trino_row(), 1..20),
        edits in edits(),
    ) {
        let mut bytes = trino(&rows)?;
        let is_edited = !edits.is_empty();
        apply(edits, &mut bytes);
        let Ok(mut exported) = ParquetRows::new(Bytes::from(bytes), Arc::default()) else {
            prop_assert!(is_edited, "a file that is not damaged was refused");
            return Ok(());
        };
        let mut read = 0;
        while let Ok(Some(row)) = exported.next_row() {
            read += 1;
            let Ok(state) = row else { continue };
            let is_listed = rows.iter().any(|row| row.1.eq_ignore_ascii_case(&state.icao24.to_string()));
            prop_assert!(is_edited || is_listed, "{} is not in the file", state.icao24);
        }
        prop_assert!(is_edited || read == rows.len(), "{read} of {} rows", rows.len());
    }

    #[test]
    fn fuzzed_dumps_are_read_or_refused_and_invent_no_aircraft(text in dump(), edits in edits()) {
        let mut bytes = text.into_bytes();
        apply(edits, &mut bytes);
        check(&read(&bytes), &bytes)?;
    }

    #[test]
    fn fuzzed_archives_are_read_or_refused_and_invent_no_aircraft(
        texts in prop::collection::vec((dump(), 0_u8..3), 1..3),
        edits in edits(),
    ) {
        let mut archive = tar::Builder::new(Vec::new());
        let mut plain = Vec::new();
        let mut is_packed = false;
        for (index, (text, compression)) in texts.iter().enumerate() {
            let content = match compression {
                0 => gzip(text.as_bytes()),
                1 => zstd::encode_all(text.as_bytes(), 1)?,
                _ => text.clone().into_bytes(),
            };
            is_packed |= *compression < 2;
            plain.extend_from_slice(text.as_bytes());
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, format!("{index}.csv"), &*content)?;
        }
        let mut bytes = archive.into_inner()?;
        let is_edited = !edits.is_empty();
        apply(edits, &mut bytes);
        let recorded = read(&bytes);
        if !is_edited {
            check(&recorded, &plain)?;
        } else if !is_packed {
            check(&recorded, &bytes)?;
        }
    }

    #[test]
    fn fuzzed_parquet_is_read_or_refused(edits in edits()) {
        let mut bytes = PARQUET.clone();
        apply(edits, &mut bytes);
        if let Ok(mut rows) = ParquetRows::new(Bytes::from(bytes), Arc::default()) {
            while let Ok(Some(_)) = rows.next_row() {}
        }
    }
}
