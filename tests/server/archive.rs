//! The archive: every record on Kafka is in one file, whenever a process is killed and however many there are.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::domain::StateVector;
use flight_monitor::files::parquet::ParquetRows;
use serde_json::{Value, json};

use crate::support::{Setup, Sky, TestApp, Topic, eventually, key, now, variable};

const ACTOR: &str = "sink-archive";

/// Returns the setup of processes with only the role `archive`, which write into the folder `archive`, and the topic.
fn archiving() -> (Setup, Topic) {
    let setup = Setup::embedded()
        .on_kafka(&variable("TEST_KAFKA"))
        .set("SERVER_ROLES", "archive")
        .set("ARCHIVE_URL", "archive")
        .set("ARCHIVE_MAX_DELAY", "1s");
    let topic = setup.topic();
    topic.create_with(3);
    (setup, topic)
}

fn folder(setup: &Setup) -> PathBuf {
    setup.directory().join("archive")
}

/// Publishes this many records with all kinds of fields, in three hours. Some are late by days.
fn publish(topic: &Topic, count: i64) {
    let start = now() / 3_600 * 3_600 - 7_200;
    let record = |index: i64| {
        let late = if index % 50 == 49 { 3 * 86_400 } else { 0 };
        let time = start + index % 3 * 3_600 + index % 1_000 - late;
        let icao24 = format!("{:06x}", 0x4b_0000 + index % 97);
        let number = |scale: f64| (index as f64 * 7.0 % 1_000.0) / scale;
        let value = json!({
            "icao24": icao24, "callsign": format!("SWR{index}"), "origin_country": "Switzerland", "lat": number(1e4),
            "lon": -number(1e3), "velocity": number(10.0), "true_track": number(100.0), "vertical_rate": -number(1e2),
            "baro_altitude": number(1.0), "geo_altitude": null, "on_ground": index % 2 == 0, "squawk": "1000",
            "spi": false, "position_source": index % 4, "category": 3, "time_position": time - 2, "last_contact": time,
            "observed_at": time + 1,
        });
        (icao24, Some(value.to_string().into_bytes()))
    };
    let records: Vec<_> = (0..count).map(record).collect();
    let keyed: Vec<_> = records.iter().map(|(key, value)| (Some(&**key), value.clone())).collect();
    topic.write(None, &keyed);
}

fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(parquet_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files
}

/// Returns all rows, sorted. Each must be in the folder of its hour.
pub(crate) fn rows(setup: &Setup) -> Vec<String> {
    let mut all = Vec::new();
    for path in parquet_files(&folder(setup)) {
        let mut rows = ParquetRows::new(File::open(&path).unwrap(), Arc::default()).unwrap();
        while let Some(row) = rows.next_row().unwrap() {
            let row = row.unwrap();
            let hour = time::OffsetDateTime::from_unix_timestamp(row.last_contact.0).unwrap();
            let place = format!("/date={}/hour={:02}/", hour.date(), hour.hour());
            assert!(path.to_str().unwrap().contains(&place), "{}: {row:?}", path.display());
            all.push(serde_json::to_string(&row).unwrap());
        }
    }
    all.sort();
    all
}

/// Returns the records on Kafka, sorted, in the form of [`rows`].
fn records(topic: &Topic) -> Vec<String> {
    let record = |value: Value| serde_json::from_value::<StateVector>(value).unwrap();
    let mut all: Vec<_> = topic.records().iter().map(|it| serde_json::to_string(&record(it.json())).unwrap()).collect();
    all.sort();
    all
}

/// Waits until the files have as many rows as Kafka has records, and compares them.
fn assert_archived(setup: &Setup, topic: &Topic) {
    let expected = records(topic);
    eventually("every record is in the archive", || (rows(setup).len() >= expected.len()).then_some(()));
    let found = rows(setup);
    assert!(found == expected, "{} rows, {} records", found.len(), expected.len());
}

fn observed(app: &TestApp, member: &str) -> Option<u64> {
    app.actor(ACTOR)["observation"][member].as_u64()
}

fn buffered(app: &TestApp) -> Option<u64> {
    app.actor(ACTOR)["observation"]["buffer"]["records"].as_u64()
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_killed_process_archives_every_record_once() {
    let (setup, topic) = archiving();
    for failpoint in [
        "archive-staged=return",
        "archive-committed=return",
        "archive-moved=return",
        "archive-staged=1*off->return",
        "archive-moved=3*off->return",
    ] {
        publish(&topic, 2_000);
        let mut doomed = setup.clone().failpoints(failpoint).start();
        assert_eq!(doomed.wait_exit(), None, "{failpoint}: exited instead of being killed");
    }
    let app = setup.start();
    assert_archived(&setup, &topic);
    app.wait_actor(ACTOR, "everything is flushed", |actor| {
        actor["observation"]["lag"] == 0 && actor["observation"]["buffer"]["records"] == 0
    });
    assert_eq!(app.part(ACTOR).unwrap()["ready"], true);
    let buffer = app.actor(ACTOR)["observation"]["buffer"].clone();
    assert!(buffer["files"].as_u64() > Some(0) && buffer["oldest"].is_null(), "{buffer}");
    for metric in
        ["sink_files_total", "sink_rows_total", "sink_written_bytes_total", "sink_last_flush_timestamp_seconds"]
    {
        assert!(app.sample(&format!("{metric}{{kind=\"archive\"}}")) > Some(0.0), "{metric}");
    }
    assert_eq!(app.sample("sink_buffered_records{kind=\"archive\"}"), Some(0.0));
    // Only what is in files is committed.
    let committed = || topic.committed(&format!("{}-archive", setup.group())).values().sum::<i64>();
    eventually("the offsets are committed", || (committed() == 10_000).then_some(()));
    app.end();
    assert_eq!(parquet_files(&folder(&setup).join("_staging")).len(), 0);
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn processes_share_the_partitions_through_kills_and_rebalances() {
    let (setup, topic) = archiving();
    publish(&topic, 3_000);
    let partitions = |app: &TestApp| app.actor(ACTOR)["observation"]["partitions"].as_array().map_or(0, Vec::len);
    let (first, second) = (setup.start(), setup.start());
    for app in [&first, &second] {
        app.wait_actor(ACTOR, "has some partitions", |_| (1..3).contains(&partitions(app)));
    }
    publish(&topic, 3_000);
    second.kill_9();
    first.wait_actor(ACTOR, "has every partition", |_| partitions(&first) == 3);
    publish(&topic, 3_000);
    let third = setup.start();
    publish(&topic, 3_000);
    third.wait_actor(ACTOR, "has some partitions", |_| partitions(&third) > 0);
    first.end();
    assert_archived(&setup, &topic);
    third.end();
    assert_archived(&setup, &topic);
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn an_orderly_shutdown_archives_what_was_read() {
    let (setup, topic) = archiving();
    let setup = setup.set("ARCHIVE_MAX_DELAY", "1h");
    publish(&topic, 2_000);
    let app = setup.start();
    eventually("everything is read", || (observed(&app, "records") == Some(2_000)).then_some(()));
    assert_eq!((buffered(&app), rows(&setup).len()), (Some(2_000), 0));
    assert_eq!(app.sample("sink_buffered_records{kind=\"archive\"}"), Some(2_000.0));
    assert_eq!(topic.committed(&format!("{}-archive", setup.group())).len(), 0);
    app.end();
    assert!(rows(&setup) == records(&topic));
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn an_invalid_commit_record_is_reported_until_it_is_restored() {
    let (setup, topic) = archiving();
    publish(&topic, 500);
    let app = setup.start();
    assert_archived(&setup, &topic);
    app.end();
    let commits = folder(&setup).join("_commits");
    let cluster = fs::read_dir(&commits).unwrap().next().unwrap().unwrap().path();
    let mut newest: Vec<_> = fs::read_dir(cluster.join(topic.name()).join("1")).unwrap().collect();
    newest.sort_by_key(|entry| entry.as_ref().unwrap().path());
    let newest = newest.pop().unwrap().unwrap().path();
    let content = fs::read(&newest).unwrap();
    fs::write(&newest, "{\"version\":").unwrap();
    let app = setup.start();
    app.wait_actor(ACTOR, "reports the record", |actor| {
        let error = actor["last_error"]["message"].as_str().unwrap_or_default();
        let name = newest.file_name().unwrap().to_str().unwrap();
        error.starts_with("refused: archive: _commits/") && error.contains(name) && error.contains("is invalid")
    });
    assert_eq!(app.part(ACTOR).unwrap()["ready"], false);
    fs::write(&newest, content).unwrap();
    publish(&topic, 500);
    assert_archived(&setup, &topic);
    app.wait_ready();
    app.end();
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_compaction_that_is_killed_is_finished_by_the_next_one() {
    let (setup, topic) = archiving();
    publish(&topic, 2_000);
    let app = setup.start();
    assert_archived(&setup, &topic);
    publish(&topic, 2_000);
    assert_archived(&setup, &topic);
    app.end();
    let expected = records(&topic);
    let compact = setup.clone().arguments(["archive", "compact", "--recent"]);
    let before = parquet_files(&folder(&setup)).len();
    fs::write(parquet_files(&folder(&setup))[0].with_file_name("foreign.parquet"), "not ours").unwrap();
    let own = |setup: &Setup| {
        let mut files = parquet_files(&folder(setup));
        files.retain(|file| !file.ends_with("foreign.parquet"));
        files
    };
    for failpoint in ["compact-staged", "compact-recorded", "compact-deleted=1*off->return", "compact-moved"] {
        let failpoint = if failpoint.contains('=') { failpoint.to_owned() } else { format!("{failpoint}=return") };
        let ended = compact.clone().failpoints(&failpoint).run();
        assert_eq!(ended.code, None, "{failpoint}: {:#?}", ended.log);
        assert!(
            own(&setup).len() < before
                || failpoint.starts_with("compact-staged")
                || failpoint.starts_with("compact-recorded")
        );
    }
    // Any archiving process finishes what was interrupted, at its start.
    let app = setup.start();
    app.wait_actor(ACTOR, "reads", |actor| actor["observation"]["lag"] == 0);
    app.end();
    let ended = compact.run();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let files = own(&setup);
    let hours: BTreeSet<_> = files.iter().map(|file| file.parent().unwrap()).collect();
    assert_eq!(hours.len(), files.len(), "{files:#?}");
    fs::remove_file(parquet_files(&folder(&setup)).into_iter().find(|file| file.ends_with("foreign.parquet")).unwrap())
        .unwrap();
    assert!(rows(&setup) == expected);
}

#[test]
fn a_whole_server_archives_everything_in_the_embedded_broker() {
    let sky = Sky::with(300, 100);
    let setup = Setup::embedded()
        .watching(&sky)
        .set("SERVER_ROLES", "collect,store,live,archive")
        .set("ARCHIVE_URL", "archive");
    let app = setup.start();
    sky.wait_polls(3);
    app.end();
    // A response that arrived too late to be accepted is in neither.
    let stored = setup.database().rows();
    let archived: BTreeSet<_> = rows(&setup).iter().map(|row| key(&serde_json::from_str(row).unwrap())).collect();
    assert!(archived.len() >= 300 && archived == stored, "{} archived, {} stored", archived.len(), stored.len());
}

#[test]
fn an_archive_that_cannot_be_written_is_reported_and_delays_nothing() {
    let sky = Sky::of(50);
    let setup = Setup::embedded()
        .watching(&sky)
        .set("SERVER_ROLES", "collect,store,live,archive")
        .set("ARCHIVE_URL", "archive")
        .set("ARCHIVE_MAX_DELAY", "1s");
    fs::write(folder(&setup), "a file, not a folder").unwrap();
    let app = setup.start();
    app.wait_aircraft(50);
    let sink = app.wait_actor(ACTOR, "reports the failure", |actor| !actor["last_error"].is_null());
    assert!(sink.to_string().contains("refused: failed to "), "{sink}");
    app.wait_ready();
    fs::remove_file(folder(&setup)).unwrap();
    app.wait_actor(ACTOR, "writes files", |actor| actor["observation"]["buffer"]["files"] != 0);
    app.end();
    assert!(!rows(&setup).is_empty());
}

#[test]
fn the_role_needs_a_place_to_write_to() {
    let ended = Setup::embedded().set("SERVER_ROLES", "collect,store,live,archive").run();
    assert_eq!(ended.code, Some(2));
    let last = ended.last_line();
    assert!(last.contains("archive.url") && last.contains("server.roles contains archive"), "{last}");
    let ended = Setup::embedded().arguments(["archive", "compact"]).run();
    assert_eq!(ended.code, Some(2));
    assert!(ended.last_line().contains("archive.url is empty"), "{}", ended.last_line());
    let ended = Setup::embedded().set("ARCHIVE_URL", "gs://bucket").arguments(["archive", "compact"]).run();
    assert_eq!(ended.code, Some(2));
    assert!(ended.last_line().contains("unknown scheme gs://"), "{}", ended.last_line());
}
