//! Behaviour specific to PostgreSQL, which is reached through a network and can stop.

use std::str::FromStr;
use std::time::{Duration, Instant};

use actors::domain::{Icao24, UnixTime};
use actors::ports::{LikelyNew, StateStore, StoreError};
use flight_monitor::storage::{DatabaseUrl, Hypertable, MigrateError, QueryError, Storage, StorageOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::databases::{Postgres, TestDatabase, migrations};
use crate::proxy::{Condition, Proxy};
use crate::sample::{START, batch, hints, part, poll, state};

const SHORT: Duration = Duration::from_millis(700);

fn short() -> StorageOptions {
    StorageOptions {
        connect_timeout: SHORT,
        statement_timeout: SHORT,
        lock_timeout: SHORT,
        query_timeout: SHORT,
        migration_lock_timeout: SHORT,
        ..StorageOptions::default()
    }
}

fn open(url: &url::Url, options: StorageOptions) -> Storage {
    Storage::open(&DatabaseUrl::from_str(url.as_str()).unwrap(), options).unwrap()
}

fn assert_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>, asked: Instant) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    // Connecting and the statement each have their own timeout.
    assert!(asked.elapsed() < 3 * SHORT + Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_silent_network_makes_the_database_unavailable() {
    let (database, storage) = Postgres::migrated().await;
    let proxy = Proxy::in_front_of(&database.url).await;
    let far = open(&proxy.url, short());
    let writer = far.writer();
    let first = batch(vec![part(0, None, poll(10, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    far.ping().await.unwrap();

    proxy.set(Condition::Silent);
    let second = batch(vec![part(0, Some(10), poll(10, START + 1))]);
    for _ in 0..2 {
        // The first call fails on an open connection, later calls fail to connect.
        let asked = Instant::now();
        assert_unavailable(&writer.store(&second, &hints(&second, true)).await, asked);
        let asked = Instant::now();
        assert_unavailable(&writer.positions(&second.log, &[0]).await, asked);
        assert!(matches!(far.ping().await, Err(QueryError::Unavailable(_))));
        let track = far.track(Icao24::from_u32(1), UnixTime(0), UnixTime(START), 1).await;
        assert!(matches!(track, Err(QueryError::Unavailable(_))));
        assert!(matches!(far.migrate().await, Err(MigrateError::Unavailable(_))));
    }
    proxy.set(Condition::Normal);
    let stored = writer.store(&second, &hints(&second, true)).await.unwrap();
    assert_eq!((stored.inserted, stored.fenced.len()), (10, 0));
    far.ping().await.unwrap();
    drop(storage);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_suspended_server_process_makes_the_database_unavailable() {
    let (database, _) = Postgres::migrated().await;
    let storage = database.storage_with(short());
    let writer = storage.writer();
    let first = batch(vec![part(0, None, poll(10, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    let backends =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'flight-monitor'";
    let pid: i32 = database.client().await.query_one(backends, &[]).await.unwrap().get(0);

    kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("the server has to run on this machine");
    let second = batch(vec![part(0, Some(10), poll(10, START + 1))]);
    let asked = Instant::now();
    let answer = writer.store(&second, &hints(&second, true)).await;
    // The stopped process holds no lock, so a new connection can proceed.
    let again = writer.store(&second, &hints(&second, true)).await;
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    assert_unavailable(&answer, asked);
    assert_eq!(again.unwrap().inserted, 10);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_commit_whose_response_was_lost_is_recognised_by_the_position() {
    let (database, _) = Postgres::migrated().await;
    let proxy = Proxy::in_front_of(&database.url).await;
    let writer = open(&proxy.url, short()).writer();
    let batch = batch(vec![part(0, None, poll(10, START))]);
    proxy.set(Condition::LosesCommitResponse);
    let asked = Instant::now();
    assert_unavailable(&writer.store(&batch, &hints(&batch, true)).await, asked);
    proxy.set(Condition::Normal);
    let again = writer.store(&batch, &hints(&batch, true)).await.unwrap();
    assert_eq!(again.fenced[0].found.unwrap().next_offset, batch.parts[0].next_offset);
    assert_eq!((again.inserted, database.count("state_vectors").await), (0, 10));
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_restarted_server_is_reconnected_to() {
    let (database, _) = Postgres::migrated().await;
    let proxy = Proxy::in_front_of(&database.url).await;
    let storage = open(&proxy.url, short());
    let writer = storage.writer();
    for round in 0..3 {
        let batch = batch(vec![part(0, (round > 0).then_some(round), vec![state(1, START + round, "A")])]);
        let mut stored = writer.store(&batch, &hints(&batch, true)).await;
        if round > 0 && stored.is_err() {
            // The first call may be the one that notices that the connection was closed.
            stored = writer.store(&batch, &hints(&batch, true)).await;
        }
        assert_eq!(stored.unwrap().inserted, 1);
        storage.ping().await.unwrap();
        if round == 0 {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'flight-monitor'";
            database.execute(end).await;
        } else {
            proxy.set(Condition::Cut);
            assert!(matches!(writer.positions(&batch.log, &[0]).await, Err(StoreError::Unavailable(_))));
            assert!(matches!(storage.ping().await, Err(QueryError::Unavailable(_))));
            proxy.set(Condition::Normal);
        }
    }
    assert_eq!(database.count("state_vectors").await, 3);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn an_abandoned_call_leaves_nothing_behind() {
    let (database, storage) = Postgres::migrated().await;
    let writer = storage.writer();
    let holder = database.client().await;
    let first = batch(vec![part(0, None, poll(10, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    holder.batch_execute("BEGIN; SELECT * FROM ingest_position FOR UPDATE").await.unwrap();
    let second = batch(vec![part(0, Some(10), poll(10, START + 1))]);
    // The call is cancelled in the middle of its transaction, while it waits for the lock.
    let given_up = tokio::time::timeout(SHORT, writer.store(&second, &hints(&second, true))).await;
    assert!(given_up.is_err());
    holder.batch_execute("COMMIT").await.unwrap();
    let stored = writer.store(&second, &hints(&second, true)).await.unwrap();
    assert_eq!((stored.inserted, stored.fenced.len()), (10, 0));
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn waiting_for_a_lock_is_bounded() {
    let (database, _) = Postgres::migrated().await;
    let options = StorageOptions { statement_timeout: 4 * SHORT, ..short() };
    let storage = database.storage_with(options);
    let writer = storage.writer();
    let first = batch(vec![part(0, None, poll(10, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    let holder = database.client().await;
    holder.batch_execute("BEGIN; SELECT * FROM ingest_position FOR UPDATE").await.unwrap();
    let second = batch(vec![part(0, Some(10), poll(10, START + 1))]);
    let StoreError::Unavailable(reason) = writer.store(&second, &LikelyNew::default()).await.unwrap_err() else {
        panic!("not about the row")
    };
    assert!(reason.contains("lock timeout"), "{reason}");

    // This lock makes the holder look like a process that is migrating.
    holder.batch_execute(&format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(*b"flight-m"))).await.unwrap();
    let error = storage.migrate().await.unwrap_err();
    assert!(matches!(error, MigrateError::Locked { waited } if waited == SHORT), "{error}");
    drop(holder);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_row_with_an_unrepresentable_time_is_rejected() {
    let (_database, storage) = Postgres::migrated().await;
    for time in [i64::MAX, i64::MIN, 10_000_000_000_000] {
        let batch = batch(vec![part(0, None, vec![state(1, START, "A"), state(2, time, "B")])]);
        let error = storage.writer().store(&batch, &hints(&batch, true)).await.unwrap_err();
        let StoreError::Rejected { icao24, reason, .. } = &error else { panic!("{error}") };
        assert_eq!(*icao24, Icao24::from_u32(2));
        assert!(reason.contains("timestamp out of range"), "{reason}");
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_row_with_text_outside_the_server_encoding_is_rejected() {
    let database = Postgres::new().await;
    let latin = Postgres::with("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0").await;
    latin.storage().migrate().await.unwrap();
    let batch =
        batch(vec![part(0, None, vec![state(1, START, "GRÜN"), state(2, START, "日本"), state(3, START, "C")])]);
    let error = latin.storage().writer().store(&batch, &hints(&batch, true)).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected { icao24, .. } if icao24 == Icao24::from_u32(2)), "{error}");
    drop(database);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_violated_deferred_constraint_names_its_row() {
    let (database, storage) = Postgres::migrated().await;
    database
        .execute(
            "CREATE TABLE known (icao24 text COLLATE \"C\" PRIMARY KEY);
             INSERT INTO known VALUES ('000001'), ('000003');
             ALTER TABLE state_vectors_scaled ADD FOREIGN KEY (icao24) REFERENCES known DEFERRABLE INITIALLY DEFERRED",
        )
        .await;
    let batch = batch(vec![part(0, None, (1..4).map(|icao24| state(icao24, START, "A")).collect())]);
    let error = storage.writer().store(&batch, &hints(&batch, true)).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected { icao24, .. } if icao24 == Icao24::from_u32(2)), "{error}");
    assert_eq!(database.count("ingest_position").await, 0);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn a_server_without_timescaledb_keeps_a_plain_table_with_its_index() {
    let database = Postgres::new().await;
    let migrated = database.storage().migrate().await.unwrap();
    assert_eq!(migrated.applied, migrations());
    assert_eq!(migrated.applied[..6], [1, 2, 3, 4, 5, 6].map(|number| format!("2026010100000{number}")));
    if migrated.hypertable != Hypertable::NotAvailable {
        // `TEST_DATABASE_URL` may name a server that has TimescaleDB.
        return;
    }
    let client = database.client().await;
    let index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'state_vectors_scaled_last_contact'";
    let index: String = client.query_one(index, &[]).await.unwrap().get(0);
    assert!(index.contains("USING brin (last_contact)") && index.contains("pages_per_range"), "{index}");
    let uncommented = "SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE '\\_\\_%'
        AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL";
    assert_eq!(client.query_one(uncommented, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_rejected_password_is_not_in_the_error() {
    let (database, _) = Postgres::migrated().await;
    let mut url = database.url.clone();
    url.set_username("nobody_of_that_name").unwrap();
    url.set_password(Some("s3cret")).unwrap();
    let storage = open(&url, short());
    let error = storage.writer().positions(&batch(Vec::new()).log, &[0]).await.unwrap_err().to_string();
    assert!(error.contains("nobody_of_that_name") && !error.contains("s3cret"), "{error}");
    assert!(!format!("{storage:?}").contains("s3cret"));
}
