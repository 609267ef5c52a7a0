//! Imports of recorded state vectors from files into the database.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use actors::domain::FIELDS;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Database, Setup, now};

fn write(setup: &Setup, name: &str, text: &str) -> String {
    let path = setup.directory().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn write_gzipped(setup: &Setup, name: &str, text: &str) -> String {
    let path = setup.directory().join(name);
    let mut gzip = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap();
    path.display().to_string()
}

pub(crate) fn on_each_database(check: impl Fn(&Setup)) {
    check(&Setup::bare());
    check(&Setup::bare().on(&Database::postgres()));
}

/// Returns the log line that reports the result of an import.
pub(crate) fn summary_line(log: &[String]) -> &str {
    log.iter().find(|line| line.contains("imported")).unwrap_or_else(|| panic!("{log:?}"))
}

/// Returns the ICAO address, callsign, latitude, `on_ground` and category of each row, with its `last_contact`.
pub(crate) fn values(setup: &Setup) -> Vec<(String, i64)> {
    let columns = |time: &str| {
        format!(
            "SELECT icao24 || ' ' || coalesce(callsign, '-') || ' ' || coalesce(CAST(lat AS text), '-') || ' ' ||
                 coalesce(CAST(on_ground AS text), '-') || ' ' || coalesce(CAST(category AS text), '-') AS text,
                 {time} AS number FROM state_vectors ORDER BY 1"
        )
    };
    let mut values =
        setup.database().pairs(&columns("last_contact"), &columns("extract(epoch FROM last_contact)::bigint"));
    for (text, _) in &mut values {
        // SQLite stores booleans as integers.
        *text = text.replace(" 1 ", " true ").replace(" 0 ", " false ");
    }
    values
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_format_is_imported_compressed_or_not() {
    let time = now() - 600;
    let csv = format!(
        "last_contact,icao24,callsign,lat,on_ground,category\n{time},4b1814,SWR1,47.5,true,-1\n{time},3c6444,,,,\n"
    );
    let json = format!(
        "{{\"icao24\":\"a00001\",\"last_contact\":{time},\"callsign\":\"N1\",\"lat\":-1.25,\"on_ground\":false,\"category\":3}}\n"
    );
    let response = format!(
        "{{\"time\":{time},\"states\":[[\"c00001\",\"CFABC  \",\"Canada\",null,{time},null,null,null,true,null,null,null,null,null,null,false,0]]}}"
    );
    let expected = [
        ("3c6444 - - - -", time),
        ("4b1814 SWR1 47.5 true -1", time),
        ("a00001 N1 -1.25 false 3", time),
        ("c00001 CFABC - true -", time),
    ]
    .map(|(text, time)| (text.to_owned(), time));
    on_each_database(|setup| {
        // The format is detected from the content, not the file name.
        let files = [
            write_gzipped(setup, "one", &csv),
            write(setup, "two.csv", &json),
            write_gzipped(setup, "three.json.gz", &response),
        ];
        let arguments = std::iter::once("import").chain(files.iter().map(String::as_str));
        let import = setup.clone().arguments(arguments).run();
        assert_eq!(import.code, Some(0), "{:?}", import.log);
        assert_eq!(values(setup), expected);
    });
}

/// Returns 41,000 rows as NDJSON, which are two full batches and part of a third, and their keys.
fn many(time: i64) -> (String, BTreeSet<(String, i64)>) {
    let mut text = String::new();
    let keys: BTreeSet<_> = (0..41_000).map(|i| (format!("{:06x}", i % 7_000), time - i / 7_000)).collect();
    for (icao24, last_contact) in &keys {
        writeln!(text, r#"{{"icao24":"{icao24}","last_contact":{last_contact}}}"#).unwrap();
    }
    (text, keys)
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_killed_import_resumes_where_it_stopped() {
    let (text, keys) = many(now() - 600);
    on_each_database(|setup| {
        let file = write(setup, "many.ndjson", &text);
        let import = setup.clone().arguments(["import", &file]);
        // Killed after the commit of the second batch, before the import learns of it.
        let killed = import.clone().failpoints("store-committed=1*off->return").run();
        assert_eq!(killed.code, None, "exited instead of being killed: {:?}", killed.log);
        let stored = setup.database().rows();
        assert_eq!(stored.len(), 40_000);
        // Killed before the commit, so nothing of the third batch is stored.
        let killed = import.clone().failpoints("store-rows-sent=return").run();
        assert_eq!(killed.code, None, "exited instead of being killed: {:?}", killed.log);
        assert_eq!(setup.database().rows().len(), 40_000);

        // A renamed file is recognized as the same.
        let renamed = setup.directory().join("renamed");
        std::fs::rename(&file, &renamed).unwrap();
        let import = setup.clone().arguments(["import", renamed.to_str().unwrap()]);
        let rest = import.run();
        assert_eq!(rest.code, Some(0), "{:?}", rest.log);
        let line = summary_line(&rest.log);
        assert!(line.contains("inserted=1000") && line.contains("passed_over=40000"), "{line}");
        assert_eq!(setup.database().rows(), keys);

        let again = import.run();
        assert!(summary_line(&again.log).contains("inserted=0 duplicates=0"), "{:?}", again.log);
        let again = setup.clone().arguments(["import", "--again", renamed.to_str().unwrap()]).run();
        assert!(summary_line(&again.log).contains("inserted=0 duplicates=41000"), "{:?}", again.log);
        assert_eq!(setup.database().rows(), keys);
    });
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn rows_older_than_the_retention_are_refused_until_it_is_widened() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/opensky");
    let file = recorded.join("extended-handpicked-2022-06-09-56.json").display().to_string();
    on_each_database(|setup| {
        let refused = setup.clone().arguments(["import", &file]).run();
        assert_eq!(refused.code, Some(1), "{:?}", refused.log);
        // Two of the 56 rows have times far after that of their response.
        assert!(summary_line(&refused.log).contains("too_old=54 bad=2"), "{:?}", refused.log);
        assert!(refused.log.iter().any(|line| line.contains("database.retention")), "{:?}", refused.log);
        assert_eq!(setup.database().rows().len(), 0);

        let widened = ["import", "--again", "--database-retention", "36500d", &file];
        let widened = setup.clone().arguments(widened).run();
        assert!(summary_line(&widened.log).contains("inserted=54"), "{:?}", widened.log);
        assert_eq!(setup.database().rows().len(), 54);
    });
}

#[test]
fn a_file_with_too_many_bad_rows_is_abandoned_and_the_others_are_imported() {
    let time = now() - 600;
    let setup = Setup::bare();
    let bad = write(&setup, "bad.csv", &format!("icao24,last_contact\n4b1814,{time}\nnobody,{time}\n4b1815,{time}\n"));
    let good = write(&setup, "good.csv", &format!("icao24,last_contact\na00001,{time}\n"));
    let import = setup.clone().arguments(["import", "--max-bad", "0", "/no/such/file", &bad, &good]).run();
    assert_eq!(import.code, Some(1));
    assert!(import.log.iter().any(|line| line.contains("/no/such/file: ")), "{:?}", import.log);
    assert!(import.log.iter().any(|line| line.contains("bad.csv: ") && line.contains("line 3: ")), "{:?}", import.log);
    let keys = ["4b1814", "a00001"].map(|icao24| (icao24.to_owned(), time));
    assert_eq!(setup.database().rows(), BTreeSet::from(keys));
    // `--max-bad` permits skipping bad rows.
    let import = setup.clone().arguments(["import", "--max-bad", "1", &bad]).run();
    assert_eq!(import.code, Some(0), "{:?}", import.log);
    assert_eq!(setup.database().rows().len(), 3);
}

fn dataset(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
    directory.join(name).display().to_string()
}

/// Shifts all times in a text so that the newest is one hour ago.
///
/// The recorded times may be too old or in the future, depending on the clock.
fn shifted_to_now(text: &str, newest: i64) -> String {
    let shift = now() - 3_600 - newest;
    let word = |word: &str| match word.get(..10).and_then(|digits| digits.parse::<i64>().ok()) {
        Some(time) if time > 1_700_000_000 => format!("{}{}", time + shift, &word[10..]),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(',').map(word).collect::<Vec<_>>().join(",");
    text.lines().map(line).collect::<Vec<_>>().join("\r\n") + "\r\n"
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_file_without_usable_rows_fails_and_is_not_remembered() {
    on_each_database(|setup| {
        let time = now() - 600;
        for (name, text, advice) in [
            ("bad.csv", format!("icao24,last_contact\nnobody,{time}\n4b1814,soon\n"), "every row is invalid"),
            ("bad.ndjson", "{\"icao24\":\"nobody\",\"last_contact\":1}\n".to_owned(), "every row is invalid"),
            ("old.csv", "icao24,last_contact\n4b1814,1000000000\n".to_owned(), "--database-retention"),
            ("header.csv", "icao24,last_contact\n".to_owned(), "no rows"),
            ("unknown.csv", "a,b\n1,2\n".to_owned(), "no column icao24; found: a, b"),
            ("empty.csv", String::new(), "the file is empty"),
        ] {
            let file = write(setup, name, &text);
            for attempt in ["first", "second"] {
                let import = setup.clone().arguments(["import", &file]).run();
                assert_eq!(import.code, Some(1), "{name}, {attempt}: {:?}", import.log);
                assert!(import.last_line().contains(advice), "{name}, {attempt}: {:?}", import.log);
                assert!(import.last_line().contains(name), "{:?}", import.log);
            }
            // Together with a valid file, the summary at the end names the failed one.
            let good = write(setup, &format!("{name}-good.csv"), &format!("icao24,last_contact\na0000a,{time}\n"));
            let import = setup.clone().arguments(["import", &file, &good]).run();
            assert_eq!(import.code, Some(1));
            assert!(import.last_line().contains("1 of 2 files were not imported: "), "{:?}", import.log);
        }
        let positions = setup.database().pairs(
            "SELECT topic AS text, count(*) AS number FROM ingest_position GROUP BY topic",
            "SELECT topic AS text, count(*) AS number FROM ingest_position GROUP BY topic",
        );
        assert_eq!(positions, [("import".to_owned(), 1)]);
        // A response without rows is valid.
        let response = write(setup, "null.json", &format!("{{\"time\":{time},\"states\":null}}"));
        assert_eq!(setup.clone().arguments(["import", &response]).run().code, Some(0));
    });
}

#[test]
fn a_file_wrongly_marked_done_by_an_older_version_is_read_again() {
    let setup = Setup::bare();
    let time = now() - 600;
    let file = write(&setup, "one.csv", &format!("icao24,last_contact\n4b1814,{time}\n"));
    let import = setup.clone().arguments(["import", &file]);
    assert_eq!(import.run().code, Some(0));
    // The state left by an older version that could not read the row.
    setup.database().execute("DELETE FROM state_vectors_scaled");
    setup.database().execute("UPDATE ingest_position SET last_timestamp = 0");
    let again = import.run();
    assert!(summary_line(&again.log).contains("inserted=1"), "{:?}", again.log);
    let done = import.run();
    assert!(
        summary_line(&done.log).contains("inserted=0") && summary_line(&done.log).contains("passed_over=1"),
        "{:?}",
        done.log
    );
}

#[test]
fn files_from_spreadsheets_and_opensky_are_imported() {
    let setup = Setup::bare();
    let spreadsheet = shifted_to_now(&std::fs::read_to_string(dataset("excel-saved.csv")).unwrap(), 1_796_007_527);
    let spreadsheet = write(&setup, "excel.csv", &spreadsheet);
    let import = setup.clone().arguments(["import", &spreadsheet]).run();
    assert!(summary_line(&import.log).contains("inserted=5 duplicates=0 too_old=0 bad=0"), "{:?}", import.log);
    let dump = shifted_to_now(&std::fs::read_to_string(dataset("opensky-states-dump.csv")).unwrap(), 1_796_007_538);
    let dump = write(&setup, "dump.csv", &dump);
    let setup = Setup::bare();
    let import = setup.clone().arguments(["import", &dump]).run();
    assert_eq!(import.code, Some(0), "{:?}", import.log);
    assert!(summary_line(&import.log).contains("inserted=8 duplicates=0 too_old=0 bad=0"), "{:?}", import.log);
    assert!(values(&setup).iter().any(|(text, _)| text == "484b03 KLM9 52.31 true -"), "{:?}", values(&setup));
}

#[test]
fn an_export_in_each_format_imports_the_same_rows() {
    let time = now() - 600;
    let first = Setup::bare();
    let rows = format!(
        "icao24,callsign,origin_country,lat,lon,velocity,true_track,vertical_rate,baro_altitude,geo_altitude,on_ground,\
         squawk,spi,position_source,category,time_position,last_contact,observed_at\n\
         4b1814,\"A,\"\"B\",Schweiz/Suisse,47.1234567890123,-8.5,0,359.9,-0.325,1e4,-30.5,true,0077,false,0,-1,{time},{time},{time}\n\
         3c6444,,,,,,,,,,,,,,,,{time},\n"
    );
    let file = write(&first, "rows.csv", &rows);
    assert_eq!(first.clone().arguments(["import", &file]).run().code, Some(0));
    let values: Vec<_> = FIELDS.iter().map(|field| format!("coalesce({}, '-')", field.name)).collect();
    let text =
        &format!("SELECT {} AS text, last_contact AS number FROM state_vectors ORDER BY 1", values.join(" || '|' || "));
    let expected = first.database().pairs(text, text);
    assert_eq!(expected.len(), 2);
    for format in ["parquet", "double.parquet", "csv", "ndjson"] {
        let exported = first.directory().join(format!("out.{format}")).display().to_string();
        let from = (time - 1).to_string();
        let numbers: &[&str] = if format == "double.parquet" { &["--numbers", "double"] } else { &[] };
        let arguments = ["export", "--from", &from, &exported].into_iter().chain(numbers.iter().copied());
        let export = first.clone().arguments(arguments).run();
        assert_eq!(export.code, Some(0), "{:?}", export.log);
        let second = Setup::bare();
        let import = second.clone().arguments(["import", &exported]).run();
        assert_eq!(import.code, Some(0), "{format}: {:?}", import.log);
        assert_eq!(second.database().pairs(text, text), expected, "{format}");
    }
}

#[test]
fn a_pipe_is_imported_and_remembered_like_a_file() {
    let setup = Setup::bare();
    let time = now() - 600;
    let text = format!("icao24,last_contact\n4b1814,{time}\n");
    let pipe = setup.directory().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let writer = std::thread::spawn({
        let (pipe, text) = (pipe.clone(), text.clone());
        move || std::fs::write(pipe, text).unwrap()
    });
    let import = setup.clone().arguments(["import", pipe.to_str().unwrap()]).run();
    writer.join().unwrap();
    assert_eq!(import.code, Some(0), "{:?}", import.log);
    assert!(summary_line(&import.log).contains("inserted=1"), "{:?}", import.log);
    let file = write(&setup, "file.csv", &text);
    let again = setup.clone().arguments(["import", &file]).run();
    assert!(summary_line(&again.log).contains("passed_over=1"), "{:?}", again.log);
}

#[test]
fn a_file_of_an_unsupported_format_is_named_in_the_error() {
    let setup = Setup::bare();
    let utf16: Vec<u8> = "\u{feff}icao24,last_contact\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, content, advice) in [
        ("book.xlsx", &b"PK\x03\x04\x14\0"[..], "save the sheet as CSV"),
        ("utf16.csv", &utf16, "UTF-16"),
        ("cut.csv.zst", b"\x28\xb5\x2f\xfd\0", "the zstd data ends too early"),
        ("cut.csv.gz", b"\x1f\x8b\x08", "the gzip data ends too early"),
        ("cut.parquet", b"PAR1", "invalid Parquet"),
    ] {
        let path = setup.directory().join(name);
        std::fs::write(&path, content).unwrap();
        let import = setup.clone().arguments(["import", path.to_str().unwrap()]).run();
        assert_eq!(import.code, Some(1), "{name}");
        assert!(import.last_line().contains(advice) && import.last_line().contains(name), "{:?}", import.log);
    }
}

#[test]
fn without_a_database_an_import_fails_with_the_reason() {
    let setup = Setup::bare().set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let file = write(&setup, "one.csv", "icao24,last_contact\n4b1814,1\n");
    let import = setup.arguments(["import", &file]).run();
    assert_eq!(import.code, Some(1));
    assert!(import.last_line().contains("database unavailable"), "{}", import.last_line());
}
