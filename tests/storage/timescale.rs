//! Behaviour specific to TimescaleDB: chunks, and late rows.

use actors::domain::{Icao24, UnixTime};
use actors::ports::StateStore;
use flight_monitor::storage::{Hypertable, StorageOptions};

use crate::databases::{TestDatabase, Timescale};
use crate::sample::{START, batch, hints, part, poll};

const CHUNKS: &str = "timescaledb_information.chunks WHERE hypertable_schema = current_schema()";
const INDEXES: &str = "pg_indexes WHERE schemaname = current_schema() AND tablename = 'state_vectors_scaled'";

async fn chunk_seconds(database: &Timescale) -> i64 {
    let sql = "SELECT extract(epoch FROM time_interval)::bigint FROM timescaledb_information.dimensions
        WHERE hypertable_schema = current_schema() AND hypertable_name = 'state_vectors_scaled'";
    database.0.client().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_hypertable_has_hourly_chunks_and_no_extra_indexes() {
    let database = Timescale::new().await;
    let storage = database.storage();
    assert_eq!(storage.migrate().await.unwrap().hypertable, Hypertable::Created);
    assert_eq!(storage.migrate().await.unwrap().hypertable, Hypertable::Present);
    assert_eq!(chunk_seconds(&database).await, 3600);
    assert_eq!(database.count(INDEXES).await, 2);
    let hours = batch(vec![part(0, None, (0..3).flat_map(|hour| poll(5, START + 3600 * hour)).collect())]);
    assert_eq!(storage.writer().store(&hours, &hints(&hours, true)).await.unwrap().inserted, 15);
    assert_eq!(database.count(CHUNKS).await, 3);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_changed_interval_applies_to_new_chunks() {
    let (database, _) = Timescale::migrated().await;
    let chunk_interval = std::time::Duration::from_secs(1800);
    let storage = database.0.storage_with(StorageOptions { chunk_interval, ..StorageOptions::default() });
    assert_eq!(storage.migrate().await.unwrap().hypertable, Hypertable::Present);
    assert_eq!(chunk_seconds(&database).await, 1800);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_plain_table_with_rows_becomes_a_hypertable() {
    let database = Timescale::new().await;
    // As if the extension had been installed after the rows were stored.
    database.0.make_tables().await;
    let storage = database.storage();
    let writer = storage.writer();
    let first = batch(vec![part(0, None, (0..2).flat_map(|hour| poll(50, START + 3600 * hour)).collect())]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    assert_eq!(database.count(CHUNKS).await, 0);

    assert_eq!(storage.migrate().await.unwrap().hypertable, Hypertable::Created);
    assert_eq!(database.count(CHUNKS).await, 2);
    assert_eq!(database.count("state_vectors").await, 100);
    // The same connection keeps working, and the key is still unique.
    let second = batch(vec![part(0, Some(100), [poll(50, START), poll(1, START + 1)].concat())]);
    let stored = writer.store(&second, &hints(&second, true)).await.unwrap();
    assert_eq!((stored.inserted, stored.duplicates), (1, 50));
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn late_rows_are_stored_once_in_compressed_chunks() {
    let (database, storage) = Timescale::migrated().await;
    let writer = storage.writer();
    let first = batch(vec![part(0, None, poll(2000, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    database.execute("SELECT compress_chunk(chunk) FROM show_chunks('state_vectors_scaled') AS chunk").await;
    for (offset, likely_new) in [(2000, true), (4010, false)] {
        let late = [poll(2000, START), poll(10, START + offset)].concat();
        let late = batch(vec![part(0, Some(offset), late)]);
        let stored = writer.store(&late, &hints(&late, likely_new)).await.unwrap();
        assert_eq!((stored.inserted, stored.duplicates, stored.fenced.len()), (10, 2000, 0));
    }
    assert_eq!(database.count("state_vectors").await, 2020);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_session_can_store_any_number_of_late_rows() {
    let (mut database, _) = Timescale::migrated().await;
    database
        .execute(
            "CREATE FUNCTION show_limit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                NEW.callsign := current_setting('timescaledb.max_tuples_decompressed_per_dml_transaction');
                RETURN NEW;
             END $$;
             CREATE TRIGGER show_limit BEFORE INSERT ON state_vectors_scaled FOR EACH ROW EXECUTE FUNCTION show_limit()",
        )
        .await;
    // Sessions start with a limit, as they do by default.
    let limited = database.0.url.query().unwrap().to_owned();
    let limited = format!("{limited}%20-ctimescaledb.max_tuples_decompressed_per_dml_transaction%3D7");
    database.0.url.set_query(Some(&limited));
    let row = "INSERT INTO state_vectors_scaled (icao24, last_contact) VALUES ('000002', to_timestamp(0))";
    database.execute(row).await;
    let storage = database.storage();
    let batch = batch(vec![part(0, None, poll(2, START))]);
    storage.writer().store(&batch, &hints(&batch, true)).await.unwrap();
    for (icao24, limit) in [(0, "0"), (1, "0"), (2, "7")] {
        let track = storage.track(Icao24::from_u32(icao24), UnixTime(0), UnixTime(START), 1).await.unwrap();
        assert_eq!(track[0].callsign.as_deref(), Some(limit));
    }
}
