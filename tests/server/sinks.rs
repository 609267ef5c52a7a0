//! The sinks: every record on Kafka is in a sink once, whenever the process is killed.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{Key, Setup, Sky, eventually};

const ACTOR: &str = "sink-json-lines";

/// Writes JSON lines into `lines` in the working directory.
fn with_json_lines(setup: Setup) -> Setup {
    setup.set("JSON_LINES_DIRECTORY", "lines")
}

/// Returns all lines of the sink, sorted.
fn lines(setup: &Setup) -> Vec<String> {
    let Ok(entries) = fs::read_dir(setup.directory().join("lines")) else { return Vec::new() };
    let files = entries.map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let mut lines: Vec<_> = files
        .flat_map(|file| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.sort();
    lines
}

/// Returns the key of the state vector in a line.
fn key(line: &str) -> Key {
    let state: Value = serde_json::from_str(line).unwrap();
    (state["icao24"].as_str().unwrap().to_owned(), state["last_contact"].as_i64().unwrap())
}

/// Returns the values of all records in Kafka, sorted.
fn messages(setup: &Setup) -> Vec<String> {
    let values = setup.topic().records().into_iter().filter_map(|record| record.value);
    let mut values: Vec<_> = values.map(|value| String::from_utf8(value).unwrap()).collect();
    values.sort();
    values
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_killed_process_writes_every_message_to_the_json_lines_once() {
    let sky = Sky::with(300, 100);
    let setup = with_json_lines(Setup::real().watching(&sky));
    for failpoint in ["sink-appended=2*off->return", "sink-saved=1*off->return", "sink-appended=return"] {
        let mut doomed = setup.clone().failpoints(failpoint).start();
        assert_eq!(doomed.wait_exit(), None, "{failpoint}: exited instead of being killed");
    }
    let app = setup.start();
    sky.wait_polls(3);
    sky.fail_polls();
    app.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let messages = messages(&setup);
    eventually("every message is written", || (lines(&setup).len() >= messages.len()).then_some(()));
    assert!(lines(&setup) == messages, "{} lines, {} messages", lines(&setup).len(), messages.len());
    app.wait_actor(ACTOR, "has no lag", |actor| actor["observation"]["lag"] == 0);
    assert_eq!(app.part(ACTOR).unwrap()["ready"], true);
    assert!(app.sample("consumed_total{kind=\"json-lines\"}") > Some(0.0));
    app.end();
}

#[test]
fn a_shutdown_writes_everything_in_the_embedded_broker() {
    let sky = Sky::with(300, 100);
    let setup = with_json_lines(Setup::embedded().watching(&sky));
    let app = setup.start();
    sky.wait_polls(3);
    app.end();
    // A response that arrived too late to be accepted is in neither.
    let rows = setup.database().rows();
    let written = lines(&setup).iter().map(|line| key(line)).collect::<BTreeSet<_>>();
    assert!(written.len() >= 300, "{} lines", written.len());
    assert!(written == rows, "{} keys in the lines, {} rows", written.len(), rows.len());
    assert!(rows.is_subset(&sky.served()));
}

#[test]
fn an_unwritable_sink_is_reported_and_delays_nothing() {
    let sky = Sky::of(50);
    let setup = with_json_lines(Setup::embedded().watching(&sky));
    fs::write(setup.directory().join("lines"), "a file, not a folder").unwrap();
    let app = setup.start();
    app.wait_aircraft(50);
    let sink = app.wait_actor(ACTOR, "reports the failure", |actor| !actor["last_error"].is_null());
    let text = sink.to_string();
    assert!(text.contains("refused: failed to create lines: File exists"), "{text}");
    assert!(app.lines_with("refused: failed to create lines") > 0);
    fs::remove_file(setup.directory().join("lines")).unwrap();
    app.wait_actor(ACTOR, "writes records", |actor| actor["observation"]["records"] != 0);
    assert!(!lines(&setup).is_empty());
    app.end();
}
