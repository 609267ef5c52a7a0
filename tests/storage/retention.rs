//! Retention enforced by the program itself, where no TimescaleDB policy does it.

use std::time::Duration;

use actors::domain::{Icao24, StateVector, UnixTime};
use actors::ports::{Maintained, StateStore, StoreError};
use flight_monitor::storage::{StorageOptions, Writer};

use crate::databases::{Postgres, Sqlite, TestDatabase, Timescale};
use crate::sample::{batch, hints, part, poll, state};

const HOUR: i64 = 60 * 60;

fn kept(hours: u64) -> StorageOptions {
    StorageOptions {
        retention: Duration::from_secs(hours * 60 * 60),
        maintenance_rows: 300,
        ..StorageOptions::default()
    }
}

async fn store(writer: &Writer, expected: Option<i64>, states: Vec<StateVector>) {
    let batch = batch(vec![part(0, expected, states)]);
    writer.store(&batch, &hints(&batch, false)).await.unwrap();
}

/// Runs maintenance steps until nothing is left to do. Returns the number of rows that each step deleted.
async fn maintain(writer: &Writer) -> Vec<u64> {
    let mut steps = Vec::new();
    loop {
        let Maintained { expired, more } = writer.maintain().await.unwrap();
        steps.push(expired);
        if !more {
            return steps;
        }
    }
}

/// Generates 50 aircraft with 20 states each for these hours before now.
fn hours_ago(hours: &[i64]) -> Vec<StateVector> {
    let now = UnixTime::now().0;
    hours.iter().flat_map(|hour| (1..=20).flat_map(move |i| poll(50, now - hour * HOUR - i))).collect()
}

async fn expired_rows_are_deleted_in_small_steps<D: TestDatabase>() {
    let database = D::new().await;
    let storage = database.storage_with(kept(4));
    storage.migrate().await.unwrap();
    let writer = storage.writer();
    assert_eq!(maintain(&writer).await, [0]);
    store(&writer, None, hours_ago(&[1, 3, 5])).await;
    // One aircraft has more old rows than a step may delete, another has only old rows.
    let long_ago = UnixTime::now().0 - 100 * HOUR;
    let many = (0..700).map(|i| state(7, long_ago + i, "MANY")).chain([state(0xff_ffff, long_ago, "GONE")]).collect();
    store(&writer, Some(3000), many).await;

    let steps = maintain(&writer).await;
    assert_eq!(steps.iter().sum::<u64>(), 1000 + 701, "{steps:?}");
    assert!(steps.iter().all(|expired| *expired <= 300), "{steps:?}");
    assert_eq!(database.count("state_vectors").await, 2000);
    let first = storage.track(Icao24::from_u32(7), UnixTime(0), UnixTime(i64::MAX), 1).await.unwrap();
    assert!(first[0].last_contact.0 > UnixTime::now().0 - 4 * HOUR);
    // Rows that arrive too late are also deleted, which starts another round.
    store(&writer, Some(3701), vec![state(1, long_ago, "LATE"), state(0xff_ffff, long_ago, "LATE")]).await;
    assert_eq!(maintain(&writer).await, [2]);
}

async fn a_changed_retention_applies_from_the_next_start<D: TestDatabase>() {
    let database = D::new().await;
    for (hours, deleted, left) in [(6, 0, 3000), (4, 1000, 2000), (2, 1000, 1000), (8, 0, 1000)] {
        let storage = database.storage_with(kept(hours));
        storage.migrate().await.unwrap();
        let writer = storage.writer();
        if hours == 6 {
            store(&writer, None, hours_ago(&[1, 3, 5])).await;
        }
        assert_eq!(maintain(&writer).await.iter().sum::<u64>(), deleted);
        assert_eq!(database.count("state_vectors").await, left);
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn expired_rows_are_deleted_in_small_steps_on_postgresql() {
    expired_rows_are_deleted_in_small_steps::<Postgres>().await;
}

#[actix_rt::test]
async fn expired_rows_are_deleted_in_small_steps_on_sqlite() {
    expired_rows_are_deleted_in_small_steps::<Sqlite>().await;
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_changed_retention_applies_from_the_next_start_on_postgresql() {
    a_changed_retention_applies_from_the_next_start::<Postgres>().await;
}

#[actix_rt::test]
async fn a_changed_retention_applies_from_the_next_start_on_sqlite() {
    a_changed_retention_applies_from_the_next_start::<Sqlite>().await;
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_plain_table_on_a_timescaledb_server_has_retention() {
    let database = Timescale::new().await;
    let storage = database.storage_with(kept(4));
    database.0.make_tables().await;
    // The columns that summarizing reads, in a view that `migrate` would create.
    let view = "CREATE VIEW state_vectors AS SELECT icao24, last_contact, callsign, lat / 1e6::float8 AS lat,
        lon / 1e6::float8 AS lon, baro_altitude / 100::float8 AS baro_altitude,
        geo_altitude / 100::float8 AS geo_altitude, on_ground FROM state_vectors_scaled";
    database.execute(view).await;
    let writer = storage.writer();
    store(&writer, None, hours_ago(&[1, 5])).await;
    assert_eq!(maintain(&writer).await.iter().sum::<u64>(), 1000);
    assert_eq!(database.count("state_vectors").await, 1000);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn locked_rows_are_deleted_in_a_later_step() {
    let database = Postgres::new().await;
    let storage = database.storage_with(StorageOptions { maintenance_timeout: Duration::from_millis(300), ..kept(4) });
    storage.migrate().await.unwrap();
    let writer = storage.writer();
    store(&writer, None, hours_ago(&[1, 5])).await;
    let other = database.client().await;
    other.batch_execute("BEGIN; SELECT FROM state_vectors_scaled FOR UPDATE").await.unwrap();
    assert!(matches!(writer.maintain().await, Err(StoreError::Unavailable(_))));
    // Storing still works while the rows are locked.
    store(&writer, Some(2000), vec![state(1, UnixTime::now().0, "NEW")]).await;
    other.batch_execute("ROLLBACK").await.unwrap();
    let steps = maintain(&writer).await;
    assert_eq!(steps.iter().sum::<u64>(), 1000);
    assert!(steps[0] < 300, "the step after a failure is not smaller: {steps:?}");
}

#[actix_rt::test]
async fn rows_of_a_locked_file_are_deleted_in_a_later_step() {
    let database = Sqlite::new().await;
    let options = StorageOptions { lock_timeout: Duration::from_millis(200), ..kept(4) };
    let storage = database.storage_with(options);
    storage.migrate().await.unwrap();
    let writer = storage.writer();
    store(&writer, None, hours_ago(&[5])).await;
    database.execute("SELECT 1").await;
    let mut other = database.client();
    diesel::connection::SimpleConnection::batch_execute(&mut other, "BEGIN IMMEDIATE").unwrap();
    assert!(matches!(writer.maintain().await, Err(StoreError::Unavailable(_))));
    diesel::connection::SimpleConnection::batch_execute(&mut other, "ROLLBACK").unwrap();
    assert_eq!(maintain(&writer).await.iter().sum::<u64>(), 1000);
}
