//! Converting a database that an earlier version wrote. Reverting the last migrations yields such a database.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use actors::domain::{StateVector, UnixTime, fields};
use actors::ports::StateStore;
use flight_monitor::storage::{Converted, MigrateError, ReportProgress, Storage};
use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::databases::{Postgres, TestDatabase, Timescale};
use crate::history::{EVERYTHING, read};
use crate::sample::{START, batch, every_field_known, hints, part, poll, state};
use crate::statistics::{around_the_world, expected, found};

const UNCONVERTIBLE: &str = "state_vectors_unconvertible";

async fn store(storage: &Storage, states: Vec<StateVector>) {
    let batch = batch(vec![part(0, None, states)]);
    storage.writer().store(&batch, &hints(&batch, false)).await.unwrap();
}

/// Reverts migrations until the table of the earlier version has its rows again.
async fn revert_to_earlier_version<D: TestDatabase>(database: &D) {
    while AssertUnwindSafe(database.count("state_vectors_scaled")).catch_unwind().await.is_ok() {
        database.revert(false).await;
    }
}

fn silent() -> ReportProgress {
    Arc::new(|_| ())
}

/// Generates states of two days, some of them in the same second, with every field known or unknown.
fn random_states() -> Vec<StateVector> {
    let random = &mut StdRng::seed_from_u64(15);
    let mut states = Vec::new();
    for i in 0..2_000 {
        let time = START + random.random_range(0..48 * 3600);
        let mut state = if i % 7 == 0 { state(i, time, "FEW") } else { every_field_known(i, time) };
        state.lat = Some(fields::lat.from_scaled(random.random_range(-90_000_000..=90_000_000)));
        state.lon = Some(fields::lon.from_scaled(random.random_range(-180_000_000..=180_000_000)));
        state.velocity = Some(fields::velocity.from_scaled(random.random_range(0..100_000)));
        state.vertical_rate = Some(fields::vertical_rate.from_scaled(random.random_range(-10_000..10_000)));
        state.baro_altitude = Some(fields::baro_altitude.from_scaled(random.random_range(-100_000..2_000_000)));
        state.time_position = Some(UnixTime(time - random.random_range(0..10_000)));
        // The earlier version had no such column.
        state.source = None;
        states.push(state);
    }
    states.sort_by_key(|state| (state.last_contact, state.icao24));
    states
}

on_each_database! {
    rows_of_an_earlier_version_are_converted_exactly
    an_interrupted_conversion_is_continued
}

async fn rows_of_an_earlier_version_are_converted_exactly<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let states = random_states();
    store(&storage, [states.clone(), vec![state(0xff_ffff, START + 7, "HUGE")]].concat()).await;
    revert_to_earlier_version(&database).await;
    database.execute("UPDATE state_vectors SET velocity = 1e300 WHERE callsign = 'HUGE'").await;

    let refused = storage.migrate().await.unwrap_err();
    assert!(matches!(refused, MigrateError::Unconverted), "{refused}");
    assert_eq!(database.count("state_vectors").await, 2_001);

    let reports = Arc::new(Mutex::new(Vec::new()));
    let reported = reports.clone();
    let converted = storage
        .migrate_and_convert(Arc::new(move |progress| reported.lock().unwrap().push((progress.rows, progress.done))))
        .await
        .unwrap()
        .converted;
    assert_eq!(converted, Some(Converted { rows: 2_000, unconvertible: 1 }));
    let reports = reports.lock().unwrap().clone();
    assert!(reports.is_sorted() && reports.iter().all(|(_, done)| (0.0..=1.0).contains(done)), "{reports:?}");
    assert_eq!(reports.last().unwrap().0, 2_000);
    assert_eq!(read(&storage, &EVERYTHING).await, states);
    assert_eq!(database.count(&format!("{UNCONVERTIBLE} WHERE callsign = 'HUGE' AND velocity = 1e300")).await, 1);

    assert_eq!(storage.migrate().await.unwrap().converted, None);
    assert_eq!(database.count("state_vectors").await, 2_000);
}

async fn an_interrupted_conversion_is_continued<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let at = |icao24: u32| Some(f64::from(icao24 % 90));
    let located = |state: StateVector| StateVector { lat: at(state.icao24.to_u32()), ..state };
    store(&storage, (0..50).flat_map(|i| poll(500, START + i * 600)).map(located).collect()).await;
    revert_to_earlier_version(&database).await;

    let interrupted = storage.migrate_and_convert(Arc::new(|_| panic!("interrupted")));
    assert!(!matches!(AssertUnwindSafe(interrupted).catch_unwind().await, Ok(Ok(_))));
    let converted = database.count("state_vectors_scaled").await;
    assert!((1..25_000).contains(&converted), "{converted}");
    assert_eq!(database.count("state_vectors").await, 25_000);
    assert!(matches!(storage.migrate().await, Err(MigrateError::Unconverted)));
    // A history has all rows or none.
    match storage.history(&EVERYTHING).await {
        Err(refused) => assert!(refused.to_string().contains("flight-monitor migrate"), "{refused}"),
        Ok(_) => assert_eq!(read(&storage, &EVERYTHING).await.len(), 25_000),
    }

    let rest = storage.migrate_and_convert(silent()).await.unwrap().converted;
    assert_eq!(rest, Some(Converted { rows: 25_000 - converted.unsigned_abs(), unconvertible: 0 }));
    assert_eq!(database.count("state_vectors").await, 25_000);
    assert!(read(&storage, &EVERYTHING).await.iter().all(|state| state.lat == at(state.icao24.to_u32())));
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn readers_of_the_earlier_table_may_read_the_view() {
    let (database, storage) = Postgres::migrated().await;
    store(&storage, poll(3, START)).await;
    revert_to_earlier_version(&database).await;
    database.execute("GRANT SELECT ON state_vectors TO pg_monitor").await;
    storage.migrate_and_convert(silent()).await.unwrap();
    for view in ["state_vectors", "latest_states"] {
        let may_read = format!("SELECT has_table_privilege('pg_monitor', '{view}', 'SELECT')");
        assert!(database.client().await.query_one(&may_read, &[]).await.unwrap().get::<_, bool>(0), "{view}");
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_view_of_the_earlier_table_is_named_and_can_be_dropped() {
    let (database, storage) = Postgres::migrated().await;
    store(&storage, poll(3, START)).await;
    revert_to_earlier_version(&database).await;
    database.execute("CREATE VIEW mine AS SELECT icao24 FROM state_vectors").await;
    let refused = storage.migrate_and_convert(silent()).await.unwrap_err();
    assert!(matches!(refused, MigrateError::Refused(_)), "{refused:?}");
    assert!(refused.to_string().contains("view mine depends on table state_vectors_unscaled"), "{refused}");
    assert_eq!(database.count("state_vectors").await, 3);
    database.execute("DROP VIEW mine").await;
    storage.migrate_and_convert(silent()).await.unwrap();
    storage.migrate().await.unwrap();
    assert_eq!(database.count("state_vectors").await, 3);
}

/// Turns the tables of an earlier version into what that version made of them.
const EARLIER_HYPERTABLE: &str = "
SELECT create_hypertable('state_vectors', 'last_contact', chunk_time_interval => INTERVAL '1 hour',
    create_default_indexes => false, migrate_data => true);
ALTER TABLE state_vectors SET (timescaledb.compress, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'icao24, last_contact');
SELECT compress_chunk(chunk) FROM show_chunks('state_vectors') AS chunk LIMIT 2;
DROP TABLE traffic_by_country;
CREATE MATERIALIZED VIEW traffic_by_country WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(INTERVAL '1 hour', last_contact) AS hour, origin_country, count(*) AS states,
    count(DISTINCT icao24) AS aircraft
FROM state_vectors GROUP BY 1, 2 WITH NO DATA;
DROP TABLE traffic_by_cell;
CREATE MATERIALIZED VIEW traffic_by_cell WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(INTERVAL '1 hour', last_contact) AS hour,
    (least(floor((lat + 90) / 5), 35) * 5 - 90)::smallint AS lat,
    (floor((lon + 180) / 5)::integer % 72 * 5 - 180)::smallint AS lon, count(*) AS states,
    count(DISTINCT icao24) AS aircraft
FROM state_vectors WHERE lat IS NOT NULL AND lon IS NOT NULL GROUP BY 1, 2, 3 WITH NO DATA";

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_compressed_hypertable_is_converted_with_its_continuous_aggregates() {
    let (database, storage) = Timescale::migrated().await;
    let states = around_the_world();
    store(&storage, states.clone()).await;
    revert_to_earlier_version(&database).await;
    for statement in EARLIER_HYPERTABLE.split(";\n") {
        database.execute(statement).await;
    }
    storage.migrate_and_convert(silent()).await.unwrap();
    assert_eq!(read(&storage, &EVERYTHING).await.len(), states.len());
    let chunks = "(SELECT FROM timescaledb_information.chunks WHERE hypertable_schema = current_schema()
        AND hypertable_name = 'state_vectors_scaled' AND is_compressed) AS chunks";
    assert_eq!(database.count(chunks).await, 3);
    assert_eq!(found(&database.0).await, expected(&states));
    storage.migrate().await.unwrap();
}
