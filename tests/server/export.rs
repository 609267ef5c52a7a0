//! Exports of the history to files.

use std::fs::{self, File};
use std::path::Path;

use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};

use crate::support::{Setup, Sky, TestApp};

/// Runs a server until it has stored some polls of fifty aircraft, and returns the history as its API served it.
fn with_a_history(setup: &Setup) -> String {
    let sky = Sky::of(50);
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(4);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    let rows = app.get("/api/v1/history").text();
    TestApp::end(app);
    rows
}

/// Converts a decimal of up to nine digits, which is an `INT32` in the file.
fn as_number(decimal: &Decimal) -> f64 {
    let Decimal::Int32 { value, precision: 9, scale } = decimal else { panic!("{decimal:?}") };
    format!("{}e-{scale}", i32::from_be_bytes(*value)).parse().unwrap()
}

/// Converts a row of a Parquet file to the JSON of the API.
fn as_json(row: &Row) -> Value {
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Short(code) => json!(code),
        Field::Double(number) => json!(number),
        Field::Decimal(decimal) => json!(as_number(decimal)),
        Field::Str(text) => json!(text),
        Field::TimestampMillis(millis) => {
            assert_eq!(millis % 1000, 0);
            json!(millis / 1000)
        }
        other => panic!("unexpected column type: {other:?}"),
    };
    row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn the_whole_history_is_exported_from_either_database() {
    for setup in [Setup::embedded(), Setup::real()] {
        let rows = with_a_history(&setup);
        let export = |arguments: &[&str]| {
            setup
                .clone()
                .arguments(
                    ["export", "--from", "2020-01-01T00:00:00Z", "--to", "4000000000"].iter().chain(arguments).copied(),
                )
                .run()
        };
        for name in [&["all.parquet"][..], &["doubles.parquet", "--numbers", "double"], &["all.ndjson"], &["all.csv"]] {
            let ended = export(name);
            assert_eq!(ended.code, Some(0), "{:?}", ended.log);
            assert!(ended.last_line().contains("exported"), "{:?}", ended.log);
        }
        let file = |name: &str| setup.directory().join(name);
        assert_eq!(fs::read_to_string(file("all.ndjson")).unwrap(), rows);
        assert_eq!(fs::read_to_string(file("all.csv")).unwrap().lines().count(), rows.lines().count() + 1);
        let mut expected: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        expected.sort_by_key(|row| (row["icao24"].as_str().map(str::to_owned), row["last_contact"].as_i64()));
        for name in ["all.parquet", "doubles.parquet"] {
            let parquet = SerializedFileReader::new(File::open(file(name)).unwrap()).unwrap();
            let read: Vec<_> = parquet.get_row_iter(None).unwrap().map(|row| as_json(&row.unwrap())).collect();
            assert_eq!(read, expected, "{name}");
        }

        // An existing file is not overwritten, and no partial file is left.
        let again = export(&["all.csv"]);
        assert_eq!(again.code, Some(1));
        assert!(again.last_line().contains("all.csv already exists; use --force"), "{}", again.last_line());
        let (icao24, before) = (expected[0]["icao24"].as_str().unwrap(), fs::read(file("all.csv")).unwrap());
        assert_eq!(export(&["all.csv", "--force", "--icao24", icao24]).code, Some(0));
        let part = fs::read_to_string(file("all.csv")).unwrap();
        let own = expected.iter().filter(|row| row["icao24"] == icao24).count();
        assert_eq!(part.lines().count(), own + 1);
        assert!(part.len() < before.len());
        let names = names_in(setup.directory());
        assert!(names.iter().all(|name| !name.contains("partial")), "{names:?}");
    }
}

#[test]
fn what_is_known_about_the_aircraft_can_be_added() {
    let setup = Setup::bare();
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/readsb/trace_full_ac671b.json");
    let import = ["import", "--database-retention", "36500d", trace.to_str().unwrap()];
    assert_eq!(setup.clone().arguments(import).run().code, Some(0));
    let table = setup.directory().join("aircraft.csv");
    fs::write(&table, "icao24,type,operator\nac671b,B738,\"Testair, Inc.\"\n").unwrap();
    let export = |arguments: &[&str]| {
        let arguments = ["export", "--from", "0", "--aircraft"].iter().chain(arguments).copied();
        setup.clone().set("ENRICHMENT_AIRCRAFT_TABLE", table.to_str().unwrap()).arguments(arguments).run()
    };
    for name in ["all.csv", "all.ndjson", "all.parquet"] {
        let ended = export(&[name]);
        assert_eq!(ended.code, Some(0), "{:?}", ended.log);
        let import = setup.clone().arguments(["import", "--database-retention", "36500d", name]).run();
        assert_eq!(import.code, Some(0), "{name}: {:?}", import.log);
    }
    let first =
        |name: &str| fs::read_to_string(setup.directory().join(name)).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(first("all.csv").ends_with(",N899DN,B738,\"Testair, Inc.\","), "{}", first("all.csv"));
    let known = r#","registration":"N899DN","type":"B738","operator":"Testair, Inc.","airline":null}"#;
    assert!(first("all.ndjson").ends_with(known), "{}", first("all.ndjson"));
    assert_eq!(export(&["--columns", "traffic", "traffic.parquet"]).code, Some(0));
    for (name, of_type) in [("all.parquet", "type"), ("traffic.parquet", "typecode")] {
        let file = SerializedFileReader::new(File::open(setup.directory().join(name)).unwrap()).unwrap();
        let row = file.get_row_iter(None).unwrap().next().unwrap().unwrap();
        let values: Vec<_> = row.get_column_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let of_type = format!("{of_type}=\"B738\"");
        let expected = ["registration=\"N899DN\"", &of_type, "operator=\"Testair, Inc.\"", "airline=null"];
        assert_eq!(values[values.len() - 4..], expected);
    }
    fs::write(&table, "nonsense").unwrap();
    let refused = export(&["other.csv"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.last_line().contains("enrichment.aircraft_table"), "{:?}", refused.log);
    assert!(!setup.directory().join("other.csv").exists());
}

#[test]
fn an_export_for_traffic_has_its_names_and_units() {
    let setup = Setup::bare();
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/readsb/trace_full_ac671b.json");
    let import = ["import", "--database-retention", "36500d", trace.to_str().unwrap()];
    assert_eq!(setup.clone().arguments(import).run().code, Some(0));
    for name in ["traffic.parquet", "traffic.csv"] {
        let export = ["export", "--from", "0", "--columns", "traffic", name];
        let ended = setup.clone().arguments(export).run();
        assert_eq!(ended.code, Some(0), "{:?}", ended.log);
        // It would be imported with other units.
        let import = setup.clone().arguments(["import", name]).run();
        assert_eq!(import.code, Some(1));
        assert!(import.last_line().contains("traffic, in feet and knots"), "{:?}", import.log);
    }
    let csv = fs::read_to_string(setup.directory().join("traffic.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "timestamp,icao24,callsign,latitude,longitude,altitude,geoaltitude,groundspeed,track,vertical_rate,\
             onground,squawk,spi,last_position"
        )
    );
    // The trace has 32000 ft, 33825 ft, 478.6 kt, 327.8 degrees and 0 ft/min.
    let first = "2025-02-04 21:13:42+00:00,ac671b,,16.777359,-88.036868,32000.0,33825.0,478.59,327.8,0.0,False,,,\
                 2025-02-04 21:13:42+00:00";
    assert_eq!(lines.next(), Some(first));
    let file = SerializedFileReader::new(File::open(setup.directory().join("traffic.parquet")).unwrap()).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 2_481);
    let row = file.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let values: Vec<_> = row.get_column_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "timestamp=2025-02-04 21:13:42.000 +00:00",
        "icao24=\"ac671b\"",
        "callsign=null",
        "latitude=16.777359",
        "longitude=-8.8036868E1",
        "altitude=32000.0",
        "geoaltitude=33825.0",
        "groundspeed=478.59",
        "track=327.8",
        "vertical_rate=0E0",
        "onground=false",
        "squawk=null",
        "spi=null",
        "last_position=2025-02-04 21:13:42.000 +00:00",
    ];
    assert_eq!(values, expected);
}

#[test]
fn an_impossible_export_fails_with_the_reason() {
    let setup = Setup::bare();
    for (arguments, code, reason) in [
        (&["--from", "1", "history.xlsx"][..], 1, "history.xlsx: unknown file extension; expected .parquet"),
        (&["--from", "2", "--to", "1", "history.csv"], 1, "--from 2 is after --to 1"),
        (&["--from", "1", "-"], 2, "--format"),
        (&["--from", "1", "--format", "xlsx", "-"], 2, "expected csv, ndjson or parquet"),
        (&["--from", "1", "--numbers", "double", "history.csv"], 2, "--numbers is for Parquet"),
        (&["--from", "1", "--numbers", "decimal", "--format", "ndjson", "a.parquet"], 2, "--numbers is for Parquet"),
        (&["--from", "1", "--columns", "traffic", "a.ndjson"], 2, "--columns is for CSV and Parquet"),
        (&["--from", "1", "--columns", "traffic", "--fields", "lat", "a.csv"], 2, "cannot be used with"),
        (&["--from", "1", "--numbers", "float", "a.parquet"], 2, "[possible values: decimal, double]"),
        (&["--from", "yesterday", "history.csv"], 2, "yesterday"),
        (&["history.csv"], 2, "--from"),
    ] {
        let ended = setup.clone().arguments(["export"].iter().chain(arguments).copied()).run();
        assert_eq!(ended.code, Some(code), "{arguments:?}: {:?}", ended.log);
        assert!(ended.log.join("\n").contains(reason), "{arguments:?}: {:?}", ended.log);
        assert_eq!(names_in(setup.directory()), [""; 0], "{arguments:?}");
    }
}

#[test]
fn export_of_a_missing_database_creates_no_file_and_names_it() {
    let setup = Setup::bare();
    fs::write(setup.directory().join("notes.txt"), "not a database, and longer than the header of one ".repeat(20))
        .unwrap();
    fs::write(setup.directory().join("empty.db"), "").unwrap();
    let before = names_in(setup.directory());
    for (path, reason) in [
        ("data/flight-monitor.db", "No such file"),
        ("missing folder/typo.db", "No such file"),
        ("notes.txt", "not a database"),
        ("empty.db", "no such table"),
        (".", "not a file"),
    ] {
        let setup = setup.clone().set("DATABASE_URL", &format!("sqlite://{path}"));
        for target in [&["history.csv"][..], &["--format", "csv", "-"]] {
            let ended = setup.clone().arguments(["export", "--from", "1"].iter().chain(target).copied()).run();
            assert_eq!((ended.code, &*ended.output), (Some(1), ""), "{path}: {:?}", ended.log);
            let last = ended.last_line();
            assert!(last.contains("database.url") && last.contains(path) && last.contains(reason), "{path}: {last}");
            assert_eq!(names_in(setup.directory()), before, "{path}");
        }
    }
}

#[test]
fn an_export_does_not_modify_the_database_and_has_the_filters_of_the_api() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    sky.wait_polls(4);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    let states = app.get("/api/v1/history").text();
    let state: Value = serde_json::from_str(states.lines().last().unwrap()).unwrap();
    let (icao24, callsign) = (state["icao24"].as_str().unwrap(), state["callsign"].as_str().unwrap());
    let to_stdout = |filter: &[(&str, &str)]| {
        let filter = filter.iter().map(|(name, value)| format!("--{name}={value}")).collect::<Vec<_>>();
        let fixed = ["export", "--from", "2020-01-01T00:00:00Z", "--to", "4000000000", "--format", "ndjson", "-"];
        setup.clone().arguments(fixed.into_iter().chain(filter.iter().map(String::as_str))).run()
    };
    let data = setup.directory().join("data");
    let filters: [&[_]; 5] = [
        &[],
        &[("icao24", icao24)],
        &[("callsign", callsign), ("fields", "last_contact,callsign,lat")],
        &[("bbox", "-90,-180,90,0"), ("fields", "icao24,lon")],
        &[("callsign", "NOBODY")],
    ];
    // First while a server has the database file open, then below after it has ended.
    let answers: Vec<_> = filters
        .iter()
        .map(|filter| {
            let query: Vec<_> = filter.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = app.get(&format!("/api/v1/history?{}", query.join("&"))).text();
            assert_eq!(to_stdout(filter).output, answer.trim_end(), "{filter:?}");
            answer
        })
        .collect();
    for (name, value) in
        [("icao24", "xyz"), ("bbox", "1,2,3"), ("fields", "latitude"), ("callsign", ""), ("from", "yesterday")]
    {
        let refused = app.get(&format!("/api/v1/history?{name}={value}")).json()["detail"].clone();
        let reason = refused.as_str().unwrap().strip_prefix(&format!("{name}: ")).unwrap();
        let ended = setup.clone().arguments(["export", "--format=csv", "-", &format!("--{name}={value}")]).run();
        assert_eq!(ended.code, Some(2), "{name}: {:?}", ended.log);
        assert!(ended.log.join("\n").contains(reason), "{name}: {reason}: {:?}", ended.log);
    }
    app.end();
    let file = || fs::read(data.join("flight-monitor.db")).unwrap();
    let (names, content) = (names_in(&data), file());
    for (filter, answer) in filters.iter().zip(answers) {
        assert_eq!(to_stdout(filter).output, answer.trim_end(), "{filter:?}");
    }
    assert!(names_in(&data) == names && file() == content, "{:?} instead of {names:?}", names_in(&data));
}
