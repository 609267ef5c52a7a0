//! What is left of a batch when the process is killed in the middle of storing it.

use std::os::unix::process::ExitStatusExt;
use std::str::FromStr;

use actors::batch::Batch;
use actors::ports::StateStore;
use flight_monitor::storage::{DatabaseUrl, Storage, StorageOptions};

use crate::databases::{Postgres, Sqlite, TestDatabase};
use crate::sample::{START, batch, hints, part, poll};

const URL: &str = "FLIGHT_MONITOR_TEST_KILL_URL";

fn batches() -> [Batch; 2] {
    [batch(vec![part(0, None, poll(10, START))]), batch(vec![part(0, Some(10), poll(10, START + 1))])]
}

/// Runs in a process of its own, which another test starts; by itself it does nothing.
#[actix_rt::test]
async fn the_process_that_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let _failpoints = fail::FailScenario::setup();
    let writer = Storage::open(&DatabaseUrl::from_str(&url).unwrap(), StorageOptions::default()).unwrap().writer();
    for batch in batches() {
        writer.store(&batch, &hints(&batch, true)).await.unwrap();
    }
}

async fn stored_after_a_kill<D: TestDatabase>(url: impl Fn(&D) -> String) {
    for (failpoint, rows, inserted_later, fenced_later) in
        [("store-rows-sent", 10, 10, 0), ("store-committed", 20, 0, 1)]
    {
        let (database, storage) = D::migrated().await;
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        process.args(["kill::the_process_that_is_killed", "--exact"]).env(URL, url(&database));
        // The first batch passes.
        process.env("FAILPOINTS", format!("{failpoint}=1*off->return"));
        let status = tokio::task::spawn_blocking(move || process.output().unwrap().status).await.unwrap();
        assert_eq!(status.signal(), Some(9), "{failpoint}: {status}");
        assert_eq!(database.count("state_vectors").await, rows, "{failpoint}");
        let [_, second] = batches();
        let stored = storage.writer().store(&second, &hints(&second, true)).await.unwrap();
        assert_eq!((stored.inserted, stored.fenced.len()), (inserted_later, fenced_later), "{failpoint}");
        assert_eq!(database.count("state_vectors").await, 20);
    }
}

#[actix_rt::test]
async fn postgresql_has_all_of_a_batch_or_nothing() {
    stored_after_a_kill::<Postgres>(|database| database.url.to_string()).await;
}

#[actix_rt::test]
async fn sqlite_has_all_of_a_batch_or_nothing() {
    stored_after_a_kill::<Sqlite>(|database| format!("sqlite://{}", database.path.display())).await;
}
