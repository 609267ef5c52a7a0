use std::io::Write;

use actors::ports::Recorded;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::*;

const CSV: &str = "icao24,last_contact\n4b1814,1\n4b1815,2\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Reads an archive into one batch, and how it ended.
fn read_all(bytes: &[u8]) -> (Recorded, Result<(), String>) {
    let (sender, mut pieces) = mpsc::channel(10);
    let mut batches = Batches::new(sender);
    let end = read(bytes, None, &mut batches);
    batches.finish(end);
    let mut all = Recorded::default();
    loop {
        match pieces.blocking_recv().unwrap() {
            Ok(None) => return (all, Ok(())),
            Err(reason) => return (all, Err(reason)),
            Ok(Some(piece)) => {
                all.next = piece.next;
                all.states.extend(piece.states);
                all.bad.extend(piece.bad);
                all.skipped.extend(piece.skipped);
            }
        }
    }
}

#[test]
fn the_files_of_an_archive_are_read_in_their_order_with_consecutive_records() {
    let trace = br#"{"icao":"a00001","timestamp":5,"trace":[[0,1,2,3,4,5,0,6]]}"#;
    let other = br#"{"icao":"~a00001","timestamp":5,"trace":[[0],[1]]}"#;
    let long = format!("{}/states.csv", "folder".repeat(40));
    let (recorded, end) = read_all(&archive(&[
        ("README.txt", b"not a table"),
        ("states_2022-06-27-00.csv.gz", &gzip(CSV.as_bytes())),
        ("./traces/01/trace_full_a00001.json", &gzip(trace)),
        ("./traces/01/trace_full_~a00001.json", &gzip(other)),
        ("./heatmap/00.bin.ttf", b"\0\0\0"),
        (&long, CSV.as_bytes()),
        ("last.csv.zst", &zstd::encode_all(CSV.as_bytes(), 1).unwrap()),
    ]));
    assert_eq!((end, recorded.bad), (Ok(()), vec![]));
    let records: Vec<_> = recorded.states.iter().map(|(record, state)| (*record, state.last_contact.0)).collect();
    assert_eq!(records, [(0, 1), (1, 2), (2, 5), (5, 1), (6, 2), (7, 1), (8, 2)]);
    assert_eq!((recorded.skipped, recorded.next), (vec![3, 4], 9));
}

#[test]
fn a_bad_file_of_an_archive_is_reported_by_its_name_and_the_others_are_read() {
    let packed = gzip(CSV.repeat(1_000).as_bytes());
    let (recorded, end) = read_all(&archive(&[
        ("a.csv", b"icao24,last_contact\n4b1814,1\nnobody,2\n"),
        ("empty.csv", b""),
        ("photo.jpg", b"\xff\xd8\xff\0"),
        ("cut.csv.gz", &packed[..packed.len() - 20]),
        ("inner.tar", &archive(&[("a.csv", CSV.as_bytes())])),
        ("day.parquet", b"PAR1"),
        ("z.csv", CSV.as_bytes()),
    ]));
    assert_eq!(end, Ok(()));
    let (cut, others): (Vec<_>, Vec<_>) =
        recorded.bad.iter().map(|bad| &*bad.reason).partition(|reason| reason.starts_with("cut.csv.gz: "));
    let expected = [
        "a.csv: line 3: ",
        "empty.csv: the file is empty",
        "photo.jpg: the file is binary",
        "inner.tar: the file is an archive in an archive",
        "day.parquet: the file is compressed or archived Parquet",
    ];
    assert_eq!(others.len(), expected.len(), "{others:?}");
    for (reason, expected) in others.iter().zip(expected) {
        assert!(reason.starts_with(expected), "{reason}");
    }
    assert!(cut.last().unwrap().contains("the file is incomplete"), "{cut:?}");
    assert_eq!(recorded.states.last().unwrap().0, recorded.next - 1);
}

#[test]
fn an_incomplete_archive_fails_after_its_rows_were_read() {
    let long = format!("{CSV}{}", "4b1816,3\n".repeat(1_000));
    let whole = archive(&[("one.csv", CSV.as_bytes()), ("two.csv", long.as_bytes())]);
    let (recorded, end) = read_all(&whole[..4_003]);
    let reason = end.unwrap_err();
    assert!(reason.starts_with("two.csv: the archive ends within this file; is it one part of several?"), "{reason}");
    assert_eq!(recorded.bad, []);
    // The last line, which may be incomplete, is not read.
    let complete = (4_003 - 3 * 512 - "icao24,last_contact\n".len()) / "4b1814,1\n".len();
    assert_eq!(recorded.states.len(), 2 + complete);

    let mut damaged = whole;
    damaged[1_024..1_100].fill(b'x');
    let (recorded, end) = read_all(&damaged);
    assert_eq!(recorded.states.len(), 2);
    let reason = end.unwrap_err();
    assert!(reason.starts_with("invalid tar archive, after one.csv: "), "{reason}");
    assert!(read_all(&archive(&[("README", b"a")])).1.unwrap_err().contains("no files to import"));
}

#[test]
fn a_name_of_many_megabytes_is_not_read_into_memory() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(1 << 33);
    header.set_cksum();
    let bytes = header.as_bytes().chain(io::repeat(b'a'));
    let (sender, _pieces) = mpsc::channel(1);
    let Err(Stop::Failed(reason)) = read(bytes, None, &mut Batches::new(sender)) else { panic!("accepted") };
    assert!(reason.contains("headers longer than 1048576 bytes"), "{reason}");
}
