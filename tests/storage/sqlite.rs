//! Behaviour specific to SQLite: files, and a database in memory.

use std::time::{Duration, Instant};

use actors::ports::{StateStore, StoreError};
use diesel::connection::SimpleConnection;
use flight_monitor::storage::{DatabaseUrl, MigrateError, OpenError, Storage, StorageOptions};

use crate::databases::{Sqlite, TestDatabase};
use crate::sample::{START, batch, hints, part, poll, state};

const SHORT: Duration = Duration::from_millis(300);

#[actix_rt::test]
async fn clones_of_an_in_memory_database_share_it_and_other_instances_do_not() {
    let open = || Storage::open(&DatabaseUrl::SqliteMemory, StorageOptions::default()).unwrap();
    let (storage, other) = (open(), open());
    storage.migrate().await.unwrap();
    let writer = storage.writer();
    let batch = batch(vec![part(0, None, poll(1000, START))]);
    assert_eq!(writer.store(&batch, &hints(&batch, true)).await.unwrap().inserted, 1000);
    // The data outlives the writer and its connection.
    writer.reset();
    drop(writer);
    let clone = storage.clone();
    drop(storage);
    assert_eq!(clone.observe().await.unwrap().newest_record, Some(1_000_000));
    other.ping().await.unwrap_err();
}

#[actix_rt::test]
async fn readers_and_the_writer_do_not_block_each_other() {
    let (database, storage) = Sqlite::migrated().await;
    let writer = storage.writer();
    let mut reader = database.client();
    reader.batch_execute("BEGIN; SELECT * FROM state_vectors").unwrap();
    let batch = batch(vec![part(0, None, vec![state(1, START, "A")])]);
    assert_eq!(writer.store(&batch, &hints(&batch, true)).await.unwrap().inserted, 1);
    let mut other = database.client();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    storage.ping().await.unwrap();
}

#[actix_rt::test]
async fn waiting_for_another_writing_process_is_bounded() {
    let (database, _) = Sqlite::migrated().await;
    let storage = database.storage_with(StorageOptions { lock_timeout: SHORT, ..StorageOptions::default() });
    let mut other = database.client();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let batch = batch(vec![part(0, None, vec![state(1, START, "A")])]);
    let asked = Instant::now();
    let writer = storage.writer();
    let error = writer.store(&batch, &hints(&batch, true)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(reason) if reason.contains("locked")), "{error}");
    assert!(matches!(storage.migrate().await, Err(MigrateError::Locked { .. })));
    assert!(asked.elapsed() < 10 * SHORT);
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(writer.store(&batch, &hints(&batch, true)).await.unwrap().inserted, 1);
}

#[actix_rt::test]
async fn a_batch_of_a_hung_thread_times_out_and_is_stored_once() {
    let (database, _) = Sqlite::migrated().await;
    let storage = database.storage_with(StorageOptions { statement_timeout: SHORT, ..StorageOptions::default() });
    let mut other = database.client();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let writer = storage.writer();
    let batch = batch(vec![part(0, None, vec![state(1, START, "A")])]);
    for _ in 0..3 {
        let asked = Instant::now();
        let error = writer.store(&batch, &hints(&batch, true)).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(reason) if reason.contains("did not finish")), "{error}");
        assert!(asked.elapsed() < 3 * SHORT);
    }
    other.batch_execute("ROLLBACK").unwrap();
    // The first call continues and commits, though its caller has given up. The position then tells the next call that
    // the batch is stored.
    let again = loop {
        if let Ok(stored) = writer.store(&batch, &hints(&batch, true)).await {
            break stored;
        }
    };
    assert_eq!((again.inserted, again.fenced.len()), (0, 1));
}

#[actix_rt::test]
async fn an_unusable_file_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "this is not a database, and longer than the header of one: ".repeat(40)).unwrap();
    for path in [file.clone(), file.join("below/it.db"), folder.path().to_owned()] {
        let error = Storage::open(&DatabaseUrl::SqliteFile(path.clone()), StorageOptions::default()).unwrap_err();
        assert!(matches!(&error, OpenError::File { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    // Opening the file must not overwrite it.
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("this is not a database"));
}
