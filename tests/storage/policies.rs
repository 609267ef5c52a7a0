//! Compression and retention by TimescaleDB's policies. The tests run the jobs that the background workers would run.

use std::time::Duration;

use actors::domain::{Icao24, StateVector, UnixTime};
use actors::ports::{Maintained, StateStore};
use flight_monitor::storage::{Policies, Statistics, Storage, StorageOptions};

use crate::databases::{TestDatabase, Timescale};
use crate::sample::{batch, hints, part, poll};

const HOUR: i64 = 60 * 60;
const CHUNKS: &str = "timescaledb_information.chunks WHERE hypertable_schema = current_schema()";
const COMPRESSED: &str = "timescaledb_information.chunks WHERE hypertable_schema = current_schema() AND is_compressed";
const JOBS: &str = "
SELECT proc_name::text, job_id,
    extract(epoch FROM coalesce(config ->> 'compress_after', config ->> 'drop_after')::interval)::bigint,
    extract(epoch FROM schedule_interval)::bigint
FROM timescaledb_information.jobs
WHERE hypertable_schema = current_schema() AND hypertable_name = 'state_vectors_scaled' ORDER BY 1";

fn options(compress_after: i64, retention: i64, chunk: i64) -> StorageOptions {
    let [compress_after, retention, chunk_interval] =
        [compress_after, retention, chunk].map(|seconds| Duration::from_secs(seconds as u64));
    StorageOptions { compress_after, retention, chunk_interval, ..StorageOptions::default() }
}

/// Returns the name, number, span and interval of each job, with times in seconds.
async fn jobs(database: &Timescale) -> Vec<(String, i32, i64, i64)> {
    let rows = database.0.client().await.query(JOBS, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

async fn run_jobs(database: &Timescale) {
    for (_, id, ..) in jobs(database).await {
        database.execute(&format!("CALL run_job({id})")).await;
    }
}

async fn migrate(database: &Timescale, options: StorageOptions) -> (Storage, Policies) {
    let storage = database.0.storage_with(options);
    let policies = storage.migrate().await.unwrap().policies;
    (storage, policies)
}

/// Generates one poll of 20 aircraft in the middle of each of these hours, counted back from the current one.
fn hours_ago(hours: impl IntoIterator<Item = i64>) -> Vec<StateVector> {
    let hour = UnixTime::now().0 / HOUR * HOUR + HOUR / 2;
    hours.into_iter().flat_map(|ago| poll(20, hour - ago * HOUR)).collect()
}

async fn store(storage: &Storage, expected: Option<i64>, states: Vec<StateVector>) -> (u64, u64) {
    let batch = batch(vec![part(0, expected, states)]);
    let stored = storage.writer().store(&batch, &hints(&batch, false)).await.unwrap();
    (stored.inserted, stored.duplicates)
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_policies_follow_the_configuration() {
    let database = Timescale::new().await;
    for (compress_after, retention, chunk, expected, every) in [
        (2 * HOUR, 30 * 24 * HOUR, HOUR, Policies::Changed, 1800),
        (2 * HOUR, 30 * 24 * HOUR, HOUR, Policies::Present, 1800),
        (3 * HOUR, 30 * 24 * HOUR, HOUR, Policies::Changed, 1800),
        (3 * HOUR, 36_500 * 24 * HOUR, HOUR, Policies::Changed, 1800),
        (3 * HOUR, 36_500 * 24 * HOUR, 365 * 24 * HOUR, Policies::Changed, 43_200),
        (60, HOUR, 60, Policies::Changed, 60),
        (60, HOUR, 60, Policies::Present, 60),
    ] {
        let (_, policies) = migrate(&database, options(compress_after, retention, chunk)).await;
        assert_eq!(policies, expected, "{compress_after} {retention} {chunk}");
        let jobs = jobs(&database).await;
        let found: Vec<_> = jobs.iter().map(|(name, _, span, every)| (&**name, *span, *every)).collect();
        assert_eq!(found, [("policy_compression", compress_after, every), ("policy_retention", retention, every)]);
    }
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_migrate_command_does_not_change_policies() {
    let database = Timescale::new().await;
    let command = database.0.storage_with(options(HOUR, 24 * HOUR, HOUR));
    assert_eq!(command.migrate_schema().await.unwrap().policies, Policies::Skipped);
    assert_eq!(jobs(&database).await, []);
    migrate(&database, options(2 * HOUR, 365 * 24 * HOUR, HOUR)).await;
    let before = jobs(&database).await;
    let migrated = command.migrate_schema().await.unwrap();
    assert_eq!((migrated.policies, migrated.statistics), (Policies::Skipped, Statistics::Present));
    assert_eq!(jobs(&database).await, before);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_removed_policy_is_recreated() {
    let database = Timescale::new().await;
    migrate(&database, StorageOptions::default()).await;
    database.execute("SELECT remove_retention_policy('state_vectors_scaled')").await;
    assert_eq!(migrate(&database, StorageOptions::default()).await.1, Policies::Changed);
    assert_eq!(jobs(&database).await.len(), 2);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn old_chunks_are_compressed_then_dropped() {
    let database = Timescale::new().await;
    let (storage, _) = migrate(&database, options(4 * HOUR, 10 * HOUR, HOUR)).await;
    let states = hours_ago([0, 1, 2, 6, 7, 8]);
    assert_eq!(store(&storage, None, states.clone()).await, (120, 0));
    run_jobs(&database).await;
    assert_eq!((database.count(CHUNKS).await, database.count(COMPRESSED).await), (6, 3));
    // Compressed chunks are still readable, and late rows are inserted into them.
    let mut aircraft: Vec<_> = states.iter().filter(|state| state.icao24.to_u32() == 3).cloned().collect();
    aircraft.sort_by_key(|state| state.last_contact);
    let whole = (Icao24::from_u32(3), UnixTime(0), UnixTime(i64::MAX));
    assert_eq!(storage.track(whole.0, whole.1, whole.2, 100).await.unwrap(), aircraft);
    let mut late = hours_ago([7]);
    late.extend(
        late.clone().into_iter().map(|state| StateVector { last_contact: UnixTime(state.last_contact.0 + 1), ..state }),
    );
    assert_eq!(store(&storage, Some(120), late).await, (20, 20));
    // The next run compresses the late rows.
    run_jobs(&database).await;
    assert_eq!((database.count(COMPRESSED).await, database.count("state_vectors").await), (3, 140));
    database.execute("SELECT decompress_chunk(chunk, true) FROM show_chunks('state_vectors_scaled') AS chunk").await;
    assert_eq!((database.count(COMPRESSED).await, database.count("state_vectors").await), (0, 140));
    run_jobs(&database).await;
    assert_eq!(database.count(COMPRESSED).await, 3);

    let (storage, policies) = migrate(&database, options(HOUR, 5 * HOUR, HOUR)).await;
    assert_eq!(policies, Policies::Changed);
    run_jobs(&database).await;
    assert_eq!((database.count(CHUNKS).await, database.count("state_vectors").await), (3, 60));
    let left = storage.track(whole.0, whole.1, whole.2, 100).await.unwrap();
    assert_eq!(left, aircraft[3..]);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_server_enforces_retention_only_without_a_policy() {
    let database = Timescale::new().await;
    let (storage, _) = migrate(&database, options(2 * HOUR, 5 * HOUR, HOUR)).await;
    store(&storage, None, hours_ago([0, 1, 8, 9])).await;
    let writer = storage.writer();
    let nothing_more = Maintained { expired: 0, more: false };
    assert_eq!(writer.maintain().await.unwrap(), nothing_more);
    assert_eq!(database.count(CHUNKS).await, 4);
    // Like a server whose licence does not include policies.
    database.execute("SELECT remove_retention_policy('state_vectors_scaled')").await;
    assert_eq!(writer.maintain().await.unwrap(), nothing_more);
    assert_eq!((database.count(CHUNKS).await, database.count("state_vectors").await), (2, 40));
}
