//! Measures how fast rows are stored. Run with `make bench-store`, with PostgreSQL in `TEST_DATABASE_URL`.
//!
//! Stores batches of 12,000 rows, the size of a poll of the whole world, each in one transaction, on one connection.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot continue has failed")]
#![allow(clippy::print_stdout, reason = "the table is the output")]

#[path = "../../tests/storage/databases.rs"]
#[allow(dead_code, reason = "shared with the tests, which need more of it")]
mod databases;
#[path = "../../tests/storage/sample.rs"]
#[allow(dead_code, reason = "shared with the tests, which need more of it")]
mod sample;

use std::pin::pin;
use std::time::{Duration, Instant};

use actors::batch::Batch;
use actors::domain::{Field, StateVector, UnixTime, fields};
use actors::ports::StateStore;
use bytes::Bytes;
use databases::{Postgres, Sqlite, TestDatabase};
use flight_monitor::storage::{Storage, Writer};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use sample::{START, batch, hints, part, state};
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

const ROWS: u32 = 12_000;
const POLLS: u32 = 25;
const COLUMNS: &str = "icao24, last_contact, time_position, observed_at, lat, lon, baro_altitude, geo_altitude, velocity, \
     true_track, vertical_rate, position_source, category, on_ground, spi, callsign, squawk, origin_country";

/// Creates the state of an aircraft in flight, with every field known.
fn flying(icao24: u32, time: i64) -> StateVector {
    let at = |scale: f64| Some(f64::from(icao24) * scale + time as f64 % 97.0);
    StateVector {
        origin_country: Some("United Kingdom".into()),
        time_position: Some(UnixTime(time - 1)),
        lat: at(0.001),
        lon: at(0.002),
        baro_altitude: at(0.5),
        geo_altitude: at(0.51),
        on_ground: Some(false),
        velocity: at(0.01),
        true_track: at(0.0003),
        vertical_rate: at(0.0001),
        squawk: Some("1000".into()),
        spi: Some(false),
        position_source: Some(0),
        category: Some(3),
        observed_at: Some(UnixTime(time)),
        ..state(icao24, time, "BAW123AB")
    }
}

/// Creates polls 87 s apart, in six partitions, with unsorted addresses.
fn polls() -> Vec<Batch> {
    (0..POLLS)
        .map(|poll| {
            let parts = (0..6).map(|partition| {
                let rows = (0..ROWS / 6).map(|i| {
                    let icao24 = (i * 6 + partition as u32).wrapping_mul(2_654_435_761) & 0xff_ffff;
                    flying(icao24, START + i64::from(poll) * 87 + i64::from(i % 10))
                });
                let expected = (poll > 0).then_some(i64::from(poll * (ROWS / 6)));
                part(partition, expected, rows.collect())
            });
            batch(parts.collect())
        })
        .collect()
}

/// The elapsed time of one way to store rows, and the CPU time of this process, excluding the database server.
struct Took {
    elapsed: Duration,
    own: Duration,
}

struct Stopwatch {
    start: Instant,
    own: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self { start: Instant::now(), own: own_time() }
    }

    fn stop(&self) -> Took {
        Took { elapsed: self.start.elapsed(), own: own_time() - self.own }
    }
}

/// Returns the user and system time of this process.
fn own_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let duration = |time: TimeVal| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()) as u64);
    duration(usage.user_time()) + duration(usage.system_time())
}

async fn store(writer: &Writer, polls: &[Batch], likely_new: bool) -> Took {
    let hints: Vec<_> = polls.iter().map(|batch| hints(batch, likely_new)).collect();
    let stopwatch = Stopwatch::start();
    for (batch, hints) in polls.iter().zip(&hints) {
        let stored = writer.store(batch, hints).await.unwrap();
        assert_eq!((stored.inserted + stored.duplicates, stored.fenced.len()), (u64::from(ROWS), 0));
    }
    stopwatch.stop()
}

fn report(what: &str, took: &Took) {
    let rows = f64::from(ROWS * POLLS);
    let (speed, own) = (rows / took.elapsed.as_secs_f64() / 1e3, took.own.as_secs_f64() / rows * 1e6);
    println!("{what:<50} {speed:>7.1} k rows/s {own:>6.2} µs of this process for a row");
}

async fn measure_writer(name: &str, database: &impl TestDatabase, storage: &Storage, polls: &[Batch]) {
    let empty = "DELETE FROM ingest_position";
    report(&format!("{name}: writer, every row new"), &store(&storage.writer(), polls, true).await);
    database.execute(empty).await;
    report(&format!("{name}: writer, every row a duplicate"), &store(&storage.writer(), polls, false).await);
    database.execute(empty).await;
    database.execute("DELETE FROM state_vectors_scaled").await;
}

/// Returns the rows of each poll in the server's own binary format, sorted by key: the best that a client can do.
async fn encoded(client: &Client, polls: &[Batch]) -> Vec<Vec<Bytes>> {
    let mut encoded = Vec::new();
    for poll in polls {
        let (from, to) =
            poll.iter().map(|state| state.last_contact.0).fold((i64::MAX, 0), |(a, b), t| (a.min(t), b.max(t)));
        let copy = format!(
            "COPY (SELECT {COLUMNS} FROM state_vectors_scaled WHERE last_contact BETWEEN to_timestamp({from}) AND to_timestamp({to})
             ORDER BY icao24, last_contact) TO STDOUT (FORMAT binary)"
        );
        encoded.push(client.copy_out(&copy).await.unwrap().try_collect().await.unwrap());
    }
    encoded
}

async fn copy_encoded(client: &mut Client, polls: &[Vec<Bytes>]) -> Took {
    let copy =
        client.prepare(&format!("COPY state_vectors_scaled ({COLUMNS}) FROM STDIN (FORMAT binary)")).await.unwrap();
    let stopwatch = Stopwatch::start();
    for poll in polls {
        let transaction = client.transaction().await.unwrap();
        let mut sink = pin!(transaction.copy_in::<_, Bytes>(&copy).await.unwrap());
        sink.send_all(&mut futures_util::stream::iter(poll.iter().cloned()).map(Ok)).await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), u64::from(ROWS));
        transaction.commit().await.unwrap();
    }
    stopwatch.stop()
}

/// Returns the values of a row, for the ways that take them one by one.
fn values(state: &StateVector) -> Vec<Box<dyn ToSql + Sync + Send>> {
    let last_contact = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(state.last_contact.0 as u64);
    let after = |time: UnixTime| (time.0 - state.last_contact.0) as i32;
    let scaled = |field: &Field, number: Option<f64>| Box::new(number.map(|number| field.to_scaled(number)));
    vec![
        Box::new(state.icao24.to_string()),
        Box::new(last_contact),
        Box::new(state.time_position.map(after)),
        Box::new(state.observed_at.map(after)),
        scaled(&fields::lat, state.lat),
        scaled(&fields::lon, state.lon),
        scaled(&fields::baro_altitude, state.baro_altitude),
        scaled(&fields::geo_altitude, state.geo_altitude),
        scaled(&fields::velocity, state.velocity),
        scaled(&fields::true_track, state.true_track),
        scaled(&fields::vertical_rate, state.vertical_rate),
        Box::new(state.position_source),
        Box::new(state.category),
        Box::new(state.on_ground),
        Box::new(state.spi),
        Box::new(state.callsign.as_ref().map(ToString::to_string)),
        Box::new(state.squawk.as_ref().map(ToString::to_string)),
        Box::new(state.origin_country.as_ref().map(ToString::to_string)),
    ]
}

/// Stores rows with the client library's encoder, sorted by key.
async fn copy_by_library(client: &mut Client, polls: &[Batch]) -> Took {
    let copy =
        client.prepare(&format!("COPY state_vectors_scaled ({COLUMNS}) FROM STDIN (FORMAT binary)")).await.unwrap();
    let mut types = vec![Type::TEXT, Type::TIMESTAMPTZ];
    types.extend([Type::INT4; 9]);
    types.extend([Type::INT2, Type::INT2, Type::BOOL, Type::BOOL, Type::TEXT, Type::TEXT, Type::TEXT]);
    let stopwatch = Stopwatch::start();
    for poll in polls {
        let transaction = client.transaction().await.unwrap();
        let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&copy).await.unwrap(), &types));
        let mut states: Vec<_> = poll.iter().collect();
        states.sort_by_key(|state| (state.icao24, state.last_contact));
        for state in states {
            writer.as_mut().write_raw(values(state).iter().map(|value| &**value as &(dyn ToSql + Sync))).await.unwrap();
        }
        assert_eq!(writer.finish().await.unwrap(), u64::from(ROWS));
        transaction.commit().await.unwrap();
    }
    stopwatch.stop()
}

async fn insert_by_hundreds(client: &mut Client, polls: &[Batch]) -> Took {
    let row =
        |row: usize| format!("({})", (1..=18).map(|i| format!("${}", row * 18 + i)).collect::<Vec<_>>().join(","));
    let rows = (0..100).map(row).collect::<Vec<_>>().join(",");
    let insert = format!("INSERT INTO state_vectors_scaled ({COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING");
    let insert = client.prepare(&insert).await.unwrap();
    let stopwatch = Stopwatch::start();
    for poll in polls {
        let transaction = client.transaction().await.unwrap();
        let states: Vec<_> = poll.iter().collect();
        for hundred in states.chunks(100) {
            let values: Vec<_> = hundred.iter().flat_map(|state| values(state)).collect();
            let values: Vec<_> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            transaction.execute(&insert, &values).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    stopwatch.stop()
}

#[actix_rt::main]
async fn main() {
    let polls = polls();
    let (database, storage) = Postgres::migrated().await;
    let mut client = database.client().await;
    store(&storage.writer(), &polls, true).await;
    let encoded = encoded(&client, &polls).await;
    for round in 1..=2 {
        println!("round {round}: {POLLS} batches of {ROWS} rows");
        let empty = "TRUNCATE state_vectors_scaled, ingest_position; CHECKPOINT";
        client.batch_execute(empty).await.unwrap();
        report("PostgreSQL: encoded and sorted beforehand, COPY", &copy_encoded(&mut client, &encoded).await);
        client.batch_execute(empty).await.unwrap();
        report("PostgreSQL: writer, every row new", &store(&storage.writer(), &polls, true).await);
        client.batch_execute("DELETE FROM ingest_position").await.unwrap();
        report("PostgreSQL: writer, every row a duplicate", &store(&storage.writer(), &polls, false).await);
        client.batch_execute(empty).await.unwrap();
        report("PostgreSQL: writer, every row new, by staging", &store(&storage.writer(), &polls, false).await);
        client.batch_execute(empty).await.unwrap();
        report("PostgreSQL: the client library's COPY", &copy_by_library(&mut client, &polls).await);
        client.batch_execute(empty).await.unwrap();
        report("PostgreSQL: INSERT of 100 rows", &insert_by_hundreds(&mut client, &polls).await);
        let (file, storage) = Sqlite::migrated().await;
        measure_writer("SQLite", &file, &storage, &polls).await;
    }
}
