//! The values of recorded answers, compared in every place that they can be read from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::archive;
use crate::support::{Database, Setup, eventually};
use crate::timescale::timescale;

#[test]
#[ignore = "needs Kafka, PostgreSQL and TimescaleDB: run it by `make test`"]
fn recorded_values_are_published_stored_and_archived_to_the_last_decimal() {
    for answer in recorded_answers() {
        for database in [Database::postgres(), timescale()] {
            let setup = Setup::real()
                .on(&database)
                .set("SERVER_ROLES", "store,archive")
                .set("ARCHIVE_URL", "archive")
                .set("ARCHIVE_MAX_DELAY", "1s")
                .set("DATABASE_RETENTION", "36500d");
            let topic = setup.topic();
            let app = setup.start();
            app.wait_ready();
            let replay = setup.clone().arguments(["replay", "--original-times", answer.to_str().unwrap()]).run();
            assert_eq!(replay.code, Some(0), "{:?}", replay.log);

            let published: Vec<_> = topic.records().iter().map(|record| record.json().to_string()).collect();
            assert_rows_of(&answer, published.join("\n").as_bytes());

            database.wait_rows(&topic.states());
            let stored = app.get("/api/v1/history?from=0&to=4000000000").text();
            assert_eq!(stored.lines().count(), published.len());
            assert_rows_of(&answer, stored.as_bytes());

            eventually("every record is in the archive", || {
                (archive::rows(&setup).len() >= published.len()).then_some(())
            });
            let archived = archive::rows(&setup);
            assert_eq!(archived.len(), published.len());
            assert_rows_of(&answer, archived.join("\n").as_bytes());
            app.end();
        }
    }
}

/// Returns each recorded answer of `/states/all`, except those without rows.
fn recorded_answers() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/data/opensky", "simulator/tests/data"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let is_answer = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".json") && !name.starts_with("states-null")
    };
    files.filter(is_answer).collect()
}

#[test]
fn recorded_answers_survive_export_and_import_to_the_last_decimal() {
    let answers = recorded_answers();
    assert!(answers.len() >= 3, "{answers:?}");
    for answer in answers {
        let setup = || Setup::bare().set("DATABASE_RETENTION", "36500d");
        let import = |setup: &Setup, file: &Path| {
            let import = setup.clone().arguments(["import", "--max-bad", "1000", file.to_str().unwrap()]).run();
            assert_eq!(import.code, Some(0), "{}: {:?}", file.display(), import.log);
        };
        let export = |setup: &Setup, file: &str, numbers: &[&str]| {
            let fixed = ["export", "--from", "0", "--to", "4000000000", file];
            let export = setup.clone().arguments(fixed.into_iter().chain(numbers.iter().copied())).run();
            assert_eq!(export.code, Some(0), "{:?}", export.log);
            std::fs::read(setup.directory().join(file)).unwrap()
        };
        let first = setup();
        import(&first, &answer);
        let lines = export(&first, "rows.ndjson", &[]);
        assert_rows_of(&answer, &lines);
        for numbers in [&[][..], &["--numbers", "double"]] {
            let file = export(&first, "rows.parquet", &[numbers, &["--force"]].concat());
            let second = setup();
            import(&second, &first.directory().join("rows.parquet"));
            assert!(export(&second, "rows.ndjson", &[]) == lines, "{}", answer.display());
            assert!(export(&second, "again.parquet", numbers) == file, "{}", answer.display());
        }
    }
}

/// Compares exported rows with those of a recorded answer.
fn assert_rows_of(answer: &Path, lines: &[u8]) {
    const COLUMNS: [&str; 18] = [
        "icao24",
        "callsign",
        "origin_country",
        "time_position",
        "last_contact",
        "lon",
        "lat",
        "baro_altitude",
        "on_ground",
        "velocity",
        "true_track",
        "vertical_rate",
        "sensors",
        "geo_altitude",
        "squawk",
        "spi",
        "position_source",
        "category",
    ];
    let answer: Value = serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap();
    let served: BTreeMap<&str, &Vec<Value>> = answer["states"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| Some((row[0].as_str()?, row.as_array()?)))
        .collect();
    let mut rows = 0;
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_slice(line).unwrap();
        let served = served[row["icao24"].as_str().unwrap()];
        for (column, value) in COLUMNS.iter().zip(served).filter(|(column, _)| **column != "sensors") {
            let same = match (&row[*column], value) {
                (Value::String(stored), Value::String(served)) => stored == served.trim(),
                (Value::Null, Value::String(served)) => served.trim().is_empty(),
                (Value::Number(stored), Value::Number(served)) => stored.as_f64() == served.as_f64(),
                (stored, served) => stored == served,
            };
            assert!(same, "{column}: {row} instead of {served:?}");
        }
        rows += 1;
    }
    assert!(rows > 0 && rows <= served.len(), "{rows}");
}
